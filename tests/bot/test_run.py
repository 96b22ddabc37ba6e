"""The whole program as a process: how it starts, what it says when it cannot, and how it stops."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil
import pytest

from bot.__main__ import Exit
from bot.playground.person import Person
from bot.playground.server import Playground

ROOT = Path(__file__).parents[2]
TOKEN = "a-very-secret-token"

# The program itself knows only discord.com; here it is sent to the test's own Discord.
SCRIPT = """
import sys, yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = sys.argv[1], yarl.URL(sys.argv[2])
from bot.__main__ import main
sys.exit(main(sys.argv[3:]))
"""


@asynccontextmanager
async def program(
    *arguments: str, api: str, gateway: str = "ws://127.0.0.1:9/", **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``python -m bot`` with these arguments against a Discord at ``api``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SCRIPT,
        api,
        gateway,
        *arguments,
        cwd=ROOT,
        env={
            **os.environ,
            "PRELOAD": "vision",
            "OPEN_BROWSER": "false",
            "HEALTH_PORT": "0",
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ending(process: asyncio.subprocess.Process, seconds: float = 30.0) -> tuple[int | None, str, str]:
    """Wait for the end; return the exit code and what was written to stdout and stderr."""
    out, err = await asyncio.wait_for(process.communicate(), seconds)
    return process.returncode, out.decode(), err.decode()


def api_of(playground: Playground) -> dict[str, str]:
    """Return where a program finds this Discord."""
    return {"api": f"{playground.url}/api/v10", "gateway": playground.gateway.url}


async def online(person: Person) -> None:
    """Wait until the bot is there and has registered its commands."""
    await person.until(lambda: person.online and bool(person.commands), timeout=30)


async def test_a_refused_token_ends_in_one_plain_sentence(playground: Playground, tmp_path: Path) -> None:
    playground.fail_next("GET", "/users/@me", status=401)
    environment = {"DISCORD_TOKEN": TOKEN, "DATA_DIR": str(tmp_path)}
    async with program("run", **api_of(playground), **environment) as process:
        code, out, err = await ending(process)
    assert code == Exit.TOKEN_REFUSED
    assert err.strip().splitlines()[-1].startswith("Discord refuses the DISCORD_TOKEN")
    assert "Traceback" not in err
    assert TOKEN not in out + err


async def test_an_unreachable_discord_ends_in_one_plain_sentence(tmp_path: Path) -> None:
    environment = {"DISCORD_TOKEN": TOKEN, "DATA_DIR": str(tmp_path)}
    async with program("run", api="http://127.0.0.1:9/api/v10", **environment) as process:
        code, out, err = await ending(process)
    assert code == Exit.CANNOT_CONNECT
    assert err.strip().splitlines()[-1].startswith("Discord cannot be reached")
    assert "Traceback" not in err
    assert TOKEN not in out + err


@pytest.mark.parametrize(
    ("environment", "code", "words"),
    [
        ({"DEVICE": "toaster"}, Exit.BAD_SETTING, "DEVICE"),
        ({"DATA_DIR": "/dev/null/data"}, Exit.STORE_UNWRITABLE, "/dev/null/data"),
    ],
)
async def test_what_is_wrong_is_said_plainly(environment: dict[str, str], code: Exit, words: str) -> None:
    async with program("run", api="", **environment) as process:
        ended, _, err = await ending(process)
    assert ended == code
    assert words in err
    assert "Traceback" not in err


async def test_sigterm_tells_people_and_ends_within_ten_seconds(
    playground: Playground, tmp_path: Path, cat: bytes
) -> None:
    environment = {"DISCORD_TOKEN": TOKEN, "DATA_DIR": str(tmp_path)}
    async with program("run", **api_of(playground), **environment) as process:
        ada = playground.person("ada")
        await online(ada)
        first = await ada.slash("classify", image=("cat.jpg", cat))
        await first.until(lambda message: bool(message["embeds"]), timeout=40)
        [worker] = psutil.Process(process.pid).children()
        worker.suspend()  # so that the next job cannot be finished in time
        reply = await ada.slash("classify", image=("cat.jpg", cat))
        began = time.monotonic()
        process.terminate()
        told = await reply.until(lambda message: "restarted" in message["content"])
        assert "goes on by itself" in told["content"]
        late = await ada.slash("classify", image=("cat.jpg", cat))
        code, out, err = await ending(process)
        # Told in one go, or not acknowledged at all; never left with "thinking...".
        assert late.failed or (late.message and "restarted" in late.message["content"])
    assert time.monotonic() - began < 10.0
    assert code == Exit.OK
    assert TOKEN not in out + err
    assert "Traceback" not in err
    assert not worker.is_running()


async def test_a_bot_that_is_killed_leaves_no_worker_behind(tmp_path: Path) -> None:
    environment = {"DISCORD_TOKEN": "", "DATA_DIR": str(tmp_path), "LOCAL_PORT": "0"}
    async with program("run", api="", **environment) as process:
        assert process.stdout is not None
        await asyncio.wait_for(process.stdout.readline(), 30)
        while not (workers := psutil.Process(process.pid).children()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        process.kill()
        gone, alive = await asyncio.to_thread(psutil.wait_procs, workers, timeout=30)
    assert (len(gone), alive) == (1, [])


async def test_sync_registers_the_commands_and_ends(playground: Playground, tmp_path: Path) -> None:
    environment = {"DISCORD_TOKEN": TOKEN, "DATA_DIR": str(tmp_path)}
    async with program("sync", **api_of(playground), **environment) as process:
        code, out, _ = await ending(process)
        registered = len(playground.world.commands)
        assert registered > 5
        assert (code, out) == (Exit.OK, f"Registered {registered} commands.\n")
    assert {command["name"] for command in playground.person("ada").commands} >= {"classify", "salary"}


async def test_without_a_token_a_page_is_served_and_ctrl_c_stops_at_once(tmp_path: Path) -> None:
    environment = {"DISCORD_TOKEN": "", "DATA_DIR": str(tmp_path), "LOCAL_PORT": "0"}
    async with program("run", api="", **environment) as process:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        url = line.split()[-1]
        async with aiohttp.ClientSession() as session, session.get(url) as page:
            assert page.status == 200
            assert "text/html" in page.headers["Content-Type"]
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        code, _, err = await ending(process)
    assert time.monotonic() - began < 10.0
    assert code == Exit.OK
    assert "Traceback" not in err
