"""The desk: follows every job from its admission to the moment when its person has been shown the end.

One way for all jobs, those included that an earlier process has left: what is shown, and where, is known
from the ledger alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import discord
import msgspec
from aiolimiter import AsyncLimiter

from bot.discord_codes import UNKNOWN_MESSAGE
from bot.errors import explain
from bot.inference.errors import InputRefused, JobCancelled, JobError, NetworkFailed, Postponed
from bot.inference.jobs import Finished, Job, JobState, Record, Standing, finished
from bot.inference.messages import Ready, Request
from bot.places import OUT_OF_REACH, Answer, Place, PlaceGone, StatusMessage
from bot.replies import cancel_view

if TYPE_CHECKING:
    from bot.client import NeuralBot

log = logging.getLogger(__name__)

QUIET_SECONDS = 0.4
"""An answer that comes within this time needs no status before it."""
EDIT_SECONDS = 1.2
"""Between two edits of one message. Discord does not publish its limit; this pace has met none."""
EDITS_PER_SECOND = 12.0
"""Of all status messages together, so that many who wait do not hold up those who are answered."""
PAUSES = (2.0, 5.0, 15.0, 60.0)
"""Seconds between attempts to show an answer while Discord is out of reach; the last one again and again."""
TOO_MANY_REQUESTS = 429
"""The status of what discord.py has not waited out, such as a ban of the whole address by Cloudflare."""
SHOWN_OF_A_STREAM = 1800
"""Characters of a growing text; a message takes 2,000."""


class TryAgain(Exception):
    """Discord cannot take the end of a job now, but may later."""


@dataclass(frozen=True, kw_only=True)
class Presentation:
    """How the answers of one network are shown; each cog gives the desk its own."""

    render: Callable[[Finished], Answer]
    complete: Callable[[Request, bytes], Request] | None = None
    """Puts the uploaded file into the request, for a network that is asked about one."""
    prepare: Callable[[Request], Awaitable[Request]] | None = None
    """Fetches from elsewhere what the request lacks. A person waits for it, so it must give up in time."""


class Desk:
    """Shows people how their jobs stand and end."""

    def __init__(self, bot: NeuralBot) -> None:
        self._bot = bot
        self._presentations: dict[str, Presentation] = {}
        self._edits = AsyncLimiter(EDITS_PER_SECOND, 1.0)
        self._tasks: set[asyncio.Task[None]] = set()

    def present(self, network: str, presentation: Presentation) -> None:
        """Show answers of this network so."""
        self._presentations[network] = presentation

    def render(self, answered: Finished) -> Answer:
        """Return the message that shows an answer."""
        return self._presentations[answered.network].render(answered)

    async def serve(self, job: Job) -> None:
        """Follow a job to its end: fetch what it lacks, show where it stands, and show its answer."""
        message = StatusMessage(self._bot, msgspec.msgpack.decode(job.place, type=Place))
        with self._bot.queue.delivering():
            following = asyncio.create_task(self._follow(job, message))
            try:
                if job.state is JobState.PREPARING:
                    await self._complete_or_end(job, message.place)
                outcome: Finished | JobError = await job.result()
            except JobError as error:
                outcome = error
            except Exception as error:
                log.exception("the request could not be completed", extra={"job": job.code})
                outcome = NetworkFailed(str(error))
                await self._bot.queue.fail(job, outcome)
            # Not in the middle of an edit, which could overtake the answer.
            await following
            if isinstance(outcome, Postponed) and not self._bot.is_closed():
                with contextlib.suppress(discord.HTTPException, PlaceGone, *OUT_OF_REACH):
                    await message.show(f"🔄 {outcome}\n-# {job.code}")
            if not isinstance(outcome, Postponed):  # with which the next process goes on
                await self._conclude(job.code, outcome, message)

    def resume(self, going_on: list[Job], ended: list[Record]) -> None:
        """Take up what an earlier process has left."""
        for job in going_on:
            self._spawn(self.serve(job))
        for record in ended:
            self._spawn(self._conclude_late(record))

    async def close(self) -> None:
        """Stop; what has not been shown will be shown by the next process."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- Before the answer --------------------------------------------------------------------------------

    async def _complete_or_end(self, job: Job, place: Place) -> None:
        """Fetch the file, but not a moment longer than the job lasts: somebody may cancel it meanwhile."""
        completing = asyncio.create_task(self._complete(job, place))
        either: set[asyncio.Future[Any]] = {completing, job.answer}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not completing.done():
            completing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await completing

    async def _complete(self, job: Job, place: Place) -> None:
        """Fetch the file that came with the command, or what else the request lacks."""
        presentation = self._presentations[job.network.name]
        if place.upload is None:
            assert presentation.prepare is not None
            await self._bot.queue.supply(job, await presentation.prepare(job.request))
            return
        complete = presentation.complete
        assert complete is not None  # whoever submits an incomplete request knows how it is completed
        try:
            data = await self._bot.http.get_from_cdn(place.upload)
        except (discord.HTTPException, *OUT_OF_REACH) as error:
            log.info("upload not fetched: %s", type(error).__name__, extra={"job": job.code})
            refusal = InputRefused("I could not fetch that file. Please upload it again.")
            await self._bot.queue.fail(job, refusal)
        else:
            await self._bot.queue.supply(job, complete(job.request, data))

    async def _follow(self, job: Job, message: StatusMessage) -> None:
        """Keep the message up to date until the job has ended."""
        shown = ""
        pause = QUIET_SECONDS
        while True:
            # Sleeps for the pause, but not a moment longer than the job lasts.
            await asyncio.wait({job.answer}, timeout=pause)
            pause = EDIT_SECONDS
            if self._text(job) == shown:
                if job.answer.done():
                    return
                continue
            turn = asyncio.ensure_future(self._edits.acquire())
            either: set[asyncio.Future[Any]] = {turn, job.answer}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if job.answer.done():  # the answer need not wait for its status's turn
                turn.cancel()
                return
            shown = self._text(job)  # the newest: waiting for the turn may have taken a while
            try:
                await message.show(shown, cancel_view(job.code))
            except PlaceGone:
                await asyncio.wait({job.answer})
                return
            except (discord.HTTPException, *OUT_OF_REACH) as error:
                log.info("status not shown: %s", error, extra={"job": job.code})
            except Exception:  # a status is not worth losing the answer for
                log.exception("status not shown", extra={"job": job.code})

    def _text(self, job: Job) -> str:
        return words(self._bot.queue.standing(job), self._bot.queue.worker)

    # --- The end ------------------------------------------------------------------------------------------

    async def _conclude_late(self, record: Record) -> None:
        """Show the end of a job that an earlier process has brought to its end, but not shown."""
        message = StatusMessage(self._bot, msgspec.msgpack.decode(record.place, type=Place))
        outcome: Finished | JobError | None = finished(record)
        if outcome is None:
            known = record.outcome not in (None, "done", NetworkFailed.outcome)
            outcome = JobError(record.error) if known else NetworkFailed(record.error or "unknown network")
            if record.outcome == JobCancelled.outcome:
                outcome = JobCancelled()
        with self._bot.queue.delivering():
            await self._conclude(record.code, outcome, message)

    async def _conclude(self, code: str, outcome: Finished | JobError, message: StatusMessage) -> None:
        """Show how a job has ended, however long Discord is out of reach, and remember that it was shown."""
        if isinstance(outcome, Finished):
            self._bot.results.keep(outcome)
        for pause in chain(PAUSES, repeat(PAUSES[-1])):
            if self._bot.is_closed():
                return  # the next process shows it
            try:
                await self._show_end(code, outcome, message)
            except TryAgain as error:
                log.warning("Discord is out of reach: %s", error, extra={"job": code})
                await asyncio.sleep(pause)
            except Exception:
                log.exception("the end could not be shown; the next start tries again", extra={"job": code})
                return
            else:
                break
        await self._bot.queue.delivered(code, outcome if isinstance(outcome, Finished) else None)

    async def _show_end(self, code: str, outcome: Finished | JobError, message: StatusMessage) -> None:
        try:
            try:
                await self._show_end_in_place(code, outcome, message)
            except PlaceGone:
                await self._post_end(code, outcome, message)
        except OUT_OF_REACH as error:
            raise TryAgain(str(error)) from error
        except discord.HTTPException as error:
            if error.status == TOO_MANY_REQUESTS:
                raise TryAgain(str(error)) from error
            if error.code == UNKNOWN_MESSAGE:
                log.info("somebody has deleted the message", extra={"job": code})
            else:
                log.warning("Discord does not want the answer: %s", error, extra={"job": code})

    async def _show_end_in_place(
        self, code: str, outcome: Finished | JobError, message: StatusMessage
    ) -> None:
        if isinstance(outcome, JobCancelled):
            await message.show("-# Cancelled.")
        elif isinstance(outcome, JobError):
            await message.tell(explain(outcome, where=code) or str(outcome))
        else:
            answer = self._rendered(code, outcome)
            if isinstance(answer, str):
                await message.tell(answer)
            else:
                await message.answer(answer)

    def _rendered(self, code: str, outcome: Finished) -> Answer | str:
        """Return the answer's message, or an apology: a fault of a cog must not look like one of Discord."""
        try:
            return self.render(outcome)
        except Exception as error:
            return explain(error, where=code) or ""

    async def _post_end(self, code: str, outcome: Finished | JobError, message: StatusMessage) -> None:
        """Post in the channel, since Discord has forgotten the command."""
        if isinstance(outcome, JobCancelled):
            return
        if message.place.private:
            how = f"is there: whose it is sees it with `/show {code}`."
            if isinstance(outcome, JobError):
                how = "could not be found. Whose it is may want to ask again."
            await message.post(code, f"The answer to `{code}` {how}")
        elif isinstance(outcome, JobError):
            await message.post(code, f"`{code}` has no answer: {explain(outcome, where=code)}")
        else:
            await message.post(code, self._rendered(code, outcome))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def words(standing: Standing, worker: Ready | None) -> str:
    """Tell a person where a job stands."""
    if standing.state is JobState.RUNNING:
        if not standing.text:
            return "⏳ The network is at work…"
        return f"{standing.text[-SHOWN_OF_A_STREAM:]} ▌\n-# ✍️ {standing.fraction:.0%}"
    if standing.state is JobState.PREPARING:
        return "⏳ I am fetching the file…"
    if worker is None:
        return "⏳ The networks are waking up…"
    if standing.ahead == 0:
        return "⏳ You are next…"
    jobs = "1 job" if standing.ahead == 1 else f"{standing.ahead} jobs"
    return f"⏳ {jobs} before yours, about {max(1, round(standing.eta))} s…"
