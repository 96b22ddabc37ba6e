"""/salary and /salary-lesson, by the real bot and the real network on the embedded Discord."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bot.client import NeuralBot
from bot.inference.catalogue import network_for
from bot.inference.messages import LessonRequest, SalaryEstimate, SalaryRequest
from bot.playground.errors import Json
from bot.playground.person import Person, Reply
from bot.playground.server import Playground
from cogs.salary.answers import difference, dollars
from tests.discord import test_tree
from tests.playground.test_spec import DESCRIPTION, load_checker
from tests.support import EPHEMERAL, all_told, embed_of, private_message

pytestmark = pytest.mark.usefixtures("bot")

EVERYTHING: dict[str, Any] = {
    "degree": "bachelor",
    "field": "computing",
    "age": 35,
    "experience": 10.0,
    "gender": "female",
    "promotions": 1,
    "university": "The University of Texas at Austin",
}


def amounts(text: str) -> list[int]:
    """All dollars in a text, in order."""
    return [int(amount.replace(",", "")) for amount in re.findall(r"\$([\d,]+\d)", text)]


def median(message: Json) -> int:
    [amount] = amounts(embed_of(message)["title"])
    return amount


def field(message: Json, name: str) -> str:
    return next(str(field["value"]) for field in embed_of(message)["fields"] if field["name"] == name)


def code(message: Json) -> str:
    return str(embed_of(message)["footer"]["text"].rsplit(" ", 1)[1])


def shown(message: Json) -> str:
    """The name of the picture in the embed."""
    return str(embed_of(message)["image"]["url"].rsplit("/", 1)[1])


async def done(reply: Reply) -> Json:
    return await reply.until(lambda message: bool(message["embeds"]), timeout=30)


def select(message: Json, name: str) -> Json:
    """The select menu whose custom id begins so."""
    items = [item for row in message["components"] for item in row["components"]]
    return next(dict(item) for item in items if item["custom_id"].startswith(name))


async def choose(person: Person, message: Json, name: str, value: str) -> Json:
    """Choose in a select of one's own card; return the card as it is then."""
    before = embed_of(message)["footer"]
    await person.select(message, select(message, name)["custom_id"], [value])

    def redrawn() -> bool:
        embeds = person.messages[message["id"]]["embeds"]
        return bool(embeds) and embeds[0]["footer"] != before

    await person.until(redrawn, timeout=30)
    return person.messages[message["id"]]


async def plain(bot: NeuralBot, request: SalaryRequest) -> SalaryEstimate:
    """What the network says without Discord around it."""
    job = await bot.queue.submit(request, owner=1, guild=None, place=b"", private=True)
    result = (await job.result()).result
    assert isinstance(result, SalaryEstimate)
    return result


# --- The card ---------------------------------------------------------------------------------------------


async def test_all_seven_inputs_give_an_estimate_with_intervals_and_a_picture_in_private(
    playground: Playground, bot: NeuralBot
) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    message = await done(await ada.slash("salary", **EVERYTHING))
    embed = embed_of(message)
    quartile_low, quartile_high, low, high = amounts(embed["description"])
    assert 12_000 < low < quartile_low < median(message) < quartile_high < high < 500_000
    assert message["flags"] & EPHEMERAL
    assert message["id"] not in grace.messages
    assert embed["image"]["width"] == 1000
    answered = await bot.results.get(code(message))
    assert answered is not None
    [picture] = bot.desk.render(answered).files
    assert picture.description is not None  # for who cannot see it
    for name in ("degree", "field", "age", "experience", "gender", "promotions", "university"):
        assert re.search(rf"{name} [+−]\$", picture.description), name
    assert dollars(median(message)) in picture.description
    footer = embed["footer"]["text"]
    assert "USA" in footer
    assert "dollars of 2024" in footer
    assert "1989 to 2024" in footer
    cautions = field(message, "Take care")
    assert "university employees" in cautions
    assert "not what they should be paid" in cautions


async def test_the_degree_alone_is_enough(playground: Playground) -> None:
    message = await done(await playground.person("ada").slash("salary", degree="high school"))
    assert 25_000 < median(message) < 80_000
    assert "Gender" not in field(message, "Take care")


async def test_more_education_shows_in_the_pay(playground: Playground) -> None:
    ada = playground.person("ada")
    cards = [
        await done(await ada.slash("salary", degree=degree, age=40))
        for degree in ("high school", "bachelor", "doctorate")
    ]
    assert sorted(map(median, cards)) == list(map(median, cards))


async def test_the_impossible_gets_a_question_back(playground: Playground) -> None:
    reply = await playground.person("ada").slash("salary", degree="bachelor", age=19, experience=30.0)
    message = await reply.until(lambda message: bool(message["content"]) and not message["components"])
    assert "?" in message["content"]
    assert message["flags"] & EPHEMERAL


async def test_fields_and_universities_in_ones_own_words(playground: Playground) -> None:
    ada = playground.person("ada")
    message = await done(await ada.slash("salary", degree="bachelor", field="nurse practitioner"))
    assert "Health and nursing" in field(message, "What was said")
    for wrong, words in (({"field": "alchemy"}, "alchemy"), ({"university": "Hogwarts"}, "Hogwarts")):
        refused = await private_message(ada, await ada.slash("salary", degree="bachelor", **wrong))
        assert words in refused["content"]
        assert "leave it out" in refused["content"]


async def test_autocomplete_offers_fields_and_universities(playground: Playground) -> None:
    ada = playground.person("ada")
    for command in ("salary", "salary-lesson"):
        choices = await ada.autocomplete(command, "university", "berkeley", degree="bachelor")
        assert "University of California-Berkeley" in [choice["name"] for choice in choices]
        assert len(choices) <= 25
        choices = await ada.autocomplete(command, "field", "cs", degree="bachelor")
        assert choices[0]["value"] == "computing"


# --- What if ----------------------------------------------------------------------------------------------


async def test_what_if_shows_the_difference_of_two_plain_answers_in_place(
    playground: Playground, bot: NeuralBot
) -> None:
    ada = playground.person("ada")
    first = await done(await ada.slash("salary", **EVERYTHING))
    before = len(ada.messages)
    later = await choose(ada, first, "salary-if", "years=5")
    assert len(ada.messages) == before
    old = await plain(bot, SalaryRequest(**EVERYTHING))
    new = await plain(bot, SalaryRequest(**{**EVERYTHING, "age": 40, "experience": 15.0}))
    assert difference(old.median, new.median) in embed_of(later)["description"]
    assert "Age: 35 → 40" in embed_of(later)["description"]
    assert median(later) == amounts(dollars(new.median))[0]
    # Chosen again from there, the difference is still to what was said first.
    master = await choose(ada, later, "salary-if", "degree=master")
    new = await plain(bot, SalaryRequest(**{**EVERYTHING, "age": 40, "experience": 15.0, "degree": "master"}))
    assert difference(old.median, new.median) in embed_of(master)["description"]
    back = await choose(ada, master, "salary-if", "back")
    assert median(back) == median(first)
    assert "→" not in embed_of(back)["description"]


async def test_what_if_works_after_a_restart_and_leaves_other_people_s_cards_alone(
    playground: Playground, bot: NeuralBot
) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    first = await done(await ada.slash("salary", degree="bachelor", field="education", age=30))
    await all_told(bot.store)
    bot.results._kept.clear()  # as after a restart
    law = await choose(ada, first, "salary-field", "field=law")
    assert "Field: Education → Law" in embed_of(law)["description"]
    await ada.slash("show", code=code(law), public=True)
    public = await grace.until(lambda: next((m for m in grace.messages.values() if m["embeds"]), None))
    theirs = await done(
        await grace.select(public, select(public, "salary-if")["custom_id"], ["degree=master"])
    )
    assert theirs["flags"] & EPHEMERAL
    assert embed_of(ada.messages[law["id"]]) == embed_of(law)


async def test_no_more_is_offered_than_discord_takes_and_nothing_absurd(playground: Playground) -> None:
    ada = playground.person("ada")
    for asked in (EVERYTHING, {"degree": "none"}, {"degree": "high school", "age": 17, "experience": 1.0}):
        message = await done(await ada.slash("salary", **asked))
        for name in ("salary-if", "salary-field"):
            assert 2 <= len(select(message, name)["options"]) <= 25
    values = [option["value"] for option in select(message, "salary-if")["options"]]
    assert "degree=doctorate" not in values  # at 17
    assert "degree=none" in values


# --- Share, the years ahead -------------------------------------------------------------------------------


async def test_only_the_owner_shares_and_then_everybody_sees_it(playground: Playground) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    message = await done(await ada.slash("salary", **EVERYTHING))
    shared = await done(await ada.click(message, "Share"))
    seen = await grace.until(lambda: grace.messages.get(shared["id"]))
    assert not seen["flags"] & EPHEMERAL
    assert embed_of(seen)["title"] == embed_of(message)["title"]
    assert embed_of(seen)["image"]["width"] == 1000
    assert not seen["components"]
    public = await ada.slash("show", code=code(message), public=True)
    again = await public.until(lambda message: bool(message["components"]))
    refused = await private_message(grace, await grace.click(again, "Share"))
    assert "Only the one who asked" in refused["content"]


async def test_the_next_twenty_years_begin_with_the_estimate(playground: Playground) -> None:
    ada = playground.person("ada")
    message = await done(await ada.slash("salary", degree="bachelor", field="computing", age=25))
    curve = await done(await ada.click(message, "Next 20 years"))
    assert curve["flags"] & EPHEMERAL
    embed = embed_of(curve)
    assert embed["title"] == "The next 20 years"
    assert amounts(embed["description"])[0] == median(message)
    assert "no forecast" in embed["description"]
    assert embed["image"]["width"] == 1000
    late = await done(await ada.slash("salary", degree="bachelor", age=60))
    await done(await ada.click(late, "Next 8 years"))
    for asked in ({"age": 67}, {"experience": 39}):
        late = await done(await ada.slash("salary", degree="bachelor", **asked))
        assert not any(
            "years" in item.get("label", "") for row in late["components"] for item in row["components"]
        )
    timeless = await done(await ada.slash("salary", degree="bachelor"))
    labels = [item.get("label") for row in timeless["components"] for item in row["components"]]
    assert "Next 20 years" not in labels
    assert "Share" in labels


# --- The lesson -------------------------------------------------------------------------------------------


async def test_a_lesson_moves_the_guess_towards_the_pay_and_is_told_step_by_step(
    playground: Playground, bot: NeuralBot
) -> None:
    ada = playground.person("ada")
    before = await plain(bot, SalaryRequest(**EVERYTHING))
    pay = round(before.median) + 40_000
    message = await done(await ada.slash("salary-lesson", pay=pay, **EVERYTHING))
    assert message["flags"] & EPHEMERAL
    assert shown(message) == "lesson.gif"
    guess, said, _, after = amounts(embed_of(message)["description"])
    assert guess == amounts(dollars(before.median))[0]
    assert said == amounts(dollars(pay))[0]
    assert guess < after <= said
    await ada.click(message, "4")
    await ada.until(lambda: shown(ada.messages[message["id"]]) == "lesson-4.png")
    stopped = ada.messages[message["id"]]
    assert "to blame" in embed_of(stopped)["title"]
    assert embed_of(stopped)["image"]["width"] == 1000
    await ada.click(stopped, "All in motion")
    await ada.until(lambda: shown(ada.messages[message["id"]]) == "lesson.gif")
    assert await plain(bot, SalaryRequest(**EVERYTHING)) == before  # nothing was kept


async def test_a_lesson_s_steps_outlive_a_restart_and_its_animation_does_not(
    playground: Playground, bot: NeuralBot
) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    message = await done(await ada.slash("salary-lesson", pay=50_000, degree="bachelor"))
    await all_told(bot.store)
    bot.results._kept.clear()  # as after a restart
    await ada.click(message, "All in motion")
    await ada.until(lambda: shown(ada.messages[message["id"]]) == "lesson.png")
    public = await done(await ada.slash("show", code=code(message), public=True))
    theirs = await done(await grace.click(grace.messages[public["id"]], "3"))
    assert theirs["flags"] & EPHEMERAL
    assert shown(theirs) == "lesson-3.png"
    assert shown(ada.messages[public["id"]]) == "lesson.png"
    shared = await done(await ada.click(message, "Share"))
    assert not shared["flags"] & EPHEMERAL
    theirs = await done(await grace.click(grace.messages[shared["id"]], "5"))
    assert shown(theirs) == "lesson-5.png", "a shared lesson can be stepped through too"
    labels = [item["label"] for row in shared["components"] for item in row["components"]]
    assert "Share" not in labels


async def test_under_an_estimate_one_can_say_what_is_really_paid(playground: Playground) -> None:
    ada = playground.person("ada")
    message = await done(await ada.slash("salary", degree="bachelor", field="education", age=30))
    opened = await ada.click(message, "My pay is different")
    await ada.until(lambda: opened.modal)
    lesson = await done(await ada.submit(opened, pay="$41.5k"))
    assert "$41,500" in embed_of(lesson)["description"]
    assert "Education" in embed_of(lesson)["footer"]["text"]
    opened = await ada.click(message, "My pay is different")
    await ada.until(lambda: opened.modal)
    refused = await private_message(ada, await ada.submit(opened, pay="a lot"))
    assert "a lot" in refused["content"]


async def test_the_pay_of_an_hour_gets_a_question_back(playground: Playground) -> None:
    reply = await playground.person("ada").slash("salary-lesson", pay=25, degree="bachelor")
    message = await reply.until(lambda message: bool(message["content"]) and not message["components"])
    assert "whole year" in message["content"]


# --- The house's rules, in the files of this cog ----------------------------------------------------------


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's description of its API is not here")
async def test_requests_are_discords(playground: Playground) -> None:
    checker = load_checker()
    description = checker.Spec(DESCRIPTION)
    with checker.watch(description) as violations:
        ada = playground.person("ada")
        message = await done(await ada.slash("salary", **EVERYTHING))
        changed = await choose(ada, message, "salary-if", "gender=")
        await done(await ada.click(changed, "Share"))
        await done(await ada.click(changed, "Next 20 years"))
        opened = await ada.click(changed, "My pay is different")
        await ada.until(lambda: opened.modal)
        lesson = await done(await ada.submit(opened, pay="90,000"))
        await ada.click(lesson, "2")
        await ada.until(lambda: shown(ada.messages[lesson["id"]]) == "lesson-2.png")
    assert not [str(violation) for violation in violations if " request" in violation.where]
    assert description.checked["request"] > 10


@pytest.mark.parametrize("path", sorted(Path("cogs/salary").glob("*.py")))
def test_handlers_acknowledge_first(path: Path) -> None:
    test_tree.test_handlers_acknowledge_first(path)


def test_lessons_and_estimates_use_one_set_of_weights() -> None:
    person = SalaryRequest(degree="bachelor")
    assert network_for(LessonRequest(person=person, pay=50_000)).weights == "salary"
