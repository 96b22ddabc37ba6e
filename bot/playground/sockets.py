"""One WebSocket's outgoing side."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

WAITING_FRAMES = 5000
"""A reader that lags behind by so many frames is let go, or it would fill the memory."""


class Outbox:
    """Frames on their way to one socket, in order, so that whoever has news never waits for a slow reader."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._socket = socket
        self._transport = request.transport
        self._frames: asyncio.Queue[str] = asyncio.Queue(WAITING_FRAMES)

    def put(self, frame: str) -> None:
        """Queue a frame."""
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.cut()

    def cut(self) -> None:
        """Break the line without a word, as a lost network would."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self, code: int, message: str = "") -> None:
        """Close the socket with a code."""
        await self._socket.close(code=code, message=message.encode())

    async def write(self) -> None:
        """Send what is queued, for ever."""
        # The peer may be gone at any time; the reading side notices and ends the connection.
        with contextlib.suppress(ConnectionError):
            while True:
                await self._socket.send_str(await self._frames.get())


class Lines(set[Outbox]):
    """All open sockets of one kind."""

    @contextlib.asynccontextmanager
    async def open(self, socket: web.WebSocketResponse, request: web.Request) -> AsyncIterator[Outbox]:
        """Accept a socket and send in the background, as long as the block runs."""
        await socket.prepare(request)
        outbox = Outbox(socket, request)
        self.add(outbox)
        writer = asyncio.create_task(outbox.write())
        try:
            yield outbox
        finally:
            self.discard(outbox)
            writer.cancel()

    def cut(self) -> None:
        """Break all lines without a word."""
        for outbox in list(self):
            outbox.cut()

    async def close(self) -> None:
        """Tell everybody that the server goes away."""
        await asyncio.gather(*(outbox.close(1001, "Server shutdown") for outbox in list(self)))
