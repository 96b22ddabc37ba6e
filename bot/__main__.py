"""The command line: ``python -m bot run | sync | check``.

Exit codes: 0 all is well, 1 a check failed, 2 wrong arguments, 3 a setting cannot be used, 4 Discord refuses
the token, 5 Discord cannot be reached, 6 the data folder cannot be written.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from enum import IntEnum
from typing import Any

import aiohttp
import discord

from bot import logs
from bot.check import Finding, check
from bot.client import NeuralBot
from bot.run import make_queue, run
from bot.settings import Settings, SettingsError
from bot.store import Store, StoreError


class Exit(IntEnum):
    """Exit codes, for whoever starts the bot by a script."""

    OK = 0
    CHECK_FAILED = 1
    BAD_SETTING = 3
    TOKEN_REFUSED = 4
    CANNOT_CONNECT = 5
    STORE_UNWRITABLE = 6


async def _run(settings: Settings) -> Exit:
    await run(settings)
    return Exit.OK


async def _check(settings: Settings) -> Exit:
    def tell(finding: Finding) -> None:
        print(finding, flush=True)

    return Exit.OK if await check(settings, tell) else Exit.CHECK_FAILED


async def _sync(settings: Settings) -> Exit:
    if settings.discord_token is None:
        print("There is no DISCORD_TOKEN, so there is nobody to tell of the commands.")
        return Exit.BAD_SETTING
    # The queue and its worker are made but not started: registering commands needs neither.
    async with Store(settings.data_dir) as store:
        queue, _ = make_queue(settings, store)
        async with NeuralBot(settings, queue, store) as bot:
            await bot.login(settings.discord_token.get_secret_value())
            print(f"Registered {await bot.sync()} commands.")
    return Exit.OK


COMMANDS: dict[str, tuple[Callable[[Settings], Coroutine[Any, Any, Exit]], str]] = {
    "run": (_run, "start the bot: on Discord if DISCORD_TOKEN is set, else in a local page"),
    "sync": (_sync, "tell Discord of the commands now, changed or not"),
    "check": (_check, "tell what is wrong, one line a check, with the fix"),
}


def main(arguments: list[str] | None = None) -> Exit:
    """Run one command and return its exit code; what goes wrong is said in one plain sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m bot", description="A Discord bot that shows neural networks."
    )
    subparsers = parser.add_subparsers(dest="command", required=True)
    for name, (_, description) in COMMANDS.items():
        subparsers.add_parser(name, help=description, description=description)
    command, _ = COMMANDS[parser.parse_args(arguments).command]
    try:
        settings = Settings.read()
    except SettingsError as error:
        return _fail(Exit.BAD_SETTING, f"A setting cannot be used: {error}. See .env.example.")
    token = settings.discord_token.get_secret_value() if settings.discord_token else ""
    logs.configure(settings.log_level, settings.log_format, token)
    try:
        return asyncio.run(command(settings))
    except discord.LoginFailure:
        return _fail(
            Exit.TOKEN_REFUSED,
            "Discord refuses the DISCORD_TOKEN in .env: copy it anew from discord.com/developers, "
            "your application, Bot, Reset Token.",
        )
    except (aiohttp.ClientError, discord.HTTPException, ConnectionError, TimeoutError) as error:
        return _fail(Exit.CANNOT_CONNECT, f"Discord cannot be reached: {error}. Is this machine online?")
    except StoreError as error:
        return _fail(Exit.STORE_UNWRITABLE, str(error))
    except KeyboardInterrupt:
        return Exit.OK


def _fail(code: Exit, sentence: str) -> Exit:
    print(sentence, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
