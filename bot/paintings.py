"""Paintings by humans for the game: from the operator's folder, or from a museum's open-access interface."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import random
import re
from pathlib import Path
from typing import Protocol

import discord
import msgspec
from PIL import Image

log = logging.getLogger(__name__)

LARGEST = 10 * 2**20
"""Bytes of a picture: the most that the network's process takes."""
LOOKED_AT = 500
"""Files, drawn by lot from a larger folder."""
ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
NAMED = re.compile(r"(?P<artist>.+?) - (?P<title>.+?)(?: \((?P<date>[^()]+)\))?")
"""How a file's name tells of its painting: ``Vincent van Gogh - Irises (1889)``."""


class Credit(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a painting is by. In a folder: a JSON file beside the picture, of the same name."""

    artist: str
    title: str
    date: str = ""
    link: str = ""
    style: str | None = None
    """One of the network's styles, if it belongs to one: the forgeries are then of the same."""

    def __str__(self) -> str:
        """In Discord's markdown, without whatever could break it."""
        title = discord.utils.escape_markdown(self.title)
        if self.link.startswith("https://"):
            title = f"[{title.replace('[', '(').replace(']', ')')}](<{self.link}>)"
        who = discord.utils.escape_markdown(self.artist)
        return f"{who}: {title}" + (f", {self.date}" if self.date else "")


class Painting(msgspec.Struct, frozen=True, kw_only=True):
    """A picture by a human."""

    image: bytes
    credit: Credit


class Source(Protocol):
    """Where paintings come from."""

    async def painting(self, style: str) -> Painting | None:
        """Return a painting, drawn by lot, of this style if there is one; ``None`` if there is none at all."""


class Folder:
    """Paintings that the operator has put into a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._told: set[Path] = set()

    async def painting(self, style: str) -> Painting | None:
        """Return one of them. Files that cannot be read are passed over."""
        return await asyncio.to_thread(self._draw, style)

    def _draw(self, style: str) -> Painting | None:
        files = self._files()
        some = random.sample(files, min(len(files), LOOKED_AT))
        known = [(path, credit) for path in some if (credit := read_credit(path)) is not None]
        # Those of the style first, then those of which it is not known.
        known.sort(key=lambda entry: (entry[1].style != style, entry[1].style is not None))
        for path, credit in known:
            try:
                return Painting(image=_read(path), credit=credit)
            except OSError as error:
                if path not in self._told:  # once is enough for months
                    self._told.add(path)
                    log.warning("%s is passed over: %s", path, error)
        return None

    def _files(self) -> list[Path]:
        return [path for path in self.path.rglob("*") if path.suffix.lower() in ENDINGS]

    def problem(self) -> str:
        """Return why no round can show a painting of this folder, in words, or nothing if one can."""
        if not self.path.is_dir():
            return f"{self.path} is no folder"
        return "" if self._draw("") is not None else f"{self.path} has no picture that can be read"

    def count(self) -> int:
        """Return how many pictures it has, read or not."""
        return len(self._files())


def _read(path: Path) -> bytes:
    """Return a picture's file.

    Raises:
        OSError: it cannot be read, is too large, or is no picture.
    """
    size = path.stat().st_size
    if size > LARGEST:
        msg = f"it has {size / 2**20:.0f} MB, and {LARGEST / 2**20:.0f} are the most"
        raise OSError(msg)
    image = path.read_bytes()
    check_picture(image)
    return image


def check_picture(image: bytes) -> None:
    """Make sure that a file is a picture, so that no round fails for it later.

    Raises:
        OSError: it is none.
    """
    try:
        with Image.open(io.BytesIO(image)) as picture:
            picture.draft("RGB", (256, 256))  # a large JPEG is decoded small
            picture.load()
    # Pillow's decoders raise all of these for broken files.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        msg = "it is no picture that can be read"
        raise OSError(msg) from error


def read_credit(picture: Path) -> Credit | None:
    """Return whom a picture is by: from the JSON file beside it, else from its own name."""
    try:
        return msgspec.json.decode(picture.with_suffix(".json").read_bytes(), type=Credit)
    except FileNotFoundError:
        pass
    except (OSError, msgspec.MsgspecError) as error:
        log.warning("%s is passed over: %s", picture, error)
        return None
    if match := NAMED.fullmatch(picture.stem):
        return Credit(**match.groupdict(default=""))
    return Credit(artist="A human painter", title=picture.stem)


def write(folder: Path, name: str, painting: Painting) -> None:
    """Put a painting into a folder, such that ``Folder`` finds it with its credit."""
    folder.mkdir(parents=True, exist_ok=True)
    credit = json.dumps(msgspec.structs.asdict(painting.credit), ensure_ascii=False)
    # The credit first: a picture without one would be shown under a wrong name.
    (folder / f"{name}.json").write_text(credit, encoding="utf-8")
    (folder / f"{name}.jpg").write_bytes(painting.image)
