"""Where an answer is shown: the one message under a command, for as long as Discord knows of the command."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import msgspec

from bot.discord_codes import TOKEN_DIED

if TYPE_CHECKING:
    from bot.client import NeuralBot

EXPIRY_MARGIN = 5.0
"""Seconds before a token's end at which it is no longer trusted."""
ORIGINAL: Any = "@original"
"""Discord's name for the message with which an interaction was acknowledged."""

OUT_OF_REACH = (discord.DiscordServerError, aiohttp.ClientError, OSError)
"""What is raised while Discord does not answer: worth another try."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a person is shown in the end."""

    embed: discord.Embed
    files: Sequence[discord.File] = ()
    view: discord.ui.View | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """All that is needed to show something to the person who used a command, by any process."""

    application: int
    token: str
    expires: float
    """Unix time at which Discord forgets the command: 15 minutes after it was used."""
    channel: int | None
    private: bool
    """Whether only that person sees the message."""
    upload: str | None = None
    """Where the file that came with the command can be fetched."""
    update: bool = False
    """Whether the message is an answer whose button was clicked, and which a newer one is to replace."""

    @classmethod
    def of(
        cls,
        interaction: discord.Interaction[Any],
        *,
        private: bool,
        upload: str | None = None,
        update: bool = False,
    ) -> Place:
        """Return the place of an interaction's answer."""
        return cls(
            application=interaction.application_id,
            token=interaction.token,
            expires=interaction.expires_at.timestamp(),
            channel=interaction.channel_id,
            private=private,
            upload=upload,
            update=update,
        )


class PlaceGone(Exception):
    """Discord has forgotten the command, so that its message can no longer be changed."""


class StatusMessage:
    """The one message that shows a job: first where it stands, then its end."""

    def __init__(self, bot: NeuralBot, place: Place) -> None:
        self._bot = bot
        self.place = place
        self._webhook = discord.Webhook.partial(place.application, place.token, client=bot)
        self._webhook.type = discord.WebhookType.application  # only these may answer in private

    @property
    def alive(self) -> bool:
        """Whether Discord still knows of the command."""
        return time.time() < self.place.expires - EXPIRY_MARGIN

    async def show(self, text: str, view: discord.ui.View | None = None) -> None:
        """Show a text instead of what stands there, or above an answer that is to be replaced.

        Raises:
            PlaceGone: there is nothing any more.
            discord.HTTPException: Discord does not want it.
        """
        if self.place.update:
            await self._edit(content=text, view=view)
            return
        await self._edit(content=text, embed=None, attachments=[], view=view)

    async def answer(self, answer: Answer) -> None:
        """Show the answer; raises as ``show`` does."""
        await self._edit(content=None, embed=answer.embed, attachments=list(answer.files), view=answer.view)

    async def tell(self, text: str) -> None:
        """Tell only the person, and take away what others can see of the command; raises as ``show`` does."""
        if self.place.private or self.place.update:
            await self.show(text)
            return
        # A public "thinking..." cannot become private: a follow-up would fill it and be public, too, and
        # after its deletion Discord has refused follow-ups (discord-api-docs, issues 2739 and 2866). So it is
        # filled first and deleted last.
        await self.show("-# …")
        await self._webhook.send(text, ephemeral=True)
        # Whatever becomes of this: the person has been told, and is not to be told again.
        with contextlib.suppress(discord.HTTPException, *OUT_OF_REACH):
            await self._webhook.delete_message(ORIGINAL)

    async def post(self, code: str, answer: Answer | str) -> None:
        """Post in the channel instead: nobody is mentioned, and the same job is never posted twice.

        Raises:
            discord.HTTPException: the bot may not write there, or is not there at all.
        """
        if self.place.channel is None:
            return
        channel = self._bot.get_partial_messageable(self.place.channel)
        # The nonce makes Discord return the first message if a process that was killed had sent it already.
        if isinstance(answer, str):
            await channel.send(answer, nonce=code)
            return
        await channel.send(
            embed=answer.embed,
            files=list(answer.files),
            view=answer.view or discord.utils.MISSING,
            nonce=code,
        )

    async def _edit(self, **changes: Any) -> None:
        if not self.alive:
            raise PlaceGone
        try:
            await self._webhook.edit_message(ORIGINAL, **changes)
        except discord.HTTPException as error:
            if error.code in TOKEN_DIED or error.status == 401:
                raise PlaceGone from error
            raise
