"""The shared inference queue: admits jobs, runs them one at a time, and knows where each one stands.

All of it lives on one event loop, so there are no locks. First come, first served.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import secrets
import time
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from bot.inference.catalogue import network_for
from bot.inference.errors import (
    JobCancelled,
    JobError,
    NetworkFailed,
    QueueClosed,
    QueueFull,
    RanTooLong,
    WaitedTooLong,
    WorkerDied,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.inference.messages import Done, Ready, Request

log = logging.getLogger(__name__)

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and letters that nobody mixes up when reading a code aloud."""
ATTEMPTS = 2
"""How often a job may run: once more after its worker died, for it may not have been the job's fault."""
FIRST_GUESS_SECONDS = 1.0
"""What a job of a network is taken to cost before the first one has been measured."""
TELLING_SECONDS = 1.5
"""How long a closing queue waits for the last messages to people."""


class Executor(Protocol):
    """What the queue needs of the thing that runs requests."""

    @property
    def info(self) -> Ready | None:
        """What the worker says of itself."""

    async def ready(self) -> Ready:
        """Wait until a worker is ready."""

    async def run(self, job: str, request: Request) -> Done:
        """Answer one request."""

    def kill(self) -> None:
        """Replace the worker at once."""


class JobState(StrEnum):
    """Where a job stands. It moves forward only: waiting, running (perhaps twice), ended."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True)
class Standing:
    """What a person is told about a job while it has no answer."""

    state: JobState
    ahead: int
    """Jobs that come before this one, the running one included."""
    eta: float
    """Estimated seconds until the job's turn comes."""


@dataclass(eq=False, kw_only=True)
class Job:
    """One request on its way. Made by ``InferenceQueue.submit``; moved by the queue alone."""

    code: str
    owner: int
    """Discord's id of the person who asked."""
    network: str
    request: Request
    answer: asyncio.Future[Done]
    state: JobState = JobState.WAITING
    attempts: int = 0
    expiry: asyncio.TimerHandle | None = None
    """Ends the job when it has waited too long."""

    async def result(self) -> Done:
        """Wait for the answer.

        Raises:
            JobError: the job ended without one.
        """
        # Shielded: the answer belongs to the queue, and whoever stops waiting for it must not cancel it.
        return await asyncio.shield(self.answer)


class InferenceQueue:
    """Everything that people ask of the networks goes through here.

    The queue needs a running event loop but no Discord: start it before the client and close it after.
    """

    def __init__(
        self,
        executor: Executor,
        *,
        max_waiting: int = 100,
        max_wait_seconds: float = 300.0,
        max_run_seconds: float = 60.0,
    ) -> None:
        self._executor = executor
        self._max_waiting = max_waiting
        self._max_wait_seconds = max_wait_seconds
        self._max_run_seconds = max_run_seconds
        self._jobs: dict[str, Job] = {}
        """Every job that has not ended, by its code."""
        self._waiting: deque[Job] = deque()
        self._on_device: Job | None = None
        """What the worker has: perhaps a job that was cancelled meanwhile."""
        self._seconds: dict[str, float] = {}
        """Running mean of what a job of each network costs."""
        self._delivering = 0
        self._closed = False
        self._arrival = asyncio.Event()
        self._settled = asyncio.Event()
        self._dispatcher: asyncio.Task[None] | None = None

    # --- The public face ----------------------------------------------------------------------------------

    @property
    def worker(self) -> Ready | None:
        """What the worker says of itself; ``None`` while the first one starts."""
        return self._executor.info

    def job(self, code: str) -> Job | None:
        """Return the job of this code, if it has not ended."""
        return self._jobs.get(code)

    def start(self) -> None:
        """Begin to run jobs."""
        if self._dispatcher is None:
            self._dispatcher = asyncio.create_task(self._dispatch(), name="inference-queue")

    def ensure_open(self) -> None:
        """Raise ``QueueClosed`` if nothing is admitted any more."""
        if self._closed:
            raise QueueClosed

    def submit(self, request: Request, *, owner: int) -> Job:
        """Admit a request at the end of the line, or refuse it at once.

        Raises:
            QueueFull: too many jobs wait.
            QueueClosed: the bot is shutting down.
        """
        self.ensure_open()
        if len(self._waiting) >= self._max_waiting:
            # Half of the line has gone by then: early enough to be kind, late enough to find a place.
            raise QueueFull(retry_after=self._cost(self._waiting) / 2)
        network = network_for(request).name
        job = Job(
            code=self._new_code(network),
            owner=owner,
            network=network,
            request=request,
            answer=asyncio.get_running_loop().create_future(),
        )
        self._jobs[job.code] = job
        self._wait(job, front=False)
        return job

    def standing(self, job: Job) -> Standing:
        """Tell where a job stands now."""
        if job.state is not JobState.WAITING:
            return Standing(job.state, ahead=0, eta=0.0)
        before = list(itertools.takewhile(lambda other: other is not job, self._waiting))
        if self._on_device is not None:
            before.append(self._on_device)
        return Standing(job.state, ahead=len(before), eta=self._cost(before))

    def cancel(self, job: Job) -> None:
        """End a job without an answer. What already runs on the device runs out, and is dropped."""
        self._end(job, JobCancelled())

    @contextlib.contextmanager
    def delivering(self) -> Iterator[None]:
        """Mark that somebody is being answered, so that ``close`` waits for it."""
        self._delivering += 1
        try:
            yield
        finally:
            self._delivering -= 1
            self._settled.set()

    async def close(self, grace: float) -> None:
        """Admit nothing more, give open jobs ``grace`` seconds, then end the rest with ``QueueClosed``."""
        self._closed = True
        await self._settle(grace)
        for job in list(self._jobs.values()):
            self._end(job, QueueClosed())
        await self._settle(TELLING_SECONDS)
        if self._dispatcher is not None:
            self._dispatcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._dispatcher
            self._dispatcher = None

    # --- The dispatcher -----------------------------------------------------------------------------------

    async def _dispatch(self) -> None:
        while True:
            await self._executor.ready()
            while not self._waiting:
                self._arrival.clear()
                await self._arrival.wait()
            job = self._waiting.popleft()
            try:
                await self._run(job)
            except Exception:
                log.exception("Job %s met a fault of the queue", job.code)
                self._end(job, NetworkFailed("the queue met a fault"))

    async def _run(self, job: Job) -> None:
        if job.expiry is not None:
            job.expiry.cancel()
        job.state = JobState.RUNNING
        job.attempts += 1
        self._on_device = job
        began = time.monotonic()
        try:
            # Not wait_for, which can swallow the cancellation of this task on Python 3.11.
            async with asyncio.timeout(self._max_run_seconds):
                done = await self._executor.run(job.code, job.request)
        except TimeoutError:
            log.error("Job %s (%s) took over %g s", job.code, job.network, self._max_run_seconds)
            self._executor.kill()
            self._end(job, RanTooLong())
        except WorkerDied as error:
            if job.attempts < ATTEMPTS and job.state is JobState.RUNNING and not self._closed:
                log.warning("The worker ended while it had job %s; the job runs again", job.code)
                job.state = JobState.WAITING
                self._wait(job, front=True)
            else:
                self._end(job, error)
        except JobError as error:
            self._end(job, error)
        else:
            seconds = time.monotonic() - began
            self._seconds[job.network] = 0.8 * self._seconds.get(job.network, seconds) + 0.2 * seconds
            self._end(job, done)
        finally:
            self._on_device = None

    def _wait(self, job: Job, *, front: bool) -> None:
        loop = asyncio.get_running_loop()
        job.expiry = loop.call_later(self._max_wait_seconds, self._end, job, WaitedTooLong())
        (self._waiting.appendleft if front else self._waiting.append)(job)
        self._arrival.set()

    def _end(self, job: Job, outcome: Done | JobError) -> None:
        """Move a job to its end, once: later outcomes of an ended job are dropped."""
        if job.state is JobState.ENDED:
            return
        if job.state is JobState.WAITING:
            self._waiting.remove(job)
        job.state = JobState.ENDED
        if job.expiry is not None:
            job.expiry.cancel()
        del self._jobs[job.code]
        if isinstance(outcome, JobError):
            job.answer.set_exception(outcome)
            job.answer.exception()  # somebody who has gone away need not fetch it
        else:
            job.answer.set_result(outcome)
        self._settled.set()

    # --- Helpers ------------------------------------------------------------------------------------------

    def _cost(self, jobs: Iterable[Job]) -> float:
        """Estimate the seconds that these jobs take one after another."""
        return sum(self._seconds.get(job.network, FIRST_GUESS_SECONDS) for job in jobs)

    def _new_code(self, network: str) -> str:
        while True:
            code = f"{network}-{new_code(4)}"
            if code not in self._jobs:
                return code

    async def _settle(self, seconds: float) -> None:
        """Wait, but not longer than ``seconds``, until no job is open and everybody has been answered."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._jobs or self._delivering:
                    self._settled.clear()
                    await self._settled.wait()


def new_code(length: int) -> str:
    """Return a random code that can be read aloud, such as ``7K3F``."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(length))
