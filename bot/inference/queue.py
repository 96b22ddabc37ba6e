"""The shared inference queue: admits jobs, decides whose turn it is, and knows where each one stands.

All of it lives on one event loop, so there are no locks. A job's state is written to the ledger before it is
acted upon: whenever this process ends, the next one knows what is still to be done.

The device does one thing at a time. One-shot networks get one batch at a time, gathered from the jobs whose
turn it is; streaming networks may have many streams open, which the worker steps together between batches.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from bot.inference import catalogue
from bot.inference.codes import new_job_code
from bot.inference.device import Device
from bot.inference.errors import (
    JobCancelled,
    JobError,
    KillsWorkers,
    NetworkFailed,
    Postponed,
    QueueClosed,
    RanTooLong,
    WaitedTooLong,
    WorkerDied,
)
from bot.inference.jobs import (
    Finished,
    Job,
    JobState,
    Outcome,
    Priority,
    Record,
    Standing,
    request_of,
)
from bot.inference.ledger import CodeTaken, Ledger, PatientWriter
from bot.inference.limits import Limits
from bot.inference.lines import WaitingJobs
from bot.inference.messages import Measured
from bot.inference.metrics import Metrics

if TYPE_CHECKING:
    from bot.inference.executor import Answer, Executor
    from bot.inference.messages import OutOfMemory, Ready, Request, Usage

log = logging.getLogger(__name__)

DEATHS_ALLOWED = 1
"""Workers that may end over a job; the second time it was alone on the device, so it is the cause."""
TELLING_SECONDS = 1.5
"""How long a closing queue waits for the last messages to people."""
LIVE_SECONDS = 14 * 60.0
"""A job older than this after a restart is late: Discord has forgotten, or soon will, who asked for it."""

STALE_SECONDS = 24 * 3600.0
"""A job older than this after a restart is dropped: nobody waits for it any more."""


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The queue at one moment."""

    running: Sequence[Job]
    waiting: Sequence[Job]
    """In the order in which they will run if nobody comes or goes."""
    preparing: Sequence[Job]
    """Those whose uploads are still being fetched."""
    device: Ready | None
    usage: Usage
    takes_jobs: bool
    """Whether a worker is ready, or sleeps only until there is a job."""
    restarts: int
    """Workers that have ended unasked."""


class InferenceQueue:
    """Everything that people ask of the networks goes through here.

    The queue needs a running event loop but no Discord: start it before the client and close it after.
    """

    def __init__(
        self,
        executor: Executor,
        ledger: Ledger,
        *,
        limits: Limits | None = None,
        versions: Mapping[str, str] | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._executor = executor
        self._ledger = ledger
        self._writer = PatientWriter()
        self._limits = limits or Limits()
        self._versions = versions or {}
        self.metrics = metrics or Metrics()
        self._jobs: dict[str, Job] = {}
        """Every job that has not ended, by its code."""
        self._device = Device()
        self._waiting = WaitingJobs(self._device.cost)
        self._order: list[Job] | None = None
        """The waiting jobs in their order, as long as nobody has come or gone."""
        self._numbers = itertools.count()
        self._delivering = 0
        self._closed = False
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._dispatcher: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._restored: tuple[list[Job], list[Record]] = ([], [])
        executor.listen(self._learn)

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

    async def submit(
        self,
        request: Request,
        *,
        owner: int,
        guild: int | None = None,
        place: bytes = b"",
        private: bool = False,
        complete: bool = True,
    ) -> Job:
        """Admit a request at the end of its owner's line, or refuse it at once.

        Args:
            request: what is asked of which network.
            owner: Discord's id of the person who asks.
            guild: Discord's id of the server; ``None`` in direct messages.
            place: where the answer is to be shown, for whoever shows it after a restart.
            private: whether only the owner may see the answer.
            complete: whether the job can run; if not, ``supply`` what is missing, or ``cancel`` it.

        Raises:
            QueueFull: too many jobs wait, of this person, of this server or in all.
            QueueClosed: the bot is shutting down.
            LedgerError: the job cannot be written down.
        """
        try:
            self.ensure_open()
            self._limits.check(self._jobs.values(), owner, guild, eta=lambda job: self.standing(job).eta)
            job = self._new_job(request, owner, guild, place, private)
            await self._write_down(job, JobState.WAITING if complete else JobState.PREPARING)
        except JobError as error:
            self.metrics.refusals.labels(error.outcome).inc()
            raise
        if complete:
            self._wait(job)
        else:
            self._expire_in_time(job)
        return job

    async def supply(self, job: Job, request: Request) -> None:
        """Complete a job's request; it begins to wait."""
        job.request = request
        if job.state is JobState.PREPARING:
            await self._writer.write(self._ledger.prepare, job.code, msgspec.msgpack.encode(request))
            self._wait(job)

    async def cancel(self, job: Job) -> None:
        """End a job without an answer. A batch that has it runs out; a stream stops before its next step."""
        await self._end(job, JobCancelled())

    async def cancel_all_of(self, owner: int) -> None:
        """Cancel every job of a person that has not ended."""
        for job in [job for job in self._jobs.values() if job.owner == owner]:
            await self.cancel(job)

    async def fail(self, job: Job, error: JobError) -> None:
        """End a job that could not be completed."""
        await self._end(job, error)

    async def delivered(self, code: str, shown: Finished | None) -> None:
        """Remember that the person has been told how the job ended; what was uploaded is forgotten now.

        Args:
            code: the job's.
            shown: its answer; ``None`` if it had none, and then nothing of the request is kept either.
        """
        request = b"" if shown is None else msgspec.msgpack.encode(shown.request.without_uploads())
        result = None if shown is None else msgspec.msgpack.encode(shown.result.without_uploads())
        await self._writer.write(self._ledger.deliver, code, request=request, result=result)

    def standing(self, job: Job) -> Standing:
        """Tell where a job stands now."""
        if job.state is not JobState.WAITING:
            return Standing(job.state, text=job.text, fraction=job.fraction)
        return self._device.standing(job, self._waiting_in_order())

    def overview(self) -> Overview:
        """Tell what runs and what waits."""
        return Overview(
            running=[job for job in self._device.running if job.state is JobState.RUNNING],
            waiting=self._waiting_in_order(),
            preparing=[job for job in self._jobs.values() if job.state is JobState.PREPARING],
            device=self._executor.info,
            usage=self._executor.usage,
            takes_jobs=self._executor.takes_jobs,
            restarts=self._executor.restarts,
        )

    @contextlib.contextmanager
    def delivering(self) -> Iterator[None]:
        """Mark that somebody is being answered, so that ``close`` waits for it."""
        self._delivering += 1
        try:
            yield
        finally:
            self._delivering -= 1
            self._settled.set()

    async def restore(self) -> None:
        """Take up again what an earlier process has left. Call it before ``start``."""
        going_on, ended = self._restored
        for record in await self._ledger.unfinished():
            if time.time() - record.created > STALE_SECONDS:
                await self._writer.write(self._ledger.deliver, record.code, request=b"", result=None)
            elif record.state is JobState.ENDED or (request := request_of(record)) is None:
                ended.append(record)
            else:
                going_on.append(self._take_up(record, request))

    def take_restored(self) -> tuple[list[Job], list[Record]]:
        """Hand over what was restored, once: jobs that go on, and ended ones of whose end nobody has been told.

        Jobs whose request is not complete wait for ``supply``.
        """
        restored, self._restored = self._restored, ([], [])
        return restored

    def _take_up(self, record: Record, request: Request) -> Job:
        job = self._new_job(request, record.owner, record.guild, record.place, record.private)
        job.code, job.created, job.deaths = record.code, record.created, record.deaths
        job.priority = Priority.LIVE if time.time() - record.created < LIVE_SECONDS else Priority.LATE
        self._jobs[job.code] = job
        if record.state is JobState.PREPARING:
            self._expire_in_time(job)
        else:
            self._wait(job)
        return job

    async def close(self, grace: float) -> None:
        """Admit and begin nothing more, give running jobs ``grace`` seconds, and leave the rest in the ledger."""
        self._closed = True
        for job in [job for job in self._jobs.values() if job.state is not JobState.RUNNING]:
            await self._end(job, Postponed())
        await self._settle(grace)
        for job in list(self._jobs.values()):
            await self._end(job, Postponed())
        await self._settle(TELLING_SECONDS)
        for task in [*filter(None, [self._dispatcher]), *self._tasks]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._dispatcher = None
        await self._writer.close()

    # --- Admission ----------------------------------------------------------------------------------------

    def _new_job(self, request: Request, owner: int, guild: int | None, place: bytes, private: bool) -> Job:
        network = catalogue.network_for(request)
        return Job(
            code=new_job_code(network.name),
            number=next(self._numbers),
            owner=owner,
            guild=guild,
            network=network,
            version=self._versions.get(network.name, ""),
            private=private,
            request=request,
            place=place,
            priority=Priority.LIVE,
            state=JobState.PREPARING,
            answer=asyncio.get_running_loop().create_future(),
        )

    async def _write_down(self, job: Job, state: JobState) -> None:
        """Put a new job into the ledger, under a code that no other job has had."""
        while True:
            while job.code in self._jobs:
                job.code = new_job_code(job.network.name)
            self._jobs[job.code] = job  # it counts from now on, also while it is being written
            try:
                await self._ledger.add(job.record(state))
            except CodeTaken:  # by a job that has ended
                del self._jobs[job.code]
                job.code = new_job_code(job.network.name)
            except BaseException:
                self._jobs.pop(job.code, None)
                raise
            else:
                return

    def _wait(self, job: Job) -> None:
        """Put a job into its owner's line."""
        if job.state is JobState.ENDED or self._closed:
            return
        job.state = JobState.WAITING
        job.ready_at = time.monotonic()
        job.text, job.fraction = "", 0.0
        self._expire_in_time(job)
        self._waiting.add(job)
        self._changed()

    def _expire_in_time(self, job: Job) -> None:
        """End a job if it is still not at work when it has waited as long as the limits allow."""
        if job.expiry is not None:
            job.expiry.cancel()
        loop = asyncio.get_running_loop()
        job.expiry = loop.call_later(
            self._limits.wait_seconds, lambda: self._spawn(self._end(job, WaitedTooLong()))
        )

    # --- The dispatcher -----------------------------------------------------------------------------------

    async def _dispatch(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not len(self._waiting):
                continue
            await self._executor.ready()
            while not self._closed and (jobs := self._device.next(self._waiting)):
                self._begin(jobs)

    def _begin(self, jobs: list[Job]) -> None:
        """Put onto the device what has been taken out of the lines: a stream, or a batch."""
        self._order = None
        for job in jobs:
            job.state = JobState.RUNNING
            if job.expiry is not None:
                job.expiry.cancel()
            self.metrics.wait_seconds.labels(job.network.name).observe(time.monotonic() - job.ready_at)
        if jobs[0].network.streaming:
            self._open_stream(jobs[0])
        else:
            self._device.batch = jobs
            self._spawn(self._run_batch(jobs))

    async def _run_batch(self, jobs: list[Job]) -> None:
        try:
            await self._writer.write(self._ledger.start, [job.code for job in jobs])
            live = [job for job in jobs if job.state is JobState.RUNNING]
            self._device.batch_began = time.monotonic()
            requests = {job.code: job.request for job in live}
            answers = await self._executor.run(live[0].network, requests) if live else {}
        except WorkerDied as died:
            for job in jobs:
                await self._survive(job, died)
            self._free_device()  # only now, so that nothing overtakes the jobs that come first now
        except Exception:
            log.exception("A batch of %d jobs met a fault of the queue", len(jobs))
            self._free_device()
            for job in jobs:
                await self._end(job, NetworkFailed("the queue met a fault"))
        else:
            # The next batch need not wait until the answers are written down.
            self._free_device()
            for job in live:
                await self._end(job, _outcome(job, answers[job.code]))

    def _open_stream(self, job: Job) -> None:
        def closed(task: asyncio.Task[None]) -> None:
            if self._device.streams.get(job) is task:  # and not another one, because the job has to run again
                del self._device.streams[job]
            self._changed()

        self._device.streams[job] = self._spawn(self._run_stream(job))
        # Not at the end of the task's own code, of which nothing runs if it is cancelled before it begins.
        self._device.streams[job].add_done_callback(closed)

    async def _run_stream(self, job: Job) -> None:
        def on_progress(text: str, fraction: float) -> None:
            job.text, job.fraction = text, fraction

        began = time.monotonic()
        try:
            await self._writer.write(self._ledger.start, [job.code])
            # Not wait_for, which can swallow the cancellation of this task on Python 3.11.
            async with asyncio.timeout(self._limits.stream_seconds):
                answer = await self._executor.stream(job.network, job.code, job.request, on_progress)
            self._device.costs.stream_took(job.network, time.monotonic() - began, len(self._device.streams))
            await self._end(job, _outcome(job, answer))
        except TimeoutError:
            log.error("job took over %g s", self._limits.stream_seconds, extra={"job": job.code})
            await self._end(job, RanTooLong())
        except WorkerDied as died:
            await self._survive(job, died)
        except JobError as error:
            await self._end(job, error)
        except Exception:
            log.exception("job met a fault of the queue", extra={"job": job.code})
            await self._end(job, NetworkFailed("the queue met a fault"))

    def _free_device(self) -> None:
        self._device.batch = []
        self._changed()

    async def _survive(self, job: Job, died: WorkerDied) -> None:
        """Let a job wait again whose worker has ended, unless it is the cause."""
        if job.state is not JobState.RUNNING:
            return
        if job.code in died.suspects:
            if died.hung and len(died.suspects) == 1:
                await self._end(job, RanTooLong())
                return
            job.deaths += 1
            if job.deaths > DEATHS_ALLOWED:
                await self._end(job, KillsWorkers())
                return
        log.warning("the worker ended over this job, which runs again", extra={"job": job.code})
        await self._writer.write(self._ledger.requeue, job.code, job.deaths)
        if job.state is JobState.RUNNING:
            self._wait(job)

    async def _end(self, job: Job, outcome: Outcome) -> None:
        """Move a job to its end, once: later outcomes of an ended job are dropped."""
        if job.state is JobState.ENDED:
            return
        if job.state is JobState.WAITING:
            self._waiting.remove(job)
        job.state = JobState.ENDED
        if job.expiry is not None:
            job.expiry.cancel()
        stream = self._device.streams.get(job)
        if stream is not None and stream is not asyncio.current_task():
            stream.cancel()
        self._changed()
        await self._write_end(job, outcome)
        self._jobs.pop(job.code, None)
        if isinstance(outcome, JobError):
            job.answer.set_exception(outcome)
            job.answer.exception()  # somebody who has gone away need not fetch it
        else:
            job.answer.set_result(outcome)
        self._settled.set()

    async def _write_end(self, job: Job, outcome: Outcome) -> None:
        name = outcome.outcome if isinstance(outcome, JobError) else "done"
        log.info("job ended", extra={"job": job.code, "network": job.network.name, "outcome": name})
        self.metrics.jobs.labels(job.network.name, name).inc()
        if isinstance(outcome, Postponed):
            return  # in the ledger it goes on
        if isinstance(outcome, JobError):
            # What a network says of its fault is for the log; it may quote the request.
            error = "" if isinstance(outcome, NetworkFailed) else str(outcome)
            await self._writer.write(self._ledger.fail, job.code, outcome=outcome.outcome, error=error)
            return
        self.metrics.run_seconds.labels(job.network.name).observe(outcome.seconds)
        result = msgspec.msgpack.encode(outcome.result)
        await self._writer.write(self._ledger.finish, job.code, result=result, seconds=outcome.seconds)

    # --- Helpers ------------------------------------------------------------------------------------------

    def _learn(self, event: Measured | OutOfMemory) -> None:
        self._device.costs.learn(event)
        if isinstance(event, Measured):
            self.metrics.batch_size.labels(event.network).observe(event.size)

    def _waiting_in_order(self) -> list[Job]:
        if self._order is None:
            self._order = self._waiting.order()
        return self._order

    def _changed(self) -> None:
        """Somebody has come or gone, or the device has room: look again who is next."""
        self._order = None
        self._wake.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _settle(self, seconds: float) -> None:
        """Wait, but not longer than ``seconds``, until no job is open and everybody has been told."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._jobs or self._delivering:
                    self._settled.clear()
                    await self._settled.wait()


def _outcome(job: Job, answer: Answer | JobError) -> Outcome:
    return answer if isinstance(answer, JobError) else job.finished(answer.result, answer.seconds)
