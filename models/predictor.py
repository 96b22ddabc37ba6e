"""What the worker expects of every network: two small protocols, and the one error a person may read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self, TypeVar

import torch

Request_contra = TypeVar("Request_contra", contravariant=True)
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)
StreamT = TypeVar("StreamT")


class InvalidInput(ValueError):
    """The input cannot be used. The message tells the person who gave it why, in plain words."""


class Predictor(Protocol[Request_contra, Result]):
    """A loaded network that answers batches of requests.

    A request is a frozen dataclass that carries everything the answer depends on, random seeds included: the
    same request gives the same answer, alone or in a batch.
    """

    @property
    def nbytes(self) -> int:
        """Bytes that the weights take on the device."""

    @classmethod
    def load(cls, device: torch.device) -> Self:
        """Read the weights and put the network on ``device``, ready to predict.

        Raises:
            OSError: the weights are missing or broken.
        """

    def predict(self, requests: Sequence[Request_contra]) -> list[Result | InvalidInput]:
        """Answer every request, in order. One that cannot be used yields an ``InvalidInput`` and harms no other."""


class Stream(Protocol[Result_co]):
    """One answer in the making: its own hidden state, its own random generator."""

    @property
    def text(self) -> str:
        """What has been written so far, fit to be shown."""

    @property
    def progress(self) -> float:
        """How far it has come, from 0 to 1."""

    @property
    def result(self) -> Result_co | None:
        """The whole answer; ``None`` until the last step."""


class StreamingPredictor(Protocol[Request_contra, StreamT]):
    """A loaded network that answers step by step, many streams at once (continuous batching).

    The worker opens a stream for each request, steps all streams that are open together, lets new ones join
    and finished ones leave between two steps, and simply forgets a stream that was cancelled. A stream's
    answer depends on its request alone, whatever company it was stepped in.
    """

    @property
    def nbytes(self) -> int:
        """Bytes that the weights take on the device."""

    @classmethod
    def load(cls, device: torch.device) -> Self:
        """Read the weights and put the network on ``device``, ready to step.

        Raises:
            OSError: the weights are missing or broken.
        """

    def open(self, request: Request_contra) -> StreamT:
        """Begin an answer.

        Raises:
            InvalidInput: the request cannot be used.
        """

    def step(self, streams: Sequence[StreamT]) -> None:
        """Advance every stream by one step. None of them has its ``result`` yet; some may have it afterwards.

        If this raises (for want of memory, say), no stream has been advanced, so that it can be tried again
        with fewer of them.
        """


def nbytes(module: torch.nn.Module) -> int:
    """Return the bytes that a network's parameters and buffers take."""
    return sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers()))
