"""How fast people are acknowledged and answered who all ask at the same moment.

    python -m benchmarks.people_at_once [PEOPLE]

The real bot, the real worker and the real wire (HTTP and WebSocket on loopback): each person sends /classify
with a photograph, all at once. Discord gives up on an interaction after 3 seconds.
"""

from __future__ import annotations

import asyncio
import platform
import statistics
import sys
import time
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from bot.client import NeuralBot
from bot.playground.person import Person
from bot.playground.server import SAMPLES, Playground
from bot.run import inference
from bot.settings import Settings
from bot.store import Store
from tests.support import connected

NAMES = ("ada", "grace", "linus", "margaret")
"""The people of the embedded Discord; several pages of each are open when there are more askers."""


async def ask(person: Person, photo: Path) -> tuple[float, float]:
    """Send one photograph; return the seconds until acknowledged and until answered."""
    began = time.perf_counter()
    reply = await person.slash("classify", image=photo)
    await reply.until(lambda message: bool(message["embeds"]), timeout=120)
    if reply.acknowledged_after is None:
        raise RuntimeError(f"{person.id} was not acknowledged")
    return reply.acknowledged_after, time.perf_counter() - began


async def main(people: int) -> None:
    """Measure and print."""
    playground = Playground()
    await playground.start()
    with TemporaryDirectory() as folder, playground.point_discord_py_here():
        settings = Settings.read(discord_token=None, data_dir=Path(folder))
        began = time.perf_counter()
        async with (
            Store(settings.data_dir) as store,
            inference(settings, store) as queue,
            connected(NeuralBot(settings, queue, store)),
        ):
            online = time.perf_counter() - began
            photo = SAMPLES / "cat.jpg"
            await ask(playground.person("ada"), photo)  # waits for the worker, too
            ready = time.perf_counter() - began
            crowd = [playground.person(name) for _, name in zip(range(people), cycle(NAMES), strict=False)]
            times = await asyncio.gather(*(ask(person, photo) for person in crowd))
            memory = psutil.Process().memory_info().rss / 2**20
    await playground.stop()
    acknowledged, answered = ([pair[which] * 1000 for pair in times] for which in (0, 1))
    print(f"{platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}, CPU only")
    print(f"bot online after {online:.1f} s, first answer after {ready:.1f} s (the worker imports torch)")
    print(f"memory of the bot's process, this benchmark and the embedded Discord included: {memory:.0f} MB")
    print(f"\n{people} people at once    median       max")
    print(f"acknowledged    {statistics.median(acknowledged):9.0f} ms {max(acknowledged):6.0f} ms")
    print(f"answered        {statistics.median(answered):9.0f} ms {max(answered):6.0f} ms")
    print(f"{len(times)} of {people} have an answer")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
