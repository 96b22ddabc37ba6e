"""What the browser's page says and hears; the README beside this file has the protocol."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from bot.playground import limits
from bot.playground.errors import Declined, Json, Refused
from bot.playground.files import FILE_BYTES, Upload
from bot.playground.guild import GUILD_NAME
from bot.playground.interactions import Interaction, Interactions, Kind
from bot.playground.messages import mention
from bot.playground.options import Resolved, check_click, check_options, check_submission
from bot.playground.sockets import Outbox
from bot.playground.world import Channel, Message, World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.playground.gateway import Gateway

log = logging.getLogger(__name__)

FRAME_BYTES = 256 * 1024
"""Files do not come this way, so a page's frame is never longer."""
HISTORY = 100
"""Messages of a channel that a page gets at the start."""
PAGES = 256
"""Pages that may be open at the same time."""
SLASH, USER_MENU, MESSAGE_MENU = 1, 2, 3


@dataclass(frozen=True)
class Example:
    """One click fills in and sends a slash command."""

    label: str
    command: str
    """The command's name; a subcommand follows after a space."""
    options: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    attachments: Mapping[str, str] = field(default_factory=dict)
    """Option name to the address of a sample, such as ``/samples/cat.jpg``."""


@dataclass(frozen=True)
class Welcome:
    """What the page shows to somebody who is here for the first time."""

    text: str
    examples: Sequence[Example] = ()


class Page:
    """One open page of one person."""

    def __init__(self, user_id: str, send: Callable[[str], None]) -> None:
        self._user_id = user_id
        self._send = send

    @property
    def user_id(self) -> str:
        """Whose page it is."""
        return self._user_id

    def tell(self, kind: str, data: Json | list[Json]) -> None:
        """Send a frame."""
        self._send(json.dumps({"t": kind, "d": data}))


class Pages:
    """All open pages: hears what people do, and lets each of them see what they may see."""

    def __init__(
        self, world: World, gateway: Gateway, interactions: Interactions, welcome: Welcome | None
    ) -> None:
        self._world = world
        self._gateway = gateway
        self._interactions = interactions
        self._welcome = welcome
        self._open: set[Page] = set()
        self._lines: set[Outbox] = set()
        gateway.on_presence = self._tell_presence

    # To the pages

    def join(self, user_id: str, send: Callable[[str], None]) -> Page:
        """Open a page and greet it."""
        page = Page(user_id, send)
        page.tell("hello", self._hello(user_id))
        self._open.add(page)
        return page

    def leave(self, page: Page) -> None:
        """Close a page."""
        self._open.discard(page)

    def _hello(self, user_id: str) -> Json:
        world = self._world
        visible = [c for c in world.channels.values() if world.permissions(user_id, c).view_channel]
        return {
            "me": world.user(user_id),
            "users": [{**user, "admin": key == world.admin_id} for key, user in world.users.items()],
            "bot": world.bot,
            "online": self._gateway.online,
            "guild": {"id": world.guild_id, "name": GUILD_NAME},
            "channels": [world.channel_payload(channel, seen_by=user_id) for channel in visible],
            "commands": world.commands_for(user_id),
            "messages": {channel.id: self._history(user_id, channel) for channel in visible},
            "welcome": asdict(self._welcome) if self._welcome else None,
        }

    def _history(self, user_id: str, channel: Channel) -> list[Json]:
        seen = [m.payload for m in channel.messages.values() if self._world.sees(user_id, m)]
        return seen[-HISTORY:]

    def message_posted(self, message: Message) -> None:
        """Show a new message to everybody who may see it."""
        self._show("message", message, message.payload)

    def message_changed(self, message: Message) -> None:
        """Show a message's later state."""
        self._show("message", message, message.payload)

    def message_deleted(self, message: Message) -> None:
        """Take a message off the pages."""
        self._show("delete", message, {"id": message.id, "channel_id": message.channel_id})

    def _show(self, kind: str, message: Message, data: Json) -> None:
        for page in self._open:
            if self._world.sees(page.user_id, message):
                page.tell(kind, data)

    def bot_types(self, channel: Channel) -> None:
        """Show that the bot is working."""
        for page in self._open:
            if self._world.permissions(page.user_id, channel).view_channel:
                page.tell("typing", {"channel_id": channel.id})

    def commands_changed(self) -> None:
        """Show the commands, to everybody their own."""
        for page in self._open:
            page.tell("commands", self._world.commands_for(page.user_id))

    def _tell_presence(self, online: bool) -> None:
        for page in self._open:
            page.tell("bot", {"online": online})

    # From the pages

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one page's WebSocket."""
        user_id = request.query.get("user") or next(iter(self._world.users))
        if user_id not in self._world.users:
            raise web.HTTPNotFound(text="There is nobody with this id.")
        if len(self._lines) >= PAGES:
            raise web.HTTPServiceUnavailable(text="Too many pages are open.")
        socket = web.WebSocketResponse(max_msg_size=FRAME_BYTES, timeout=0.5, heartbeat=20)
        await socket.prepare(request)
        async with Outbox(socket, request) as outbox:
            self._lines.add(outbox)
            page = self.join(user_id, outbox.put)
            try:
                async for received in socket:
                    if received.type is WSMsgType.TEXT:
                        self.hear(page, received.data)
            finally:
                self.leave(page)
                self._lines.discard(outbox)
        return socket

    async def close(self) -> None:
        """Close all pages."""
        await asyncio.gather(*(outbox.close(1001, "Server shutdown") for outbox in list(self._lines)))

    def hear(self, page: Page, text: str) -> Interaction | None:
        """Do what a page asks, or tell it why not. Returns the interaction that began, if one did."""
        nonce = None
        try:
            frame = json.loads(text)
            json.dumps(frame, ensure_ascii=False, allow_nan=False).encode()  # no half characters, no NaN
            kind, data = frame["t"], frame["d"]
            nonce = data.get("nonce")
            return self._do(page, kind, data)
        except Declined as declined:
            page.tell("failed", {"nonce": nonce, "text": str(declined)})
        except Refused as refused:
            page.tell("failed", {"nonce": nonce, "text": refused.message})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # Whatever a page sends, it must not stop the server; the log has the details for developers.
            log.warning("A page sent a frame that is not in order: %.200s", text, exc_info=True)
            page.tell("failed", {"nonce": nonce, "text": "The page sent something that makes no sense."})
        return None

    def _do(self, page: Page, kind: str, data: Json) -> Interaction | None:
        channel = self._world.channel(str(data["channel_id"]))
        if not self._world.permissions(page.user_id, channel).view_channel:
            raise Declined("There is no such channel here.")
        match kind:
            case "send":
                self._send(page, channel, data)
            case "dismiss":
                message = self._seen(page, channel, data["message_id"])
                if message.viewer is None:
                    raise Declined("Only private messages can be dismissed.")
                self._world.delete(message)
            case "command":
                return self._command(page, channel, data, Kind.COMMAND)
            case "autocomplete":
                return self._command(page, channel, data, Kind.AUTOCOMPLETE)
            case "menu":
                return self._menu(page, channel, data)
            case "click":
                return self._click(page, channel, data)
            case "modal":
                return self._modal(page, channel, data)
            case _:
                raise Declined(f"The page asked for something unknown: {kind!r}.")
        return None

    def _seen(self, page: Page, channel: Channel, message_id: Any) -> Message:
        message = channel.messages.get(str(message_id))
        if message is None or not self._world.sees(page.user_id, message):
            raise Declined("The message is gone.")
        return message

    def _send(self, page: Page, channel: Channel, data: Json) -> None:
        content, ids = str(data.get("content") or "").strip(), data.get("attachments") or []
        if not self._world.permissions(page.user_id, channel).send_messages:
            raise Declined("You may not write in this channel.")
        if len(content) > limits.CONTENT_LENGTH:
            raise Declined(f"A message may have {limits.CONTENT_LENGTH} characters at most.")
        if len(ids) > limits.ATTACHMENTS:
            raise Declined(f"A message may have {limits.ATTACHMENTS} files at most.")
        if not content and not ids:
            raise Declined("The message is empty.")
        message = self._world.new_message(page.user_id, channel)
        for file_id in ids:
            stored = self._world.files.get(str(file_id))
            if stored is None or stored.owner != page.user_id:
                raise Declined("The file is not here any more. Please choose it again.")
            message.payload["attachments"].append(stored.attachment)
        message.payload["content"] = content
        mention(self._world, message.payload)
        self._world.post(message)

    def _registered(self, page: Page, channel: Channel, data: Json, *kinds: int) -> Json:
        command = self._world.commands.get(str(data["command_id"]))
        if command is None or command["type"] not in kinds:
            raise Declined("The bot does not know this command any more.")
        if not self._world.may_use(page.user_id, command, channel):
            raise Declined("You may not use this command here.")
        return command

    def _command(self, page: Page, channel: Channel, data: Json, kind: Kind) -> Interaction:
        command = self._registered(page, channel, data, SLASH)
        resolved = Resolved(self._world, page.user_id, channel)
        unfinished = kind is Kind.AUTOCOMPLETE
        definitions = command.get("options") or []
        options = check_options(definitions, data.get("options") or [], resolved, unfinished=unfinished)
        about = {**_about(command), "options": options, **resolved.data}
        return self._interactions.open(kind, page, channel, about, nonce=data.get("nonce"))

    def _menu(self, page: Page, channel: Channel, data: Json) -> Interaction:
        command = self._registered(page, channel, data, USER_MENU, MESSAGE_MENU)
        resolved = Resolved(self._world, page.user_id, channel)
        target = str(data["target_id"])
        if command["type"] == USER_MENU:
            resolved.user(target)
        else:
            resolved.message(self._seen(page, channel, target))
        about = {**_about(command), "target_id": target, **resolved.data}
        return self._interactions.open(Kind.COMMAND, page, channel, about, nonce=data.get("nonce"))

    def _click(self, page: Page, channel: Channel, data: Json) -> Interaction:
        message = self._seen(page, channel, data["message_id"])
        resolved = Resolved(self._world, page.user_id, channel)
        about = check_click(message, str(data["custom_id"]), data.get("values"), resolved)
        return self._interactions.open(
            Kind.COMPONENT, page, channel, about, nonce=data.get("nonce"), source=message
        )

    def _modal(self, page: Page, channel: Channel, data: Json) -> Interaction:
        source = None
        if data.get("message_id") is not None:
            source = self._seen(page, channel, data["message_id"])
        resolved = Resolved(self._world, page.user_id, channel)
        components = check_submission(data["components"], resolved)
        about = {"custom_id": str(data["custom_id"]), "components": components, **resolved.data}
        return self._interactions.open(
            Kind.MODAL, page, channel, about, nonce=data.get("nonce"), source=source
        )

    def upload(self, user_id: str, upload: Upload) -> Json:
        """Keep a file that a person wants to give to a command or a message.

        Raises:
            Declined: there is nobody with this id, or the file is empty or too large.
        """
        if user_id not in self._world.users:
            raise Declined("There is nobody with this id.")
        if len(upload.data) > FILE_BYTES:
            raise Declined(f"The file is too large: {FILE_BYTES // 1024**2} MiB at most.")
        channel = self._world.direct_channel(user_id)
        return self._world.files.add(channel.id, user_id, upload)


def _about(command: Json) -> Json:
    about = {key: command[key] for key in ("id", "name", "type")}
    return {**about, "guild_id": command["guild_id"]} if "guild_id" in command else about
