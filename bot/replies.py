"""The one place that answers interactions, whatever state they are in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import discord

from bot.errors import UserError, explain
from bot.inference.errors import JobCancelled
from bot.inference.messages import Done, Ready, Request
from bot.inference.queue import Job, JobState, Standing

if TYPE_CHECKING:
    from bot.client import NeuralBot

    Interaction: TypeAlias = discord.Interaction[NeuralBot]
else:  # the client imports this module
    Interaction = discord.Interaction

log = logging.getLogger(__name__)

QUIET_SECONDS = 0.4
"""An answer that comes within this time needs no status before it."""
EDIT_SECONDS = 1.2
"""Between two edits of one message. Discord does not publish its limit; this pace has met none."""

COLOUR = discord.Colour(0x5B6CF0)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a person is shown in the end."""

    embed: discord.Embed
    files: Sequence[discord.File] = ()
    view: discord.ui.View | None = None


async def defer(interaction: Interaction, *, private: bool = False) -> None:
    """Acknowledge within Discord's 3 seconds, with "thinking..."; the answer may take 15 minutes."""
    interaction.extras["private"] = private
    await interaction.response.defer(thinking=True, ephemeral=private)


async def deliver(
    interaction: Interaction,
    request: Request | Callable[[], Awaitable[Request]],
    render: Callable[[str, Done], Answer],
    *,
    private: bool = False,
) -> None:
    """Acknowledge, have a network answer, show meanwhile where the job stands, and then the answer.

    Args:
        interaction: not acknowledged yet.
        request: what to ask the network, or what makes it if that takes time (such as a download).
        render: makes the message from the job's code and the network's answer.
        private: whether only this person sees it.
    """
    queue = interaction.client.queue
    # From the first moment on, and errors included: a closing queue waits until everybody has been told.
    with queue.delivering():
        try:
            # Before the deferral: a closing bot may be gone before it could fill what says "thinking...".
            queue.ensure_open()
            await defer(interaction, private=private)
            job = queue.submit(await request() if callable(request) else request, owner=interaction.user.id)
            await _show_standing(interaction, job)
            done = await job.result()
            interaction.client.results.keep(job, done)
            await finish(interaction, render(job.code, done))
        except JobCancelled:
            await interaction.edit_original_response(content="-# Cancelled.", view=None)
        except Exception as error:
            await apologise(interaction, error)


async def finish(interaction: Interaction, answer: Answer) -> None:
    """Put the answer where the person sees "thinking..." or the job's status.

    After 15 minutes Discord forgets the interaction; then a public answer is posted in the channel.
    """
    interaction.extras["answered"] = True
    if interaction.is_expired():
        channel = interaction.channel
        if interaction.extras.get("private") or not isinstance(channel, discord.abc.Messageable):
            log.warning("%s: the answer came after Discord had forgotten the question", _name(interaction))
            return
        await channel.send(
            embed=answer.embed, files=list(answer.files), view=answer.view or discord.utils.MISSING
        )
        return
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
        if interaction.extras.get("private"):
            await interaction.edit_original_response(content=text, embed=None, attachments=[], view=None)
            return
        # A public "thinking..." cannot become private: a follow-up would fill it and be public, too, and
        # after its deletion Discord has refused follow-ups (discord-api-docs, issues 2739 and 2866). So it is
        # filled first and deleted last.
        await interaction.edit_original_response(content="-# …", view=None)
        await interaction.followup.send(text, ephemeral=True)
        await interaction.delete_original_response()
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


async def _show_standing(interaction: Interaction, job: Job) -> None:
    """Keep the deferred message up to date until the job has ended."""
    shown = ""
    pause = QUIET_SECONDS
    while True:
        # Sleeps for the pause, but not a moment longer than the job lasts.
        await asyncio.wait({job.answer}, timeout=pause)
        if job.answer.done():
            return
        text = _words(interaction.client.queue.standing(job), interaction.client.queue.worker)
        if text != shown:
            with contextlib.suppress(discord.HTTPException):
                await interaction.edit_original_response(content=text, view=cancel_view(job.code))
            shown = text
        pause = EDIT_SECONDS


def _words(standing: Standing, worker: Ready | None) -> str:
    if worker is None:
        return "⏳ The networks are waking up…"
    if standing.state is JobState.RUNNING:
        return "⏳ The network is at work…"
    if standing.ahead == 0:
        return "⏳ You are next…"
    people = "1 job" if standing.ahead == 1 else f"{standing.ahead} jobs"
    return f"⏳ {people} before yours, about {max(1, round(standing.eta))} s…"


def _name(interaction: Interaction) -> str:
    if interaction.command is not None:
        return f"/{interaction.command.qualified_name}"
    data: Any = interaction.data or {}
    return str(data.get("custom_id", interaction.type.name))


def small_print(code: str, done: Done) -> str:
    """Return what stands under every answer: the network's time, and the job's code."""
    return f"{done.seconds * 1000:.0f} ms · {code}"


class DurableItem(discord.ui.DynamicItem[Any], template=r"(?!)"):
    """A button or select whose custom id carries all that it needs, so that it outlives a restart.

    Subclasses give their ``template``, whose groups are the arguments of their constructor, and write ``act``;
    whatever that raises becomes a private answer.
    """

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str]
    ) -> Self:
        """Rebuild the item from a click on it."""
        return cls(**match.groupdict())  # type: ignore[arg-type]  # the subclass's arguments

    async def act(self, interaction: Interaction) -> None:
        """Do what the button is for. The first awaited line acknowledges the interaction."""
        raise NotImplementedError

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Act, and apologise for what goes wrong."""
        try:
            await self.act(interaction)
        except Exception as error:
            await apologise(interaction, error)


class CancelButton(DurableItem, template=r"cancel:(?P<code>\w+-\w+)"):
    """Stands on the status of a job; for its owner and for moderators."""

    def __init__(self, code: str) -> None:
        super().__init__(discord.ui.Button(label="Cancel", custom_id=f"cancel:{code}"))
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
        queue.cancel(job)


def cancel_view(code: str) -> discord.ui.View:
    """Return the row of buttons under a job's status."""
    view = discord.ui.View(timeout=None)
    view.add_item(CancelButton(code))
    return view
