"""/about and /privacy: what this bot is, and what it keeps."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot import __version__, cards
from bot.client import NeuralBot
from bot.inference.catalogue import NETWORKS
from bot.places import Answer
from bot.replies import COLOUR, Interaction, defer, finish
from bot.results import KEEP_SECONDS

FIGURES_AT_MOST = 3
"""Measured figures a network; the rest stand on its card."""
NAMES_AT_MOST = 3
"""Names of data sets a network; more are counted."""

JOURNEY = (
    "Your command goes into one queue, first come, first served. A separate process owns the device and "
    "answers one job at a time, so that a busy network never freezes the bot. The answer comes back and is "
    "put where you read “thinking…”. A job that takes longer shows its place and a Cancel button; if the "
    "process dies, a new one is started and your job runs again."
)

PRIVACY = f"""\
**What I read:** only what you give to a command: its options, and the message on which you use my menu. \
I ask Discord for no privileged intent and see no other message.
**What I keep on disk:** nothing about you. One small file remembers which commands I have told Discord of.
**Pictures and answers:** stay in memory while your job waits and runs; an answer's heat maps stay there up \
to {KEEP_SECONDS / 60:.0f} minutes so that its menu works. Then, or at a restart, they are gone.
**The log:** codes of jobs and errors, times, never your words or pictures.
**Nothing leaves this machine** but my answers to Discord: every network runs here, and nothing that you \
send is used for training.
**To have an answer deleted:** ask a moderator to delete my message, or press “Dismiss” on a private one.\
"""


class About(commands.Cog):
    """Tells of the bot itself."""

    def __init__(self, bot: NeuralBot) -> None:
        self.bot = bot

    @app_commands.command()
    async def about(self, interaction: Interaction) -> None:
        """Tell what I am, which neural networks I run, and how an answer travels."""
        await defer(interaction, private=True)
        embed = discord.Embed(
            title="Neural networks, at home",
            description=(
                "Every answer of mine is made by a real neural network that runs on my operator's own "
                "machine, and can show how it came about."
            ),
            colour=COLOUR,
        )
        for name in NETWORKS:
            embed.add_field(name=cards.card(name).network.title, value=_network(name), inline=False)
        embed.add_field(name="The device", value=self._device(), inline=False)
        embed.add_field(name="How an answer travels", value=JOURNEY, inline=False)
        embed.set_footer(text=f"Version {__version__} · discord.py {discord.__version__}")
        await finish(interaction, Answer(embed=embed))

    @app_commands.command()
    async def privacy(self, interaction: Interaction) -> None:
        """Tell what I read, what I keep, and for how long."""
        await defer(interaction, private=True)
        await finish(
            interaction, Answer(embed=discord.Embed(title="Privacy", description=PRIVACY, colour=COLOUR))
        )

    def _device(self) -> str:
        worker = self.bot.queue.worker
        if worker is None:
            return "The process that owns it is just starting."
        return f"{worker.device_name} (`{worker.device}`), PyTorch {worker.torch_version}"


def _network(name: str) -> str:
    card = cards.card(name)
    network = card.network
    figures = "; ".join(
        f"{metric.name or metric.type}: {_figure(metric.value)}" for metric in card.metrics[:FIGURES_AT_MOST]
    )
    data = (
        ", ".join(card.datasets) if len(card.datasets) <= NAMES_AT_MOST else f"{len(card.datasets)} sources"
    )
    size = f"{network.parameters / 1e6:.2g} million weights, {network.size_mb:g} MB"
    return f"{network.summary}\n-# {size} · data: {data} · {figures}"


def _figure(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,g}"


async def setup(bot: NeuralBot) -> None:
    """Add the cog; called by ``load_extension``."""
    await bot.add_cog(About(bot))
