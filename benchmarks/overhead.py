"""What the queue adds to a job: admission, the database, two processes, the turn.

    python -m benchmarks.overhead [JOBS]

One job at a time. The overhead is the time from ``submit`` to the answer, less the time that the worker reports for the
network itself; beside it the same request handed to the worker directly, without queue and database.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

from benchmarks.common import hardware, percentile, real_queue, table
from bot.inference import catalogue
from bot.inference.executor import Answer
from bot.inference.local import LocalExecutor
from bot.inference.messages import Request, SalaryRequest
from bot.inference.queue import InferenceQueue
from tests.networks import WORKER, EchoRequest

WARM_UP = 20


async def through_queue(queue: InferenceQueue, request: Request) -> float:
    """Return the milliseconds of one job that were not the network's."""
    began = time.perf_counter()
    answered = await (await queue.submit(request, owner=1)).result()
    return (time.perf_counter() - began - answered.seconds) * 1000


async def direct(executor: LocalExecutor, request: Request) -> float:
    """Return the same without the queue."""
    began = time.perf_counter()
    [answer] = (await executor.run(catalogue.network_for(request), {"code": request})).values()
    assert isinstance(answer, Answer)
    return (time.perf_counter() - began - answer.seconds) * 1000


async def main(jobs: int) -> None:
    """Measure and print."""
    rows = []
    async with real_queue("salary", module=WORKER) as (queue, executor):
        requests = {
            "one that does nothing": EchoRequest(),
            "/salary": SalaryRequest(degree="bachelor", field="computing", age=30.0),
        }
        for name, request in requests.items():
            queued = [await through_queue(queue, request) for _ in range(jobs + WARM_UP)][WARM_UP:]
            bare = [await direct(executor, request) for _ in range(jobs + WARM_UP)][WARM_UP:]
            rows.append(
                [
                    name,
                    f"{statistics.median(queued):.2f} ms (99%: {percentile(queued, 0.99):.2f})",
                    f"{statistics.median(bare):.2f} ms (99%: {percentile(bare, 0.99):.2f})",
                ]
            )
    print(hardware())
    print(f"\nOverhead of one job, median of {jobs}. Goal: less than 3 ms.\n")
    print(table(("network", "through the queue", "worker only"), rows))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
