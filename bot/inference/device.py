"""The device as the queue sees it: what is on it, what may come onto it next, and when the others' turn comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from bot.inference.cost import Costs
from bot.inference.jobs import Job, Standing
from bot.inference.lines import WaitingJobs

STEP_SECONDS = 0.05
"""As many streams may be open as can be stepped in this time: each still writes faster than people read."""
STREAMS_OF_ONE_PERSON = 0.25
"""The part of a network's streams that one person may have open."""


class Device:
    """One batch of a one-shot network at a time, and beside it streams, which the worker steps in between."""

    def __init__(self) -> None:
        self.batch: list[Job] = []
        """The one-shot jobs on the device, those included that were cancelled meanwhile."""
        self.batch_began = 0.0
        """Monotonic seconds."""
        self.streams: dict[Job, asyncio.Task[None]] = {}
        """Open streams, those included that are just being opened, and the tasks that wait for them."""
        self.costs = Costs()

    @property
    def running(self) -> list[Job]:
        """Everything that is on the device."""
        return [*self.batch, *self.streams]

    def cost(self, job: Job) -> float:
        """Estimate the seconds of the device that a job takes."""
        return self.costs.of_job(job.network)

    # --- What may run -------------------------------------------------------------------------------------

    def next(self, waiting: WaitingJobs) -> list[Job]:
        """Take out of the lines what is to run now: a stream, a batch for one network, or nothing."""
        suspects_wait = any(job.suspect for job in waiting)
        first = waiting.take(self._may_run_alone if suspects_wait else self._may_run)
        if first is None:
            return []
        jobs = [first]
        if not first.network.streaming and not first.suspect:
            for _ in range(self.costs[first.network].best_size() - 1):
                other = waiting.take(lambda job: job.network is first.network)
                if other is None:
                    break
                jobs.append(other)
        return jobs

    def _may_run(self, job: Job) -> bool:
        """Whether there is room for this job now."""
        if any(running.suspect for running in self.running):
            return False
        if not job.network.streaming:
            return not self.batch
        streams = self._streams_of(job)
        of_owner = sum(stream.owner == job.owner for stream in streams)
        most = self._most_streams(job)
        return len(streams) < most and of_owner < max(1, int(most * STREAMS_OF_ONE_PERSON))

    def _may_run_alone(self, job: Job) -> bool:
        """While a suspect waits nothing else begins, until it has the device to itself."""
        return job.suspect and not self.running

    # --- Estimates ----------------------------------------------------------------------------------------

    def standing(self, job: Job, order: Sequence[Job]) -> Standing:
        """Tell where a waiting job stands, given all of them in their order."""
        rivals = [other for other in order if _compete(job, other)]
        before = rivals[: rivals.index(job)]
        if job.network.streaming:
            return self._standing_of_stream(job, len(before))
        eta = sum(self.cost(other) for other in before)
        if self.batch:
            whole = self.costs[self.batch[0].network].seconds(len(self.batch))
            eta += max(0.0, self.batch_began + whole - time.monotonic())
        # The scheduler in the worker gives open streams as much time as batches.
        eta *= 2 if self.streams else 1
        return Standing(job.state, ahead=len(before) + len(self.batch), eta=eta)

    def _standing_of_stream(self, job: Job, before: int) -> Standing:
        streams = len(self._streams_of(job))
        most = self._most_streams(job)
        if before < most - streams:
            return Standing(job.state, ahead=before)
        # Streams end one after another, so one place gets free every so often.
        eta = (before + 1 - (most - streams)) / most * self.costs.stream_seconds(job.network)
        return Standing(job.state, ahead=before + streams, eta=eta)

    def _streams_of(self, job: Job) -> list[Job]:
        return [stream for stream in self.streams if stream.network is job.network]

    def _most_streams(self, job: Job) -> int:
        return self.costs[job.network].most_within(STEP_SECONDS)


def _compete(job: Job, other: Job) -> bool:
    """Whether two jobs wait for the same: one-shot jobs for the device, streams for a place among their own."""
    if job.network.streaming or other.network.streaming:
        return job.network is other.network
    return True
