"""The REST routes that a bot calls, version 10."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.playground import errors, limits
from bot.playground.bodies import read_body, reply
from bot.playground.errors import Json, Refused
from bot.playground.files import REQUEST_BYTES, Upload
from bot.playground.guild import guild, roles
from bot.playground.messages import write
from bot.playground.world import COMPONENTS_V2, Channel, Message, World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.playground.gateway import Gateway
    from bot.playground.interactions import Interactions
    from bot.playground.ratelimits import RateLimits

log = logging.getLogger(__name__)

BY_TOKEN = ("/interactions/", "/webhooks/")
"""Routes whose token stands in the path: they ask for no ``Authorization``."""


@dataclass(frozen=True)
class Call:
    """One request of the bot, its body parsed."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None
    uploads: Mapping[int, Upload] = field(default_factory=dict)

    @property
    def fields(self) -> Json:
        """The body, which must be an object."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise limits.invalid((), "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return self.body


if TYPE_CHECKING:
    Handler = Callable[[Call], Awaitable[Json | list[Json] | None]]


class Rest:
    """Answers the bot's requests from the state of the world."""

    def __init__(
        self, world: World, gateway: Gateway, interactions: Interactions, ratelimits: RateLimits
    ) -> None:
        self._world = world
        self._gateway = gateway
        self._interactions = interactions
        self._ratelimits = ratelimits

    def application(self) -> web.Application:
        """All routes, to be mounted at ``/api/v10``."""
        application = web.Application(client_max_size=REQUEST_BYTES)
        commands = "/applications/{application}/commands"
        guild_commands = "/applications/{application}/guilds/{guild}/commands"
        webhook_message = "/webhooks/{application}/{token}/messages/{message}"
        channel_message = "/channels/{channel}/messages/{message}"
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "/gateway", self.gateway),
            ("GET", "/gateway/bot", self.gateway_bot),
            ("GET", "/users/@me", self.me),
            ("GET", "/users/@me/guilds", self.my_guilds),
            ("POST", "/users/@me/channels", self.open_direct_channel),
            ("GET", "/users/{user}", self.user),
            ("GET", "/applications/@me", self.this_application),
            ("GET", "/oauth2/applications/@me", self.this_application),
            ("GET", commands, self.commands),
            ("PUT", commands, self.register_commands),
            ("GET", guild_commands, self.commands),
            ("PUT", guild_commands, self.register_commands),
            ("POST", "/interactions/{interaction}/{token}/callback", self.answer),
            ("POST", "/webhooks/{application}/{token}", self.follow_up),
            ("GET", webhook_message, self.webhook_message),
            ("PATCH", webhook_message, self.edit_webhook_message),
            ("DELETE", webhook_message, self.delete_webhook_message),
            ("GET", "/channels/{channel}", self.channel),
            ("POST", "/channels/{channel}/typing", self.type),
            ("GET", "/channels/{channel}/messages", self.messages),
            ("POST", "/channels/{channel}/messages", self.create_message),
            ("GET", channel_message, self.message),
            ("PATCH", channel_message, self.edit_message),
            ("DELETE", channel_message, self.delete_message),
            ("GET", "/guilds/{guild}", self.guild),
            ("GET", "/guilds/{guild}/channels", self.guild_channels),
            ("GET", "/guilds/{guild}/roles", self.guild_roles),
            ("GET", "/guilds/{guild}/members/{user}", self.guild_member),
        ]
        for method, template, handler in routes:
            application.router.add_route(method, template, self._route(method, template, handler))
        application.router.add_route("*", "/{anything:.*}", self._unknown)
        return application

    # From HTTP and back

    def _route(
        self, method: str, template: str, handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def respond(request: web.Request) -> web.StreamResponse:
            path = request.path.removeprefix("/api/v10")
            headers: Mapping[str, str] = {}
            try:
                if not path.startswith(BY_TOKEN):
                    _authorize(request)
                verdict = self._ratelimits.judge(method, template, path, request.match_info)
                headers = verdict.headers
                if verdict.status is not None:
                    return reply(verdict.body, verdict.status, headers)
                body, uploads = await read_body(request)
                result = await handler(Call(request.match_info, request.query, body, uploads))
            except Refused as refused:
                log.debug("%s %s refused: %s %s", method, path, refused, refused.errors)
                return reply(refused.payload, refused.status, headers)
            except (KeyError, TypeError, AttributeError, ValueError):
                # The body has a shape that nobody here expects: Discord would not take it either.
                log.exception("%s %s has a body that makes no sense", method, path)
                return reply(Refused(400, 50035, "Invalid Form Body").payload, 400, headers)
            return reply(result, 204 if result is None else 200, headers)

        return respond

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/api/v10")
        log.error("The embedded Discord does not simulate %s %s", request.method, path)
        message = f"The embedded Discord does not simulate {request.method} {path}"
        return reply({"message": message, "code": 0}, 501, {})

    # The application and its surroundings

    async def gateway(self, call: Call) -> Json:
        """Get Gateway."""
        return {"url": self._gateway.url}

    async def gateway_bot(self, call: Call) -> Json:
        """Get Gateway Bot: one shard is enough for one server."""
        limit = {"total": 1000, "remaining": 999, "reset_after": 86_400_000, "max_concurrency": 1}
        return {"url": self._gateway.url, "shards": 1, "session_start_limit": limit}

    async def me(self, call: Call) -> Json:
        """Get Current User."""
        return {**self._world.bot, "mfa_enabled": False, "locale": "en-US", "verified": True, "email": None}

    async def my_guilds(self, call: Call) -> list[Json]:
        """Get Current User Guilds."""
        world = self._world
        channel = world.channel_named("general")
        permissions = str(world.permissions(world.bot_id, channel).value)
        whole = guild(world)
        summary = {key: whole[key] for key in ("id", "name", "icon", "banner", "features")}
        return [{**summary, "owner": False, "permissions": permissions}]

    async def user(self, call: Call) -> Json:
        """Get User."""
        return self._world.user(call.path["user"])

    async def this_application(self, call: Call) -> Json:
        """Get Current Application."""
        world = self._world
        nothing = ("icon", "type", "interactions_endpoint_url", "role_connections_verification_url", "team")
        zero = (
            "flags",
            "approximate_user_install_count",
            "approximate_user_authorization_count",
            "explicit_content_filter",
        )
        return {
            **dict.fromkeys(nothing, None),
            **dict.fromkeys(zero, 0),
            "id": world.bot_id,
            "name": world.bot["global_name"],
            "description": "",
            "bot": world.bot,
            "bot_public": False,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "flags_new": "0",
            "redirect_uris": [],
            "owner": world.user(world.admin_id),
            "approximate_guild_count": 1,
            "eligible_oauth2_scopes": [],
        }

    def _is_ours(self, call: Call) -> None:
        if call.path["application"] != self._world.bot_id:
            raise Refused(404, 10002, "Unknown Application")
        if call.path.get("guild", self._world.guild_id) != self._world.guild_id:
            raise errors.missing_access()

    async def commands(self, call: Call) -> list[Json]:
        """Get Global (or Guild) Application Commands."""
        self._is_ours(call)
        guild = call.path.get("guild")
        return [command for command in self._world.commands.values() if command.get("guild_id") == guild]

    async def register_commands(self, call: Call) -> list[Json]:
        """Bulk Overwrite Global (or Guild) Application Commands; a command that stays keeps its id."""
        self._is_ours(call)
        if not isinstance(call.body, list):
            raise limits.invalid((), "BASE_TYPE_BAD_TYPE", "Only iterables may be used in a ListType")
        limits.check_commands(call.body)
        guild = call.path.get("guild")
        known = {(c["type"], c["name"]): c["id"] for c in await self.commands(call)}
        kept = {k: c for k, c in self._world.commands.items() if c.get("guild_id") != guild}
        new = {}
        for body in call.body:
            kind = body.get("type", 1)
            needed = body.get("default_member_permissions")
            command: Json = {
                "contexts": None,
                "nsfw": False,
                **body,
                "default_member_permissions": None if needed is None else str(needed),
                "integration_types": body.get("integration_types") or [0],
                "id": known.get((kind, body["name"])) or self._world.new_id(),
                "application_id": self._world.bot_id,
                "version": self._world.new_id(),
                "type": kind,
                "description": body.get("description", ""),
                **({"guild_id": guild} if guild else {}),
            }
            new[command["id"]] = command
        self._world.set_commands({**kept, **new})
        return list(new.values())

    # Interactions and their webhooks

    async def answer(self, call: Call) -> Json | None:
        """Create Interaction Response."""
        path = call.path
        response = self._interactions.answer(path["interaction"], path["token"], call.fields, call.uploads)
        return response if call.query.get("with_response", "0").lower() in ("1", "true") else None

    async def follow_up(self, call: Call) -> Json:
        """Create Followup Message; always answers with the message, as Discord does here."""
        return self._interactions.follow_up(call.path["token"], call.fields, call.uploads).payload

    async def webhook_message(self, call: Call) -> Json:
        """Get Original Interaction Response or Followup Message."""
        return self._interactions.message(call.path["token"], call.path["message"]).payload

    async def edit_webhook_message(self, call: Call) -> Json:
        """Edit Original Interaction Response or Followup Message."""
        path = call.path
        return self._interactions.edit(path["token"], path["message"], call.fields, call.uploads).payload

    async def delete_webhook_message(self, call: Call) -> None:
        """Delete Original Interaction Response or Followup Message."""
        self._world.delete(self._interactions.message(call.path["token"], call.path["message"]))

    # Channels and messages

    async def open_direct_channel(self, call: Call) -> Json:
        """Create DM."""
        user_id = str(call.fields.get("recipient_id"))
        if user_id == self._world.bot_id:
            raise Refused(400, 50007, "Cannot send messages to this user")
        self._world.user(user_id)
        return self._world.channel_payload(self._world.direct_channel(user_id))

    def _channel(self, call: Call) -> Channel:
        channel = self._world.channel(call.path["channel"])
        if not self._world.permissions(self._world.bot_id, channel).view_channel:
            raise errors.missing_access()
        return channel

    async def channel(self, call: Call) -> Json:
        """Get Channel."""
        return self._world.channel_payload(self._channel(call))

    async def type(self, call: Call) -> None:
        """Trigger Typing Indicator."""
        channel = self._channel(call)
        self._may_speak(channel)
        self._world.bot_types(channel)

    def _may_speak(self, channel: Channel, uploads: Mapping[int, Upload] | None = None) -> None:
        permissions = self._world.permissions(self._world.bot_id, channel)
        if not permissions.send_messages or (uploads and not permissions.attach_files):
            raise errors.missing_permissions()

    def _public_message(self, call: Call) -> Message:
        """Find a message that is the bot's to see: an ephemeral one belongs to its token alone."""
        message = self._world.message(self._channel(call).id, call.path["message"])
        if message.viewer is not None:
            raise errors.unknown_message()
        return message

    async def messages(self, call: Call) -> list[Json]:
        """Get Channel Messages, newest first."""
        channel = self._channel(call)
        try:
            limit = int(call.query.get("limit", 50))
            after, before = int(call.query.get("after", 0)), int(call.query.get("before", 1 << 63))
            around = int(call.query.get("around", 0))
        except ValueError:
            raise limits.invalid(("limit",), "NUMBER_TYPE_COERCE", "Value is not a number.") from None
        if not 1 <= limit <= 100:
            raise limits.invalid(("limit",), "NUMBER_TYPE_MAX", "Value should be between 1 and 100.")
        public = [m.payload for m in channel.messages.values() if m.viewer is None]
        found = [payload for payload in public if after < int(payload["id"]) < before]
        if around:
            found = sorted(found, key=lambda payload: abs(int(payload["id"]) - around))[:limit]
            found.sort(key=lambda payload: int(payload["id"]))
        chosen = found[:limit] if "after" in call.query else found[-limit:]
        return chosen[::-1]

    async def create_message(self, call: Call) -> Json:
        """Create Message."""
        channel = self._channel(call)
        self._may_speak(channel, call.uploads)
        message = self._world.new_message(self._world.bot_id, channel)
        body = call.fields
        if body.get("message_reference"):
            self._refer(message, channel, body["message_reference"])
        write(self._world, message, body, call.uploads)
        if body.get("nonce") is not None:
            message.payload["nonce"] = body["nonce"]
        self._world.post(message)
        return message.payload

    def _refer(self, message: Message, channel: Channel, reference: Json) -> None:
        target = channel.messages.get(str(reference.get("message_id")))
        if target is None or target.viewer is not None:
            if reference.get("fail_if_not_exists", True):
                raise limits.invalid(("message_reference",), "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
            return
        message.payload["type"] = 19
        message.payload["message_reference"] = {
            "type": 0,
            "channel_id": channel.id,
            "message_id": target.id,
        }
        quoted = {key: value for key, value in target.payload.items() if key != "referenced_message"}
        message.payload["referenced_message"] = quoted

    async def message(self, call: Call) -> Json:
        """Get Channel Message."""
        return self._public_message(call).payload

    async def edit_message(self, call: Call) -> Json:
        """Edit Message."""
        message = self._public_message(call)
        if message.payload["author"]["id"] != self._world.bot_id:
            raise Refused(403, 50005, "Cannot edit a message authored by another user")
        body = call.fields
        was_v2 = message.payload["flags"] & COMPONENTS_V2
        if was_v2 and body.get("flags") is not None and not body["flags"] & COMPONENTS_V2:
            body = {**body, "flags": body["flags"] | COMPONENTS_V2}  # this flag cannot be taken away
        write(self._world, message, body, call.uploads)
        message.payload["edited_timestamp"] = self._world.timestamp()
        self._world.change(message)
        return message.payload

    async def delete_message(self, call: Call) -> None:
        """Delete Message."""
        message = self._public_message(call)
        channel = self._world.channel(message.channel_id)
        is_own = message.payload["author"]["id"] == self._world.bot_id
        if not is_own and not self._world.permissions(self._world.bot_id, channel).manage_messages:
            raise errors.missing_permissions()
        self._world.delete(message)

    # The server

    def _guild(self, call: Call) -> None:
        if call.path["guild"] != self._world.guild_id:
            raise Refused(404, 10004, "Unknown Guild")

    async def guild(self, call: Call) -> Json:
        """Get Guild."""
        self._guild(call)
        return guild(self._world)

    async def guild_channels(self, call: Call) -> list[Json]:
        """Get Guild Channels."""
        self._guild(call)
        return [self._world.channel_payload(c) for c in self._world.channels.values() if not c.is_direct]

    async def guild_roles(self, call: Call) -> list[Json]:
        """Get Guild Roles."""
        self._guild(call)
        return roles(self._world)

    async def guild_member(self, call: Call) -> Json:
        """Get Guild Member."""
        self._guild(call)
        return self._world.member(call.path["user"])


def _authorize(request: web.Request) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bot" or not token.strip():
        raise errors.unauthorized()
