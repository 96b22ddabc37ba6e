"""How much may wait, and who is refused when it is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.inference.errors import PersonFull, QueueFull, ServerFull
from bot.inference.jobs import Job, JobState


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much may wait, and for how long."""

    waiting: int = 100
    """Jobs of all people."""
    per_person: int = 2
    per_server: int = 6
    wait_seconds: float = 300.0
    stream_seconds: float = 300.0
    """How long one stream may be open."""

    def check(
        self, jobs: Iterable[Job], owner: int, guild: int | None, *, eta: Callable[[Job], float]
    ) -> None:
        """Refuse one more job of this owner on this server, if that would be too many.

        Raises:
            QueueFull: too many wait, of this person, of this server or in all.
        """
        waiting = [job for job in jobs if job.state in (JobState.PREPARING, JobState.WAITING)]
        of_person = [job for job in waiting if job.owner == owner]
        of_server = [job for job in waiting if guild is not None and job.guild == guild]
        for those, most, error in (
            (of_person, self.per_person, PersonFull),
            (of_server, self.per_server, ServerFull),
            (waiting, self.waiting, QueueFull),
        ):
            if len(those) >= most:
                # When the first of these jobs runs, there is a place.
                raise error(retry_after=min(map(eta, those)))
