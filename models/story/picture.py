"""Draw how the story network reads: every word on a colour that tells its surprise, and what may follow."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

WIDTH, MARGIN = 1000, 36  # pixels
TEXT, SMALL = 25, 20  # font sizes
LINE, BAR = 42, 38  # heights of a line of text and of a candidate
MOST_SURPRISED = 14.0
"""Bits from which a word has the strongest colour: one chance in 16,384."""

PAPER, INK, FAINT = (30, 31, 39), (236, 237, 242), (150, 153, 168)
STRONG, BARS = (255, 140, 66), (91, 108, 240)


@dataclass(frozen=True)
class Surprise:
    """A word and how little the network had expected it."""

    word: str
    """With the space or line break before it and the punctuation after it: joined, the words are the text."""
    bits: float
    """1 for a coin toss, 12 for one chance in 4,096."""


@dataclass(frozen=True)
class Expected:
    """A word that may come next."""

    word: str
    probability: float


def draw(words: Sequence[Surprise], expected: Sequence[Expected]) -> bytes:
    """Return a PNG, ``WIDTH`` pixels wide and as high as it needs to be."""
    placed, height = _lay_out(words)
    below = MARGIN + LINE + height + MARGIN
    picture = Image.new("RGB", (WIDTH, below + LINE + BAR * len(expected) + MARGIN), PAPER)
    pen = ImageDraw.Draw(picture)
    _draw_scale(pen)
    for left, top, part in placed:
        _draw_word(pen, left, MARGIN + LINE + top, part)
    pen.text((MARGIN, below), "What the network expects next", FAINT, _font(SMALL), anchor="lm")
    for number, candidate in enumerate(expected):
        _draw_candidate(pen, below + LINE + BAR * number, candidate, expected[0].probability)
    file = io.BytesIO()
    picture.quantize(64, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def _lay_out(words: Sequence[Surprise]) -> tuple[list[tuple[float, int, Surprise]], int]:
    """Break the words into lines; return each with its place, and the height of all."""
    placed: list[tuple[float, int, Surprise]] = []
    left, top = 0.0, 0
    space = _font(TEXT).getlength(" ")
    for part in words:
        width = _font(TEXT).getlength(part.word.strip())
        if placed and ("\n" in part.word or left + width > WIDTH - 2 * MARGIN):
            left, top = 0.0, top + LINE
        placed.append((MARGIN + left, top, part))
        left += width + 1.6 * space
    return placed, top + LINE


def _draw_word(pen: ImageDraw.ImageDraw, left: float, top: float, part: Surprise) -> None:
    share = min(part.bits / MOST_SURPRISED, 1.0)
    text = part.word.strip()
    box = (left - 4, top + 3, left + _font(TEXT).getlength(text) + 4, top + LINE - 3)
    pen.rounded_rectangle(box, 6, _between(PAPER, STRONG, share))
    # Dark letters where the colour is bright.
    pen.text((left, top + LINE / 2), text, PAPER if share > 0.72 else INK, _font(TEXT), anchor="lm")


def _draw_scale(pen: ImageDraw.ImageDraw) -> None:
    pen.text((MARGIN, MARGIN), "expected", FAINT, _font(SMALL), anchor="lm")
    left, width = MARGIN + _font(SMALL).getlength("expected") + 14, 220
    for x in range(width):
        colour = _between(PAPER, STRONG, x / width)
        pen.line([(left + x, MARGIN - 9), (left + x, MARGIN + 9)], colour)
    pen.rectangle((left, MARGIN - 9, left + width, MARGIN + 9), outline=FAINT)
    pen.text((left + width + 14, MARGIN), "a surprise", FAINT, _font(SMALL), anchor="lm")


def _draw_candidate(pen: ImageDraw.ImageDraw, middle: float, candidate: Expected, largest: float) -> None:
    """Draw a word, a bar as long as its probability beside the largest one's, and the probability."""
    column, room = 230, WIDTH - 2 * MARGIN - 230 - 90
    pen.text((MARGIN + column - 16, middle), candidate.word, INK, _font(TEXT), anchor="rm")
    length = max(4.0, room * candidate.probability / largest)
    pen.rounded_rectangle((MARGIN + column, middle - 12, MARGIN + column + length, middle + 12), 6, BARS)
    share = f"{candidate.probability:.1%}"
    pen.text((MARGIN + column + length + 12, middle), share, FAINT, _font(SMALL), anchor="lm")


def _between(low: tuple[int, int, int], high: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
    return red, green, blue


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    # matplotlib carries DejaVu, which has the letters of most of Europe and more.
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)
