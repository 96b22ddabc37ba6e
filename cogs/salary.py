"""/salary: what somebody like this earns, with an honest interval."""

from __future__ import annotations

from functools import cache

import discord
from discord import app_commands
from discord.ext import commands
from rapidfuzz import fuzz, process, utils

from bot import cards
from bot.client import NeuralBot
from bot.desk import Presentation
from bot.inference.jobs import Finished
from bot.inference.messages import SalaryEstimate, SalaryRequest
from bot.places import Answer
from bot.replies import COLOUR, Interaction, deliver, small_print

DEGREES = {
    "none": "No degree",
    "high school": "High school",
    "associate": "Associate",
    "bachelor": "Bachelor",
    "master": "Master",
    "professional": "Professional (law, medicine)",
    "doctorate": "Doctorate",
}
"""The network's words for degrees, and what a person reads."""

FIELDS = {
    "agriculture_environment": "Agriculture and environment",
    "arts_design": "Arts, design, architecture",
    "business": "Business and management",
    "communications_media": "Communications, marketing, media",
    "computing": "Computing",
    "education": "Education",
    "engineering": "Engineering",
    "finance_economics": "Finance, accounting, economics",
    "health": "Health and nursing",
    "humanities": "Humanities",
    "law": "Law",
    "life_sciences": "Life sciences",
    "math_stats": "Mathematics and statistics",
    "physical_sciences": "Physical sciences",
    "psychology": "Psychology",
    "public_service": "Public service and non-profits",
    "services_hospitality": "Retail, transport, hospitality",
    "social_sciences": "Social sciences",
    "trades_technical": "Trades, manufacturing, construction",
    "other_general": "Something else",
}

GENDERS = {"female": "Female", "male": "Male", "nonbinary": "Nonbinary"}

INPUTS = {
    "degree": "Degree",
    "field": "Field",
    "age": "Age",
    "experience": "Experience",
    "gender": "Gender",
    "promotions": "Promotions",
    "university": "University",
}
"""The seven inputs, in the order of the command."""

CHOICES_AT_MOST = 25
"""Discord's limit for choices, in autocomplete too."""
NAME_LENGTH = 100
"""Discord's limit for the name and the value of a choice."""


def _choices(labels: dict[str, str]) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=label, value=value) for value, label in labels.items()]


class Salary(commands.Cog):
    """Estimates salaries."""

    def __init__(self, bot: NeuralBot) -> None:
        self.bot = bot

    async def cog_load(self) -> None:
        """Tell the desk how estimates are shown."""
        self.bot.desk.present("salary", Presentation(render=render))

    @app_commands.command()
    @app_commands.describe(
        degree="Highest degree",
        field="Field of study or work",
        age="Years",
        experience="Years of work experience",
        gender="As the data have it; leave it out if you like",
        promotions="How often promoted so far",
        university="Where the degree is from: type a part of the name",
    )
    @app_commands.choices(degree=_choices(DEGREES), field=_choices(FIELDS), gender=_choices(GENDERS))
    async def salary(
        self,
        interaction: Interaction,
        degree: str,
        field: str | None = None,
        age: app_commands.Range[int, 16, 80] | None = None,
        experience: app_commands.Range[float, 0, 60] | None = None,
        gender: str | None = None,
        promotions: app_commands.Range[int, 0, 20] | None = None,
        university: app_commands.Range[str, 1, NAME_LENGTH] | None = None,
    ) -> None:
        """Estimate a yearly salary in the USA, with an 80 % interval. Only you see the answer."""
        request = SalaryRequest(
            degree=degree,
            field=field,
            age=age,
            experience=experience,
            gender=gender,
            promotions=promotions,
            university=university,
        )
        await deliver(interaction, request, private=True)

    @salary.autocomplete("university")
    async def university_names(
        self, _interaction: Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """Suggest universities whose names resemble what has been typed."""
        return [app_commands.Choice(name=name, value=name) for name in similar_universities(current)]


@cache
def _universities() -> dict[str, str]:
    """Return every university's name in lower case without punctuation, and as it is written."""
    names = [name for name in cards.config("salary")["universities"] if len(name) <= NAME_LENGTH]
    return {utils.default_process(name): name for name in sorted(names)}


def similar_universities(typed: str) -> list[str]:
    """Return up to 25 names: those that begin with or contain what was typed, then the similar ones."""
    wanted = utils.default_process(typed)
    names = _universities()
    if not wanted:
        return list(names.values())[:CHOICES_AT_MOST]
    found = sorted((key for key in names if wanted in key), key=lambda key: (key.find(wanted), len(key)))
    if len(found) < CHOICES_AT_MOST:
        alike = process.extract(
            wanted, names.keys(), scorer=fuzz.WRatio, limit=CHOICES_AT_MOST, score_cutoff=70
        )
        found += [key for key, _, _ in alike if key not in found]
    return [names[key] for key in found[:CHOICES_AT_MOST]]


def render(answered: Finished) -> Answer:
    """Show an estimate: the median, where most people like this lie, and what each input did."""
    request, estimate = answered.request, answered.result
    assert isinstance(request, SalaryRequest)
    assert isinstance(estimate, SalaryEstimate)  # the worker validated it
    embed = discord.Embed(
        title=f"About {_dollars(estimate.median)} a year",
        description=(
            f"8 of 10 people like this earn **{_dollars(estimate.interval_low)} to "
            f"{_dollars(estimate.interval_high)}**, the middle half {_dollars(estimate.quartile_low)} to "
            f"{_dollars(estimate.quartile_high)}.\n{_scale(estimate)}"
        ),
        colour=COLOUR,
    )
    embed.add_field(name="You said", value=_said(request), inline=False)
    embed.add_field(name="How it came about", value=_steps(estimate), inline=False)
    if estimate.cautions:
        embed.add_field(
            name="Take care",
            value="\n".join(f"• {caution}" for caution in estimate.cautions)[:1024],
            inline=False,
        )
    embed.set_footer(text=f"USA, dollars of 2024, before tax · {small_print(answered)}")
    return Answer(embed=embed)


def _dollars(amount: float) -> str:
    return f"${round(amount, -2):,.0f}"


def _scale(estimate: SalaryEstimate) -> str:
    """Draw the 80% interval as a line, on it the middle half (heavy) and the median (dot)."""
    width = 30
    low, high = estimate.interval_low, estimate.interval_high

    def place(amount: float) -> int:
        return round((amount - low) / (high - low) * (width - 1))

    line = ["─"] * width
    for position in range(place(estimate.quartile_low), place(estimate.quartile_high) + 1):
        line[position] = "━"
    line[place(estimate.median)] = "●"
    return f"`{low / 1000:.0f}k {''.join(line)} {high / 1000:.0f}k`"


def _said(request: SalaryRequest) -> str:
    words = {
        "degree": DEGREES.get(request.degree, request.degree),
        "field": FIELDS.get(request.field or ""),
        "age": request.age and f"{request.age:g} years old",
        "experience": None if request.experience is None else f"{request.experience:g} years of experience",
        "gender": GENDERS.get(request.gender or ""),
        "promotions": None if request.promotions is None else f"{request.promotions} promotions",
        "university": request.university,
    }
    return " · ".join(str(word) for word in words.values() if word is not None)


def _steps(estimate: SalaryEstimate) -> str:
    """Show the way from the pay of somebody unknown to the estimate, one input after the other."""
    lines = [f"{'Somebody unknown':<17}{_dollars(estimate.baseline):>10}"]
    steps = sorted(estimate.contributions.items(), key=lambda step: -abs(step[1]))
    lines += [f"{INPUTS[name]:<17}{round(amount, -2):>+10,.0f}" for name, amount in steps]
    lines.append(f"{'Estimate':<17}{_dollars(estimate.median):>10}")
    return "```\n" + "\n".join(lines) + "\n```"


async def setup(bot: NeuralBot) -> None:
    """Add the cog; called by ``load_extension``."""
    await bot.add_cog(Salary(bot))
