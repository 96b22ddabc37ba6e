"""Draw how the story network reads: every word on a colour that tells its surprise, and what may follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.drawing import (
    BAR,
    FAINT,
    INK,
    LINE,
    MARGIN,
    SMALL,
    TEXT,
    WIDTH,
    draw_bar,
    draw_scale,
    draw_word,
    font,
    lay_out,
    png,
    sheet,
)

MOST_SURPRISED = 14.0
"""Bits from which a word has the strongest colour: one chance in 16,384."""
COLUMN = 230
"""Pixels that the candidates' words take."""


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
    places, height = lay_out([part.word for part in words])
    below = MARGIN + LINE + height + MARGIN
    picture, pen = sheet(below + LINE + BAR * len(expected) + MARGIN)
    draw_scale(pen, "expected", "a surprise")
    for (left, top), part in zip(places, words, strict=True):
        share = min(part.bits / MOST_SURPRISED, 1.0)
        draw_word(pen, left, MARGIN + LINE + top, part.word, share)
    pen.text((MARGIN, below), "What the network expects next", FAINT, font(SMALL), anchor="lm")
    left, room = MARGIN + COLUMN, WIDTH - 2 * MARGIN - COLUMN - 90
    for number, candidate in enumerate(expected):
        middle = below + LINE + BAR * number
        pen.text((left - 16, middle), candidate.word, INK, font(TEXT), anchor="rm")
        label = f"{candidate.probability:.1%}"
        draw_bar(pen, left, middle, room, candidate.probability, expected[0].probability, label)
    return png(picture)
