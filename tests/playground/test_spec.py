"""Requests of a bot, and the answers to them, against Discord's own description of its API."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.playground import Playground
from tests.playground.conftest import WireBot, picture
from tests.playground.test_interactions import act
from tests.support import connected

SHARED = Path(__file__).parents[3] / "shared"
CHECKER, DESCRIPTION = SHARED / "tools/spec_check.py", SHARED / "data/discord/openapi.json"

LIBRARY_HABIT = re.compile(r"request\n.*\.(message_reference\.\w+|recipient_id): \d+ is not of type 'string'")
"""discord.py sends these ids as numbers; Discord takes them, its description says string."""


def load_checker() -> Any:
    spec = importlib.util.spec_from_file_location("spec_check", CHECKER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["spec_check"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's description of its API is not here")
async def test_requests_and_answers_are_discords(playground: Playground) -> None:
    checker = load_checker()
    description = checker.Spec(DESCRIPTION)
    with checker.watch(description) as violations:
        async with connected(WireBot()) as bot:
            with playground.person("ada") as ada, playground.person("grace") as grace:
                await everything(playground, bot, ada, grace)
    serious = {str(violation) for violation in violations if not LIBRARY_HABIT.search(str(violation))}
    assert not serious, "\n".join(sorted(serious))
    assert not description.unknown_routes
    assert description.checked["request"] > 30


async def everything(playground: Playground, bot: Any, ada: Any, grace: Any) -> None:
    """One of each of what a bot can do."""

    async def layout(interaction: discord.Interaction) -> None:
        view = discord.ui.LayoutView()
        section: discord.ui.Section[Any] = discord.ui.Section(
            "text", accessory=discord.ui.Thumbnail("attachment://dot.png")
        )
        container: discord.ui.Container[Any] = discord.ui.Container(section, discord.ui.Separator())
        container.add_item(discord.ui.MediaGallery(discord.MediaGalleryItem("attachment://dot.png")))
        button: discord.ui.Button[Any] = discord.ui.Button(label="Go", custom_id="go")
        container.add_item(discord.ui.ActionRow(button))
        view.add_item(container).add_item(discord.ui.File("attachment://two.png"))
        await interaction.response.send_message(view=view, files=[picture(), picture("two.png")])

    async def long(interaction: discord.Interaction) -> None:
        await interaction.response.defer(thinking=True)
        embed = discord.Embed(title="x", description="y", colour=1, timestamp=discord.utils.utcnow())
        embed.set_image(url="attachment://dot.png").add_field(name="a", value="b").set_footer(text="f")
        await interaction.edit_original_response(embed=embed, attachments=[picture()])
        message = await interaction.followup.send("more", files=[picture(), picture("2.png")], wait=True)
        await message.edit(content="less")
        await interaction.original_response()
        await message.delete()

    for do in (layout, long):
        assert (await act(bot, ada, do)).failed is None
    ada.channel = ada.channel_id("dm")
    await ada.slash("count")
    ada.channel = ada.channel_id("general")
    reply = await ada.slash("count")
    await ada.click(reply, "More")
    await ada.select(reply, "counter:colour", ["red"])
    await ada.select(reply, "counter:friend", [grace.id])
    await ada.submit(await ada.click(reply, "Form"), name="again", taste=["sweet"])
    await ada.autocomplete("study", "university", "iowa")
    await ada.menu("Read message", await grace.send("hello", files=[("a.txt", b"text")]))
    await ada.menu("Greet", grace)

    channel = bot.get_channel(int(ada.channel))
    message = await channel.send("hello", file=picture("SPOILER_x.png"))
    await message.reply("there")
    await message.edit(content="you")
    await channel.fetch_message(message.id)
    assert [m async for m in channel.history()]
    await message.delete()
    await channel.typing()
    await (await bot.fetch_user(int(ada.id))).send("psst")
    await bot.fetch_channel(channel.id)
    await bot.tree.fetch_commands()
    await bot.application_info()
