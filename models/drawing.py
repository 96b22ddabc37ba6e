"""What pictures that we draw have in common: colours, letters, bars, words on colours."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

WIDTH, MARGIN = 1000, 36  # pixels
TEXT, SMALL = 25, 20  # font sizes
LINE, BAR = 42, 38  # heights of a line of text and of a candidate

PAPER, INK, FAINT = (30, 31, 39), (236, 237, 242), (150, 153, 168)
STRONG, BARS = (255, 140, 66), (91, 108, 240)
BRIGHT = 0.72
"""From this share of ``STRONG`` on a colour wants dark letters."""


def sheet(height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Return an empty picture, ``WIDTH`` pixels wide, and a pen for it."""
    picture = Image.new("RGB", (WIDTH, height), PAPER)
    return picture, ImageDraw.Draw(picture)


def png(picture: Image.Image) -> bytes:
    """Return a small PNG file of a picture with few colours."""
    file = io.BytesIO()
    picture.quantize(64, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def lay_out(words: Sequence[str]) -> tuple[list[tuple[float, int]], int]:
    """Break words into lines, also where a line break stands before one.

    Returns:
        the place of each word, left and top, and the height of all; in pixels.
    """
    places: list[tuple[float, int]] = []
    left, top = 0.0, 0
    space = font(TEXT).getlength(" ")
    for word in words:
        width = font(TEXT).getlength(word.strip())
        if places and ("\n" in word or left + width > WIDTH - 2 * MARGIN):
            left, top = 0.0, top + LINE
        places.append((MARGIN + left, top))
        left += width + 1.6 * space
    return places, top + LINE


def draw_word(pen: ImageDraw.ImageDraw, left: float, top: float, word: str, share: float) -> None:
    """Write a word on a colour, the stronger the larger ``share`` is, from 0 to 1."""
    text = word.strip()
    box = (left - 4, top + 3, left + font(TEXT).getlength(text) + 4, top + LINE - 3)
    pen.rounded_rectangle(box, 6, between(PAPER, STRONG, share))
    pen.text((left, top + LINE / 2), text, PAPER if share > BRIGHT else INK, font(TEXT), anchor="lm")


def draw_scale(pen: ImageDraw.ImageDraw, least: str, most: str) -> None:
    """Say at the picture's top what the colours of words mean."""
    pen.text((MARGIN, MARGIN), least, FAINT, font(SMALL), anchor="lm")
    left, width = MARGIN + font(SMALL).getlength(least) + 14, 220
    for x in range(width):
        colour = between(PAPER, STRONG, x / width)
        pen.line([(left + x, MARGIN - 9), (left + x, MARGIN + 9)], colour)
    pen.rectangle((left, MARGIN - 9, left + width, MARGIN + 9), outline=FAINT)
    pen.text((left + width + 14, MARGIN), most, FAINT, font(SMALL), anchor="lm")


def draw_bar(
    pen: ImageDraw.ImageDraw,
    left: float,
    middle: float,
    room: float,
    share: float,
    largest: float,
    label: str,
) -> None:
    """Draw a bar as long as its share beside the largest one's, which takes all the room, and a label after it."""
    length = max(4.0, room * share / largest)
    pen.rounded_rectangle((left, middle - 12, left + length, middle + 12), 6, BARS)
    pen.text((left + length + 12, middle), label, FAINT, font(SMALL), anchor="lm")


def between(low: Colour, high: Colour, share: float) -> Colour:
    """Return a colour between two, at a share of the way."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
    return red, green, blue


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return letters of a size in pixels."""
    # matplotlib carries DejaVu, which has the letters of most of Europe and more.
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)
