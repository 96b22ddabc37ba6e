"""The last answers, kept in memory for a while so that their buttons can show more of them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.inference.messages import Done
    from bot.inference.queue import Job

KEEP_SECONDS = 15 * 60.0
KEEP_AT_MOST = 64
"""Answers; one of /classify holds about half a megabyte of heat maps."""


@dataclass(frozen=True)
class Kept:
    """An answer and whose it is."""

    owner: int
    done: Done
    since: float


class RecentResults:
    """Answers by their job's code; the oldest go first. Nothing of it is written to disk."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def keep(self, job: Job, done: Done) -> None:
        """Remember an answer."""
        self._kept[job.code] = Kept(job.owner, done, monotonic())
        while len(self._kept) > KEEP_AT_MOST:
            self._kept.popitem(last=False)

    def get(self, code: str) -> Kept | None:
        """Return the answer of this job, if it is not too old."""
        oldest_allowed = monotonic() - KEEP_SECONDS
        while self._kept and next(iter(self._kept.values())).since < oldest_allowed:
            self._kept.popitem(last=False)
        return self._kept.get(code)
