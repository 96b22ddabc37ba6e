"""What the queue needs of the thing that runs jobs; ``bot.inference.local`` is the one for this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.inference.catalogue import Network
from bot.inference.errors import JobError
from bot.inference.messages import Measured, OutOfMemory, Ready, Request, Result, Usage


@dataclass(frozen=True)
class Answer:
    """What a network has answered."""

    result: Result
    seconds: float
    """Time on the device."""


class Executor(Protocol):
    """Runs jobs: one batch at a time, and streams beside it."""

    @property
    def info(self) -> Ready | None:
        """What the worker says of itself."""

    @property
    def usage(self) -> Usage:
        """Which networks are on the device."""

    @property
    def takes_jobs(self) -> bool:
        """Whether a worker is ready, or sleeps only until there is a job."""

    @property
    def restarts(self) -> int:
        """Workers that have ended unasked."""

    def listen(self, listener: Callable[[Measured | OutOfMemory], None]) -> None:
        """Have every measurement told to ``listener``."""

    async def ready(self) -> Ready:
        """Wait until a worker is ready."""

    async def run(self, network: Network, requests: Mapping[str, Request]) -> dict[str, Answer | JobError]:
        """Have a one-shot network answer a batch of requests, by the codes of their jobs.

        Raises:
            WorkerDied: the worker ended before all was answered.
        """

    async def stream(
        self, network: Network, job: str, request: Request, on_progress: Callable[[str, float], None]
    ) -> Answer:
        """Have a streaming network answer a request; cancel the call to have the stream forgotten.

        Raises:
            WorkerDied: the worker ended before all was answered.
            JobError: there is no answer, for another reason.
        """
