"""How much faster sixteen stories are written at once than one after another.

    python -m benchmarks.streams [STORIES]

With the real story network, through the queue, its database and the worker; and beside it what bots do today: a lock
and threads in the bot's own process, where everybody waits for everybody before them. Both come with the lag of
the event loop that answers Discord (median / 99% / worst).
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

from benchmarks.common import LoopLag, hardware, real_queue, story, table
from bot.inference.messages import Story

WORDS = 400
"""Of each story, about."""

Write = Callable[[int], Awaitable[int]]
"""Writes the story of a seed, and returns its number of words."""


async def one_after_another(write: Write, seeds: Sequence[int]) -> tuple[float, int]:
    """Return the seconds and the words of these stories, each begun when the last was done."""
    began = time.perf_counter()
    words = [await write(seed) for seed in seeds]
    return time.perf_counter() - began, sum(words)


async def at_once(write: Write, seeds: Sequence[int]) -> tuple[float, int]:
    """Return the seconds and the words of these stories, all begun together."""
    began = time.perf_counter()
    words = await asyncio.gather(*(write(seed) for seed in seeds))
    return time.perf_counter() - began, sum(words)


async def measure(name: str, write: Write, stories: int) -> list[str]:
    """Return a line of the table."""
    await write(0)  # everything is loaded and warm
    seeds = range(1, stories + 1)
    slow, words = await one_after_another(write, seeds)
    async with LoopLag().measured() as lag:
        fast, same_words = await at_once(write, seeds)
    assert words == same_words, "the same stories"
    return [name, f"{words / slow:.0f}", f"{words / fast:.0f}", f"{slow / fast:.1f}", str(lag)]


async def main(stories: int) -> None:
    """Measure and print."""
    async with real_queue("story") as (queue, _):

        async def write(seed: int) -> int:
            # Each of another person: one person may not have all streams.
            answered = await (await queue.submit(story(seed, WORDS), owner=seed)).result()
            assert isinstance(answered.result, Story)
            return answered.result.words

        ours = await measure("ours", write, stories)

    from benchmarks.todays_way import LockedNetworks  # only now: it imports torch into this process

    todays = LockedNetworks()

    async def write_behind_lock(seed: int) -> int:
        return (await todays.story(seed, WORDS)).words

    others = await measure("lock and threads", write_behind_lock, stories)
    print(hardware())
    print(f"\n{stories} stories of about {WORDS} words. Goal: at least 5 times as fast at once.\n")
    head = ("", "words/s one after another", "words/s at once", "times as fast", "loop lag")
    print(table(head, (ours, others)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 16))
