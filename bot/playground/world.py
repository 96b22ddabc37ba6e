"""What Discord would remember: people, one server, channels, messages and commands, all within caps."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from discord import Permissions

from bot.playground.errors import Json, Refused, unknown_message
from bot.playground.files import FileStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DISCORD_EPOCH_MS = 1420070400000
"""The first second of 2015, from which Discord's ids count."""
MESSAGES_PER_CHANNEL = 500
GUILD_NAME = "Local server"
MEMBERS = ("Ada", "Grace", "Linus")
ADMIN = "Margaret"
CHANNELS = {
    "general": "Talk about anything",
    "playground": "Try the bot's commands here",
    "art-gallery": "Show what you have made",
}
EPHEMERAL, LOADING, COMPONENTS_V2 = 1 << 6, 1 << 7, 1 << 15
"""Message flags of which the server takes care."""
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
)
"""What everybody may do, the bot too; the administrator may do everything."""


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


@dataclass(eq=False)
class Channel:
    """A text channel of the server, or the direct messages between the bot and one person."""

    id: str
    name: str
    topic: str = ""
    person: str | None = None
    """The person on the other end of direct messages; None for a channel of the server."""
    messages: dict[str, Message] = field(default_factory=dict)
    """Oldest first."""


class World:
    """The state of the embedded Discord."""

    def __init__(
        self,
        *,
        bot_name: str,
        members: Sequence[str] = MEMBERS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.listeners: list[Callable[[str, Message], None]] = []
        """Told MESSAGE_CREATE, MESSAGE_UPDATE or MESSAGE_DELETE, and the message."""
        self._last_id = 0
        self.joined_at = self.timestamp()
        self.bot = {**self._new_user(bot_name), "bot": True}
        self.bot_id = str(self.bot["id"])
        self.users = {user["id"]: user for user in map(self._new_user, (*members, ADMIN))}
        """All people by id, the administrator last."""
        self.admin_id = str(list(self.users)[-1])
        self.guild_id, self.bot_role_id, self.admin_role_id = self.new_id(), self.new_id(), self.new_id()
        channels = [Channel(self.new_id(), name, topic) for name, topic in CHANNELS.items()]
        channels += [Channel(self.new_id(), u["username"], person=u["id"]) for u in self.users.values()]
        self.channels = {channel.id: channel for channel in channels}
        self.commands: dict[str, Json] = {}
        self.files = FileStore(self.new_id)

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

    def user(self, user_id: str) -> Json:
        """Find a person or the bot; refuses an unknown id (10013)."""
        user = self.bot if user_id == self.bot_id else self.users.get(user_id)
        if user is None:
            raise Refused(404, 10013, "Unknown User")
        return user

    def member(self, user_id: str) -> Json:
        """Return a member of the server, without the user."""
        roles = {self.bot_id: [self.bot_role_id], self.admin_id: [self.admin_role_id]}
        nothing = ("nick", "avatar", "banner", "premium_since", "communication_disabled_until")
        return {
            **dict.fromkeys(nothing, None),
            **dict.fromkeys(("deaf", "mute", "pending"), False),
            "roles": roles.get(user_id, []),
            "joined_at": self.joined_at,
            "flags": 0,
        }

    def permissions(self, user_id: str, channel: Channel) -> str:
        """Tell what somebody may do in a channel, as the number that Discord writes as text."""
        everything = user_id == self.admin_id and channel.person is None
        return str((Permissions.all() if everything else EVERYONE).value)

    def visible(self, user_id: str) -> list[Channel]:
        """List the channels that a person sees."""
        return [channel for channel in self.channels.values() if channel.person in (None, user_id)]

    def may_use(self, user_id: str, command: Json, channel: Channel) -> bool:
        """Whether a person may use a command in a channel."""
        context = 0 if channel.person is None else 1
        if context not in (command["contexts"] or (0, 1, 2)):
            return False
        needed = command["default_member_permissions"]
        if context == 1 or needed is None or user_id == self.admin_id:
            return True
        # Discord reads "0" as: for administrators only.
        return int(needed) != 0 and Permissions(int(needed)) <= EVERYONE

    def commands_for(self, user_id: str) -> list[Json]:
        """List the commands that a person may use anywhere."""
        channels = self.visible(user_id)
        every = self.commands.values()
        return [command for command in every if any(self.may_use(user_id, command, c) for c in channels)]

    # Channels and messages

    def channel(self, channel_id: str) -> Channel:
        """Find a channel; refuses an unknown id (10003)."""
        if channel_id not in self.channels:
            raise Refused(404, 10003, "Unknown Channel")
        return self.channels[channel_id]

    def direct_channel(self, user_id: str) -> Channel:
        """Find the direct messages between the bot and one person; refuses other ids (50007)."""
        for channel in self.channels.values():
            if channel.person == user_id:
                return channel
        raise Refused(400, 50007, "Cannot send messages to this user")

    def new_message(self, author_id: str, channel: Channel, *, kind: int = 0, **more: object) -> Message:
        """Make an empty message that nobody has heard of yet."""
        empty = ("mentions", "mention_roles", "attachments", "embeds", "components")
        payload: Json = {
            **{key: [] for key in empty},
            **dict.fromkeys(("tts", "mention_everyone", "pinned"), False),
            "id": self.new_id(),
            "channel_id": channel.id,
            "author": self.user(author_id),
            "type": kind,
            "content": "",
            "timestamp": self.timestamp(),
            "edited_timestamp": None,
            "flags": 0,
        }
        return Message({**payload, **more})

    def message(self, channel: Channel, message_id: str, user_id: str | None = None) -> Message:
        """Find a message that this person (None: everybody) sees; refuses any other (10008)."""
        message = channel.messages.get(message_id)
        if message is None or message.viewer not in (None, user_id):
            raise unknown_message()
        return message

    def sees(self, user_id: str, message: Message) -> bool:
        """Whether a person may see a message."""
        person = self.channel(message.payload["channel_id"]).person
        return message.viewer in (None, user_id) and person in (None, user_id)

    def post(self, message: Message) -> None:
        """Put a new message into its channel; the oldest one makes room."""
        messages = self.channel(message.payload["channel_id"]).messages
        messages[message.id] = message
        while len(messages) > MESSAGES_PER_CHANNEL:
            messages.pop(next(iter(messages)))
        self._tell("MESSAGE_CREATE", message)

    def change(self, message: Message, *, edited: bool = True) -> None:
        """Tell of a message's later state."""
        if edited:
            message.payload["edited_timestamp"] = self.timestamp()
        self._tell("MESSAGE_UPDATE", message)

    def delete(self, message: Message) -> None:
        """Take a message away."""
        self.channel(message.payload["channel_id"]).messages.pop(message.id, None)
        self._tell("MESSAGE_DELETE", message)

    def _tell(self, event: str, message: Message) -> None:
        for listener in self.listeners:
            listener(event, message)
