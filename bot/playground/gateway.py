"""The gateway that a bot listens to: IDENTIFY, HEARTBEAT, RESUME and the events."""

from __future__ import annotations

import json
import logging
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web
from discord import Intents

from bot.playground.errors import Json
from bot.playground.guild import guild_create
from bot.playground.sockets import Lines, Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.playground.world import Channel, Message, World

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 41.25
"""What Discord asks for."""
EVENTS = 1000
"""Events kept for a bot that comes back with RESUME."""
SESSIONS = 64
"""Sessions kept, with a line or without; the oldest makes room."""
FRAME_BYTES = 4096
"""Discord's limit for what a bot may send."""
DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE_STATE, RESUME = 0, 1, 2, 3, 4, 6
REQUEST_MEMBERS, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 8, 9, 10, 11
KNOWN_INTENTS = Intents.all().value


class Closed(Exception):
    """The gateway ends the connection: one of Discord's close codes, and its words."""


@dataclass(eq=False)
class Session:
    """One shard of a bot, across the connections it may take to stay in touch."""

    intents: Intents
    shard: int
    shards: int
    outbox: Outbox | None
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    sequence: int = 0
    events: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=EVENTS))

    def dispatch(self, name: str, data: Json) -> None:
        """Send an event, and keep it in case the line is broken."""
        self.sequence += 1
        frame = json.dumps({"op": DISPATCH, "t": name, "s": self.sequence, "d": data})
        self.events.append((self.sequence, frame))
        if self.outbox is not None:
            self.outbox.put(frame)


class Gateway:
    """Carries the news of the world to the bot."""

    def __init__(self, world: World) -> None:
        self.url = ""
        self.on_presence: Callable[[bool], None] = lambda online: None
        """Called when the bot comes online or goes."""
        self.lines = Lines()
        self._world = world
        self._sessions: dict[str, Session] = {}
        self._was_online = False

    @property
    def online(self) -> bool:
        """Whether a bot is listening."""
        return any(session.outbox is not None for session in self._sessions.values())

    def forget(self) -> None:
        """Forget all sessions, so that the next RESUME is refused."""
        self._sessions.clear()

    # Events

    def audience(self, channel: Channel) -> list[Session]:
        """List the sessions of the shard that hears of a channel."""
        guild = 0 if channel.person else int(self._world.guild_id) >> 22
        return [s for s in self._sessions.values() if s.shard == guild % s.shards]

    def tell(self, event: str, message: Message) -> None:
        """Tell the bot what has become of a message, unless it is ephemeral."""
        channel = self._world.channel(message.payload["channel_id"])
        for session in self.audience(channel) if message.viewer is None else ():
            intents = session.intents
            if intents.dm_messages if channel.person else intents.guild_messages:
                session.dispatch(event, self._payload(event, message, channel, intents))

    def _payload(self, event: str, message: Message, channel: Channel, intents: Intents) -> Json:
        world, payload = self._world, message.payload
        where: Json = {} if channel.person else {"guild_id": world.guild_id}
        if event == "MESSAGE_DELETE":
            return {"id": message.id, "channel_id": channel.id, **where}
        author = payload["author"]["id"]
        if where:
            where["member"] = world.member(author)
        mentioned = any(user["id"] == world.bot_id for user in payload["mentions"])
        if intents.message_content or channel.person or mentioned or author == world.bot_id:
            return {**payload, **where}
        # Without the privileged intent Discord blanks what other people write.
        return {**payload, **where, "content": "", "embeds": [], "attachments": [], "components": []}

    # Connections

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection of a bot from HELLO to the end."""
        socket = web.WebSocketResponse(max_msg_size=FRAME_BYTES, timeout=0.5)
        session: Session | None = None
        async with self.lines.open(socket, request) as outbox:
            try:
                outbox.put(_frame(HELLO, {"heartbeat_interval": int(HEARTBEAT_SECONDS * 1000)}))
                while True:
                    # A bot that misses a heartbeat altogether is gone.
                    received = await socket.receive(timeout=HEARTBEAT_SECONDS * 2)
                    if received.type is not WSMsgType.TEXT:
                        break
                    session = self._hear(received.data, session, outbox)
                    self._tell_presence()
            except Closed as closed:
                log.warning("The gateway closes a bot's connection: %s", closed)
                await outbox.close(*closed.args)
            except TimeoutError:
                await outbox.close(4009, "Session timed out.")
            finally:
                if session is not None and session.outbox is outbox:
                    session.outbox = None
                    if socket.close_code in (1000, 1001):  # a bot that says goodbye does not come back
                        self._sessions.pop(session.id, None)
                self._tell_presence()
        return socket

    def _tell_presence(self) -> None:
        if self.online is not self._was_online:
            self._was_online = self.online
            self.on_presence(self.online)

    def _hear(self, text: str, session: Session | None, outbox: Outbox) -> Session | None:
        try:
            frame = json.loads(text)
            op, data = frame["op"], frame.get("d")
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Closed(4002, "Error while decoding payload.") from None
        if op == HEARTBEAT:
            outbox.put(_frame(HEARTBEAT_ACK, None))
        elif op in (IDENTIFY, RESUME):
            if session is not None:
                raise Closed(4005, "Already authenticated.")
            if not isinstance(data, dict) or not data.get("token"):
                raise Closed(4004, "Authentication failed.")
            return self._identify(data, outbox) if op == IDENTIFY else self._resume(data, outbox)
        elif op not in (PRESENCE, VOICE_STATE, REQUEST_MEMBERS):
            raise Closed(4001, "Unknown opcode.")
        elif session is None:
            raise Closed(4003, "Not authenticated.")
        return session

    def _identify(self, data: Json, outbox: Outbox) -> Session:
        intents = data.get("intents")
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            raise Closed(4013, "Invalid intent(s).")
        match data.get("shard", [0, 1]):
            case [int(shard), int(shards)] if 0 <= shard < shards:
                session = Session(Intents._from_value(intents), shard, shards, outbox)
            case _:
                raise Closed(4010, "Invalid shard.")
        self._sessions[session.id] = session
        if len(self._sessions) > SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        mine = (int(self._world.guild_id) >> 22) % shards == shard
        ready = {
            "v": 10,
            "user": self._world.bot,
            "guilds": [{"id": self._world.guild_id, "unavailable": True}] if mine else [],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "shard": [shard, shards],
            "application": {"id": self._world.bot_id, "flags": 0},
        }
        session.dispatch("READY", ready)
        if mine and session.intents.guilds:
            session.dispatch("GUILD_CREATE", guild_create(self._world))
        return session

    def _resume(self, data: Json, outbox: Outbox) -> Session | None:
        session, sequence = self._sessions.get(str(data.get("session_id"))), data.get("seq")
        if session is not None and isinstance(sequence, int):
            if sequence > session.sequence:
                raise Closed(4007, "Invalid seq.")
            missed = [frame for number, frame in session.events if number > sequence]
            if len(missed) == session.sequence - sequence:
                session.outbox = outbox
                for frame in missed:
                    outbox.put(frame)
                session.dispatch("RESUMED", {})
                return session
            del self._sessions[session.id]  # too much was missed
        outbox.put(_frame(INVALID_SESSION, False))
        return None


def _frame(op: int, data: object) -> str:
    return json.dumps({"op": op, "d": data})
