"""What the pictures of the salary network have in common: colours, letters, smooth shapes on dark paper."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

WIDTH, MARGIN = 1000, 36  # pixels
TEXT, SMALL = 28, 24  # font sizes: Discord shows pictures at 400 pixels until one clicks on them

Colour = tuple[int, int, int]
Point = tuple[float, float]

PAPER, INK, FAINT = (30, 31, 39), (236, 237, 242), (150, 153, 168)
BLUE, ORANGE, GREEN = (91, 108, 240), (255, 140, 66), (70, 190, 140)
GRID = (58, 60, 73)

SCALE = 2
"""Everything is drawn this much larger and then averaged: Pillow's own shapes have stairs for edges."""
SAMPLED = 3
"""Of so many pixels in a row or column one decides which colours a picture needs: it takes a tenth of the time."""


class Canvas:
    """A picture in the making; all measures in pixels of the finished one."""

    def __init__(self, height: float, width: float = WIDTH) -> None:
        self._image = Image.new("RGB", (round(width * SCALE), round(height * SCALE)), PAPER)
        self._pen = ImageDraw.Draw(self._image)

    def line(self, points: Sequence[Point], colour: Colour, width: float = 2) -> None:
        """Draw through points."""
        self._pen.line(_scaled(points), colour, max(1, round(width * SCALE)), joint="curve")

    def dashes(self, start: Point, end: Point, colour: Colour, width: float = 2, dash: float = 6) -> None:
        """Draw a broken line."""
        length = max(1.0, ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5)
        count = max(1, round(length / (2 * dash)))
        for number in range(count):
            low, high = number / count, min(1.0, (number + 0.5) / count)
            self.line([_along(start, end, low), _along(start, end, high)], colour, width)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill what points go around."""
        self._pen.polygon(_scaled(points), colour)

    def bar(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a box with rounded corners, at least a stroke wide."""
        right = max(right, left + 2)
        radius = min(5.0, (right - left) / 2, (bottom - top) / 2)
        box = tuple(round(edge * SCALE) for edge in (left, top, right, bottom))
        self._pen.rounded_rectangle(box, radius * SCALE, colour)

    def circle(self, x: float, y: float, radius: float, fill: Colour, outline: Colour | None = None) -> None:
        """Draw a disc, with an edge if it has a colour."""
        box = tuple(round(edge * SCALE) for edge in (x - radius, y - radius, x + radius, y + radius))
        self._pen.ellipse(box, fill, outline, width=2 * SCALE if outline else 0)

    def text(
        self, x: float, y: float, text: str, colour: Colour = INK, size: int = TEXT, anchor: str = "lm"
    ) -> None:
        """Write; ``anchor`` is Pillow's: l, m, r for left, middle, right, then m for the line's middle."""
        self._pen.text((x * SCALE, y * SCALE), text, colour, _font(size * SCALE), anchor=anchor)

    def png(self) -> bytes:
        """Return the picture as a PNG."""
        return png(self.image())

    def image(self) -> Image.Image:
        """Return the picture as it is by now."""
        return self._image.reduce(SCALE)


def png(image: Image.Image, palette: Image.Image | None = None) -> bytes:
    """Return a picture as a PNG of few colours: those of ``palette``, or its own."""
    file = io.BytesIO()
    image.quantize(palette=palette or palette_of([image]), dither=Image.Dither.NONE).save(
        file, "PNG", compress_level=6
    )
    return file.getvalue()


def palette_of(images: Sequence[Image.Image]) -> Image.Image:
    """Return a picture whose palette serves pictures of the same size."""
    width, height = images[0].width // SAMPLED, images[0].height // SAMPLED
    sample = Image.new("RGB", (width, height * len(images)))
    for number, image in enumerate(images):
        sample.paste(image.resize((width, height), Image.Resampling.NEAREST), (0, number * height))
    return sample.quantize(128, dither=Image.Dither.NONE)


def text_width(text: str, size: int = TEXT) -> float:
    """Return how many pixels a text takes."""
    return _font(size * SCALE).getlength(text) / SCALE


def fitted(text: str, room: float, size: int = TEXT) -> str:
    """Return a text that takes no more than ``room`` pixels: cut, with an ellipsis, if it must be."""
    if text_width(text, size) <= room:
        return text
    while text and text_width(f"{text}…", size) > room:
        text = text[:-1]
    return f"{text.rstrip()}…"


def between(low: Colour, high: Colour, share: float) -> Colour:
    """Mix two colours: 0 is the first, 1 the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
    return red, green, blue


def dollars(amount: float) -> str:
    """Return an amount to the hundred, as a person reads it."""
    return f"${round(amount, -2):,.0f}"


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most ``most`` round numbers from ``low`` to ``high``, evenly apart."""
    step = 1.0
    while (high - low) / step > most - 1:
        leading = step / 10 ** (len(f"{step:.0f}") - 1)
        step *= 2.5 if round(leading, 1) == 2.0 else 2.0
    first = -(-low // step) * step
    return [first + number * step for number in range(int((high - first) // step) + 1)]


def _scaled(points: Sequence[Point]) -> list[Point]:
    return [(x * SCALE, y * SCALE) for x, y in points]


def _along(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    # matplotlib carries DejaVu, which has the letters of most of Europe and more.
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)
