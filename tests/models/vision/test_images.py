"""Odd pictures are opened rightly, hostile ones are refused in plain words, and no bytes at all raise anything else."""

from __future__ import annotations

import contextlib
import struct
import zlib

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from models.predictor import InvalidInput
from models.vision import images
from models.vision.images import MAX_BYTES, MAX_ELONGATION, MAX_JPEG_SCANS, WORKING_SIDE, open_picture
from tests.models.vision.conftest import PICTURES
from tests.models.vision.files import encode, noise, png_without_pixels, split_picture, with_png_chunk

Colour = tuple[int, int, int]
RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def assert_looks_like(picture: Image.Image, expected: Image.Image, tolerance: float = 12) -> None:
    """The same size, and pixels that differ little on average."""
    assert picture.mode == "RGB"
    assert picture.size == expected.size
    difference = np.abs(np.asarray(picture, dtype=float) - np.asarray(expected, dtype=float))
    assert difference.mean() <= tolerance


def colours(picture: Image.Image) -> tuple[Colour, Colour]:
    """The colours in the middle of the left and of the right half."""
    width, height = picture.size
    pixels = np.asarray(picture)
    left, right = pixels[height // 2, width // 4], pixels[height // 2, 3 * width // 4]
    return (int(left[0]), int(left[1]), int(left[2])), (int(right[0]), int(right[1]), int(right[2]))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "TIFF", "BMP"])
def test_every_promised_format_opens(kind: str) -> None:
    original = split_picture(size=(128, 64))
    assert_looks_like(open_picture(encode(original, kind)), original)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_exif_orientation_is_undone(kind: str, orientation: int) -> None:
    stored = noise(6, 4).resize((96, 64), Image.Resampling.NEAREST)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(stored, kind, exif=exif.tobytes(), **({"quality": 100} if kind != "TIFF" else {}))
    tagged = stored.copy()
    tagged.getexif()[0x0112] = orientation
    assert_looks_like(open_picture(data), ImageOps.exif_transpose(tagged), tolerance=30)


def test_broken_exif_spoils_no_picture() -> None:
    data = encode(split_picture(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 40)
    assert open_picture(data).size == (64, 32)


def test_metadata_does_not_travel_on() -> None:
    exif = Image.Exif()
    exif[0x010E] = "at home"
    data = encode(split_picture(), "JPEG", exif=exif.tobytes(), comment=b"at home", xmp=b"at home")
    assert open_picture(data).info == {}


def test_16_bit_grey_is_scaled_and_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(32, axis=0)
    for kind in ("PNG", "TIFF"):
        row = np.asarray(open_picture(encode(Image.fromarray(ramp), kind)))[8, :, 0]
        np.testing.assert_allclose(row, np.arange(256), atol=1)


@pytest.mark.parametrize("kind", ["float32", "int32"])
def test_32_bit_tiff_is_stretched_from_its_darkest_to_its_brightest(kind: str) -> None:
    values = np.linspace(-500, 100_000, 256).astype(kind)[None].repeat(32, axis=0)
    row = np.asarray(open_picture(encode(Image.fromarray(values), "TIFF")))[8, :, 0]
    np.testing.assert_allclose(row, np.arange(256), atol=1)


def test_float_tiff_with_nothing_finite_is_black() -> None:
    values = np.full((16, 16), np.nan, dtype=np.float32)
    assert np.asarray(open_picture(encode(Image.fromarray(values), "TIFF"))).max() == 0


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "TIFF"), ("LA", "TIFF"), ("RGBA", "WEBP")]
)
def test_hidden_pixels_become_white(mode: str, kind: str) -> None:
    picture = Image.new("RGB", (64, 32), "black").convert(mode)
    alpha = Image.new("L", (64, 32), 0)
    alpha.paste(255, (32, 0, 64, 32))
    picture.putalpha(alpha)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    assert colours(open_picture(encode(picture, kind, **options))) == (WHITE, (0, 0, 0))


def test_palette_with_transparency_becomes_white_where_transparent() -> None:
    palette = split_picture().quantize(4)
    transparent = palette.getpixel((5, 5))
    for kind in ("PNG", "GIF"):
        left, right = colours(open_picture(encode(palette, kind, transparency=transparent)))
        assert left == WHITE
        assert right == BLUE


def test_palette_with_an_alpha_for_each_colour() -> None:
    palette = split_picture().quantize(2)
    alphas = bytes(0 if index == palette.getpixel((5, 5)) else 255 for index in range(2))
    assert colours(open_picture(encode(palette, "PNG", transparency=alphas))) == (WHITE, BLUE)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_colour_modes_keep_their_looks(mode: str) -> None:
    original = split_picture("black", "white")
    kind = {"CMYK": "JPEG", "YCbCr": "JPEG"}.get(mode, "PNG")
    assert_looks_like(open_picture(encode(original.convert(mode), kind)), original)


def test_lab_colours_of_print_are_understood() -> None:
    left, _ = colours(open_picture(encode(Image.new("LAB", (32, 32), (136, 208, 195)), "TIFF")))
    np.testing.assert_allclose(left, RED, atol=15)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "MPO", "AVIF", "HEIF"])
def test_of_several_pictures_the_first_counts(kind: str) -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "green", "blue")]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
    assert_looks_like(open_picture(data), frames[0])


def test_a_huge_jpeg_is_decoded_small() -> None:
    flat = Image.new("L", (12_000, 9_000), 200)
    data = encode(flat, "JPEG", quality=30)
    del flat
    before = psutil.Process().memory_info().rss
    picture = open_picture(data)
    assert psutil.Process().memory_info().rss - before < 200 * 2**20
    assert picture.size == (3000, 2250)


def test_a_large_png_is_reduced_but_stays_far_above_what_the_network_takes() -> None:
    data = encode(Image.new("RGB", (7_000, 5_000), "red"), "PNG")
    picture = open_picture(data)
    assert picture.size == (3500, 2500)
    assert min(picture.size) >= WORKING_SIDE


def test_an_ordinary_photograph_keeps_every_pixel() -> None:
    original = noise(1200, 1100)
    assert np.array_equal(
        np.asarray(open_picture(encode(original, "PNG", compress_level=1))), np.asarray(original)
    )


@pytest.mark.parametrize("size", [(4000, 8), (8, 4000)])
def test_a_strip_is_cut_to_its_middle(size: tuple[int, int]) -> None:
    strip = Image.new("RGB", size, "red")
    picture = open_picture(encode(strip, "PNG"))
    assert max(picture.size) == MAX_ELONGATION * min(size)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"x" * (MAX_BYTES + 1), "larger than 10 MB"),
        (b"hello, I am a text named cat.png", "not a picture that I can read. I know JPEG, PNG"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>', "not a picture"),
        (b"<!doctype html><title>cat.png</title>", "not a picture"),
        (b"%PDF-1.7\n", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\nshowpage\n", "not a picture"),
        (b"P6 64 64 255\n" + bytes(64 * 64 * 3), "not a picture"),
        (b"\0" * 1000, "not a picture"),
        (encode(Image.new("RGB", (1, 1)), "PNG"), "1 × 1 pixels, too small"),
        (encode(Image.new("RGB", (4000, 3)), "PNG"), "4000 × 3 pixels, too small"),
        (png_without_pixels(20_000, 20_000), "far more pixels than I can open"),
        (png_without_pixels(9_000, 9_000), "9,000 × 9,000 pixels, more than I can open"),
        (png_without_pixels(100, 100), "damaged"),
    ],
)
def test_refusals_name_their_reason(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        open_picture(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "TIFF", "BMP"])
def test_a_truncated_file_is_refused(kind: str) -> None:
    data = encode(noise(200, 150), kind)
    with pytest.raises(InvalidInput, match=r"damaged|not a picture"):
        open_picture(data[: len(data) // 2])


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_a_chunk_that_unpacks_to_gigabytes_is_refused_or_passed_over(kind: bytes) -> None:
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(200)) + packer.flush()
    data = with_png_chunk(encode(split_picture(), "PNG"), kind, b"name\0\0" + bomb)
    before = psutil.Process().memory_info().rss
    with contextlib.suppress(InvalidInput):
        open_picture(data)
    assert psutil.Process().memory_info().rss - before < 100 * 2**20


@pytest.mark.parametrize("kind", ["GIF", "BMP", "WEBP", "TIFF"])
def test_a_huge_canvas_is_refused_before_it_is_made(kind: str) -> None:
    data = bytearray(encode(Image.new("RGB", (64, 48)), kind))
    if kind == "GIF":  # logical screen
        data[6:10] = struct.pack("<HH", 60_000, 60_000)
    elif kind == "BMP":
        data[18:26] = struct.pack("<ii", 30_000, 30_000)
    elif kind == "WEBP":
        data = bytearray(encode(Image.new("RGB", (64, 48)), kind, lossless=True))
        sides = data.index(b"VP8L") + 9  # two numbers of 14 bits each, less one
        data[sides : sides + 4] = struct.pack("<I", 16_382 | 16_382 << 14 | data[sides + 3] >> 4 << 28)
    else:
        data = bytearray(
            data.replace(struct.pack("<HHII", 256, 4, 1, 64), struct.pack("<HHII", 256, 4, 1, 60_000))
        )
        data = bytearray(
            data.replace(struct.pack("<HHII", 257, 4, 1, 48), struct.pack("<HHII", 257, 4, 1, 60_000))
        )
    before = psutil.Process().memory_info().rss
    with pytest.raises(InvalidInput, match=r"more than I can open|more pixels than I can open|damaged"):
        open_picture(bytes(data))
    assert psutil.Process().memory_info().rss - before < 100 * 2**20


def test_a_progressive_jpeg_of_thousands_of_passes_is_refused() -> None:
    data = encode(split_picture(), "JPEG", progressive=True)
    last_pass = data[data.rindex(b"\xff\xda") : -2]
    hostile = data[:-2] + last_pass * (MAX_JPEG_SCANS + 1) + data[-2:]
    with pytest.raises(InvalidInput, match="takes too long"):
        open_picture(hostile)
    assert open_picture(data).size == (64, 32)


def test_a_progressive_jpeg_may_not_be_as_large_as_a_baseline_one() -> None:
    def claim(data: bytes, marker: bytes) -> bytes:
        at = data.index(marker) + 5  # marker, length, precision, then height and width
        return data[:at] + struct.pack(">HH", 9_000, 12_000) + data[at + 4 :]

    picture = split_picture()
    with pytest.raises(InvalidInput, match="12,000 × 9,000"):
        open_picture(claim(encode(picture, "JPEG", progressive=True), b"\xff\xc2"))
    assert open_picture(claim(encode(picture, "JPEG"), b"\xff\xc0")).size == (3000, 2250)


def test_too_little_memory_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_picture: Image.Image) -> Image.Image:
        raise MemoryError

    monkeypatch.setattr(images, "_to_rgb", fail)
    with pytest.raises(InvalidInput, match="memory"):
        open_picture(encode(split_picture(), "PNG"))


SEEDS = [
    *(
        encode(split_picture(), kind)
        for kind in ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "TIFF", "BMP")
    ),
    encode(split_picture(), "JPEG", progressive=True),
    encode(split_picture().quantize(4), "PNG", transparency=0),
    encode(Image.fromarray(np.zeros((16, 16), dtype=np.uint16)), "PNG"),
    encode(split_picture(), "TIFF", compression="tiff_lzw"),
    encode(split_picture(), "MPO", save_all=True, append_images=[split_picture()]),
    encode(split_picture(), "PNG", save_all=True, append_images=[split_picture("blue", "red")]),
    (PICTURES / "chelsea.jpg").read_bytes()[:3000],
]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    data=st.sampled_from(SEEDS),
    changes=st.lists(
        st.tuples(
            st.integers(min_value=0, max_value=10_000),
            st.integers(min_value=0, max_value=8),
            st.binary(max_size=8),
        ),
        max_size=12,
    ),
    cut=st.none() | st.integers(min_value=0, max_value=3_000),
)
def test_no_bytes_raise_anything_but_a_refusal(
    data: bytes, changes: list[tuple[int, int, bytes]], cut: int | None
) -> None:
    for position, length, replacement in changes:
        at = position % max(1, len(data))
        data = data[:at] + replacement + data[at + length :]
    with contextlib.suppress(InvalidInput):
        assert open_picture(data if cut is None else data[:cut]).mode == "RGB"
