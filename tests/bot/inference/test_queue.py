"""The queue's promises, whatever people and workers do: property tests with a scripted executor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.inference.errors import (
    InputRefused,
    JobCancelled,
    JobError,
    NetworkFailed,
    QueueClosed,
    QueueFull,
    RanTooLong,
    WaitedTooLong,
    WorkerDied,
)
from bot.inference.messages import ClassifyRequest, Done, Ready, SalaryEstimate, SalaryRequest
from bot.inference.queue import InferenceQueue, Job, JobState

ESTIMATE = SalaryEstimate(
    median=3.0,
    quartile_low=2.0,
    quartile_high=4.0,
    interval_low=1.0,
    interval_high=5.0,
    contributions={},
    baseline=3.0,
    cautions=(),
)
READY = Ready(device="cpu", device_name="test", torch_version="2.13.0", broken={})


class Fate(Enum):
    """What becomes of a job on the device."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    KILLS_ONCE = "kills the worker at its first attempt"
    KILLS = "kills the worker"
    HANGS = "hangs"


@dataclass
class ScriptedExecutor:
    """Does what the request's field says, and watches that it has one job at a time."""

    begun: list[str] = field(default_factory=list)
    busy: bool = False
    kills: int = 0
    info: Ready | None = READY
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.hold.set()

    async def ready(self) -> Ready:
        return READY

    def kill(self) -> None:
        self.kills += 1

    async def run(self, job: str, request: object) -> Done:
        assert not self.busy, "two jobs on the device"
        assert isinstance(request, SalaryRequest)
        fate = Fate(request.degree)
        again = job in self.begun
        self.begun.append(job)
        self.busy = True
        try:
            await self.hold.wait()
            await asyncio.sleep(0)
            if fate is Fate.REFUSED:
                raise InputRefused("no")
            if fate is Fate.FAILED:
                raise NetworkFailed("broken")
            if fate is Fate.KILLS or (fate is Fate.KILLS_ONCE and not again):
                raise WorkerDied
            if fate is Fate.HANGS:
                await asyncio.Event().wait()
            return Done(job=job, result=ESTIMATE, seconds=0.0)
        finally:
            self.busy = False


@asynccontextmanager
async def running_queue(
    max_waiting: int = 100, max_wait_seconds: float = 30.0, max_run_seconds: float = 30.0
) -> AsyncIterator[tuple[InferenceQueue, ScriptedExecutor]]:
    executor = ScriptedExecutor()
    queue = InferenceQueue(
        executor,
        max_waiting=max_waiting,
        max_wait_seconds=max_wait_seconds,
        max_run_seconds=max_run_seconds,
    )
    queue.start()
    try:
        yield queue, executor
    finally:
        await queue.close(grace=0.0)


def request(fate: Fate = Fate.DONE) -> SalaryRequest:
    return SalaryRequest(degree=fate.value)


async def outcome(job: Job) -> str:
    try:
        await asyncio.wait_for(job.result(), 10)
    except JobError as error:
        return type(error).__name__
    return "Done"


EXPECTED = {
    Fate.DONE: "Done",
    Fate.REFUSED: "InputRefused",
    Fate.FAILED: "NetworkFailed",
    Fate.KILLS_ONCE: "Done",
    Fate.KILLS: "WorkerDied",
    Fate.HANGS: "RanTooLong",
}

fates = st.sampled_from(list(Fate))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), fates),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("pause"), st.integers(1, 5)),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(steps=steps, max_waiting=st.integers(1, 6))
def test_every_admitted_job_ends_once_in_order_and_limits_hold(
    steps: Sequence[tuple[str, Fate | int]], max_waiting: int
) -> None:
    async def scenario() -> None:
        async with running_queue(max_waiting=max_waiting, max_run_seconds=0.01) as (queue, executor):
            jobs: list[tuple[Job, Fate]] = []
            cancelled: set[str] = set()
            for step, value in steps:
                if isinstance(value, Fate):
                    waiting = sum(job.state is JobState.WAITING for job, _ in jobs)
                    if waiting < max_waiting:
                        jobs.append((queue.submit(request(value), owner=1), value))
                    else:
                        with pytest.raises(QueueFull):
                            queue.submit(request(value), owner=1)
                elif step == "cancel" and value < len(jobs):
                    job, _ = jobs[value]
                    if job.state is not JobState.ENDED:
                        cancelled.add(job.code)
                    queue.cancel(job)
                    assert queue.job(job.code) is None
                elif step == "pause":
                    for _ in range(value):
                        await asyncio.sleep(0)
            for job, fate in jobs:
                expected = "JobCancelled" if job.code in cancelled else EXPECTED[fate]
                assert await outcome(job) == expected
                assert job.state is JobState.ENDED
                assert queue.job(job.code) is None
            first_begun = list(dict.fromkeys(executor.begun))
            assert first_begun == [job.code for job, _ in jobs if job.code in first_begun]
            assert len({job.code for job, _ in jobs}) == len(jobs)
            assert all(executor.begun.count(job.code) <= 2 for job, _ in jobs)

    asyncio.run(scenario())


async def test_a_job_whose_worker_died_runs_again_before_the_others() -> None:
    async with running_queue() as (queue, executor):
        first = queue.submit(request(Fate.KILLS_ONCE), owner=1)
        second = queue.submit(request(), owner=2)
        assert (await outcome(first), await outcome(second)) == ("Done", "Done")
        assert executor.begun == [first.code, first.code, second.code]


async def test_a_job_that_runs_too_long_costs_the_worker_its_life() -> None:
    async with running_queue(max_run_seconds=0.05) as (queue, executor):
        job = queue.submit(request(Fate.HANGS), owner=1)
        with pytest.raises(RanTooLong):
            await job.result()
        assert executor.kills == 1
        assert await outcome(queue.submit(request(), owner=1)) == "Done"


async def test_a_job_that_waits_too_long_is_told_so() -> None:
    async with running_queue(max_wait_seconds=0.05) as (queue, executor):
        executor.hold.clear()
        running = queue.submit(request(), owner=1)
        await asyncio.sleep(0)
        waiting = queue.submit(request(), owner=2)
        with pytest.raises(WaitedTooLong):
            await waiting.result()
        executor.hold.set()
        assert await outcome(running) == "Done"


async def test_a_cancelled_job_is_dropped_but_keeps_the_device_until_it_is_through() -> None:
    async with running_queue() as (queue, executor):
        executor.hold.clear()
        running = queue.submit(request(), owner=1)
        await asyncio.sleep(0.01)
        queue.cancel(running)
        with pytest.raises(JobCancelled):
            await running.result()
        other = queue.submit(request(), owner=2)
        assert queue.standing(other).ahead == 1
        executor.hold.set()
        assert await outcome(other) == "Done"


async def test_standing_counts_everybody_before() -> None:
    async with running_queue() as (queue, executor):
        executor.hold.clear()
        jobs = [queue.submit(request(), owner=number) for number in range(4)]
        await asyncio.sleep(0.01)
        assert [queue.standing(job).ahead for job in jobs] == [0, 1, 2, 3]
        etas = [queue.standing(job).eta for job in jobs]
        assert etas == sorted(etas)
        assert queue.standing(jobs[0]).state is JobState.RUNNING
        executor.hold.set()


async def test_closing_gives_open_jobs_time_and_admits_no_other() -> None:
    async with running_queue() as (queue, executor):
        executor.hold.clear()
        open_job = queue.submit(request(), owner=1)
        closing = asyncio.create_task(queue.close(grace=5.0))
        await asyncio.sleep(0.01)
        with pytest.raises(QueueClosed):
            queue.submit(request(), owner=1)
        executor.hold.set()
        assert await outcome(open_job) == "Done"
        await asyncio.wait_for(closing, 1.0)


async def test_closing_waits_for_answers_on_their_way_and_tells_the_rest() -> None:
    async with running_queue() as (queue, executor):
        executor.hold.clear()
        told: list[str] = []

        async def ask() -> None:
            with queue.delivering():
                job = queue.submit(request(), owner=1)
                result = await outcome(job)
                await asyncio.sleep(0.05)  # a message to Discord
                told.append(result)

        people = [asyncio.create_task(ask()) for _ in range(3)]
        await asyncio.sleep(0.01)
        await queue.close(grace=0.05)
        assert told == ["QueueClosed"] * 3
        await asyncio.gather(*people)


async def test_a_fault_of_the_executor_ends_the_job_and_not_the_queue() -> None:
    async with running_queue() as (queue, _):
        broken = queue.submit(ClassifyRequest(image=b""), owner=1)  # the script asserts that it gets salaries
        assert await outcome(broken) == "NetworkFailed"
        assert await outcome(queue.submit(request(), owner=1)) == "Done"
