"""How long a photograph waits while eight stories are being written.

    python -m benchmarks.photo_behind_stories [PHOTOS]

From the moment when it is submitted to its answer, with the real networks, through the queue, its database and the
worker; beside it a lock and threads in the bot's own process, as bots do today.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

from benchmarks.common import LoopLag, hardware, real_queue, story, table
from bot.inference.messages import ClassifyRequest
from bot.playground.server import SAMPLES

STORIES = 8
PAUSE_SECONDS = 0.3
"""Between two photographs: one person's, not a flood."""

Ask = Callable[[], Awaitable[object]]


async def waits(ask: Ask, photos: int) -> list[float]:
    """Return the milliseconds that each photograph took."""
    times = []
    for _ in range(photos):
        began = time.perf_counter()
        await ask()
        times.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(PAUSE_SECONDS)
    return times


async def measure(name: str, photo: Ask, write: Callable[[int], Awaitable[object]], photos: int) -> list[str]:
    """Return a line of the table."""
    await photo()
    await write(0)
    idle = await waits(photo, photos)
    seeds = itertools.count(1)

    async def keep_writing() -> None:
        while True:
            await write(next(seeds))

    writers = [asyncio.create_task(keep_writing()) for _ in range(STORIES)]
    await asyncio.sleep(1.0)
    async with LoopLag().measured() as lag:
        busy = await waits(photo, photos)
    for writer in writers:
        writer.cancel()
    await asyncio.gather(*writers, return_exceptions=True)
    median = statistics.median(busy)
    return [
        name,
        f"{statistics.median(idle):.0f} ms",
        f"{median:.0f} ms (worst {max(busy):.0f})",
        f"{median / statistics.median(idle):.1f}",
        str(lag),
    ]


async def main(photos: int) -> None:
    """Measure and print."""
    image = (SAMPLES / "cat.jpg").read_bytes()
    async with real_queue("story", "vision") as (queue, _):

        async def photo() -> object:
            return await (await queue.submit(ClassifyRequest(image=image), owner=1)).result()

        async def write(seed: int) -> object:
            return await (await queue.submit(story(seed), owner=1000 + seed)).result()

        ours = await measure("ours", photo, write, photos)

    from benchmarks.todays_way import LockedNetworks  # only now: it imports torch into this process

    todays = LockedNetworks()
    others = await measure("lock and threads", lambda: todays.classify(image), todays.story, photos)
    print(hardware())
    print(f"\nA photograph behind {STORIES} stories; median of {photos}. Goal: less than 3 times as long.\n")
    head = ("", "idle", "behind the stories", "times as long", "loop lag")
    print(table(head, (ours, others)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
