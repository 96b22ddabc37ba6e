"""What the browser's page says and hears; the README beside this file has the protocol."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import msgspec
from aiohttp import WSMsgType, web

from bot.playground import limits
from bot.playground.errors import Declined, Json, Refused
from bot.playground.files import FILE_BYTES, Upload
from bot.playground.guild import channel_payload
from bot.playground.interactions import Interaction, Interactions, Kind
from bot.playground.messages import mention
from bot.playground.options import Filled, Option, Resolved, check_click, check_options, check_submission
from bot.playground.sockets import Lines
from bot.playground.world import GUILD_NAME, Channel, Message, World

if TYPE_CHECKING:
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


class Frame(msgspec.Struct):
    """What a page may send in ``d``; every type of frame uses some of it."""

    channel_id: str
    nonce: str | None = None
    content: str = ""
    attachments: list[str] = []
    command_id: str = ""
    options: list[Option] = []
    target_id: str = ""
    message_id: str | None = None
    custom_id: str = ""
    values: list[str] | None = None
    components: list[Filled] = []


@dataclass(eq=False)
class Page:
    """One open page of one person."""

    user_id: str
    send: Callable[[str], None]

    def tell(self, kind: str, data: Json | list[Json]) -> None:
        """Send a frame."""
        self.send(json.dumps({"t": kind, "d": data}))


class Pages:
    """All open pages: hears what people do, and lets each of them see what they may see."""

    def __init__(
        self, world: World, gateway: Gateway, interactions: Interactions, welcome: Welcome | None
    ) -> None:
        self.lines = Lines()
        self._world = world
        self._gateway = gateway
        self._interactions = interactions
        self._welcome = welcome
        self._open: set[Page] = set()
        gateway.on_presence = self._tell_presence

    # To the pages

    def join(self, user_id: str, send: Callable[[str], None]) -> Page:
        """Open a page and greet it."""
        world, page = self._world, Page(user_id, send)
        messages: dict[str, list[Json]] = {}
        for channel in world.visible(user_id):
            seen = [m.payload for m in channel.messages.values() if m.viewer in (None, user_id)]
            messages[channel.id] = seen[-HISTORY:]
        hello = {
            "me": world.user(user_id),
            "users": [{**user, "admin": key == world.admin_id} for key, user in world.users.items()],
            "bot": world.bot,
            "online": self._gateway.online,
            "guild": {"id": world.guild_id, "name": GUILD_NAME},
            "channels": [channel_payload(world, c, seen_by=user_id) for c in world.visible(user_id)],
            "commands": world.commands_for(user_id),
            "messages": messages,
            "welcome": asdict(self._welcome) if self._welcome else None,
        }
        page.tell("hello", hello)
        self._open.add(page)
        return page

    def leave(self, page: Page) -> None:
        """Close a page."""
        self._open.discard(page)

    def tell(self, event: str, message: Message) -> None:
        """Show what has become of a message to everybody who may see it."""
        payload = message.payload
        for page in self._open:
            if not self._world.sees(page.user_id, message):
                continue
            if event == "MESSAGE_DELETE":
                page.tell("delete", {"id": payload["id"], "channel_id": payload["channel_id"]})
            else:
                page.tell("message", payload)

    def bot_types(self, channel: Channel) -> None:
        """Show that the bot is working."""
        for page in self._open:
            if channel.person in (None, page.user_id):
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
        if len(self.lines) >= PAGES:
            raise web.HTTPServiceUnavailable(text="Too many pages are open.")
        socket = web.WebSocketResponse(max_msg_size=FRAME_BYTES, timeout=0.5, heartbeat=20)
        async with self.lines.open(socket, request) as outbox:
            page = self.join(user_id, outbox.put)
            try:
                async for received in socket:
                    if received.type is WSMsgType.TEXT:
                        self.hear(page, received.data)
            finally:
                self.leave(page)
        return socket

    def hear(self, page: Page, text: str) -> Interaction | None:
        """Do what a page asks, or tell it why not. Returns the interaction that began, if one did."""
        nonce = None
        try:
            frame = msgspec.json.decode(text)
            kind, data = frame["t"], frame["d"]
            nonce = data.get("nonce")
            return self._do(page, kind, msgspec.convert(data, Frame))
        except Declined as declined:
            page.tell("failed", {"nonce": nonce, "text": str(declined)})
        except Refused as refused:
            page.tell("failed", {"nonce": nonce, "text": refused.message})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # Whatever a page sends, it must not stop the server; the log has the details for developers.
            log.warning("A page sent a frame that is not in order: %.200s", text, exc_info=True)
            page.tell("failed", {"nonce": nonce, "text": "The page sent something that makes no sense."})
        return None

    def _do(self, page: Page, kind: str, frame: Frame) -> Interaction | None:
        channel = self._world.channels.get(frame.channel_id)
        if channel is None or channel.person not in (None, page.user_id):
            raise Declined("There is no such channel here.")
        source = None
        if frame.message_id is not None:
            source = self._world.message(channel, frame.message_id, page.user_id)
        resolved = Resolved(self._world, page.user_id, channel)
        match kind:
            case "send":
                self._send(page, channel, frame, resolved)
                return None
            case "dismiss":
                if source is None or source.viewer is None:
                    raise Declined("Only private messages can be dismissed.")
                self._world.delete(source)
                return None
            case "command" | "autocomplete":
                asks = Kind.COMMAND if kind == "command" else Kind.AUTOCOMPLETE
                command, data = self._registered(page, channel, frame, SLASH)
                known, unfinished = command.get("options") or [], kind == "autocomplete"
                data["options"] = check_options(known, frame.options, resolved, unfinished=unfinished)
            case "menu":
                asks, data = Kind.COMMAND, self._menu(page, channel, frame, resolved)
            case "click" if source is not None:
                asks, data = Kind.COMPONENT, check_click(source, frame.custom_id, frame.values, resolved)
            case "modal":
                components = check_submission(frame.components, resolved)
                asks, data = Kind.MODAL, {"custom_id": frame.custom_id, "components": components}
            case _:
                raise Declined(f"The page asked for something unknown: {kind!r}.")
        data = {**data, **resolved.data}
        return self._interactions.open(asks, page, channel, data, frame.nonce, source)

    def _send(self, page: Page, channel: Channel, frame: Frame, resolved: Resolved) -> None:
        message, content = self._world.new_message(page.user_id, channel), frame.content.strip()
        for what, given, most in (
            ("characters", content, limits.CONTENT_LENGTH),
            ("files", frame.attachments, limits.ATTACHMENTS),
        ):
            if len(given) > most:
                raise Declined(f"A message may have {most} {what} at most.")
        if not content and not frame.attachments:
            raise Declined("The message is empty.")
        for file_id in frame.attachments:
            message.payload["attachments"].append(resolved.file(file_id))
        message.payload["content"] = content
        mention(self._world, message.payload)
        self._world.post(message)

    def _registered(self, page: Page, channel: Channel, frame: Frame, *kinds: int) -> tuple[Json, Json]:
        command = self._world.commands.get(frame.command_id)
        if command is None or command["type"] not in kinds:
            raise Declined("The bot does not know this command any more.")
        if not self._world.may_use(page.user_id, command, channel):
            raise Declined("You may not use this command here.")
        return command, {key: command[key] for key in ("id", "name", "type")}

    def _menu(self, page: Page, channel: Channel, frame: Frame, resolved: Resolved) -> Json:
        command, about = self._registered(page, channel, frame, USER_MENU, MESSAGE_MENU)
        if command["type"] == USER_MENU:
            resolved.find("user", frame.target_id)
        else:
            # In full, even without the message content intent.
            target = self._world.message(channel, frame.target_id, page.user_id)
            resolved.put("messages", target.id, target.payload)
        return {**about, "target_id": frame.target_id}

    def upload(self, user_id: str, upload: Upload) -> Json:
        """Keep a person's file for a command or a message; declines what is too large."""
        if user_id not in self._world.users:
            raise Declined("There is nobody with this id.")
        if len(upload.data) > FILE_BYTES:
            raise Declined(f"The file is too large: {FILE_BYTES // 1024**2} MiB at most.")
        channel = self._world.direct_channel(user_id)
        return self._world.files.add(channel.id, user_id, upload)
