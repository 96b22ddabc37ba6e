"""Pictures side by side with their numbers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageDraw

from models.drawing import INK, PAPER, font

GOLD = (255, 196, 61)
GAP = 12
"""Pixels between the pictures."""
BADGE = 22
"""Radius of the circle around a number."""
SHARP = 4
"""Circles are drawn so many times larger and reduced, since Pillow draws no half pixels."""


def open_all(files: Sequence[bytes]) -> list[Image.Image]:
    """Open pictures of our own."""
    return [Image.open(io.BytesIO(file)).convert("RGB") for file in files]


def grid(
    pictures: Sequence[Image.Image], framed: int | None = None, words: Sequence[str] = ()
) -> Image.Image:
    """Lay out 1, 4 or 9 pictures of one size as a square, numbered from 1.

    Args:
        pictures: in the order of reading; a single one is returned as it is.
        framed: the place, from 0, of a picture that gets a golden frame.
        words: a few for each picture, below it.
    """
    if len(pictures) == 1:
        return pictures[0]
    columns = round(len(pictures) ** 0.5)
    side = pictures[0].width
    line = 44 if words else 0
    step = side + GAP
    sheet = Image.new("RGB", (columns * step + GAP, columns * (step + line) + GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, picture in enumerate(pictures):
        left, top = GAP + number % columns * step, GAP + number // columns * (step + line)
        if number == framed:
            edge = GAP - 2
            pen.rectangle((left - edge, top - edge, left + side + edge - 1, top + side + edge - 1), GOLD)
        sheet.paste(picture, (left, top))
        badge = _badge(str(number + 1), GOLD if number == framed else INK)
        sheet.paste(badge, (left + 10, top + 10), badge)
        if words:
            colour = GOLD if number == framed else INK
            place = (left + side / 2, top + side + GAP / 2 + line / 2)
            pen.text(place, words[number], colour, font(26), anchor="mm")
    return sheet


@cache
def _badge(text: str, colour: tuple[int, int, int]) -> Image.Image:
    side = 2 * BADGE * SHARP
    badge = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    pen = ImageDraw.Draw(badge)
    pen.ellipse((0, 0, side - 1, side - 1), (*PAPER, 215))
    pen.text((side / 2, side / 2), text, colour, font(28 * SHARP), anchor="mm")
    return badge.resize((2 * BADGE, 2 * BADGE), Image.Resampling.LANCZOS)
