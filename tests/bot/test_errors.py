"""Every kind of error becomes a friendly sentence, and nothing internal shows."""

from __future__ import annotations

import logging
import re
from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest
from discord import app_commands

from bot.errors import UserError, explain
from bot.inference.errors import InputRefused, NetworkFailed, QueueFull, RanTooLong


def http_error(kind: type[discord.HTTPException], status: int, code: int) -> discord.HTTPException:
    response = cast("Any", SimpleNamespace(status=status, reason="no"))
    return kind(response, {"code": code, "message": "no"})


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UserError("Try a smaller picture."), "Try a smaller picture."),
        (InputRefused("That is not a picture."), "That is not a picture."),
        (RanTooLong(), "took too long"),
        (QueueFull(retry_after=20), r"<t:\d+:R>"),
        (app_commands.NoPrivateMessage(), "servers only"),
        (app_commands.MissingPermissions(["manage_messages"]), "manage messages"),
        (http_error(discord.Forbidden, 403, 50013), "does not let me"),
    ],
)
def test_what_the_person_can_put_right_is_said(error: Exception, words: str) -> None:
    text = explain(error, where="/test")
    assert text is not None
    assert re.search(words, text)


@pytest.mark.parametrize("error", [KeyError("secret internals"), NetworkFailed("secret internals")])
def test_the_unexpected_gets_a_code_that_stands_in_the_log(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        text = explain(error, where="/test")
    assert text is not None
    assert "secret internals" not in text
    match = re.search("`(.+)`", text)
    assert match is not None
    assert match[1] in caplog.text
    assert "secret internals" in caplog.text


@pytest.mark.parametrize("code", [10062, 10008])
def test_nobody_is_told_when_discord_or_the_person_has_given_up(code: int) -> None:
    assert explain(http_error(discord.NotFound, 404, code), where="/test") is None
