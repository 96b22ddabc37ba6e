"""What a job is: the queue's own view of it, what is written down of it, and what others may know."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

import msgspec

from bot.inference import catalogue
from bot.inference.catalogue import Network
from bot.inference.errors import JobError
from bot.inference.messages import Request, Result


class JobState(StrEnum):
    """Where a job stands. It moves forward only, but for a job whose worker died: that one waits again."""

    PREPARING = "preparing"
    """Admitted, but its request is not complete: an upload is being fetched."""
    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"


class Priority(IntEnum):
    """Which jobs come first. Within one priority, owners take turns."""

    LIVE = 0
    """Somebody looks at "thinking..." right now."""
    LATE = 1
    """Left over from before a restart, and Discord has forgotten the question: an answer helps, but can wait."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger holds of a job: enough to run it, to show its answer, and to tell how it was made."""

    code: str
    owner: int
    """Discord's id of the person who asked."""
    guild: int | None
    """Discord's id of the server; ``None`` in direct messages."""
    network: str
    version: str
    """Of the network's weights."""
    request: bytes
    """The request in MessagePack; without its uploads once the answer has been shown."""
    place: bytes
    """Where the answer is to be shown; only ``bot.desk`` can read it."""
    private: bool
    """Whether only its owner may see the answer."""
    state: JobState
    deaths: int = 0
    """Workers that ended over this job."""
    created: float = msgspec.field(default_factory=time.time)
    """Unix time."""
    outcome: str | None = None
    """How it ended: ``done``, or the ``outcome`` of a ``JobError``."""
    result: bytes | None = None
    """The answer in MessagePack; without pictures of uploads once it has been shown."""
    error: str | None = None
    """What the ``JobError`` said."""
    seconds: float | None = None
    """Time on the device."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """An answered job: everything that can be shown of it."""

    code: str
    owner: int
    guild: int | None
    """Discord's id of the server on which it was asked; ``None`` in direct messages."""
    network: str
    version: str
    private: bool
    created: float
    """Unix time."""
    request: Request
    result: Result
    seconds: float
    """Time on the device."""


@dataclass(frozen=True)
class Standing:
    """What a person is told about a job while it has no answer."""

    state: JobState
    ahead: int = 0
    """Jobs that come before this one, the running ones that it must wait for included."""
    eta: float = 0.0
    """Estimated seconds until the job's turn comes."""
    text: str = ""
    """What has been written so far, by a network that writes step by step."""
    fraction: float = 0.0
    """How far that has come, from 0 to 1."""


@dataclass(eq=False, kw_only=True)
class Job:
    """One request on its way. Made by ``InferenceQueue.submit``; moved by the queue alone."""

    code: str
    number: int
    """Jobs are numbered in the order of their admission, which one owner's jobs keep."""
    owner: int
    guild: int | None
    network: Network
    version: str
    private: bool
    request: Request
    place: bytes
    priority: Priority
    state: JobState
    answer: asyncio.Future[Finished]
    created: float = field(default_factory=time.time)
    deaths: int = 0
    text: str = ""
    fraction: float = 0.0
    ready_at: float = 0.0
    """Monotonic time at which it began to wait."""
    expiry: asyncio.TimerHandle | None = None
    """Ends the job when it has waited too long."""

    @property
    def suspect(self) -> bool:
        """Whether a worker has ended over it. It then runs with the device to itself, so that it shows."""
        return self.deaths > 0

    async def result(self) -> Finished:
        """Wait for the answer.

        Raises:
            JobError: the job ended without one.
        """
        # Shielded: the answer belongs to the queue, and whoever stops waiting for it must not cancel it.
        return await asyncio.shield(self.answer)

    def record(self, state: JobState) -> Record:
        """Return what is to be written down when the job is admitted in this state."""
        return Record(
            code=self.code,
            owner=self.owner,
            guild=self.guild,
            network=self.network.name,
            version=self.version,
            request=msgspec.msgpack.encode(self.request),
            place=self.place,
            private=self.private,
            state=state,
            created=self.created,
        )

    def finished(self, result: Result, seconds: float) -> Finished:
        """Return what can be shown of the job, now that it has an answer."""
        return Finished(
            code=self.code,
            owner=self.owner,
            guild=self.guild,
            network=self.network.name,
            version=self.version,
            private=self.private,
            created=self.created,
            request=self.request,
            result=result,
            seconds=seconds,
        )


Outcome = Finished | JobError


def request_of(record: Record) -> Request | None:
    """Return what was asked; ``None`` if a version wrote it whose requests looked different."""
    network = catalogue.network(record.network)
    try:
        return None if network is None else msgspec.msgpack.decode(record.request, type=network.request)
    except msgspec.MsgspecError:
        return None


def finished(record: Record) -> Finished | None:
    """Return what can be shown of a job in the ledger; ``None`` if it has no answer that can still be read."""
    network, request = catalogue.network(record.network), request_of(record)
    if record.outcome != "done" or record.result is None or network is None or request is None:
        return None
    try:
        result = msgspec.msgpack.decode(record.result, type=network.result)
    except msgspec.MsgspecError:
        return None
    return Finished(
        code=record.code,
        owner=record.owner,
        guild=record.guild,
        network=record.network,
        version=record.version,
        private=record.private,
        created=record.created,
        request=request,
        result=result,
        seconds=record.seconds or 0.0,
    )
