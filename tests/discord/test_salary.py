"""/salary, by the real bot and the real network on the embedded Discord."""

from __future__ import annotations

import re
import time

import pytest

from bot.playground.server import Playground
from cogs.salary import similar_universities
from tests.support import EPHEMERAL, embed_of

pytestmark = pytest.mark.usefixtures("bot")


def dollars(text: str) -> list[int]:
    return [int(amount.replace(",", "")) for amount in re.findall(r"\$([\d,]+)", text)]


async def test_all_seven_inputs_give_an_estimate_with_an_interval_in_private(playground: Playground) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    reply = await ada.slash(
        "salary",
        degree="bachelor",
        field="computing",
        age=35,
        experience=10.0,
        gender="female",
        promotions=1,
        university="The University of Texas at Austin",
    )
    message = await reply.until(lambda message: bool(message["embeds"]))
    embed = embed_of(message)
    [median] = dollars(embed["title"])
    low, high, quartile_low, quartile_high = dollars(embed["description"])
    assert 12_000 < low < quartile_low < median < quartile_high < high < 500_000
    assert message["flags"] & EPHEMERAL
    assert message["id"] not in grace.messages
    steps = next(field["value"] for field in embed["fields"] if field["name"] == "How it came about")
    assert "University" in steps
    assert "Promotions" in steps


async def test_the_degree_alone_is_enough(playground: Playground) -> None:
    reply = await playground.person("ada").slash("salary", degree="high school")
    message = await reply.until(lambda message: bool(message["embeds"]))
    [median] = dollars(embed_of(message)["title"])
    assert 25_000 < median < 80_000


async def test_more_education_shows_in_the_pay(playground: Playground) -> None:
    medians = []
    for degree in ("high school", "bachelor", "doctorate"):
        reply = await playground.person("ada").slash("salary", degree=degree, age=40)
        medians += dollars(embed_of(await reply.until(lambda message: bool(message["embeds"])))["title"])
    assert medians == sorted(medians)


async def test_the_impossible_gets_a_question_back(playground: Playground) -> None:
    reply = await playground.person("ada").slash("salary", degree="bachelor", age=19, experience=30.0)
    message = await reply.until(lambda message: bool(message["content"]) and not message["components"])
    assert "?" in message["content"]
    assert message["flags"] & EPHEMERAL


async def test_an_unknown_university_is_named(playground: Playground) -> None:
    reply = await playground.person("ada").slash("salary", degree="bachelor", university="Hogwarts")
    message = await reply.until(lambda message: bool(message["content"]) and not message["components"])
    assert "Hogwarts" in message["content"]


async def test_autocomplete_finds_universities_by_a_part_of_their_name(playground: Playground) -> None:
    choices = await playground.person("ada").autocomplete(
        "salary", "university", "berkeley", degree="bachelor"
    )
    assert "University of California-Berkeley" in [choice["name"] for choice in choices]
    assert len(choices) <= 25


def test_universities_are_found_in_spite_of_typing_mistakes() -> None:
    similar_universities("")  # reads the names
    began = time.perf_counter()
    assert "Stanford University" in similar_universities("standford univercity")
    assert time.perf_counter() - began < 1.0  # far above what it takes: autocomplete has 3 seconds
    assert len(similar_universities("")) == 25
    assert similar_universities("qqqq zzzz xxxx") == []
