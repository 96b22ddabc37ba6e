"""Draw the salary network at work: signals that run forward, blame that runs back, and the next guess."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from PIL import Image

from models.salary.anatomy import ASIDE, THROUGH_TRUNK, Edge, Trace
from models.salary.canvas import (
    BLUE,
    FAINT,
    GREEN,
    GRID,
    INK,
    MARGIN,
    ORANGE,
    PAPER,
    WIDTH,
    Canvas,
    Colour,
    Point,
    between,
    dollars,
    fitted,
    text_width,
)

HEIGHT = 680
TOP, BOTTOM = 118, 470  # of the columns of circles
INPUTS, HIDDEN, OUTPUTS = 330, (455, 575, 695), 815  # where the columns stand
RADIUS = 13
TEXT, SMALL, CAPTION = 26, 21, 17  # font sizes
MEDIAN = 2
GOLD: Colour = (255, 205, 96)
NAMES_OF_OUTPUTS = ("10%", "25%", "50%", "75%", "90%")

STAGES = ("inputs", "layer 1", "layer 2", "layer 3", "guess", "error", "blame 3", "blame 2", "blame", "step")
"""The frames of the animation, in order."""
STILLS = {
    "1 · What goes in": "inputs",
    "2 · What lights up": "layer 3",
    "3 · The guess": "guess",
    "4 · Who is to blame": "blame",
    "5 · One step of learning": "step",
}
"""The stages at which one can stop."""
TITLES = {
    "inputs": "1 · What goes in",
    "layer 1": "2 · What lights up",
    "layer 2": "2 · What lights up",
    "layer 3": "2 · What lights up",
    "guess": "3 · The guess",
    "error": "4 · How far off?",
    "blame 3": "4 · Who is to blame? Going back …",
    "blame 2": "4 · Who is to blame? Going back …",
    "blame": "4 · Who is to blame",
    "step": "5 · One step of learning",
}
COLUMNS = 4
"""Gaps between the columns: inputs, three hidden layers, outputs."""
BLAMED_FROM = {"blame 3": 3, "blame 2": 2, "blame": 0, "step": 0}
SECONDS = {"inputs": 1.8, "layer 3": 2.2, "guess": 2.4, "error": 2.4, "blame": 4.0, "step": 5.0}
"""How long a frame of the animation stands; the others are on their way."""
ON_THE_WAY = 0.7


def draw(
    stage: str, trace: Trace, before: Sequence[float], after: Sequence[float], pay: float
) -> Image.Image:
    """Return a picture of the network at one of the ``STAGES``.

    Args:
        stage: how far the signals, or the blame, have come.
        trace: what runs through the network.
        before: quantiles of pay in dollars as the network guesses them [5].
        after: the same after the step [5].
        pay: the true one, in dollars.
    """
    canvas = Canvas(HEIGHT)
    canvas.text(MARGIN, 40, TITLES[stage], INK, TEXT)
    place = STAGES.index(stage)
    lit = min(place, COLUMNS)  # gaps between columns that the signals have crossed
    blamed = BLAMED_FROM.get(stage, COLUMNS)  # the first gap that the blame has crossed on its way back
    going_back = blamed < COLUMNS
    columns = list(_columns(trace))
    for number, (edges, start, end) in enumerate(columns):
        for edge in sorted(edges, key=lambda edge: edge.blame if going_back else edge.signal):
            _draw_edge(
                canvas,
                edge,
                (start[edge.start], end[edge.end]),
                forward=number < lit,
                back=number >= blamed,
                changing=stage == "step",
            )
    # What a step has changed is drawn of the layers alone.
    _draw_asides(canvas, trace, lit == COLUMNS, blamed == 0 and stage != "step")
    _draw_inputs(canvas, trace, stage)
    for number, layer in enumerate(trace.hidden):
        shown = number + 1 >= blamed
        lights = layer.blames if shown else layer.lights if number < lit else [0.0] * len(layer.lights)
        colour = ORANGE if shown else GOLD
        for light, (x, y) in zip(lights, _places(HIDDEN[number], len(lights)), strict=True):
            canvas.circle(x, y, RADIUS, between(PAPER, colour, light), between(GRID, colour, light))
        caption = f"{layer.lit} of {layer.size} lit" if number < lit else f"{layer.size} circles"
        if shown:
            caption = f"blame {percent(trace.blame[f'layer {number + 1}'])}"
        canvas.text(HIDDEN[number], TOP - 34, caption, ORANGE if shown else FAINT, CAPTION, "mm")
    values = after if stage == "step" else before
    _draw_outputs(canvas, values if lit == COLUMNS else None, trace.blame["output"] if going_back else None)
    if stage == "step":
        _draw_key(canvas)
    if place >= STAGES.index("error"):
        _draw_scale(canvas, before[MEDIAN], after[MEDIAN] if stage == "step" else None, pay)
    else:
        canvas.text(MARGIN, HEIGHT - 40, _forward_note(stage), FAINT, SMALL)
    return canvas.image()


def percent(share: float) -> str:
    """Return a share with a decimal where it is small."""
    return f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}"


def animate(frames: Sequence[Image.Image], palette: Image.Image) -> bytes:
    """Return a GIF of the ``STAGES``, over and over, in the colours of ``palette``."""
    first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    durations = [round(1000 * SECONDS.get(stage, ON_THE_WAY)) for stage in STAGES]
    file = io.BytesIO()
    first.save(
        file,
        "GIF",
        save_all=True,
        append_images=others,
        duration=durations,
        loop=0,
        optimize=False,
        disposal=1,
    )
    return file.getvalue()


def _columns(trace: Trace) -> Iterator[tuple[Sequence[Edge], list[Point], list[Point]]]:
    """Return the lines between each two columns, and where the circles of both stand."""
    before = _input_places()[: len(THROUGH_TRUNK)]
    for layer, x in zip(trace.hidden, HIDDEN, strict=True):
        here = _places(x, len(layer.lights))
        yield layer.incoming, before, here
        before = here
    yield trace.outgoing, before, _output_places()


def _places(x: float, count: int) -> list[Point]:
    return [(x, TOP + (BOTTOM - 110 - TOP) * number / (count - 1)) for number in range(count)]


def _input_places() -> list[Point]:
    count = len(THROUGH_TRUNK) + len(ASIDE)
    return [(INPUTS, TOP + (BOTTOM - TOP) * number / (count - 1)) for number in range(count)]


def _output_places() -> list[Point]:
    return [(OUTPUTS, TOP + 14 + 52 * number) for number in range(len(NAMES_OF_OUTPUTS))]


def _draw_edge(
    canvas: Canvas, edge: Edge, ends: tuple[Point, Point], *, forward: bool, back: bool, changing: bool
) -> None:
    if back and edge.blame:
        colour = (GREEN if edge.grows else ORANGE) if changing else ORANGE
        canvas.line(ends, between(PAPER, colour, 0.35 + 0.65 * edge.blame), 1.5 + 5 * edge.blame)
    elif forward and not back and edge.signal:
        canvas.line(ends, between(PAPER, BLUE, 0.3 + 0.7 * edge.signal), 1 + 2.5 * edge.signal)


def _draw_asides(canvas: Canvas, trace: Trace, reached: bool, blamed: bool) -> None:
    """Draw the way of promotions and university, which add to the median past all layers."""
    for number, name in enumerate(ASIDE, start=len(THROUGH_TRUNK)):
        if not trace.said[number]:
            continue
        x, y = _input_places()[number]
        colour = between(PAPER, BLUE, 0.8) if reached else GRID
        if blamed:
            colour = between(PAPER, ORANGE, 0.35 + 0.65 * trace.blame[name])
        width = 2 + (5 * trace.blame[name] if blamed else 0)
        canvas.line([(x, y), (HIDDEN[-1] + 20, y), _output_places()[MEDIAN]], colour, width)


def _draw_inputs(canvas: Canvas, trace: Trace, stage: str) -> None:
    blaming = stage in ("blame", "step")
    for number, (x, y) in enumerate(_input_places()):
        name = (*THROUGH_TRUNK, *ASIDE)[number]
        said = trace.said[number]
        share = percent(trace.blame[name]) if blaming else ""
        room = INPUTS - RADIUS - 12 - MARGIN / 2 - (text_width("0.0%", CAPTION) + 12 if blaming else 0)
        right: float = INPUTS - RADIUS - 12
        if share:
            canvas.text(right, y, share, ORANGE, CAPTION, "rm")
            right -= text_width("0.0%", CAPTION) + 12
        canvas.text(right, y, fitted(trace.inputs[number], room, SMALL), INK if said else FAINT, SMALL, "rm")
        light = between(PAPER, GOLD, 0.95 if said else 0.12)
        canvas.circle(x, y, RADIUS, light, between(GRID, GOLD, 1.0 if said else 0.2))


def _draw_outputs(canvas: Canvas, values: Sequence[float] | None, blame: float | None) -> None:
    for number, (x, y) in enumerate(_output_places()):
        middle = number == MEDIAN
        lit = values is not None
        canvas.circle(x, y, RADIUS, between(PAPER, GOLD, (1.0 if middle else 0.55) if lit else 0.0), FAINT)
        text = NAMES_OF_OUTPUTS[number] if values is None else dollars(values[number])
        canvas.text(x + RADIUS + 12, y, text, INK if middle else FAINT, TEXT if middle else SMALL, "lm")
    if blame is not None:
        canvas.text(OUTPUTS - RADIUS, TOP - 34, f"blame {percent(blame)}", ORANGE, CAPTION)
    else:
        canvas.text(OUTPUTS - RADIUS, TOP - 34, "what comes out", FAINT, CAPTION)


def _draw_key(canvas: Canvas) -> None:
    """Tell what the colours of changing weights mean."""
    x = float(WIDTH - MARGIN)
    for text, colour in (("less", ORANGE), ("lets more through", GREEN)):
        canvas.text(x, 40, text, FAINT, CAPTION, "rm")
        x -= text_width(text, CAPTION) + 12
        canvas.line([(x - 34, 40), (x, 40)], colour, 5)
        x -= 34 + 24


def _forward_note(stage: str) -> str:
    if stage == "inputs":
        return "What was said becomes numbers; what was not said is “not known”."
    if stage == "guess":
        return "Half of the people like this earn more than the number in the middle, half less."
    return "The brighter a circle, the stronger its signal. Only the strongest are drawn."


def _draw_scale(canvas: Canvas, guess: float, next_guess: float | None, pay: float) -> None:
    """Draw the guess, the pay and the way between them, with the next guess on it."""
    y, left, right = HEIGHT - 90, MARGIN + 110, WIDTH - MARGIN - 110
    low, high = min(guess, pay, next_guess or pay), max(guess, pay, next_guess or pay)
    span = max(high - low, 1.0)

    def place(amount: float) -> float:
        return left + (right - left) * (amount - low) / span

    start, end = place(guess), place(pay)
    canvas.line([(left, y), (right, y)], GRID, 6)
    canvas.line([(start, y), (end, y)], between(PAPER, ORANGE, 0.6), 6)
    if next_guess is not None:
        canvas.line([(start, y), (place(next_guess), y)], GREEN, 8)
        canvas.circle(place(next_guess), y, 9, GREEN)
        text = f"next guess {dollars(next_guess)}, {dollars(abs(next_guess - guess))} nearer"
        half = text_width(text, SMALL) / 2
        middle = min(max(place(next_guess), MARGIN + half), WIDTH - MARGIN - half)
        canvas.text(middle, y - 30, text, GREEN, SMALL, "mm")
    else:
        far = f"{dollars(abs(pay - guess))} off"
        canvas.text((start + end) / 2, y - 30, far, ORANGE, TEXT, "mm")
    canvas.circle(start, y, 10, GOLD)
    canvas.circle(end, y, 10, INK)
    canvas.text(start, y + 34, f"guess {dollars(guess)}", GOLD, SMALL, "mm")
    canvas.text(end, y + 34, f"your pay {dollars(pay)}", INK, SMALL, "mm")
