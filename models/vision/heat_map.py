"""Painting heat maps: the photograph, glowing where the network found what speaks for a class."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_SIDE = 768
JPEG_QUALITY = 85
_DIMMED = 0.4
"""Brightness of what the network did not see."""
_SATURATION = 0.45
"""Of the photograph under the glow: a red cup must not look hot."""
_OPACITIES = [round(0.72 * heat) for heat in range(256)]
"""Of the colour: the hottest place still lets the photograph through."""
_FRAME = (235, 235, 235)

# matplotlib's "inferno" (CC0) at equal distances: its lightness rises evenly, for colour-blind eyes too.
_ANCHORS = np.array(
    [
        (0, 0, 4),
        (31, 12, 72),
        (85, 15, 109),
        (136, 34, 106),
        (186, 54, 85),
        (227, 89, 51),
        (249, 140, 10),
        (249, 201, 50),
        (252, 255, 164),
    ]
)
_COLOURS = np.stack(
    [np.interp(np.arange(256), np.linspace(0, 255, len(_ANCHORS)), channel) for channel in _ANCHORS.T],
    axis=-1,
).astype(np.uint8)  # (256, 3)


class Region(NamedTuple):
    """A rectangle of a picture, as fractions of its width and height."""

    left: float
    top: float
    right: float
    bottom: float


def seen_region(size: tuple[int, int], processor: Any) -> Region:
    """Return what an image processor leaves of a picture of this size (width, height).

    Processors that resize the shorter side and crop the middle see a square of it, all others all of it.
    """
    shortest_edge = getattr(processor.size, "shortest_edge", None)
    if not (shortest_edge and processor.do_center_crop):
        return Region(0.0, 0.0, 1.0, 1.0)
    scale = shortest_edge / min(size)
    # The same whole pixels as the processor's.
    width, height = (int(side * scale) for side in size)
    left = max(0, (width - processor.crop_size.width) // 2) / width
    top = max(0, (height - processor.crop_size.height) // 2) / height
    return Region(
        left,
        top,
        min(1.0, left + processor.crop_size.width / width),
        min(1.0, top + processor.crop_size.height / height),
    )


class HeatMapPainter:
    """Lays heat maps of different classes on one photograph."""

    def __init__(self, picture: Image.Image, seen: Region) -> None:
        """Reduce the photograph to at most ``LONGEST_SIDE``; ``seen`` is what the network was given."""
        scale = min(1.0, LONGEST_SIDE / max(picture.size))
        width, height = (max(1, round(side * scale)) for side in picture.size)
        photograph = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        left, top = round(seen.left * width), round(seen.top * height)
        right = max(left + 1, round(seen.right * width))
        bottom = max(top + 1, round(seen.bottom * height))
        self._box = (left, top, right, bottom)
        self._photograph = photograph
        self._around = ImageEnhance.Brightness(photograph).enhance(_DIMMED)
        self._within = ImageEnhance.Color(photograph.crop(self._box)).enhance(_SATURATION)

    def paint(self, activation: NDArray[np.float32]) -> bytes:
        """Return a JPEG of the photograph, glowing where ``activation`` (H, W) is high."""
        heat = _enlarge(activation, self._within.size)
        glow = Image.fromarray(_COLOURS[np.asarray(heat)])
        left, top, right, bottom = self._box
        canvas = self._around.copy()
        canvas.paste(Image.composite(glow, self._within, heat.point(_OPACITIES)), (left, top))
        if self._within.size != canvas.size:
            ImageDraw.Draw(canvas).rectangle((left, top, right - 1, bottom - 1), outline=_FRAME)
        return _jpeg(canvas)

    def plain(self) -> bytes:
        """Return a JPEG of the photograph alone, for a network that has no map to show."""
        return _jpeg(self._photograph)


def _enlarge(activation: NDArray[np.float32], size: tuple[int, int]) -> Image.Image:
    """Return ``activation`` as a smooth grey picture of this size (width, height), its maximum white."""
    highest = float(activation.max())
    if highest <= 0:
        return Image.new("L", size)
    # Enlarged in floating point: eight bits of a 9 x 9 map would show as steps.
    enlarged = Image.fromarray(activation / highest).resize(size, Image.Resampling.BICUBIC)
    return Image.fromarray((np.asarray(enlarged) * 255).clip(0, 255).astype(np.uint8))


def _jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
