"""The queue's promises, whatever people and workers do: property tests with a scripted executor."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.inference.catalogue import Network
from bot.inference.errors import (
    InputRefused,
    JobCancelled,
    JobError,
    NetworkFailed,
    PersonFull,
    QueueClosed,
    QueueFull,
    RanTooLong,
    ServerFull,
    WaitedTooLong,
    WorkerDied,
)
from bot.inference.executor import Answer
from bot.inference.jobs import Job, JobState, Record
from bot.inference.ledger import CodeTaken
from bot.inference.limits import Limits
from bot.inference.messages import Measured, OutOfMemory, Ready, Request, Usage
from bot.inference.queue import InferenceQueue
from tests.networks import COUNT, ECHO, Count, CountRequest, Echo, EchoRequest

READY = Ready(device="cpu", device_name="test", torch_version="2.13.0", broken={})
PLENTY = Limits(waiting=1000, per_person=1000, per_server=1000)


class Fate(Enum):
    """What becomes of a job on the device."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    KILLS_ONCE = "kills the worker at its first attempt"
    KILLS = "kills the worker"
    HANGS = "hangs"


EXPECTED = {
    Fate.DONE: "Finished",
    Fate.REFUSED: "InputRefused",
    Fate.FAILED: "NetworkFailed",
    Fate.KILLS_ONCE: "Finished",
    Fate.KILLS: "KillsWorkers",
    Fate.HANGS: "RanTooLong",
}


class MemoryLedger:
    """Keeps records in memory, and every transition that was written."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.history: dict[str, list[str]] = {}

    async def _note(self, code: str, event: str, **changes: object) -> None:
        await asyncio.sleep(0)
        self._change(code, event, **changes)

    def _change(self, code: str, event: str, **changes: object) -> None:
        self.records[code] = msgspec.structs.replace(self.records[code], **changes)
        self.history[code].append(event)

    async def add(self, record: Record) -> None:
        await asyncio.sleep(0)
        if record.code in self.records:
            raise CodeTaken
        self.records[record.code] = record
        self.history[record.code] = [str(record.state)]

    async def prepare(self, code: str, request: bytes) -> None:
        await self._note(code, "waiting", state=JobState.WAITING, request=request)

    async def start(self, codes: Collection[str]) -> None:
        await asyncio.sleep(0)
        for code in codes:
            self._change(code, "running", state=JobState.RUNNING)

    async def requeue(self, code: str, deaths: int) -> None:
        await self._note(code, "waiting", state=JobState.WAITING, deaths=deaths)

    async def finish(self, code: str, *, result: bytes, seconds: float) -> None:
        await self._note(code, "done", state=JobState.ENDED, outcome="done", result=result)

    async def fail(self, code: str, *, outcome: str, error: str) -> None:
        await self._note(code, outcome, state=JobState.ENDED, outcome=outcome, error=error)

    async def deliver(self, code: str, *, request: bytes, result: bytes | None) -> None:
        await self._note(code, "delivered")
        del self.records[code]

    async def unfinished(self) -> list[Record]:
        return list(self.records.values())


@dataclass
class ScriptedExecutor:
    """Does what the requests say, and watches what the queue gives it."""

    ledger: MemoryLedger
    begun: list[str] = field(default_factory=list)
    in_flight: set[str] = field(default_factory=set)
    batches: int = 0
    """In flight now."""
    sizes: list[int] = field(default_factory=list)
    info: Ready | None = READY
    usage: Usage = field(default_factory=lambda: Usage(network_bytes={}, device_bytes=0))
    takes_jobs: bool = True
    restarts: int = 0
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    cost: Callable[[int], float] = lambda size: 0.001 * size
    died: asyncio.Event = field(default_factory=asyncio.Event)
    suspects: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.hold.set()

    def listen(self, listener: Callable[[Measured | OutOfMemory], None]) -> None:
        self.tell = listener

    async def ready(self) -> Ready:
        return READY

    def _begin(self, code: str) -> None:
        assert self.ledger.records[code].state is JobState.RUNNING, "not written before it is acted upon"
        self.begun.append(code)
        self.in_flight.add(code)

    def _die(self, code: str, *, hung: bool = False) -> None:
        """End the worker: everybody in flight is told."""
        self.suspects = set(self.in_flight)
        died, self.died = self.died, asyncio.Event()
        died.hung = hung  # type: ignore[attr-defined]
        died.suspects = frozenset(self.suspects)  # type: ignore[attr-defined]
        died.set()

    async def _live(self, code: str, fate: Fate) -> JobError | None:
        await self.hold.wait()
        await asyncio.sleep(0)
        if fate is Fate.REFUSED:
            return InputRefused("no")
        if fate is Fate.FAILED:
            return NetworkFailed("broken")
        if fate is Fate.KILLS or (fate is Fate.KILLS_ONCE and self.begun.count(code) == 1):
            self._die(code)
        if fate is Fate.HANGS:
            self._die(code, hung=True)
        return None

    async def _or_death(self, work: asyncio.Task[object], death: asyncio.Event) -> object:
        dying = asyncio.create_task(death.wait())
        try:
            await asyncio.wait({work, dying}, return_when=asyncio.FIRST_COMPLETED)
            if death.is_set():
                raise WorkerDied(death.suspects, hung=death.hung)  # type: ignore[attr-defined]
            return work.result()
        finally:
            dying.cancel()
            work.cancel()

    async def run(self, network: Network, requests: Mapping[str, Request]) -> dict[str, Answer | JobError]:
        assert self.batches == 0, "two batches on the device"
        assert network is ECHO
        self.batches += 1
        self.sizes.append(len(requests))
        for code in requests:
            self._begin(code)

        async def work() -> object:
            answers: dict[str, Answer | JobError] = {}
            for code, request in requests.items():
                assert isinstance(request, EchoRequest)
                error = await self._live(code, Fate(request.fault))
                echo = Echo(text=request.text, batch=len(requests), loaded=1)
                answers[code] = error or Answer(echo, 0.0)
            return answers

        try:
            answers = await self._or_death(asyncio.create_task(work()), self.died)
            self.tell(Measured(network="echo", size=len(requests), seconds=self.cost(len(requests))))
            assert isinstance(answers, dict)
            return answers
        finally:
            self.batches -= 1
            self.in_flight -= set(requests)

    async def stream(
        self, network: Network, job: str, request: Request, on_progress: Callable[[str, float], None]
    ) -> Answer:
        assert network is COUNT
        assert isinstance(request, CountRequest)
        self._begin(job)

        async def work() -> object:
            for step in range(request.to):
                on_progress(f"step {step}", step / request.to)
                await asyncio.sleep(0)
            return await self._live(job, Fate(request.fault))

        try:
            error = await self._or_death(asyncio.create_task(work()), self.died)
            if isinstance(error, JobError):
                raise error
            return Answer(Count(text="", company=1, loaded=1), 0.0)
        finally:
            self.in_flight.discard(job)


@asynccontextmanager
async def running_queue(limits: Limits = PLENTY) -> AsyncIterator[tuple[InferenceQueue, ScriptedExecutor]]:
    ledger = MemoryLedger()
    executor = ScriptedExecutor(ledger)
    queue = InferenceQueue(executor, ledger, limits=limits)
    queue.start()
    try:
        yield queue, executor
    finally:
        await queue.close(grace=0.0)


def echo(fate: Fate = Fate.DONE, text: str = "") -> EchoRequest:
    return EchoRequest(fault=fate.value, text=text)


def count(fate: Fate = Fate.DONE, to: int = 3) -> CountRequest:
    return CountRequest(fault=fate.value, to=to)


async def outcome(job: Job) -> str:
    try:
        return type(await asyncio.wait_for(job.result(), 10)).__name__
    except JobError as error:
        return type(error).__name__


@dataclass(frozen=True)
class Submit:
    fate: Fate
    owner: int
    guild: int | None
    streaming: bool


@dataclass(frozen=True)
class Cancel:
    which: int


@dataclass(frozen=True)
class Pause:
    turns: int


steps = st.lists(
    st.one_of(
        st.builds(
            Submit, st.sampled_from(Fate), st.integers(1, 4), st.sampled_from([None, 1, 2]), st.booleans()
        ),
        st.builds(Cancel, st.integers(0, 30)),
        st.builds(Pause, st.integers(1, 8)),
    ),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(
    steps=steps,
    limits=st.builds(
        Limits, waiting=st.integers(1, 8), per_person=st.integers(1, 4), per_server=st.integers(1, 6)
    ),
)
def test_every_admitted_job_ends_once_in_order_and_limits_hold(
    steps: Sequence[Submit | Cancel | Pause], limits: Limits
) -> None:
    async def scenario() -> None:
        async with running_queue(limits) as (queue, executor):
            jobs: list[tuple[Job, Submit]] = []
            cancelled: set[str] = set()
            for step in steps:
                if isinstance(step, Submit):
                    waiting = [job for job, _ in jobs if job.state is JobState.WAITING]
                    full = (
                        len(waiting) >= limits.waiting
                        or sum(job.owner == step.owner for job in waiting) >= limits.per_person
                        or sum(job.guild == step.guild is not None for job in waiting) >= limits.per_server
                    )
                    request = count(step.fate) if step.streaming else echo(step.fate)
                    if full:
                        with pytest.raises(QueueFull):
                            await queue.submit(request, owner=step.owner, guild=step.guild)
                    else:
                        job = await queue.submit(request, owner=step.owner, guild=step.guild)
                        jobs.append((job, step))
                elif isinstance(step, Cancel) and step.which < len(jobs):
                    job, _ = jobs[step.which]
                    if job.state is not JobState.ENDED:
                        cancelled.add(job.code)
                    await queue.cancel(job)
                elif isinstance(step, Pause):
                    for _ in range(step.turns):
                        await asyncio.sleep(0)
            for job, step in jobs:
                ended = await outcome(job)
                assert ended == ("JobCancelled" if job.code in cancelled else EXPECTED[step.fate])
                assert job.state is JobState.ENDED
                assert queue.job(job.code) is None
                ends = [e for e in executor.ledger.history[job.code] if e not in ("waiting", "running")]
                assert len(ends) == 1, "a job ends once, in the ledger too"
            overview = queue.overview()
            assert not overview.waiting
            # Order within one owner: what an owner asked for first has begun first.
            first_begun = list(dict.fromkeys(executor.begun))
            for owner in range(1, 5):
                own = [job.code for job, _ in jobs if job.owner == owner and job.code in first_begun]
                assert [code for code in first_begun if code in own] == own
            assert all(
                executor.begun.count(job.code) <= 3 for job, step in jobs if step.fate is not Fate.DONE
            )

    asyncio.run(scenario())


@settings(max_examples=60, deadline=None)
@given(greedy=st.integers(5, 60), others=st.integers(1, 12), streaming=st.booleans())
def test_one_person_s_many_jobs_never_stand_before_another_person_s_first(
    greedy: int, others: int, streaming: bool
) -> None:
    async def scenario() -> None:
        async with running_queue() as (queue, executor):
            executor.hold.clear()
            request = count() if streaming else echo()
            jobs = [await queue.submit(request, owner=0) for _ in range(greedy)]
            await asyncio.sleep(0)
            begun_before = len(executor.begun)
            firsts = [await queue.submit(request, owner=owner) for owner in range(1, others + 1)]
            executor.hold.set()
            for job in [*jobs, *firsts]:
                assert await outcome(job) == "Finished"
            later = executor.begun[begun_before:]
            last_first = max(later.index(job.code) for job in firsts if job.code in later)
            of_greedy = [code for code in later[:last_first] if code in {job.code for job in jobs}]
            # Everybody has a turn in a round, and a batch may take in one more.
            assert len(of_greedy) <= 3, "the others' first jobs come within the first rounds"

    asyncio.run(scenario())


async def test_waiting_jobs_run_together_where_that_pays() -> None:
    async with running_queue() as (queue, executor):
        executor.cost = lambda size: 0.05 + 0.001 * size
        for _ in range(12):
            jobs = [await queue.submit(echo(), owner=owner) for owner in range(16)]
            await asyncio.gather(*(job.result() for job in jobs))
        assert executor.sizes[:3] == [1, 2, 4], "beyond what was measured it goes in steps of two"
        assert max(executor.sizes) >= 8


async def test_waiting_jobs_run_alone_where_batching_does_not_pay() -> None:
    async with running_queue() as (queue, executor):
        executor.cost = lambda size: 0.05 * size
        for _ in range(12):
            jobs = [await queue.submit(echo(), owner=owner) for owner in range(16)]
            await asyncio.gather(*(job.result() for job in jobs))
        assert Counter(executor.sizes)[1] > 0.8 * len(executor.sizes)


async def test_a_batch_that_did_not_fit_into_memory_is_not_tried_again() -> None:
    async with running_queue() as (queue, executor):
        executor.cost = lambda size: 0.05 + 0.001 * size
        executor.tell(OutOfMemory(network="echo", size=8))
        for _ in range(12):
            jobs = [await queue.submit(echo(), owner=owner) for owner in range(16)]
            await asyncio.gather(*(job.result() for job in jobs))
        assert max(executor.sizes) == 4


async def test_streams_and_a_batch_are_on_the_device_together() -> None:
    async with running_queue() as (queue, executor):
        executor.hold.clear()
        stories = [await queue.submit(count(), owner=owner) for owner in range(8)]
        photo = await queue.submit(echo(), owner=9)
        await asyncio.sleep(0.01)
        assert executor.in_flight == {job.code for job in (*stories, photo)}
        executor.hold.set()


async def test_one_person_does_not_take_all_streams() -> None:
    async with running_queue() as (queue, executor):
        executor.hold.clear()
        greedy = [await queue.submit(count(), owner=1) for _ in range(40)]
        other = await queue.submit(count(), owner=2)
        await asyncio.sleep(0.01)
        assert other.state is JobState.RUNNING
        assert sum(job.state is JobState.RUNNING for job in greedy) == 8
        executor.hold.set()
        assert [await outcome(job) for job in greedy] == ["Finished"] * 40


async def test_a_job_whose_worker_died_runs_again_alone_and_first() -> None:
    async with running_queue() as (queue, executor):
        first = await queue.submit(echo(Fate.KILLS_ONCE), owner=1)
        second = await queue.submit(echo(), owner=2)
        assert (await outcome(first), await outcome(second)) == ("Finished", "Finished")
        assert executor.begun == [first.code, first.code, second.code]


async def test_company_of_a_job_that_kills_workers_is_not_punished() -> None:
    async with running_queue() as (queue, executor):
        executor.hold.clear()
        stories = [await queue.submit(count(), owner=owner) for owner in range(4)]
        killer = await queue.submit(count(Fate.KILLS), owner=5)
        await asyncio.sleep(0.01)
        executor.hold.set()
        assert await outcome(killer) == "KillsWorkers"
        assert [await outcome(job) for job in stories] == ["Finished"] * 4


async def test_a_job_that_hangs_in_a_batch_is_found_and_its_company_answered() -> None:
    async with running_queue() as (queue, executor):
        executor.cost = lambda size: 0.05 + 0.001 * size
        warm = [await queue.submit(echo(), owner=owner) for owner in range(40)]
        await asyncio.gather(*(job.result() for job in warm))
        executor.hold.clear()
        jobs = [await queue.submit(echo(Fate.HANGS if n == 3 else Fate.DONE), owner=n) for n in range(8)]
        executor.hold.set()
        assert [await outcome(job) for job in jobs] == ["Finished"] * 3 + ["RanTooLong"] + ["Finished"] * 4


async def test_a_stream_past_its_deadline_is_stopped() -> None:
    async with running_queue(Limits(stream_seconds=0.05)) as (queue, executor):
        executor.hold.clear()
        job = await queue.submit(count(), owner=1)
        with pytest.raises(RanTooLong):
            await job.result()
        assert not executor.in_flight


async def test_a_job_that_waits_too_long_is_told_so() -> None:
    async with running_queue(Limits(wait_seconds=0.05)) as (queue, executor):
        executor.hold.clear()
        running = await queue.submit(echo(), owner=1)
        await asyncio.sleep(0.01)
        waiting = await queue.submit(echo(), owner=2)
        with pytest.raises(WaitedTooLong):
            await waiting.result()
        executor.hold.set()
        assert await outcome(running) == "Finished"


async def test_a_cancelled_stream_stops_and_a_cancelled_batch_runs_out() -> None:
    async with running_queue() as (queue, executor):
        executor.hold.clear()
        story, photo = [await queue.submit(request, owner=1) for request in (count(), echo())]
        await asyncio.sleep(0.01)
        for job in (story, photo):
            await queue.cancel(job)
            with pytest.raises(JobCancelled):
                await job.result()
        await asyncio.sleep(0.01)
        assert executor.in_flight == {photo.code}
        other = await queue.submit(echo(), owner=2)
        assert queue.standing(other).ahead == 1
        executor.hold.set()
        assert await outcome(other) == "Finished"


async def test_refusals_name_their_reason() -> None:
    async with running_queue(Limits(waiting=3, per_person=1, per_server=2)) as (queue, executor):
        executor.hold.clear()
        await queue.submit(echo(), owner=0)
        await asyncio.sleep(0.01)
        await queue.submit(echo(), owner=1, guild=7)
        with pytest.raises(PersonFull) as person:
            await queue.submit(echo(), owner=1)
        assert person.value.retry_after > 0
        await queue.submit(echo(), owner=2, guild=7)
        with pytest.raises(ServerFull):
            await queue.submit(echo(), owner=3, guild=7)
        await queue.submit(echo(), owner=3)
        with pytest.raises(QueueFull, match="people"):
            await queue.submit(echo(), owner=4)
        assert queue.metrics.refusals.labels("server_full")._value.get() == 1
        executor.hold.set()


async def test_standing_tells_the_order_in_which_jobs_really_run() -> None:
    async with running_queue() as (queue, executor):
        executor.hold.clear()
        owners = [1, 1, 1, 2, 3, 3, 2]
        jobs = [await queue.submit(echo(), owner=owner) for owner in owners]
        await asyncio.sleep(0.01)
        running, *waiting = jobs
        ahead = {job.code: queue.standing(job).ahead for job in waiting}
        etas = {job.code: queue.standing(job).eta for job in waiting}
        assert sorted(ahead.values()) == [1, 2, 3, 4, 5, 6]
        assert sorted(etas, key=lambda code: etas[code]) == sorted(ahead, key=lambda code: ahead[code])
        executor.hold.set()
        await asyncio.gather(*(job.result() for job in jobs))
        assert executor.begun == [running.code, *sorted(ahead, key=lambda code: ahead[code])]


async def test_an_incomplete_job_has_its_place_and_runs_once_supplied() -> None:
    async with running_queue(Limits(per_person=1)) as (queue, executor):
        job = await queue.submit(echo(text="half"), owner=1, complete=False)
        await asyncio.sleep(0.01)
        assert (job.state, executor.begun) == (JobState.PREPARING, [])
        with pytest.raises(PersonFull):
            await queue.submit(echo(), owner=1)
        await queue.supply(job, echo(text="whole"))
        answered = await job.result()
        assert isinstance(answered.result, Echo)
        assert answered.result.text == "whole"
        assert executor.ledger.history[job.code] == ["preparing", "waiting", "running", "done"]


async def test_a_job_whose_upload_never_comes_is_shown_and_expires() -> None:
    async with running_queue(Limits(wait_seconds=0.05)) as (queue, executor):
        job = await queue.submit(echo(), owner=1, complete=False)
        assert queue.overview().preparing == [job]
        with pytest.raises(WaitedTooLong):
            await asyncio.wait_for(job.result(), 5)
        await queue.supply(job, echo())  # it does come, too late
        await asyncio.sleep(0.01)
        assert (executor.begun, queue.overview().preparing) == ([], [])


async def test_closing_gives_running_jobs_time_and_leaves_the_rest_in_the_ledger() -> None:
    async with running_queue() as (queue, executor):
        executor.hold.clear()
        running = await queue.submit(echo(), owner=1)
        await asyncio.sleep(0.01)
        waiting = await queue.submit(echo(), owner=1)
        closing = asyncio.create_task(queue.close(grace=5.0))
        await asyncio.sleep(0.01)
        with pytest.raises(QueueClosed):
            await queue.submit(echo(), owner=1)
        assert await outcome(waiting) == "Postponed"
        executor.hold.set()
        assert await outcome(running) == "Finished"
        await asyncio.wait_for(closing, 1.0)
        assert [record.code for record in await executor.ledger.unfinished() if record.outcome is None] == [
            waiting.code
        ]


async def test_closing_waits_for_answers_on_their_way() -> None:
    async with running_queue() as (queue, executor):
        executor.hold.clear()
        told: list[str] = []

        async def ask() -> None:
            with queue.delivering():
                result = await outcome(await queue.submit(echo(), owner=1))
                await asyncio.sleep(0.05)  # a message to Discord
                told.append(result)

        people = [asyncio.create_task(ask()) for _ in range(3)]
        await asyncio.sleep(0.01)
        await queue.close(grace=0.05)
        assert told == ["Postponed"] * 3
        await asyncio.gather(*people)


async def test_a_new_process_goes_on_where_the_old_one_was_killed() -> None:
    ledger = MemoryLedger()
    old = InferenceQueue(ScriptedExecutor(ledger), ledger)
    old._executor.hold.clear()  # type: ignore[attr-defined]
    old.start()
    jobs = [
        await old.submit(request, owner=n) for n, request in enumerate((echo(), count(), echo(), count()))
    ]
    lacking = await old.submit(echo(), owner=9, complete=False)
    await asyncio.sleep(0.01)
    for task in [*old._tasks, *filter(None, [old._dispatcher])]:
        task.cancel()  # nothing is told to anybody: as if killed

    executor = ScriptedExecutor(ledger)
    new = InferenceQueue(executor, ledger)
    await new.restore()
    new.start()
    going_on, ended = new.take_restored()
    assert ([job.code for job in going_on], ended) == ([*(job.code for job in jobs), lacking.code], [])
    assert going_on[-1].state is JobState.PREPARING
    assert [await outcome(job) for job in going_on[:-1]] == ["Finished"] * 4
    await new.supply(going_on[-1], echo())
    assert await outcome(going_on[-1]) == "Finished"

    third = InferenceQueue(ScriptedExecutor(ledger), ledger)
    await third.restore()
    going_on, ended = third.take_restored()
    assert ([], len(jobs) + 1) == (going_on, len(ended))
    await new.close(grace=0.0)


async def test_what_nobody_waits_for_any_more_is_dropped_and_what_cannot_be_read_is_told() -> None:
    ledger = MemoryLedger()
    before = InferenceQueue(ScriptedExecutor(ledger), ledger)
    jobs = [await before.submit(echo(), owner=owner) for owner in range(3)]
    old, unreadable, good = (job.code for job in jobs)
    ledger.records[old] = msgspec.structs.replace(ledger.records[old], created=0.0)
    ledger.records[unreadable] = msgspec.structs.replace(ledger.records[unreadable], request=b"\xc1")
    await before.close(grace=0.0)
    after = InferenceQueue(ScriptedExecutor(ledger), ledger)
    await after.restore()
    going_on, ended = after.take_restored()
    assert ([job.code for job in going_on], [r.code for r in ended]) == ([good], [unreadable])
    assert old not in ledger.records
    await after.close(grace=0.0)


async def test_jobs_that_discord_has_forgotten_come_later() -> None:
    ledger = MemoryLedger()
    before = InferenceQueue(ScriptedExecutor(ledger), ledger)
    late, live = [await before.submit(echo(), owner=owner) for owner in range(2)]
    record = ledger.records[late.code]
    ledger.records[late.code] = msgspec.structs.replace(record, created=record.created - 3600.0)
    await before.close(grace=0.0)
    after = InferenceQueue(ScriptedExecutor(ledger), ledger)
    await after.restore()
    assert [job.code for job in after.overview().waiting] == [live.code, late.code]
    await after.close(grace=0.0)


async def test_a_code_is_never_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = itertools.chain(["AAAA", "AAAA", "BBBB"], itertools.repeat("CCCC"))
    monkeypatch.setattr("bot.inference.codes.new_code", lambda _length: next(codes))
    async with running_queue() as (queue, _):
        first, second = [await queue.submit(echo(), owner=1) for _ in range(2)]
        assert (first.code, second.code) == ("echo-AAAA", "echo-BBBB")


async def test_a_fault_of_the_executor_ends_the_job_and_not_the_queue() -> None:
    async with running_queue() as (queue, executor):
        executor.batches = 1  # the script believes that the device is busy, and raises
        broken = await queue.submit(echo(), owner=1)
        assert await outcome(broken) == "NetworkFailed"
        executor.batches = 0
        assert await outcome(await queue.submit(echo(), owner=1)) == "Finished"
