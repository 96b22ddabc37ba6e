"""Fixtures for tests of the real thing: a worker process, the queue, the bot on the embedded Discord."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.client import NeuralBot
from bot.inference.local import LocalExecutor
from bot.inference.messages import WorkerOptions
from bot.inference.queue import InferenceQueue
from bot.playground.server import SAMPLES, Playground
from bot.settings import Settings
from bot.store import Store
from tests.support import connected


@pytest.fixture(scope="session")
def cat() -> bytes:
    """The photograph of a tabby cat."""
    return (SAMPLES / "cat.jpg").read_bytes()


@pytest.fixture(scope="session")
async def executor() -> AsyncIterator[LocalExecutor]:
    """One real worker process with every network, shared by all tests."""
    executor = LocalExecutor(WorkerOptions(device="cpu", preload=("vision", "salary")))
    executor.start()
    await executor.ready()
    yield executor
    await executor.stop()


@pytest.fixture
async def queue(executor: LocalExecutor) -> AsyncIterator[InferenceQueue]:
    """A queue in front of the real worker."""
    queue = InferenceQueue(executor, max_run_seconds=30.0)
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
    return Settings.read(discord_token=None, data_dir=tmp_path)


@pytest.fixture
async def bot(playground: Playground, queue: InferenceQueue, settings: Settings) -> AsyncIterator[NeuralBot]:
    """The real bot, connected to the embedded Discord."""
    async with Store(settings.data_dir) as store, connected(NeuralBot(settings, queue, store)) as bot:
        yield bot
