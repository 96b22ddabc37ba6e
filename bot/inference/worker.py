"""The process that owns torch and the device: reads requests, answers one batch at a time.

Started by ``bot.inference.local`` as ``python -m bot.inference.worker OPTIONS``. This is the only module
that meets both a request and a network. It has no threads and no event loop: the device does one thing at a
time.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import platform
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import torch

from bot.inference.catalogue import NETWORKS, Network, network_for
from bot.inference.frames import encode, read_command
from bot.inference.messages import Done, Event, Failed, Ready, Refused, Run, WorkerOptions
from models.predictor import InvalidInput, Predictor

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedNetwork:
    """A predictor on the device, and the class of the requests that it takes."""

    predictor: Predictor[Any, Any]
    request_class: type


class Worker:
    """Answers requests with networks that it loads on first use and keeps on the device."""

    def __init__(self, options: WorkerOptions, send: Callable[[Event], None]) -> None:
        self._options = options
        self._send = send
        self._device = choose_device(options.device)
        self._loaded: dict[str, LoadedNetwork] = {}

    def announce(self) -> None:
        """Load what was asked for and say Ready. A network that does not load harms no other."""
        broken = {}
        for name in self._options.preload:
            try:
                self._network(NETWORKS[name])
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

    def answer(self, run: Run) -> None:
        """Answer one request, whatever happens: with Done, Refused or Failed."""
        began = time.perf_counter()
        try:
            network = network_for(run.request)
            loaded = self._network(network)
            request: object = msgspec.convert(run.request, loaded.request_class, from_attributes=True)
            [answer] = loaded.predictor.predict([request])
            if isinstance(answer, InvalidInput):
                self._send(Refused(job=run.job, reason=str(answer)))
                return
            result = msgspec.convert(answer, network.result, from_attributes=True)
            self._send(Done(job=run.job, result=result, seconds=time.perf_counter() - began))
        except Exception as error:
            # The border of the process: whatever a network raises becomes an event, and the worker lives on.
            log.exception("Job %s failed", run.job)
            self._send(Failed(job=run.job, error=f"{type(error).__name__}: {error}"))

    def _network(self, network: Network) -> LoadedNetwork:
        if network.name not in self._loaded:
            began = time.perf_counter()
            module = importlib.import_module(network.module)
            predictor_class = getattr(module, network.predictor)
            checkpoint = self._options.checkpoints.get(network.name)
            arguments = {} if checkpoint is None else {"checkpoint": checkpoint}
            self._loaded[network.name] = LoadedNetwork(
                predictor=predictor_class.load(self._device, **arguments),
                request_class=getattr(module, network.request.__name__),
            )
            log.info("Loaded %s in %.1f s", network.name, time.perf_counter() - began)
        return self._loaded[network.name]


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


def main() -> None:
    """Serve until standard input ends, which it does when the bot process closes it or dies."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s worker: %(message)s")
    # Ctrl-C reaches the whole process group; only the bot process decides when the worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    options = msgspec.json.decode(sys.argv[1], type=WorkerOptions)
    commands, events = claim_standard_streams()
    # One thread a job beats the default by far on a busy machine with few cores (see docs/operator.md).
    torch.set_num_threads(options.cpu_threads)

    def send(event: Event) -> None:
        events.write(encode(event))
        events.flush()

    worker = Worker(options, send)
    try:
        worker.announce()
        while (command := read_command(commands)) is not None:
            worker.answer(command)
    except BrokenPipeError:
        pass  # the bot process is gone: so are we


if __name__ == "__main__":
    main()
