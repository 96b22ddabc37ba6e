"""Whose turn it is: every owner has a line, and owners take turns by deficit round robin.

M. Shreedhar and G. Varghese, "Efficient fair queuing using deficit round robin", SIGCOMM 1995. Where they
count bytes, we count seconds of the device: whoever asks for much at a time gets fewer turns. Ten jobs of
one person never stand before another person's first.
"""

from __future__ import annotations

import bisect
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.inference.jobs import Job, Priority

LEAST_COST = 1e-3
"""Seconds. Nothing is free, or an owner of free jobs would never give the turn away."""
LATE_AFTER = 8
"""Jobs with somebody looking on that may pass before one left over from a restart gets its turn."""


@dataclass
class Line:
    """One owner's waiting jobs, in the order of their admission, and the seconds that the owner has saved."""

    jobs: list[Job] = field(default_factory=list)
    deficit: float = 0.0

    def __copy__(self) -> Line:
        return Line(self.jobs.copy(), self.deficit)


class Turns:
    """Waiting jobs of one priority: the owner at the front has the turn."""

    def __init__(self, cost: Callable[[Job], float]) -> None:
        self._cost = cost
        self._lines: dict[int, Line] = {}
        """By owner. Dictionaries keep their order, so this is the round as well."""

    def __len__(self) -> int:
        return sum(len(line.jobs) for line in self._lines.values())

    def __iter__(self) -> Iterator[Job]:
        """All jobs, in no order that means anything."""
        return (job for line in self._lines.values() for job in line.jobs)

    def __copy__(self) -> Turns:
        twin = Turns(self._cost)
        twin._lines = {owner: copy.copy(line) for owner, line in self._lines.items()}
        return twin

    def add(self, job: Job) -> None:
        """Put a job into its owner's line, by its number: one that has to run again comes first."""
        line = self._lines.setdefault(job.owner, Line())
        bisect.insort(line.jobs, job, key=lambda other: (not other.suspect, other.number))

    def remove(self, job: Job) -> None:
        """Take out a job that waits here, as if it had never come."""
        self._lines[job.owner].jobs.remove(job)
        self._drop_if_empty(job.owner)

    def take(self, may_run: Callable[[Job], bool]) -> Job | None:
        """Take out the job whose turn it is, among the first jobs of all lines that may run now."""
        heads = {owner: line.jobs[0] for owner, line in self._lines.items() if may_run(line.jobs[0])}
        if not heads:
            return None
        # With the cheapest job's cost as the quantum, someone can pay after two rounds at most, and nobody
        # can save up for more than one turn.
        quantum = min(self._price(head) for head in heads.values())
        while True:
            owner, line = next(iter(self._lines.items()))
            head = heads.get(owner)
            if head is not None and line.deficit >= self._price(head):
                line.deficit -= self._price(head)
                self.remove(head)
                return head
            if head is not None:
                line.deficit += quantum
            self._lines[owner] = self._lines.pop(owner)  # the turn goes on

    def _price(self, job: Job) -> float:
        return max(self._cost(job), LEAST_COST)

    def _drop_if_empty(self, owner: int) -> None:
        # What was saved is lost with the last job, so that being away is not rewarded.
        if not self._lines[owner].jobs:
            del self._lines[owner]


class WaitingJobs:
    """All waiting jobs: the turns of each priority, and a rule that keeps the lower one from starving."""

    def __init__(self, cost: Callable[[Job], float]) -> None:
        self._turns = {priority: Turns(cost) for priority in Priority}
        self._passed = 0
        """Live jobs that were taken while late ones waited."""

    def __len__(self) -> int:
        return sum(len(turns) for turns in self._turns.values())

    def __iter__(self) -> Iterator[Job]:
        """All jobs, in no order that means anything."""
        return (job for turns in self._turns.values() for job in turns)

    def __copy__(self) -> WaitingJobs:
        twin = WaitingJobs(lambda _job: 0.0)
        twin._turns = {priority: copy.copy(turns) for priority, turns in self._turns.items()}
        twin._passed = self._passed
        return twin

    def add(self, job: Job) -> None:
        """Put a job into its owner's line."""
        self._turns[job.priority].add(job)

    def remove(self, job: Job) -> None:
        """Take out a job that waits here, as if it had never come."""
        self._turns[job.priority].remove(job)

    def take(self, may_run: Callable[[Job], bool] = lambda _job: True) -> Job | None:
        """Take out the job whose turn it is, among those that may run now."""
        live, late = self._turns[Priority.LIVE], self._turns[Priority.LATE]
        first, second = (late, live) if self._passed >= LATE_AFTER else (live, late)
        job = first.take(may_run) or second.take(may_run)
        if job is not None:
            self._passed = self._passed + 1 if job.priority is Priority.LIVE and len(late) else 0
        return job

    def order(self) -> list[Job]:
        """Return all jobs in the order in which they will be taken if nobody comes or goes."""
        twin = copy.copy(self)
        return list(iter(twin.take, None))
