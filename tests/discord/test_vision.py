"""/classify and "Classify image", by the real bot and the real network on the embedded Discord."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from bot.client import NeuralBot
from bot.playground.server import Playground
from tests.support import EPHEMERAL, embed_of, private_message

pytestmark = pytest.mark.usefixtures("bot")


async def test_a_cat_is_recognised_and_the_heat_map_shown(playground: Playground, cat: bytes) -> None:
    ada = playground.person("ada")
    reply = await ada.slash("classify", image=("cat.jpg", cat))
    message = await reply.until(lambda message: bool(message["embeds"]))
    assert reply.acknowledged_after is not None
    assert reply.acknowledged_after < 1.0
    embed = embed_of(message)
    assert "tabby" in embed["description"]
    assert embed["description"].count("█") > 3
    assert embed["image"]["width"] > 300


async def test_top_says_how_many_guesses(playground: Playground, cat: bytes) -> None:
    reply = await playground.person("ada").slash("classify", image=("cat.jpg", cat), top=2)
    message = await reply.until(lambda message: bool(message["embeds"]))
    assert len(embed_of(message)["description"].splitlines()) == 2


async def test_the_menu_on_a_message_classifies_its_picture(playground: Playground, cat: bytes) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    posted = await grace.send("look at her", files=[("cat.jpg", cat)])
    reply = await ada.menu("Classify image", posted)
    message = await reply.until(lambda message: bool(message["embeds"]))
    assert "cat" in embed_of(message)["description"]


async def test_a_message_without_a_picture_is_refused_in_private(playground: Playground) -> None:
    ada = playground.person("ada")
    posted = await ada.send("only words")
    reply = await ada.menu("Classify image", posted)
    message = await reply.until(lambda message: bool(message["content"]))
    assert "no uploaded picture" in message["content"]
    assert message["flags"] & EPHEMERAL


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [("cat.png", b"this is text", "picture"), ("cat.png", b"", "empty"), ("cat.svg", b"<svg/>", "picture")],
)
async def test_what_is_no_picture_is_refused_in_private(
    playground: Playground, name: str, data: bytes, words: str
) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    reply = await ada.slash("classify", image=(name, data))
    refusal = await private_message(ada, reply)
    await ada.until(lambda: len(reply.messages) == 1)  # the public "thinking..." has gone
    assert words in refusal["content"]
    assert not [m for m in grace.messages.values() if m.get("interaction_metadata")]


async def test_the_select_shows_another_class_to_the_owner_only(playground: Playground, cat: bytes) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    reply = await ada.slash("classify", image=("cat.jpg", cat))
    message = await reply.until(lambda message: bool(message["embeds"]))
    custom_id = message["components"][0]["components"][0]["custom_id"]
    before = embed_of(message)["image"]["url"]
    foreign = await grace.select(message, custom_id, ["1"])
    refusal = await private_message(grace, foreign)
    assert "Send one of your own" in refusal["content"]
    await ada.select(message, custom_id, ["1"])
    redrawn = await reply.until(lambda message: embed_of(message)["image"]["url"] != before)
    second = embed_of(message)["description"].splitlines()[1].split("` ")[1]
    assert second in embed_of(redrawn)["footer"]["text"]


async def test_the_button_explains_in_private(playground: Playground, cat: bytes) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    reply = await ada.slash("classify", image=("cat.jpg", cat))
    message = await reply.until(lambda message: bool(message["embeds"]))
    explained = await grace.click(message, "How did you get there?")
    answer = await explained.until(lambda message: "convolutional" in message["content"])
    assert answer["flags"] & EPHEMERAL


async def test_after_a_restart_the_words_are_known_and_the_pictures_gone(
    playground: Playground, bot: NeuralBot, cat: bytes
) -> None:
    ada = playground.person("ada")
    reply = await ada.slash("classify", image=("cat.jpg", cat))
    message = await reply.until(lambda message: bool(message["embeds"]))
    bot.results._kept.clear()  # as after a restart
    explained = await ada.click(message, "How did you get there?")
    await explained.until(lambda message: "convolutional" in message["content"])
    select = message["components"][0]["components"][0]["custom_id"]
    refused = await ada.select(message, select, ["1"])
    assert "15 minutes" in (await private_message(ada, refused))["content"]


async def test_an_empty_picture_is_not_named_with_confidence(playground: Playground) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (300, 300), "white").save(picture, "PNG")
    reply = await playground.person("ada").slash("classify", image=("white.png", picture.getvalue()))
    message = await reply.until(lambda message: bool(message["embeds"]))
    assert embed_of(message)["title"] == "I am not sure"
