"""Executor: one worker process on this machine, kept alive."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from bot.inference.catalogue import Network
from bot.inference.errors import InputRefused, JobError, NetworkFailed, WorkerDied
from bot.inference.executor import Answer
from bot.inference.frames import encode, read_event
from bot.inference.messages import (
    Batch,
    Close,
    Command,
    Done,
    Event,
    Failed,
    Item,
    Loading,
    Measured,
    Open,
    OutOfMemory,
    Progress,
    Ready,
    Refused,
    Request,
    Usage,
    WorkerOptions,
)

log = logging.getLogger(__name__)

HEALTHY_SECONDS = 30.0
"""A worker that lived this long was fine: the next one is started without delay."""
LONGEST_PAUSE = 60.0
"""Seconds between two starts of a worker that ends again and again."""
LOADING_SECONDS = 600.0
"""How long a worker may be silent while it loads a network, perhaps from a slow disk or from the hub."""
SECRETS = ("DISCORD_TOKEN",)
"""Variables of the environment that a worker has no use for."""


@dataclass(eq=False)
class _InFlight:
    """A job that the worker has."""

    network: Network
    answer: asyncio.Future[Answer | JobError]
    on_progress: Callable[[str, float], None] | None
    """Called with the text so far and how far it has come; ``None`` for a job of a one-shot network."""


class LocalExecutor:
    """Runs jobs in a worker process; starts a new process whenever one ends, and replaces one that hangs."""

    def __init__(
        self,
        options: WorkerOptions,
        *,
        silence_seconds: float = 60.0,
        sleep_seconds: float = 0.0,
        module: str = "bot.inference.worker",
    ) -> None:
        """Make the executor; ``start`` starts the worker.

        Args:
            options: what the worker is told.
            silence_seconds: a worker that has a job and says nothing for so long hangs.
            sleep_seconds: a worker that has had no job for so long is ended until there is one; 0: never.
            module: what is run, with the options as its only argument.
        """
        self._options = options
        self._silence_seconds = silence_seconds
        self._sleep_seconds = sleep_seconds
        self._module = module
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._watchdog: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._wanted = asyncio.Event()
        self._info: Ready | None = None
        self._in_flight: dict[str, _InFlight] = {}
        self._loading = True
        self._hung = False
        self._asleep = False
        self._heard_at = 0.0
        self._listener: Callable[[Measured | OutOfMemory], None] = lambda _event: None
        self.usage = Usage(network_bytes={}, device_bytes=0)
        self.restarts = 0

    # --- What the queue uses ------------------------------------------------------------------------------

    @property
    def info(self) -> Ready | None:
        """What the worker said of itself when it last became ready; ``None`` before."""
        return self._info

    @property
    def takes_jobs(self) -> bool:
        """Whether a worker is ready, or sleeps only until there is a job."""
        asleep = self._supervisor is not None and not self._wanted.is_set()
        return self._ready.is_set() or asleep

    @property
    def pid(self) -> int | None:
        """Process id of the living worker."""
        return self._process.pid if self._process is not None else None

    def listen(self, listener: Callable[[Measured | OutOfMemory], None]) -> None:
        """Have every measurement told to ``listener``."""
        self._listener = listener

    def start(self) -> None:
        """Begin to start the worker, without waiting until it is ready."""
        if self._supervisor is None:
            self._wanted.set()
            self._supervisor = asyncio.create_task(self._keep_alive(), name="worker-supervisor")
            self._watchdog = asyncio.create_task(self._watch(), name="worker-watchdog")

    async def ready(self) -> Ready:
        """Wait until a worker is ready for jobs; wake it if it sleeps."""
        self._wanted.set()
        await self._ready.wait()
        assert self._info is not None  # set before the event
        return self._info

    async def run(self, network: Network, requests: Mapping[str, Request]) -> dict[str, Answer | JobError]:
        """Have a one-shot network answer a batch of requests, by the codes of their jobs.

        Raises:
            WorkerDied: the worker ended before all was answered.
        """
        items = tuple(_item(job, request) for job, request in requests.items())
        waiting = {job: self._expect(job, network) for job in requests}
        try:
            await self._send(Batch(network=network.name, items=items))
            return {job: await answer for job, answer in waiting.items()}
        finally:
            for job in requests:
                self._in_flight.pop(job, None)

    async def stream(
        self, network: Network, job: str, request: Request, on_progress: Callable[[str, float], None]
    ) -> Answer:
        """Have a streaming network answer a request; cancel the call to have the stream forgotten.

        Raises:
            WorkerDied: the worker ended before all was answered.
            JobError: there is no answer, for another reason.
        """
        answer = self._expect(job, network, on_progress)
        try:
            await self._send(Open(network=network.name, item=_item(job, request)))
            outcome = await answer
        except asyncio.CancelledError:
            self._write(Close(job=job))
            raise
        finally:
            self._in_flight.pop(job, None)
        if isinstance(outcome, JobError):
            raise outcome
        return outcome

    def kill(self) -> None:
        """End the worker at once; a new one is started."""
        self._ready.clear()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def stop(self, grace: float = 1.0) -> None:
        """End the worker for good: by closing its input, and after ``grace`` seconds by force."""
        for task in (self._watchdog, self._supervisor):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        self._watchdog = self._supervisor = None
        self._ready.clear()
        self._lose_jobs()
        if (process := self._process) is not None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                async with asyncio.timeout(grace):
                    await process.wait()
            except TimeoutError:
                self.kill()
                await process.wait()
            self._process = None

    # --- Jobs ---------------------------------------------------------------------------------------------

    def _expect(
        self, job: str, network: Network, on_progress: Callable[[str, float], None] | None = None
    ) -> asyncio.Future[Answer | JobError]:
        if not self._in_flight:
            self._heard_at = time.monotonic()
        future: asyncio.Future[Answer | JobError] = asyncio.get_running_loop().create_future()
        self._in_flight[job] = _InFlight(network, future, on_progress)
        return future

    async def _send(self, command: Command) -> None:
        """Send a command, as soon as there is a worker that reads.

        Raises:
            WorkerDied: there is none.
        """
        if not self._ready.is_set() or not self._write(command):
            raise WorkerDied
        assert self._process is not None  # written to above
        assert self._process.stdin is not None
        # A dead worker's broken pipe is told by the futures, once its stream of events has ended.
        with contextlib.suppress(ConnectionError):
            await self._process.stdin.drain()

    def _write(self, command: Command) -> bool:
        if self._process is None or self._process.stdin is None or self._process.stdin.is_closing():
            return False
        self._process.stdin.write(encode(command))
        return True

    def _take(self, event: Event) -> None:
        self._heard_at = time.monotonic()
        self._loading = isinstance(event, Loading)
        match event:
            case Ready():
                self._info = event
                self._ready.set()
                log.info("The worker is ready on %s (%s)", event.device, event.device_name)
            case Usage():
                self.usage = event
            case Measured() | OutOfMemory():
                self._listener(event)
            case Progress(job=job, text=text, fraction=fraction):
                flight = self._in_flight.get(job)
                if flight is not None and flight.on_progress is not None:
                    flight.on_progress(text, fraction)
            case Done(job=job, result=raw, seconds=seconds):
                if (flight := self._in_flight.get(job)) is not None:
                    result = msgspec.msgpack.decode(raw, type=flight.network.result)
                    self._answer(job, Answer(result, seconds))
            case Refused(job=job, reason=reason):
                self._answer(job, InputRefused(reason))
            case Failed(job=job, error=error):
                self._answer(job, NetworkFailed(error))

    def _answer(self, job: str, outcome: Answer | JobError) -> None:
        """Hand over an answer, unless nobody waits for it any more."""
        flight = self._in_flight.get(job)
        if flight is not None and not flight.answer.done():
            flight.answer.set_result(outcome)

    def _lose_jobs(self) -> None:
        """Tell everybody who waits for the worker that it has ended."""
        unanswered = {job: flight for job, flight in self._in_flight.items() if not flight.answer.done()}
        # If there was a batch, the device was most likely busy with that: streams only step between batches.
        batch = {job for job, flight in unanswered.items() if flight.on_progress is None}
        for flight in unanswered.values():
            flight.answer.set_exception(WorkerDied(batch or set(unanswered), hung=self._hung))
            flight.answer.exception()  # somebody who has gone away need not fetch it

    # --- The process --------------------------------------------------------------------------------------

    async def _keep_alive(self) -> None:
        pause = 0.0
        while True:
            await self._wanted.wait()
            began = time.monotonic()
            try:
                await self._spawn()
                await self._listen()
            except OSError:  # for want of memory, processes or files: there may be some later
                log.exception("The worker cannot be started")
            self._ready.clear()
            code = await self._process.wait() if self._process is not None else None
            self.usage = Usage(network_bytes={}, device_bytes=0)  # also while none is started: it sleeps
            self._lose_jobs()
            if self._asleep:
                self._asleep = False
                continue
            self.restarts += 1
            # The first death is answered at once; one that dies at every start must not busy the machine.
            lived = time.monotonic() - began
            pause = 0.0 if lived > HEALTHY_SECONDS else min(LONGEST_PAUSE, max(0.1, pause * 2))
            log.error("The worker ended with code %s; starting a new one in %.1f s", code, pause)
            await asyncio.sleep(pause)

    async def _spawn(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
        environment["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"  # they would tear the log to pieces
        self._hung = False
        self._loading = True
        self._heard_at = time.monotonic()
        self._process = None
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            msgspec.json.encode(self._options).decode(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
        )

    async def _listen(self) -> None:
        assert self._process is not None  # called after _spawn
        assert self._process.stdout is not None  # spawned with a pipe
        try:
            while (event := await read_event(self._process.stdout)) is not None:
                self._take(event)
        except msgspec.MsgspecError:
            log.exception("The worker said something that makes no sense: it is replaced")
            self.kill()

    async def _watch(self) -> None:
        """Replace a worker that hangs, and let one sleep that nobody needs."""
        while True:
            await asyncio.sleep(min(0.5, self._silence_seconds / 4))
            silent = time.monotonic() - self._heard_at
            patience = LOADING_SECONDS if self._loading else self._silence_seconds
            starting = self._wanted.is_set() and not self._ready.is_set()
            if (self._in_flight or starting) and silent > patience:
                log.error("Nothing was heard of the worker for %.0f s: it is replaced", silent)
                self._hung = True
                self.kill()
            elif 0.0 < self._sleep_seconds < silent and self._ready.is_set() and not self._in_flight:
                self._send_to_sleep()

    def _send_to_sleep(self) -> None:
        log.info("The worker sleeps until there is a job")
        self._asleep = True
        self._wanted.clear()
        self._ready.clear()
        assert self._process is not None  # it has said Ready
        assert self._process.stdin is not None
        self._process.stdin.close()


def _item(job: str, request: Request) -> Item:
    return Item(job=job, request=msgspec.Raw(msgspec.msgpack.encode(request)))
