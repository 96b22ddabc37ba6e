"""The replay of a training: ``python -m models.art.replay --run OUT --out models/art/weights/replay.webp``.

The same latents from noise to painting, and beside them how the fight went. It is made once, from what
``models.art.train`` has left in ``OUT``, and shipped with the weights.
"""

from __future__ import annotations

import argparse
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from PIL import Image, ImageDraw

from models.art.frames import GOLD
from models.art.train import REPLAYED, Report
from models.drawing import FAINT, INK, PAPER, font

MOST_BYTES = 3_000_000
QUALITIES = (80, 65, 50, 35, 20)
MOST_FRAMES = 72
SIDE = 480
"""Of the pictures together, and of the charts beside them, in pixels."""
TITLE = 44  # pixels
GAP = 4
FIRST, EACH, LAST = 1200, 110, 3000
"""Milliseconds for which frames stand."""
COUNTERFEITER, CASHIER, DISTANCE = "#ff8c42", "#5b9cf0", "#58b066"


@dataclass(frozen=True)
class Frame:
    """What the same latents had become at one moment."""

    minutes: float
    pictures: tuple[Image.Image, ...]


def main(arguments: list[str] | None = None) -> None:
    """Read a run, draw, and write the animation."""
    parser = argparse.ArgumentParser(prog="python -m models.art.replay", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="the --out of the training")
    parser.add_argument("--out", type=Path, required=True, help="the animation, a WebP file")
    options = parser.parse_args(arguments)
    frames, reports = read_run(options.run)
    options.out.write_bytes(animate(draw(frames, reports)))


def read_run(run: Path) -> tuple[list[Frame], list[Report]]:
    """Return the frames and the reports of a training, in the order of time.

    Raises:
        OSError: there is no such run, or it has not come to its first report.
    """
    reports = [Report(**report) for report in json.loads((run / "reports.json").read_text())]
    frames = [_read_frame(path) for path in sorted((run / "replay").glob("*.webp"))]
    if not frames or not reports:
        raise OSError(f"{run} has no frames or no reports")
    # All of them would be too many after long trainings. The last one is kept.
    places = np.unique(np.linspace(0, len(frames) - 1, MOST_FRAMES).round().astype(int))
    return [frames[place] for place in places], reports


def _read_frame(path: Path) -> Frame:
    with Image.open(path) as opened:
        sheet = opened.convert("RGB")
    side = sheet.height // REPLAYED
    corners = [(x, y) for y in range(0, sheet.height, side) for x in range(0, sheet.width, side)]
    pictures = tuple(sheet.crop((x, y, x + side, y + side)) for x, y in corners)
    return Frame(float(path.stem), pictures)


def draw(frames: Sequence[Frame], reports: Sequence[Report]) -> list[Image.Image]:
    """Draw each frame: the pictures, the time, and the charts as far as they had come."""
    charts, columns, panels = _charts(reports, [frame.minutes for frame in frames])
    known = [0.0, *(report.minutes for report in reports)]
    seen = [0, *(report.pictures for report in reports)]
    drawn = []
    for frame, column in zip(frames, columns, strict=True):
        sheet = Image.new("RGB", (2 * SIDE, SIDE + TITLE), PAPER)
        sheet.paste(_together(frame.pictures), (0, TITLE))
        sheet.paste(charts, (SIDE, TITLE))
        pen = ImageDraw.Draw(sheet)
        now = SIDE + column
        for left, top, right, bottom in panels:
            # What is yet to come is covered.
            pen.rectangle((min(now, SIDE + right), TITLE + top, SIDE + right, TITLE + bottom), PAPER)
            pen.line((now, TITLE + top, now, TITLE + bottom), GOLD, 2)
            pen.rectangle((SIDE + left, TITLE + top, SIDE + right, TITLE + bottom), outline=FAINT)
        count = float(np.interp(frame.minutes, known, seen))
        pen.text((14, TITLE / 2), "The counterfeiter learns", INK, font(22), anchor="lm")
        words = f"{frame.minutes:.1f} min · {_rounded(count):,} looks at paintings"
        pen.text((2 * SIDE - 14, TITLE / 2), words, GOLD, font(22), anchor="rm")
        drawn.append(sheet)
    return drawn


def _together(pictures: Sequence[Image.Image]) -> Image.Image:
    """Lay pictures out as a square."""
    columns = math.ceil(len(pictures) ** 0.5)
    side = SIDE // columns
    square = Image.new("RGB", (SIDE, SIDE), PAPER)
    for number, picture in enumerate(pictures):
        small = picture.resize((side - GAP, side - GAP), Image.Resampling.LANCZOS)
        place = (number % columns * side + GAP // 2, number // columns * side + GAP // 2)
        square.paste(small, place)
    return square


def _rounded(count: float) -> int:
    """Return a count to two digits."""
    size: int = 10 ** max(0, len(str(int(count))) - 2)
    return round(count / size) * size


Panel = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


def _charts(
    reports: Sequence[Report], moments: Sequence[float]
) -> tuple[Image.Image, list[float], list[Panel]]:
    """Draw the curves whole. Return them, the pixels from the left at which moments lie, and where the panels are.

    Args:
        reports: what the curves show.
        moments: in minutes.
    """
    figure = Figure(figsize=(SIDE / 100, SIDE / 100), dpi=100, facecolor=_hex(PAPER))
    canvas = FigureCanvasAgg(figure)
    figure.subplots_adjust(left=0.13, right=0.96, top=0.92, bottom=0.1, hspace=0.36)
    losses, distance = figure.subplots(2, 1, sharex=True)
    times = [report.minutes for report in reports]
    for name, colour in (("generator_loss", COUNTERFEITER), ("discriminator_loss", CASHIER)):
        means = [getattr(report, name) for report in reports]  # each since the report before
        losses.plot([0.0, *times], [means[0], *means], colour, drawstyle="steps-pre")
    distance.plot(times, [max(report.kid, 1e-4) for report in reports], DISTANCE)
    distance.set_yscale("log")
    distance.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    distance.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    distance.yaxis.set_minor_locator(NullLocator())
    distance.set_xlabel("minutes of training", color=_hex(FAINT), labelpad=1)
    titles = ("losses", "distance to real paintings")
    for axes, title in zip((losses, distance), titles, strict=True):
        axes.set_title(title, color=_hex(INK), fontsize=11, loc="left")
        axes.set_facecolor(_hex(PAPER))
        # Most happens at first. matplotlib also asks where margins before the start would lie.
        axes.set_xscale("function", functions=(lambda minutes: np.sqrt(np.maximum(minutes, 0)), np.square))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(lambda minutes, _: f"{minutes:g}")
        axes.set_xlim(0, max(moments[-1], reports[-1].minutes))
        axes.tick_params(which="both", colors=_hex(FAINT), labelsize=8)
        for spine in axes.spines.values():
            spine.set_visible(False)
    for side, colour, label in ((1.0, CASHIER, "cashier"), (0.8, COUNTERFEITER, "counterfeiter")):
        losses.text(
            side, 1.04, label, color=colour, fontsize=10, ha="right", va="bottom", transform=losses.transAxes
        )
    canvas.draw()
    charts = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    columns = [float(losses.transData.transform((moment, 1.0))[0]) for moment in moments]
    boxes = [axes.get_window_extent() for axes in (losses, distance)]
    panels = [(round(box.x0), round(SIDE - box.y1), round(box.x1), round(SIDE - box.y0)) for box in boxes]
    return charts, columns, panels


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def animate(frames: Sequence[Image.Image]) -> bytes:
    """Return an animated WebP that plays for ever, in the best of ``QUALITIES`` that fits.

    Raises:
        ValueError: none fits.
    """
    first, *rest = frames
    for quality in QUALITIES:
        file = io.BytesIO()
        first.save(
            file,
            "WEBP",
            save_all=True,
            append_images=rest,
            duration=[FIRST, *[EACH] * (len(rest) - 1), LAST][: len(frames)],
            loop=0,
            quality=quality,
            method=6,
        )
        if file.tell() <= MOST_BYTES:
            return file.getvalue()
    raise ValueError(f"{len(frames)} frames do not fit in {MOST_BYTES:,} bytes")


if __name__ == "__main__":
    main()
