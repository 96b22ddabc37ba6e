"""One WebSocket's outgoing side."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from aiohttp import web

WAITING_FRAMES = 5000
"""A reader that lags behind by so many frames is let go, or it would fill the memory."""


class Outbox:
    """Frames on their way to one socket, in order, so that whoever has news never waits for a slow reader."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._socket = socket
        self._transport = request.transport
        self._frames: asyncio.Queue[str] = asyncio.Queue(WAITING_FRAMES)
        self._writer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._writer

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

    async def _write(self) -> None:
        # The peer may be gone at any time; the reading side notices and ends the connection.
        with contextlib.suppress(ConnectionError):
            while True:
                await self._socket.send_str(await self._frames.get())
