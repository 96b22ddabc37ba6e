"""Slash commands, menus, components and modals over the wire."""

from __future__ import annotations

import re

import pytest

from bot.playground import Person, Playground
from bot.playground.person import NotSeen
from tests.playground.conftest import PNG, WireBot


async def test_commands_are_registered_and_shown(ada: Person, bot: WireBot) -> None:
    assert ada.online
    assert bot.user is not None
    assert bot.user.name == "wire_bot"
    names = {command["name"] for command in ada.commands}
    assert {"act", "everything", "study", "group", "count", "Read message", "Greet"} <= names
    assert len(await bot.tree.fetch_commands()) == len(bot.tree.get_commands())


async def test_a_command_keeps_its_id_when_it_is_registered_again(ada: Person, bot: WireBot) -> None:
    before = {command["name"]: command["id"] for command in ada.commands}
    await bot.tree.sync()
    assert {command["name"]: command["id"] for command in ada.commands} == before


async def test_admin_commands_are_for_admins(playground: Playground, ada: Person) -> None:
    with pytest.raises(NotSeen, match="secret"):
        await ada.slash("secret")
    with playground.person("margaret") as margaret:
        reply = await margaret.slash("secret")
        assert reply.message is not None
        assert reply.message["content"] == "psst"
        margaret.channel = margaret.channel_id("dm")
        assert (await margaret.slash("secret")).failed == "You may not use this command here."


async def test_options_of_every_kind(playground: Playground, ada: Person) -> None:
    with playground.person("grace") as grace:
        role, where = playground.world.admin_role_id, ada.channel_id("art-gallery")
        reply = await ada.slash(
            "everything",
            text="hello",
            whole=3,
            real=1.5,
            yes=True,
            size="b",
            who=grace,
            role=role,
            where=where,
            picture=("dot.png", PNG),
        )
    assert reply.message is not None
    expected = f"hello 3 1.5 True b ['grace', 'Admin', 'art-gallery'] {len(PNG)} of 1x1"
    assert reply.message["content"] == expected
    assert reply.acknowledged_after is not None
    assert reply.acknowledged_after < 3
    assert reply.message["interaction_metadata"]["user"]["id"] == ada.id


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "text is required"),
        ({"text": "x"}, "between 2 and 20"),
        ({"text": "hello", "whole": 11}, "between 0 and 10"),
        ({"text": "hello", "whole": "many"}, "right kind"),
        ({"text": "hello", "size": "huge"}, "one of the choices"),
        ({"text": "hello", "colour": "red"}, "no option 'colour'"),
        ({"text": "hello", "who": "123"}, "choose|person"),
    ],
)
async def test_what_discords_client_would_not_send(
    ada: Person, options: dict[str, str | int | float], why: str
) -> None:
    reply = await ada.slash("everything", **options)
    assert reply.failed is not None
    assert reply.interaction is None
    assert re.search(why, reply.failed)


async def test_autocomplete_sees_the_other_options(ada: Person) -> None:
    choices = await ada.autocomplete("study", "university", "iowa", degree="bachelor")
    assert choices == [{"name": "iowa State bachelor", "value": "iowa"}]


async def test_subcommands(ada: Person) -> None:
    reply = await ada.slash("group add", one=2, two=3)
    assert reply.message is not None
    assert reply.message["content"] == "5"


async def test_context_menus_get_their_target_in_full(
    playground: Playground, ada: Person, bot: WireBot
) -> None:
    with playground.person("grace") as grace:
        message = await grace.send("a secret", files=[("dot.png", PNG)])
        reply = await ada.menu("Read message", message)
        assert reply.message is not None
        assert reply.message["content"] == f"grace: a secret [{len(PNG)}]"
        # Without the message content intent the event itself came blank.
        heard = next(m for m in await bot.hears(1) if m.id == int(message["id"]))
        assert (heard.content, heard.attachments) == ("", [])
        assert (await ada.menu("Greet", grace)).message is not None


async def test_direct_messages_and_mentions_come_with_content(ada: Person, bot: WireBot) -> None:
    assert bot.user is not None
    ada.channel = ada.channel_id("dm")
    await ada.send("just us")
    ada.channel = ada.channel_id("general")
    await ada.send(f"<@{bot.user.id}> listen")
    assert [message.content for message in await bot.hears(2)] == ["just us", f"<@{bot.user.id}> listen"]
    assert bot.heard[0].guild is None


async def test_buttons_selects_and_modals(playground: Playground, ada: Person) -> None:
    reply = await ada.slash("count")
    await ada.click(reply, "More")
    clicked = await ada.click(reply, "counter:more")
    assert reply.message is not None
    assert reply.message["content"] == "3"
    assert clicked.message is reply.message

    chosen = await ada.select(reply, "counter:colour", ["red", "blue"])
    assert chosen.message is not None
    assert chosen.message["content"] == "You like red, blue"
    assert chosen.message["flags"] & 64

    with playground.person("grace") as grace:
        friend = await ada.select(reply, "counter:friend", [grace.id])
        await ada.until(lambda: friend.messages)
        assert friend.messages[0]["content"] == "Hello Grace"

    opened = await ada.click(reply, "Form")
    assert opened.modal is not None
    assert opened.modal["title"] == "Tell me"
    submitted = await ada.submit(opened, name="Ada", taste=["sour"])
    assert submitted.message is not None
    assert submitted.message["content"] == "Ada likes sour"
    metadata = submitted.message["interaction_metadata"]
    assert metadata["triggering_interaction_metadata"]["interacted_message_id"] == reply.message["id"]


async def test_clicks_that_cannot_be(ada: Person) -> None:
    reply = await ada.slash("count")
    assert (await ada.select(reply, "counter:colour", ["yellow"])).failed
    assert (await ada.select(reply, "counter:colour", ["red", "green", "blue"])).failed
    assert (await ada.select(reply, "counter:friend", ["1"])).failed


async def test_in_direct_messages_there_is_no_member(ada: Person, bot: WireBot) -> None:
    ada.channel = ada.channel_id("dm")
    reply = await ada.slash("everything", text="hello")
    assert reply.message is not None
    assert reply.message["channel_id"] == ada.channel
