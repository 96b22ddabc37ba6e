"""Answers by their job's code: the latest whole, in memory; all others as the store keeps them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from time import time

from bot.errors import UserError
from bot.inference.jobs import Finished, finished
from bot.store import Store

KEEP_SECONDS = 15 * 60.0
KEEP_AT_MOST = 64
"""Answers; one of /classify holds about half a megabyte of heat maps."""


class Results:
    """Answers that have been shown. Pictures of uploads are never written to disk for longer than a job lasts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[str, tuple[float, Finished]] = OrderedDict()
        """With the Unix time at which they came; the oldest first."""

    def keep(self, answered: Finished) -> None:
        """Remember an answer as it is, pictures included, for a while."""
        self._kept[answered.code] = (time(), answered)
        while len(self._kept) > KEEP_AT_MOST:
            self._kept.popitem(last=False)
        asyncio.get_running_loop().call_later(KEEP_SECONDS + 1.0, self._drop_old)  # also if nobody asks again

    async def get(self, code: str) -> Finished | None:
        """Return the answer of this job: whole if it is young, else without pictures of uploads."""
        self._drop_old()
        if code in self._kept:
            return self._kept[code][1]
        record = await self._store.job(code)
        return None if record is None else finished(record)

    async def require(self, code: str, forgotten: str) -> Finished:
        """Return the answer of this job.

        Raises:
            UserError: it is not kept any more; the person is told what ``forgotten`` says.
        """
        answered = await self.get(code)
        if answered is None:
            raise UserError(forgotten)
        return answered

    def _drop_old(self) -> None:
        oldest_allowed = time() - KEEP_SECONDS
        while self._kept and next(iter(self._kept.values()))[0] < oldest_allowed:
            self._kept.popitem(last=False)

    def forget(self, owner: int) -> None:
        """Drop a person's answers from memory."""
        for code in [code for code, (_, answered) in self._kept.items() if answered.owner == owner]:
            del self._kept[code]
