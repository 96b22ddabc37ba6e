"""Draw the curve of pay over the years ahead, with its bands."""

from __future__ import annotations

from collections.abc import Sequence

from models.salary.canvas import (
    BLUE,
    FAINT,
    GRID,
    INK,
    MARGIN,
    PAPER,
    SMALL,
    TEXT,
    WIDTH,
    Canvas,
    between,
    dollars,
    text_width,
    ticks,
)

HEIGHT, TOP, BOTTOM = 620, 96, 470  # of the picture, and of the curve's room
LEFT, RIGHT = MARGIN + 76, WIDTH - MARGIN - 24
MEDIAN = 2
STOPS = 5
"""Years between labelled points."""
NOTE = "People of today who are further on, side by side. Not a forecast: nobody has earned these years yet."


def draw(pay: Sequence[Sequence[float]], start: float, unit: str) -> bytes:
    """Return a PNG.

    Args:
        pay: quantiles in dollars, year by year [years, 5].
        start: age or experience now, in years.
        unit: what ``start`` counts.
    """
    canvas = Canvas(HEIGHT)
    highest = max(year[-1] for year in pay) * 1.05

    def point(year: int, amount: float) -> tuple[float, float]:
        x = LEFT + (RIGHT - LEFT) * year / (len(pay) - 1)
        return x, BOTTOM - (BOTTOM - TOP) * amount / highest

    def band(low: int, high: int) -> list[tuple[float, float]]:
        there = [point(year, some[high]) for year, some in enumerate(pay)]
        back = [point(year, some[low]) for year, some in enumerate(pay)]
        return [*there, *reversed(back)]

    eight_of_ten, middle_half = between(PAPER, BLUE, 0.28), between(PAPER, BLUE, 0.65)
    canvas.polygon(band(0, -1), eight_of_ten)
    canvas.polygon(band(1, -2), middle_half)
    for tick in ticks(0, highest, 6):
        y = point(0, tick)[1]
        canvas.line([(LEFT, y), (RIGHT, y)], GRID, 1)
        canvas.text(LEFT - 10, y, f"{tick / 1000:.0f}k" if tick else "0", FAINT, SMALL, "rm")
    canvas.line([point(year, some[MEDIAN]) for year, some in enumerate(pay)], INK, 4)
    _draw_key(
        canvas, (("half earn more, half less", INK), ("middle half", middle_half), ("8 of 10", eight_of_ten))
    )
    for year in _stops(len(pay) - 1):
        x, y = point(year, pay[year][MEDIAN])
        canvas.circle(x, y, 8, INK)
        text = dollars(pay[year][MEDIAN])
        half = text_width(text, SMALL) / 2 + 8
        middle = min(max(x, LEFT + half), RIGHT - half)
        beneath = (point(other, some[MEDIAN]) for other, some in enumerate(pay))
        line = min(height for place, height in beneath if abs(place - middle) <= half + 8)
        canvas.bar(middle - half, line - 50, middle + half, line - 16, PAPER)
        canvas.text(middle, line - 33, text, INK, SMALL, "mm")
        canvas.line([(x, BOTTOM), (x, BOTTOM + 7)], FAINT, 1)
        canvas.text(x, BOTTOM + 24, f"{start + year:g}", INK, TEXT, "mm")
    canvas.text((LEFT + RIGHT) / 2, BOTTOM + 62, unit, FAINT, SMALL, "mm")
    canvas.text(WIDTH / 2, HEIGHT - MARGIN, NOTE, FAINT, 18, "mm")
    return canvas.png()


def _stops(last: int) -> list[int]:
    """Return the years that carry a figure: every fifth, and the last one unless it is near to one."""
    stops = list(range(0, last + 1, STOPS))
    if last - stops[-1] >= 3 or last < STOPS:
        stops.append(last)
    return stops


def _draw_key(canvas: Canvas, key: Sequence[tuple[str, tuple[int, int, int]]]) -> None:
    x = float(MARGIN)
    for text, colour in key:
        canvas.bar(x, MARGIN - 9, x + 26, MARGIN + 9, colour)
        canvas.text(x + 36, MARGIN, text, FAINT, SMALL)
        x += 36 + text_width(text, SMALL) + 32
