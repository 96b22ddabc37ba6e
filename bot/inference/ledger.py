"""What the queue needs of whatever keeps its jobs over a restart; ``bot.store`` is the real one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import ParamSpec, Protocol

from bot.inference.errors import LedgerError
from bot.inference.jobs import Record

log = logging.getLogger(__name__)

P = ParamSpec("P")

TRY_AGAIN_SECONDS = 5.0


class CodeTaken(Exception):
    """A job of this code is in the ledger already."""


class Ledger(Protocol):
    """Keeps jobs. Every method has written for good when it returns, and raises ``LedgerError`` if it cannot."""

    async def add(self, record: Record) -> None:
        """Write down an admitted job.

        Raises:
            CodeTaken: its code is not new.
        """

    async def prepare(self, code: str, request: bytes) -> None:
        """Note that a job's request is complete: it waits."""

    async def start(self, codes: Collection[str]) -> None:
        """Note that these jobs are about to run."""

    async def requeue(self, code: str, deaths: int) -> None:
        """Note that a job waits again, after its worker has ended."""

    async def finish(self, code: str, *, result: bytes, seconds: float) -> None:
        """Note that a job has an answer, which nobody has been shown yet."""

    async def fail(self, code: str, *, outcome: str, error: str) -> None:
        """Note that a job has ended without an answer, of which nobody has been told yet."""

    async def deliver(self, code: str, *, request: bytes, result: bytes | None) -> None:
        """Note that the person has been shown how a job ended: keep this of it, and show it to nobody again."""

    async def unfinished(self) -> list[Record]:
        """Return the jobs that have not ended, or of whose end nobody has been told, oldest first."""


class PatientWriter:
    """Writes what concerns admitted jobs. When the disk is full, work goes on, and is written down later.

    The order of the writes is kept, but for one that fails while another is under way: so the ledger lets no job
    that has ended go back. If the process ends before the disk has room again, some jobs are done
    twice, but none is lost.
    """

    def __init__(self) -> None:
        self._owed: deque[Callable[[], Awaitable[None]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def write(self, write: Callable[P, Awaitable[None]], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Write now, or as soon as it is possible."""
        if not self._owed:
            try:
                await write(*args, **kwargs)
            except LedgerError:
                log.error("The ledger cannot be written; I shall try again every %g s", TRY_AGAIN_SECONDS)
            else:
                return
        self._owed.append(partial(write, *args, **kwargs))
        if self._task is None:
            self._task = asyncio.create_task(self._write_owed())

    async def close(self) -> None:
        """Try once more, and give up what cannot be written."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            with contextlib.suppress(LedgerError):
                await self._write_all()

    async def _write_owed(self) -> None:
        while self._owed:
            await asyncio.sleep(TRY_AGAIN_SECONDS)
            with contextlib.suppress(LedgerError):
                await self._write_all()
        log.info("The ledger is up to date again")
        self._task = None

    async def _write_all(self) -> None:
        while self._owed:
            await self._owed[0]()
            self._owed.popleft()
