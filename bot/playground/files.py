"""The file store: what people and the bot upload, within a fixed amount of memory."""

from __future__ import annotations

import io
import mimetypes
import re
import unicodedata
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from bot.playground.errors import Json

if TYPE_CHECKING:
    from collections.abc import Callable

FILE_BYTES = 10 * 1024 * 1024
"""Discord's limit for one file without boosts, 10 MiB."""
REQUEST_BYTES = 25 * 1024 * 1024
"""Discord's limit for one request with all its files, 25 MiB."""
STORE_BYTES = 256 * 1024 * 1024
"""What all stored files may take together; the oldest go first."""
STORE_FILES = 4096
"""How many files are kept, so that a million tiny ones do not fill the memory either."""
SPOILER_FLAG = 1 << 3

INLINE_TYPES = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "video/mp4", "video/webm"}
    | {"audio/mpeg", "audio/ogg", "audio/wav", "audio/x-wav", "text/plain"}
)
"""Types that a browser may show in place: none of them can run a script."""
MEASURED_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
"""Pictures of which Discord tells width and height. Named, so that Pillow never tries its odder readers."""


@dataclass(frozen=True)
class Upload:
    """A file on its way in."""

    filename: str
    data: bytes


@dataclass(frozen=True)
class StoredFile:
    """A file that is kept."""

    attachment: Json
    """Discord's attachment object."""
    data: bytes
    owner: str
    """The id of the user who uploaded it."""


class FileStore:
    """Keeps files by the id of their attachment."""

    def __init__(self, new_id: Callable[[], str], *, capacity: int = STORE_BYTES) -> None:
        self.base_url = ""
        self._new_id = new_id
        self._capacity = capacity
        self._files: OrderedDict[str, StoredFile] = OrderedDict()
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes of all kept files."""
        return self._size

    def add(self, channel_id: str, owner: str, upload: Upload, *, description: str | None = None) -> Json:
        """Keep a file and return its attachment object."""
        file_id = self._new_id()
        name = safe_name(upload.filename)
        url = f"{self.base_url}/cdn/attachments/{channel_id}/{file_id}/{name}"
        attachment: Json = {
            "id": file_id,
            "filename": name,
            "size": len(upload.data),
            "url": url,
            "proxy_url": url,
            "content_type": mimetypes.guess_type(name)[0] or "application/octet-stream",
            "flags": SPOILER_FLAG if name.startswith("SPOILER_") else 0,
        }
        if description:
            attachment["description"] = description
        if attachment["content_type"].startswith("image/") and (size := picture_size(upload.data)):
            attachment["width"], attachment["height"] = size
        self._files[file_id] = StoredFile(attachment, upload.data, owner)
        self._size += len(upload.data)
        while self._size > self._capacity or len(self._files) > STORE_FILES:
            _, oldest = self._files.popitem(last=False)
            self._size -= len(oldest.data)
        return attachment

    def get(self, file_id: str) -> StoredFile | None:
        """Return the file, unless it never was or has had to make room."""
        return self._files.get(file_id)


def safe_name(name: str) -> str:
    """Make the name that Discord makes of a file's name: word characters, dots and dashes."""
    name = unicodedata.normalize("NFKC", name).replace("\\", "/").rsplit("/", 1)[-1]
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".")[-100:] or "unknown"


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, read from the header alone; None when it is no picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=MEASURED_FORMATS) as picture:
                return picture.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
