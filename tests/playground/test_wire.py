"""What happens on a real line: 429, 503, a cut gateway, a restart."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp
import discord
import pytest

from bot.playground import Person, Playground
from tests.playground.conftest import Clock, WireBot, picture
from tests.playground.test_interactions import act, error_of
from tests.support import connected


def channel_of(bot: WireBot, person: Person) -> discord.TextChannel:
    channel = bot.get_channel(int(person.channel))
    assert isinstance(channel, discord.TextChannel)
    return channel


async def test_429_then_success(playground: Playground, ada: Person, bot: WireBot) -> None:
    playground.fail_next("POST", "/channels/*/messages", status=429, retry_after=0.2, times=2)
    start = time.monotonic()
    message = await channel_of(bot, ada).send("at last", file=picture())
    assert time.monotonic() - start > 0.4
    assert message.content == "at last"
    assert message.attachments[0].filename == "dot.png"


async def test_a_global_429_holds_everything(playground: Playground, ada: Person, bot: WireBot) -> None:
    playground.fail_next("GET", "/users/*", status=429, retry_after=0.2, everywhere=True)
    start = time.monotonic()
    asked = asyncio.create_task(bot.fetch_user(int(ada.id)))
    await asyncio.sleep(0.1)
    await channel_of(bot, ada).typing()
    assert time.monotonic() - start > 0.2
    assert (await asked).name == "ada"
    assert any(kind == "typing" for kind, _ in ada.frames)


async def test_503_then_success(playground: Playground, ada: Person, bot: WireBot) -> None:
    playground.fail_next("PATCH", "/webhooks/*/messages/@original", status=503)

    async def do(interaction: discord.Interaction) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="recovered", attachments=[picture()])

    reply = await act(bot, ada, do)
    message = await reply.until()
    assert (message["content"], len(message["attachments"])) == ("recovered", 1)


async def test_a_real_rate_limit_slows_the_edits(playground: Playground, ada: Person, bot: WireBot) -> None:
    token = (await ada.slash("count")).interaction
    assert token is not None
    url = f"{playground.url}/api/v10/webhooks/{playground.world.bot_id}/{token.token}/messages/@original"
    async with aiohttp.ClientSession() as session:
        seen = []
        for number in range(6):
            async with session.patch(url, json={"content": str(number)}) as response:
                seen.append((response.status, response.headers["X-RateLimit-Remaining"]))
                body = await response.json()
        assert seen == [(200, str(4 - number)) for number in range(5)] + [(429, "0")]
        assert 0 < body["retry_after"] <= 5
        assert body["global"] is False
        assert response.headers["Via"]
        assert response.headers["X-RateLimit-Scope"] == "user"
        assert response.headers["X-RateLimit-Bucket"]


async def test_resume_loses_no_event(playground: Playground, ada: Person, bot: WireBot) -> None:
    await ada.send("before")
    await bot.hears(1)
    for expected in (3, 5):
        playground.drop_gateways()
        await ada.send("missed")
        reply = await ada.slash("everything", text="missed too")
        assert reply.failed is None
        await bot.hears(expected)
    await bot.until(lambda: bot.resumes == 2)
    assert [message.author.name for message in bot.heard] == ["ada", "ada", "wire_bot", "ada", "wire_bot"]


async def test_a_forgotten_session_begins_anew(playground: Playground, ada: Person, bot: WireBot) -> None:
    playground.gateway.forget()
    playground.drop_gateways()
    await ada.until(lambda: ("bot", {"online": True}) in ada.frames, timeout=20)
    assert (await ada.slash("count")).failed is None
    assert bot.resumes == 0


async def test_old_buttons_work_after_a_restart(playground: Playground) -> None:
    with playground.person("ada") as ada:
        async with connected(WireBot()):
            reply = await ada.slash("count")
            await ada.click(reply, "More")
        assert not ada.online
        async with connected(WireBot()):
            assert ada.online
            await ada.click(reply, "More")
            assert reply.message is not None
            assert reply.message["content"] == "3"


async def test_rest_of_the_server(playground: Playground, ada: Person, bot: WireBot) -> None:
    guild = bot.guilds[0]
    assert guild.name == "Local server"
    assert guild.owner_id == int(playground.world.admin_id)
    assert [c.name for c in guild.text_channels] == ["general", "playground", "art-gallery"]
    assert guild.me.display_name == "Wire Bot"
    assert (await error_of(bot.fetch_user(1))).code == 10013
    assert (await error_of(bot.fetch_channel(1))).code == 10003

    channel = channel_of(bot, ada)
    first = await channel.send("first", silent=True)
    await first.reply("second")
    assert [m.content async for m in channel.history(limit=10)] == ["second", "first"]
    assert [m.content async for m in channel.history(after=first)] == ["second"]
    answer = await channel.fetch_message(first.id)
    await answer.edit(content="edited", embed=discord.Embed(title="x"))
    await answer.delete()
    assert (await error_of(answer.edit(content="?"))).code == 10008


async def test_direct_messages(ada: Person, bot: WireBot) -> None:
    user = await bot.fetch_user(int(ada.id))
    message = await user.send("hello")
    assert str(message.channel.id) == ada.channel_id("dm")
    assert str(message.id) in ada.messages


async def test_permissions(ada: Person, bot: WireBot) -> None:
    theirs = await channel_of(bot, ada).fetch_message(int((await ada.send("mine"))["id"]))
    assert (await error_of(theirs.delete())).code == 50013
    assert (await error_of(theirs.edit(content="yours"))).code == 50005


async def test_registration_has_limits(bot: WireBot) -> None:
    assert bot.application_id is not None
    body: list[dict[str, Any]] = [
        {"name": "Upper", "description": "x"},
        {"name": "fine", "description": "x" * 101},
        {
            "name": "order",
            "description": "x",
            "options": [
                {"type": 3, "name": "a", "description": "a"},
                {"type": 3, "name": "b", "description": "b", "required": True},
            ],
        },
    ]
    error = await error_of(bot.http.bulk_upsert_global_commands(bot.application_id, body))
    for place in ("In 0.name", "In 1.description", "In 2.options.1.required"):
        assert place in error.text


GATEWAY_MISTAKES = [
    (["not json"], 4002),
    ([{"op": 99}], 4001),
    ([{"op": 3, "d": {}}], 4003),
    ([{"op": 2, "d": {"token": "", "intents": 0}}], 4004),
    ([{"op": 2, "d": {"token": "x", "intents": 1 << 60}}], 4013),
    ([{"op": 2, "d": {"token": "x", "intents": 0, "shard": [2, 1]}}], 4010),
    ([{"op": 2, "d": {"token": "x", "intents": 0}}] * 2, 4005),
]


@pytest.mark.parametrize(("frames", "code"), GATEWAY_MISTAKES)
async def test_gateway_mistakes_have_their_close_codes(
    playground: Playground, frames: list[Any], code: int
) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(playground.gateway.url) as line:
        assert (await line.receive_json())["op"] == 10
        for frame in frames:
            await line.send_str(frame if isinstance(frame, str) else json.dumps(frame))
        async for _ in line:
            pass
        assert line.close_code == code


async def test_a_missing_token_and_unknown_routes(
    playground: Playground, caplog: pytest.LogCaptureFixture
) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{playground.url}/api/v10/users/@me") as response:
            assert response.status == 401
        async with session.put(f"{playground.url}/api/v10/guilds/1/bans/2") as response:
            assert response.status == 501
            assert "PUT /guilds/1/bans/2" in (await response.json())["message"]
    assert "does not simulate PUT /guilds/1/bans/2" in caplog.text


async def test_stopping_is_quick_with_everything_open(clock: Clock) -> None:
    playground = Playground(clock=clock)
    url = await playground.start()
    with playground.point_discord_py_here():
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{url}/ui"),
            connected(WireBot()),
        ):
            start = time.monotonic()
            await playground.stop()
            assert time.monotonic() - start < 5
    assert discord.http.Route.BASE == "https://discord.com/api/v10"
