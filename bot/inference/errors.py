"""Why a job has no answer. Each error's text, but ``NetworkFailed``'s, can be shown to the person who asked."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar


class JobError(Exception):
    """A job ended without an answer."""

    outcome: ClassVar[str] = "failed"
    """What the ledger and the metrics call it."""


class QueueFull(JobError):
    """Too many jobs wait already; nothing was kept."""

    outcome = "full"

    def __init__(self, retry_after: float) -> None:
        super().__init__(self.sentence())
        self.retry_after = retry_after
        """Seconds after which a place should be free."""

    @classmethod
    def sentence(cls) -> str:
        """Say what there is too much of."""
        return "Too many people are asking right now."


class PersonFull(QueueFull):
    """A person has enough jobs waiting."""

    outcome = "person_full"

    @classmethod
    def sentence(cls) -> str:
        """Say what there is too much of."""
        return "You have as many jobs waiting as one person may. Cancel one with /queue, or wait a moment."


class ServerFull(QueueFull):
    """The people of this server have enough jobs waiting."""

    outcome = "server_full"

    @classmethod
    def sentence(cls) -> str:
        """Say what there is too much of."""
        return "This server has as many jobs waiting as one server may."


class QueueClosed(JobError):
    """The bot is shutting down and admits nothing more."""

    outcome = "closed"

    def __init__(self) -> None:
        super().__init__("I am being restarted. Please ask again in a minute.")


class Postponed(JobError):
    """The bot is shutting down before the job's turn; the job stays in the ledger and goes on afterwards."""

    outcome = "postponed"

    def __init__(self) -> None:
        super().__init__("I am being restarted. Your job goes on by itself in a minute.")


class LedgerError(JobError):
    """The job could not be written down, so nothing was begun: perhaps the disk is full."""

    outcome = "unwritten"

    def __init__(self) -> None:
        super().__init__(
            "I cannot write anything down right now, so I would lose your job. The operator has to make room "
            "on my disk; please try again later."
        )


class InputRefused(JobError):
    """The network cannot use this input; the text says why."""

    outcome = "refused"


class JobCancelled(JobError):
    """The person who asked, or a moderator, has cancelled the job."""

    outcome = "cancelled"

    def __init__(self) -> None:
        super().__init__("Cancelled.")


class WaitedTooLong(JobError):
    """The job's turn did not come in time."""

    outcome = "waited_too_long"

    def __init__(self) -> None:
        super().__init__("Your turn did not come in time: I have too much to do. Please try again later.")


class RanTooLong(JobError):
    """The network did not finish in time."""

    outcome = "ran_too_long"

    def __init__(self) -> None:
        super().__init__("The network took too long over this, so I stopped it. Please try again.")


class NetworkFailed(JobError):
    """The network raised, or could not be loaded. Details stand in the log under the job's code."""

    outcome = "failed"


class WorkerDied(JobError):
    """The worker process ended, or was ended because it hung, while it had jobs."""

    outcome = "worker_died"

    def __init__(self, suspects: Collection[str] = (), *, hung: bool = False) -> None:
        super().__init__("The process that runs the network ended unexpectedly. Please try again.")
        self.suspects = frozenset(suspects)
        """Codes of the jobs that were on the device, of which one may be the cause."""
        self.hung = hung
        """Whether it was ended because nothing was heard of it."""


class KillsWorkers(JobError):
    """Two workers have ended over this request, the second one with nothing else to do."""

    outcome = "kills_workers"

    def __init__(self) -> None:
        super().__init__("The network's process broke down twice over this request, so I will not try again.")
