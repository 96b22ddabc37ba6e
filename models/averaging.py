"""The running mean of weights while they learn, which does better than the last ones (Polyak and Juditsky 1992)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


@torch.no_grad()
def follow(averaged: Iterable[Tensor], trained: Iterable[Tensor], step: int, decay: float) -> None:
    """Move the mean of weights on by one step.

    Early on the mean follows closely; a plain decay would remember the random start for a thousand steps.

    Args:
        averaged: the mean, changed in place.
        trained: what the weights are now, in the same order.
        step: its number, from 1.
        decay: how much of the mean is kept later on, below 1.
    """
    torch._foreach_lerp_(list(averaged), list(trained), 1 - min(decay, step / (step + 10)))
