"""Executor: one worker process on this machine, kept alive."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time

import msgspec

from bot.inference.errors import InputRefused, NetworkFailed, WorkerDied
from bot.inference.frames import encode, read_event
from bot.inference.messages import (
    Done,
    Event,
    Failed,
    Ready,
    Refused,
    Request,
    Run,
    WorkerOptions,
)

log = logging.getLogger(__name__)

HEALTHY_SECONDS = 30.0
"""A worker that lived this long was fine: the next one is started without delay."""
LONGEST_PAUSE = 60.0
"""Seconds between two starts of a worker that ends again and again."""
SECRETS = ("DISCORD_TOKEN",)
"""Variables of the environment that a worker has no use for."""


class LocalExecutor:
    """Runs one request at a time in a worker process; starts a new process whenever one ends."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._info: Ready | None = None
        self._running: tuple[str, asyncio.Future[Done]] | None = None
        self.restarts = 0

    @property
    def info(self) -> Ready | None:
        """What the worker said of itself when it last became ready; ``None`` before."""
        return self._info

    @property
    def pid(self) -> int | None:
        """Process id of the living worker."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Begin to start the worker, without waiting until it is ready."""
        if self._supervisor is None:
            self._supervisor = asyncio.create_task(self._keep_alive(), name="worker-supervisor")

    async def ready(self) -> Ready:
        """Wait until a worker is ready for a request."""
        await self._ready.wait()
        assert self._info is not None  # set before the event
        return self._info

    async def run(self, job: str, request: Request) -> Done:
        """Have the worker answer one request; call again only after this has returned.

        Raises:
            InputRefused: the network cannot use the input.
            NetworkFailed: the network raised.
            WorkerDied: the process ended before it answered.
        """
        if self._running is not None:
            raise RuntimeError("one request at a time")
        await self.ready()
        process = self._process
        if process is None or process.stdin is None:
            raise WorkerDied
        future: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._running = (job, future)
        try:
            process.stdin.write(encode(Run(job=job, request=request)))
            # A dead worker's broken pipe is told by the future, once its stream of events has ended.
            with contextlib.suppress(ConnectionError):
                await process.stdin.drain()
            return await future
        finally:
            self._running = None

    def kill(self) -> None:
        """End the worker at once, as when it hangs; a new one is started."""
        self._ready.clear()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def stop(self, grace: float = 1.0) -> None:
        """End the worker for good: by closing its input, and after ``grace`` seconds by force."""
        if self._supervisor is None:
            return
        self._supervisor.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._supervisor
        self._supervisor = None
        if (process := self._process) is not None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), grace)
            except TimeoutError:
                self.kill()
                await process.wait()
            self._process = None

    async def _keep_alive(self) -> None:
        pause = 0.0
        while True:
            began = time.monotonic()
            await self._spawn()
            await self._listen()
            self._ready.clear()
            if self._running is not None and not self._running[1].done():
                self._running[1].set_exception(WorkerDied())
            assert self._process is not None  # spawned above
            code = await self._process.wait()
            self.restarts += 1
            # The first death is answered at once; one that dies at every start must not busy the machine.
            lived = time.monotonic() - began
            pause = 0.0 if lived > HEALTHY_SECONDS else min(LONGEST_PAUSE, max(0.1, pause * 2))
            log.error("The worker ended with code %s; starting a new one in %.1f s", code, pause)
            await asyncio.sleep(pause)

    async def _spawn(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
        environment["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"  # they would tear the log to pieces
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot.inference.worker",
            msgspec.json.encode(self._options).decode(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
        )

    async def _listen(self) -> None:
        assert self._process is not None  # called after _spawn
        assert self._process.stdout is not None  # spawned with a pipe
        while (event := await read_event(self._process.stdout)) is not None:
            self._take(event)

    def _take(self, event: Event) -> None:
        if isinstance(event, Ready):
            self._info = event
            self._ready.set()
            log.info("The worker is ready on %s (%s)", event.device, event.device_name)
            return
        if self._running is None or event.job != self._running[0] or self._running[1].done():
            return  # an answer that nobody waits for any more
        future = self._running[1]
        match event:
            case Done():
                future.set_result(event)
            case Refused(reason=reason):
                future.set_exception(InputRefused(reason))
            case Failed(error=error):
                future.set_exception(NetworkFailed(error))
