"""Fixtures for tests of the real thing: a worker process, the queue, the bot on the embedded Discord."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.client import NeuralBot
from bot.inference.limits import Limits
from bot.inference.local import LocalExecutor
from bot.inference.messages import WorkerOptions
from bot.inference.queue import InferenceQueue
from bot.playground.server import SAMPLES, Playground
from bot.run import versions
from bot.settings import Settings
from bot.store import Store
from tests.networks import WORKER
from tests.support import connected


@pytest.fixture(scope="session")
def cat() -> bytes:
    """The photograph of a tabby cat."""
    return (SAMPLES / "cat.jpg").read_bytes()


@pytest.fixture(scope="session")
async def executor() -> AsyncIterator[LocalExecutor]:
    """One real worker process with every network (those for tests, too), shared by all tests."""
    options = WorkerOptions(device="cpu", preload=("vision", "salary", "story", "art"))
    executor = LocalExecutor(options, module=WORKER, silence_seconds=30.0)
    executor.start()
    await executor.ready()
    yield executor
    await executor.stop()


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    """A real database file of the test's own."""
    async with Store(settings.data_dir) as store:
        yield store


@pytest.fixture
async def queue(executor: LocalExecutor, store: Store, settings: Settings) -> AsyncIterator[InferenceQueue]:
    """A queue in front of the real worker, with room for as many jobs as a test likes."""
    limits = Limits(per_person=50, per_server=50)
    queue = InferenceQueue(executor, store, limits=limits, versions=versions(settings))
    queue.start()
    yield queue
    await queue.close(grace=0.0)


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    """An embedded Discord to which discord.py is pointed."""
    playground = Playground(samples=SAMPLES)
    await playground.start()
    with playground.point_discord_py_here():
        yield playground
    await playground.stop()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings for a test of its own."""
    return Settings.read(discord_token=None, data_dir=tmp_path, health_port=0)


@pytest.fixture
async def bot(
    playground: Playground, queue: InferenceQueue, settings: Settings, store: Store
) -> AsyncIterator[NeuralBot]:
    """The real bot, connected to the embedded Discord."""
    async with connected(NeuralBot(settings, queue, store)) as bot:
        yield bot
