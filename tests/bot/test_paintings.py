"""Paintings by humans, from a folder and from a museum that stands on this machine."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from PIL import Image

from bot import museum, paintings
from bot.museum import QUERIES, Museum
from bot.paintings import Credit, Folder, read_credit
from cogs.art.words import STYLES


def jpeg(colour: str = "teal") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(file, "JPEG")
    return file.getvalue()


PICTURE = jpeg()
ID = "0123abcd-0123-4567-89ab-0123456789ab"


def work(number: int, **changes: Any) -> dict[str, Any]:
    """A work as the museum describes it, with more than is asked for."""
    facts = {
        "id": number,
        "title": f"Work [{number}]",
        "artist_title": "Berthe Morisot",
        "date_display": "1875",
        "image_id": ID,
        "artwork_type_title": "Painting",
        "is_public_domain": True,
        "score": 7.5,
    }
    return facts | changes


class Stand:
    """A small museum: what it has, how it behaves, and what it was asked."""

    def __init__(self) -> None:
        self.works: list[dict[str, Any]] = [work(1), work(2)]
        self.picture = PICTURE
        self.delay = 0.0
        self.status = 200
        self.asked: list[web.Request] = []
        self.url = ""

    async def search(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        await asyncio.sleep(self.delay)
        return web.json_response({"pagination": {}, "data": self.works}, status=self.status)

    async def image(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        if self.status == 302:
            return web.Response(status=302, headers={"Location": f"{self.url}/elsewhere"})
        return web.Response(body=self.picture, content_type="image/jpeg")

    def museum(self, folder: Path, seconds: float = 5.0) -> Museum:
        return Museum(folder, api=f"{self.url}/api/v1", images=f"{self.url}/iiif/2", seconds=seconds)


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    stand = Stand()
    app = web.Application()
    app.router.add_get("/api/v1/artworks/search", stand.search)
    app.router.add_get("/iiif/2/{id}/full/400,/0/default.jpg", stand.image)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stand.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield stand
    await runner.cleanup()


async def test_the_museum_s_painting_comes_with_its_credit_and_is_kept(stand: Stand, tmp_path: Path) -> None:
    painting = await stand.museum(tmp_path).painting("impressionist")
    assert painting is not None
    assert painting.image == PICTURE
    number = painting.credit.link.rsplit("/", 1)[1]
    assert painting.credit == Credit(
        artist="Berthe Morisot",
        title=f"Work [{number}]",
        date="1875",
        link=f"https://www.artic.edu/artworks/{number}",
        style="impressionist",
    )
    search, image = stand.asked
    assert search.query["q"] == "Impressionism"
    assert search.query["query[term][is_public_domain]"] == "true"
    assert "AIC-User-Agent" in search.headers
    assert ID in image.path
    stand.status = 500
    assert await stand.museum(tmp_path).painting("impressionist") == painting, "from the folder"


async def test_a_list_serves_several_games_and_then_the_museum_is_left_in_peace(
    stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(museum, "KEPT", 2)
    house = stand.museum(tmp_path)
    titles = {str((await house.painting("portrait")).credit.title) for _ in range(2)}  # type: ignore[union-attr]
    assert titles == {"Work [1]", "Work [2]"}
    assert len(stand.asked) == 3
    assert await house.painting("portrait") is not None
    assert len(stand.asked) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"is_public_domain": False},
        {"artwork_type_title": "Sculpture"},
        {"image_id": None},
        {"image_id": "../../etc/passwd"},
    ],
)
async def test_works_that_may_not_be_shown_are_passed_over(
    stand: Stand, tmp_path: Path, change: dict[str, Any]
) -> None:
    stand.works = [work(1, **change)]
    assert await stand.museum(tmp_path).painting("portrait") is None
    assert len(stand.asked) == 1


async def test_a_museum_that_fails_is_left_alone_for_a_while(stand: Stand, tmp_path: Path) -> None:
    for fault in ({"status": 503}, {"delay": 0.5}, {"works": [{"id": "one"}]}):
        fresh = Stand()
        for name, value in {**vars(fresh), "url": stand.url, **fault}.items():
            setattr(stand, name, value)
        house = stand.museum(tmp_path, seconds=0.2)
        assert await house.painting("portrait") is None
        before = len(stand.asked)
        assert before == 1
        assert await house.painting("portrait") is None
        assert len(stand.asked) == before, "not asked again"


async def test_too_large_a_picture_and_one_from_elsewhere_are_refused(
    stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(museum, "MOST_IMAGE", 10)
    assert await stand.museum(tmp_path).painting("portrait") is None
    monkeypatch.setattr(museum, "MOST_IMAGE", 10**6)
    house = stand.museum(tmp_path)
    house._listed["portrait"] = [museum.Work(id=1, title="x", image_id=ID)]
    stand.status = 302
    assert await house.painting("portrait") is None
    assert stand.asked[-1].path.startswith("/iiif"), "nobody has followed it"


async def test_nobody_listens_at_the_museum(tmp_path: Path) -> None:
    house = Museum(tmp_path, api="http://127.0.0.1:1", images="http://127.0.0.1:1")
    assert await house.painting("any") is None


def test_there_is_a_query_for_every_style_and_all_go_to_one_house_by_tls() -> None:
    assert set(QUERIES) == set(STYLES)
    for address in (museum.API, museum.IMAGES):
        assert address.startswith("https://")


def put(folder: Path, name: str, credit: dict[str, Any] | None = None, data: bytes = PICTURE) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    if credit is not None:
        path.with_suffix(".json").write_text(json.dumps(credit))
    return path


def test_a_credit_comes_from_a_file_beside_or_from_the_name(tmp_path: Path) -> None:
    said = read_credit(put(tmp_path, "Berthe Morisot - The Cradle (1872).jpg"))
    assert said == Credit(artist="Berthe Morisot", title="The Cradle", date="1872")
    undated = read_credit(put(tmp_path, "Berthe Morisot - The Cradle.jpg"))
    assert undated == Credit(artist="Berthe Morisot", title="The Cradle")
    assert read_credit(put(tmp_path, "cradle.png")) == Credit(artist="A human painter", title="cradle")
    told = read_credit(put(tmp_path, "x.webp", {"artist": "A", "title": "B", "style": "portrait"}))
    assert told == Credit(artist="A", title="B", style="portrait")
    assert read_credit(put(tmp_path, "y.jpg", {"artist": "A"})) is None, "half a credit is none"


def test_a_credit_is_safe_to_show() -> None:
    assert str(Credit(artist="A*b*", title="T", link="javascript:alert(1)")) == r"A\*b\*: T"
    linked = Credit(artist="A", title="T]", date="1872", link="https://museum.example/1")
    assert str(linked) == "A: [T)](<https://museum.example/1>), 1872"


async def test_a_folder_gives_its_paintings_of_the_style_first(tmp_path: Path) -> None:
    put(tmp_path / "sub", "a.jpg", {"artist": "A", "title": "portrait", "style": "portrait"})
    put(tmp_path, "b.jpg", {"artist": "A", "title": "landscape", "style": "landscape"})
    put(tmp_path, "c.txt")
    put(tmp_path, "empty - portrait.jpg", {"artist": "A", "title": "none", "style": "portrait"}, data=b"")
    folder = Folder(tmp_path)
    for style in ("portrait", "landscape"):
        painting = await folder.painting(style)
        assert painting is not None
        assert painting.credit.title == style
    assert await folder.painting("still_life") is not None, "better another style than none"


async def test_an_empty_or_missing_folder_has_none(tmp_path: Path) -> None:
    assert await Folder(tmp_path).painting("portrait") is None
    assert await Folder(tmp_path / "nowhere").painting("portrait") is None


async def test_a_file_that_is_too_large_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.jpg")
    monkeypatch.setattr(paintings, "LARGEST", 3)
    assert await Folder(tmp_path).painting("portrait") is None


async def test_what_is_no_picture_is_passed_over_and_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path, "broken.jpg", {"artist": "A", "title": "broken", "style": "portrait"}, data=b"no picture")
    put(tmp_path, "cut.jpg", {"artist": "A", "title": "cut", "style": "portrait"}, data=PICTURE[:-200])
    folder = Folder(tmp_path)
    assert await folder.painting("portrait") is None
    assert "can be read" in folder.problem()
    put(tmp_path, "good.jpg", {"artist": "A", "title": "good", "style": "landscape"})
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            painting = await folder.painting("portrait")
            assert painting is not None
            assert painting.credit.title == "good"
    assert len(caplog.records) == 2, "each broken file is named once"
    assert folder.problem() == ""
    assert folder.count() == 3
    assert "no folder" in Folder(tmp_path / "typo").problem()


async def test_the_museum_s_answer_must_be_a_picture(stand: Stand, tmp_path: Path) -> None:
    stand.picture = b"<html>Please come back later"
    assert await stand.museum(tmp_path).painting("portrait") is None
    assert not [*tmp_path.rglob("*.jpg")]  # noqa: ASYNC240
