"""The game in which people stand in the cashier's place and say which of four pictures a human has painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from models.art.cashier import reduced
from models.art.frames import grid, open_all
from models.art.latents import seed_number
from models.art.predictor import ANY, ArtRequest, Painting
from models.art.studio import Sharing, refused
from models.art.upscale import as_webp
from models.predictor import InvalidInput

PICTURES = 4
SIDE = 384
"""Of each picture, in pixels."""


@dataclass(frozen=True, kw_only=True)
class LineupRequest:
    """Hide a painting by a human among forgeries; without one, find the forgery that the cashier likes best."""

    seed: str
    """Of the forgeries, and of the order."""
    style: str = ANY
    """Of the forgeries; in any style, each has another one."""
    real: bytes = b""
    """The file of the painting."""
    credit: str = ""
    """Who painted it; shown when the game is over."""


@dataclass(frozen=True, kw_only=True)
class Lineup:
    """Four pictures, one of which is the answer."""

    picture: bytes
    """A WebP file of all four, numbered."""
    solution: bytes
    """The same with a frame around the answer, and with the cashier's scores."""
    answer: int
    """Its place, from 0."""
    human: bool
    """Whether the answer is by a human painter."""
    scores: tuple[float, ...]
    """How probable the cashier finds it that each is by a human painter, 0 to 1."""


class Dealer(Sharing):
    """Deals the game's pictures."""

    def predict(self, requests: Sequence[LineupRequest]) -> list[Lineup | InvalidInput]:
        """Answer every request, in order. One that cannot be used yields an ``InvalidInput``."""
        return [self._deal(request) for request in requests]

    def _deal(self, request: LineupRequest) -> Lineup | InvalidInput:
        draw = np.random.default_rng(seed_number(request.seed))
        forged = PICTURES - 1 if request.real else PICTURES
        styles = [request.style] * forged
        if request.style == ANY:
            known = self.networks.styles
            places = draw.choice(len(known), forged, replace=len(known) < forged)
            styles = [known[place] for place in places]
        pictures: list[Image.Image] = []
        scores: list[float] = []
        for number, style in enumerate(styles):
            order = ArtRequest(style=style, seed=request.seed, count=1, variation=number, side=SIDE)
            [painting] = self.networks.predict([order])
            if not isinstance(painting, Painting):
                return refused(painting)
            pictures += open_all(painting.pictures)
            scores += painting.scores
        answer = int(np.argmax(scores))
        if request.real:
            try:
                small = reduced(self.networks, request.real)
            except InvalidInput as refusal:
                return refusal
            answer = int(draw.integers(PICTURES))
            # Made small and large again on the way that forgeries come: sharpness gives nothing away. So does the
            # file format, in which the forgeries have been once already.
            [painted] = open_all([as_webp(self.networks.enlarge(np.array(small), SIDE))])
            pictures.insert(answer, painted)
            scores[answer:answer] = self.networks.judge([painted])
        words = [f"{score:.0%} sure it is real" for score in scores]
        return Lineup(
            picture=as_webp(grid(pictures)),
            solution=as_webp(grid(pictures, framed=answer, words=words)),
            answer=answer,
            human=bool(request.real),
            scores=tuple(scores),
        )
