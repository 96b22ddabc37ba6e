"""What the operator can ask the running bot: /healthz (does it work?) and /metrics (how well?), over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web
from prometheus_client import Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from bot import __version__
from bot.inference.catalogue import NETWORKS
from bot.inference.errors import QueueClosed

if TYPE_CHECKING:
    from bot.client import NeuralBot
    from bot.inference.metrics import Metrics
    from bot.inference.queue import Overview

log = logging.getLogger(__name__)

LAG_SECONDS = 0.5
"""Between two looks at how late the event loop is."""


@asynccontextmanager
async def watched(bot: NeuralBot) -> AsyncIterator[None]:
    """Measure the event loop, and serve both addresses unless ``HEALTH_PORT`` is 0.

    An address that cannot be had stops nobody from being answered: the log says so, and the bot goes on.
    """
    server = HealthServer(bot)
    measuring = asyncio.create_task(_measure_lag(bot.queue.metrics), name="event-loop-lag")
    try:
        if bot.settings.health_port:
            try:
                url = await server.start(bot.settings.health_host, bot.settings.health_port)
                log.info("How the bot does stands at %s/healthz and %s/metrics", url, url)
            except OSError as error:
                log.warning("/healthz and /metrics are off (%s). Please set another HEALTH_PORT.", error)
        yield
    finally:
        measuring.cancel()
        await server.stop()


class HealthServer:
    """Tells how the bot does, whether it is connected or not."""

    def __init__(self, bot: NeuralBot) -> None:
        self._bot = bot
        self._began = time.monotonic()
        self._runner: web.AppRunner | None = None
        self._hosts: frozenset[str] | None = None
        """What a request's Host must be; ``None``: anything."""

    async def start(self, host: str, port: int) -> str:
        """Listen, and return the address; port 0 takes any free one.

        Raises:
            OSError: there is no such host, or the port is taken.
        """
        application = web.Application(middlewares=[self._guard])
        application.add_routes([web.get("/healthz", self._healthz), web.get("/metrics", self._metrics)])
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        port = self._runner.addresses[0][1]
        if _is_loopback(host):
            self._hosts = frozenset(f"{name}:{port}" for name in ("localhost", "127.0.0.1", "[::1]", host))
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Let a foreign website read nothing by a name of its own that it points to 127.0.0.1 (DNS rebinding)."""
        if self._hosts is not None and request.host not in self._hosts:
            raise web.HTTPForbidden(text="This server answers to 127.0.0.1 and localhost only.")
        return await handler(request)

    async def _healthz(self, _: web.Request) -> web.Response:
        now = self._bot.queue.overview()
        connected = is_connected(self._bot)
        problems = list(_problems(self._bot, now, connected=connected))
        started = now.device is not None and self._bot.is_ready()
        report: dict[str, Any] = {
            "status": "starting" if not started else "degraded" if problems else "ok",
            "problems": problems,
            "discord_connected": connected,
            "worker_ready": now.takes_jobs,
            "device": now.device and now.device.device,
            "device_name": now.device and now.device.device_name,
            "waiting": len(now.waiting),
            "running": len(now.running),
            "restarts": now.restarts,
            "uptime_seconds": round(time.monotonic() - self._began, 1),
            "version": __version__,
        }
        can_answer = connected and now.takes_jobs and not _is_closing(self._bot)
        return web.json_response(report, status=200 if can_answer else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        refresh(self._bot)
        text = generate_latest(self._bot.queue.metrics.registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


def refresh(bot: NeuralBot) -> None:
    """Set the gauges to what is true now; everything else is counted as it happens."""
    metrics, now = bot.queue.metrics, bot.queue.overview()
    _set_by_network(metrics.waiting, Counter(job.network.name for job in now.waiting))
    _set_by_network(metrics.running, Counter(job.network.name for job in now.running))
    _set_by_network(metrics.network_bytes, now.usage.network_bytes)
    metrics.device_bytes.set(now.usage.device_bytes)
    metrics.restarts.set(now.restarts)
    metrics.worker_ready.set(now.takes_jobs)
    metrics.connected.set(is_connected(bot))


def is_connected(bot: NeuralBot) -> bool:
    """Whether Discord would tell the bot of a command now, on every shard."""
    return bot.is_ready() and not any(shard.is_closed() for shard in bot.shards.values())


def _problems(bot: NeuralBot, now: Overview, *, connected: bool) -> Iterator[str]:
    if not connected:
        yield "Discord is not connected"
    if not now.takes_jobs:
        yield "no worker is ready"
    if _is_closing(bot):
        yield "the bot is stopping"
    if now.device is not None:
        for network in sorted(now.device.broken):
            yield f"the network {network} could not be loaded; the log says why"


def _is_closing(bot: NeuralBot) -> bool:
    try:
        bot.queue.ensure_open()
    except QueueClosed:
        return True
    return False


def _set_by_network(gauge: Gauge, values: Mapping[str, int]) -> None:
    """Set a gauge; a network without a value has 0, not what it had before."""
    gauge.clear()
    for network in sorted({*NETWORKS, *values}):
        gauge.labels(network).set(values.get(network, 0))


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


async def _measure_lag(metrics: Metrics) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_SECONDS
        await asyncio.sleep(LAG_SECONDS)
        metrics.loop_lag_seconds.observe(max(0.0, loop.time() - due))
