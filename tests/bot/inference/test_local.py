"""The real worker process under faults: killed, stopped, fed with nonsense, without weights."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from bot.inference.errors import InputRefused, NetworkFailed, RanTooLong
from bot.inference.local import LocalExecutor
from bot.inference.messages import (
    Classification,
    ClassifyRequest,
    SalaryEstimate,
    SalaryRequest,
    WorkerOptions,
)
from bot.inference.queue import InferenceQueue, JobState

SALARY = SalaryRequest(degree="bachelor", field="computing", age=30.0)


@asynccontextmanager
async def own_queue(
    *, max_run_seconds: float = 60.0, checkpoints: dict[str, str] | None = None
) -> AsyncIterator[tuple[InferenceQueue, LocalExecutor]]:
    """A worker that the test may mistreat."""
    options = WorkerOptions(device="cpu", preload=("salary", "vision"), checkpoints=checkpoints or {})
    executor = LocalExecutor(options)
    queue = InferenceQueue(executor, max_run_seconds=max_run_seconds)
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


async def test_both_networks_answer(queue: InferenceQueue, cat: bytes) -> None:
    jobs = [queue.submit(request, owner=1) for request in (SALARY, ClassifyRequest(image=cat), SALARY)]
    results = [(await job.result()).result for job in jobs]
    assert isinstance(results[0], SalaryEstimate)
    assert isinstance(results[1], Classification)
    assert results[0] == results[2]


async def test_what_a_network_refuses_is_told_and_harms_nobody(queue: InferenceQueue) -> None:
    with pytest.raises(InputRefused):
        await queue.submit(ClassifyRequest(image=b"nonsense"), owner=1).result()
    assert (await queue.submit(SALARY, owner=1).result()).seconds > 0


async def test_jobs_survive_the_death_of_the_worker(cat: bytes) -> None:
    async with own_queue() as (queue, executor):
        first = await running(executor)
        os.kill(first, signal.SIGSTOP)  # so that the job is certainly on the device when it dies
        jobs = [queue.submit(ClassifyRequest(image=cat), owner=number) for number in range(3)]
        while jobs[0].state is not JobState.RUNNING:  # noqa: ASYNC110 - it is the queue that we watch
            await asyncio.sleep(0.01)
        os.kill(first, signal.SIGKILL)
        for job in jobs:
            result = (await asyncio.wait_for(job.result(), 60)).result
            assert isinstance(result, Classification)
        assert jobs[0].attempts == 2
        assert executor.restarts == 1
        assert executor.pid != first


async def test_a_worker_that_hangs_is_replaced(cat: bytes) -> None:
    async with own_queue(max_run_seconds=5.0) as (queue, executor):
        os.kill(await running(executor), signal.SIGSTOP)
        with pytest.raises(RanTooLong):
            await queue.submit(ClassifyRequest(image=cat), owner=1).result()
        assert (await asyncio.wait_for(queue.submit(SALARY, owner=1).result(), 60)).result


async def test_a_network_without_weights_says_so_and_the_others_work(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{ this is no JSON")
    async with own_queue(checkpoints={"vision": str(tmp_path)}) as (queue, executor):
        await running(executor)
        assert executor.info is not None
        assert set(executor.info.broken) == {"vision"}
        with pytest.raises(NetworkFailed):
            await queue.submit(ClassifyRequest(image=b""), owner=1).result()
        assert (await queue.submit(SALARY, owner=1).result()).result


async def test_a_worker_knows_no_secret_and_leaves_no_orphan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "very-secret")
    async with own_queue() as (_, executor):
        worker = psutil.Process(await running(executor))
        assert "very-secret" not in str(worker.environ())
    assert not worker.is_running()
