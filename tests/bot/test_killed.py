"""The bot's process is killed fifty times at random moments, under load: nothing is lost or shown twice."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.playground.person import LOADING, Person, Reply
from bot.playground.server import Playground
from bot.store import Store

ROOT = Path(__file__).parents[2]
KILLS = 50
LONGEST_LIFE = 2.0
"""Seconds from the moment when the bot is online to its end."""
SEED = 20261123

# The program itself, with the test networks, on the test's own Discord.
SCRIPT = """
import functools, sys, yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = sys.argv[1], yarl.URL(sys.argv[2])
import bot.run, cogs, tests.networks
bot.run.LocalExecutor = functools.partial(bot.run.LocalExecutor, module=tests.networks.WORKER)
cogs.__path__.append("tests/networks/cogs")
from bot.__main__ import main
sys.exit(main(["run"]))
"""


@asynccontextmanager
async def running(playground: Playground, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the bot until the block is left; then kill it."""
    environment = {
        "DISCORD_TOKEN": "token",
        "DATA_DIR": str(folder),
        "PRELOAD": "none",
        "HEALTH_PORT": "0",
        "LOG_LEVEL": "ERROR",
        "MAX_WAITING_PER_PERSON": "1000",
        "MAX_WAITING_PER_SERVER": "1000",
        "MAX_WAITING": "500",
    }
    api = (f"{playground.url}/api/v10", playground.gateway.url)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", SCRIPT, *api),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Crowd:
    """People who ask all the time, whether the bot lives or not, each time with other words."""

    def __init__(self, playground: Playground, chance: random.Random) -> None:
        self._chance = chance
        self._numbers = itertools.count()
        self.asked: dict[str, Reply] = {}
        """By the words that the answer will carry."""
        self.people = [playground.person(name) for name in ("ada", "grace", "linus")]
        for person, channel in zip(self.people, ("general", "playground", "art-gallery"), strict=True):
            person.channel = person.channel_id(channel)
        self.observer = playground.person("margaret")

    async def ask_all_the_time(self, person: Person) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(0.1, 0.6))
            if not {"echo", "count"} <= {command["name"] for command in person.commands}:
                continue
            words = f"answer {next(self._numbers)}"
            match self._chance.randrange(3):
                case 0:
                    asking = person.slash("count", to=30, seconds=0.01, label=words)
                case 1:
                    asking = person.slash("echo", text=words, seconds=0.05)
                case _:
                    asking = person.slash("echo", text=words, file=("file.txt", words.encode()))
            self.asked[words] = await asking

    def shown(self) -> Counter[str]:
        """Count how often each answer can be seen."""
        messages = self.observer.messages.values()
        return Counter(m["embeds"][0]["description"] for m in messages if m["embeds"])

    def promised(self) -> set[str]:
        """Return the answers that people wait for: they have been told that the bot is thinking."""
        return {words for words, reply in self.asked.items() if reply.acknowledged_after is not None}


@pytest.mark.timeout(600)
async def test_fifty_kills_lose_nothing_and_show_nothing_twice(
    playground: Playground, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    crowd = Crowd(playground, chance)
    asking = [asyncio.create_task(crowd.ask_all_the_time(person)) for person in crowd.people]
    try:
        for _ in range(KILLS):
            async with running(playground, tmp_path) as process:
                await crowd.observer.until(lambda: crowd.observer.online, timeout=60)
                await asyncio.sleep(chance.uniform(0.0, LONGEST_LIFE))
                assert process.returncode is None, "it ended by itself"
            await crowd.observer.until(lambda: not crowd.observer.online, timeout=60)
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    promised = crowd.promised()
    async with running(playground, tmp_path):
        await crowd.observer.until(lambda: promised <= set(crowd.shown()), timeout=120)
        await asyncio.sleep(2.0)  # for what should not come
    assert len(promised) > KILLS
    assert set(crowd.shown().values()) == {1}, "an answer was shown twice"
    async with Store(tmp_path) as store:
        assert not await store.unfinished()
    thinking = [m for m in crowd.observer.messages.values() if m["flags"] & LOADING]
    assert not thinking, "nobody is left with a bot that thinks"
