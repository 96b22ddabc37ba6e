"""The peer to beat: an n-gram model with modified Kneser-Ney smoothing over the same tokens.

After Chen and Goodman 1998, "An Empirical Study of Smoothing Techniques for Language Modeling": interpolated, with
three discounts an order. Counts are sorted arrays, since a vocabulary of 4,096 packs five tokens into one number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

BITS = 12
"""A token takes so many; 5 tokens fit into 64."""


@dataclass(frozen=True)
class _Order:
    """All n-grams of one length, sorted, with what the smoothing needs."""

    keys: Keys
    counts: Counts  # of the n-gram; below the highest order: of the different tokens seen before it
    contexts: Keys  # the n-grams without their last token
    totals: Floats  # of each context
    backoff: Floats  # of each context: the probability left to the next lower order
    discounts: Floats  # for counts of 0, 1, 2, and 3 or more


class KneserNey:
    """A smoothed n-gram model of token sequences."""

    def __init__(self, sequences: Sequence[NDArray[np.uint16]], vocab_size: int, order: int = 5) -> None:
        """Count ``sequences``.

        Raises:
            ValueError: five tokens of this vocabulary do not fit into one number.
        """
        if vocab_size > 1 << BITS or order * BITS > 64:
            msg = f"{order}-grams over {vocab_size:,} tokens do not fit into 64 bits"
            raise ValueError(msg)
        self.vocab_size, self.order = vocab_size, order
        keys = np.concatenate([_ngrams(sequence, order) for sequence in sequences])
        keys, counts = np.unique(keys, return_counts=True)
        self.orders = [_smooth(keys, counts)]
        for shorter in range(order - 1, 0, -1):
            keys, counts = np.unique(keys & np.uint64((1 << BITS * shorter) - 1), return_counts=True)
            self.orders.insert(0, _smooth(keys, counts))

    def log_probability(self, sequence: NDArray[np.uint16]) -> Floats:
        """Return how likely each token after the first is, in nats [T - 1]."""
        padded = np.concatenate([np.zeros(self.order - 2, dtype=np.uint16), sequence])
        keys = _ngrams(padded, self.order)  # [T - 1]
        probability = np.full(len(keys), 1 / self.vocab_size)
        for length, order in enumerate(self.orders, start=1):
            key = keys & np.uint64((1 << BITS * length) - 1) if length * BITS < 64 else keys
            count = _look_up(order.keys, order.counts, key)
            context = key >> np.uint64(BITS)
            total = _look_up(order.contexts, order.totals, context)
            left = _look_up(order.contexts, order.backoff, context)
            discounted = np.maximum(count - order.discounts[np.minimum(count, 3).astype(np.int64)], 0)
            seen = total > 0
            mixed = discounted / np.where(seen, total, 1) + left * probability
            probability = np.where(seen, mixed, probability)
        found: Floats = np.log(probability)
        return found


def _ngrams(sequence: NDArray[np.uint16], order: int) -> Keys:
    """Return every n-gram of a sequence as one number, its last token in the lowest bits."""
    count = max(0, len(sequence) - order + 1)
    keys = np.zeros(count, dtype=np.uint64)
    for place in range(order):
        keys = (keys << np.uint64(BITS)) | sequence[place : place + count].astype(np.uint64)
    return keys


def _smooth(keys: Keys, counts: Counts) -> _Order:
    of_counts = [max(1, int((counts == times).sum())) for times in range(1, 5)]
    common = of_counts[0] / (of_counts[0] + 2 * of_counts[1])
    discounts = np.array(
        [
            0.0,
            *(times - (times + 1) * common * of_counts[times] / of_counts[times - 1] for times in (1, 2, 3)),
        ]
    ).clip(0)
    contexts, starts = np.unique(keys >> np.uint64(BITS), return_index=True)
    totals = np.add.reduceat(counts, starts).astype(np.float64)
    taken = np.add.reduceat(discounts[np.minimum(counts, 3)], starts)
    return _Order(keys, counts.astype(np.int64), contexts, totals, taken / totals, discounts)


def _look_up(keys: Keys, values: NDArray[np.generic], wanted: Keys) -> Floats:
    """Return the values of the wanted keys, 0 where there is none."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0).astype(np.float64)
