"""What a page may do, what a foreign website may not, and what is kept in memory."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.playground import Example, Person, Playground, Welcome, files, world
from bot.playground.errors import Declined
from tests.playground.conftest import PNG, WireBot


@pytest.mark.parametrize("path", ["/", "/ui", "/gateway", "/api/v10/gateway", "/ui/upload"])
@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
async def test_foreign_websites_are_refused(
    playground: Playground, path: str, headers: dict[str, str]
) -> None:
    async with aiohttp.ClientSession() as session:
        method = "POST" if path == "/ui/upload" else "GET"
        async with session.request(method, playground.url + path, headers=headers) as response:
            assert response.status == 403


async def test_a_foreign_website_gets_no_websocket(playground: Playground) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/ui", "/gateway"):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(playground.url + path, headers={"Origin": "http://localhost:1"})


async def test_the_page_over_its_own_websocket(playground: Playground, bot: WireBot) -> None:
    user_id = list(playground.world.users)[1]
    async with aiohttp.ClientSession() as session:
        form = aiohttp.FormData(quote_fields=False)  # as browsers do
        form.add_field("file", PNG, filename="my dot.png")
        async with session.post(f"{playground.url}/ui/upload?user={user_id}", data=form) as response:
            attachment = await response.json()
        assert attachment["filename"] == "my_dot.png"
        async with session.get(attachment["url"]) as response:
            assert await response.read() == PNG
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "sandbox" in response.headers["Content-Security-Policy"]
        headers = {"Origin": playground.url}
        async with session.ws_connect(f"{playground.url}/ui?user={user_id}", headers=headers) as line:
            hello = (await line.receive_json())["d"]
            assert hello["me"]["global_name"] == "Grace"
            assert [user["admin"] for user in hello["users"]] == [False, False, False, True]
            assert [c["type"] for c in hello["channels"]] == [0, 0, 0, 1]
            assert hello["channels"][-1]["recipients"][0]["bot"]
            assert hello["welcome"] is None
            channel_id = hello["channels"][0]["id"]
            command = next(c for c in hello["commands"] if c["name"] == "everything")
            options = [
                {"name": "text", "type": 3, "value": "hello"},
                {"name": "picture", "type": 11, "value": attachment["id"]},
            ]
            frame = {"nonce": "n", "channel_id": channel_id, "command_id": command["id"], "options": options}
            await line.send_json({"t": "command", "d": frame})
            assert await line.receive_json() == {"t": "acked", "d": {"nonce": "n"}}
            message = (await line.receive_json())["d"]
            assert message["content"].endswith(f"{len(PNG)} of 1x1")


async def test_welcome_page_and_samples(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(PNG)
    (tmp_path.parent / "outside.png").write_bytes(PNG)
    example = Example("A cat", "classify", {"top": 3}, {"image": "/samples/cat.png"})
    playground = Playground(welcome=Welcome("Hello", [example]), samples=tmp_path)
    url = await playground.start()
    with playground.person("ada") as ada:
        hello = ada.frames[0][1]["welcome"]
    assert hello == {
        "text": "Hello",
        "examples": [
            {
                "label": "A cat",
                "command": "classify",
                "options": {"top": 3},
                "attachments": {"image": "/samples/cat.png"},
            }
        ],
    }
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/samples/cat.png") as response:
            assert (response.status, response.content_type) == (200, "image/png")
        for name in ("%2e%2e%2foutside.png", "..%5coutside.png", ".hidden", "none.png"):
            async with session.get(f"{url}/samples/{name}") as response:
                assert response.status == 404
        async with session.get(url) as response:
            assert response.status == 200
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
    await playground.stop()


async def test_a_taken_port(playground: Playground) -> None:
    port = int(playground.url.rsplit(":", 1)[1])
    other = Playground()
    with pytest.raises(OSError, match="address already in use"):
        await other.start(port=port)
    url = await other.start(port=port, fall_back=True)
    assert url != playground.url
    await other.stop()


@pytest.mark.parametrize("name", ["page.html", "picture.svg", "data.xml", "script.js"])
async def test_uploads_are_never_active_content(playground: Playground, ada: Person, name: str) -> None:
    message = await ada.send(files=[(name, b"<script>alert(1)</script>")])
    url = message["attachments"][0]["url"]
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.content_type == "application/octet-stream"
        assert response.headers["Content-Disposition"].startswith("attachment")


BAD_FRAMES: list[Any] = [
    "not json",
    "[]",
    "null",
    "[" * 5000,
    '{"t": "send", "d": {"channel_id": "general", "content": "\\ud800"}}',
    '{"t": "send", "d": {"channel_id": "general", "content": NaN}}',
    {"t": "send"},
    {"t": "send", "d": []},
    {"t": "send", "d": {"channel_id": "1", "content": "x"}},
    {"t": "send", "d": {"channel_id": "general", "content": 5, "attachments": "abc"}},
    {"t": "send", "d": {"channel_id": "general", "content": "x" * 2001}},
    {"t": "send", "d": {"channel_id": "general", "attachments": [{"id": 1}]}},
    {"t": "command", "d": {"nonce": "n", "channel_id": "general", "command_id": "1", "options": []}},
    {"t": "click", "d": {"nonce": "n", "channel_id": "general", "message_id": {}, "custom_id": []}},
    {"t": "modal", "d": {"nonce": "n", "channel_id": "general", "custom_id": "x", "components": [1]}},
    {"t": "modal", "d": {"nonce": "n", "channel_id": "general", "custom_id": "x", "components": []}},
    {"t": "fly", "d": {"channel_id": "general"}},
]


@pytest.mark.parametrize("frame", BAD_FRAMES)
async def test_bad_frames_fail_and_nothing_else_does(playground: Playground, ada: Person, frame: Any) -> None:
    text = frame if isinstance(frame, str) else json.dumps(frame)
    text = text.replace('"general"', f'"{ada.channel}"')
    url = f"{playground.url}/ui?user={ada.id}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as line:
        await line.receive_json()
        await line.send_str(text)
        assert (await line.receive_json())["t"] == "failed"
    assert (await ada.slash("count")).failed is None


async def test_nobody_reads_other_peoples_direct_messages(playground: Playground, ada: Person) -> None:
    with playground.person("grace") as grace:
        private = ada.channel = ada.channel_id("dm")
        message = await ada.send("between us")
        assert message["id"] not in grace.messages
        grace.channel = private
        reply = await grace.menu("Read message", message)
        assert reply.failed == "There is no such channel here."
        # Nor does a file that somebody else has uploaded serve anybody.
        file = playground.pages.upload(ada.id, files.Upload("dot.png", PNG))
        grace.channel = grace.channel_id("general")
        assert (await grace.slash("everything", text="hello", picture=file["id"])).failed


async def test_caps(playground: Playground, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Declined, match="10 MiB"):
        playground.pages.upload(ada.id, files.Upload("big.bin", bytes(files.FILE_BYTES + 1)))
    monkeypatch.setattr(world, "MESSAGES_PER_CHANNEL", 3)
    channel = playground.world.channels[ada.channel]
    for number in range(5):
        await ada.send(str(number))
    assert [m.payload["content"] for m in channel.messages.values()] == ["2", "3", "4"]

    store = files.FileStore(playground.world.new_id, capacity=100)
    kept = [store.add("1", ada.id, files.Upload(f"{number}.txt", bytes(40))) for number in range(4)]
    assert store.size == 80
    assert [store.get(file["id"]) is not None for file in kept] == [False, False, True, True]


async def test_large_uploads_are_refused(playground: Playground) -> None:
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(bytes(files.FILE_BYTES + 1)), filename="big.bin")
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{playground.url}/ui/upload", data=form) as response:
            assert response.status == 413
            assert "10 MiB" in (await response.json())["message"]
        async with session.post(f"{playground.url}/ui/upload", data=b"x") as response:
            assert response.status == 400
