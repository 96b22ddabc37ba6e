"""Messages as bytes: MessagePack behind a four-byte length, over the worker's standard streams.

A pipe is a stream without borders between messages, hence the length. Standard streams rather than sockets:
they exist on every system, nobody else can connect to them, and the worker sees end of file the moment that
the bot process dies, even by ``kill -9``, so that no orphan keeps the device.
"""

from __future__ import annotations

import asyncio
import struct
from typing import BinaryIO

import msgspec

from bot.inference.messages import Command, Event

_LENGTH = struct.Struct(">I")

_encoder = msgspec.msgpack.Encoder()
_command_decoder: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)
_event_decoder: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)


def encode(message: Command | Event) -> bytes:
    """Return the message as one frame."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


def read_command(stream: BinaryIO) -> Command | None:
    """Block until the next command has come; ``None`` at the end of the stream."""
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(header)
    body = stream.read(length)
    return _command_decoder.decode(body) if len(body) == length else None


async def read_event(stream: asyncio.StreamReader) -> Event | None:
    """Wait for the next event; ``None`` at the end of the stream, also if it ends within a frame."""
    try:
        (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
        return _event_decoder.decode(await stream.readexactly(length))
    except asyncio.IncompleteReadError:
        return None
