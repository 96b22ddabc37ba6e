"""A person without a browser: drives the bot through the same frames that a page sends."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, Union

from bot.playground import limits
from bot.playground.errors import Json
from bot.playground.files import Upload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bot.playground.interactions import Interaction
    from bot.playground.pages import Pages

PATIENCE = 10.0
"""Seconds to wait for what is expected to come."""
FRAMES = 2000
LOADING = 1 << 7

File = Path | tuple[str, bytes]
"""A file by its path, or by its name and content."""
Option = Union[str, int, float, File, "Person"]
"""What the value of a slash command's option may be given as."""
T = TypeVar("T")


class NotSeen(AssertionError):
    """What was waited for has not come."""


@dataclass(eq=False)
class Reply:
    """What became of one interaction."""

    person: Person
    asked_at: float = field(default_factory=time.monotonic)
    interaction: Interaction | None = None
    """The server's own record; None when the page's frame was refused."""
    acknowledged_after: float | None = None
    """Seconds until the bot's first answer; None while there is none."""
    failed: str | None = None
    """What the person is told when it went wrong."""
    modal: Json | None = None
    """The modal that the bot opened: ``custom_id``, ``title``, ``components``."""
    choices: list[Json] | None = None
    """The answer to an autocomplete request."""

    @property
    def message(self) -> Json | None:
        """The present state of the answer (``@original``), as the person sees it."""
        original = self.interaction.original if self.interaction else None
        return self.person.messages.get(original.id) if original else None

    @property
    def messages(self) -> list[Json]:
        """All messages that the bot has posted for this interaction, oldest first."""
        own = self.interaction.id if self.interaction else None
        posted = [m for m in self.person.messages.values() if "interaction_metadata" in m]
        return [message for message in posted if message["interaction_metadata"]["id"] == own]

    async def answered(self, timeout: float = PATIENCE) -> Reply:  # noqa: ASYNC109 - the caller's words
        """Wait for the acknowledgement, or for the news that there is none."""
        await self.person.until(lambda: self.acknowledged_after is not None or bool(self.failed), timeout)
        return self

    async def until(
        self,
        check: Callable[[Json], object] = lambda message: not message["flags"] & LOADING,
        timeout: float = PATIENCE,  # noqa: ASYNC109
    ) -> Json:
        """Wait until the answer's message passes a check: by default until it has stopped "thinking".

        Raises:
            NotSeen: it did not in time, or the interaction failed.
        """

        def found() -> Json | None:
            if self.failed is not None:
                raise NotSeen(f"The interaction failed: {self.failed}")
            return self.message if self.message is not None and check(self.message) else None

        return await self.person.until(found, timeout, lambda: f"The message stands at {self.message}")


class Person:
    """One person with one open page. Use as a context manager, or call ``leave`` at the end.

    ``channel`` is the channel in which everything is done: an id, as ``channel_id`` returns it.
    """

    def __init__(self, pages: Pages, user_id: str) -> None:
        self._pages = pages
        self._nonces = itertools.count(1)
        self._waiting: dict[str, Reply] = {}
        self._news = asyncio.Event()
        self._channels: list[Json] = []
        self.id = user_id
        self.frames: deque[tuple[str, Any]] = deque(maxlen=FRAMES)
        """All frames of late, as (type, data)."""
        self.messages: dict[str, Json] = {}
        """What the person sees, by id, oldest first."""
        self.commands: list[Json] = []
        self.user: Json = {}
        self.online = False
        self._page = pages.join(user_id, self._hear)
        self.channel = self.channel_id("general")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Close the page."""
        self._pages.leave(self._page)

    def channel_id(self, name: str) -> str:
        """Find a channel's id by its name; ``"dm"`` means the direct messages with the bot."""
        return {channel.get("name", "dm"): str(channel["id"]) for channel in self._channels}[name]

    # Hearing

    def _hear(self, text: str) -> None:
        frame = json.loads(text)
        kind, data = frame["t"], frame["d"]
        self.frames.append((kind, data))
        reply = self._waiting.get(data.get("nonce") or "") if isinstance(data, dict) else None
        match kind:
            case "hello":
                self.user, self.commands, self.online = data["me"], data["commands"], data["online"]
                self._channels = data["channels"]
                self.messages = {m["id"]: m for history in data["messages"].values() for m in history}
            case "message":
                self.messages[data["id"]] = data
            case "delete":
                self.messages.pop(data["id"], None)
            case "commands":
                self.commands = data
            case "bot":
                self.online = data["online"]
            case "acked" if reply:
                reply.acknowledged_after = time.monotonic() - reply.asked_at
            case "failed" if reply:
                reply.failed = data["text"]
            case "modal" if reply:
                reply.modal = data
            case "choices" if reply:
                reply.choices = data["choices"]
        self._news.set()
        self._news = asyncio.Event()

    async def until(
        self,
        check: Callable[[], T | None],
        timeout: float = PATIENCE,  # noqa: ASYNC109
        explain: Callable[[], str] = lambda: "",
    ) -> T:
        """Wait until a check returns something true, looking again after every frame.

        Raises:
            NotSeen: it did not in time.
        """
        try:
            # Not wait_for, which on Python 3.11 swallows a cancellation that comes together with news.
            async with asyncio.timeout(timeout):
                while not (found := check()):
                    await self._news.wait()
        except TimeoutError:
            raise NotSeen(f"Not seen within {timeout} s. {explain()}") from None
        return found

    # Doing

    async def slash(self, command: str, /, **options: Option) -> Reply:
        """Use a slash command and wait for its acknowledgement (or failure).

        Args:
            command: its name; subcommands follow after spaces.
            options: values by name; a file as ``(name, data)`` or a path, a user as their ``Person``.
        """
        return await self._ask("command", **self._command(command, options))

    async def autocomplete(self, command: str, option: str, text: str, /, **others: Option) -> list[Json]:
        """Type into an option that completes itself, and return the choices that the bot offers."""
        frame = self._command(command, {**others, option: text}, focused=option)
        reply = await self._ask("autocomplete", **frame)
        if reply.choices is None:
            await self.until(lambda: reply.choices is not None or reply.failed is not None)
        return reply.choices or []

    async def menu(self, command: str, target: Json | Person) -> Reply:
        """Use a context menu on a message or a person."""
        kind, target_id = (2, target.id) if isinstance(target, Person) else (3, target["id"])
        return await self._ask("menu", command_id=self._registered(command, kind)["id"], target_id=target_id)

    async def click(self, message: Json | Reply, button: str) -> Reply:
        """Click a button, named by its label or its custom id."""
        return await self._ask("click", **_component(message, button))

    async def select(self, message: Json | Reply, custom_id: str, values: Iterable[str]) -> Reply:
        """Choose values in a select menu."""
        return await self._ask("click", **_component(message, custom_id), values=list(values))

    async def submit(self, opened: Reply, /, **values: str | list[str]) -> Reply:
        """Fill in and send the modal that a reply has opened; values by the custom ids of its fields."""
        if opened.modal is None or opened.interaction is None:
            raise NotSeen("The bot has opened no modal.")
        source = opened.interaction.source
        return await self._ask(
            "modal",
            custom_id=opened.modal["custom_id"],
            components=[_filled(component, values) for component in opened.modal["components"]],
            message_id=source.id if source else None,
        )

    async def send(self, content: str = "", files: Iterable[File] = ()) -> Json:
        """Write a message."""
        before = set(self.messages)
        self._tell("send", content=content, attachments=[self._upload(file) for file in files])
        new = [m for key, m in self.messages.items() if key not in before and m["author"]["id"] == self.id]
        if not new:
            raise NotSeen(f"The message was not sent: {self.frames[-1]}")
        return new[-1]

    def dismiss(self, message: Json) -> None:
        """Take an ephemeral message away."""
        self._tell("dismiss", channel_id=message["channel_id"], message_id=message["id"])

    def _tell(self, kind: str, **data: Any) -> Interaction | None:
        frame = {"t": kind, "d": {"channel_id": self.channel, **data}}
        return self._pages.hear(self._page, json.dumps(frame))

    async def _ask(self, kind: str, **data: Any) -> Reply:
        nonce = str(next(self._nonces))
        reply = self._waiting[nonce] = Reply(self)
        reply.interaction = self._tell(kind, nonce=nonce, **data)
        return await reply.answered()

    def _registered(self, name: str, kind: int) -> Json:
        for command in self.commands:
            if (command["name"], command["type"]) == (name, kind):
                return command
        raise NotSeen(f"{self.user['global_name']} sees no command {name!r}.")

    def _command(self, name: str, options: Mapping[str, Option], *, focused: str = "") -> Json:
        first, *path = name.split()
        command = self._registered(first, 1)
        given: list[Json] = [
            {"name": key, "value": self._value(value), "focused": key == focused}
            for key, value in options.items()
        ]
        for step in reversed(path):
            given = [{"name": step, "options": given}]
        return {"command_id": command["id"], "options": given}

    def _value(self, value: Option) -> str | int | float | bool:
        if isinstance(value, Person):
            return value.id
        return self._upload(value) if isinstance(value, Path | tuple) else value

    def _upload(self, file: File) -> str:
        name, data = (file.name, file.read_bytes()) if isinstance(file, Path) else file
        return str(self._pages.upload(self.id, Upload(name, data))["id"])


def _component(message: Json | Reply, name: str) -> Json:
    """Find a button or select, and return what a click on it says."""
    payload = message.message if isinstance(message, Reply) else message
    if payload is None:
        raise NotSeen("There is no message to click on.")
    for component in limits.walk(payload["components"]):
        if component.get("custom_id") and name in (component["custom_id"], component.get("label")):
            where = {"channel_id": payload["channel_id"], "message_id": payload["id"]}
            what = {"custom_id": component["custom_id"], "component_type": component["type"]}
            return {**where, **what}
    raise NotSeen(f"The message has no button or select {name!r}.")


def _filled(component: Json, values: Mapping[str, str | list[str]]) -> Json:
    """Bring a component of a modal into the shape in which it is submitted."""
    result: Json = {"type": component["type"], "id": component.get("id", 0)}
    if "components" in component:
        result["components"] = [_filled(child, values) for child in component["components"]]
    elif "component" in component:
        result["component"] = _filled(component["component"], values)
    elif "custom_id" in component:
        result["custom_id"] = component["custom_id"]
        value = values.get(component["custom_id"], component.get("value") or "")
        result["values" if isinstance(value, list) else "value"] = value
    return result
