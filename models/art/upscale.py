"""Pictures larger than the network paints them, and as files."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageFilter

from models.art.data import Pixels

FRAME_MILLISECONDS = 70
QUALITIES = (85, 70, 55, 40, 25)
"""Of animations, tried until one is small enough."""


def enlarge(pixels: Pixels, side: int) -> Image.Image:
    """Return a picture [size, size, 3] with ``side`` pixels across.

    Doubled step by step with Lanczos, each step a little sharpened: edges stay edges, and no grid of pixels shows.
    What is larger already is reduced.
    """
    picture = Image.fromarray(pixels)
    while picture.width < side:
        step = min(2 * picture.width, side)
        picture = picture.resize((step, step), Image.Resampling.LANCZOS)
        picture = picture.filter(ImageFilter.UnsharpMask(radius=1.5, percent=50, threshold=0))
    return picture if picture.width == side else picture.resize((side, side), Image.Resampling.LANCZOS)


def as_webp(picture: Image.Image) -> bytes:
    """Return the file of a picture."""
    file = BytesIO()
    picture.save(file, "WEBP", quality=92)
    return file.getvalue()


def as_loop(pictures: Sequence[Image.Image], most_bytes: int) -> bytes:
    """Return an animated WebP that plays for ever, in the best quality of ``QUALITIES`` that fits.

    Raises:
        ValueError: none fits.
    """
    first, *rest = pictures
    for quality in QUALITIES:
        file = BytesIO()
        first.save(
            file,
            "WEBP",
            save_all=True,
            append_images=rest,
            duration=FRAME_MILLISECONDS,
            loop=0,
            quality=quality,
        )
        if file.tell() <= most_bytes:
            return file.getvalue()
    raise ValueError(f"{len(pictures)} pictures of {first.width} pixels do not fit in {most_bytes:,} bytes")
