"""/queue, /show and what people see of a job on its way, by the real bot with the test networks."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any, ClassVar

import aiohttp
import discord
import pytest

from bot.cards import card
from bot.client import NeuralBot
from bot.inference.local import LocalExecutor
from bot.inference.messages import CareerRequest, SalaryRequest
from bot.playground.errors import Json
from bot.playground.person import Reply
from bot.playground.server import Playground
from bot.playground.world import Message
from bot.store import Store
from cogs.jobs import parameters
from tests.support import EPHEMERAL, all_told, embed_of, fill_disk, make_room, private_message


@pytest.fixture(autouse=True)
async def network_commands(bot: NeuralBot, playground: Playground) -> None:
    """Give the bot /echo and /count."""
    await bot.load_extension("tests.networks.cogs.echo")
    await bot.sync()


def labels(message: Json) -> list[str]:
    """Return the labels of a message's buttons."""
    return [item["label"] for row in message["components"] for item in row["components"]]


async def done(reply: Reply) -> Json:
    """Wait for the answer."""
    return await reply.until(lambda message: bool(message["embeds"]), timeout=30)


async def test_queue_shows_ones_own_jobs_and_cancels_them(playground: Playground, bot: NeuralBot) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    story = await ada.slash("count", to=100_000, seconds=0.01)
    await story.until(lambda message: "1 2 3" in message["content"])
    overview = await (await ada.slash("queue")).until()
    assert overview["flags"] & EPHEMERAL
    fields = {field["name"]: field["value"] for field in embed_of(overview)["fields"]}
    assert fields["At work"] == "1 × count"
    assert fields["Waiting"] == "Nobody"
    [code] = [label.removeprefix("Cancel ") for label in labels(overview) if label.startswith("Cancel ")]
    assert code in fields["Yours"]
    assert labels(await (await grace.slash("queue")).until()) == ["Refresh"]
    await ada.click(overview, f"Cancel {code}")
    await story.until(lambda message: "Cancelled" in message["content"])
    asked = [m for m in ada.messages.values() if labels(m)]
    await ada.click(asked[-1], "Refresh")
    await ada.until(lambda: labels(ada.messages[overview["id"]]) == ["Refresh"])


async def test_an_answer_comes_back_by_its_code(playground: Playground, bot: NeuralBot) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    estimate = await done(await ada.slash("salary", degree="master", age=40))
    code = embed_of(estimate)["footer"]["text"].split(" · ")[-1]
    bot.results._kept.clear()  # as after a restart
    await all_told(bot.store)
    assert [choice["value"] for choice in await ada.autocomplete("show", "code", code.lower())] == [code]
    shown = await done(await ada.slash("show", code=code.lower()))
    assert shown["flags"] & EPHEMERAL
    assert embed_of(shown)["title"] == embed_of(estimate)["title"]
    made = next(f["value"] for f in embed_of(shown)["fields"] if f["name"] == "How it was made")
    assert f"version {card('salary').network.version}" in made
    assert "degree = master" in made
    for wanted, words in ((code, "person who asked only"), ("art-2222", "30 days")):
        refused = await (await grace.slash("show", code=wanted)).until()
        assert words in refused["content"]
        assert refused["flags"] & EPHEMERAL


def test_parameters_of_a_part_are_named_like_the_part() -> None:
    request = CareerRequest(person=SalaryRequest(degree="master", age=40))
    assert parameters(request).splitlines() == ["person.degree = master", "person.age = 40"]


async def test_a_public_answer_can_be_shown_to_all(
    playground: Playground, bot: NeuralBot, cat: bytes
) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    seen = await done(await ada.slash("classify", image=("cat.jpg", cat)))
    code = embed_of(seen)["footer"]["text"].split(" · ")[-1]
    bot.results._kept.clear()  # as after a restart
    await all_told(bot.store)
    grace.channel = grace.channel_id("dm")
    elsewhere = await (await grace.slash("show", code=code)).until()
    assert "person who asked only" in elsewhere["content"], "it is for the people of that server"
    grace.channel = grace.channel_id("general")
    shown = await done(await grace.slash("show", code=code, public=True))
    assert not shown["flags"] & EPHEMERAL
    assert "tabby" in embed_of(shown)["description"]
    assert "image" not in embed_of(shown), "pictures are not kept"


async def test_edits_are_paced_and_the_last_state_is_shown(playground: Playground, bot: NeuralBot) -> None:
    edits: dict[str, list[tuple[float, str]]] = {}

    def note(event: str, message: Message) -> None:
        if event == "MESSAGE_UPDATE":
            edits.setdefault(message.id, []).append((time.monotonic(), message.payload["content"]))

    playground.world.listeners.append(note)
    ada, grace = playground.person("ada"), playground.person("grace")
    replies = [await person.slash("count", to=400, seconds=0.01, label="end") for person in (ada, grace)]
    messages = [await done(reply) for reply in replies]
    for message in messages:
        assert embed_of(message)["description"] == "end"
        assert not message["content"]
        *statuses, _last = edits[message["id"]]
        times = [moment for moment, _ in statuses]
        assert len(statuses) >= 3
        assert all(later - earlier > 1.0 for earlier, later in itertools.pairwise(times))
        texts = [text for _, text in statuses]
        assert len(set(texts)) == len(texts), "only when the text has changed"
        assert "✍️" in texts[-1]


async def test_what_a_worker_dies_of_twice_is_told_in_private(playground: Playground, bot: NeuralBot) -> None:
    ada = playground.person("ada")
    reply = await ada.slash("echo", text="poison", fault="die")
    told = await ada.until(
        lambda: next((m for m in reply.messages if m["flags"] & EPHEMERAL), None), timeout=30
    )
    assert "broke down twice" in told["content"]
    assert (await done(await ada.slash("echo", text="alive")))["embeds"]


async def test_a_full_disk_refuses_new_jobs_and_loses_none(
    playground: Playground, bot: NeuralBot, store: Store, executor: LocalExecutor
) -> None:
    ada = playground.person("ada")
    running = await ada.slash("count", to=150, seconds=0.01, label="written before")
    await running.until(lambda message: "✍️" in message["content"])
    await fill_disk(store)
    told = await private_message(ada, await ada.slash("echo", text="x" * 5000))
    assert "write anything down" in told["content"]
    assert embed_of(await done(running))["description"] == "written before"
    await make_room(store)
    assert await done(await ada.slash("echo", text="room again"))


async def test_after_fifteen_minutes_a_private_answer_is_announced_without_its_content(
    playground: Playground, bot: NeuralBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.places.EXPIRY_MARGIN", 15 * 60.0)
    ada, grace = playground.person("ada"), playground.person("grace")
    await ada.slash("echo", text="my secret", private=True)
    posted = await grace.until(
        lambda: next((m for m in grace.messages.values() if "/show echo-" in m["content"]), None)
    )
    assert "my secret" not in str(posted)
    assert not posted["mentions"]


class TooMany:
    """What Cloudflare answers when it has banned the address."""

    status, reason = 429, "Too Many Requests"
    headers: ClassVar[dict[str, str]] = {}


@pytest.mark.parametrize(
    "failure",
    [aiohttp.ServerDisconnectedError(), discord.HTTPException(TooMany(), "banned")],
    ids=["connection lost", "429"],
)
async def test_while_discord_is_out_of_reach_the_answer_waits(
    playground: Playground, bot: NeuralBot, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    monkeypatch.setattr("bot.desk.PAUSES", (0.1,))
    ada = playground.person("ada")
    story = await ada.slash("count", to=100, seconds=0.01, label="at last")
    real, lost = discord.Webhook.edit_message, itertools.repeat(True, 3)

    async def edit(webhook: discord.Webhook, *arguments: Any, **changes: Any) -> Any:
        if changes.get("embed") is not None and next(lost, False):
            raise failure
        return await real(webhook, *arguments, **changes)

    monkeypatch.setattr(discord.Webhook, "edit_message", edit)
    assert embed_of(await done(story))["description"] == "at last"
    assert next(lost, None) is None, "it was tried again and again"
    await all_told(bot.store)


async def test_an_acknowledgement_whose_reply_is_lost_is_one_all_the_same(
    playground: Playground, bot: NeuralBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = discord.InteractionResponse.defer

    async def defer(response: discord.InteractionResponse[NeuralBot], **options: Any) -> None:
        await real(response, **options)
        raise aiohttp.ServerDisconnectedError

    monkeypatch.setattr(discord.InteractionResponse, "defer", defer)
    reply = await playground.person("ada").slash("echo", text="heard")
    assert embed_of(await done(reply))["description"] == "heard"


async def test_cancelling_while_the_upload_is_fetched_takes_effect_at_once(
    playground: Playground, bot: NeuralBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_url: str) -> bytes:
        await asyncio.sleep(1000)
        return b""

    monkeypatch.setattr(bot.http, "get_from_cdn", never)
    ada = playground.person("ada")
    reply = await ada.slash("echo", text="x", file=("a.txt", b"a"))
    fetching = await reply.until(lambda message: "fetching" in message["content"])
    overview = await (await ada.slash("queue")).until()
    assert "fetching your file" in str(embed_of(overview)["fields"])
    await ada.click(fetching, "Cancel")
    await reply.until(lambda message: "Cancelled" in message["content"])


async def test_a_fault_while_showing_loses_no_answer(
    playground: Playground, bot: NeuralBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, broken = discord.Webhook.edit_message, [True]

    async def edit(webhook: discord.Webhook, *arguments: Any, **changes: Any) -> Any:
        if changes.get("embed") is not None and broken:
            broken.pop()
            raise TypeError("a fault of a library")
        return await real(webhook, *arguments, **changes)

    monkeypatch.setattr(discord.Webhook, "edit_message", edit)
    reply = await playground.person("ada").slash("echo", text="kept")
    while broken:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    [record] = await bot.store.unfinished()
    await bot.desk._conclude_late(record)  # as the next process does
    assert embed_of(await done(reply))["description"] == "kept"


async def test_privacy_s_button_deletes_what_is_kept(playground: Playground, bot: NeuralBot) -> None:
    ada = playground.person("ada")
    await done(await ada.slash("echo", text="mine"))
    await all_told(bot.store)
    privacy = await (await ada.slash("privacy")).until()
    answer = await (await ada.click(privacy, "Delete what you keep of me")).until()
    assert answer["content"].startswith("1 answer is deleted")
    assert await bot.store.codes(int(ada.id), "") == []
