"""The gateway that a bot listens to: IDENTIFY, HEARTBEAT, RESUME and the events."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web
from discord import Intents

from bot.playground.errors import Json
from bot.playground.guild import guild_create
from bot.playground.sockets import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.playground.world import Channel, Message, World

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 41.25
"""What Discord asks for."""
EVENTS = 1000
"""Events kept for a bot that comes back with RESUME."""
SESSIONS = 64
FRAME_BYTES = 4096
"""Discord's limit for what a bot may send."""
DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE_STATE, RESUME = 0, 1, 2, 3, 4, 6
REQUEST_MEMBERS, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 8, 9, 10, 11
KNOWN_INTENTS = Intents.all().value
RESUME_WINDOW_SECONDS = 180.0
"""How long a session without a line waits for its bot."""


class Closed(Exception):
    """The gateway ends the connection, with one of Discord's close codes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(eq=False)
class Session:
    """One shard of a bot, across the connections it may take to stay in touch."""

    intents: Intents
    shard: int
    shards: int
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    sequence: int = 0
    events: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=EVENTS))
    outbox: Outbox | None = None
    left_at: float = 0.0

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
        self._world = world
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lines: set[Outbox] = set()
        self._was_online = False

    @property
    def online(self) -> bool:
        """Whether a bot is listening."""
        return any(session.outbox is not None for session in self._sessions.values())

    def drop(self) -> None:
        """Cut every bot's line without a word, for tests of RESUME."""
        for outbox in list(self._lines):
            outbox.cut()

    def forget(self) -> None:
        """Forget all sessions, so that the next RESUME is refused."""
        for session in self._sessions.values():
            session.outbox = None
        self._sessions.clear()

    async def close(self) -> None:
        """Tell every bot that the server goes away."""
        await asyncio.gather(*(outbox.close(1001, "Server shutdown") for outbox in list(self._lines)))

    # Events

    def dispatch(self, name: str, data: Json, channel: Channel) -> None:
        """Send an event about a channel to the shard that cares for it."""
        for session in self._audience(channel):
            session.dispatch(name, data)

    def _audience(self, channel: Channel) -> list[Session]:
        self._forget_old()
        guild = 0 if channel.is_direct else int(self._world.guild_id) >> 22
        return [s for s in self._sessions.values() if s.shard == guild % s.shards]

    def _forget_old(self) -> None:
        before = self._world.clock() - RESUME_WINDOW_SECONDS
        for session in list(self._sessions.values()):
            if session.outbox is None and session.left_at < before:
                del self._sessions[session.id]

    def _wants_messages(self, channel: Channel) -> list[Session]:
        return [
            session
            for session in self._audience(channel)
            if (session.intents.dm_messages if channel.is_direct else session.intents.guild_messages)
        ]

    def message_posted(self, message: Message) -> None:
        """Tell the bot of a new message."""
        self._tell_of("MESSAGE_CREATE", message)

    def message_changed(self, message: Message) -> None:
        """Tell the bot of a message's later state."""
        self._tell_of("MESSAGE_UPDATE", message)

    def _tell_of(self, name: str, message: Message) -> None:
        if message.viewer is not None:
            return
        channel = self._world.channel(message.channel_id)
        for session in self._wants_messages(channel):
            session.dispatch(name, self._as_event(message, channel, session.intents))

    def _as_event(self, message: Message, channel: Channel, intents: Intents) -> Json:
        payload = dict(message.payload)
        author = payload["author"]["id"]
        if not channel.is_direct:
            payload["guild_id"] = self._world.guild_id
            payload["member"] = self._world.membership(author)
        mentioned = any(user["id"] == self._world.bot_id for user in payload["mentions"])
        if not (intents.message_content or channel.is_direct or mentioned or author == self._world.bot_id):
            # Without the privileged intent Discord blanks what other people write.
            payload.update(content="", embeds=[], attachments=[], components=[])
        return payload

    def message_deleted(self, message: Message) -> None:
        """Tell the bot that a message is gone."""
        channel = self._world.channel(message.channel_id)
        data = {"id": message.id, "channel_id": channel.id}
        if not channel.is_direct:
            data["guild_id"] = self._world.guild_id
        if message.viewer is None:
            for session in self._wants_messages(channel):
                session.dispatch("MESSAGE_DELETE", data)

    def bot_types(self, channel: Channel) -> None:
        """Nothing: a bot need not hear of itself."""

    def commands_changed(self) -> None:
        """Nothing: a bot knows what it has registered."""

    # Connections

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection of a bot from HELLO to the end."""
        socket = web.WebSocketResponse(max_msg_size=FRAME_BYTES, timeout=0.5)
        await socket.prepare(request)
        session: Session | None = None
        async with Outbox(socket, request) as outbox:
            self._lines.add(outbox)
            try:
                self._check_query(request)
                outbox.put(_frame(HELLO, {"heartbeat_interval": int(HEARTBEAT_SECONDS * 1000)}))
                while True:
                    # A bot that misses a heartbeat altogether is gone.
                    received = await socket.receive(timeout=HEARTBEAT_SECONDS * 2)
                    if received.type is not WSMsgType.TEXT:
                        break
                    session = self._hear(_parse(received.data), session, outbox)
                    self._tell_presence()
            except Closed as closed:
                log.warning("The gateway closes a bot's connection: %s (%d)", closed.reason, closed.code)
                await outbox.close(closed.code, closed.reason)
            except TimeoutError:
                await outbox.close(4009, "Session timed out.")
            finally:
                self._lines.discard(outbox)
                if session is not None and session.outbox is outbox:
                    self._leave(session, socket)
                self._tell_presence()
        return socket

    def _leave(self, session: Session, socket: web.WebSocketResponse) -> None:
        session.outbox = None
        session.left_at = self._world.clock()
        if socket.close_code in (1000, 1001):  # a bot that says goodbye does not come back
            self._sessions.pop(session.id, None)

    def _tell_presence(self) -> None:
        if self.online is not self._was_online:
            self._was_online = self.online
            self.on_presence(self.online)

    @staticmethod
    def _check_query(request: web.Request) -> None:
        if request.query.get("v", "10") != "10":
            raise Closed(4012, "Invalid API version.")
        if request.query.get("encoding", "json") != "json":
            raise Closed(4002, "Only the encoding json is spoken here.")

    def _hear(self, frame: Json, session: Session | None, outbox: Outbox) -> Session | None:
        op, data = frame.get("op"), frame.get("d")
        if op == HEARTBEAT:
            outbox.put(_frame(HEARTBEAT_ACK, None))
        elif op == IDENTIFY:
            if session is not None:
                raise Closed(4005, "Already authenticated.")
            return self._identify(_object(data), outbox)
        elif op == RESUME:
            if session is not None:
                raise Closed(4005, "Already authenticated.")
            return self._resume(_object(data), outbox)
        elif op not in (PRESENCE, VOICE_STATE, REQUEST_MEMBERS):
            raise Closed(4001, "Unknown opcode.")
        elif session is None:
            raise Closed(4003, "Not authenticated.")
        elif op == REQUEST_MEMBERS:
            self._send_members(session, _object(data))
        return session

    def _identify(self, data: Json, outbox: Outbox) -> Session:
        if not data.get("token"):
            raise Closed(4004, "Authentication failed.")
        intents = data.get("intents")
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            raise Closed(4013, "Invalid intent(s).")
        match data.get("shard", [0, 1]):
            case [int(shard), int(shards)] if 0 <= shard < shards:
                pass
            case _:
                raise Closed(4010, "Invalid shard.")
        session = Session(Intents._from_value(intents), shard, shards, outbox=outbox)
        self._forget_old()
        self._sessions[session.id] = session
        while len(self._sessions) > SESSIONS:
            _, oldest = self._sessions.popitem(last=False)
            oldest.outbox = None
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
        session = self._sessions.get(str(data.get("session_id")))
        sequence = data.get("seq")
        if not data.get("token"):
            raise Closed(4004, "Authentication failed.")
        if session is None or not isinstance(sequence, int):
            outbox.put(_frame(INVALID_SESSION, False))
            return None
        if sequence > session.sequence:
            raise Closed(4007, "Invalid seq.")
        missed = [frame for number, frame in session.events if number > sequence]
        if len(missed) < session.sequence - sequence:
            del self._sessions[session.id]  # too much was missed
            outbox.put(_frame(INVALID_SESSION, False))
            return None
        session.outbox = outbox
        for frame in missed:
            outbox.put(frame)
        session.dispatch("RESUMED", {})
        return session

    def _send_members(self, session: Session, data: Json) -> None:
        wanted, query = data.get("user_ids"), str(data.get("query") or "").lower()
        wanted = [wanted] if isinstance(wanted, str | int) else wanted
        everybody = {self._world.bot_id: self._world.bot, **self._world.users}
        if wanted is None:
            ids = [key for key, user in everybody.items() if user["username"].startswith(query)]
            ids = ids[: int(data.get("limit") or 0) or None]
            missing: list[str] = []
        else:
            ids = [str(key) for key in wanted if str(key) in everybody]
            missing = [str(key) for key in wanted if str(key) not in everybody]
        chunk: Json = {
            "guild_id": self._world.guild_id,
            "members": [self._world.member(key) for key in ids],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": missing,
        }
        if data.get("nonce") is not None:
            chunk["nonce"] = data["nonce"]
        session.dispatch("GUILD_MEMBERS_CHUNK", chunk)


def _frame(op: int, data: object) -> str:
    return json.dumps({"op": op, "d": data})


def _parse(text: str) -> Json:
    try:
        frame = json.loads(text)
    except ValueError:
        raise Closed(4002, "Error while decoding payload.") from None
    return _object(frame)


def _object(value: object) -> Json:
    if not isinstance(value, dict):
        raise Closed(4002, "Error while decoding payload.")
    return value
