"""What the operator sees: /healthz, /metrics, the dashboard and the log, with the real worker behind them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot import __version__, health
from bot.client import NeuralBot
from bot.health import HealthServer, watched
from bot.inference.errors import PersonFull
from bot.inference.limits import Limits
from bot.inference.local import LocalExecutor
from bot.inference.messages import WorkerOptions
from bot.inference.queue import InferenceQueue
from bot.playground.server import Playground
from bot.settings import Settings
from bot.store import Store
from tests.bot.test_killed import SCRIPT
from tests.networks import WORKER, EchoRequest
from tests.support import connected, private_message

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "docs" / "grafana.json"


async def get(url: str, **headers: str) -> tuple[int, str]:
    """Return status and body."""
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status, await response.text()


async def state(url: str) -> tuple[int, dict[str, Any]]:
    """Return what /healthz says."""
    status, text = await get(f"{url}/healthz")
    return status, json.loads(text)


async def figures(url: str) -> Mapping[str, float]:
    """Return every sample of /metrics, as ``name{label=value}``."""
    _, text = await get(f"{url}/metrics")
    return {
        sample.name + "".join(f"{{{label}={value}}}" for label, value in sorted(sample.labels.items())): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@asynccontextmanager
async def serving(bot: NeuralBot) -> AsyncIterator[str]:
    """Serve on any free port."""
    server = HealthServer(bot)
    try:
        yield await server.start("127.0.0.1", 0)
    finally:
        await server.stop()


@pytest.fixture
def offline(settings: Settings, store: Store) -> NeuralBot:
    """A bot that is not connected, and whose worker was never started."""
    queue = InferenceQueue(LocalExecutor(WorkerOptions()), store)
    return NeuralBot(settings, queue, store)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


# --- While it works ---------------------------------------------------------------------------------------


async def test_the_figures_follow_the_jobs(playground: Playground, bot: NeuralBot) -> None:
    await bot.load_extension("tests.networks.cogs.echo")
    await bot.sync()
    ada = playground.person("ada")
    async with serving(bot) as url:
        echo = await ada.slash("echo", text="hello", seconds=0.02)
        await echo.until(lambda message: bool(message["embeds"]))
        count = await ada.slash("count", to=100_000, seconds=0.01)
        await count.until(lambda message: "1 2 3" in message["content"])

        status, report = await state(url)
        assert (status, report["status"], report["problems"]) == (200, "ok", [])
        assert (report["waiting"], report["running"], report["device"]) == (0, 1, "cpu")
        assert report["version"] == __version__
        seen = await figures(url)
        assert seen["neuralbot_running{network=count}"] == 1
        assert seen["neuralbot_jobs_total{network=echo}{outcome=done}"] == 1
        assert seen["neuralbot_wait_seconds_count{network=echo}"] == 1
        assert seen["neuralbot_run_seconds_sum{network=echo}"] >= 0.02
        assert seen["neuralbot_batch_size_count{network=count}"] > 1
        assert seen["neuralbot_network_bytes{network=count}"] == 2**20
        assert seen["neuralbot_device_bytes"] >= 2 * 2**20
        assert seen["neuralbot_acknowledged_seconds_count"] == 2
        assert seen["neuralbot_discord_connected"] == seen["neuralbot_worker_ready"] == 1

        [job] = bot.queue.overview().running
        await bot.queue.cancel(job)
        seen = await figures(url)
        assert "neuralbot_running{network=count}" not in seen
        assert seen["neuralbot_running{network=vision}"] == 0
        assert seen["neuralbot_jobs_total{network=count}{outcome=cancelled}"] == 1


async def test_a_late_event_loop_is_measured(offline: NeuralBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LAG_SECONDS", 0.01)
    late = "neuralbot_event_loop_lag_seconds_sum"
    async with watched(offline), serving(offline) as url:
        while (await figures(url))["neuralbot_event_loop_lag_seconds_count"] == 0:
            pass
        before = (await figures(url))[late]
        time.sleep(0.2)  # noqa: ASYNC251 - it is what must not happen, and must be seen
        assert (await figures(url))[late] >= before + 0.15


# --- While it does not ------------------------------------------------------------------------------------


async def test_without_a_worker_it_cannot_answer(
    playground: Playground, settings: Settings, store: Store
) -> None:
    executor = LocalExecutor(WorkerOptions(device="cpu"), module=WORKER)
    queue = InferenceQueue(executor, store, limits=Limits(per_person=1))
    async with connected(NeuralBot(settings, queue, store)) as bot, serving(bot) as url:
        job = await queue.submit(EchoRequest(), owner=1)
        with pytest.raises(PersonFull):
            await queue.submit(EchoRequest(), owner=1)
        status, report = await state(url)
        assert (status, report["status"]) == (503, "starting")
        assert report["problems"] == ["no worker is ready"]
        assert (report["waiting"], report["device"]) == (1, None)
        seen = await figures(url)
        assert seen["neuralbot_waiting{network=echo}"] == 1
        assert seen["neuralbot_refusals_total{reason=person_full}"] == 1
        assert seen["neuralbot_worker_ready"] == 0

        executor.start()
        queue.start()
        await asyncio.wait_for(job.result(), 30)
        status, report = await state(url)
        assert (status, report["status"], report["waiting"]) == (200, "ok", 0)
        assert (await figures(url))["neuralbot_network_bytes{network=echo}"] == 2**20

        executor.kill()
        status, report = await state(url)
        assert (status, report["status"]) == (503, "degraded")
        await asyncio.wait_for(executor.ready(), 30)
        status, report = await state(url)
        assert (status, report["status"], report["restarts"]) == (200, "ok", 1)
        seen = await figures(url)
        assert seen["neuralbot_worker_restarts"] == 1
        # The new worker has not loaded what the old one had.
        assert "neuralbot_network_bytes{network=echo}" not in seen
        assert seen["neuralbot_network_bytes{network=vision}"] == 0

        await queue.close(grace=0.0)
        status, report = await state(url)
        assert (status, report["problems"]) == (503, ["the bot is stopping"])
    await executor.stop()


async def test_without_discord_it_cannot_answer(playground: Playground, bot: NeuralBot) -> None:
    async with serving(bot) as url:
        assert (await state(url))[0] == 200
        await playground.stop()
        while (await state(url))[0] == 200:
            pass
        status, report = await state(url)
        assert (status, report["status"]) == (503, "degraded")
        assert report["problems"] == ["Discord is not connected"]
        assert (await figures(url))["neuralbot_discord_connected"] == 0


# --- The server itself ------------------------------------------------------------------------------------


async def test_a_foreign_host_reads_nothing(offline: NeuralBot) -> None:
    async with serving(offline) as url:
        for path in ("healthz", "metrics"):
            assert (await get(f"{url}/{path}", Host="rebound.example:8090"))[0] == 403
        port = url.rpartition(":")[2]
        assert (await get(f"{url}/metrics", Host=f"localhost:{port}"))[0] == 200


async def test_a_port_that_is_taken_stops_nobody(
    offline: NeuralBot, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        offline.settings = offline.settings.model_copy(update={"health_port": port})
        async with watched(offline):
            pass
    [warning] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "HEALTH_PORT" in warning
    assert str(port) in warning


async def test_port_0_serves_nothing(offline: NeuralBot, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with watched(offline):
        assert not [record for record in caplog.records if record.name == "bot.health"]


# --- The dashboard ----------------------------------------------------------------------------------------


async def test_the_dashboard_shows_every_figure_and_no_other(offline: NeuralBot) -> None:
    async with serving(offline) as url:
        _, text = await get(f"{url}/metrics")
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    families = [
        {family.name + suffix for suffix in suffixes[family.type]}
        for family in text_string_to_metric_families(text)
        if not family.name.endswith("_created")
    ]
    targets = [
        target["expr"]
        for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
        for target in panel.get("targets", ())
    ]
    shown = set(re.findall(r"neuralbot_\w+", " ".join(targets)))
    assert shown <= set().union(*families)
    assert all(names & shown for names in families)


# --- The whole program: its log, and its way from starting to ready ---------------------------------------


async def test_the_log_carries_codes_of_jobs_and_never_words(playground: Playground, tmp_path: Path) -> None:
    port = free_port()
    environment = {
        "DISCORD_TOKEN": "token",
        "DATA_DIR": str(tmp_path),
        "PRELOAD": "none",
        "HEALTH_PORT": str(port),
        "LOG_FORMAT": "json",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", SCRIPT, f"{playground.url}/api/v10", playground.gateway.url),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        statuses: list[int] = []
        while statuses[-1:] != [200]:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                status, report = await asyncio.wait_for(state(f"http://127.0.0.1:{port}"), 30)
                assert status == 200 or report["status"] == "starting"
                statuses.append(status)
            await asyncio.sleep(0.02)
        assert statuses[0] == 503

        ada = playground.person("ada")
        good = await ada.slash("echo", text="xylophone")
        await good.until(lambda message: bool(message["embeds"]))
        bad = await ada.slash("echo", text="xylophone", fault="raise")
        assert "went wrong" in (await private_message(ada, bad))["content"]
        label = await ada.slash("count", to=3, label="xylophone")
        await label.until(lambda message: bool(message["embeds"]))
    finally:
        process.terminate()
        _, err = await process.communicate()
    lines = err.decode().splitlines()
    assert "xylophone" not in err.decode()
    ended = [fields for fields in map(_fields, lines) if fields.get("message") == "job ended"]
    assert [fields["outcome"] for fields in ended] == ["done", "failed", "done"]
    assert all(re.fullmatch(r"(echo|count)-\w{4}", fields["job"]) for fields in ended)


def _fields(line: str) -> dict[str, Any]:
    """Read a line of the log; the worker's own, and tracebacks, are text."""
    return dict(json.loads(line)) if line.startswith("{") else {}
