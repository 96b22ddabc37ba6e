"""A picture on things: on a skateboard deck, drawn here, and as wallpapers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from models.art.frames import open_all
from models.art.predictor import MOST_SIDE, Spot
from models.art.studio import Sharing, paint
from models.predictor import InvalidInput

Form = Literal["deck", "desktop", "phone"]
WALLPAPERS: dict[Form, tuple[int, int]] = {"desktop": (2560, 1440), "phone": (1440, 2560)}
"""Width and height in pixels."""
WEAVE = 5.0
"""How far the threads of the canvas lighten and darken a wallpaper, in steps of 255."""
THREAD = 12
"""Pixels, to each side, along which a thread keeps its thickness."""

# The drawing of the decks, in pixels. They are drawn SHARP times larger: Pillow draws no half pixels.
SCENE = (1200, 1500)
DECK = (330, 1320)
"""Width and length: 8 x 32 inches, as sold."""
SHARP = 2
PRINT = 1.5
"""The side of the picture in widths of the deck."""
WALL, WALL_BELOW = (226, 221, 213), (196, 188, 178)
SHADOW = (30, 22, 14)
WOOD, METAL, DARK_METAL = (214, 170, 112), (196, 199, 205), (120, 124, 132)
WHEEL, HUB = (246, 240, 226), (216, 92, 60)


@dataclass(frozen=True, kw_only=True)
class PrintRequest:
    """Put a picture on something."""

    spot: Spot
    form: Form = "deck"


@dataclass(frozen=True, kw_only=True)
class Print:
    """A picture on something."""

    picture: bytes
    """A JPEG, which every telephone and every desktop takes for a wallpaper."""


class Printer(Sharing):
    """Paints a picture again in large, and puts it on things."""

    def predict(self, requests: Sequence[PrintRequest]) -> list[Print | InvalidInput]:
        """Answer every request, in order. One that cannot be used yields an ``InvalidInput``."""
        return [self._print(request) for request in requests]

    def _print(self, request: PrintRequest) -> Print | InvalidInput:
        painting = paint(self.networks, request.spot, side=1024 if request.form == "deck" else MOST_SIDE)
        if isinstance(painting, InvalidInput):
            return painting
        [picture] = open_all(painting.pictures)
        return Print(picture=as_jpeg(printed(picture, request.form)))


def printed(picture: Image.Image, form: Form) -> Image.Image:
    """Return a square picture in one of its forms."""
    return decks(picture) if form == "deck" else wallpaper(picture, WALLPAPERS[form])


def wallpaper(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the middle of a picture in a size, on canvas: threads give the eye something sharp to hold on to."""
    filled = ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
    pixels = np.asarray(filled, np.float32) + WEAVE * _threads(size)[:, :, None]
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


def _threads(size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the light and shadow of woven threads, [height, width], of mean 0 and spread 1."""
    width, height = size
    draw = np.random.default_rng(0)
    woven = np.zeros((height, width), np.float32)
    for along in ((THREAD, 1), (1, THREAD)):  # noise, smeared along each thread
        noise = Image.fromarray(draw.integers(0, 256, (height, width), np.uint8))
        smeared = np.asarray(noise.filter(ImageFilter.BoxBlur(along)), np.float32)
        woven += smeared - smeared.mean()
    woven /= woven.std()
    return woven


def decks(picture: Image.Image) -> Image.Image:
    """Draw two decks with a picture as their print: one bare, one ready to ride."""
    scene = _wall()
    turned = ImageOps.mirror(picture)
    for bare, print_, left, tilt in ((True, picture, 105, 3.0), (False, turned, 615, -3.0)):
        board = _board(_laid_out(print_), mounted=not bare)
        board = board.rotate(tilt, Image.Resampling.BICUBIC, expand=True)
        top = (scene.height - board.height) // 2
        shadow = Image.new("L", scene.size, 0)
        shadow.paste(board.getchannel("A"), (left * SHARP + 26, top + 30))
        shadow = shadow.filter(ImageFilter.BoxBlur(20)).point(lambda alpha: alpha * 2 // 5)
        scene.paste(SHADOW, mask=shadow)
        scene.alpha_composite(board, (left * SHARP, top))
    return scene.convert("RGB").resize(SCENE, Image.Resampling.LANCZOS)


def _wall() -> Image.Image:
    """Return a plain wall, a little darker below."""
    width, height = (side * SHARP for side in SCENE)
    share = np.linspace(0, 1, height)[:, None, None]
    column = np.array(WALL) * (1 - share) + np.array(WALL_BELOW) * share  # [height, 1, 3]
    wall = Image.fromarray(np.broadcast_to(column, (height, width, 3)).round().astype(np.uint8))
    return wall.convert("RGBA")


def _laid_out(picture: Image.Image) -> Image.Image:
    """Return a print of the deck's size: the picture in the middle, and its mirror image towards nose and tail."""
    width, length = (side * SHARP for side in DECK)
    side = round(PRINT * width)
    middle = picture.resize((side, side), Image.Resampling.LANCZOS)
    flipped = ImageOps.flip(middle)
    long = Image.new("RGB", (side, 3 * side))
    for place, part in enumerate((flipped, middle, flipped)):
        long.paste(part, (0, place * side))
    left, top = (side - width) // 2, (3 * side - length) // 2
    return long.crop((left, top, left + width, top + length))


def _board(print_: Image.Image, *, mounted: bool) -> Image.Image:
    """Draw a deck from below, with its bolts; mounted, with trucks and wheels that stand out at both sides."""
    width, length = print_.size
    room = 34 * SHARP
    board = Image.new("RGBA", (width + 2 * room, length + 2 * room), (0, 0, 0, 0))
    whole, inside = _outline(width, length), _outline(width, length, inset=5 * SHARP)
    wheels = [(room + width // 2, room + round(length * share)) for share in (0.215, 0.785)]
    board.paste(Image.new("RGB", print_.size, WOOD), (room, room), whole)
    board.paste(_shaded(print_), (room, room), inside)
    for x, y in wheels:
        if mounted:
            _truck(board, x, y, width)
        else:
            _bolts(board, x, y)
    return board


def _outline(width: int, length: int, inset: int = 0) -> Image.Image:
    """Return the mask of a deck: straight sides, round nose and tail."""
    mask = Image.new("L", (width, length), 0)
    pen = ImageDraw.Draw(mask)
    # A nose is a little longer than a half circle: the lower half of an ellipse.
    nose = round(width * 0.62)
    pen.ellipse((inset, inset, width - 1 - inset, 2 * nose - inset), 255)
    pen.ellipse((inset, length - 1 - 2 * nose + inset, width - 1 - inset, length - 1 - inset), 255)
    pen.rectangle((inset, nose, width - 1 - inset, length - nose), 255)
    return mask.filter(ImageFilter.GaussianBlur(0.8))


def _shaded(print_: Image.Image) -> Image.Image:
    """Return a print with a gloss along its length, and darker where nose and tail bend away."""
    width, length = print_.size
    across = np.linspace(-1, 1, width)[None, :]
    along = np.abs(np.linspace(-1, 1, length))[:, None]
    light = 1.06 - 0.22 * across**2 + 0.10 * np.exp(-(((across + 0.45) / 0.16) ** 2))
    light = light * (1 - 0.30 * np.clip((along - 0.72) / 0.28, 0, 1) ** 1.5)  # [length, width]
    pixels = np.asarray(print_, np.float32) * light[:, :, None]
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


def _bolts(board: Image.Image, x: int, y: int) -> None:
    """Draw four bolts around a place."""
    pen = ImageDraw.Draw(board)
    radius = 8 * SHARP
    for across in (-1, 1):
        for along in (-1, 1):
            left, top = x + across * 26 * SHARP, y + along * 34 * SHARP
            pen.ellipse((left - radius, top - radius, left + radius, top + radius), DARK_METAL)
            inner = radius - 2 * SHARP
            pen.ellipse((left - inner, top - inner, left + inner, top + inner), METAL)
            arm = inner // 2
            pen.line((left - arm, top, left + arm, top), DARK_METAL, 2 * SHARP)
            pen.line((left, top - arm, left, top + arm), DARK_METAL, 2 * SHARP)


def _truck(board: Image.Image, x: int, y: int, width: int) -> None:
    """Draw a base plate, an axle and two wheels, with their shadow on the print."""
    truck = Image.new("RGBA", board.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(truck)
    half, thick = width // 2 + 20 * SHARP, 13 * SHARP
    plate = (x - 46 * SHARP, y - 58 * SHARP, x + 46 * SHARP, y + 58 * SHARP)
    pen.rounded_rectangle(plate, 14 * SHARP, METAL, DARK_METAL, 2 * SHARP)
    hanger = [
        (x - half + 60 * SHARP, y - thick),
        (x + half - 60 * SHARP, y - thick),
        (x + 26 * SHARP, y + 30 * SHARP),
        (x - 26 * SHARP, y + 30 * SHARP),
    ]
    pen.polygon(hanger, METAL, DARK_METAL, 2 * SHARP)
    pen.rounded_rectangle((x - half, y - 7 * SHARP, x + half, y + 7 * SHARP), 7 * SHARP, DARK_METAL)
    pen.ellipse((x - 15 * SHARP, y - 4 * SHARP, x + 15 * SHARP, y + 26 * SHARP), HUB, DARK_METAL, 2 * SHARP)
    for side in (-1, 1):
        middle = x + side * (half - 32 * SHARP)
        wheel = (middle - 24 * SHARP, y - 42 * SHARP, middle + 24 * SHARP, y + 42 * SHARP)
        pen.rounded_rectangle(wheel, 14 * SHARP, WHEEL, (176, 168, 152), 2 * SHARP)
        stripe = (middle - 4 * SHARP, y - 42 * SHARP + 3, middle + 4 * SHARP, y + 42 * SHARP - 3)
        pen.rectangle(stripe, HUB)
    for corner in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        left, top = x + corner[0] * 34 * SHARP, y + corner[1] * 46 * SHARP
        pen.ellipse((left - 6 * SHARP, top - 6 * SHARP, left + 6 * SHARP, top + 6 * SHARP), DARK_METAL)
    shadow = Image.new("RGBA", board.size, (0, 0, 0, 0))
    shadow.putalpha(truck.getchannel("A").point(lambda alpha: alpha // 2))
    shadow = ImageChops.offset(shadow, 10 * SHARP, 12 * SHARP).filter(ImageFilter.GaussianBlur(6 * SHARP))
    # It falls onto the board, not onto the air beside it.
    shadow.putalpha(ImageChops.multiply(shadow.getchannel("A"), board.getchannel("A")))
    board.alpha_composite(shadow)
    board.alpha_composite(truck)


def as_jpeg(picture: Image.Image) -> bytes:
    """Return the file of a picture."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90, subsampling=0, optimize=True)
    return file.getvalue()
