"""/story and the context menu "Continue this as a story": a recurrent network writes, word by word."""

from __future__ import annotations

import io
import secrets
from typing import ClassVar

import discord
import msgspec
from discord import app_commands
from discord.ext import commands

from bot.client import NeuralBot
from bot.desk import Presentation
from bot.errors import UserError
from bot.inference.jobs import Finished
from bot.inference.messages import Expected, Reading, ReadRequest, Story, StoryRequest
from bot.places import Answer
from bot.replies import COLOUR, DurableItem, Interaction, deliver, share, small_print
from bot.results import Results

STYLES = {
    "adventure": "Adventure",
    "austen": "Jane Austen",
    "bedtime": "Bedtime story",
    "comedy": "Comedy of manners",
    "detective": "Detective story",
    "dickens": "Charles Dickens",
    "fairy-tale": "Fairy tale",
    "folk-tale": "Folk tale",
    "gothic-horror": "Gothic horror",
    "legend": "Legend of old",
    "science-fiction": "Science fiction",
    "sea-story": "Sea story",
    "shakespeare": "Shakespeare",
    "sherlock": "Sherlock Holmes",
    "weird-tales": "Weird tales",
    "western": "Western",
    "wonderland": "Wonderland",
}
"""The network's words for styles, and what a person reads."""

LENGTHS = {"short": 80, "medium": 200, "long": 500}
"""Words that are written."""
MOODS = {"calm": 0.5, "balanced": 0.7, "wild": 0.95}
"""Temperatures."""
LEAST, MOST = 0.3, 1.5
"""Temperatures to which the buttons go."""
STEP = 0.2
PROMPT_LENGTH = 1500
SEEDS = 2**31
SHOWN = 3900
"""Characters of a story in an embed, which takes 4,096; a longer one comes as a file as well."""


class Stories(commands.Cog):
    """Writes stories."""

    def __init__(self, bot: NeuralBot) -> None:
        self.bot = bot
        self.menu = app_commands.ContextMenu(name="Continue this as a story", callback=self.go_on_from)

    async def cog_load(self) -> None:
        """Register what the cog's decorators cannot."""
        self.bot.tree.add_command(self.menu)
        self.bot.add_dynamic_items(*BUTTONS)
        self.bot.desk.present("story", Presentation(render=render))
        self.bot.desk.present("reading", Presentation(render=render_reading))

    async def cog_unload(self) -> None:
        """Take it back."""
        self.bot.tree.remove_command(self.menu.name, type=self.menu.type)
        self.bot.remove_dynamic_items(*BUTTONS)

    @app_commands.command()
    @app_commands.describe(
        prompt="How it begins, or what it is about",
        style="In the manner of which books",
        length="How much to write",
        mood="How much risk to take with words",
        seed="The same seed gives the same story",
    )
    @app_commands.choices(
        style=[app_commands.Choice(name=label, value=value) for value, label in STYLES.items()],
        length=[
            app_commands.Choice(name=f"{name} ({words} words)", value=name) for name, words in LENGTHS.items()
        ],
        mood=[app_commands.Choice(name=name, value=name) for name in MOODS],
    )
    async def story(
        self,
        interaction: Interaction,
        prompt: app_commands.Range[str, 0, PROMPT_LENGTH] = "",
        style: str | None = None,
        length: str = "medium",
        mood: str = "balanced",
        seed: app_commands.Range[int, 0, SEEDS] | None = None,
    ) -> None:
        """Have a neural network write a story, and watch it write."""
        request = StoryRequest(
            prompt=prompt,
            style=style,
            words=LENGTHS[length],
            temperature=MOODS[mood],
            seed=new_seed() if seed is None else seed,
        )
        await deliver(interaction, request)

    @app_commands.command(name="next-word")
    @app_commands.describe(text="Such as: A quick brown", style="As which books would go on")
    @app_commands.choices(
        style=[app_commands.Choice(name=label, value=value) for value, label in STYLES.items()]
    )
    async def next_word(
        self,
        interaction: Interaction,
        text: app_commands.Range[str, 1, PROMPT_LENGTH],
        style: str | None = None,
    ) -> None:
        """See which words the network expects next, and pick one yourself."""
        await deliver(interaction, ReadRequest(text=text, style=style))

    async def go_on_from(self, interaction: Interaction, message: discord.Message) -> None:
        """Take a message for the beginning of a story."""
        if not message.content.strip():
            raise UserError("There are no words in that message to go on from.")
        await deliver(interaction, StoryRequest(prompt=message.content[:PROMPT_LENGTH], seed=new_seed()))


def new_seed() -> int:
    """Draw a seed now, so that the story can be written again."""
    return secrets.randbelow(SEEDS)


def render(answered: Finished) -> Answer:
    """Show a story, with buttons to go on from it.

    What was given is in bold. Of a story that was continued the new part is shown, and all of it is in a file.
    """
    request, story = answered.request, answered.result
    assert isinstance(request, StoryRequest)
    assert isinstance(story, Story)  # the worker validated it
    written = discord.utils.escape_markdown(story.text.removeprefix(story.opening))
    opening = discord.utils.escape_markdown(story.opening.strip())
    continued = request.title is not None
    whole = f"**{opening}**{written}" if opening else written
    text = f"… {written.strip()}" if continued else whole
    files = []
    if continued or len(text) > SHOWN:
        files = [discord.File(io.BytesIO(f"{story.title}\n\n{story.text}\n".encode()), "story.txt")]
    if len(text) > SHOWN:
        text = f"{text[:SHOWN].rsplit(' ', 1)[0]} …"
    embed = discord.Embed(title=story.title[:256], description=text or "…", colour=COLOUR)
    style = STYLES.get(story.style or "", "No style in particular")
    embed.set_footer(text=f"{style} · {story.words} words · seed {request.seed} · {small_print(answered)}")
    view = discord.ui.View(timeout=None)
    for button in (*STORY_BUTTONS, StyleSelect):
        view.add_item(button(answered.code))
    return Answer(embed=embed, files=files, view=view)


def render_reading(answered: Finished) -> Answer:
    """Show how surprised the network was by each word, with a button for each word that may follow."""
    request, reading = answered.request, answered.result
    assert isinstance(request, ReadRequest)
    assert isinstance(reading, Reading)  # the worker validated it
    torn = " or ".join(f"**{word.word}** ({share(word.probability)})" for word in reading.expected[:2])
    average = sum(word.bits for word in reading.words) / max(1, len(reading.words))
    embed = discord.Embed(
        title=(request.title or "How the network reads")[:256],
        description=(
            f"The network is torn between: {torn}… What comes next? **You** choose."
            "\n-# The brighter a word, the less it was expected. On average the right word was one chance in "
            f"{2**average:,.0f} ({average:.1f} bits)."
        ),
        colour=COLOUR,
    )
    embed.set_image(url="attachment://reading.png")
    style = STYLES.get(request.style or "", "No style in particular")
    embed.set_footer(text=f"{style} · {small_print(answered)}")
    best = ", ".join(f"{word.word} {share(word.probability)}" for word in reading.expected)
    picture = discord.File(
        io.BytesIO(reading.picture),
        "reading.png",
        description=f"The text, each word coloured by its surprise. Expected next: {best}"[:1024],
    )
    view = discord.ui.View(timeout=None)
    for number, word in enumerate(reading.expected):
        view.add_item(WordButton(answered.code, str(number), word))
    view.add_item(WriteButton(answered.code))
    return Answer(embed=embed, files=[picture], view=view)


async def _written(results: Results, code: str) -> tuple[StoryRequest, Story]:
    """Return the story of this code.

    Raises:
        UserError: it is not kept any more.
    """
    answered = await results.require(
        code, "I have forgotten this story. Please ask me for another one with /story."
    )
    assert isinstance(answered.request, StoryRequest)
    assert isinstance(answered.result, Story)
    return answered.request, answered.result


class _StoryButton(DurableItem, template=r"(?!)"):
    """A button under a story; its custom id is its name and the story's code."""

    name: ClassVar[str]
    label: ClassVar[str]
    emoji: ClassVar[str]
    colour: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary

    def __init__(self, code: str) -> None:
        custom_id = f"{self.name}:{code}"
        super().__init__(
            discord.ui.Button(label=self.label, emoji=self.emoji, style=self.colour, custom_id=custom_id)
        )
        self.code = code


class ContinueButton(_StoryButton, template=r"story-more:(?P<code>\w+-\w+)"):
    """Goes on with a story."""

    name, label, emoji = "story-more", "Continue", "✍️"
    colour = discord.ButtonStyle.primary

    async def act(self, interaction: Interaction) -> None:
        """Write on from the end."""
        request, story = await _written(interaction.client.results, self.code)
        await deliver(interaction, msgspec.structs.replace(request, prompt=story.text, title=story.title))


class AnotherButton(_StoryButton, template=r"story-again:(?P<code>\w+-\w+)"):
    """Writes another story from the same beginning."""

    name, label, emoji = "story-again", "Another", "🎲"

    async def act(self, interaction: Interaction) -> None:
        """Write with another seed."""
        request, _ = await _written(interaction.client.results, self.code)
        await deliver(interaction, msgspec.structs.replace(request, seed=new_seed()))


class CalmerButton(_StoryButton, template=r"story-calmer:(?P<code>\w+-\w+)"):
    """Writes the story anew and takes less risk with words."""

    name, label, emoji = "story-calmer", "Calmer", "🌙"

    async def act(self, interaction: Interaction) -> None:
        """Write with the same seed at a lower temperature."""
        request, _ = await _written(interaction.client.results, self.code)
        await deliver(interaction, warmed(request, -STEP))


class WilderButton(_StoryButton, template=r"story-wilder:(?P<code>\w+-\w+)"):
    """Writes the story anew and takes more risk with words."""

    name, label, emoji = "story-wilder", "Wilder", "🔥"

    async def act(self, interaction: Interaction) -> None:
        """Write with the same seed at a higher temperature."""
        request, _ = await _written(interaction.client.results, self.code)
        await deliver(interaction, warmed(request, STEP))


def warmed(request: StoryRequest, change: float) -> StoryRequest:
    """Return a request at another temperature.

    Raises:
        UserError: that is as far as it goes.
    """
    temperature = round(min(MOST, max(LEAST, request.temperature + change)), 2)
    if temperature == request.temperature:
        raise UserError("That is as far as it goes.")
    return msgspec.structs.replace(request, temperature=temperature)


class StyleSelect(DurableItem, template=r"story-style:(?P<code>\w+-\w+)"):
    """Writes the story anew in another style."""

    def __init__(self, code: str) -> None:
        options = [discord.SelectOption(label=label, value=value) for value, label in STYLES.items()]
        select: discord.ui.Select[discord.ui.View] = discord.ui.Select(
            placeholder="The same beginning in another style",
            custom_id=f"story-style:{code}",
            options=options,
        )
        super().__init__(select)
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Write it in the chosen style."""
        request, _ = await _written(interaction.client.results, self.code)
        style = self.item.values[0]
        await deliver(interaction, msgspec.structs.replace(request, style=style, title=None))


class ExplainButton(_StoryButton, template=r"story-explain:(?P<code>\w+-\w+)"):
    """Shows how the network reads its own story."""

    name, label, emoji = "story-explain", "Explain", "🔍"

    async def act(self, interaction: Interaction) -> None:
        """Read the story, in private."""
        request, story = await _written(interaction.client.results, self.code)
        await deliver(
            interaction, ReadRequest(text=story.text, style=request.style, title=story.title), private=True
        )


class WordButton(DurableItem, template=r"story-word:(?P<code>\w+-\w+):(?P<number>[0-4])"):
    """Puts one of the expected words behind a text; the network reads on."""

    def __init__(self, code: str, number: str, word: Expected | None = None) -> None:
        label = f"{word.word} · {share(word.probability)}"[:80] if word else "…"
        super().__init__(
            discord.ui.Button(
                label=label, custom_id=f"story-word:{code}:{number}", style=discord.ButtonStyle.primary
            )
        )
        self.code, self.number = code, int(number)

    async def act(self, interaction: Interaction) -> None:
        """Read on: in the same message for whose it is, in one of their own for others."""
        answered = await _read(interaction.client.results, self.code)
        request, reading = answered.request, answered.result
        assert isinstance(request, ReadRequest)
        assert isinstance(reading, Reading)
        text = f"{request.text.rstrip()} {reading.expected[self.number].word}"
        own = interaction.user.id == answered.owner
        await deliver(
            interaction,
            msgspec.structs.replace(request, text=text),
            private=answered.private or not own,
            update=own,
        )


class WriteButton(DurableItem, template=r"story-write:(?P<code>\w+-\w+)"):
    """Hands the pen back to the network."""

    def __init__(self, code: str) -> None:
        super().__init__(
            discord.ui.Button(label="Now you write", emoji="✍️", custom_id=f"story-write:{code}", row=1)
        )
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Write a story from the text on."""
        request = (await _read(interaction.client.results, self.code)).request
        assert isinstance(request, ReadRequest)
        await deliver(
            interaction,
            StoryRequest(prompt=request.text, style=request.style, title=request.title, seed=new_seed()),
        )


async def _read(results: Results, code: str) -> Finished:
    """Return the reading of this code.

    Raises:
        UserError: it is not kept any more.
    """
    return await results.require(code, "I have forgotten this text. Please start anew with /next-word.")


STORY_BUTTONS = (ContinueButton, AnotherButton, CalmerButton, WilderButton, ExplainButton)
BUTTONS = (*STORY_BUTTONS, StyleSelect, WordButton, WriteButton)


async def setup(bot: NeuralBot) -> None:
    """Add the cog; called by ``load_extension``."""
    await bot.add_cog(Stories(bot))
