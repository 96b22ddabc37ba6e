"""The game: four pictures, one by a human. Whoever takes a forgery for it was fooled."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence

import discord
import msgspec

from bot.errors import UserError
from bot.inference.jobs import Finished
from bot.inference.messages import Lineup, LineupRequest, Request
from bot.paintings import Source
from bot.places import Answer
from bot.replies import COLOUR, DurableItem, Interaction, deliver, finish, small_print
from bot.results import Results
from bot.store import Guess, Scores
from cogs.art.words import ANY, STYLES, new_seed, verdict

EVERYBODY_MAY_SOLVE = 3
"""From so many guesses on: the one who started may have gone."""
NAMED_AT_MOST = 20


def new_round(style: str | None = None) -> LineupRequest:
    """Return the request for a round, in a style drawn by lot if none is given."""
    return LineupRequest(seed=new_seed(), style=style or random.choice(list(STYLES)))


async def hide_painting(request: Request, sources: Sequence[Source]) -> Request:
    """Put a painting by a human into a round, from the first source that has one."""
    assert isinstance(request, LineupRequest)
    for source in sources:
        painting = await source.painting(request.style)
        if painting is not None:
            known = painting.credit.style if painting.credit.style in STYLES else None
            return msgspec.structs.replace(
                request, real=painting.image, credit=str(painting.credit), style=known or ANY
            )
    return request


def render(answered: Finished) -> Answer:
    """Ask."""
    lineup = answered.result
    assert isinstance(lineup, Lineup)  # the worker validated it
    if lineup.human:
        title = "Which one was painted by a human?"
        text = (
            "Three of them are forgeries by a neural network. One guess each; only you see what I make of it."
        )
    else:
        title = "Which one does the cashier like best?"
        text = (
            "All four are forgeries. One of them fooled the cashier, the network that tells forgeries from paintings, "
            "more than the others. One guess each; only you see what I make of it."
        )
    embed = discord.Embed(title=title, description=text, colour=COLOUR)
    embed.set_image(url="attachment://lineup.webp")
    embed.set_footer(
        text=f"All were made as small as the network paints, and large again · {small_print(answered)}"
    )
    view = discord.ui.View(timeout=None)
    for number in range(len(lineup.scores)):
        view.add_item(GuessButton(answered.code, str(number)))
    view.add_item(SolveButton(answered.code))
    return Answer(
        embed=embed, files=[_file(lineup.picture, "lineup.webp", "Four numbered pictures")], view=view
    )


def solution(answered: Finished, guesses: Sequence[Guess]) -> Answer:
    """Show the answer, who was fooled, and whose painting it is."""
    request, lineup = answered.request, answered.result
    assert isinstance(request, LineupRequest)
    assert isinstance(lineup, Lineup)
    number = lineup.answer + 1
    score = lineup.scores[lineup.answer]
    if lineup.human:
        title = f"Number {number} was painted by a human"
        fooled = sum(not guess.right for guess in guesses)
        people = f"**{fooled} of {len(guesses)}** were fooled." if guesses else "Nobody dared to guess."
        lines = [request.credit, people]
        if max(lineup.scores) > score:
            best = max(range(len(lineup.scores)), key=lambda place: lineup.scores[place])
            lines.append(f"The cashier was fooled, too: it would have taken number {best + 1}.")
        else:
            lines.append(f"The cashier was not: it is {score:.0%} sure of the real one.")
    else:
        title = f"The cashier likes number {number} best"
        alike = sum(guess.right for guess in guesses)
        people = f"**{alike} of {len(guesses)}** think as it does." if guesses else "Nobody dared to guess."
        lines = [f"{score:.0%} sure that it is real: “{verdict(score)}”.", people]
    right = [f"<@{guess.person}>" for guess in guesses if guess.right][:NAMED_AT_MOST]
    if right:
        lines.append(f"Right: {', '.join(right)}")
    embed = discord.Embed(title=title, description="\n".join(lines), colour=COLOUR)
    embed.set_image(url="attachment://solution.webp")
    embed.set_footer(text=small_print(answered))
    view = discord.ui.View(timeout=None)
    view.add_item(NextButton())
    words = f"The four pictures, number {number} in a golden frame, with the cashier's scores"
    return Answer(embed=embed, files=[_file(lineup.solution, "solution.webp", words)], view=view)


def scores(table: Scores, days: float) -> discord.Embed:
    """Show how a server plays."""
    embed = discord.Embed(title="Forgeries: the score", colour=COLOUR)
    if not table.rounds:
        embed.description = "Nobody has played yet. `/forgery game` starts a round."
        return embed
    lines = []
    if table.guesses:
        lines.append(
            f"The counterfeiter has fooled **{table.fooled} of {table.guesses}** "
            f"({table.fooled / table.guesses:.0%}). By pure chance it would be 75%."
        )
    lines += [
        f"`{place}` <@{one.person}> · {one.right} of {one.guesses} right"
        for place, one in enumerate(table.best, start=1)
    ]
    embed.description = "\n".join(lines)
    rounds = "1 round" if table.rounds == 1 else f"{table.rounds} rounds"
    embed.set_footer(text=f"{rounds} of the last {days:g} days")
    return embed


async def _round(results: Results, code: str) -> Finished:
    """Return the round of this code.

    Raises:
        UserError: it is not kept any more.
    """
    return await results.require(
        code, "I have forgotten this round. Please start another one with /forgery game."
    )


class GuessButton(DurableItem, template=r"forgery-guess:(?P<code>\w+-\w+):(?P<number>[0-3])"):
    """Says which picture it is."""

    def __init__(self, code: str, number: str) -> None:
        super().__init__(
            discord.ui.Button(
                label=str(int(number) + 1),
                custom_id=f"forgery-guess:{code}:{number}",
                style=discord.ButtonStyle.primary,
            )
        )
        self.code, self.number = code, int(number)

    async def act(self, interaction: Interaction) -> None:
        """Note the guess, tell whether it is right, and count it on the round's message."""
        await interaction.response.defer()
        answered = await _round(interaction.client.results, self.code)
        lineup = answered.result
        assert isinstance(lineup, Lineup)
        store, person = interaction.client.store, interaction.user.id
        right = self.number == lineup.answer
        counts = await store.guess(
            self.code, person, interaction.guild_id, self.number, right=right, human=lineup.human
        )
        guesses = await store.guesses(self.code)
        if not counts and await store.is_solved(self.code):
            await _tell_solution(
                interaction.followup, answered, guesses
            )  # somebody has come back to it, with /show
            return
        if not counts:
            said = next((guess.number for guess in guesses if guess.person == person), None)
            assert said is not None  # nothing else keeps a guess from counting
            raise UserError(f"You have said {said + 1}. One guess each!")
        await interaction.followup.send(reaction(lineup, self.number), ephemeral=True)
        people = "1 person has" if len(guesses) == 1 else f"{len(guesses)} people have"
        await interaction.edit_original_response(content=f"-# {people} guessed.")


def reaction(lineup: Lineup, number: int) -> str:
    """Return what the one who guesses is told."""
    if number == lineup.answer and lineup.human:
        return f"👏 Right, number {number + 1} is by a human. Don't tell!"
    if number == lineup.answer:
        return f"👏 Right, the cashier likes number {number + 1} best, too. Don't tell!"
    if lineup.human:
        return f"💸 Fooled! Number {number + 1} is a forgery. It will be solved soon."
    return f"💸 No, the cashier likes another one better than number {number + 1}. It will be solved soon."


class SolveButton(DurableItem, template=r"forgery-solve:(?P<code>\w+-\w+)"):
    """Ends a round."""

    def __init__(self, code: str) -> None:
        super().__init__(discord.ui.Button(label="Solve", emoji="🔎", custom_id=f"forgery-solve:{code}"))
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Show the answer in the round's place."""
        await interaction.response.defer()
        answered = await _round(interaction.client.results, self.code)
        store = interaction.client.store
        guesses = await store.guesses(self.code)
        if await store.is_solved(self.code):
            await _tell_solution(interaction.followup, answered, guesses)
            return
        allowed = interaction.user.id == answered.owner or interaction.permissions.manage_messages
        if not allowed and len(guesses) < EVERYBODY_MAY_SOLVE:
            raise UserError(
                f"Only <@{answered.owner}> or a moderator can solve this before "
                f"{EVERYBODY_MAY_SOLVE} people have guessed."
            )
        await store.solve(self.code)
        await finish(interaction, solution(answered, await store.guesses(self.code)))


async def _tell_solution(followup: discord.Webhook, answered: Finished, guesses: Sequence[Guess]) -> None:
    """Show the answer of a round that is over, in private."""
    shown = solution(answered, guesses)
    await followup.send("This round is over.", embed=shown.embed, files=shown.files, ephemeral=True)


class NextButton(DurableItem, template=r"forgery-next"):
    """Starts another round."""

    def __init__(self) -> None:
        super().__init__(
            discord.ui.Button(
                label="Another round", emoji="🎲", custom_id="forgery-next", style=discord.ButtonStyle.primary
            )
        )

    async def act(self, interaction: Interaction) -> None:
        """Start it."""
        await deliver(interaction, new_round(), prepare=True)


def _file(data: bytes, name: str, words: str) -> discord.File:
    return discord.File(io.BytesIO(data), name, description=words)


BUTTONS = (GuessButton, SolveButton, NextButton)
