"""Inside a worker: which networks are on the device. They come on first use and leave when there is no room."""

from __future__ import annotations

import gc
import importlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from bot.inference import catalogue
from bot.inference.catalogue import Network
from bot.inference.messages import Event, Loading, Usage, WorkerOptions

log = logging.getLogger(__name__)


@dataclass
class LoadedNetwork:
    """A predictor on the device."""

    network: Network
    predictor: Any
    request_class: type
    """The predictor's own class of requests."""
    nbytes: int
    used_at: float
    """Monotonic seconds."""


class Networks:
    """Loads networks on first use; unloads the least recently used ones beyond the memory budget, or when idle."""

    def __init__(
        self,
        options: WorkerOptions,
        device: torch.device,
        send: Callable[[Event], None],
        in_use: Callable[[str], bool],
    ) -> None:
        self._options = options
        self._device = device
        self._send = send
        self._in_use = in_use
        """Whether a network has open streams, and so must stay."""
        self._loaded: dict[str, LoadedNetwork] = {}
        """Least recently used first."""

    def get(self, name: str) -> LoadedNetwork:
        """Return a network, loaded if need be.

        Raises:
            OSError: its weights are missing or broken.
        """
        loaded = self._loaded.pop(name, None) or self._load(name, self._device)
        loaded.used_at = time.monotonic()
        self._loaded[name] = loaded  # the most recently used comes last
        return loaded

    def on_cpu(self, name: str) -> LoadedNetwork:
        """Load a network on the CPU for once, because the device's memory does not suffice."""
        return self._load(name, torch.device("cpu"))

    def unload(self, name: str) -> None:
        """Take a network off the device."""
        del self._loaded[name]
        free_memory()
        log.info("Unloaded %s", name)
        self._tell()

    def unload_idle(self) -> None:
        """Take off what nobody has asked for lately."""
        if self._options.unload_seconds:
            oldest = time.monotonic() - self._options.unload_seconds
            for loaded in list(self._loaded.values()):
                if loaded.used_at <= oldest and not self._in_use(loaded.network.name):
                    self.unload(loaded.network.name)

    def seconds_to_next_unload(self) -> float | None:
        """Return when to call ``unload_idle`` again; ``None`` if there is nothing to unload."""
        if not self._options.unload_seconds or not self._loaded:
            return None
        first = min(loaded.used_at for loaded in self._loaded.values())
        return max(0.0, first + self._options.unload_seconds - time.monotonic())

    def _load(self, name: str, device: torch.device) -> LoadedNetwork:
        network = catalogue.network(name)
        assert network is not None  # the bot process has the same catalogue
        self._send(Loading(network=network.name))
        began = time.perf_counter()
        module = importlib.import_module(network.module)
        checkpoint = self._options.checkpoints.get(network.name)
        arguments = {} if checkpoint is None else {"checkpoint": checkpoint}
        predictor_class = getattr(module, network.predictor)
        try:
            predictor = predictor_class.load(device, **arguments)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            predictor = None
        if predictor is None:  # outside the handler, whose traceback would keep the failed attempt alive
            for other in [name for name in self._loaded if not self._in_use(name)]:
                self.unload(other)
            free_memory()
            predictor = predictor_class.load(device, **arguments)
        loaded = LoadedNetwork(
            network=network,
            predictor=predictor,
            request_class=getattr(module, network.request.__name__),
            nbytes=predictor.nbytes,
            used_at=time.monotonic(),
        )
        log.info("Loaded %s on %s in %.1f s", network.name, device, time.perf_counter() - began)
        if device == self._device:  # what is on the CPU for once takes no room there
            self._make_room(loaded)
            self._tell(loaded)
        return loaded

    def _make_room(self, newcomer: LoadedNetwork) -> None:
        """Unload the least recently used networks until the newcomer is within the budget."""
        budget = self._options.memory_mb * 2**20 - newcomer.nbytes
        for loaded in list(self._loaded.values()):
            if sum(other.nbytes for other in self._loaded.values()) <= budget:
                return
            if not self._in_use(loaded.network.name):
                self.unload(loaded.network.name)

    def _tell(self, newcomer: LoadedNetwork | None = None) -> None:
        there = [*self._loaded.values(), *([newcomer] if newcomer else [])]
        sizes = {loaded.network.name: loaded.nbytes for loaded in there}
        on_device = torch.cuda.memory_allocated() if self._device.type == "cuda" else sum(sizes.values())
        self._send(Usage(network_bytes=sizes, device_bytes=on_device))


def free_memory() -> None:
    """Give back what nothing refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def is_device_lost(error: Exception) -> bool:
    """Whether the device refuses all further work of this process, as CUDA does after a fault or a driver's reset."""
    if is_out_of_memory(error):
        return False
    return isinstance(error, torch.AcceleratorError) or "CUDA error" in str(error)


def is_out_of_memory(error: Exception) -> bool:
    """Whether the device's memory did not suffice; the CPU's allocator has no error class of its own."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
