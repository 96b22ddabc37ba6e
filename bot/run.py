"""Start everything, wait, and stop it in the right order: on Discord with a token, else in a local page."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TextIO

from bot import cards, health
from bot.client import NeuralBot
from bot.inference.catalogue import NETWORKS
from bot.inference.errors import LedgerError
from bot.inference.limits import Limits
from bot.inference.local import LocalExecutor
from bot.inference.messages import WorkerOptions
from bot.inference.queue import InferenceQueue
from bot.playground.pages import Example, Welcome
from bot.playground.server import SAMPLES, Playground
from bot.settings import Settings
from bot.store import Store

log = logging.getLogger(__name__)

GRACE_SECONDS = 6.0
"""How long open jobs may go on after SIGTERM: with telling and closing, all is over within 10 seconds."""
LOCAL_TOKEN = "local"  # noqa: S105 - the embedded Discord takes any

WELCOME = Welcome(
    text=(
        "# Welcome!\n"
        "This is the bot, on a small Discord of its own. Everything stays on this computer. Type **/** below to "
        "see what it can do, drop in a photograph of yours, or press one of these:"
    ),
    examples=(
        Example(
            label="🐈 What is in this photo?", command="classify", attachments={"image": "/samples/cat.jpg"}
        ),
        Example(
            label="☕ And in this one?", command="classify", attachments={"image": "/samples/coffee.jpg"}
        ),
        Example(
            label="💰 What does a nurse earn?",
            command="salary",
            options={"degree": "bachelor", "field": "health", "age": 35, "experience": 10},
        ),
        Example(
            label="📖 Write a story",
            command="story",
            options={"prompt": "The lighthouse had been dark for a year when", "style": "sea-story"},
        ),
        Example(
            label="🎨 Paint a name", command="art", options={"seed": "Ada Lovelace", "style": "van_gogh"}
        ),
        Example(label="🕵️ Which one is no forgery?", command="forgery game"),
        Example(label="🧠 How does this work?", command="about"),
    ),
)


def worker_options(settings: Settings) -> WorkerOptions:
    """Return what a worker is to be told."""
    checkpoints = {"vision": settings.vision_model} if settings.vision_model else {}
    return WorkerOptions(
        device=settings.device,
        cpu_threads=settings.cpu_threads,
        preload=settings.preload,
        checkpoints=checkpoints,
        memory_mb=settings.memory_mb,
        unload_seconds=settings.unload_seconds,
        log_format=settings.log_format,
    )


def versions(settings: Settings) -> dict[str, str]:
    """Return what stands on answers as the version of each network."""
    own = {name: cards.card(name).network.version for name in NETWORKS}
    return own | worker_options(settings).checkpoints


def make_queue(settings: Settings, store: Store) -> tuple[InferenceQueue, LocalExecutor]:
    """Return the queue and the executor that it gives its jobs to, neither of them started."""
    executor = LocalExecutor(
        worker_options(settings),
        silence_seconds=settings.max_run_seconds,
        sleep_seconds=settings.sleep_seconds,
    )
    limits = Limits(
        waiting=settings.max_waiting,
        per_person=settings.max_waiting_per_person,
        per_server=settings.max_waiting_per_server,
        wait_seconds=settings.max_wait_seconds,
        stream_seconds=settings.max_stream_seconds,
    )
    return InferenceQueue(executor, store, limits=limits, versions=versions(settings)), executor


@asynccontextmanager
async def inference(settings: Settings, store: Store) -> AsyncIterator[InferenceQueue]:
    """Run the worker and the queue before it; on leaving, leave what is still open in the store."""
    queue, executor = make_queue(settings, store)
    await queue.restore()
    executor.start()
    queue.start()
    try:
        yield queue
    finally:
        await queue.close(grace=0.0)
        await executor.stop()


async def run(settings: Settings, *, out: TextIO = sys.stdout) -> None:
    """Run the bot until a signal ends it.

    Raises:
        discord.LoginFailure: Discord does not know the token.
        aiohttp.ClientError, discord.HTTPException, ConnectionError, TimeoutError: Discord cannot be reached.
        StoreError: the data folder cannot be written.
    """
    stop = _stop_on_signals()
    async with Store(settings.data_dir) as store:
        store.claim()
        purging = asyncio.create_task(_purge_daily(store, settings.keep_days))
        try:
            await _run(settings, store, stop, out)
        finally:
            purging.cancel()


async def _purge_daily(store: Store, days: float) -> None:
    """Delete what has been kept for long enough, now and every day."""
    while True:
        try:
            log.info("Deleted %d answers older than %g days", await store.purge(days), days)
        except LedgerError as error:
            log.error("Old answers could not be deleted: %s", error)
        await asyncio.sleep(24 * 3600.0)


async def _run(settings: Settings, store: Store, stop: asyncio.Event, out: TextIO) -> None:
    async with inference(settings, store) as queue:
        bot = NeuralBot(settings, queue, store)
        async with health.watched(bot):
            if settings.discord_token is None:
                async with local_discord(settings, out=out):
                    # Nobody else is here whose answers would be lost: Ctrl-C stops at once.
                    await _connect(bot, LOCAL_TOKEN, stop, grace=0.0)
            else:
                token = settings.discord_token.get_secret_value()
                await _connect(bot, token, stop, grace=GRACE_SECONDS, out=out)


@asynccontextmanager
async def local_discord(settings: Settings, *, out: TextIO) -> AsyncIterator[Playground]:
    """Run the embedded Discord and show its page."""
    playground = Playground(bot_name="Neural Bot", welcome=WELCOME, samples=SAMPLES)
    await playground.start(port=settings.local_port, fall_back=True)
    with playground.point_discord_py_here():
        try:
            print(
                f"No DISCORD_TOKEN is set, so here is the bot in a page of its own: {playground.url}",
                file=out,
            )
            print("Press Ctrl-C to stop.", file=out, flush=True)
            if settings.open_browser and _has_display():
                # Looks for a browser program, which may take a moment.
                await asyncio.to_thread(webbrowser.open, playground.url)
            yield playground
        finally:
            await playground.stop()


async def _connect(
    bot: NeuralBot, token: str, stop: asyncio.Event, *, grace: float, out: TextIO | None = None
) -> None:
    """Keep the bot connected until ``stop``; print its invite link to ``out``."""
    async with bot:
        await bot.login(token)
        if out is not None:
            print(f"Put me on a server with this link: {bot.invite_url()}", file=out, flush=True)
        connection = asyncio.create_task(bot.connect(), name="discord")
        stopping = asyncio.create_task(stop.wait(), name="stop-signal")
        try:
            await asyncio.wait({connection, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                log.info("Stopping: no new jobs, %g s for the open ones", grace)
                await bot.queue.close(grace=grace)
        finally:
            stopping.cancel()
            # First, for a connection that is just being made would be made again when it is closed.
            connection.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await connection
            await bot.close()


def _has_display() -> bool:
    """Whether a browser would open in a window; over SSH a text browser would take over the terminal."""
    return not sys.platform.startswith("linux") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ))


def _stop_on_signals() -> asyncio.Event:
    """Return an event that SIGINT and SIGTERM set; a second signal ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows' event loop has no signal handlers; there Ctrl-C raises KeyboardInterrupt by itself.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, on_signal)
    return stop
