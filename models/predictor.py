"""What the worker expects of every network: one small protocol, and the one error a person may read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self, TypeVar

import torch

Request_contra = TypeVar("Request_contra", contravariant=True)
Result = TypeVar("Result")


class InvalidInput(ValueError):
    """The input cannot be used. The message tells the person who gave it why, in plain words."""


class Predictor(Protocol[Request_contra, Result]):
    """A loaded network that answers batches of requests.

    A request is a frozen dataclass that carries everything the answer depends on, random seeds included: the
    same request gives the same answer, alone or in a batch.
    """

    @classmethod
    def load(cls, device: torch.device) -> Self:
        """Read the weights and put the network on ``device``, ready to predict.

        Raises:
            OSError: the weights are missing or broken.
        """

    def predict(self, requests: Sequence[Request_contra]) -> list[Result | InvalidInput]:
        """Answer every request, in order. One that cannot be used yields an ``InvalidInput`` and harms no other."""
