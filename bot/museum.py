"""Paintings from the Art Institute of Chicago: CC0 works by its open-access interface, kept in a folder of our own.

It is asked politely: one painting a game at most, none any more once enough are kept, and not again for a while
after a failure. Nothing about anybody is sent. https://api.artic.edu/docs/ describes the interface.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
from pathlib import Path

import aiohttp
import msgspec

from bot import __version__
from bot.paintings import Credit, Folder, Painting, check_picture, write

log = logging.getLogger(__name__)

API = "https://api.artic.edu/api/v1"
IMAGES = "https://www.artic.edu/iiif/2"
PAGES = "https://www.artic.edu/artworks"
QUERIES = {
    "van_gogh": "Vincent van Gogh",
    "impressionist": "Impressionism",
    "landscape": "landscape oil on canvas",
    "masterpiece": "Renaissance oil painting",
    "portrait": "portrait oil on canvas",
    "still_life": "still life",
    "genre_scene": "interior with figures oil on canvas",
    "chinese_landscape": "Chinese landscape ink",
}
"""What is searched for, by the network's styles; nothing else ever is."""
FIELDS = "id,title,artist_title,date_display,image_id,artwork_type_title,is_public_domain"
PER_QUERY = 100
"""Works, the most that the interface gives at a time."""
WIDTH = 400
"""Pixels of a picture: the museum keeps this size ready, and the game makes it smaller still."""
MOST_LISTED, MOST_IMAGE = 512 * 1024, 2 * 2**20
"""Bytes of a list of works and of a picture."""
SECONDS = 6.0
"""For the list and the picture together: a person waits."""
REST_SECONDS = 600.0
KEPT = 25
"""Paintings of each style; with these the museum is not asked any more."""
IMAGE_ID = re.compile(r"[0-9a-f-]{8,64}")


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One of the museum's works."""

    id: int
    title: str
    artist_title: str | None = None
    date_display: str | None = None
    image_id: str | None = None
    artwork_type_title: str | None = None
    is_public_domain: bool = False


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """The museum's answer to a search."""

    data: tuple[Work, ...]


class TooLarge(Exception):
    """More came than was to be expected."""


class Museum:
    """The museum, and what is kept of it."""

    def __init__(
        self, folder: Path, *, api: str = API, images: str = IMAGES, seconds: float = SECONDS
    ) -> None:
        self.folder = folder
        self._api, self._images, self._seconds = api, images, seconds
        self._listed: dict[str, list[Work]] = {}
        self._rests_until = 0.0

    async def painting(self, style: str) -> Painting | None:
        """Return a painting: a new one, or one that is kept if that is not to be had."""
        if style not in QUERIES:
            style = random.choice(list(QUERIES))
        kept = self.folder / style
        count = await asyncio.to_thread(lambda: len(list(kept.glob("*.jpg"))))
        if count < KEPT and time.monotonic() >= self._rests_until:
            try:
                async with asyncio.timeout(self._seconds):
                    if (fetched := await self._fetch(style)) is not None:
                        return fetched
            except (aiohttp.ClientError, TimeoutError, OSError, TooLarge, msgspec.MsgspecError) as error:
                log.warning("The museum does not answer as it should: %s %s", type(error).__name__, error)
                self._rests_until = time.monotonic() + REST_SECONDS
        return await Folder(kept).painting(style)

    async def _fetch(self, style: str) -> Painting | None:
        headers = {"AIC-User-Agent": f"neural-discord-bot/{__version__}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            works = self._listed.get(style)
            if works is None:
                works = self._listed[style] = await self._search(session, style)
            if not works:
                return None
            work = works.pop()
            path = f"/{work.image_id}/full/{WIDTH},/0/default.jpg"
            image = await _get(session, self._images + path, MOST_IMAGE)
        credit = Credit(
            artist=work.artist_title or "An unknown painter",
            title=work.title,
            date=work.date_display or "",
            link=f"{PAGES}/{work.id}",
            style=style,
        )
        await asyncio.to_thread(check_picture, image)
        painting = Painting(image=image, credit=credit)
        await asyncio.to_thread(write, self.folder / style, str(work.id), painting)
        return painting

    async def _search(self, session: aiohttp.ClientSession, style: str) -> list[Work]:
        """Return paintings of a style that are free to show, in an order drawn by lot."""
        parameters = {
            "q": QUERIES[style],
            "query[term][is_public_domain]": "true",
            "fields": FIELDS,
            "limit": str(PER_QUERY),
        }
        listed = await _get(session, f"{self._api}/artworks/search", MOST_LISTED, parameters)
        works = [
            work
            for work in msgspec.json.decode(listed, type=Listed).data
            if work.is_public_domain
            and work.artwork_type_title == "Painting"
            # It becomes a part of an address.
            and IMAGE_ID.fullmatch(work.image_id or "")
        ]
        random.shuffle(works)
        return works


async def _get(
    session: aiohttp.ClientSession, url: str, most: int, parameters: dict[str, str] | None = None
) -> bytes:
    """Fetch something of at most so many bytes, from there and nowhere else.

    Raises:
        aiohttp.ClientError: it is not to be had.
        TooLarge: it is larger.
    """
    async with session.get(url, params=parameters, allow_redirects=False) as response:
        response.raise_for_status()
        if response.status != 200:
            raise aiohttp.ClientPayloadError(f"status {response.status}")
        data = bytearray()
        async for chunk in response.content.iter_chunked(2**16):
            data += chunk
            if len(data) > most:
                raise TooLarge(f"more than {most:,} bytes from {url}")
    return bytes(data)
