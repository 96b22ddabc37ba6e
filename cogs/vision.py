"""/classify and the context menu "Classify image": what a photograph shows, and where the network saw it."""

from __future__ import annotations

import io

import discord
import msgspec
from discord import app_commands
from discord.ext import commands

from bot import cards
from bot.client import NeuralBot
from bot.desk import Presentation
from bot.errors import UserError
from bot.inference.jobs import Finished
from bot.inference.messages import Classification, ClassifyRequest, Prediction, Request
from bot.places import Answer
from bot.replies import COLOUR, DurableItem, Interaction, defer, deliver, finish, small_print
from bot.results import KEEP_SECONDS, Results

LARGEST_UPLOAD = 10 * 1024 * 1024
"""Bytes. Discord's own default limit for members without a subscription."""
BAR_LENGTH = 12


class Vision(commands.Cog):
    """Recognises photographs."""

    def __init__(self, bot: NeuralBot) -> None:
        self.bot = bot
        self.menu = app_commands.ContextMenu(name="Classify image", callback=self.classify_message)

    async def cog_load(self) -> None:
        """Register what the cog's decorators cannot."""
        self.bot.tree.add_command(self.menu)
        self.bot.add_dynamic_items(HeatMapSelect, ExplainButton)
        self.bot.desk.present("vision", Presentation(render=render, complete=complete))

    async def cog_unload(self) -> None:
        """Take it back."""
        self.bot.tree.remove_command(self.menu.name, type=self.menu.type)
        self.bot.remove_dynamic_items(HeatMapSelect, ExplainButton)

    @app_commands.command()
    @app_commands.describe(image="The photograph: drop it here", top="How many guesses to show (5)")
    async def classify(
        self, interaction: Interaction, image: discord.Attachment, top: app_commands.Range[int, 1, 10] = 5
    ) -> None:
        """See what a neural network recognises in your photograph, and where it looked."""
        await self._classify(interaction, image, top)

    async def classify_message(self, interaction: Interaction, message: discord.Message) -> None:
        """Classify the first picture of a message."""
        image = next((file for file in message.attachments if _looks_like_picture(file)), None)
        if image is None:
            raise UserError("There is no uploaded picture in that message.")
        await self._classify(interaction, image, top=5)

    async def _classify(self, interaction: Interaction, image: discord.Attachment, top: int) -> None:
        if image.size > LARGEST_UPLOAD:
            raise UserError(f"That file is too large: I take up to {LARGEST_UPLOAD // 1024**2} MB.")

        await deliver(interaction, ClassifyRequest(image=b"", top=top), upload=image.url)


def complete(request: Request, image: bytes) -> Request:
    """Put the picture into a request."""
    return msgspec.structs.replace(request, image=image)


def _looks_like_picture(file: discord.Attachment) -> bool:
    return (file.content_type or "").startswith("image/")


def render(answered: Finished, shown: int = 0) -> Answer:
    """Show a classification, with the heat map of its class number ``shown`` if it is still there."""
    result = answered.result
    assert isinstance(result, Classification)  # the worker validated it
    best = result.predictions[0]
    embed = discord.Embed(
        title=best.label[:1].upper() + best.label[1:] if result.sure else "I am not sure",
        description=_bars(result.predictions),
        colour=COLOUR,
    )
    if not result.sure:
        embed.description = f"Perhaps one of these, but I would not bet on it:\n{embed.description}"
    seen = result.predictions[shown]
    if not seen.heat_map:
        embed.set_footer(text=f"I do not keep pictures · {small_print(answered)}")
        return Answer(embed=embed)
    embed.set_image(url="attachment://heat-map.jpg")
    embed.set_footer(text=f"Glowing: what speaks for “{seen.label}” · {small_print(answered)}")
    picture = discord.File(
        io.BytesIO(seen.heat_map),
        "heat-map.jpg",
        description=f"The photograph, glowing where the network sees {seen.label}",
    )
    view = discord.ui.View(timeout=None)
    if len(result.predictions) > 1:
        view.add_item(HeatMapSelect(answered.code, result.predictions, shown))
    view.add_item(ExplainButton(answered.code))
    return Answer(embed=embed, files=[picture], view=view)


def _bars(predictions: tuple[Prediction, ...]) -> str:
    lines = []
    for prediction in predictions:
        filled = round(prediction.confidence * BAR_LENGTH)
        bar = "█" * filled + "░" * (BAR_LENGTH - filled)
        lines.append(f"`{bar} {prediction.confidence:>4.0%}` {prediction.label}")
    return "\n".join(lines)


async def _answered(results: Results, code: str) -> Finished:
    return await results.require(code, "I have forgotten this answer. Please ask me again.")


class HeatMapSelect(DurableItem, template=r"heat-map:(?P<code>\w+-\w+)"):
    """Chooses the class whose heat map is shown."""

    def __init__(self, code: str, predictions: tuple[Prediction, ...] = (), shown: int = 0) -> None:
        options = [
            discord.SelectOption(
                label=f"Where do you see: {prediction.label}?"[:100],
                value=str(number),
                default=number == shown,
            )
            for number, prediction in enumerate(predictions)
        ]
        super().__init__(discord.ui.Select(custom_id=f"heat-map:{code}", options=options))
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Show the heat map of the chosen class."""
        await interaction.response.defer()
        answered = await _answered(interaction.client.results, self.code)
        if interaction.user.id != answered.owner:
            raise UserError(f"This picture is <@{answered.owner}>'s. Send one of your own with /classify.")
        assert isinstance(answered.result, Classification)  # the code is that of a classification
        if not answered.result.predictions[0].heat_map:
            minutes = f"{KEEP_SECONDS / 60:.0f} minutes"
            raise UserError(
                f"I keep pictures for {minutes} only, and not over a restart. Please ask me again."
            )
        await finish(interaction, render(answered, shown=int(self.item.values[0])))


class ExplainButton(DurableItem, template=r"explain-image:(?P<code>\w+-\w+)"):
    """Tells how an answer came about."""

    def __init__(self, code: str) -> None:
        super().__init__(
            discord.ui.Button(label="How did you get there?", custom_id=f"explain-image:{code}", emoji="🔍")
        )
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Explain in private."""
        await defer(interaction, private=True)
        answered = await _answered(interaction.client.results, self.code)
        await interaction.edit_original_response(content=explanation(answered))


def explanation(answered: Finished) -> str:
    """Return the way from the photograph to the answer, in words."""
    assert isinstance(answered.result, Classification)  # the worker validated it
    best, *others = answered.result.predictions
    network = cards.card("vision").network
    lines = [
        f"**{network.title}**, a convolutional network with {network.parameters / 1e6:.1f} million weights, "
        "looked at the bright square of your picture and nothing else.",
        "Layer by layer it found edges, then textures, then parts of things, and at the end it gave each of "
        "1,000 classes a score.",
        f"“{best.label}” got {best.confidence:.0%} of its belief"
        + (f", “{others[0].label}” {others[0].confidence:.0%}." if others else "."),
        "The glow shows the places whose features raised the score of the chosen class: pick another class "
        "in the menu and see it move.",
    ]
    if not answered.result.sure:
        lines.append("Its best guess is so weak that I would rather say that I am not sure.")
    lines.append("-# It knows only these classes, none of them is “person”, and it is wrong at times.")
    return "\n".join(lines)


async def setup(bot: NeuralBot) -> None:
    """Add the cog; called by ``load_extension``."""
    await bot.add_cog(Vision(bot))
