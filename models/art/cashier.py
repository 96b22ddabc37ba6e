"""What the cashier says of one picture, in a number and on a scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from models.art.frames import GOLD, open_all
from models.art.predictor import ArtPredictor, Spot
from models.art.studio import Sharing, paint
from models.art.upscale import as_webp
from models.drawing import FAINT, INK, PAPER, font
from models.predictor import InvalidInput
from models.vision.images import open_picture

SIDE = 384
"""Of the picture, in pixels."""
WORST, BEST = "wouldn't fool anyone", "take my hundred dollars"
"""The ends of the cashier's scale."""
LOW, MIDDLE, HIGH = (205, 74, 66), (222, 178, 68), (88, 176, 102)
WIDTH, MARGIN = 1000, 40  # of the drawing of a verdict, in pixels
BAR = 34


@dataclass(frozen=True, kw_only=True)
class VerdictRequest:
    """Ask the cashier what a picture is worth: an uploaded one, or one of our own."""

    image: bytes = b""
    """The uploaded file as it came."""
    spot: Spot | None = None
    """Where the picture of our own lies."""


@dataclass(frozen=True, kw_only=True)
class Appraisal:
    """What the cashier thinks of a picture."""

    score: float
    """How probable it is that a human painted it, 0 to 1."""
    picture: bytes
    """A WebP file: what the cashier saw, and its scale."""


class Appraiser(Sharing):
    """Has the cashier judge one picture."""

    def predict(self, requests: Sequence[VerdictRequest]) -> list[Appraisal | InvalidInput]:
        """Answer every request, in order. One that cannot be used yields an ``InvalidInput``."""
        return [self._appraise(request) for request in requests]

    def _appraise(self, request: VerdictRequest) -> Appraisal | InvalidInput:
        if request.spot is not None:
            painting = paint(self.networks, request.spot, SIDE)
            if isinstance(painting, InvalidInput):
                return painting
            [large] = open_all(painting.pictures)
            [score] = painting.scores
        else:
            try:
                small = reduced(self.networks, request.image)
            except InvalidInput as refusal:
                return refusal
            [score], large = self.networks.judge([small]), self.networks.enlarge(np.array(small), SIDE)
        return Appraisal(score=score, picture=as_webp(draw_verdict(large, score)))


def reduced(networks: ArtPredictor, file: bytes) -> Image.Image:
    """Return the middle square of a picture in the size that the networks know.

    Raises:
        InvalidInput: it is no picture, or one that cannot be used.
    """
    side = networks.generator.config.image_size
    return ImageOps.fit(open_picture(file), (side, side), Image.Resampling.LANCZOS)


def draw_verdict(seen: Image.Image, score: float) -> Image.Image:
    """Draw a picture and where it stands on the cashier's scale.

    Args:
        seen: square.
        score: 0 to 1.
    """
    top = MARGIN + seen.height + 2 * MARGIN
    sheet = Image.new("RGB", (WIDTH, top + BAR + 2 * MARGIN), PAPER)
    pen = ImageDraw.Draw(sheet)
    left = (WIDTH - seen.width) // 2
    pen.rectangle((left - 6, MARGIN - 6, left + seen.width + 5, MARGIN + seen.height + 5), INK)
    sheet.paste(seen, (left, MARGIN))
    width = WIDTH - 2 * MARGIN
    ramp = Image.new("RGB", (width, 1))
    for x in range(width):
        ramp.putpixel((x, 0), _colour(x / (width - 1)))
    mask = Image.new("L", (4 * width, 4 * BAR), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, 4 * width - 1, 4 * BAR - 1), 2 * BAR, 255)
    sheet.paste(ramp.resize((width, BAR)), (MARGIN, top), mask.resize((width, BAR), Image.Resampling.BOX))
    below = top + BAR + MARGIN - 6
    pen.text((MARGIN, below), WORST, FAINT, font(26), anchor="lm")
    pen.text((WIDTH - MARGIN, below), BEST, FAINT, font(26), anchor="rm")
    mark = MARGIN + BAR / 2 + score * (width - BAR)
    pen.ellipse((mark - 23, top + BAR / 2 - 23, mark + 23, top + BAR / 2 + 23), PAPER)
    pen.ellipse((mark - 18, top + BAR / 2 - 18, mark + 18, top + BAR / 2 + 18), INK)
    words = f"{score:.0%}"
    room = font(34).getlength(words) / 2
    place = min(max(mark, MARGIN + room), WIDTH - MARGIN - room)
    pen.text((place, top - 34), words, GOLD, font(34), anchor="mm")
    return sheet


def _colour(share: float) -> tuple[int, int, int]:
    low, high, part = (LOW, MIDDLE, 2 * share) if share < 0.5 else (MIDDLE, HIGH, 2 * share - 1)
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(low, high, strict=True))
    return red, green, blue
