"""The test networks' predictors. Each watches that nothing else is on the device while it works."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import torch

from models.predictor import InvalidInput

MEMORY = 4
"""Of the device on which the first instance of a network is loaded; later ones have no limit."""


@dataclass(frozen=True, kw_only=True)
class EchoRequest:
    text: str = ""
    seconds: float = 0.0
    overhead: float = 0.0
    memory: int = 0
    fault: str = ""
    upload: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Echo:
    text: str
    batch: int
    loaded: int


@dataclass(frozen=True, kw_only=True)
class CountRequest:
    to: int
    label: str = ""
    seconds: float = 0.0
    overhead: float = 0.0
    memory: int = 0
    fault: str = ""
    fault_at: int = 1


@dataclass(frozen=True, kw_only=True)
class Count:
    text: str
    company: int
    loaded: int


@contextmanager
def the_device() -> Iterator[None]:
    """Note in the file ``OVERLAPS`` if another holds the device; the system frees it when a process dies."""
    folder = os.environ.get("WATCH_FOLDER")
    if folder is None:
        yield
        return
    with (Path(folder) / "device").open("w") as device:
        try:
            fcntl.flock(device, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            (Path(folder) / "OVERLAPS").touch()
        (Path(folder) / "WATCHED").touch()
        yield


def do(fault: str) -> None:
    match fault:
        case "raise":
            raise RuntimeError("broken")
        case "device":
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        case "refuse":
            raise InvalidInput("I do not like this.")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            time.sleep(10_000)


class TestPredictor:
    """What both have in common."""

    __test__ = False  # for pytest
    instances: ClassVar[int] = 0
    attempts: ClassVar[int] = 0

    def __init__(self) -> None:
        type(self).instances += 1
        self.number = self.instances

    @property
    def nbytes(self) -> int:
        return 2**20

    @classmethod
    def load(cls, device: torch.device, checkpoint: str | None = None) -> Self:
        if checkpoint == "broken":
            raise OSError("The weights are broken.")
        cls.attempts += 1
        if checkpoint == "huge" and cls.attempts <= 2:
            raise torch.OutOfMemoryError("simulated")
        return cls()

    def allocate(self, requests: Sequence[EchoRequest | CountRequest]) -> None:
        if self.number == 1 and sum(request.memory for request in requests) > MEMORY:
            raise torch.OutOfMemoryError("simulated")


class EchoPredictor(TestPredictor):
    def predict(self, requests: Sequence[EchoRequest]) -> list[Echo | InvalidInput]:
        with the_device():
            self.allocate(requests)
            time.sleep(max(r.overhead for r in requests) + sum(r.seconds for r in requests))
            return [self.answer(request, len(requests)) for request in requests]

    def answer(self, request: EchoRequest, batch: int) -> Echo | InvalidInput:
        try:
            do(request.fault)
        except InvalidInput as refusal:
            return refusal
        return Echo(text=request.text, batch=batch, loaded=self.number)


@dataclass
class CountStream:
    request: CountRequest
    loaded: int
    numbers: list[int] = field(default_factory=list)
    company: int = 0

    @property
    def text(self) -> str:
        return " ".join(map(str, self.numbers))

    @property
    def progress(self) -> float:
        return len(self.numbers) / self.request.to

    @property
    def result(self) -> Count | None:
        if len(self.numbers) < self.request.to:
            return None
        return Count(text=self.text, company=self.company, loaded=self.loaded)


class CountPredictor(TestPredictor):
    def open(self, request: CountRequest) -> CountStream:
        if request.fault == "refuse":
            do(request.fault)
        return CountStream(request, self.number)

    def step(self, streams: Sequence[CountStream]) -> None:
        with the_device():
            self.allocate([stream.request for stream in streams])
            for stream in streams:
                if len(stream.numbers) + 1 == stream.request.fault_at:
                    do(stream.request.fault)
            time.sleep(max(s.request.overhead for s in streams) + sum(s.request.seconds for s in streams))
            for stream in streams:
                stream.numbers.append(len(stream.numbers) + 1)
                stream.company = max(stream.company, len(streams))
