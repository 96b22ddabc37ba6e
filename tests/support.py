"""Helpers that several tests share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.client import NeuralBot
from bot.playground.errors import Json
from bot.playground.person import Person, Reply

EPHEMERAL = 1 << 6
"""Flag of a message that only one person sees."""


@asynccontextmanager
async def connected(bot: NeuralBot) -> AsyncIterator[NeuralBot]:
    """Run the bot on the embedded Discord, from ready to closed."""
    async with bot:
        await bot.login("local")
        # How long discord.py waits for further servers: here there is only one.
        bot._connection.guild_ready_timeout = 0.05
        connection = asyncio.create_task(bot.connect())
        await asyncio.wait_for(bot.wait_until_ready(), 10)
        yield bot
    connection.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await connection


def embed_of(message: Json) -> Json:
    """Return the only embed of a message."""
    [embed] = message["embeds"]
    return dict(embed)


async def private_message(person: Person, reply: Reply) -> Json:
    """Wait for a message of this interaction that only the person sees."""
    return await person.until(lambda: next((m for m in reply.messages if m["flags"] & EPHEMERAL), None))
