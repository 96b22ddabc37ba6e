"""Helpers that several tests share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from discord.ext import commands

from bot.playground.errors import Json
from bot.playground.person import Person, Reply
from bot.store import Store

AnyBot = TypeVar("AnyBot", bound=commands.Bot | commands.AutoShardedBot)

EPHEMERAL = 1 << 6
"""Flag of a message that only one person sees."""


@asynccontextmanager
async def connected(bot: AnyBot) -> AsyncIterator[AnyBot]:
    """Run a bot on the embedded Discord, from ready to closed."""
    # How long discord.py waits for further servers: here there is only one.
    bot._connection.guild_ready_timeout = 0.05
    async with bot:
        running = asyncio.create_task(bot.start("token"))
        ready = asyncio.create_task(bot.wait_until_ready())
        await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED, timeout=10)
        if running.done():
            ready.cancel()
            await running
        await ready
        yield bot
        await bot.close()
        await running


def embed_of(message: Json) -> Json:
    """Return the only embed of a message."""
    [embed] = message["embeds"]
    return dict(embed)


async def private_message(person: Person, reply: Reply) -> Json:
    """Wait for a message of this interaction that only the person sees."""
    return await person.until(lambda: next((m for m in reply.messages if m["flags"] & EPHEMERAL), None))


async def fill_disk(store: Store) -> None:
    """Let SQLite meet a full disk: it may use no more pages than it has."""
    await store._open().execute("PRAGMA max_page_count = 1")  # rounded up to what there is


async def make_room(store: Store) -> None:
    """Empty the disk again."""
    await store._open().execute("PRAGMA max_page_count = 1000000")


async def all_told(store: Store) -> None:
    """Wait until it is written down that everybody has been told: a moment after they were."""
    while await store.unfinished():  # noqa: ASYNC110 - it is the database that we watch
        await asyncio.sleep(0.02)
