"""How a lesson is shown: all of it in motion, or step by step."""

from __future__ import annotations

import discord

from bot.inference.jobs import Finished
from bot.inference.messages import Lesson, LessonRequest
from bot.places import Answer
from bot.replies import COLOUR, DurableItem, Interaction, finish, small_print
from bot.results import Results
from cogs.salary.answers import dollars, person_in_words, picture_of
from cogs.salary.buttons import ShareButton

RIGHT = 50
"""Dollars: amounts are told to the hundred."""


def render_lesson(answered: Finished, step: int = 0) -> Answer:
    """Show a lesson: the whole of it in motion (0), or one of its steps with what it means."""
    request, lesson = answered.request, answered.result
    assert isinstance(request, LessonRequest)
    assert isinstance(lesson, Lesson)  # the worker validated it
    if step:
        shown = lesson.steps[step - 1]
        name = f"lesson-{step}.png"
        embed = discord.Embed(title=shown.title, description=shown.words, colour=COLOUR)
        picture = picture_of(shown.picture, name, f"The network, step {step}: {shown.words}")
    else:
        name = "lesson.gif"
        error = request.pay - lesson.guess
        wrong = f"{dollars(abs(error))} too {'low' if error > 0 else 'high'}"
        if abs(error) < RIGHT:
            wrong = "right, as near as can be said"
        embed = discord.Embed(
            title="A network learns from your pay",
            description=(
                f"It guessed **{dollars(lesson.guess)}**. You say **{dollars(request.pay)}**: it was {wrong}. "
                "After one step of learning it guesses "
                f"**{dollars(lesson.next_guess)}**.\nWatch the signals run forward and the blame run back, or press a "
                "number for one step and what it means.\n-# The step was taken on a copy: neither your pay nor the "
                "step is learned by the network that others ask. The answer is kept for a while, as all are; /privacy "
                "deletes it."
            ),
            colour=COLOUR,
        )
        blamed = sorted(lesson.blame.items(), key=lambda part: -part[1])
        parts = ", ".join(f"{part} {share:.1%}" for part, share in blamed)
        what = (
            "The network: inputs light up its layers, a guess comes out, and the error runs back. Shares of the "
            f"correction: {parts}."
        )
        if not lesson.animation:  # only young lessons have it still
            name = "lesson.png"
        picture = picture_of(lesson.animation or lesson.steps[-1].picture, name, what)
    embed.set_image(url=f"attachment://{name}")
    embed.set_footer(text=f"{person_in_words(request.person)} · {small_print(answered)}"[:2048])
    view = discord.ui.View(timeout=None)
    for number in range(1, len(lesson.steps) + 1):
        view.add_item(StepButton(answered.code, str(number), chosen=number == step))
    view.add_item(StepButton(answered.code, "0", chosen=step == 0))
    view.add_item(ShareButton(answered.code))
    return Answer(embed=embed, files=[picture], view=view)


async def _read(results: Results, code: str) -> Finished:
    """Return the lesson of this code.

    Raises:
        UserError: it is not kept any more.
    """
    return await results.require(
        code, "I have forgotten this lesson. Please ask me again with /salary-lesson."
    )


class StepButton(DurableItem, template=r"lesson-step:(?P<code>\w+-\w+):(?P<step>[0-5])"):
    """Stops a lesson at one of its steps, or shows all of it in motion."""

    for_everybody = True

    def __init__(self, code: str, step: str, *, chosen: bool = False) -> None:
        style = discord.ButtonStyle.primary if chosen else discord.ButtonStyle.secondary
        label = step if step != "0" else "All in motion"
        super().__init__(
            discord.ui.Button(
                label=label, style=style, custom_id=f"lesson-step:{code}:{step}", row=int(step == "0")
            )
        )
        self.code, self.step = code, int(step)

    async def act(self, interaction: Interaction) -> None:
        """Show the step: in the same message for whose it is, in one of their own for others."""
        answered = await _read(interaction.client.results, self.code)
        own = interaction.user.id == answered.owner
        await interaction.response.defer(thinking=not own, ephemeral=not own)
        await finish(interaction, render_lesson(answered, self.step))
