"""How much memory the bot's process takes without its worker, and how soon it is there.

python -m benchmarks.footprint [STARTS]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bots import running
from benchmarks.common import hardware, table
from bot.playground.server import SAMPLES, Playground


async def start() -> tuple[float, float, float]:
    """Start a bot once; return the seconds until it is online and until its first answer, and its megabytes."""
    playground = Playground()
    await playground.start()
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        async with running("ours", playground, Path(folder)) as report:
            ada = playground.person("ada")
            await ada.until(lambda: ada.online and bool(ada.commands), timeout=60)
            online = time.perf_counter() - began
            reply = await ada.slash("classify", image=SAMPLES / "cat.jpg")
            await reply.until(lambda message: bool(message["embeds"]), timeout=60)
            first_answer = time.perf_counter() - began
    await playground.stop()
    return online, first_answer, report.megabytes


async def main(starts: int) -> None:
    """Measure and print."""
    online, answers, megabytes = zip(*[await start() for _ in range(starts)], strict=True)
    print(hardware())
    print(f"\nMedian of {starts} starts from nothing; the commands are registered, too.\n")
    rows = [
        ["online", f"{statistics.median(online):.1f} s", ""],
        ["first photograph recognised (the worker imports torch)", f"{statistics.median(answers):.1f} s", ""],
        ["memory of the bot's process, without the worker", f"{max(megabytes):.0f} MB", "under 150 MB"],
    ]
    print(table(("", "measured", "goal"), rows))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
