"""The process that owns torch and the device: reads commands, answers them with networks, one thing at a time.

Started by ``bot.inference.local`` as ``python -m bot.inference.worker OPTIONS``. A second thread does nothing
but read; everything that touches the device happens on the main thread, and that is what makes it serial.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import torch

from bot import logs
from bot.inference.frames import encode, read_command
from bot.inference.messages import (
    Batch,
    Close,
    Command,
    Done,
    Event,
    Failed,
    Item,
    Measured,
    Open,
    OutOfMemory,
    Progress,
    Ready,
    Refused,
    WorkerOptions,
)
from bot.inference.networks import (
    LoadedNetwork,
    Networks,
    free_memory,
    is_device_lost,
    is_out_of_memory,
)
from bot.inference.scheduler import OpenStream, Scheduler, Step
from models.predictor import InvalidInput

log = logging.getLogger(__name__)

TELL_SECONDS = 0.25
"""Between two messages about a stream's progress: more often than a person is shown it."""

Inbox = queue.SimpleQueue[Command]
"""What the reading thread hands over."""


class Worker:
    """Answers requests; which of them next, the scheduler says."""

    def __init__(self, options: WorkerOptions, inbox: Inbox, send: Callable[[Event], None]) -> None:
        self._options = options
        self._inbox = inbox
        self._send = send
        self._device = choose_device(options.device)
        self._scheduler = Scheduler()
        self._networks = Networks(options, self._device, send, self._scheduler.uses)
        self._steps: dict[tuple[str, int], tuple[int, float]] = {}
        """Steps and their seconds since they were last told, by network and number of streams."""
        self._steps_told_at = time.monotonic()

    def announce(self) -> None:
        """Load what was asked for and say Ready. A network that does not load harms no other."""
        broken = {}
        for name in self._options.preload:
            try:
                self._networks.get(name)
            except Exception as error:
                log.exception("The network %s could not be loaded", name)
                broken[name] = f"{type(error).__name__}: {error}"
        self._send(
            Ready(
                device=str(self._device),
                device_name=device_name(self._device),
                torch_version=str(torch.__version__),
                broken=broken,
            )
        )

    def serve(self) -> None:
        """Work for ever: the reading thread ends the process when there are no more commands."""
        while True:
            self._take_in()
            unit = self._scheduler.next()
            if unit is None:
                continue
            began = time.perf_counter()
            match unit:
                case Batch():
                    self._run_batch(unit)
                case Open():
                    self._open(unit)
                case Step():
                    self._step(unit)
            self._scheduler.spent(unit, time.perf_counter() - began)

    def _take_in(self) -> None:
        """Hand over to the scheduler what has arrived; wait for it if there is nothing else to do."""
        wait = self._scheduler.idle
        while True:
            try:
                command = self._inbox.get(wait, self._networks.seconds_to_next_unload() if wait else None)
            except queue.Empty:
                self._networks.unload_idle()
                return
            if isinstance(command, Close):
                self._scheduler.close(command.job)
            else:
                self._scheduler.add(command)
                wait = False

    # --- One-shot networks --------------------------------------------------------------------------------

    def _run_batch(self, batch: Batch) -> None:
        """Answer every request of a batch, whatever happens: with Done, Refused or Failed."""
        try:
            loaded = self._loaded(batch.network)
            requests = [_request(loaded, item) for item in batch.items]
        except Exception as error:
            # The border of the process: whatever a network raises becomes events, and the worker lives on.
            for item in batch.items:
                self._fail(item.job, error)
            return
        began = time.perf_counter()
        answers = self._predict(loaded, requests)
        seconds = time.perf_counter() - began
        self._send(Measured(network=batch.network, size=len(requests), seconds=seconds))
        for item, answer in zip(batch.items, answers, strict=True):
            self._answer(loaded, item.job, answer, seconds)

    def _loaded(self, name: str) -> LoadedNetwork:
        """Return a network on the device; on the CPU if the device has no room for its weights."""
        try:
            return self._networks.get(name)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        free_memory()
        log.warning("%s does not fit onto the device: it answers on the CPU", name)
        return self._networks.on_cpu(name)

    def _predict(self, loaded: LoadedNetwork, requests: Sequence[Any]) -> list[Any]:
        """Answer a batch: results, ``InvalidInput`` or other errors, in order.

        Without enough memory it is answered in halves, and as a last resort on the CPU. If the network
        raises, each request is tried alone, so that it is known whose fault it is.
        """
        try:
            return list(self._try(loaded, requests, loaded.predictor.predict))
        except _OutOfMemory:
            half = (len(requests) + 1) // 2
            parts = [part for part in (requests[:half], requests[half:]) if part]
            return [answer for part in parts for answer in self._predict_half(loaded, part)]
        except Exception as error:
            if len(requests) == 1:
                return [error]
            return [answer for request in requests for answer in self._predict(loaded, [request])]

    def _predict_half(self, loaded: LoadedNetwork, requests: Sequence[Any]) -> list[Any]:
        try:
            return list(self._try(loaded, requests, loaded.predictor.predict))
        except _OutOfMemory:
            log.warning("%s answers a batch of %d on the CPU", loaded.network.name, len(requests))
        except Exception as error:
            return [error] * len(requests)
        try:
            return list(self._networks.on_cpu(loaded.network.name).predictor.predict(requests))
        except Exception as error:
            return [error] * len(requests)

    def _try(self, loaded: LoadedNetwork, items: Sequence[Any], work: Callable[[Sequence[Any]], Any]) -> Any:
        """Do the work, and turn a lack of memory into ``_OutOfMemory``.

        That is raised only after the handler of the original error has been left: its traceback refers to
        every tensor of the failed attempt, so that nothing could be freed before.
        """
        try:
            return work(items)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        free_memory()
        log.warning("%s: %d at a time did not fit into memory", loaded.network.name, len(items))
        self._send(OutOfMemory(network=loaded.network.name, size=len(items)))
        raise _OutOfMemory

    # --- Streaming networks -------------------------------------------------------------------------------

    def _open(self, command: Open) -> None:
        try:
            self._open_with(self._loaded(command.network), command.item)
        except _OutOfMemory:
            self._open_on_cpu(command.network, command.item)
        except Exception as error:
            self._fail(command.item.job, error)

    def _open_on_cpu(self, network: str, item: Item) -> None:
        log.warning("Job %s goes to the CPU", item.job)
        try:
            self._open_with(self._networks.on_cpu(network), item)
        except Exception as error:
            self._fail(item.job, error)

    def _open_with(self, loaded: LoadedNetwork, item: Item) -> None:
        request = _request(loaded, item)
        try:
            stream = self._try(loaded, [request], lambda requests: loaded.predictor.open(requests[0]))
        except InvalidInput as refusal:
            self._send(Refused(job=item.job, reason=str(refusal)))
            return
        now = time.monotonic()
        self._scheduler.open(OpenStream(item, loaded, stream, opened_at=now, told_at=now))

    def _step(self, step: Step) -> None:
        """Advance the streams; tell of those that have finished, and now and then of the others."""
        began = time.perf_counter()
        try:
            self._advance(step.loaded, step.streams)
        except _OutOfMemory:
            half = (len(step.streams) + 1) // 2
            for part in (step.streams[:half], step.streams[half:]):
                self._advance_half(step.loaded, part)
        except Exception as error:
            unfinished = [opened for opened in step.streams if opened.stream.result is None]
            for opened in unfinished:
                if len(unfinished) == 1:
                    self._drop(opened, error)
                else:  # each alone, so that it is known whose fault it is
                    self._advance_half(step.loaded, [opened])
        self._count(step, time.perf_counter() - began)
        still_there = set(self._scheduler.streams())
        self._tell_of_streams(Step(step.loaded, [one for one in step.streams if one in still_there]))

    def _advance_half(self, loaded: LoadedNetwork, streams: Sequence[OpenStream]) -> None:
        """Advance a part of a step; streams for which there is no memory begin anew on the CPU."""
        if not streams:
            return
        try:
            self._advance(loaded, streams)
        except _OutOfMemory:
            for opened in streams:
                self._scheduler.leave(opened)
                self._open_on_cpu(loaded.network.name, opened.item)
        except Exception as error:
            for opened in streams:
                self._drop(opened, error)

    def _advance(self, loaded: LoadedNetwork, streams: Sequence[OpenStream]) -> None:
        self._try(loaded, [opened.stream for opened in streams], loaded.predictor.step)

    def _drop(self, opened: OpenStream, error: Exception) -> None:
        self._scheduler.leave(opened)
        self._fail(opened.item.job, error)

    def _tell_of_streams(self, step: Step) -> None:
        now = time.monotonic()
        for opened in step.streams:
            if (answer := opened.stream.result) is not None:
                self._scheduler.leave(opened)
                self._answer(step.loaded, opened.item.job, answer, now - opened.opened_at)
            elif now - opened.told_at >= TELL_SECONDS:
                opened.told_at = now
                stream = opened.stream
                self._send(Progress(job=opened.item.job, text=stream.text, fraction=stream.progress))

    def _count(self, step: Step, seconds: float) -> None:
        """Gather the times of steps, which are too many to tell each of them."""
        key = (step.loaded.network.name, len(step.streams))
        steps, total = self._steps.get(key, (0, 0.0))
        self._steps[key] = (steps + 1, total + seconds)
        if time.monotonic() - self._steps_told_at >= TELL_SECONDS:
            for (network, size), (steps, total) in self._steps.items():
                self._send(Measured(network=network, size=size, seconds=total / steps, steps=steps))
            self._steps.clear()
            self._steps_told_at = time.monotonic()

    # --- Answers ------------------------------------------------------------------------------------------

    def _answer(self, loaded: LoadedNetwork, job: str, answer: object, seconds: float) -> None:
        if isinstance(answer, InvalidInput):
            self._send(Refused(job=job, reason=str(answer)))
            return
        if isinstance(answer, Exception):
            self._fail(job, answer)
            return
        try:
            result = msgspec.convert(answer, loaded.network.result, from_attributes=True)
        except msgspec.ValidationError as error:
            self._fail(job, error)
            return
        raw = msgspec.Raw(msgspec.msgpack.encode(result))
        self._send(Done(job=job, result=raw, seconds=seconds))

    def _fail(self, job: str, error: Exception) -> None:
        log.error("Job %s failed", job, exc_info=error)
        if is_device_lost(error):
            # Nothing on the device works any more in this process. The next one may have better luck, and the
            # bot's process runs the jobs again, or refuses the one that is the cause.
            log.error("The device is lost: this process ends")
            logging.shutdown()
            os._exit(1)
        self._send(Failed(job=job, error=f"{type(error).__name__}: {error}"))


class _OutOfMemory(Exception):
    """The device's memory did not suffice, and what could be freed is free."""


def _request(loaded: LoadedNetwork, item: Item) -> Any:
    """Check a request, and bring it into the predictor's own class."""
    checked = msgspec.msgpack.decode(item.request, type=loaded.network.request)
    return msgspec.convert(checked, loaded.request_class, from_attributes=True)


def choose_device(wish: str) -> torch.device:
    """Return the wished device; ``auto`` prefers CUDA, then Apple's MPS, then the CPU."""
    if wish != "auto":
        return torch.device(wish)
    if torch.cuda.is_available():
        return torch.device("cuda", 0)
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def device_name(device: torch.device) -> str:
    """Return the device's name as its maker gives it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    # On Linux Python's platform knows the family only ("x86_64").
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def claim_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Take stdin and stdout for frames, and point ``print`` at stderr, so that no library garbles a frame."""
    commands = os.fdopen(os.dup(0), "rb")
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return commands, events


def _read_all(commands: BinaryIO, inbox: Inbox) -> None:
    """Hand over every command, and end this process when there are no more.

    At once, whatever the main thread is busy with: if the bot's process was killed, the next one starts a
    worker of its own, and two must not share the device.
    """
    try:
        while (command := read_command(commands)) is not None:
            inbox.put(command)
    except (OSError, msgspec.MsgspecError) as error:
        log.error("Commands can no longer be read: %s", error)
    finally:
        os._exit(0)


def main() -> None:
    """Serve until standard input ends, which it does when the bot's process closes it or dies."""
    # Ctrl-C reaches the whole process group; only the bot process decides when the worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    options = msgspec.json.decode(sys.argv[1], type=WorkerOptions)
    logs.configure("INFO", options.log_format)
    commands, events = claim_standard_streams()
    # One thread a job beats the default by far on a busy machine with few cores (see docs/operator.md).
    torch.set_num_threads(options.cpu_threads)

    def send(event: Event) -> None:
        events.write(encode(event))
        events.flush()

    inbox: Inbox = queue.SimpleQueue()
    threading.Thread(target=_read_all, args=(commands, inbox), daemon=True, name="reader").start()
    worker = Worker(options, inbox, send)
    try:
        worker.announce()
        worker.serve()
    except BrokenPipeError:
        pass  # the bot process is gone: so are we


if __name__ == "__main__":
    main()
