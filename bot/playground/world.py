"""What Discord would remember: people, one server, channels, messages and commands, all within caps."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from discord import Permissions

from bot.playground import errors
from bot.playground.errors import Json
from bot.playground.files import FileStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DISCORD_EPOCH_MS = 1420070400000
"""The first second of 2015, from which Discord's ids count."""
MESSAGES_PER_CHANNEL = 500
MEMBERS = ("Ada", "Grace", "Linus")
ADMIN = "Margaret"
CHANNELS = {
    "general": "Talk about anything",
    "playground": "Try the bot's commands here",
    "art-gallery": "Show what you have made",
    "announcements": "Only admins write here",
}
READ_ONLY_CHANNEL = "announcements"
"""Neither members nor the bot may write here, so that a bot meets error 50013 before its users do."""

EPHEMERAL, LOADING, COMPONENTS_V2 = 1 << 6, 1 << 7, 1 << 15
"""Message flags of which the server takes care."""
TEXT_CHANNEL, DIRECT_CHANNEL = 0, 1

EVERYONE = Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    read_message_history=True,
    embed_links=True,
    attach_files=True,
    add_reactions=True,
    use_external_emojis=True,
    use_application_commands=True,
    change_nickname=True,
)
SPEAKING = Permissions(send_messages=True)
DIRECT = Permissions(
    view_channel=True,
    send_messages=True,
    read_message_history=True,
    embed_links=True,
    attach_files=True,
    add_reactions=True,
    use_external_emojis=True,
)


@dataclass(eq=False)
class Message:
    """One message and who may see it."""

    payload: Json
    """Discord's message object, without what only the gateway adds."""
    viewer: str | None = None
    """The one person who sees an ephemeral message; None when everybody in the channel does."""
    files: dict[str, Json] = field(default_factory=dict)
    """Attachments by file name, those too that moved from the list into an embed."""

    @property
    def id(self) -> str:
        """Discord's id of the message."""
        return str(self.payload["id"])

    @property
    def channel_id(self) -> str:
        """Discord's id of the channel."""
        return str(self.payload["channel_id"])


@dataclass(eq=False)
class Channel:
    """A text channel of the server, or the direct messages between the bot and one person."""

    id: str
    name: str
    position: int = 0
    topic: str | None = None
    person: str | None = None
    """The person on the other end of direct messages; None for a channel of the server."""
    overwrites: list[Json] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    """Oldest first."""

    @property
    def is_direct(self) -> bool:
        """Whether these are direct messages."""
        return self.person is not None


class Listener(Protocol):
    """Who wants to hear what happens: the gateway tells the bot, the pages tell the people."""

    def message_posted(self, message: Message) -> None:
        """Hear of a new message."""

    def message_changed(self, message: Message) -> None:
        """Hear of a message's later state."""

    def message_deleted(self, message: Message) -> None:
        """Hear that a message is gone."""

    def bot_types(self, channel: Channel) -> None:
        """Hear that the bot is working on something for a channel."""

    def commands_changed(self) -> None:
        """Hear that the bot has registered its commands."""


class World:
    """The state of the embedded Discord. It says nothing by itself: its listeners carry the news."""

    def __init__(
        self,
        *,
        bot_name: str,
        members: Sequence[str] = MEMBERS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.listeners: list[Listener] = []
        self._last_id = 0
        self.joined_at = self.timestamp()
        self.bot = {**self._new_user(bot_name), "bot": True}
        self.bot_id = str(self.bot["id"])
        self.users: dict[str, Json] = {}
        for name in members:
            self._add(self._new_user(name))
        self.admin_id = self._add(self._new_user(ADMIN))
        self.guild_id = self.new_id()
        self.bot_role_id, self.admin_role_id = self.new_id(), self.new_id()
        self.channels: dict[str, Channel] = {}
        self._create_channels()
        self.commands: dict[str, Json] = {}
        self.files = FileStore(self.new_id)

    # Time and ids

    def new_id(self) -> str:
        """Make a snowflake: milliseconds since Discord's epoch, then a counter; never the same twice."""
        now = (int(self.clock() * 1000) - DISCORD_EPOCH_MS) << 22
        self._last_id = max(self._last_id + 1, now)
        return str(self._last_id)

    def timestamp(self) -> str:
        """Tell the present moment as Discord writes it."""
        return datetime.fromtimestamp(self.clock(), UTC).isoformat()

    # People and what they may do

    def _new_user(self, name: str) -> Json:
        return {
            "id": self.new_id(),
            "username": re.sub(r"[^a-z0-9_.]", "_", name.lower()),
            "global_name": name,
            "discriminator": "0",
            "avatar": None,
            "public_flags": 0,
            "flags": 0,
            "primary_guild": None,
        }

    def _add(self, user: Json) -> str:
        self.users[user["id"]] = user
        return str(user["id"])

    def user(self, user_id: str) -> Json:
        """Find a person or the bot.

        Raises:
            Refused: nobody has this id (10013).
        """
        if user_id == self.bot_id:
            return self.bot
        if user_id not in self.users:
            raise errors.unknown_user()
        return self.users[user_id]

    def member(self, user_id: str) -> Json:
        """Return the user as a member of the server."""
        return {"user": self.user(user_id), **self.membership(user_id)}

    def membership(self, user_id: str) -> Json:
        """Return a member without the user, as messages and interactions carry it."""
        roles = {self.bot_id: [self.bot_role_id], self.admin_id: [self.admin_role_id]}
        return {
            "nick": None,
            "avatar": None,
            "banner": None,
            "roles": roles.get(user_id, []),
            "joined_at": self.joined_at,
            "premium_since": None,
            "communication_disabled_until": None,
            "deaf": False,
            "mute": False,
            "pending": False,
            "flags": 0,
        }

    def permissions(self, user_id: str, channel: Channel) -> Permissions:
        """Tell what somebody may do in a channel, in Discord's order: role, then the channel's overwrites."""
        if channel.is_direct:
            return DIRECT if user_id in (channel.person, self.bot_id) else Permissions.none()
        if user_id == self.admin_id:
            return Permissions.all()
        value = EVERYONE.value
        for overwrite in channel.overwrites:
            value = value & ~int(overwrite["deny"]) | int(overwrite["allow"])
        return Permissions(value)

    # The server

    def _create_channels(self) -> None:
        for position, (name, topic) in enumerate(CHANNELS.items()):
            channel = Channel(self.new_id(), name, position, topic)
            if name == READ_ONLY_CHANNEL:
                deny = {"id": self.guild_id, "type": 0, "allow": "0", "deny": str(SPEAKING.value)}
                channel.overwrites.append(deny)
            self.channels[channel.id] = channel
        for user_id in self.users:
            self._create_direct_channel(user_id)

    def _create_direct_channel(self, user_id: str) -> Channel:
        channel = Channel(self.new_id(), self.users[user_id]["username"], person=user_id)
        self.channels[channel.id] = channel
        return channel

    def add_person(self, name: str) -> str:
        """Let another person into the server and return the new id."""
        user_id = self._add(self._new_user(name))
        self._create_direct_channel(user_id)
        return user_id

    def channel(self, channel_id: str) -> Channel:
        """Find a channel by its id.

        Raises:
            Refused: there is none (10003).
        """
        if channel_id not in self.channels:
            raise errors.unknown_channel()
        return self.channels[channel_id]

    def channel_named(self, name: str) -> Channel:
        """Find a channel of the server by its name."""
        return next(
            channel for channel in self.channels.values() if channel.name == name and not channel.is_direct
        )

    def direct_channel(self, user_id: str) -> Channel:
        """Find the direct messages between the bot and one person."""
        return next(channel for channel in self.channels.values() if channel.person == user_id)

    def channel_payload(self, channel: Channel, *, seen_by: str | None = None) -> Json:
        """Discord's channel object. In direct messages the recipient is the other one of the two."""
        last = next(reversed(channel.messages), None)
        if channel.person is not None:
            recipient = self.user(channel.person) if seen_by in (None, self.bot_id) else self.bot
            return {
                "id": channel.id,
                "type": DIRECT_CHANNEL,
                "recipients": [recipient],
                "last_message_id": last,
                "flags": 0,
            }
        return {
            "id": channel.id,
            "type": TEXT_CHANNEL,
            "guild_id": self.guild_id,
            "name": channel.name,
            "topic": channel.topic,
            "position": channel.position,
            "permission_overwrites": channel.overwrites,
            "nsfw": False,
            "rate_limit_per_user": 0,
            "parent_id": None,
            "last_message_id": last,
            "flags": 0,
        }

    # Messages

    def new_message(self, author_id: str, channel: Channel, *, kind: int = 0, **more: object) -> Message:
        """Make an empty message that nobody has heard of yet."""
        return Message(
            {
                "id": self.new_id(),
                "channel_id": channel.id,
                "author": self.user(author_id),
                "type": kind,
                "content": "",
                "timestamp": self.timestamp(),
                "edited_timestamp": None,
                "tts": False,
                "mention_everyone": False,
                "mentions": [],
                "mention_roles": [],
                "attachments": [],
                "embeds": [],
                "components": [],
                "pinned": False,
                "flags": 0,
                **more,
            }
        )

    def message(self, channel_id: str, message_id: str) -> Message:
        """Find a message by its id.

        Raises:
            Refused: there is none, or no such channel (10008, 10003).
        """
        message = self.channel(channel_id).messages.get(message_id)
        if message is None:
            raise errors.unknown_message()
        return message

    def sees(self, user_id: str, message: Message) -> bool:
        """Whether a person may see a message."""
        if message.viewer is not None:
            return message.viewer == user_id
        return self.permissions(user_id, self.channel(message.channel_id)).view_channel

    def post(self, message: Message) -> None:
        """Put a new message into its channel; the oldest one makes room."""
        messages = self.channel(message.channel_id).messages
        messages[message.id] = message
        while len(messages) > MESSAGES_PER_CHANNEL:
            messages.pop(next(iter(messages)))
        for listener in self.listeners:
            listener.message_posted(message)

    def change(self, message: Message) -> None:
        """Tell of a message's later state."""
        for listener in self.listeners:
            listener.message_changed(message)

    def delete(self, message: Message) -> None:
        """Take a message away."""
        self.channel(message.channel_id).messages.pop(message.id, None)
        for listener in self.listeners:
            listener.message_deleted(message)

    def bot_types(self, channel: Channel) -> None:
        """Show that the bot is working."""
        for listener in self.listeners:
            listener.bot_types(channel)

    # Commands

    def set_commands(self, commands: dict[str, Json]) -> None:
        """Replace all registered commands."""
        self.commands = commands
        for listener in self.listeners:
            listener.commands_changed()

    def may_use(self, user_id: str, command: Json, channel: Channel) -> bool:
        """Whether a person may use a command in a channel."""
        if channel.is_direct:
            return "guild_id" not in command and 1 in contexts(command)
        permissions = self.permissions(user_id, channel)
        needed = command.get("default_member_permissions")
        if 0 not in contexts(command) or not permissions.use_application_commands:
            return False
        if needed is None or permissions.administrator:
            return True
        # Discord reads "0" as: for administrators only.
        return int(needed) != 0 and permissions >= Permissions(int(needed))

    def commands_for(self, user_id: str) -> list[Json]:
        """List the commands that a person may use anywhere."""
        visible = [c for c in self.channels.values() if self.permissions(user_id, c).view_channel]
        return [
            command
            for command in self.commands.values()
            if any(self.may_use(user_id, command, channel) for channel in visible)
        ]


def contexts(command: Json) -> list[int]:
    """Where a command may be used: 0 the server, 1 direct messages with the bot, 2 other private channels."""
    if command.get("contexts") is not None:
        return list(command["contexts"])
    return [0] if command.get("dm_permission") is False else [0, 1, 2]
