"""/echo and /count: the test networks as commands. Loaded by tests only."""

from __future__ import annotations

import discord
import msgspec
from discord import app_commands
from discord.ext import commands

from bot.client import NeuralBot
from bot.desk import Presentation
from bot.inference.jobs import Finished
from bot.inference.messages import Request
from bot.places import Answer
from bot.replies import Interaction, deliver, small_print
from tests.networks import Count, CountRequest, Echo, EchoRequest


class TestCommands(commands.Cog):
    __test__ = False

    def __init__(self, bot: NeuralBot) -> None:
        self.bot = bot

    async def cog_load(self) -> None:
        self.bot.desk.present("echo", Presentation(render=render, complete=complete))
        self.bot.desk.present("count", Presentation(render=render))

    @app_commands.command()
    async def echo(
        self,
        interaction: Interaction,
        text: str,
        seconds: float = 0.0,
        fault: str = "",
        file: discord.Attachment | None = None,
        private: bool = False,
    ) -> None:
        """Say something back."""
        request = EchoRequest(text=text, seconds=seconds, fault=fault)
        await deliver(interaction, request, private=private, upload=file.url if file else None)

    @app_commands.command()
    async def count(self, interaction: Interaction, to: int, seconds: float = 0.0, label: str = "") -> None:
        """Count to a number."""
        await deliver(interaction, CountRequest(to=to, overhead=seconds, label=label))


def complete(request: Request, data: bytes) -> Request:
    return msgspec.structs.replace(request, upload=data)


def render(answered: Finished) -> Answer:
    assert isinstance(answered.result, Echo | Count)
    label = answered.request.label if isinstance(answered.request, CountRequest) else ""
    embed = discord.Embed(title="Done", description=label or answered.result.text[-4000:])
    return Answer(embed=embed.set_footer(text=small_print(answered)))


async def setup(bot: NeuralBot) -> None:
    await bot.add_cog(TestCommands(bot))
