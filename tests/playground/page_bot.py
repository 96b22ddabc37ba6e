"""A small bot whose commands use everything that the page draws."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands
from PIL import Image

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def picture(colour: str, name: str, description: str | None = None) -> discord.File:
    """Make a one-coloured picture, large enough to be clicked."""
    data = io.BytesIO()
    Image.new("RGB", (200, 120), colour).save(data, "PNG")
    data.seek(0)
    return discord.File(data, name, description=description)


class Form(discord.ui.Modal, title="Tell me more"):
    """A form with every kind of field that the page must fill in."""

    help = discord.ui.TextDisplay[Any]("Some **help**")
    old: discord.ui.TextInput[Any] = discord.ui.TextInput(label="Name", custom_id="name", min_length=2)
    taste = discord.ui.Label[Any](
        text="Taste",
        component=discord.ui.Select(
            custom_id="taste",
            options=[discord.SelectOption(label="sweet"), discord.SelectOption(label="sour")],
        ),
    )
    proof = discord.ui.Label[Any](
        text="Proof", component=discord.ui.FileUpload(custom_id="proof", required=False)
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.taste.component, discord.ui.Select)
        assert isinstance(self.proof.component, discord.ui.FileUpload)
        files = [file.filename for file in self.proof.component.values]
        await interaction.response.send_message(
            f"{self.old.value} likes {self.taste.component.values[0]} {files}"
        )


class Board(discord.ui.View):
    """Buttons and selects."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.release = asyncio.Event()
        self.add_item(discord.ui.Button(label="About", url="https://example.org/about"))
        self.add_item(discord.ui.Button(label="Off", custom_id="off", disabled=True))

    @discord.ui.button(label="More", custom_id="more", style=discord.ButtonStyle.primary)
    async def more(self, interaction: discord.Interaction, button: discord.ui.Button[Any]) -> None:
        await self.release.wait()
        assert interaction.message is not None
        await interaction.response.edit_message(content=interaction.message.content + "+")

    @discord.ui.button(label="Form", custom_id="form")
    async def form(self, interaction: discord.Interaction, button: discord.ui.Button[Any]) -> None:
        await interaction.response.send_modal(Form())

    @discord.ui.button(label="Silent", custom_id="silent", style=discord.ButtonStyle.danger)
    async def silent(self, interaction: discord.Interaction, button: discord.ui.Button[Any]) -> None:
        """Never answer."""

    @discord.ui.select(
        custom_id="colours",
        placeholder="Choose colours",
        max_values=2,
        options=[
            discord.SelectOption(label=name, description=f"The colour {name}")
            for name in ("red", "green", "blue")
        ],
    )
    async def colours(self, interaction: discord.Interaction, select: discord.ui.Select[Any]) -> None:
        await interaction.response.send_message(f"You like {' and '.join(select.values)}", ephemeral=True)

    @discord.ui.select(cls=discord.ui.UserSelect, custom_id="friend", placeholder="Choose a friend")
    async def friend(self, interaction: discord.Interaction, select: discord.ui.UserSelect[Any]) -> None:
        await interaction.response.send_message(f"Hello {select.values[0].display_name}")


class Layout(discord.ui.LayoutView):
    """One of every layout component."""

    box = discord.ui.Container[Any](
        discord.ui.Section(
            discord.ui.TextDisplay("## Four paintings"),
            accessory=discord.ui.Thumbnail("attachment://red.png", description="a thumbnail"),
        ),
        discord.ui.Separator(spacing=discord.SeparatorSpacing.large),
        discord.ui.MediaGallery(
            discord.MediaGalleryItem("attachment://red.png", description="all red"),
            discord.MediaGalleryItem("attachment://blue.png", description="all blue", spoiler=True),
        ),
        discord.ui.File("attachment://notes.txt"),
        discord.ui.ActionRow(discord.ui.Button(label="Frame it", custom_id="frame")),
        accent_colour=0xEB459E,
    )


class PageBot(commands.Bot):
    """Answers at once, except where a test wants to watch: then it waits for ``go``."""

    def __init__(self) -> None:
        super().__init__(command_prefix="!", intents=discord.Intents.default())
        self.board = Board()
        self.go: asyncio.Queue[str] = asyncio.Queue()

    async def setup_hook(self) -> None:
        self.add_view(self.board)
        add_commands(self)
        await self.tree.sync()


def add_commands(bot: PageBot) -> None:
    """Register one command for every part of the page."""

    @bot.tree.command(description="Options of every kind")
    @app_commands.choices(
        size=[app_commands.Choice(name="Small", value="s"), app_commands.Choice(name="Big", value="b")]
    )
    async def everything(
        interaction: discord.Interaction,
        text: app_commands.Range[str, 2, 20],
        picture: discord.Attachment,
        whole: app_commands.Range[int, 1, 10] = 1,
        real: float = 0.5,
        yes: bool = False,
        size: str = "s",
        who: discord.User | None = None,
        where: discord.TextChannel | None = None,
    ) -> None:
        names = f"{who and who.name} {where and where.name}"
        await interaction.response.send_message(
            f"{text} {picture.filename} {whole} {real} {yes} {size} {names}"
        )

    @bot.tree.command(description="Completes itself")
    async def study(interaction: discord.Interaction, university: str) -> None:
        await interaction.response.send_message(f"You study at {university}")

    @study.autocomplete("university")
    async def complete(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        names = [name for name in ("Turin", "Turku", "Oslo") if current.lower() in name.lower()]
        return [app_commands.Choice(name=f"University of {name}", value=name.upper()) for name in names]

    group = app_commands.Group(name="group", description="Subcommands")

    @group.command(description="Adds two numbers")
    async def add(interaction: discord.Interaction, one: int, two: int) -> None:
        await interaction.response.send_message(f"The sum is {one + two}")

    bot.tree.add_command(group)

    @bot.tree.command(description="Repeats a text")
    async def say(interaction: discord.Interaction, text: str) -> None:
        await interaction.response.send_message(text)

    @bot.tree.command(description="Buttons and selects")
    async def board(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("board", view=bot.board)

    @bot.tree.command(description="One of every layout component")
    async def layout(interaction: discord.Interaction) -> None:
        notes = discord.File(io.BytesIO(b"some notes"), "notes.txt")
        files = [picture("red", "red.png"), picture("blue", "blue.png"), notes]
        await interaction.response.send_message(view=Layout(), files=files)

    @bot.tree.command(description="Only for you")
    async def secret(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("psst, a secret", ephemeral=True)

    @bot.tree.command(description="Thinks, then writes step by step")
    async def stream(interaction: discord.Interaction) -> None:
        await interaction.response.defer()
        photo = picture("green", "green.png", "all green")
        await interaction.edit_original_response(content=await bot.go.get(), attachments=[photo])
        while (text := await bot.go.get()) != "end":
            await interaction.edit_original_response(content=text)

    @bot.tree.command(description="Hostile names in every place")
    async def hostile(interaction: discord.Interaction) -> None:
        embed = discord.Embed(title=HOSTILE, description=HOSTILE)
        embed.set_footer(text=HOSTILE).set_author(name=HOSTILE).add_field(name=HOSTILE, value=HOSTILE)
        view = discord.ui.View(timeout=None)
        view.add_item(discord.ui.Button(label=HOSTILE[:80], custom_id=HOSTILE))
        view.add_item(
            discord.ui.Select(
                placeholder=HOSTILE, options=[discord.SelectOption(label=HOSTILE[:100], value="1")]
            )
        )
        link = "[press](javascript:window.hacked=1) <t:99999999999999:R>"
        text = f"{HOSTILE}\n**{HOSTILE}**\n```html\n{HOSTILE}\n```{link}"
        await interaction.response.send_message(text, embed=embed, view=view)

    @bot.tree.context_menu(name="Read message")
    async def read(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(f"I read: {message.content}")

    @bot.tree.context_menu(name="Greet")
    async def greet(interaction: discord.Interaction, member: discord.Member) -> None:
        await interaction.response.send_message(f"Good day, {member.display_name}", ephemeral=True)
