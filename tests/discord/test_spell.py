"""/spell and "Fix spelling", by the real bot and the real network on the embedded Discord."""

from __future__ import annotations

import pytest

from bot.inference.messages import Alternative, Change
from bot.playground.errors import Json
from bot.playground.person import Reply
from bot.playground.server import Playground
from cogs.spell import FILE_LENGTH, STRICTNESS, chosen, put_right
from models.spell import predictor
from tests.support import EPHEMERAL, embed_of, private_message

pytestmark = pytest.mark.usefixtures("bot")

WRONG = "I beleive the `beleive` libary from @someone is closed 🦊"


async def done(reply: Reply) -> Json:
    return await reply.until(lambda message: bool(message["embeds"]), timeout=60)


def corrected(message: Json) -> str:
    """The corrected text, as it can be copied."""
    return str(embed_of(message)["description"]).strip("`\n")


def select(message: Json, name: str) -> Json:
    """One of the selects under a correction."""
    items = [item for row in message["components"] for item in row["components"]]
    return next(item for item in items if item["custom_id"].startswith(name))


async def test_a_text_comes_back_right_in_private_and_code_as_it_was(playground: Playground) -> None:
    message = await done(await playground.person("ada").slash("spell", text=WRONG))
    assert message["flags"] & EPHEMERAL
    assert corrected(message) == "I believe the `beleive` library from @someone is closed 🦊"
    embed = embed_of(message)
    assert embed["title"] == "2 corrections"
    assert "~~libary~~ **library**" in embed["fields"][0]["value"]


async def test_one_keeps_a_word_of_ones_own_and_takes_it_back(playground: Playground) -> None:
    ada = playground.person("ada")
    message = await done(await ada.slash("spell", text=WRONG))
    menu = select(message, "spell-change")
    [keep] = [option["value"] for option in menu["options"] if option["label"] == "Keep my “libary”"]
    await ada.select(message, menu["custom_id"], [keep])
    await ada.until(lambda: "the `beleive` libary" in corrected(ada.messages[message["id"]]))
    kept = ada.messages[message["id"]]
    assert "libary (kept)" in embed_of(kept)["fields"][0]["value"]
    menu = select(kept, "spell-change")
    [back] = [option["value"] for option in menu["options"] if option["label"] == "libary → library"]
    await ada.select(kept, menu["custom_id"], [back])
    await ada.until(lambda: "the `beleive` library" in corrected(ada.messages[message["id"]]))


async def test_strictness_is_changed_in_place(playground: Playground) -> None:
    ada = playground.person("ada")
    message = await done(await ada.slash("spell", text=WRONG, strictness="careful"))
    assert embed_of(message)["footer"]["text"].startswith("careful")
    await ada.select(message, select(message, "spell-strictness")["custom_id"], ["eager"])
    await ada.until(lambda: embed_of(ada.messages[message["id"]])["footer"]["text"].startswith("eager"))


async def test_what_one_keeps_stays_kept_at_another_strictness(playground: Playground) -> None:
    ada = playground.person("ada")
    message = await done(await ada.slash("spell", text=WRONG))
    menu = select(message, "spell-change")
    [keep] = [option["value"] for option in menu["options"] if option["label"] == "Keep my “libary”"]
    await ada.select(message, menu["custom_id"], [keep])
    await ada.until(lambda: "(kept)" in embed_of(ada.messages[message["id"]])["fields"][0]["value"])
    kept = ada.messages[message["id"]]
    await ada.select(kept, select(kept, "spell-strictness")["custom_id"], ["eager"])
    await ada.until(lambda: embed_of(ada.messages[message["id"]])["footer"]["text"].startswith("eager"))
    assert (
        corrected(ada.messages[message["id"]]) == "I believe the `beleive` libary from @someone is closed 🦊"
    )


async def test_it_explains_how_it_read(playground: Playground) -> None:
    ada = playground.person("ada")
    message = await done(await ada.slash("spell", text=WRONG))
    explained = await done(await ada.click(message, select(message, "spell-explain")["custom_id"]))
    assert explained["flags"] & EPHEMERAL
    assert "libary: library" in embed_of(explained)["description"]
    assert embed_of(explained)["image"]["url"].endswith("reading.png")


async def test_nothing_to_correct_is_said_nicely(playground: Playground) -> None:
    message = await done(await playground.person("ada").slash("spell", text="The cat sat on the mat."))
    assert "Nothing to correct" in embed_of(message)["title"]


async def test_a_message_a_file_and_a_window(playground: Playground) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    posted = await grace.send("I beleive you")
    assert corrected(await done(await ada.menu("Fix spelling", posted))) == "I believe you"
    file = await done(await ada.slash("spell", file=("a.txt", b"I beleive you\n")))
    assert corrected(file) == "I believe you"
    opened = await ada.slash("spell")
    written = await done(await ada.submit(opened, text="I beleive you"))
    assert corrected(written) == "I believe you"
    for asked in (
        await ada.slash("spell", file=("a.txt", b"a" * (FILE_LENGTH + 1))),
        await ada.menu("Fix spelling", await grace.send("", files=[("a.txt", b"a")])),
        await ada.slash("spell", text="   "),
    ):
        refused = await private_message(ada, asked)
        await ada.until(lambda: ada.messages[refused["id"]]["content"])  # noqa: B023 - awaited at once
        assert not ada.messages[refused["id"]]["embeds"]


def test_choices_are_read_back_whatever_is_missing_or_too_much() -> None:
    alternatives = tuple(Alternative(word=word, probability=0.5) for word in ("the", "teh", "ten"))
    change = Change(start=2, end=5, original="teh", replacement="the", alternatives=alternatives)
    changes = (change, moved(change, 6))
    for choices, words in (
        ("", ["the", "the"]),
        ("k", ["teh", "the"]),
        ("-2", ["the", "ten"]),
        ("99k", ["the"] * 2),
    ):
        assert list(chosen(changes, choices)) == words
    assert put_right("A teh teh!", changes, ["the", "ten"]) == "A the ten!"


def moved(change: Change, start: int) -> Change:
    """The same change elsewhere."""
    return Change(
        start=start,
        end=start + 3,
        original=change.original,
        replacement=change.replacement,
        alternatives=change.alternatives,
    )


def test_what_people_choose_from_is_what_the_network_knows() -> None:
    assert set(STRICTNESS) == set(predictor.STRICTNESS)
