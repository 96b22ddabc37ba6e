"""The Discord client: loads the cogs, registers their commands when they have changed, answers errors."""

from __future__ import annotations

import hashlib
import json
import logging
import pkgutil
import time

import discord
from discord import app_commands
from discord.ext import commands

import cogs
from bot.desk import Desk
from bot.inference.queue import InferenceQueue
from bot.replies import CancelButton, apologise
from bot.results import Results
from bot.settings import Settings
from bot.store import Store

# discord.py warns that it cannot speak in voice channels. We never do.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False

log = logging.getLogger(__name__)

INTENTS = discord.Intents(guilds=True)
"""Slash commands, context menus and buttons need no privileged intent; nothing else is listened to."""

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    embed_links=True,
    attach_files=True,
)
"""What the invite link asks for: showing answers and their pictures."""

SCOPES = ("bot", "applications.commands")


class Tree(app_commands.CommandTree["NeuralBot"]):
    """The command tree, whose errors become private answers."""

    async def interaction_check(self, interaction: discord.Interaction[NeuralBot], /) -> bool:
        """Note when a command has come, to measure how soon it is acknowledged."""
        interaction.extras["received"] = time.monotonic()
        return True

    async def on_error(
        self, interaction: discord.Interaction[NeuralBot], error: app_commands.AppCommandError, /
    ) -> None:
        """Tell the person what went wrong."""
        await apologise(interaction, error)


class NeuralBot(commands.AutoShardedBot):
    """The bot. Queue and store are started by whoever makes it, and outlive it."""

    def __init__(self, settings: Settings, queue: InferenceQueue, store: Store) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=INTENTS,
            tree_cls=Tree,
            allowed_mentions=discord.AllowedMentions.none(),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            ),
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
        )
        self.settings = settings
        self.queue = queue
        self.store = store
        self.results = Results(store)
        self.desk = Desk(self)

    async def setup_hook(self) -> None:
        """Load every cog, tell Discord of the commands if they are not what it knows already, and go on."""
        await self.load_cogs()
        await self.sync_if_changed()
        self.desk.resume(*self.queue.take_restored())

    async def close(self) -> None:
        """Disconnect. What has not been shown will be shown by the next process."""
        await self.desk.close()
        await super().close()

    async def load_cogs(self) -> None:
        """Load every file in ``cogs``."""
        self.add_dynamic_items(CancelButton)
        for module in pkgutil.iter_modules(cogs.__path__, prefix="cogs."):
            await self.load_extension(module.name)

    async def sync_if_changed(self) -> None:
        """Register the commands unless their hash is the one of the last time.

        Discord allows 200 command creations a day, and a restart should cost none of them.
        """
        if await self.store.get(self._hash_name()) == self.tree_hash():
            return
        try:
            await self.sync()
        except discord.HTTPException as error:
            log.error("Discord refuses the new commands, so the old ones stay: %s", error)

    async def sync(self) -> int:
        """Register the commands with Discord, and return how many there are.

        Raises:
            discord.HTTPException: Discord refuses them.
        """
        registered = await self.tree.sync()
        await self.store.put(self._hash_name(), self.tree_hash())
        log.info("Registered %d commands with Discord", len(registered))
        return len(registered)

    def _hash_name(self) -> str:
        return f"commands:{self.application_id}"

    def tree_hash(self) -> str:
        """Return a hash of everything that Discord is told of the commands."""
        payload = [command.to_dict(self.tree) for command in self.tree.get_commands()]
        payload.sort(key=lambda command: (command["type"], command["name"]))
        return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()

    def invite_url(self) -> str:
        """Return the link that puts the bot on a server, with exactly what it uses."""
        assert self.application_id is not None  # known after login
        return discord.utils.oauth_url(self.application_id, permissions=PERMISSIONS, scopes=SCOPES)

    async def on_ready(self) -> None:
        """Say in the log that the bot is there. Discord may send this event many times."""
        log.info(
            "Connected as %s to %d server(s), %d shard(s)", self.user, len(self.guilds), len(self.shards)
        )
