"""/salary and /salary-lesson: what somebody like this earns, and how a network learns it."""

from __future__ import annotations

from discord import app_commands
from discord.ext import commands

from bot.client import NeuralBot
from bot.desk import Presentation
from bot.inference.messages import LessonRequest, SalaryRequest
from bot.replies import Interaction, deliver
from cogs.salary.answers import render, render_career
from cogs.salary.buttons import BUTTONS
from cogs.salary.lesson import StepButton, render_lesson
from cogs.salary.words import (
    DEGREES,
    FIELDS,
    GENDERS,
    NAME_LENGTH,
    field_of,
    similar_fields,
    similar_universities,
    university_of,
)

__all__ = ["DEGREES", "FIELDS", "GENDERS", "Salary", "setup"]

Age = app_commands.Range[int, 16, 80]
Experience = app_commands.Range[float, 0, 60]
Promotions = app_commands.Range[int, 0, 20]
Typed = app_commands.Range[str, 1, NAME_LENGTH]
Pay = app_commands.Range[int, 1, 100_000_000]


def _choices(labels: dict[str, str]) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=label, value=value) for value, label in labels.items()]


async def field_names(_interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Suggest fields for what has been typed: "cs", "nurse"."""
    return [app_commands.Choice(name=label, value=field) for field, label in similar_fields(current)]


async def university_names(_interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Suggest universities whose names resemble what has been typed."""
    return [app_commands.Choice(name=name, value=name) for name in similar_universities(current)]


DESCRIPTIONS = {
    "degree": "Highest degree",
    "field": "Field of study or work, in your own words: cs, nursing, teacher …",
    "age": "Years",
    "experience": "Years of work experience",
    "gender": "As the data have it; leave it out if you like",
    "promotions": "How often promoted so far",
    "university": "Where the degree is from: type a part of the name",
}


class Salary(commands.Cog):
    """Estimates salaries, and shows how that is learned."""

    def __init__(self, bot: NeuralBot) -> None:
        self.bot = bot

    async def cog_load(self) -> None:
        """Register what the cog's decorators cannot."""
        self.bot.add_dynamic_items(*BUTTONS, StepButton)
        self.bot.desk.present("salary", Presentation(render=render))
        self.bot.desk.present("career", Presentation(render=render_career))
        self.bot.desk.present("lesson", Presentation(render=render_lesson))

    async def cog_unload(self) -> None:
        """Take it back."""
        self.bot.remove_dynamic_items(*BUTTONS, StepButton)

    @app_commands.command()
    @app_commands.describe(**DESCRIPTIONS)
    @app_commands.choices(degree=_choices(DEGREES), gender=_choices(GENDERS))
    @app_commands.autocomplete(field=field_names, university=university_names)
    async def salary(
        self,
        interaction: Interaction,
        degree: str,
        field: Typed | None = None,
        age: Age | None = None,
        experience: Experience | None = None,
        gender: str | None = None,
        promotions: Promotions | None = None,
        university: Typed | None = None,
    ) -> None:
        """Estimate a yearly salary in the USA, with an 80 % interval. Only you see the answer."""
        person = _person(degree, field, age, experience, gender, promotions, university)
        await deliver(interaction, person, private=True)

    @app_commands.command(name="salary-lesson")
    @app_commands.describe(pay="What is really earned in a year, in US dollars", **DESCRIPTIONS)
    @app_commands.choices(degree=_choices(DEGREES), gender=_choices(GENDERS))
    @app_commands.autocomplete(field=field_names, university=university_names)
    async def lesson(
        self,
        interaction: Interaction,
        pay: Pay,
        degree: str,
        field: Typed | None = None,
        age: Age | None = None,
        experience: Experience | None = None,
        gender: str | None = None,
        promotions: Promotions | None = None,
        university: Typed | None = None,
    ) -> None:
        """Watch the network guess a salary, see its error, and learn from it. Only you see it."""
        person = _person(degree, field, age, experience, gender, promotions, university)
        await deliver(interaction, LessonRequest(person=person, pay=pay), private=True)


def _person(
    degree: str,
    field: str | None,
    age: int | None,
    experience: float | None,
    gender: str | None,
    promotions: int | None,
    university: str | None,
) -> SalaryRequest:
    """Return what was said, in the network's own words.

    Raises:
        UserError: the field or the university is not known.
    """
    return SalaryRequest(
        degree=degree,
        field=None if field is None else field_of(field),
        age=age,
        experience=experience,
        gender=gender,
        promotions=promotions,
        university=None if university is None else university_of(university),
    )


async def setup(bot: NeuralBot) -> None:
    """Add the cog; called by ``load_extension``."""
    await bot.add_cog(Salary(bot))
