"""Inside a worker: what the device does next. One thing at a time: a batch, or one step of all open streams.

Which jobs come here, and in which batches, the queue has decided: it knows whose turn it is. What is left to
decide here is how one-shot batches and open streams share the device, many times a second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from bot.inference.messages import Batch, Item, Open

if TYPE_CHECKING:
    from bot.inference.networks import LoadedNetwork


@dataclass(eq=False)
class OpenStream:
    """A stream in the worker's hands."""

    item: Item
    loaded: LoadedNetwork
    """The network that steps it. Streams of one loaded network step together."""
    stream: Any
    """What the predictor's ``open`` has returned."""
    opened_at: float
    told_at: float
    """When its progress was last told. Both are monotonic seconds."""


@dataclass(frozen=True)
class Step:
    """Advance these streams of one network by one batched step."""

    loaded: LoadedNetwork
    streams: list[OpenStream]


Unit = Batch | Open | Step
"""What the device can be busy with."""


class Scheduler:
    """Lets streams step while nobody waits, and batches in between, without either starving.

    A batch that arrives is run before anything else, so that a long story never holds up a photograph. The time it
    took is then owed to the streams, whose opening counts as a step: they get as much before the next batch, so
    that a flood of photographs halves the speed of the stories at worst.
    """

    def __init__(self) -> None:
        self._batches: deque[Batch] = deque()
        self._opens: deque[Open] = deque()
        self._streams: dict[int, list[OpenStream]] = {}
        """Open streams by their network's identity; the network whose turn it is comes first."""
        self._owed = 0.0
        """Seconds of the streams' work that come before the next batch."""

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self._batches or self._streaming)

    @property
    def _streaming(self) -> bool:
        return bool(self._opens or self._streams)

    def add(self, command: Batch | Open) -> None:
        """Take in what has arrived."""
        if isinstance(command, Batch):
            self._batches.append(command)
        else:
            self._opens.append(command)

    def open(self, stream: OpenStream) -> None:
        """Let a stream join; it takes part in its network's next step."""
        self._streams.setdefault(id(stream.loaded), []).append(stream)

    def close(self, job: str) -> None:
        """Forget a job that has not ended: between two steps, or before its stream was opened."""
        self._opens = deque(command for command in self._opens if command.item.job != job)
        for stream in list(self.streams()):
            if stream.item.job == job:
                self.leave(stream)

    def leave(self, stream: OpenStream) -> None:
        """Let a stream go, which has finished or is forgotten."""
        streams = self._streams[id(stream.loaded)]
        streams.remove(stream)
        if not streams:
            del self._streams[id(stream.loaded)]

    def streams(self) -> Iterator[OpenStream]:
        """All open streams."""
        return chain.from_iterable(self._streams.values())

    def uses(self, network: str) -> bool:
        """Whether this network has open streams, and so cannot leave the device."""
        return any(stream.loaded.network.name == network for stream in self.streams())

    def next(self) -> Unit | None:
        """Return what the device is to do now; ``None`` if there is nothing."""
        if self._batches and (self._owed <= 0.0 or not self._streaming):
            return self._batches.popleft()
        if self._opens:
            return self._opens.popleft()
        if not self._streams:
            return None
        # Networks take turns, a step each.
        which, streams = next(iter(self._streams.items()))
        self._streams[which] = self._streams.pop(which)
        return Step(streams[0].loaded, list(streams))

    def spent(self, unit: Unit, seconds: float) -> None:
        """Account for what the device has just been busy with."""
        if not isinstance(unit, Batch):
            self._owed = max(0.0, self._owed - seconds)
        elif self._streaming:
            self._owed += seconds
