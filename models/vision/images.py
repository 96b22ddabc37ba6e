"""Opening pictures that strangers upload: odd ones rightly, hostile ones not at all.

The file's name and its claimed type are never looked at. The checks come in the order of their price: the
size of the file, its header, the number of pixels, and only then the decoding.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
import pillow_heif
from PIL import ExifTags, Image, UnidentifiedImageError

from models.predictor import InvalidInput

MAX_BYTES = 10 * 1024 * 1024
"""Discord's limit for an upload without a subscription."""
MAX_PIXELS = 50_000_000
"""A telephone's largest pictures. Decoded they take up to 200 MB."""
MAX_PIXELS_JPEG = 200_000_000
"""A baseline JPEG may be larger, since it is decoded at a reduced size to begin with."""
MAX_JPEG_SCANS = 100
"""A progressive JPEG has about ten. Each is a pass over all pixels, and a hostile file could have
thousands."""
MIN_SIDE = 8
MAX_ELONGATION = 10
"""A picture more elongated than this loses its ends, which the network would not see anyway."""
WORKING_SIDE = 2048
"""The shorter side that is enough. Only pictures of at least twice this are reduced, so all others keep every
pixel for the network's own resizing, whose result the accuracy depends on."""

# The only ones tried. Pillow knows formats that are programs: for EPS it would start Ghostscript.
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "TIFF", "BMP")
_KNOWN = "I know JPEG, PNG, GIF, WebP, AVIF, HEIC, TIFF and BMP"

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each value of the EXIF orientation."""

pillow_heif.register_heif_opener()


def open_picture(data: bytes) -> Image.Image:
    """Decode an uploaded file into an upright RGB picture.

    Of an animation or a file with several pages this is the first picture. What is transparent becomes white.
    Colour profiles are left aside, as they were when the network learned.

    Raises:
        InvalidInput: it is no picture, a damaged one, or one of a size that cannot be used.
    """
    if not data:
        raise InvalidInput("That file is empty.")
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"That file is larger than {MAX_BYTES // 2**20} MB, the most that I can take.")
    with warnings.catch_warnings():
        # Pillow warns of oddities in damaged files. Whether we can use them is decided here.
        warnings.simplefilter("ignore")
        picture = _read_header(data)
        _check_size(picture, data)
        try:
            # Lets the JPEG decoder leave out detail: 12,000 × 9,000 pixels then take 20 MB instead of 800.
            picture.draft("RGB", (WORKING_SIDE, WORKING_SIDE))
            picture.load()
            opened = _cut_to_middle(_to_rgb(_turn_upright(_reduce(picture))))
        except MemoryError:
            raise InvalidInput("That picture is too large for my memory.") from None
        except Exception as error:  # see _read_header
            raise InvalidInput(
                f"That {picture.format} picture is damaged or breaks off: I could not read all of it."
            ) from error
    # Where and when it was taken is nobody's business, and Pillow would write some of it into new files.
    opened.info.clear()
    return opened


def _read_header(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError:
        raise InvalidInput(f"That file is not a picture that I can read. {_KNOWN}.") from None
    except Image.DecompressionBombError:
        raise InvalidInput("That picture has far more pixels than I can open.") from None
    except Exception as error:  # the decoders raise errors of many types when bytes are hostile
        raise InvalidInput("That picture is damaged: I could not read how it begins.") from error


def _check_size(picture: Image.Image, data: bytes) -> None:
    width, height = picture.size
    if min(width, height) < MIN_SIDE:
        raise InvalidInput(
            f"That picture is {width} × {height} pixels, too small to recognise anything: "
            f"I need at least {MIN_SIDE} each way."
        )
    is_jpeg = picture.format in ("JPEG", "MPO")
    progressive = is_jpeg and "progressive" in picture.info
    # A progressive JPEG keeps all its coefficients in memory, whatever size it is decoded at.
    limit = MAX_PIXELS_JPEG if is_jpeg and not progressive else MAX_PIXELS
    if width * height > limit:
        raise InvalidInput(
            f"That picture is {width:,} × {height:,} pixels, more than I can open. "
            f"Please make it smaller than {limit // 1_000_000} megapixels."
        )
    if progressive and data.count(b"\xff\xda") > MAX_JPEG_SCANS:
        raise InvalidInput("That JPEG picture is built in a way that takes too long to read.")


def _reduce(picture: Image.Image) -> Image.Image:
    """Average whole blocks of pixels into one where there are far more of them than anything here can use."""
    factor = min(picture.size) // WORKING_SIDE
    if factor < 2:
        return picture
    if picture.mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        picture = _to_rgb(picture)
    return picture.reduce(factor)


def _turn_upright(picture: Image.Image) -> Image.Image:
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # damaged metadata, of which any type of error may come, spoils no picture
        return picture
    if orientation not in _UPRIGHT:
        return picture
    return picture.transpose(_UPRIGHT[orientation])


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith(("I", "F")):
        picture = _to_eight_bits(picture)
    if picture.has_transparency_data:
        # Hidden pixels may hold anything, so they must not show.
        layer = picture.convert("RGBA")
        picture = Image.new("RGBA", picture.size, "white")
        picture.alpha_composite(layer)
    return picture.convert("RGB")


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    """Scale the grey values of a scientific picture; Pillow's own conversion clips them to white."""
    grey = np.asarray(picture, dtype=np.float32)
    if picture.mode.startswith("I;16"):
        return Image.fromarray((grey / 257).astype(np.uint8))
    # Of 32-bit values nobody knows which is white, so the brightest one is.
    grey = np.nan_to_num(grey, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(grey.min()), float(grey.max())
    return Image.fromarray(((grey - low) * (255 / ((high - low) or 1.0))).clip(0, 255).astype(np.uint8))


def _cut_to_middle(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    longest = MAX_ELONGATION * min(width, height)
    left, top = max(0, (width - longest) // 2), max(0, (height - longest) // 2)
    if left == top == 0:
        return picture
    return picture.crop((left, top, width - left, height - top))
