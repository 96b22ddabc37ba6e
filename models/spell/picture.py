"""Draw how the spelling network reads: every word on a colour that tells its doubt, and what it expected there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageDraw

from models.drawing import (
    BAR,
    FAINT,
    INK,
    LINE,
    MARGIN,
    SMALL,
    STRONG,
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

COLUMNS = ("What stands before it lets expect", "What follows lets expect", "With the letters typed")
COLUMN = (WIDTH - 2 * MARGIN) // len(COLUMNS)
WORD = 130
"""Pixels of a column that the words take."""
LABEL = 62
"""Pixels that the longest percentage takes."""


@dataclass(frozen=True)
class Shade:
    """A part of a text and the doubt in it."""

    word: str
    """With the space or line break before it and the signs around it: joined, the parts are the text."""
    doubt: float
    """The probability that it is wrong."""


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """What may have been meant."""

    word: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A word that was looked at closely."""

    typed: str
    """In small letters."""
    sure: float
    """The probability that it is right."""
    before: tuple[Alternative, ...]
    """Expected by what stands before it alone, likeliest first."""
    after: tuple[Alternative, ...]
    """Expected by what follows alone."""
    decided: tuple[Alternative, ...]
    """The likeliest candidates, by both sides and by how such a slip comes about."""


def draw(shades: Sequence[Shade], doubts: Sequence[Doubt]) -> bytes:
    """Return a PNG, ``WIDTH`` pixels wide and as high as it needs to be."""
    places, height = lay_out([shade.word for shade in shades])
    top = MARGIN + LINE + height + MARGIN
    panel = 2 * LINE + BAR * max(len(doubt.decided) for doubt in doubts)
    picture, pen = sheet(top + (panel + MARGIN) * len(doubts))
    draw_scale(pen, "surely right", "surely wrong")
    for (left, above), shade in zip(places, shades, strict=True):
        draw_word(pen, left, MARGIN + LINE + above, shade.word, shade.doubt)
    for number, doubt in enumerate(doubts):
        _draw_doubt(pen, top + (panel + MARGIN) * number, doubt)
    return png(picture)


def _draw_doubt(pen: ImageDraw.ImageDraw, top: int, doubt: Doubt) -> None:
    pen.line((MARGIN, top - MARGIN / 2, WIDTH - MARGIN, top - MARGIN / 2), FAINT)
    pen.text((MARGIN, top + 8), f"“{doubt.typed}”", STRONG, font(TEXT), anchor="lm")
    for number, guesses in enumerate((doubt.before, doubt.after, doubt.decided)):
        left = MARGIN + COLUMN * number
        pen.text((left, top + LINE), COLUMNS[number], FAINT, font(SMALL - 3), anchor="lm")
        for place, guess in enumerate(guesses):
            middle = top + 2 * LINE + BAR * place
            colour = STRONG if guess.word == doubt.typed else INK
            pen.text((left + WORD - 12, middle), _short(guess.word), colour, font(SMALL), anchor="rm")
            room = COLUMN - WORD - LABEL - 24
            label = f"{guess.probability:.0%}" if guess.probability >= 0.01 else f"{guess.probability:.1%}"
            draw_bar(pen, left + WORD, middle, room, guess.probability, guesses[0].probability, label)


def _short(word: str) -> str:
    """Return a word as far as it fits into its place."""
    room = WORD - 12
    if font(SMALL).getlength(word) <= room:
        return word
    while word and font(SMALL).getlength(f"{word}…") > room:
        word = word[:-1]
    return f"{word}…"
