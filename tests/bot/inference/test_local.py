"""The real worker process under faults: killed, stopped, out of memory, fed with nonsense, without weights."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from bot.inference.catalogue import NETWORKS
from bot.inference.errors import InputRefused, JobError, KillsWorkers, NetworkFailed, RanTooLong
from bot.inference.executor import Answer
from bot.inference.jobs import Job, JobState
from bot.inference.limits import Limits
from bot.inference.local import LocalExecutor
from bot.inference.messages import (
    Classification,
    ClassifyRequest,
    Request,
    Result,
    SalaryEstimate,
    SalaryRequest,
    WorkerOptions,
)
from bot.inference.queue import InferenceQueue
from bot.store import Store
from tests.networks import ECHO, WORKER, Count, CountRequest, Echo, EchoRequest

SALARY = SalaryRequest(degree="bachelor", field="computing", age=30.0)
PLENTY = Limits(per_person=100, per_server=100)


@asynccontextmanager
async def own_queue(
    folder: Path,
    *,
    silence_seconds: float = 60.0,
    sleep_seconds: float = 0.0,
    options: WorkerOptions | None = None,
) -> AsyncIterator[tuple[InferenceQueue, LocalExecutor]]:
    """A worker that the test may mistreat, with only the test networks unless the options say otherwise."""
    executor = LocalExecutor(
        options or WorkerOptions(device="cpu"),
        silence_seconds=silence_seconds,
        sleep_seconds=sleep_seconds,
        module=WORKER,
    )
    async with Store(folder) as store:
        queue = InferenceQueue(executor, store, limits=PLENTY)
        executor.start()
        queue.start()
        try:
            yield queue, executor
        finally:
            await queue.close(grace=0.0)
            await executor.stop()


async def running(executor: LocalExecutor) -> int:
    """Wait until a worker is ready; return its process id."""
    await asyncio.wait_for(executor.ready(), 60)
    assert executor.pid is not None
    return executor.pid


async def on_device(*jobs: Job) -> None:
    """Wait until the worker has these jobs."""
    while any(job.state is not JobState.RUNNING for job in jobs):  # noqa: ASYNC110 - it is the queue that we watch
        await asyncio.sleep(0.01)


async def echo(queue: InferenceQueue, request: Request) -> Echo:
    """Have something echoed."""
    result = (await asyncio.wait_for((await queue.submit(request, owner=1)).result(), 60)).result
    assert isinstance(result, Echo)
    return result


def results(answers: Mapping[str, Answer | JobError]) -> list[Result]:
    """Return what an executor has answered, when there was no error."""
    return [answer.result for answer in answers.values() if isinstance(answer, Answer)]


async def test_both_networks_answer(queue: InferenceQueue, cat: bytes) -> None:
    jobs = [await queue.submit(request, owner=1) for request in (SALARY, ClassifyRequest(image=cat), SALARY)]
    results = [(await job.result()).result for job in jobs]
    assert isinstance(results[0], SalaryEstimate)
    assert isinstance(results[1], Classification)
    assert results[0] == results[2]


async def test_the_same_request_has_the_same_answer_alone_and_in_a_batch(
    executor: LocalExecutor, cat: bytes
) -> None:
    async def ask(network: str, request: Request, times: int) -> list[Any]:
        answers = await executor.run(NETWORKS[network], {str(number): request for number in range(times)})
        return results(answers)

    await executor.ready()
    assert await ask("salary", SALARY, times=5) == await ask("salary", SALARY, times=1) * 5
    [alone] = await ask("vision", ClassifyRequest(image=cat, top=3), times=1)
    for seen in await ask("vision", ClassifyRequest(image=cat, top=3), times=5):
        assert [p.label for p in seen.predictions] == [p.label for p in alone.predictions]
        # Convolutions add up in another order, which shows in the sixth digit.
        for here, there in zip(seen.predictions, alone.predictions, strict=True):
            assert here.confidence == pytest.approx(there.confidence, abs=1e-5)


async def test_what_a_network_refuses_is_told_and_harms_nobody(queue: InferenceQueue) -> None:
    with pytest.raises(InputRefused):
        await (await queue.submit(ClassifyRequest(image=b"nonsense"), owner=1)).result()
    assert (await (await queue.submit(SALARY, owner=1)).result()).seconds > 0


async def test_only_one_thing_at_a_time_is_on_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch and step takes a lock of the operating system, and notes if another has it."""
    monkeypatch.setenv("WATCH_FOLDER", str(tmp_path))
    async with own_queue(tmp_path) as (queue, executor):
        requests: list[Request] = [CountRequest(to=20, seconds=0.001) for _ in range(6)]
        requests += [EchoRequest(seconds=0.005) for _ in range(20)]
        jobs = [await queue.submit(request, owner=number) for number, request in enumerate(requests)]
        await on_device(jobs[0])
        await asyncio.sleep(0.05)
        os.kill(await running(executor), signal.SIGKILL)  # the next worker must not overlap with this one
        for job in jobs:
            await asyncio.wait_for(job.result(), 60)
    assert (tmp_path / "WATCHED").exists()
    assert not (tmp_path / "OVERLAPS").exists()


async def test_streams_step_together_and_a_photo_comes_in_between(queue: InferenceQueue) -> None:
    stories = [await queue.submit(CountRequest(to=60, overhead=0.005), owner=n) for n in range(8)]
    await on_device(*stories)
    await asyncio.sleep(0.1)
    photo = await queue.submit(EchoRequest(seconds=0.05), owner=9)
    answered = await asyncio.wait_for(photo.result(), 5)
    assert isinstance(answered.result, Echo)
    assert all(job.state is JobState.RUNNING for job in stories), "no story was over before"
    results = [(await job.result()).result for job in stories]
    assert all(isinstance(result, Count) and result.company == 8 for result in results)
    assert len({str(result) for result in results}) == 1


async def test_a_stream_tells_how_far_it_is_and_stops_when_cancelled(queue: InferenceQueue) -> None:
    story = await queue.submit(CountRequest(to=10_000, overhead=0.01), owner=1)
    while not queue.standing(story).text:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    assert queue.standing(story).text.startswith("1 2 3")
    assert 0.0 < queue.standing(story).fraction < 0.1
    await queue.cancel(story)
    short = await queue.submit(CountRequest(to=5), owner=1)
    result = (await short.result()).result
    assert isinstance(result, Count)
    assert result.company == 1, "the cancelled one has left"


async def test_a_flood_of_photos_does_not_starve_a_story(queue: InferenceQueue) -> None:
    story = await queue.submit(CountRequest(to=30, overhead=0.01), owner=1)
    await on_device(story)
    photos = [await queue.submit(EchoRequest(seconds=0.02), owner=2) for _ in range(49)]
    await asyncio.wait_for(story.result(), 5)
    assert sum(job.state is not JobState.ENDED for job in photos) > 10
    for job in photos:
        await queue.cancel(job)


async def test_jobs_survive_the_death_of_the_worker(tmp_path: Path) -> None:
    async with own_queue(tmp_path) as (queue, executor):
        first = await running(executor)
        os.kill(first, signal.SIGSTOP)  # so that they are certainly on the device when it dies
        jobs = [await queue.submit(EchoRequest(text=str(number)), owner=number) for number in range(3)]
        jobs += [await queue.submit(CountRequest(to=9), owner=number) for number in range(3, 6)]
        await on_device(jobs[0], *jobs[3:])
        os.kill(first, signal.SIGKILL)
        results = [(await asyncio.wait_for(job.result(), 60)).result for job in jobs]
        assert [result.text for result in results[:3]] == ["0", "1", "2"]  # type: ignore[attr-defined]
        assert executor.restarts == 1
        assert executor.pid != first


async def test_a_request_that_kills_two_workers_is_refused(tmp_path: Path) -> None:
    async with own_queue(tmp_path) as (queue, executor):
        story = await queue.submit(CountRequest(to=200, overhead=0.01), owner=1)
        await on_device(story)
        killer = await queue.submit(EchoRequest(fault="die"), owner=2)
        late = await queue.submit(EchoRequest(text="alive"), owner=3)
        with pytest.raises(KillsWorkers):
            await asyncio.wait_for(killer.result(), 60)
        for job in (story, late):
            await asyncio.wait_for(job.result(), 60)
        assert executor.restarts == 2


async def test_a_lost_device_ends_the_worker_and_the_others_answers_come(tmp_path: Path) -> None:
    async with own_queue(tmp_path) as (queue, executor):
        for losing in (EchoRequest(fault="device"), CountRequest(to=5, fault="device", fault_at=3)):
            with pytest.raises(KillsWorkers):
                await asyncio.wait_for((await queue.submit(losing, owner=1)).result(), 60)
        assert (await echo(queue, EchoRequest(text="alive"))).text == "alive"
        assert executor.restarts == 4


async def test_a_worker_that_cannot_be_started_is_started_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = asyncio.create_subprocess_exec, iter([OSError("no more processes")] * 2)

    async def start(*arguments: Any, **options: Any) -> asyncio.subprocess.Process:
        if (failure := next(failures, None)) is not None:
            raise failure
        return await real(*arguments, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    async with own_queue(tmp_path) as (queue, executor):
        assert (await echo(queue, EchoRequest(text="at last"))).text == "at last"
        assert executor.restarts == 2


async def test_a_network_that_the_device_has_no_room_for_answers_on_the_cpu(tmp_path: Path) -> None:
    options = WorkerOptions(device="cpu", checkpoints={"echo": "huge", "count": "huge"})
    async with own_queue(tmp_path, options=options) as (queue, executor):
        assert (await echo(queue, EchoRequest(text="small"))).text == "small"
        counted = (
            await asyncio.wait_for((await queue.submit(CountRequest(to=2), owner=1)).result(), 60)
        ).result
        assert isinstance(counted, Count)
        assert executor.restarts == 0


async def test_a_worker_that_hangs_is_replaced(tmp_path: Path) -> None:
    async with own_queue(tmp_path, silence_seconds=1.0) as (queue, executor):
        for hanging in (EchoRequest(fault="hang"), CountRequest(to=5, fault="hang", fault_at=3)):
            with pytest.raises(RanTooLong):
                await asyncio.wait_for((await queue.submit(hanging, owner=1)).result(), 60)
        assert (await echo(queue, EchoRequest(text="alive"))).text == "alive"
        assert executor.restarts == 2


async def test_a_network_that_raises_harms_only_the_request_that_makes_it(queue: InferenceQueue) -> None:
    good = [CountRequest(to=20, overhead=0.005) for _ in range(3)]
    jobs = [
        await queue.submit(request, owner=n)
        for n, request in enumerate((*good, CountRequest(to=20, fault="raise", fault_at=4)))
    ]
    with pytest.raises(NetworkFailed):
        await jobs[-1].result()
    assert [type((await job.result()).result) for job in jobs[:-1]] == [Count] * 3


async def test_in_a_batch_too(executor: LocalExecutor) -> None:
    await executor.ready()
    requests = {str(number): EchoRequest(fault="raise" if number == 2 else "") for number in range(5)}
    answers = await executor.run(ECHO, requests)
    assert [type(answer).__name__ for answer in answers.values()] == [
        *["Answer"] * 2,
        "NetworkFailed",
        *["Answer"] * 2,
    ]


async def test_without_memory_a_batch_is_halved_and_then_goes_to_the_cpu(tmp_path: Path) -> None:
    async with own_queue(tmp_path) as (_, executor):
        await running(executor)
        told: list[object] = []
        executor.listen(told.append)
        # The simulated device has memory for 4.
        fits_in_halves = {str(number): EchoRequest(text=str(number), memory=1) for number in range(8)}
        answers = await executor.run(ECHO, fits_in_halves)
        assert results(answers) == [Echo(text=str(n), batch=4, loaded=1) for n in range(8)]
        fits_nowhere = {"a": EchoRequest(memory=9), "b": EchoRequest(memory=1)}
        answers = await executor.run(ECHO, fits_nowhere)
        # Only what does not fit is answered by the one on the CPU.
        assert results(answers) == [Echo(text="", batch=1, loaded=2), Echo(text="", batch=1, loaded=1)]
        assert "OutOfMemory(network='echo', size=8)" in map(str, told)


async def test_without_memory_streams_step_in_halves_or_begin_anew_on_the_cpu(tmp_path: Path) -> None:
    async with own_queue(tmp_path) as (queue, executor):
        await running(executor)
        small = [await queue.submit(CountRequest(to=60, overhead=0.005, memory=1), owner=n) for n in range(6)]
        results = [(await asyncio.wait_for(job.result(), 60)).result for job in small]
        assert all(isinstance(result, Count) and result.loaded == 1 for result in results)
        large = await queue.submit(CountRequest(to=10, memory=9), owner=1)
        result = (await asyncio.wait_for(large.result(), 60)).result
        assert result == Count(text="1 2 3 4 5 6 7 8 9 10", company=1, loaded=2)


async def test_a_network_without_weights_says_so_and_the_others_work(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{ this is no JSON")
    options = WorkerOptions(
        device="cpu", preload=("salary", "vision"), checkpoints={"vision": str(broken), "count": "broken"}
    )
    async with own_queue(tmp_path, options=options) as (queue, executor):
        await running(executor)
        assert executor.info is not None
        assert set(executor.info.broken) == {"vision"}
        for request in (ClassifyRequest(image=b""), CountRequest(to=1)):
            with pytest.raises(NetworkFailed):
                await (await queue.submit(request, owner=1)).result()
        assert (await (await queue.submit(SALARY, owner=1)).result()).result


async def test_networks_leave_the_device_for_others_and_when_idle(tmp_path: Path) -> None:
    # Each of the test networks takes 1 MB.
    async with own_queue(tmp_path, options=WorkerOptions(device="cpu", memory_mb=1)) as (queue, executor):
        assert (await echo(queue, EchoRequest())).loaded == 1
        assert set(executor.usage.network_bytes) == {"echo"}
        await (await queue.submit(CountRequest(to=1), owner=1)).result()
        assert set(executor.usage.network_bytes) == {"count"}
        assert (await echo(queue, EchoRequest())).loaded == 2
    options = WorkerOptions(device="cpu", unload_seconds=0.2)
    async with own_queue(tmp_path, options=options) as (queue, executor):
        await echo(queue, EchoRequest())
        assert executor.usage.network_bytes
        while executor.usage.network_bytes:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert executor.usage.device_bytes == 0


async def test_a_worker_sleeps_when_nobody_asks_and_wakes_for_the_next(tmp_path: Path) -> None:
    async with own_queue(tmp_path, sleep_seconds=0.3) as (queue, executor):
        await echo(queue, EchoRequest())
        worker = psutil.Process(executor.pid)
        while worker.is_running():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert (await echo(queue, EchoRequest(text="awake"))).text == "awake"
        assert executor.restarts == 0


async def test_a_worker_knows_no_secret_and_leaves_no_orphan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "very-secret")
    async with own_queue(tmp_path) as (_, executor):
        worker = psutil.Process(await running(executor))
        assert "very-secret" not in str(worker.environ())
    assert not worker.is_running()


async def test_a_worker_logs_in_the_form_that_the_operator_chose(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = WorkerOptions(device="cpu", log_format="json")
    async with own_queue(tmp_path, options=options) as (queue, _executor):
        await echo(queue, EchoRequest())
    [loaded] = [line for line in capfd.readouterr().err.splitlines() if "Loaded echo" in line]
    assert json.loads(loaded)["logger"] == "bot.inference.networks"
