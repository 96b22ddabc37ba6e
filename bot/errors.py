"""One ordered ladder from the type of an error to a friendly, private answer."""

from __future__ import annotations

import logging
from datetime import timedelta

import discord
from discord import app_commands
from discord.utils import format_dt

from bot.discord_codes import UNKNOWN_INTERACTION, UNKNOWN_MESSAGE
from bot.inference.codes import new_code
from bot.inference.errors import JobError, NetworkFailed, QueueFull

log = logging.getLogger(__name__)


class UserError(Exception):
    """Something that the person can put right; the message says how."""


def explain(error: BaseException, *, where: str) -> str | None:
    """Return what to tell the person, or ``None`` if there is nobody left to tell.

    What the person cannot put right is logged with a code, and the code stands in the answer, so that the
    operator finds the one in the other.

    Args:
        error: what went wrong.
        where: the command or button, for the log.
    """
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    match error:
        case discord.NotFound(code=code) if code == UNKNOWN_INTERACTION:
            log.warning("%s: Discord had given up on this interaction before I answered", where)
            return None
        case discord.NotFound(code=code) if code == UNKNOWN_MESSAGE:
            log.info("%s: the message was deleted before I could fill it", where)
            return None
        case NetworkFailed():
            return _apology(error, where)
        case QueueFull(retry_after=seconds):
            return f"{error} Please try again {_moment(seconds)}."
        case UserError() | JobError():
            return str(error)
        case app_commands.CommandOnCooldown(retry_after=seconds):
            return f"That was quick! You can use this again {_moment(seconds)}."
        case app_commands.NoPrivateMessage():
            return "This works on servers only."
        case app_commands.MissingPermissions(missing_permissions=missing):
            return f"You need the permission to {_list(missing)} for this."
        case app_commands.BotMissingPermissions(missing_permissions=missing):
            return f"I need the permission to {_list(missing)} here. Please ask a moderator."
        case app_commands.CommandSignatureMismatch() | app_commands.CommandNotFound():
            return "I have changed since your Discord last looked. Press Ctrl+R, or try again in a minute."
        case app_commands.TransformerError(value=value):
            return f"I cannot make sense of “{str(value)[:100]}”."
        case app_commands.CheckFailure():
            return "You cannot use this here."
        case discord.Forbidden():
            log.warning("%s: Discord forbids it: %s", where, error)
            return "Discord does not let me do that here. A moderator can check my permissions."
        case _:
            return _apology(error, where)


def _apology(error: BaseException, where: str) -> str:
    code = new_code(6)
    log.error("%s: unexpected error %s", where, code, exc_info=error)
    return f"Sorry, something went wrong on my side. The operator can find it under the code `{code}`."


def _moment(seconds: float) -> str:
    """Return a moment in the future that Discord shows as a live count-down."""
    return format_dt(discord.utils.utcnow() + timedelta(seconds=max(1.0, seconds)), "R")


def _list(permissions: list[str]) -> str:
    return " and ".join(permission.replace("_", " ") for permission in permissions)
