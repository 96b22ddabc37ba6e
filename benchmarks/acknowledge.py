"""How soon a hundred people are acknowledged who all type at the same moment, while stories are being written.

    python -m benchmarks.acknowledge [PEOPLE]

The bot is a process of its own and connected by real HTTP and WebSocket to the embedded Discord, in whose process
the people are played; acknowledged is what that Discord has seen. Real Discord gives up after 3 seconds. Beside it a
bot as they are written today. The loop lag (median / 99% / worst) and the memory are those of the bot's process.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bots import running
from benchmarks.common import hardware, percentile, table
from bot.playground.person import Person, Reply
from bot.playground.server import SAMPLES, Playground

NAMES = ("ada", "grace", "linus", "margaret")
"""The people of the embedded Discord, who take turns to ask. Each has one page open: a hundred pages, all told of
every message, would make the embedded Discord itself the slowest part."""
STORIES = 8


async def answered(reply: Reply) -> None:
    """Wait for the answer."""
    await reply.until(lambda message: bool(message["embeds"]), timeout=300)


async def measure(which: str, people: int) -> list[str]:
    """Return a line of the table."""
    playground = Playground()
    await playground.start()
    photo = SAMPLES / "cat.jpg"
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        async with running(which, playground, Path(folder)) as report:
            ada = playground.person("ada")
            await ada.until(lambda: ada.online and bool(ada.commands), timeout=60)
            await answered(await ada.slash("classify", image=photo))  # everything is loaded
            pages: list[Person] = [ada, *(playground.person(name) for name in NAMES[1:])]
            crowd = list(islice(cycle(pages), people))
            prompt = "The old house at the end of the lane"
            stories = [
                await person.slash("story", prompt=prompt, seed=seed)
                for seed, person in enumerate(crowd[:STORIES])
            ]
            began = time.perf_counter()
            replies = await asyncio.gather(*(person.slash("classify", image=photo) for person in crowd))
            await asyncio.gather(*(answered(reply) for reply in (*replies, *stories)))
            seconds = time.perf_counter() - began
    await playground.stop()
    times = [1000 * reply.acknowledged_after for reply in replies if reply.acknowledged_after is not None]
    return [
        which,
        f"{len(times)} of {people}",
        f"{statistics.median(times):.0f} ms",
        f"{percentile(times, 0.99):.0f} ms",
        f"{seconds:.1f} s",
        report.lag,
        f"{report.megabytes:.0f} MB",
    ]


async def main(people: int) -> None:
    """Measure and print."""
    rows = [await measure(which, people) for which in ("ours", "todays")]
    print(hardware())
    print(f"\n{people} photographs at once while {STORIES} stories are written. Goal: 99% within 300 ms.\n")
    head = ("bot", "acknowledged", "median", "99%", "all answered after", "loop lag", "memory")
    print(table(head, rows))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
