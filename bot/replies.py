"""The one place that answers interactions, whatever state they are in."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import discord
import msgspec

from bot.discord_codes import ALREADY_ACKNOWLEDGED
from bot.errors import UserError, explain
from bot.inference.jobs import Finished
from bot.inference.messages import Request
from bot.places import OUT_OF_REACH, Answer, Place, StatusMessage

if TYPE_CHECKING:
    from bot.client import NeuralBot

    Interaction: TypeAlias = discord.Interaction[NeuralBot]
else:  # the client imports this module
    Interaction = discord.Interaction

log = logging.getLogger(__name__)

COLOUR = discord.Colour(0x5B6CF0)


async def defer(interaction: Interaction, *, private: bool = False) -> None:
    """Acknowledge within Discord's 3 seconds, with "thinking..."; the answer may take 15 minutes."""
    interaction.extras["private"] = private
    await interaction.response.defer(thinking=True, ephemeral=private)
    acknowledged(interaction)


def acknowledged(interaction: Interaction) -> None:
    """Measure how long the person had to wait for the first sign of life."""
    if (received := interaction.extras.get("received")) is not None:
        interaction.client.queue.metrics.acknowledged_seconds.observe(time.monotonic() - received)


async def deliver(
    interaction: Interaction,
    request: Request,
    *,
    private: bool = False,
    upload: str | None = None,
    prepare: bool = False,
    update: bool = False,
) -> None:
    """Have a network answer, show meanwhile where the job stands, and then the answer.

    Args:
        interaction: not acknowledged yet.
        request: what to ask the network.
        private: whether only this person sees the answer.
        upload: where the file can be fetched that the request lacks; the network's presentation adds it.
        prepare: whether the network's presentation is to fetch from elsewhere what the request lacks.
        update: whether the answer takes the place of the one whose button was clicked.
    """
    bot = interaction.client
    # From the first moment on: a closing queue waits until everybody has been told.
    with bot.queue.delivering():
        # Before the acknowledgement: whatever this person is told to wait for is written down, and a refusal
        # can be private.
        job = await bot.queue.submit(
            request,
            owner=interaction.user.id,
            guild=interaction.guild_id,
            place=msgspec.msgpack.encode(
                Place.of(interaction, private=private, upload=upload, update=update)
            ),
            private=private,
            complete=upload is None and not prepare,
        )
        try:
            if update:
                await interaction.response.defer()
                acknowledged(interaction)
            else:
                await defer(interaction, private=private)
        except OUT_OF_REACH as error:
            # Discord may have got it all the same. If not, the desk finds out, and posts in the channel.
            log.warning("acknowledged, perhaps: %s", error, extra={"job": job.code})
        except discord.HTTPException as error:
            if error.code != ALREADY_ACKNOWLEDGED:  # by a first attempt whose reply was lost
                await bot.queue.cancel(job)
                await bot.queue.delivered(job.code, None)
                raise
        except BaseException:
            await bot.queue.cancel(job)
            await bot.queue.delivered(job.code, None)  # there is nobody to tell
            raise
        await bot.desk.serve(job)


async def finish(interaction: Interaction, answer: Answer) -> None:
    """Put the answer where the person sees "thinking...", or onto the message whose button was clicked."""
    interaction.extras["answered"] = True
    await interaction.edit_original_response(
        content=None, embed=answer.embed, attachments=answer.files, view=answer.view
    )


async def tell(interaction: Interaction, text: str) -> None:
    """Tell the person something in private, in whatever state the interaction is."""
    if not interaction.response.is_done():
        await interaction.response.send_message(text, ephemeral=True)
        return
    thinking = interaction.response.type is discord.InteractionResponseType.deferred_channel_message
    if thinking and not interaction.extras.get("answered"):
        place = Place.of(interaction, private=interaction.extras.get("private", False))
        await StatusMessage(interaction.client, place).tell(text)
        return
    await interaction.followup.send(text, ephemeral=True)


async def apologise(interaction: Interaction, error: BaseException) -> None:
    """Tell the person what went wrong, as far as that helps; log the rest."""
    text = explain(error, where=_name(interaction))
    if text is None:
        return
    try:
        await tell(interaction, text)
    except discord.HTTPException as failure:
        log.warning("%s: could not tell the person: %s", _name(interaction), failure)


def _name(interaction: Interaction) -> str:
    if interaction.command is not None:
        return f"/{interaction.command.qualified_name}"
    data: Any = interaction.data or {}
    return str(data.get("custom_id", interaction.type.name))


def share(probability: float) -> str:
    """Return a probability in percent, with a decimal where it is small."""
    return f"{probability:.0%}" if probability >= 0.1 else f"{probability:.1%}"


def small_print(answered: Finished) -> str:
    """Return what stands under every answer: the network's time, and the job's code."""
    return f"{answered.seconds * 1000:.0f} ms · {answered.code}"


class DurableItem(discord.ui.DynamicItem[Any], template=r"(?!)"):
    """A button or select whose custom id carries all that it needs, so that it outlives a restart.

    Subclasses give their ``template``, whose groups are the arguments of their constructor, and write ``act``;
    whatever that raises becomes a private answer.
    """

    for_everybody = False
    """Whether it stays below a copy of its answer that somebody shares."""

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str]
    ) -> Self:
        """Rebuild the item from a click on it."""
        return cls(**match.groupdict())  # type: ignore[arg-type]  # the subclass's arguments

    async def act(self, interaction: Interaction) -> None:
        """Do what the button is for. Nothing slower than a row of our own database comes before the acknowledgement."""
        raise NotImplementedError

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Act, and apologise for what goes wrong."""
        interaction.extras["received"] = time.monotonic()
        try:
            await self.act(interaction)
        except Exception as error:
            await apologise(interaction, error)


class CancelButton(DurableItem, template=r"cancel:(?P<code>\w+-\w+)"):
    """Stands on the status of a job; for its owner and for moderators."""

    def __init__(self, code: str, label: str = "Cancel") -> None:
        super().__init__(discord.ui.Button(label=label, custom_id=f"cancel:{code}"))
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """End the job; its own status message then says so."""
        await interaction.response.defer()
        queue = interaction.client.queue
        job = queue.job(self.code)
        if job is None:
            raise UserError("This job has ended already.")
        if interaction.user.id != job.owner and not interaction.permissions.manage_messages:
            raise UserError(f"Only <@{job.owner}> or a moderator can cancel this.")
        await queue.cancel(job)


def cancel_view(code: str) -> discord.ui.View:
    """Return the row of buttons under a job's status."""
    view = discord.ui.View(timeout=None)
    view.add_item(CancelButton(code))
    return view
