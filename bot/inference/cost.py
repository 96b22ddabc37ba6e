"""What a batch costs: time = a * n + b, fitted on the last batches of each network.

The same figures give the batch size that is worth waiting for, and an honest estimate of when a job's turn
comes. The idea is that of BentoML's dispatcher (``src/bentoml/_internal/marshal/dispatcher.py``); the size is
found differently: the smallest batch whose time per request is nearly as good as it can get.
"""

from __future__ import annotations

from collections import defaultdict, deque

from bot.inference.catalogue import Network, network
from bot.inference.messages import Measured, OutOfMemory

WINDOW = 64
"""Batches that are remembered: enough to be calm, few enough to notice that the machine has become busy."""
FIRST_GUESS_SECONDS = 1.0
"""What a batch is taken to cost before the first one has been measured."""
GOOD_ENOUGH = 1.15
"""A batch is large enough when a request in it costs at most this many times the least possible (``a``)."""
LONGEST_BATCH_SECONDS = 1.0
"""A larger batch would keep the others from the device for too long."""
LOOK_AGAIN = 32
"""After so many batches of one size another size is tried, so that the fit stays one."""


class CostModel:
    """The cost of one network's batches on one device."""

    def __init__(self, max_batch: int) -> None:
        self._max_batch = max_batch
        self._batches: deque[tuple[int, float]] = deque(maxlen=WINDOW)
        self._since_another_size = 0

    def observe(self, size: int, seconds: float) -> None:
        """Learn from a batch of ``size`` requests that took ``seconds``."""
        same = bool(self._batches) and self._batches[-1][0] == size
        self._since_another_size = self._since_another_size + 1 if same else 0
        self._batches.append((size, seconds))

    def out_of_memory(self, size: int) -> None:
        """Learn that a batch of ``size`` did not fit: from now on at most half of it is tried."""
        self._max_batch = max(1, min(self._max_batch, size // 2))

    def fit(self) -> tuple[float, float]:
        """Return ``a`` (seconds a request) and ``b`` (seconds a batch), by least squares, neither below 0.

        While only one size has been seen, all of its time counts as ``a``: batching has yet to show its use.
        """
        if not self._batches:
            return FIRST_GUESS_SECONDS, 0.0
        # Medians of equal sizes: a batch that met a busy moment of the machine must not bend the line.
        by_size: dict[int, list[float]] = defaultdict(list)
        for size, seconds in self._batches:
            by_size[size].append(seconds)
        points = [(n, sorted(times)[len(times) // 2], len(times)) for n, times in by_size.items()]
        weight = sum(count for _, _, count in points)
        mean_size = sum(n * count for n, _, count in points) / weight
        mean_time = sum(time * count for _, time, count in points) / weight
        spread = sum(count * (n - mean_size) ** 2 for n, _, count in points)
        if spread == 0.0:
            return mean_time / mean_size, 0.0
        covariance = sum(count * (n - mean_size) * (time - mean_time) for n, time, count in points)
        a = min(max(covariance / spread, 0.0), mean_time / mean_size)
        return a, mean_time - a * mean_size

    def seconds(self, size: int) -> float:
        """Estimate the time of a batch."""
        a, b = self.fit()
        return a * size + b

    def best_size(self) -> int:
        """Return how many requests to run together when that many wait."""
        largest = max((size for size, _ in self._batches), default=0)
        if largest == 0:
            return 1
        best = self._worthwhile()
        if best >= largest or self._since_another_size >= LOOK_AGAIN:
            # Beyond what has been measured the line is a guess, so go there in steps of two.
            best = min(max(best, 2), 2 * largest)
        return min(best, self._max_batch)

    def most_within(self, seconds: float) -> int:
        """Return how many streams may be open so that a step of all of them takes at most so long."""
        if not self._batches:
            return self._max_batch
        a, b = self.fit()
        fits = int((seconds - b) / a) if a > 0.0 else self._max_batch
        return max(1, min(fits, self._max_batch))

    def _worthwhile(self) -> int:
        a, b = self.fit()
        if a == 0.0:
            return self._max_batch
        enough = round(b / (a * (GOOD_ENOUGH - 1.0)) + 0.5)
        in_time = int((LONGEST_BATCH_SECONDS - b) / a)
        return max(1, min(enough, in_time, self._max_batch))


class Costs:
    """The cost models of all networks, and how long their streams take."""

    def __init__(self) -> None:
        self._models: dict[str, CostModel] = {}
        self._of_job: dict[str, float] = {}
        """What ``of_job`` has found since the last measurement: it is asked for every job at every turn."""
        self._stream_seconds: dict[str, float] = {}
        self._stream_shares: dict[str, float] = {}

    def __getitem__(self, network: Network) -> CostModel:
        return self._models.setdefault(network.name, CostModel(network.max_batch))

    def learn(self, event: Measured | OutOfMemory) -> None:
        """Take in what the worker has measured."""
        self._of_job.pop(event.network, None)
        measured = network(event.network)
        assert measured is not None  # it was asked of the worker under this name
        model = self[measured]
        if isinstance(event, Measured):
            model.observe(event.size, event.seconds)
        else:
            model.out_of_memory(event.size)

    def stream_took(self, network: Network, seconds: float, together: int) -> None:
        """Learn how long a stream was open, which shared the device with others to be ``together`` of them."""
        for means, value in (
            (self._stream_seconds, seconds),
            (self._stream_shares, seconds / max(1, together)),
        ):
            means[network.name] = 0.8 * means.get(network.name, value) + 0.2 * value

    def stream_seconds(self, network: Network) -> float:
        """Estimate how long a stream is open."""
        return self._stream_seconds.get(network.name, FIRST_GUESS_SECONDS)

    def of_job(self, network: Network) -> float:
        """Estimate the seconds of the device that one job takes, when it runs in company as usual."""
        if network.streaming:
            return self._stream_shares.get(network.name, FIRST_GUESS_SECONDS)
        if network.name not in self._of_job:
            model = self[network]
            size = model.best_size()
            self._of_job[network.name] = model.seconds(size) / size
        return self._of_job[network.name]
