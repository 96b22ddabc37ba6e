"""The life of an interaction: answered once, in time, followed up, and over after fifteen minutes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import discord
import pytest

from bot.playground import Person, Playground, interactions
from bot.playground.interactions import NO_RESPONSE
from tests.playground.conftest import PNG, Clock, WireBot, picture

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.playground import Reply


async def act(bot: WireBot, person: Person, do: Callable[[discord.Interaction], Awaitable[Any]]) -> Reply:
    """Let a person use a command that does what a test says; errors of the bot end up in ``bot.errors``."""
    bot.answers["act"] = do
    return await person.slash("act")


async def error_of(awaitable: Awaitable[Any]) -> discord.HTTPException:
    """Return the exception of discord.py in which a request ends."""
    with pytest.raises(discord.HTTPException) as caught:
        await awaitable
    return caught.value


async def test_a_deferred_answer_is_filled_by_the_first_follow_up(ada: Person, bot: WireBot) -> None:
    states: list[tuple[str, int]] = []

    async def do(interaction: discord.Interaction) -> None:
        await interaction.response.defer(thinking=True)
        await interaction.followup.send("first")
        await interaction.followup.send("second", ephemeral=True)
        states.append(("done", 0))

    reply = await act(bot, ada, do)
    assert reply.message is not None
    message = await reply.until()
    await ada.until(lambda: len(reply.messages) == 2)
    assert message["content"] == "first"
    assert message["edited_timestamp"] is None
    assert reply.messages[1]["flags"] & 64
    assert reply.messages[1]["interaction_metadata"]["original_response_message_id"] == message["id"]


async def test_a_deferred_answer_is_filled_and_edited(ada: Person, bot: WireBot) -> None:
    async def do(interaction: discord.Interaction) -> None:
        await interaction.response.defer(ephemeral=True)
        await interaction.edit_original_response(content="half")
        await interaction.edit_original_response(content="whole", attachments=[picture(), picture("two.png")])

    reply = await act(bot, ada, do)
    message = await reply.until(lambda message: message["content"] == "whole")
    assert message["edited_timestamp"] is not None
    assert message["flags"] == 64
    assert [a["filename"] for a in message["attachments"]] == ["dot.png", "two.png"]
    assert all((a["width"], a["height"], a["size"]) == (1, 1, len(PNG)) for a in message["attachments"])


async def test_ephemeral_answers_are_seen_by_one_person_only(
    playground: Playground, ada: Person, bot: WireBot
) -> None:
    async def do(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("for you", ephemeral=True)

    with playground.person("grace") as grace:
        reply = await act(bot, ada, do)
        assert reply.message is not None
        assert reply.message["id"] not in grace.messages
    assert not bot.heard
    with playground.person("grace") as grace, playground.person("ada") as second_tab:
        assert reply.message["id"] not in grace.messages
        assert reply.message["id"] in second_tab.messages
    channel = bot.get_channel(int(reply.message["channel_id"]))
    assert isinstance(channel, discord.TextChannel)
    assert (await error_of(channel.fetch_message(int(reply.message["id"])))).code == 10008
    assert [message async for message in channel.history()] == []
    ada.dismiss(reply.message)
    assert reply.message is None


async def test_an_embed_shows_its_picture(ada: Person, bot: WireBot) -> None:
    async def do(interaction: discord.Interaction) -> None:
        embed = discord.Embed(title="Dot", colour=0x112233).set_image(url="attachment://dot.png")
        await interaction.response.send_message(embed=embed, files=[picture(), picture("other.png")])

    reply = await act(bot, ada, do)
    assert reply.message is not None
    image = reply.message["embeds"][0]["image"]
    assert image["url"].endswith("/dot.png")
    assert image["width"] == 1
    assert [a["filename"] for a in reply.message["attachments"]] == ["other.png"]


async def test_components_v2(ada: Person, bot: WireBot) -> None:
    async def do(interaction: discord.Interaction) -> None:
        view = discord.ui.LayoutView()
        container: discord.ui.Container[Any] = discord.ui.Container(accent_colour=discord.Colour.red())
        container.add_item(discord.ui.TextDisplay("# Title"))
        gallery: discord.ui.MediaGallery[Any] = discord.ui.MediaGallery()
        container.add_item(gallery.add_item(media="attachment://dot.png"))
        container.add_item(discord.ui.ActionRow(discord.ui.Button(label="Press", custom_id="press")))
        view.add_item(container)
        view.add_item(discord.ui.File("attachment://note.txt"))
        note = discord.File(io.BytesIO(b"text"), "note.txt")
        await interaction.response.send_message(view=view, files=[picture(), note])

    reply = await act(bot, ada, do)
    assert reply.message is not None
    assert reply.message["flags"] & 1 << 15
    container, file = reply.message["components"]
    media = container["components"][1]["items"][0]["media"]
    assert media["url"].startswith("http")
    assert media["width"] == 1
    assert file["name"] == "note.txt"


async def test_nobody_answers(ada: Person, bot: WireBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interactions, "ACKNOWLEDGE_SECONDS", 0.1)
    kept: list[discord.Interaction] = []

    async def do(interaction: discord.Interaction) -> None:
        kept.append(interaction)

    reply = await act(bot, ada, do)
    assert reply.failed == NO_RESPONSE
    error = await error_of(kept[0].response.send_message("too late"))
    assert (error.status, error.code) == (404, 10062)


async def test_the_clock_decides_whether_an_answer_is_late(ada: Person, bot: WireBot, clock: Clock) -> None:
    caught: list[discord.HTTPException] = []

    async def do(interaction: discord.Interaction) -> None:
        clock.ahead += interactions.ACKNOWLEDGE_SECONDS + 0.1
        caught.append(await error_of(interaction.response.defer()))
        clock.ahead -= 10
        await interaction.response.defer()

    await act(bot, ada, do)
    assert caught[0].code == 10062


async def test_answering_twice(ada: Person, bot: WireBot) -> None:
    caught: list[discord.HTTPException] = []

    async def do(interaction: discord.Interaction) -> None:
        await interaction.response.defer()
        interaction.response._response_type = None  # so that discord.py itself does not object
        caught.append(await error_of(interaction.response.defer()))
        await interaction.edit_original_response(content="done")

    reply = await act(bot, ada, do)
    await reply.until()
    assert (caught[0].status, caught[0].code) == (400, 40060)


async def test_a_token_lives_for_fifteen_minutes(ada: Person, bot: WireBot, clock: Clock) -> None:
    async def do(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("start")

    reply = await act(bot, ada, do)
    interaction = bot.last
    assert interaction is not None
    clock.ahead += interactions.TOKEN_SECONDS - 5
    await interaction.edit_original_response(content="still here")
    clock.ahead += 10
    for attempt in (interaction.edit_original_response(content="late"), interaction.followup.send("late")):
        error = await error_of(attempt)
        assert (error.status, error.code) == (401, 50027)
    # What remains is the bot's own right in the channel.
    assert reply.message is not None
    channel = bot.get_channel(int(ada.channel))
    assert isinstance(channel, discord.TextChannel)
    edited = await channel.get_partial_message(int(reply.message["id"])).edit(content="in time")
    assert edited.content == "in time"


async def test_a_deleted_answer_is_unknown(ada: Person, bot: WireBot) -> None:
    async def do(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("gone soon")

    reply = await act(bot, ada, do)
    assert bot.last is not None
    await bot.last.delete_original_response()
    assert reply.message is None
    error = await error_of(bot.last.edit_original_response(content="?"))
    assert (error.status, error.code) == (404, 10008)


def too_many_rows() -> discord.ui.View:
    view = discord.ui.View()
    for number in range(3):
        view.add_item(discord.ui.Button(label="x", custom_id=f"same{number % 2}"))
    return view


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"content": "x" * 2001}, "content"),
        ({"embed": discord.Embed(title="x" * 257)}, "embeds.0.title"),
        ({"embed": discord.Embed(description="x" * 4097)}, "embeds.0.description"),
        (
            {"embeds": [discord.Embed(description="x" * 3500), discord.Embed(description="x" * 3000)]},
            "embeds",
        ),
        (
            {"embed": discord.Embed().set_image(url="x").add_field(name="", value="v")},
            "embeds.0.fields.0.name",
        ),
        ({"view": too_many_rows()}, "components"),
    ],
)
async def test_limits_are_told_with_their_place(
    ada: Person, bot: WireBot, message: dict[str, Any], path: str
) -> None:
    caught: list[discord.HTTPException] = []

    async def do(interaction: discord.Interaction) -> None:
        caught.append(await error_of(interaction.response.send_message(**message)))
        interaction.response._response_type = None
        await interaction.response.send_message("ok")

    reply = await act(bot, ada, do)
    assert reply.message is not None
    assert reply.message["content"] == "ok"
    assert caught[0].code == 50035
    assert f"In data.{path}:" in caught[0].text


async def test_an_empty_message_is_refused(ada: Person, bot: WireBot) -> None:
    channel = bot.get_channel(int(ada.channel))
    assert isinstance(channel, discord.TextChannel)
    assert (await error_of(channel.send(""))).code == 50006


async def test_a_file_may_have_ten_mebibytes(ada: Person, bot: WireBot) -> None:
    channel = bot.get_channel(int(ada.channel))
    assert isinstance(channel, discord.TextChannel)
    large = discord.File(io.BytesIO(bytes(10 * 1024**2 + 1)), "large.bin")
    error = await error_of(channel.send(file=large))
    assert (error.status, error.code) == (413, 40005)


async def test_modal_and_choices_have_limits(
    ada: Person, bot: WireBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interactions, "ACKNOWLEDGE_SECONDS", 0.5)
    caught: list[discord.HTTPException] = []

    async def do(interaction: discord.Interaction) -> None:
        modal = discord.ui.Modal(title="x" * 46)
        modal.add_item(discord.ui.TextInput(label="fine"))
        caught.append(await error_of(interaction.response.send_modal(modal)))
        interaction.response._response_type = None
        await interaction.response.defer()

    await act(bot, ada, do)
    assert "In data.title" in caught[0].text
    assert await ada.autocomplete("study", "university", "x" * 101) == []


async def test_a_deleted_deferral_leaves_the_follow_up_alone(ada: Person, bot: WireBot) -> None:
    async def do(interaction: discord.Interaction) -> None:
        await interaction.response.defer()
        await interaction.delete_original_response()
        await interaction.followup.send("instead")

    reply = await act(bot, ada, do)
    await ada.until(lambda: [message["content"] for message in reply.messages] == ["instead"])


async def test_bodies_without_sense_are_refused(playground: Playground, bot: WireBot, ada: Person) -> None:
    bodies: list[Any] = [[], {"embeds": "x"}, {"components": [1]}, {"attachments": [{"id": "x"}]}]
    for body in bodies:
        route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=ada.channel)
        assert (await error_of(bot.http.request(route, json=body))).code == 50035
