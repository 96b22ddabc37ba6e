"""The bot as a process of its own, for benchmarks that talk to it as Discord does.

    python -m benchmarks.bots (ours | todays) API GATEWAY FOLDER

On SIGTERM it prints one line of JSON about itself: the lag of its event loop, its memory, and when it was online.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import discord
import psutil
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from benchmarks.common import LoopLag
from bot.playground.server import Playground

ROOT = Path(__file__).parents[1]


async def run_ours(folder: Path) -> None:
    """Run our bot, as ``python -m bot run`` does, with room for a crowd."""
    from bot.run import run
    from bot.settings import Settings

    await run(
        Settings.read(
            discord_token="token",  # noqa: S106 - the embedded Discord takes any
            data_dir=folder,
            device="cpu",
            health_port=0,
            max_waiting=500,
            max_waiting_per_person=10_000,
            max_waiting_per_server=10_000,
        ),
        out=sys.stderr,
    )


async def run_todays(_folder: Path) -> None:
    """Run a bot as they are written today: networks in threads of its own process, behind a lock."""
    from benchmarks.todays_way import LockedNetworks

    networks = LockedNetworks()
    client = discord.Client(intents=discord.Intents.none())
    tree = app_commands.CommandTree(client)

    @tree.command()
    async def story(interaction: discord.Interaction[Any], prompt: str, seed: int) -> None:
        """Write a story."""
        await interaction.response.defer(thinking=True)
        written = await networks.story(seed, words=200)
        embed = discord.Embed(title=written.title, description=written.text[:4000] or prompt)
        await interaction.edit_original_response(embed=embed)

    @tree.command()
    async def classify(interaction: discord.Interaction[Any], image: discord.Attachment) -> None:
        """Recognise a photograph."""
        await interaction.response.defer(thinking=True)
        seen = await networks.classify(await image.read())
        embed = discord.Embed(title=seen.predictions[0].label)
        await interaction.edit_original_response(embed=embed)

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with client:
        await client.login("token")
        await tree.sync()
        connection = asyncio.create_task(client.connect())
        await stop.wait()
        connection.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await connection


async def main(which: str, folder: Path) -> None:
    """Run a bot until SIGTERM, and report."""
    process = psutil.Process()
    most = 0

    async def watch_memory() -> None:
        nonlocal most
        while True:
            most = max(most, process.memory_info().rss)
            await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch_memory())
    async with LoopLag().measured() as lag:
        await {"ours": run_ours, "todays": run_todays}[which](folder)
    watching.cancel()
    print(json.dumps({"lag": str(lag), "megabytes": most / 2**20}), flush=True)


class Report:
    """What a bot has said of itself at its end."""

    lag = ""
    megabytes = 0.0


@asynccontextmanager
async def running(which: str, playground: Playground, folder: Path) -> AsyncIterator[Report]:
    """Run a bot on this embedded Discord; its report is filled in when the block is left."""
    report = Report()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.bots", which, f"{playground.url}/api/v10", playground.gateway.url, str(folder)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        yield report
    finally:
        process.terminate()
        out, _ = await process.communicate()
        said = json.loads(out.decode().strip().splitlines()[-1])
        report.lag, report.megabytes = said["lag"], said["megabytes"]


if __name__ == "__main__":
    began = time.perf_counter()
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = sys.argv[2], yarl.URL(sys.argv[3])
    asyncio.run(main(sys.argv[1], Path(sys.argv[4])))
