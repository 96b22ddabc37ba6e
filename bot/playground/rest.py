"""The REST routes that a bot calls, version 10."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.playground import limits
from bot.playground.bodies import read_body, reply
from bot.playground.errors import Json, Refused
from bot.playground.files import REQUEST_BYTES, Upload
from bot.playground.guild import channel_payload
from bot.playground.messages import write
from bot.playground.ratelimits import Limited
from bot.playground.world import Channel, Message, World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.playground.gateway import Gateway
    from bot.playground.interactions import Interactions
    from bot.playground.pages import Pages
    from bot.playground.ratelimits import RateLimits

log = logging.getLogger(__name__)

PREFIX = "/api/v10"
BY_TOKEN = ("/interactions/", "/webhooks/")
"""Routes whose token stands in the path: they ask for no ``Authorization``."""


@dataclass(frozen=True)
class Call:
    """One request of the bot, its body parsed."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    uploads: Mapping[int, Upload]

    @property
    def fields(self) -> Json:
        """The body, which must be an object."""
        if not isinstance(self.body, dict | None):
            raise limits.invalid((), "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return self.body or {}


class Rest:
    """Answers the bot's requests from the state of the world."""

    def __init__(
        self,
        world: World,
        gateway: Gateway,
        interactions: Interactions,
        pages: Pages,
        ratelimits: RateLimits,
    ) -> None:
        self._world = world
        self._gateway = gateway
        self._interactions = interactions
        self._pages = pages
        self._ratelimits = ratelimits

    def application(self) -> web.Application:
        """All routes, to be mounted at ``/api/v10``."""
        commands = "/applications/{application}/commands"
        channel_message = "/channels/{channel}/messages/{message}"
        webhook = "/webhooks/{application}/{token}"
        routes: dict[tuple[str, str], Callable[[Call], Json | list[Json] | None]] = {
            ("GET", "/gateway"): self.gateway,
            ("GET", "/gateway/bot"): self.gateway,
            ("GET", "/users/@me"): self.me,
            ("POST", "/users/@me/channels"): self.open_direct_channel,
            ("GET", "/users/{user}"): self.user,
            ("GET", "/oauth2/applications/@me"): self.this_application,
            ("GET", commands): self.commands,
            ("PUT", commands): self.register_commands,
            ("POST", "/interactions/{interaction}/{token}/callback"): self.answer,
            ("POST", webhook): self.follow_up,
            ("GET", webhook + "/messages/{message}"): self.webhook_message,
            ("PATCH", webhook + "/messages/{message}"): self.edit_webhook_message,
            ("DELETE", webhook + "/messages/{message}"): self.delete_webhook_message,
            ("GET", "/channels/{channel}"): self.channel,
            ("POST", "/channels/{channel}/typing"): self.type,
            ("GET", "/channels/{channel}/messages"): self.messages,
            ("POST", "/channels/{channel}/messages"): self.create_message,
            ("GET", channel_message): self.message,
            ("PATCH", channel_message): self.edit_message,
            ("DELETE", channel_message): self.delete_message,
        }
        application = web.Application(client_max_size=REQUEST_BYTES)
        for (method, template), handler in routes.items():
            application.router.add_route(method, template, self._route(method, template, handler))
        application.router.add_route("*", "/{anything:.*}", self._unknown)
        return application

    # From HTTP and back

    def _route(
        self, method: str, template: str, handler: Callable[[Call], Json | list[Json] | None]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def respond(request: web.Request) -> web.StreamResponse:
            path = request.path.removeprefix(PREFIX)
            headers: Mapping[str, str] = {}
            try:
                scheme, _, token = request.headers.get("Authorization", "").partition(" ")
                if not path.startswith(BY_TOKEN) and not (scheme == "Bot" and token.strip()):
                    raise Refused(401, 0, "401: Unauthorized")
                headers = self._ratelimits.count(method, template, path, request.match_info)
                result = handler(Call(request.match_info, request.query, *await read_body(request)))
            except Limited as limited:
                return reply(limited.body, limited.status, limited.headers)
            except Refused as refused:
                log.debug("%s %s refused: %s", method, path, refused.payload)
                return reply(refused.payload, refused.status, headers)
            except (KeyError, TypeError, AttributeError, ValueError):
                # The body has a shape that nobody here expects: Discord would not take it either.
                log.exception("%s %s has a body that makes no sense", method, path)
                return reply(Refused(400, 50035, "Invalid Form Body").payload, 400, headers)
            return reply(result, 204 if result is None else 200, headers)

        return respond

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(PREFIX)
        message = f"The embedded Discord does not simulate {request.method} {path}"
        log.error(message)
        return reply({"message": message, "code": 0}, 501, {})

    # The application and its surroundings

    def gateway(self, call: Call) -> Json:
        """Get Gateway (Bot): one shard is enough for one server."""
        limit = {"total": 1000, "remaining": 999, "reset_after": 86_400_000, "max_concurrency": 1}
        return {"url": self._gateway.url, "shards": 1, "session_start_limit": limit}

    def me(self, call: Call) -> Json:
        """Get Current User."""
        return {**self._world.bot, "mfa_enabled": False, "locale": "en-US", "verified": True, "email": None}

    def user(self, call: Call) -> Json:
        """Get User."""
        return self._world.user(call.path["user"])

    def this_application(self, call: Call) -> Json:
        """Get Current Application, as a bot looks itself up when it logs in."""
        none = "icon type interactions_endpoint_url role_connections_verification_url team"
        zero = (
            "flags approximate_guild_count approximate_user_install_count "
            "approximate_user_authorization_count explicit_content_filter"
        )
        return {
            **dict.fromkeys(none.split(), None),
            **dict.fromkeys(zero.split(), 0),
            **dict.fromkeys(("bot_public", "bot_require_code_grant"), False),
            "id": self._world.bot_id,
            "name": self._world.bot["global_name"],
            "description": "",
            "bot": self._world.bot,
            "verify_key": "0" * 64,
            "flags_new": "0",
            "redirect_uris": [],
            "owner": self._world.user(self._world.admin_id),
            "eligible_oauth2_scopes": [],
        }

    def commands(self, call: Call) -> list[Json]:
        """Get Global Application Commands."""
        if call.path["application"] != self._world.bot_id:
            raise Refused(404, 10002, "Unknown Application")
        return list(self._world.commands.values())

    def register_commands(self, call: Call) -> list[Json]:
        """Bulk Overwrite Global Application Commands; a command that stays keeps its id."""
        known = {(command["type"], command["name"]): command["id"] for command in self.commands(call)}
        if not isinstance(call.body, list):
            raise limits.invalid((), "BASE_TYPE_BAD_TYPE", "Only iterables may be used in a ListType")
        limits.check_commands(call.body)
        self._world.commands = {}
        for body in call.body:
            kind, needed = body.get("type", 1), body.get("default_member_permissions")
            command: Json = {
                "contexts": None,
                "nsfw": False,
                "description": "",
                **body,
                "default_member_permissions": None if needed is None else str(needed),
                "integration_types": body.get("integration_types") or [0],
                "id": known.get((kind, body["name"])) or self._world.new_id(),
                "application_id": self._world.bot_id,
                "version": self._world.new_id(),
                "type": kind,
            }
            self._world.commands[command["id"]] = command
        self._pages.commands_changed()
        return list(self._world.commands.values())

    # Interactions and their webhooks

    def answer(self, call: Call) -> Json | None:
        """Create Interaction Response."""
        path = call.path
        response = self._interactions.answer(path["interaction"], path["token"], call.fields, call.uploads)
        return response if call.query.get("with_response", "0").lower() in ("1", "true") else None

    def follow_up(self, call: Call) -> Json:
        """Create Followup Message; always answers with the message, as Discord does here."""
        return self._interactions.follow_up(call.path["token"], call.fields, call.uploads).payload

    def webhook_message(self, call: Call) -> Json:
        """Get Original Interaction Response or Followup Message."""
        return self._interactions.message(call.path["token"], call.path["message"]).payload

    def edit_webhook_message(self, call: Call) -> Json:
        """Edit Original Interaction Response or Followup Message."""
        path = call.path
        return self._interactions.edit(path["token"], path["message"], call.fields, call.uploads).payload

    def delete_webhook_message(self, call: Call) -> None:
        """Delete Original Interaction Response or Followup Message."""
        self._world.delete(self._interactions.message(call.path["token"], call.path["message"]))

    # Channels and messages

    def open_direct_channel(self, call: Call) -> Json:
        """Create DM."""
        user_id = str(call.fields.get("recipient_id"))
        if user_id == self._world.bot_id:
            raise Refused(400, 50007, "Cannot send messages to this user")
        self._world.user(user_id)
        return channel_payload(self._world, self._world.direct_channel(user_id))

    def _channel(self, call: Call) -> Channel:
        return self._world.channel(call.path["channel"])

    def _message(self, call: Call) -> Message:
        return self._world.message(self._channel(call), call.path["message"])

    def channel(self, call: Call) -> Json:
        """Get Channel."""
        return channel_payload(self._world, self._channel(call))

    def type(self, call: Call) -> None:
        """Trigger Typing Indicator."""
        self._pages.bot_types(self._channel(call))

    def messages(self, call: Call) -> list[Json]:
        """Get Channel Messages, newest first."""
        limit = int(call.query.get("limit", 50))
        after, before = int(call.query.get("after", 0)), int(call.query.get("before", 1 << 63))
        if not 1 <= limit <= 100:
            raise limits.invalid(("limit",), "NUMBER_TYPE_MAX", "Value should be between 1 and 100.")
        public = [m.payload for m in self._channel(call).messages.values() if m.viewer is None]
        found = [payload for payload in public if after < int(payload["id"]) < before]
        chosen = found[:limit] if after else found[-limit:]
        return chosen[::-1]

    def create_message(self, call: Call) -> Json:
        """Create Message."""
        message = self._world.new_message(self._world.bot_id, self._channel(call))
        if reference := call.fields.get("message_reference"):
            self._refer(message, self._channel(call), str(reference["message_id"]))
        write(self._world, message, call.fields, call.uploads)
        if nonce := call.fields.get("nonce"):
            message.payload["nonce"] = nonce
        self._world.post(message)
        return message.payload

    def _refer(self, message: Message, channel: Channel, target_id: str) -> None:
        target = channel.messages.get(target_id)
        if target is None or target.viewer is not None:
            raise limits.invalid(("message_reference",), "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        quoted = {key: value for key, value in target.payload.items() if key != "referenced_message"}
        place = {"type": 0, "channel_id": channel.id, "message_id": target.id}
        message.payload.update(type=19, message_reference=place, referenced_message=quoted)

    def message(self, call: Call) -> Json:
        """Get Channel Message; an ephemeral one belongs to its token alone."""
        return self._message(call).payload

    def edit_message(self, call: Call) -> Json:
        """Edit Message."""
        message = self._message(call)
        if message.payload["author"]["id"] != self._world.bot_id:
            raise Refused(403, 50005, "Cannot edit a message authored by another user")
        write(self._world, message, call.fields, call.uploads)
        self._world.change(message)
        return message.payload

    def delete_message(self, call: Call) -> None:
        """Delete Message."""
        message = self._message(call)
        if message.payload["author"]["id"] != self._world.bot_id:
            raise Refused(403, 50013, "Missing Permissions")
        self._world.delete(message)
