"""The REST routes that a bot calls, version 10."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
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
    from bot.playground.gateway import Gateway
    from bot.playground.interactions import Interactions
    from bot.playground.pages import Pages
    from bot.playground.ratelimits import RateLimits

log = logging.getLogger(__name__)

PREFIX = "/api/v10"
BY_TOKEN = ("/interactions/", "/webhooks/")
"""Routes whose token stands in the path: they ask for no ``Authorization``."""


ACCOUNT = {"mfa_enabled": False, "locale": "en-US", "verified": True, "email": None}
ONE_SHARD = {
    "shards": 1,
    "session_start_limit": {"total": 1000, "remaining": 999, "reset_after": 86_400_000, "max_concurrency": 1},
}


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


Result = Json | list[Json] | None
Handler = Callable[[Call], Result]


@dataclass(frozen=True)
class Rest:
    """Answers the bot's requests from the state of the world."""

    world: World
    gateway: Gateway
    interactions: Interactions
    pages: Pages
    ratelimits: RateLimits

    def _routes(self) -> dict[str, Handler]:
        """List the routes in the order of Discord's documentation; what is short stands here at once."""
        world = self.world
        webhook, channel = "/webhooks/{application}/{token}", "/channels/{channel}"
        commands = "/applications/{application}/commands"
        return {
            "GET /oauth2/applications/@me": lambda call: self._application(),
            f"GET {commands}": lambda call: list(world.commands.values()),
            f"PUT {commands}": self._register_commands,
            "POST /interactions/{interaction}/{token}/callback": self._answer,
            f"POST {webhook}": self._follow_up,
            f"GET {webhook}/messages/{{message}}": lambda call: self._reply(call).payload,
            f"PATCH {webhook}/messages/{{message}}": self._edit_reply,
            f"DELETE {webhook}/messages/{{message}}": lambda call: world.delete(self._reply(call)),
            f"GET {channel}": lambda call: channel_payload(world, self._channel(call)),
            f"POST {channel}/typing": lambda call: self.pages.bot_types(self._channel(call)),
            f"GET {channel}/messages": self._messages,
            f"POST {channel}/messages": self._create_message,
            f"GET {channel}/messages/{{message}}": lambda call: self._message(call).payload,
            f"PATCH {channel}/messages/{{message}}": self._edit_message,
            f"DELETE {channel}/messages/{{message}}": self._delete_message,
            "GET /users/@me": lambda call: {**world.bot, **ACCOUNT},
            "GET /users/{user}": lambda call: world.user(call.path["user"]),
            "POST /users/@me/channels": self._open_direct_channel,
            "GET /gateway": lambda call: {"url": self.gateway.url},
            "GET /gateway/bot": lambda call: {"url": self.gateway.url, **ONE_SHARD},
        }

    def application(self) -> web.Application:
        """All routes, to be mounted at ``/api/v10``."""
        application = web.Application(client_max_size=REQUEST_BYTES)
        for route, handler in self._routes().items():
            method, template = route.split()
            application.router.add_route(method, template, self._route(method, template, handler))
        application.router.add_route("*", "/{anything:.*}", self._unknown)
        return application

    def _route(
        self, method: str, template: str, handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def respond(request: web.Request) -> web.StreamResponse:
            path = request.path.removeprefix(PREFIX)
            headers: Mapping[str, str] = {}
            try:
                scheme, _, token = request.headers.get("Authorization", "").partition(" ")
                if not path.startswith(BY_TOKEN) and not (scheme == "Bot" and token.strip()):
                    raise Refused(401, 0, "401: Unauthorized")
                headers = self.ratelimits.count(method, template, path, request.match_info)
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

    def _application(self) -> Json:
        none = "icon type interactions_endpoint_url role_connections_verification_url team"
        zero = (
            "flags approximate_guild_count approximate_user_install_count "
            "approximate_user_authorization_count explicit_content_filter"
        )
        return {
            **dict.fromkeys(none.split(), None),
            **dict.fromkeys(zero.split(), 0),
            **dict.fromkeys(("bot_public", "bot_require_code_grant"), False),
            "id": self.world.bot_id,
            "name": self.world.bot["global_name"],
            "description": "",
            "bot": self.world.bot,
            "verify_key": "0" * 64,
            "flags_new": "0",
            "redirect_uris": [],
            "owner": self.world.user(self.world.admin_id),
            "eligible_oauth2_scopes": [],
        }

    def _register_commands(self, call: Call) -> list[Json]:
        world = self.world
        known = {(command["type"], command["name"]): command["id"] for command in world.commands.values()}
        if not isinstance(call.body, list):
            raise limits.invalid((), "BASE_TYPE_BAD_TYPE", "Only iterables may be used in a ListType")
        limits.check_commands(call.body)
        self.world.commands = {}
        for body in call.body:
            kind, needed = body.get("type", 1), body.get("default_member_permissions")
            command: Json = {
                "contexts": None,
                "nsfw": False,
                "description": "",
                **body,
                "default_member_permissions": None if needed is None else str(needed),
                "integration_types": body.get("integration_types") or [0],
                "id": known.get((kind, body["name"])) or self.world.new_id(),
                "application_id": self.world.bot_id,
                "version": self.world.new_id(),
                "type": kind,
            }
            self.world.commands[command["id"]] = command
        self.pages.commands_changed()
        return list(self.world.commands.values())

    # Interactions and their webhooks

    def _answer(self, call: Call) -> Json | None:
        path = call.path
        response = self.interactions.answer(path["interaction"], path["token"], call.fields, call.uploads)
        return response if call.query.get("with_response", "0").lower() in ("1", "true") else None

    def _follow_up(self, call: Call) -> Json:
        return self.interactions.follow_up(call.path["token"], call.fields, call.uploads).payload

    def _reply(self, call: Call) -> Message:
        return self.interactions.message(call.path["token"], call.path["message"])

    def _edit_reply(self, call: Call) -> Json:
        path = call.path
        return self.interactions.edit(path["token"], path["message"], call.fields, call.uploads).payload

    # Channels and messages

    def _open_direct_channel(self, call: Call) -> Json:
        channel = self.world.direct_channel(str(call.fields["recipient_id"]))
        return channel_payload(self.world, channel)

    def _channel(self, call: Call) -> Channel:
        return self.world.channel(call.path["channel"])

    def _message(self, call: Call) -> Message:
        return self.world.message(self._channel(call), call.path["message"])

    def _messages(self, call: Call) -> list[Json]:
        limit = int(call.query.get("limit", 50))
        after, before = int(call.query.get("after", 0)), int(call.query.get("before", 1 << 63))
        if not 1 <= limit <= 100:
            raise limits.invalid(("limit",), "NUMBER_TYPE_MAX", "Value should be between 1 and 100.")
        public = [m.payload for m in self._channel(call).messages.values() if m.viewer is None]
        found = [payload for payload in public if after < int(payload["id"]) < before]
        chosen = found[:limit] if after else found[-limit:]
        return chosen[::-1]

    def _create_message(self, call: Call) -> Json:
        nonce = call.fields.get("nonce")
        if nonce and call.fields.get("enforce_nonce"):
            # Sent twice, perhaps because the bot did not live to see the answer: Discord returns the first.
            for earlier in self._channel(call).messages.values():
                if earlier.payload.get("nonce") == nonce:
                    return earlier.payload
        message = self.world.new_message(self.world.bot_id, self._channel(call))
        if reference := call.fields.get("message_reference"):
            self._refer(message, self._channel(call), str(reference["message_id"]))
        write(self.world, message, call.fields, call.uploads)
        if nonce:
            message.payload["nonce"] = nonce
        self.world.post(message)
        return message.payload

    def _refer(self, message: Message, channel: Channel, target_id: str) -> None:
        target = channel.messages.get(target_id)
        if target is None or target.viewer is not None:
            raise limits.invalid(("message_reference",), "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        quoted = {key: value for key, value in target.payload.items() if key != "referenced_message"}
        place = {"type": 0, "channel_id": channel.id, "message_id": target.id}
        message.payload.update(type=19, message_reference=place, referenced_message=quoted)

    def _edit_message(self, call: Call) -> Json:
        message = self._message(call)
        if message.payload["author"]["id"] != self.world.bot_id:
            raise Refused(403, 50005, "Cannot edit a message authored by another user")
        write(self.world, message, call.fields, call.uploads)
        self.world.change(message)
        return message.payload

    def _delete_message(self, call: Call) -> None:
        message = self._message(call)
        if message.payload["author"]["id"] != self.world.bot_id:
            raise Refused(403, 50013, "Missing Permissions")
        self.world.delete(message)
