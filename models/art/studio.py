"""What the worker calls for cards: several pictures as one, walks between two. All share one pair of networks.

Every kind of request is a network of its own to the queue, with a code of its own (``art-7K3F``, ``mix-7K3F``).
The worker would load the weights for each of them; here they are loaded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from weakref import WeakValueDictionary

import torch

from models.art.frames import grid, open_all
from models.art.predictor import (
    WEIGHTS,
    ArtPredictor,
    ArtRequest,
    MixRequest,
    Painting,
    Spot,
    Walk,
)
from models.art.upscale import as_webp
from models.predictor import InvalidInput

__all__ = ["ArtRequest", "Canvas", "MixRequest", "Painter", "Walk", "Walker"]


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """Painted pictures as one, numbered if there are several."""

    picture: bytes
    """A WebP file."""
    scores: tuple[float, ...]
    """How probable the cashier finds it that each is by a human painter, 0 to 1."""
    picks: tuple[tuple[int, ...], ...]
    """Of each picture: as ``Spot.picks``, or as ``ArtRequest.neighbours_of`` for more like it."""


class Sharing:
    """A predictor that works with the networks of an ``ArtPredictor``, which it shares with the others of its kind."""

    def __init__(self, networks: ArtPredictor, nbytes: int) -> None:
        self.networks = networks
        self.nbytes = nbytes
        """Bytes that this predictor has brought onto the device: none if another one had brought them."""

    @classmethod
    def load(cls, device: torch.device, folder: Path = WEIGHTS) -> Self:
        """Load the networks unless they are there already.

        Raises:
            OSError: the weights are missing or broken.
        """
        there = _loaded.get((str(device), folder))
        if there is not None:
            return cls(there, 0)
        networks = _loaded[str(device), folder] = ArtPredictor.load(device, folder)
        return cls(networks, networks.nbytes)


_loaded: WeakValueDictionary[tuple[str, Path], ArtPredictor] = WeakValueDictionary()
"""By device and folder; they go when the last predictor goes that works with them."""


class Painter(Sharing):
    """Paints what one card shows."""

    def predict(self, requests: Sequence[ArtRequest]) -> list[Canvas | InvalidInput]:
        """Answer every request, in order. One that cannot be used yields an ``InvalidInput``."""
        return [
            Canvas(picture=as_webp(grid(open_all(answer.pictures))), scores=answer.scores, picks=answer.picks)
            if isinstance(answer, Painting)
            else refused(answer)
            for answer in self.networks.predict(requests)
        ]


class Walker(Sharing):
    """Walks from one picture to another."""

    def predict(self, requests: Sequence[MixRequest]) -> list[Walk | InvalidInput]:
        """Answer every request, in order. One that cannot be used yields an ``InvalidInput``."""
        return [
            answer if isinstance(answer, Walk) else refused(answer)
            for answer in self.networks.predict(requests)
        ]


def paint(networks: ArtPredictor, spot: Spot, side: int) -> Painting | InvalidInput:
    """Paint one picture again."""
    *neighbours_of, variation = spot.picks
    request = ArtRequest(
        style=spot.style,
        seed=spot.seed,
        creativity=spot.creativity,
        count=1,
        neighbours_of=tuple(neighbours_of),
        variation=variation,
        side=side,
    )
    [answer] = networks.predict([request])
    return answer if isinstance(answer, Painting) else refused(answer)


def refused(answer: object) -> InvalidInput:
    """Return an answer that can be nothing but a refusal."""
    assert isinstance(answer, InvalidInput)
    return answer
