"""The commands as Discord is told of them."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import discord
import pytest

from bot import cards
from bot.client import INTENTS, NeuralBot
from bot.playground.server import Playground
from cogs.salary import DEGREES, FIELDS, GENDERS
from tests.support import connected


def test_no_privileged_intent_is_asked_for() -> None:
    privileged = discord.Intents(members=True, presences=True, message_content=True)
    assert not INTENTS.value & privileged.value


async def test_nobody_is_ever_mentioned(bot: NeuralBot) -> None:
    assert bot.allowed_mentions is not None
    mentions: object = bot.allowed_mentions.to_dict()
    assert mentions == {"parse": []}


async def test_everything_works_on_servers_in_messages_and_for_users(bot: NeuralBot) -> None:
    assert bot.application_id is not None
    for command in await bot.http.get_global_commands(bot.application_id):
        assert command["integration_types"] == [0, 1], command["name"]
        assert command["contexts"] == [0, 1, 2], command["name"]


async def test_commands_are_registered_only_when_they_have_changed(
    playground: Playground, bot: NeuralBot
) -> None:
    with patch.object(bot.tree, "sync", wraps=bot.tree.sync) as sync:
        await bot.sync_if_changed()
        assert sync.call_count == 0
        again = NeuralBot(bot.settings, bot.queue, bot.store)
        async with connected(again):
            assert await bot.store.get(again._hash_name()) == again.tree_hash()
        bot.tree.remove_command("privacy")
        await bot.sync_if_changed()
        assert sync.call_count == 1


def test_choices_are_the_network_s_own_words() -> None:
    config = cards.config("salary")
    assert set(DEGREES) == set(config["degrees"])
    assert set(FIELDS) == set(config["fields"])
    assert set(GENDERS) == set(config["genders"])


def test_invite_link_asks_for_exactly_what_is_used(bot: NeuralBot) -> None:
    url = bot.invite_url()
    assert "scope=bot+applications.commands" in url
    assert "permissions=274877959168" in url


ACKNOWLEDGING = ("deliver(", "defer(", "interaction.response.", "self._classify(")
QUICK = ("_written(", "_corrected(", "_read(", "painted(", "spot_of(", "_round(", "self.bot.results.get(")
"""Reads a row of our own database, which takes a millisecond."""
EXEMPT = {"from_custom_id", "own_codes", "codes_or_seed", "spot_of"}


@pytest.mark.parametrize("path", sorted(Path("cogs").rglob("*.py")))
def test_handlers_acknowledge_first(path: Path) -> None:
    """The first awaited thing of a command acknowledges the interaction: Discord gives 3 seconds."""
    import ast

    tree = ast.parse(path.read_text())
    for function in ast.walk(tree):
        if not isinstance(function, ast.AsyncFunctionDef) or function.name in EXEMPT:
            continue
        awaited = [ast.unparse(node.value) for node in ast.walk(function) if isinstance(node, ast.Await)]
        awaited = [call for call in awaited if not call.startswith(QUICK)]
        if awaited and any(argument.arg == "interaction" for argument in function.args.args):
            assert awaited[0].startswith(ACKNOWLEDGING), f"{path}: {function.name} awaits {awaited[0]} first"
