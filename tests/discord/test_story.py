"""/story by the real bot and the real network on the embedded Discord."""

from __future__ import annotations

import pytest

from bot import cards
from bot.client import NeuralBot
from bot.playground.errors import Json
from bot.playground.person import Reply
from bot.playground.server import Playground
from cogs.story import MOODS, STYLES
from tests.support import EPHEMERAL, all_told, embed_of, private_message

pytestmark = pytest.mark.usefixtures("bot")


async def done(reply: Reply) -> Json:
    return await reply.until(lambda message: bool(message["embeds"]), timeout=60)


def story(message: Json) -> str:
    """The words of a story, without markdown."""
    return str(embed_of(message)["description"]).replace("**", "").replace("\\", "")


async def test_a_story_goes_on_from_its_beginning_and_grows_before_ones_eyes(playground: Playground) -> None:
    ada = playground.person("ada")
    prompt = "The old lighthouse had been dark for a year when"
    asked = {"prompt": prompt, "style": "sea-story", "length": "long"}
    # One alone is written in a second, which leaves no time to watch.
    replies = [await ada.slash("story", **asked, seed=seed) for seed in range(8)]
    growing = await replies[-1].until(lambda message: "✍️" in message["content"], timeout=30)
    message = [await done(reply) for reply in replies][-1]
    assert f"**{prompt}**" in embed_of(message)["description"]
    assert len(story(message).split()) > 150
    assert embed_of(message)["title"]
    assert "Sea story" in embed_of(message)["footer"]["text"]
    assert len(growing["content"]) <= 2000


async def test_the_same_seed_gives_the_same_story_alone_and_among_others(playground: Playground) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    asked = {"prompt": "Once upon a time", "style": "fairy-tale", "length": "short", "seed": 11}
    alone = story(await done(await ada.slash("story", **asked)))  # type: ignore[arg-type]
    together = [await ada.slash("story", **{**asked, "seed": seed}) for seed in (1, 2)]  # type: ignore[arg-type]
    again = await grace.slash("story", **asked)  # type: ignore[arg-type]
    assert story(await done(again)) == alone
    assert alone not in [story(await done(reply)) for reply in together]


async def test_buttons_go_on_and_change_the_mood_also_after_a_restart(
    playground: Playground, bot: NeuralBot
) -> None:
    ada = playground.person("ada")
    first = await done(await ada.slash("story", prompt="The dog", style="bedtime", length="short", seed=3))
    await all_told(bot.store)
    bot.results._kept.clear()  # as after a restart
    more = await done(await ada.click(first, "Continue"))
    assert story(more).startswith("…")
    assert story(first)[:40] not in story(more)
    [file] = more["attachments"]
    assert file["filename"] == "story.txt"
    assert file["size"] > len(story(first)) + len(story(more)) - 10
    calmer = await done(await ada.click(first, "Calmer"))
    another = await done(await ada.click(first, "Another"))
    assert len({story(first), story(calmer), story(another)}) == 3
    select = first["components"][-1]["components"][0]["custom_id"]
    styled = await done(await ada.select(first, select, ["gothic-horror"]))
    assert "Gothic horror" in embed_of(styled)["footer"]["text"]


def words_offered(message: Json) -> list[str]:
    """The labels of a reading's buttons, but for the last one."""
    return [button["label"] for button in message["components"][0]["components"]]


async def test_explain_shows_the_network_s_surprise_in_private(playground: Playground) -> None:
    ada = playground.person("ada")
    asked = {"prompt": "The old king had a daughter", "style": "fairy-tale", "length": "short"}
    message = await done(await ada.slash("story", **asked, seed=1))
    explained = await done(await ada.click(message, "Explain"))
    assert explained["flags"] & EPHEMERAL
    assert embed_of(explained)["title"] == embed_of(message)["title"]
    assert embed_of(explained)["image"]["width"] == 1000
    assert len(words_offered(explained)) == 5
    assert "torn between" in embed_of(explained)["description"]


async def test_people_pick_the_next_word_and_hand_the_pen_back(playground: Playground) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    first = await done(await ada.slash("next-word", text="Once upon a", style="fairy-tale"))
    assert words_offered(first)[0].startswith("time · ")
    before = len(ada.messages)
    await ada.click(first, words_offered(first)[0])

    def second_is_there() -> bool:
        offered = words_offered(ada.messages[first["id"]])
        return len(offered) == 5 and offered != words_offered(first)

    await ada.until(second_is_there)
    second = ada.messages[first["id"]]
    assert len(ada.messages) == before  # the answer has taken the place of the first
    # Somebody else gets a reading of their own, and leaves this one as it is.
    theirs = await done(await grace.click(second, words_offered(second)[0]))
    assert theirs["flags"] & EPHEMERAL
    assert ada.messages[first["id"]] == second
    written = await done(await ada.click(second, "Now you write"))
    assert "**Once upon a time**" in embed_of(written)["description"]


async def test_a_message_is_continued_and_one_without_words_refused(playground: Playground) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    posted = await grace.send("It was the night before the storm, and nobody slept.")
    message = await done(await ada.menu("Continue this as a story", posted))
    assert "nobody slept." in story(message)
    empty = await grace.send("", files=[("a.txt", b"a")])
    refused = await private_message(ada, await ada.menu("Continue this as a story", empty))
    assert "no words" in refused["content"]


async def test_what_people_choose_from_is_what_the_network_knows() -> None:
    assert set(STYLES) == set(cards.config("story")["styles"])
    assert MOODS["calm"] < MOODS["balanced"] < MOODS["wild"]
