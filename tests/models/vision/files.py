"""Picture files for tests, as bytes."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image


def encode(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the picture as a file of this format."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def split_picture(left: str = "red", right: str = "blue", size: tuple[int, int] = (64, 32)) -> Image.Image:
    """Return a picture whose halves have two colours, so that turning and mirroring show."""
    picture = Image.new("RGB", size, left)
    picture.paste(right, (size[0] // 2, 0, *size))
    return picture


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    return Image.fromarray(values.astype(np.uint8))


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_without_pixels(width: int, height: int) -> bytes:
    """Return a PNG file that claims a size and holds nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b"")
    )


def with_png_chunk(png: bytes, kind: bytes, data: bytes) -> bytes:
    """Insert a chunk behind a PNG's header."""
    end_of_header = 8 + 25
    return png[:end_of_header] + png_chunk(kind, data) + png[end_of_header:]
