"""Why a job has no answer. Each error's text, but ``NetworkFailed``'s, can be shown to the person who asked."""

from __future__ import annotations


class JobError(Exception):
    """A job ended without an answer."""


class QueueFull(JobError):
    """Too many jobs wait already; nothing was kept."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("Too many people are asking right now.")
        self.retry_after = retry_after
        """Seconds after which a place should be free."""


class QueueClosed(JobError):
    """The bot is shutting down."""

    def __init__(self) -> None:
        super().__init__("I am being restarted. Please ask again in a minute.")


class InputRefused(JobError):
    """The network cannot use this input; the text says why."""


class JobCancelled(JobError):
    """The person who asked has cancelled the job."""

    def __init__(self) -> None:
        super().__init__("Cancelled.")


class WaitedTooLong(JobError):
    """The job's turn did not come in time."""

    def __init__(self) -> None:
        super().__init__("Your turn did not come in time: I have too much to do. Please try again later.")


class RanTooLong(JobError):
    """The network did not finish in time; its worker was replaced."""

    def __init__(self) -> None:
        super().__init__("The network took too long over this, so I stopped it. Please try again.")


class NetworkFailed(JobError):
    """The network raised, or could not be loaded. Details stand in the log under the job's code."""


class WorkerDied(JobError):
    """The worker process ended while it had the job."""

    def __init__(self) -> None:
        super().__init__("The process that runs the network ended unexpectedly. Please try again.")
