"""/queue and /show: what waits and runs, and any answer again by its code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import discord
import msgspec
from discord import app_commands
from discord.ext import commands
from discord.utils import format_dt

from bot import cards
from bot.client import NeuralBot
from bot.desk import words
from bot.errors import UserError
from bot.inference.jobs import Finished, Job, JobState
from bot.inference.messages import Request
from bot.places import Answer
from bot.replies import COLOUR, CancelButton, DurableItem, Interaction, defer, finish

CODE_LENGTH = 40
FIELD_LENGTH = 1024
"""Discord's limit for the value of an embed's field."""
OWN_JOBS_SHOWN = 20
"""Five rows of five buttons, and one of the rows is for the refreshing one."""


class Jobs(commands.Cog):
    """Tells of jobs: those on their way, and those that are done."""

    def __init__(self, bot: NeuralBot) -> None:
        self.bot = bot

    async def cog_load(self) -> None:
        """Register the button."""
        self.bot.add_dynamic_items(RefreshButton)

    async def cog_unload(self) -> None:
        """Take it back."""
        self.bot.remove_dynamic_items(RefreshButton)

    @app_commands.command()
    async def queue(self, interaction: Interaction) -> None:
        """See what waits and runs, and cancel jobs of yours."""
        await defer(interaction, private=True)
        await finish(interaction, overview(interaction))

    @app_commands.command()
    @app_commands.describe(
        code="It stands under every answer, such as vision-7K3F",
        public="Show it to everybody here (only you see it otherwise)",
    )
    async def show(
        self, interaction: Interaction, code: app_commands.Range[str, 1, CODE_LENGTH], public: bool = False
    ) -> None:
        """Bring an answer back by its code, and see how it was made."""
        await defer(interaction, private=not public)
        await finish(interaction, await self._shown(interaction, tidy(code)))

    @show.autocomplete("code")
    async def own_codes(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Suggest one's own latest answers."""
        codes = await self.bot.store.codes(interaction.user.id, tidy(current) if "-" in current else current)
        return [app_commands.Choice(name=code, value=code) for code in codes]

    async def _shown(self, interaction: Interaction, code: str) -> Answer:
        asker = interaction.user.id
        if (job := self.bot.queue.job(code)) is not None and job.owner == asker:
            raise UserError(
                f"`{code}` is not done yet. {words(self.bot.queue.standing(job), self.bot.queue.worker)}"
            )
        answered = await self.bot.results.get(code)
        if answered is None:
            days = f"{self.bot.settings.keep_days:g} days"
            raise UserError(f"I know no answer with the code `{code[:CODE_LENGTH]}`. I keep them for {days}.")
        # An answer that others could see is for those who could: the people of that server.
        here = answered.guild is not None and answered.guild == interaction.guild_id
        if answered.owner != asker and (answered.private or not here):
            raise UserError("This answer is for the person who asked only.")
        answer = self.bot.desk.render(answered)
        answer.embed.add_field(name="How it was made", value=made_with(answered), inline=False)
        return answer


def tidy(code: str) -> str:
    """Return a code as it is written in answers: ``VISION-7k3f`` becomes ``vision-7K3F``."""
    network, dash, rest = code.strip(" `").partition("-")
    return f"{network.lower()}{dash}{rest.upper()}"


def made_with(answered: Finished) -> str:
    """Tell what is needed to make an answer again: the network, its version and its parameters."""
    title = cards.card(answered.network).network.title
    made = format_dt(datetime.fromtimestamp(answered.created, UTC), "f")
    lines = [f"{title}, version {answered.version} · {made}", f"```\n{parameters(answered.request)}\n```"]
    return "\n".join(lines)[:FIELD_LENGTH]


def parameters(request: Request) -> str:
    """Return what was asked as ``name = value`` a line: but for uploads, what was left out, and riddles' answers."""
    lines = (f"{name} = {value}" for name, value in _given(request) if name not in request.riddle)
    return "\n".join(lines).replace("```", "'''")[:700]


def _given(request: msgspec.Struct, within: str = "") -> Iterator[tuple[str, object]]:
    """Return names and values; those of a part of the request as ``part.name``."""
    for name, value in msgspec.structs.asdict(request).items():
        if isinstance(value, msgspec.Struct):
            yield from _given(value, f"{within}{name}.")
        elif value not in (None, ()) and not isinstance(value, bytes):
            yield within + name, value


def overview(interaction: Interaction) -> Answer:
    """Show the queue as one person sees it: everything in numbers, and their own jobs by name."""
    bot = interaction.client
    now = bot.queue.overview()
    waiting = [*now.waiting, *now.preparing]
    own = [job for job in (*now.running, *waiting) if job.owner == interaction.user.id][:OWN_JOBS_SHOWN]
    embed = discord.Embed(title="The queue", colour=COLOUR)
    embed.add_field(name="At work", value=_by_network(now.running) or "Nothing")
    embed.add_field(name="Waiting", value=_by_network(waiting) or "Nobody")
    embed.add_field(name="Yours", value=_own(interaction, own) or "Nothing", inline=False)
    if now.device is None:
        device = "Its process is just starting."
    else:
        there = ", ".join(f"{name} ({size / 1e6:.0f} MB)" for name, size in now.usage.network_bytes.items())
        device = f"{now.device.device_name} (`{now.device.device}`)\n-# On it now: {there or 'no network'}"
    embed.add_field(name="The device", value=device, inline=False)
    view = discord.ui.View(timeout=None)
    for job in own:
        view.add_item(CancelButton(job.code, label=f"Cancel {job.code}"))
    view.add_item(RefreshButton())
    return Answer(embed=embed, view=view)


def _by_network(jobs: Iterable[Job]) -> str:
    counts = Counter(job.network.name for job in jobs)
    return "\n".join(f"{number} × {name}" for name, number in counts.most_common())


def _own(interaction: Interaction, jobs: Iterable[Job]) -> str:
    queue = interaction.client.queue
    lines = []
    for job in jobs:
        standing = queue.standing(job)
        if standing.state is JobState.RUNNING:
            where = f"at work, {standing.fraction:.0%}" if standing.fraction else "at work"
        elif standing.state is JobState.PREPARING:
            where = "fetching your file"
        else:
            where = f"{standing.ahead} before it, about {max(1, round(standing.eta))} s"
        lines.append(f"`{job.code}` {where}")
    return "\n".join(lines)


class RefreshButton(DurableItem, template=r"queue-refresh"):
    """Brings an overview up to date."""

    def __init__(self) -> None:
        super().__init__(discord.ui.Button(label="Refresh", emoji="🔄", custom_id="queue-refresh"))

    async def act(self, interaction: Interaction) -> None:
        """Show the queue as it is now."""
        await interaction.response.defer()
        await finish(interaction, overview(interaction))


async def setup(bot: NeuralBot) -> None:
    """Add the cog; called by ``load_extension``."""
    await bot.add_cog(Jobs(bot))
