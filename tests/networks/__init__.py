"""Two networks for tests, which do what their requests say: mistreat a worker, or take a certain time.

They are answered by the real worker in a real process: ``python -m tests.networks.worker`` is the bot's own,
with these added to its catalogue. Importing this package adds them to this process's catalogue.
"""

from __future__ import annotations

from bot.inference.catalogue import Network, add
from bot.inference.messages import Request, Result

WORKER = "tests.networks.worker"
"""The module to give to ``LocalExecutor``."""


class EchoRequest(Request, frozen=True):
    """Say something back."""

    text: str = ""
    seconds: float = 0.0
    """How long that takes, for each request in a batch."""
    overhead: float = 0.0
    """How long a batch takes on top of that."""
    memory: int = 0
    """Of the device's ``MEMORY``, which a batch shares."""
    fault: str = ""
    """``raise``, ``refuse``, ``device`` (is lost), ``die`` or ``hang``."""
    upload: bytes = b""

    def without_uploads(self) -> EchoRequest:
        """Drop the upload."""
        return EchoRequest(text=self.text)


class Echo(Result, frozen=True):
    """What was said, and in what company."""

    text: str
    batch: int
    loaded: int
    """Which instance of the network has answered: 1 is the first that this process has loaded."""


class CountRequest(Request, frozen=True):
    """Count to a number, a step each."""

    to: int
    label: str = ""
    seconds: float = 0.0
    """How long a step takes for each stream."""
    overhead: float = 0.0
    """How long a step takes on top of that."""
    memory: int = 0
    fault: str = ""
    """``raise``, ``refuse``, ``device`` (is lost), ``die`` or ``hang``; at the step ``fault_at``."""
    fault_at: int = 1


class Count(Result, frozen=True):
    """All numbers, and the largest company in which one was counted."""

    text: str
    company: int
    loaded: int


ECHO = Network(
    name="echo",
    request=EchoRequest,
    result=Echo,
    module="tests.networks.predictors",
    predictor="EchoPredictor",
)
COUNT = Network(
    name="count",
    request=CountRequest,
    result=Count,
    module="tests.networks.predictors",
    predictor="CountPredictor",
    streaming=True,
    max_batch=32,
)
add(ECHO)
add(COUNT)
