"""What the benchmarks share: the line about the hardware, percentiles, tables, and a queue with a real worker."""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from bot.inference.limits import Limits
from bot.inference.local import LocalExecutor
from bot.inference.messages import StoryRequest, WorkerOptions
from bot.inference.queue import InferenceQueue
from bot.store import Store

TICK_SECONDS = 0.01
"""How long a task sleeps that measures how late the event loop comes back to it."""


def hardware() -> str:
    """Return what the figures were measured on."""
    name = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            name = line.partition(":")[2].strip()
            break
    return f"{name}, {psutil.cpu_count()} cores, Python {platform.python_version()}, CPU only"


def best_seconds(work: Callable[[], object], seconds: float) -> float:
    """Return the least time that ``work`` took in as many goes as fit in ``seconds``."""
    work()  # chooses kernels
    until, times = time.perf_counter() + seconds, [float("inf")]
    while time.perf_counter() < until:
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


class LoopLag:
    """Measures how late the event loop comes back to a task that sleeps for 10 ms."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def measure(self) -> None:
        """Measure until cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(TICK_SECONDS)
            self.seconds.append(time.perf_counter() - began - TICK_SECONDS)

    @asynccontextmanager
    async def measured(self) -> AsyncIterator[LoopLag]:
        """Measure while the block runs."""
        task = asyncio.create_task(self.measure())
        try:
            yield self
        finally:
            task.cancel()

    def __str__(self) -> str:
        p50, p99, most = (percentile(self.seconds, share) * 1000 for share in (0.5, 0.99, 1.0))
        return f"{p50:.1f} / {p99:.1f} / {most:.0f} ms"


@asynccontextmanager
async def real_queue(
    *networks: str, module: str = "bot.inference.worker"
) -> AsyncIterator[tuple[InferenceQueue, LocalExecutor]]:
    """Run a real worker with these networks loaded, and the queue with its database before it."""
    executor = LocalExecutor(WorkerOptions(device="cpu", preload=networks), module=module)
    limits = Limits(waiting=1000, per_person=1000, per_server=1000)
    with TemporaryDirectory() as folder:
        async with Store(Path(folder)) as store:
            queue = InferenceQueue(executor, store, limits=limits)
            executor.start()
            queue.start()
            try:
                await executor.ready()
                yield queue, executor
            finally:
                await queue.close(grace=0.0)
                await executor.stop()


def story(seed: int, words: int = 150) -> StoryRequest:
    """Return one of many stories of the same length."""
    return StoryRequest(prompt="The old house at the end of the lane", words=words, seed=seed)
