"""Draw an estimate: the pay of people like this as a distribution, and what each input added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from models.salary.canvas import (
    BLUE,
    FAINT,
    GREEN,
    GRID,
    INK,
    MARGIN,
    ORANGE,
    PAPER,
    SMALL,
    TEXT,
    WIDTH,
    Canvas,
    between,
    dollars,
    fitted,
    text_width,
    ticks,
)
from models.salary.density import amounts, density

HILL, AXIS, BAND, ROW = 230, 50, 38, 46  # heights of the distribution, its axis, an interval, a step
TITLE = 72
NAMES = 400  # width of the column of names
MEDIAN = 2
LEAST = 1000.0
"""Dollars from which the distribution is drawn: less is no pay of a year."""

OUTSIDE, EIGHT_OF_TEN, MIDDLE_HALF = (between(PAPER, BLUE, share) for share in (0.18, 0.5, 1.0))


def draw(
    quantiles: Sequence[float],
    levels: Sequence[float],
    steps: Mapping[str, float],
    baseline: float,
    before: Sequence[float] | None = None,
) -> bytes:
    """Return a PNG, ``WIDTH`` pixels wide and as high as it needs to be.

    Args:
        quantiles: of annual pay in dollars [5].
        levels: of the quantiles [5].
        steps: dollars that each input added to ``baseline``, by the words to name it with.
        baseline: the median of somebody unknown.
        before: the quantiles of the person with whom this one is compared, drawn as an outline.
    """
    hill_height = TITLE + HILL + AXIS + 2 * BAND
    canvas = Canvas(MARGIN + hill_height + MARGIN + TITLE - 36 + ROW * (len(steps) + 2) + MARGIN)
    _draw_hill(canvas, MARGIN, quantiles, levels, before)
    _draw_steps(canvas, MARGIN + hill_height + MARGIN, steps, baseline, quantiles[MEDIAN])
    return canvas.png()


def _draw_hill(
    canvas: Canvas,
    top: float,
    quantiles: Sequence[float],
    levels: Sequence[float],
    before: Sequence[float] | None,
) -> None:
    """Draw the distribution, its bands, the median, and the two intervals as bars below."""
    canvas.text(MARGIN, top, "What people like this earn in a year", FAINT, SMALL)
    low, high = _range([quantiles, *([before] if before else [])], levels)
    room = WIDTH - 2 * MARGIN
    bottom = top + TITLE + HILL

    def place(pay: float) -> float:
        return MARGIN + room * (pay - low) / (high - low)

    pay = np.linspace(max(low, LEAST), high, 400)
    curves = [density(pay, some, levels) for some in (quantiles, before) if some]
    highest = max(float(curve.max()) for curve in curves)

    def outline(curve: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[tuple[float, float]]:
        return [
            (place(x), bottom - HILL * y / highest) for x, y in zip(pay.tolist(), curve.tolist(), strict=True)
        ]

    hill = outline(curves[0])
    ends = [(max(low, LEAST), high, OUTSIDE)]
    ends += [(quantiles[0], quantiles[-1], EIGHT_OF_TEN), (quantiles[1], quantiles[-2], MIDDLE_HALF)]
    for left, right, colour in ends:
        heights = np.interp([left, right], pay, curves[0])
        inside = [point for point in hill if place(left) < point[0] < place(right)]
        corners = [
            (place(x), bottom - HILL * y / highest)
            for x, y in zip((left, right), heights.tolist(), strict=True)
        ]
        shape = [(place(left), bottom), corners[0], *inside, corners[1], (place(right), bottom)]
        canvas.polygon(shape, colour)
    if before:
        canvas.line(outline(curves[1]), ORANGE, 2)
        canvas.dashes((place(before[MEDIAN]), bottom), (place(before[MEDIAN]), top + TITLE - 8), ORANGE)
    median = place(quantiles[MEDIAN])
    canvas.line([(median, bottom), (median, top + TITLE - 8)], INK, 3)
    _label_medians(
        canvas, top + TITLE - 26, median, quantiles, place(before[MEDIAN]) if before else None, before
    )
    _draw_axis(canvas, bottom, low, high)
    bars = [("middle half", 1, MIDDLE_HALF), ("8 of 10", 0, EIGHT_OF_TEN)]
    for number, (name, end, colour) in enumerate(bars):
        middle = bottom + AXIS + BAND * (number + 0.5)
        left, right = place(quantiles[end]), place(quantiles[-1 - end])
        canvas.bar(left, middle - 15, right, middle + 15, colour)
        canvas.text(left - 8, middle, dollars(quantiles[end]), INK, SMALL, "rm")
        highest_of_them = dollars(quantiles[-1 - end])
        if right - left > text_width(name, SMALL) + 12:
            canvas.text((left + right) / 2, middle, name, INK, SMALL, "mm")
            canvas.text(right + 8, middle, highest_of_them, INK, SMALL, "lm")
        else:
            canvas.text(right + 8, middle, f"{highest_of_them} ({name})", INK, SMALL, "lm")


def _range(people: Sequence[Sequence[float]], levels: Sequence[float]) -> tuple[float, float]:
    """Return the pay at the two ends of the axis: nearly all people, and room for the figures at the bars."""
    ends = [amounts(0.015, 0.975, quantiles, levels) for quantiles in people]
    low, high = min(float(end[0]) for end in ends), max(float(end[1]) for end in ends)
    label = (text_width("$888,888", SMALL) + 12) / (WIDTH - 2 * MARGIN)
    for quantiles in people:
        low = min(low, quantiles[0] - label * (high - low) * 1.2)
        high = max(high, quantiles[-1] + label * (high - low) * 1.2)
    return low, high


def _label_medians(
    canvas: Canvas,
    y: float,
    median: float,
    quantiles: Sequence[float],
    earlier: float | None,
    before: Sequence[float] | None,
) -> None:
    """Write the median above its line, and the earlier one on the side where it is."""
    text = dollars(quantiles[MEDIAN])
    if earlier is None or before is None:
        canvas.text(median, y, text, INK, TEXT, "mm")
        return
    first = f"before: {dollars(before[MEDIAN])}"
    if median >= earlier:
        canvas.text(max(median - 4, MARGIN), y, text, INK, TEXT, "lm")
        canvas.text(max(earlier + 4, MARGIN + text_width(first, SMALL)), y, first, ORANGE, SMALL, "rm")
    else:
        canvas.text(max(median + 4, MARGIN + text_width(text)), y, text, INK, TEXT, "rm")
        canvas.text(max(earlier - 4, MARGIN), y, first, ORANGE, SMALL, "lm")


def _draw_axis(canvas: Canvas, y: float, low: float, high: float) -> None:
    canvas.line([(MARGIN, y), (WIDTH - MARGIN, y)], FAINT, 1)
    for tick in ticks(max(0.0, low), high, 8):
        x = MARGIN + (WIDTH - 2 * MARGIN) * (tick - low) / (high - low)
        if MARGIN + 20 < x < WIDTH - MARGIN - 20:
            canvas.line([(x, y), (x, y + 6)], FAINT, 1)
            canvas.text(x, y + 24, f"{tick / 1000:.0f}k" if tick else "0", FAINT, SMALL, "mm")


def _draw_steps(
    canvas: Canvas, top: float, steps: Mapping[str, float], baseline: float, estimate: float
) -> None:
    """Draw the waterfall: from somebody unknown, one input after the other, to the estimate."""
    canvas.text(MARGIN, top, "How it came about: what each thing you said added or took", FAINT, SMALL)
    order = sorted(steps.items(), key=lambda step: -abs(step[1]))
    levels = [baseline]
    for _, amount in order:
        levels.append(levels[-1] + amount)
    label = text_width("+$888,888", SMALL) + 16
    left, right = MARGIN + NAMES + label, WIDTH - MARGIN - label
    low, high = min(levels), max(levels)
    span = max(high - low, 1.0)

    def place(pay: float) -> float:
        return left + (right - left) * (pay - low) / span

    rows = [
        ("Somebody unknown", baseline),
        *((name, 0.0) for name, _ in order),
        ("You: the estimate", estimate),
    ]
    for number, (name, total) in enumerate(rows):
        middle = top + TITLE - 36 + ROW * (number + 0.5)
        is_total = number in (0, len(rows) - 1)
        canvas.text(MARGIN, middle, fitted(name, NAMES - 10), INK if is_total else FAINT, TEXT)
        if number < len(rows) - 1:  # down to the next step
            x = place(levels[number])
            canvas.dashes((x, middle), (x, middle + ROW), GRID, dash=4)
        if is_total:
            x = place(total)
            canvas.circle(x, middle, 8, INK)
            _beside(canvas, x - 8, x + 8, middle, dollars(total), INK, fits=x + 8 + label < WIDTH)
            continue
        amount = order[number - 1][1]
        start, end = sorted((place(levels[number - 1]), place(levels[number])))
        canvas.bar(start, middle - 14, end, middle + 14, GREEN if amount >= 0 else ORANGE)
        signed = f"{'+' if amount >= 0 else '−'}{dollars(abs(amount))}"
        _beside(canvas, start, end, middle, signed, GREEN if amount >= 0 else ORANGE, fits=amount >= 0)


def _beside(
    canvas: Canvas,
    left: float,
    right: float,
    middle: float,
    text: str,
    colour: tuple[int, int, int],
    *,
    fits: bool,
) -> None:
    """Write a figure to the right of its bar, or to the left where it went down."""
    if fits:
        canvas.text(right + 10, middle, text, colour, SMALL, "lm")
    else:
        canvas.text(left - 10, middle, text, colour, SMALL, "rm")
