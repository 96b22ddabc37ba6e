"""How estimates and the years ahead are shown."""

from __future__ import annotations

import io

import discord

from bot.inference.jobs import Finished
from bot.inference.messages import Career, CareerRequest, SalaryEstimate, SalaryRequest
from bot.places import Answer
from bot.replies import COLOUR, small_print
from cogs.salary.buttons import (
    CareerButton,
    FieldSelect,
    ShareButton,
    TeachButton,
    WhatIfSelect,
)
from cogs.salary.whatif import ahead, differences, said
from cogs.salary.words import INPUTS

ALT_LENGTH = 1024
"""Discord's limit for the description of a file."""
DATA = "USA, full-time · dollars of 2024, before tax · data of 1989 to 2024"


def render(answered: Finished) -> Answer:
    """Show an estimate: the median, where most people like this lie, and what each input did."""
    request, estimate = answered.request, answered.result
    assert isinstance(request, SalaryRequest)
    assert isinstance(estimate, SalaryEstimate)  # the worker validated it
    lines = [
        f"Half of the people like this earn {dollars(estimate.quartile_low)} to "
        f"{dollars(estimate.quartile_high)}, **8 of 10 earn {dollars(estimate.interval_low)} to "
        f"{dollars(estimate.interval_high)}**."
    ]
    if request.compared_to is not None and estimate.before is not None:
        what = ", ".join(differences(request.compared_to, request))
        lines.insert(0, f"**{difference(estimate.before, estimate.median)}** with {what}")
    embed = discord.Embed(
        title=f"About {dollars(estimate.median)} a year", description="\n".join(lines), colour=COLOUR
    )
    embed.add_field(name="What was said", value=person_in_words(request), inline=False)
    cautions = list(estimate.cautions)
    if request.gender is not None:
        cautions.append(
            "Gender shows what people were paid, not what they should be paid. Leave it out if you like."
        )
    embed.add_field(
        name="Take care", value="\n".join(f"• {caution}" for caution in cautions)[:1024], inline=False
    )
    embed.set_image(url="attachment://salary.png")
    embed.set_footer(text=f"{DATA} · {small_print(answered)}")
    steps = sorted(estimate.contributions.items(), key=lambda step: -abs(step[1]))
    added = ", ".join(f"{INPUTS[name].lower()} {signed(amount)}" for name, amount in steps)
    picture = picture_of(
        estimate.picture,
        "salary.png",
        f"The distribution of pay of people like this: half earn more than {dollars(estimate.median)}. How it came "
        f"about: somebody unknown {dollars(estimate.baseline)}, {added}.",
    )
    view = discord.ui.View(timeout=None)
    view.add_item(WhatIfSelect(answered.code, request))
    view.add_item(FieldSelect(answered.code, request))
    if years := ahead(request):
        view.add_item(CareerButton(answered.code, years))
    view.add_item(TeachButton(answered.code))
    view.add_item(ShareButton(answered.code))
    return Answer(embed=embed, files=[picture], view=view)


def render_career(answered: Finished) -> Answer:
    """Show the curve of the years ahead."""
    request, career = answered.request, answered.result
    assert isinstance(request, CareerRequest)
    assert isinstance(career, Career)  # the worker validated it
    now, last = career.years[0], career.years[-1]
    best = max(career.years, key=lambda year: year.median)
    embed = discord.Embed(
        title=f"The next {last.ahead} years",
        description=(
            f"People like this earn about {dollars(now.median)} now; those who are {last.ahead} years further on "
            f"about **{dollars(last.median)}**, 8 of 10 of them {dollars(last.interval_low)} to "
            f"{dollars(last.interval_high)}. The most, about {dollars(best.median)}, is "
            + ("now." if best.ahead == 0 else f"{best.ahead} years ahead.")
            + "\n-# This compares people of different ages at one time. It is no forecast: prices, jobs and you will "
            "change, and today's older people began in another world. All else that was said stays as it is."
        ),
        colour=COLOUR,
    )
    embed.add_field(name="What was said", value=person_in_words(request.person), inline=False)
    embed.set_image(url="attachment://career.png")
    embed.set_footer(text=f"{DATA} · {small_print(answered)}")
    points = ", ".join(f"in {year.ahead} years {dollars(year.median)}" for year in career.years[5::5])
    picture = picture_of(
        career.picture,
        "career.png",
        f"A curve of the median with bands: now {dollars(now.median)}, {points}.",
    )
    view = discord.ui.View(timeout=None)
    view.add_item(ShareButton(answered.code))
    return Answer(embed=embed, files=[picture], view=view)


def person_in_words(person: SalaryRequest) -> str:
    """Return what was said of a person in a line."""
    words = {
        "age": f"{said(person, 'age')} years old",
        "experience": f"{said(person, 'experience')} years of experience",
        "promotions": f"{said(person, 'promotions')} promotion{'' if person.promotions == 1 else 's'}",
    }
    return " · ".join(
        words.get(name, said(person, name)) for name in INPUTS if getattr(person, name) is not None
    )


def difference(before: float, after: float) -> str:
    """Return how far an estimate has moved, in dollars and percent."""
    return f"{signed(after - before)} ({(after - before) / before:+.0%})".replace("-", "−")


def dollars(amount: float) -> str:
    """Return an amount to the hundred."""
    return f"${round(amount, -2):,.0f}"


def signed(amount: float) -> str:
    """Return an amount to the hundred, with its sign."""
    return f"{'−' if amount < 0 else '+'}{dollars(abs(amount))}"


def picture_of(data: bytes, name: str, words: str) -> discord.File:
    """Return a picture with words for who cannot see it."""
    return discord.File(io.BytesIO(data), name, description=words[:ALT_LENGTH])
