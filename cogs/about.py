"""/about and /privacy: what this bot is, and what it keeps."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot import __version__, cards
from bot.client import NeuralBot
from bot.inference.catalogue import NETWORKS
from bot.places import Answer
from bot.replies import COLOUR, DurableItem, Interaction, defer, finish
from bot.results import KEEP_SECONDS

FIGURES_AT_MOST = 3
"""Measured figures a network; the rest stand on its card."""
NAMES_AT_MOST = 3
"""Names of data sets a network; more are counted."""

JOURNEY = (
    "Your command is written down, so that nothing is lost, and waits in a line of your own; people take "
    "turns. A separate process owns the device and does one thing at a time: a batch of short jobs, or one "
    "step of all the texts that are being written. While you wait you see your place, and you can cancel. "
    "If that process dies, or I do, your job runs again."
)

PRIVACY = """\
**What I read:** only what you give to a command: its options, and the message on which you use my menu. \
I ask Discord for no privileged intent and see no other message.
**What I keep on disk:** what you asked for and my answer, under the code that stands on it, for {days:g} \
days: so the code and the buttons work, also after a restart.
**Pictures that you send:** are written down while your job waits and runs, so that it is not lost, and \
deleted when you have your answer. Heat maps stay in memory for {minutes:.0f} minutes so that their menu works.
**In the game of forgeries:** which picture you took for real, for as long.
**The log:** codes of jobs and errors, times, never your words or pictures.
**Nothing leaves this machine** but my answers to Discord: every network runs here, and nothing that you \
send is used for training. If my operator allows it, I ask a museum for paintings, and tell it nothing of you.
**To have it deleted:** press the button below, and everything that I keep of you is gone. The messages \
themselves can be deleted by a moderator; a private one has “Dismiss”.\
"""


class About(commands.Cog):
    """Tells of the bot itself."""

    def __init__(self, bot: NeuralBot) -> None:
        self.bot = bot

    async def cog_load(self) -> None:
        """Register the button."""
        self.bot.add_dynamic_items(ForgetButton)

    async def cog_unload(self) -> None:
        """Take it back."""
        self.bot.remove_dynamic_items(ForgetButton)

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
        for name in (name for name, network in NETWORKS.items() if not network.weights):
            embed.add_field(name=cards.card(name).network.title, value=_network(name), inline=False)
        embed.add_field(name="The device", value=self._device(), inline=False)
        embed.add_field(name="How an answer travels", value=JOURNEY, inline=False)
        embed.set_footer(text=f"Version {__version__} · discord.py {discord.__version__}")
        await finish(interaction, Answer(embed=embed))

    @app_commands.command()
    async def privacy(self, interaction: Interaction) -> None:
        """Tell what I read, what I keep, and for how long."""
        await defer(interaction, private=True)
        text = PRIVACY.format(days=self.bot.settings.keep_days, minutes=KEEP_SECONDS / 60)
        view = discord.ui.View(timeout=None)
        view.add_item(ForgetButton())
        embed = discord.Embed(title="Privacy", description=text, colour=COLOUR)
        await finish(interaction, Answer(embed=embed, view=view))

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


class ForgetButton(DurableItem, template=r"forget-me"):
    """Deletes everything that is kept of the person who presses it."""

    def __init__(self) -> None:
        super().__init__(
            discord.ui.Button(
                label="Delete what you keep of me", style=discord.ButtonStyle.danger, custom_id="forget-me"
            )
        )

    async def act(self, interaction: Interaction) -> None:
        """Cancel what is open, delete, and say how much it was."""
        await defer(interaction, private=True)
        await interaction.client.queue.cancel_all_of(interaction.user.id)
        interaction.client.results.forget(interaction.user.id)
        answers = await interaction.client.store.forget(interaction.user.id)
        what = "1 answer is" if answers == 1 else f"{answers} answers are"
        await interaction.edit_original_response(content=f"{what} deleted. I keep nothing of you any more.")


async def setup(bot: NeuralBot) -> None:
    """Add the cog; called by ``load_extension``."""
    await bot.add_cog(About(bot))
