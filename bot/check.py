"""``python -m bot check``: what is wrong, one line a check, with the fix."""

from __future__ import annotations

import asyncio
import importlib.metadata
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import aiohttp
import discord

from bot import cards
from bot.inference.catalogue import NETWORKS
from bot.inference.local import LocalExecutor
from bot.inference.messages import Ready
from bot.paintings import ENDINGS, Folder
from bot.run import worker_options
from bot.settings import Settings
from bot.store import Store, StoreError

TORCH_VERSION = "2.13.0"
WORKER_SECONDS = 120.0
PROBE_URL = "https://discord.com/api/v10/gateway"
PROBE_SECONDS = 10.0


@dataclass(frozen=True)
class Finding:
    """The outcome of one check."""

    good: bool
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"ok   {self.what}" if self.good else f"BAD  {self.what}\n     Fix: {self.fix}"


async def check(settings: Settings, tell: Callable[[Finding], None]) -> bool:
    """Check everything that the bot needs, tell each finding as it comes, and return whether all is good."""
    good = True
    async for finding in _findings(settings):
        tell(finding)
        good = good and finding.good
    return good


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    yield _python()
    yield _torch()
    yield await _store(settings)
    for name in NETWORKS:
        yield _card(name)
    async for finding in _worker(settings):
        yield finding
    if settings.paintings_dir is not None:
        yield await asyncio.to_thread(_paintings, Folder(settings.paintings_dir))
    if settings.discord_token is None:
        yield Finding(good=True, what="no DISCORD_TOKEN: the bot will run in a local page")
    else:
        async for finding in _discord(settings.discord_token.get_secret_value()):
            yield finding


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(sys.version_info >= (3, 11), f"Python {version}", "Install Python 3.11 or newer.")


def _torch() -> Finding:
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return Finding(
            good=False, what="torch is not installed", fix="Run `make run`, which sets everything up."
        )
    return Finding(
        version.split("+")[0] == TORCH_VERSION,
        f"torch {version}",
        f"Something replaced torch {TORCH_VERSION}: remove the folder .venv and run `make run`.",
    )


async def _store(settings: Settings) -> Finding:
    try:
        async with Store(settings.data_dir) as store:
            await store.put("checked", "yes")
            return Finding(good=True, what=f"store {store.path}")
    except StoreError as error:
        return Finding(
            good=False, what=str(error), fix="Make the folder writable, or set DATA_DIR to another one."
        )


def _paintings(folder: Folder) -> Finding:
    if problem := folder.problem():
        return Finding(
            good=False,
            what=f"PAINTINGS_DIR: {problem}",
            fix=f"Put pictures there ({', '.join(sorted(ENDINGS))}, at most 10 MB each), or correct it in .env.",
        )
    count = folder.count()
    pictures = "1 picture" if count == 1 else f"{count} pictures"
    return Finding(good=True, what=f"PAINTINGS_DIR: {pictures} in {folder.path}")


def _card(name: str) -> Finding:
    try:
        title = cards.card(name).network.title
    except (OSError, cards.CardError) as error:
        return Finding(
            good=False, what=f"model card of {name}: {error}", fix="Restore it: git checkout models"
        )
    return Finding(good=True, what=f"model card of {name}: {title}")


async def _worker(settings: Settings) -> AsyncIterator[Finding]:
    """Start a real worker with every network, as the bot would."""
    read = settings.model_copy(update={"preload": tuple(NETWORKS)})
    executor = LocalExecutor(worker_options(read))
    executor.start()
    try:
        ready: Ready = await asyncio.wait_for(executor.ready(), WORKER_SECONDS)
    except TimeoutError:
        yield Finding(
            good=False,
            what=f"the worker did not become ready within {WORKER_SECONDS:g} s (device {settings.device})",
            fix="Read its messages above; DEVICE=cpu always works.",
        )
        return
    finally:
        await executor.stop()
    yield Finding(good=True, what=f"device {ready.device} ({ready.device_name})")
    for name in NETWORKS:
        problem = ready.broken.get(name)
        yield Finding(
            problem is None,
            f"weights of {name}" + (f": {problem}" if problem else ""),
            "Restore them (git checkout models), or look at VISION_MODEL in .env.",
        )


async def _discord(token: str) -> AsyncIterator[Finding]:
    timeout = aiohttp.ClientTimeout(total=PROBE_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(PROBE_URL) as response:
            response.raise_for_status()
    except (aiohttp.ClientError, TimeoutError) as error:
        yield Finding(
            good=False,
            what=f"Discord cannot be reached: {error or type(error).__name__}",
            fix="Look at this machine's network, DNS and firewall.",
        )
        return
    yield Finding(good=True, what="Discord can be reached")
    client = discord.Client(intents=discord.Intents.none())
    try:
        await client.login(token)
    except discord.LoginFailure:
        yield Finding(
            good=False,
            what="Discord refuses the token",
            fix="Copy it anew: discord.com/developers, your application, Bot, Reset Token; put it into .env.",
        )
    except discord.HTTPException as error:
        yield Finding(good=False, what=f"Discord answered {error.status}", fix="Try again in some minutes.")
    else:
        yield Finding(good=True, what=f"the token is that of {client.user}")
    finally:
        await client.close()
