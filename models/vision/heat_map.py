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
_OPACITY = 0.72
"""Of the colour at the hottest place."""

# matplotlib's "inferno" (CC0) at equal distances: its lightness rises evenly, for colour-blind eyes too.
_COLOURS = np.array(
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
    ],
    dtype=np.float32,
)


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
        self._photograph = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        self._box = (
            round(seen.left * width),
            round(seen.top * height),
            max(round(seen.right * width), round(seen.left * width) + 1),
            max(round(seen.bottom * height), round(seen.top * height) + 1),
        )

    def paint(self, activation: NDArray[np.float32]) -> bytes:
        """Return a JPEG of the photograph, glowing where ``activation`` (H, W) is high."""
        left, top, right, bottom = self._box
        crop = ImageEnhance.Color(self._photograph.crop(self._box)).enhance(_SATURATION)
        photograph = np.asarray(crop, dtype=np.float32)
        heat = _enlarge(activation, crop.size)  # (height, width)
        steps = np.linspace(0.0, 1.0, len(_COLOURS))
        glow = np.stack([np.interp(heat, steps, channel) for channel in _COLOURS.T], axis=-1)
        opacity = _OPACITY * heat[..., None]
        blended = photograph * (1 - opacity) + glow * opacity  # (height, width, 3)
        canvas = ImageEnhance.Brightness(self._photograph).enhance(_DIMMED)
        canvas.paste(Image.fromarray(blended.clip(0, 255).astype(np.uint8)), (left, top))
        if crop.size != canvas.size:
            ImageDraw.Draw(canvas).rectangle((left, top, right - 1, bottom - 1), outline=(235, 235, 235))
        return _jpeg(canvas)

    def plain(self) -> bytes:
        """Return a JPEG of the photograph alone, for a network that has no map to show."""
        return _jpeg(self._photograph)


def _enlarge(activation: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return ``activation`` in a photograph's size (width, height), smoothly, its maximum at 1."""
    highest = float(activation.max())
    if highest <= 0:
        return np.zeros(size[::-1], dtype=np.float32)
    enlarged = Image.fromarray(activation / highest).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(enlarged).clip(0, 1)


def _jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
