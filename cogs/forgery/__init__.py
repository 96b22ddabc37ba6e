"""/forgery: the counterfeiter's progress, the cashier's verdict, and a game against both."""

from __future__ import annotations

import asyncio
import io
import logging

import discord
import msgspec
from discord import app_commands
from discord.ext import commands

from bot.client import NeuralBot
from bot.desk import Presentation
from bot.errors import UserError
from bot.inference.jobs import Finished
from bot.inference.messages import Appraisal, Request, VerdictRequest
from bot.museum import Museum
from bot.paintings import Folder, Source
from bot.places import Answer
from bot.replies import COLOUR, Interaction, defer, deliver, finish, small_print
from cogs.art.explain import training
from cogs.art.spots import own_codes, spot_of
from cogs.art.words import SEED_LENGTH, STYLES, in_words, verdict, way
from cogs.forgery import game

__all__ = ["Forgery", "setup"]

log = logging.getLogger(__name__)

LARGEST_UPLOAD = 10 * 1024 * 1024
"""Bytes. Discord's own default limit for members without a subscription."""


class Forgery(commands.Cog):
    """Shows both sides of the fight that has taught a network to paint."""

    forgery = app_commands.Group(name="forgery", description="Real or forged? The fight behind /art.")

    def __init__(self, bot: NeuralBot) -> None:
        self.bot = bot
        self.sources: list[Source] = []
        if bot.settings.paintings_dir is not None:
            self.sources.append(Folder(bot.settings.paintings_dir))
        if bot.settings.museum:
            self.sources.append(Museum(bot.settings.data_dir / "museum"))

    async def cog_load(self) -> None:
        """Register what the cog's decorators cannot, and tell the operator of a folder without paintings."""
        for source in self.sources:
            if isinstance(source, Folder) and (problem := await asyncio.to_thread(source.problem)):
                log.warning("PAINTINGS_DIR: %s", problem)
        self.bot.add_dynamic_items(*game.BUTTONS)
        self.bot.desk.present("verdict", Presentation(render=render_verdict, complete=complete))
        self.bot.desk.present("forgery", Presentation(render=game.render, prepare=self._prepare))

    async def cog_unload(self) -> None:
        """Take it back."""
        self.bot.remove_dynamic_items(*game.BUTTONS)

    async def _prepare(self, request: Request) -> Request:
        return await game.hide_painting(request, self.sources)

    @forgery.command(name="training")
    async def show_training(self, interaction: Interaction) -> None:
        """See how the network learned to paint: from noise to paintings, with the losses beside."""
        await defer(interaction)
        await finish(interaction, await asyncio.to_thread(training))

    @forgery.command(name="verdict")
    @app_commands.describe(
        picture="A painting of yours, a photograph, anything: drop it here",
        code="Or a picture of mine: art-7K3F, or art-7K3F #2 for its second one",
    )
    @app_commands.autocomplete(code=own_codes)
    async def judge(
        self,
        interaction: Interaction,
        picture: discord.Attachment | None = None,
        code: app_commands.Range[str, 1, SEED_LENGTH] | None = None,
    ) -> None:
        """Ask the network's cashier whether it would take a picture for a real painting."""
        if (picture is None) == (code is None):
            raise UserError("Give me either a picture or the code of one of mine.")
        if picture is not None:
            if picture.size > LARGEST_UPLOAD:
                raise UserError(f"That file is too large: I take up to {LARGEST_UPLOAD // 1024**2} MB.")
            await deliver(interaction, VerdictRequest(), upload=picture.url)
        else:
            assert code is not None
            spot = await spot_of(interaction, code, seeds=False)
            await deliver(interaction, VerdictRequest(spot=spot))

    @forgery.command(name="game")
    @app_commands.describe(style="Of the pictures; drawn by lot if you do not say")
    @app_commands.choices(
        style=[app_commands.Choice(name=label, value=style) for style, label in STYLES.items()]
    )
    async def play(self, interaction: Interaction, style: str | None = None) -> None:
        """Play against the network: which of four pictures was painted by a human, and who is fooled."""
        await deliver(interaction, game.new_round(style), prepare=True)

    @forgery.command(name="scores")
    async def show_scores(self, interaction: Interaction) -> None:
        """See how often the network has fooled this server, and who has the best eye."""
        await defer(interaction)
        if interaction.guild_id is None:
            raise UserError("Scores are kept for each server: ask me on one.")
        table = await self.bot.store.scores(interaction.guild_id)
        await finish(interaction, Answer(embed=game.scores(table, self.bot.settings.keep_days)))


def complete(request: Request, image: bytes) -> Request:
    """Put the picture into a request."""
    return msgspec.structs.replace(request, image=image)


def render_verdict(answered: Finished) -> Answer:
    """Show what the cashier says."""
    request, appraisal = answered.request, answered.result
    assert isinstance(request, VerdictRequest)
    assert isinstance(appraisal, Appraisal)  # the worker validated it
    words = verdict(appraisal.score)
    embed = discord.Embed(
        title=f"“{words}”",
        description=(
            f"The cashier is **{appraisal.score:.0%}** sure that a human painted this. It has seen a few thousand "
            "paintings and as many forgeries, always as small as this one: it looks at colours and strokes, "
            "not at what they show."
        ),
        colour=COLOUR,
    )
    footer = small_print(answered)
    if request.spot is not None:
        footer = f"{in_words(request.spot)} · {way(request.spot.picks)} · {footer}".replace("\\", "")
    embed.set_footer(text=footer if appraisal.picture else f"I do not keep pictures · {footer}")
    if not appraisal.picture:
        return Answer(embed=embed)
    embed.set_image(url="attachment://verdict.webp")
    alt = f"What the cashier saw, and its scale from “wouldn't fool anyone” to “take my hundred dollars”: {words}"
    return Answer(
        embed=embed,
        files=[discord.File(io.BytesIO(appraisal.picture), "verdict.webp", description=alt)],
    )


async def setup(bot: NeuralBot) -> None:
    """Add the cog; called by ``load_extension``."""
    await bot.add_cog(Forgery(bot))
