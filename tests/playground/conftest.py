"""A small bot that uses everything which the playground simulates, connected by real HTTP and WebSocket."""

from __future__ import annotations

import asyncio
import io
import time
from typing import TYPE_CHECKING, Any

import discord
import pytest
from discord import app_commands
from discord.ext import commands

from bot.playground import Playground
from tests.support import connected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from bot.playground import Person

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080200000090"
    "7753de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


class Clock:
    """The present, and as much later as a test wants."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Counter(discord.ui.View):
    """A persistent view: its buttons work after a restart."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="More", custom_id="counter:more")
    async def more(self, interaction: discord.Interaction, button: discord.ui.Button[Any]) -> None:
        assert interaction.message is not None
        number = int(interaction.message.content) + 1
        await interaction.response.edit_message(content=str(number), view=self)

    @discord.ui.button(label="Form", custom_id="counter:form")
    async def form(self, interaction: discord.Interaction, button: discord.ui.Button[Any]) -> None:
        await interaction.response.send_modal(Form())

    @discord.ui.select(
        custom_id="counter:colour",
        options=[discord.SelectOption(label=colour) for colour in ("red", "green", "blue")],
        max_values=2,
    )
    async def colour(self, interaction: discord.Interaction, select: discord.ui.Select[Any]) -> None:
        await interaction.response.send_message(f"You like {', '.join(select.values)}", ephemeral=True)

    @discord.ui.select(cls=discord.ui.UserSelect, custom_id="counter:friend")
    async def friend(self, interaction: discord.Interaction, select: discord.ui.UserSelect[Any]) -> None:
        await interaction.response.defer()
        await interaction.followup.send(f"Hello {select.values[0].display_name}")


class Form(discord.ui.Modal, title="Tell me"):
    """A modal with an old-style text input and a labelled select."""

    name: discord.ui.TextInput[Form] = discord.ui.TextInput(label="Name", custom_id="name", max_length=20)
    taste = discord.ui.Label[Any](
        text="Taste",
        component=discord.ui.Select(
            custom_id="taste",
            options=[discord.SelectOption(label="sweet"), discord.SelectOption(label="sour")],
        ),
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.taste.component, discord.ui.Select)
        text = f"{self.name.value} likes {self.taste.component.values[0]}"
        await interaction.response.send_message(
            text, view=Counter() if self.name.value == "again" else discord.utils.MISSING
        )


class WireBot(commands.AutoShardedBot):
    """Answers a command with what a test puts into ``self.answers``; remembers what it hears."""

    def __init__(self) -> None:
        super().__init__(command_prefix="!", intents=discord.Intents.default())
        self.answers: dict[str, Callable[[discord.Interaction], Any]] = {}
        self.errors: list[BaseException] = []
        self.heard: list[discord.Message] = []
        self.news = asyncio.Event()
        self.resumes = 0
        self.last: discord.Interaction | None = None

    async def setup_hook(self) -> None:
        self.add_view(Counter())
        add_commands(self)
        self.tree.error(self._remember)
        await self.tree.sync()

    async def _remember(self, interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
        self.errors.append(getattr(error, "original", error))

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)
        self.news.set()

    async def hears(self, number: int) -> list[discord.Message]:
        """Wait until so many messages have come."""
        await self.until(lambda: len(self.heard) >= number)
        return self.heard

    async def until(self, check: Callable[[], bool]) -> None:
        """Wait for something that an event of the gateway makes true."""
        async with asyncio.timeout(10):
            while not check():
                self.news.clear()
                await self.news.wait()

    async def on_shard_resumed(self, shard_id: int) -> None:
        self.resumes += 1
        self.news.set()


def add_commands(bot: WireBot) -> None:
    """Register one command of every kind."""

    @bot.tree.command(description="Do what the test wants")
    async def act(interaction: discord.Interaction) -> None:
        bot.last = interaction
        await bot.answers["act"](interaction)

    @bot.tree.command(description="Options of every kind")
    @app_commands.choices(
        size=[app_commands.Choice(name="Small", value="s"), app_commands.Choice(name="Big", value="b")]
    )
    async def everything(
        interaction: discord.Interaction,
        text: app_commands.Range[str, 2, 20],
        whole: app_commands.Range[int, 0, 10] = 1,
        real: float = 0.5,
        yes: bool = False,
        size: str = "s",
        who: discord.Member | None = None,
        role: discord.Role | None = None,
        where: discord.TextChannel | None = None,
        picture: discord.Attachment | None = None,
    ) -> None:
        assert who is None or isinstance(who, discord.Member)
        read = f"{len(await picture.read())} of {picture.width}x{picture.height}" if picture else None
        names = [getattr(x, "name", None) for x in (who, role, where)]
        await interaction.response.send_message(f"{text} {whole} {real} {yes} {size} {names} {read}")

    @bot.tree.command(description="Completes itself")
    async def study(interaction: discord.Interaction, university: str, degree: str = "") -> None:
        await interaction.response.send_message(f"{university}/{degree}")

    @study.autocomplete("university")
    async def complete(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        degree = getattr(interaction.namespace, "degree", "")
        return [app_commands.Choice(name=f"{current} State {degree}".strip(), value=current)]

    group = app_commands.Group(name="group", description="Subcommands")

    @group.command(description="Adds")
    async def add(interaction: discord.Interaction, one: int, two: int) -> None:
        await interaction.response.send_message(str(one + two))

    bot.tree.add_command(group)

    @bot.tree.command(description="A counter with buttons")
    async def count(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("1", view=Counter())

    @bot.tree.command(description="For admins")
    @app_commands.default_permissions(administrator=True)
    @app_commands.guild_only()
    async def secret(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("psst", ephemeral=True)

    @bot.tree.context_menu(name="Read message")
    async def read(interaction: discord.Interaction, message: discord.Message) -> None:
        sizes = [attachment.size for attachment in message.attachments]
        await interaction.response.send_message(f"{message.author.name}: {message.content} {sizes}")

    @bot.tree.context_menu(name="Greet")
    async def greet(interaction: discord.Interaction, member: discord.Member) -> None:
        await interaction.response.send_message(f"Hello {member.display_name}", ephemeral=True)


def picture(name: str = "dot.png") -> discord.File:
    """Make a file to send: a picture of one pixel."""
    return discord.File(io.BytesIO(PNG), name)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def playground(clock: Clock) -> AsyncIterator[Playground]:
    playground = Playground(bot_name="Wire Bot", clock=clock)
    await playground.start()
    with playground.point_discord_py_here():
        yield playground
    await playground.stop()


@pytest.fixture
async def bot(playground: Playground) -> AsyncIterator[WireBot]:
    async with connected(WireBot()) as bot:
        yield bot


@pytest.fixture
def ada(playground: Playground, bot: WireBot) -> Iterator[Person]:
    with playground.person("ada") as ada:
        yield ada
