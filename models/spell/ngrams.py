"""How often words stood beside each other: counts of pairs and triples of words, in little memory.

The recurrent layers see a few million words in their training; counting takes seconds for a hundred times as many. The
counts are figures of each candidate that the network weighs with everything else.
"""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

WORD_BITS = 17
"""Of a word's number, so that three fit into 64 bits."""
SIGNS = ".,!?;:-\"'()"
STEPS = 4.0
"""Steps of the kept logarithm for each doubling of a count."""
LEAST_PAIR, LEAST_TRIPLE = 5, 8
"""Counts below these are forgotten."""

_TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)*|[.,!?;:\-\"'()]")


class Ngrams:
    """Logarithms of counts, found by a hash of the words."""

    def __init__(self, hashes: NDArray[np.uint32], steps: NDArray[np.uint8]) -> None:
        self._hashes, self._steps = hashes, steps

    def __len__(self) -> int:
        return len(self._hashes)

    def pairs(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return log2(1 + count) of words that follow each other; 0 where a number is 0, an unknown word."""
        found = self._find((first << WORD_BITS) | second)
        return found * ((first > 0) & (second > 0))

    def triples(
        self, first: NDArray[np.int64], second: NDArray[np.int64], third: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return log2(1 + count) of three words in a row."""
        found = self._find((((first << WORD_BITS) | second) << WORD_BITS) | third)
        return found * ((first > 0) & (second > 0) & (third > 0))

    def _find(self, keys: NDArray[np.int64]) -> NDArray[np.float32]:
        if not len(self._hashes):
            return np.zeros(keys.shape, dtype=np.float32)
        wanted = _hash(keys)
        places = np.searchsorted(self._hashes, wanted).clip(max=len(self._hashes) - 1)
        found: NDArray[np.float32] = np.where(
            self._hashes[places] == wanted, self._steps[places] / np.float32(STEPS), np.float32(0)
        )
        return found

    def save(self, path: Path) -> None:
        """Write the counts: gaps between the sorted hashes, byte by byte, compress to less than half."""
        gaps = np.diff(self._hashes, prepend=np.uint32(0)).astype("<u4")
        planes = gaps.view(np.uint8).reshape(-1, 4).T  # [4, N]: the high bytes are nearly all zero
        path.write_bytes(lzma.compress(planes.tobytes() + self._steps.tobytes(), preset=6))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` has written.

        Raises:
            OSError: the file is missing or broken.
        """
        try:
            content = np.frombuffer(lzma.decompress(path.read_bytes()), dtype=np.uint8)
        except lzma.LZMAError as error:
            raise OSError(f"{path} is broken") from error
        count = len(content) // 5
        gaps = np.ascontiguousarray(content[: 4 * count].reshape(4, count).T).view("<u4")[:, 0]
        return cls(np.cumsum(gaps, dtype=np.uint32), content[4 * count :].copy())

    @classmethod
    def count(
        cls,
        texts: Iterable[tuple[str, int]],
        index: Mapping[str, int],
        others: Mapping[tuple[str, str], int] | None = None,
    ) -> Self:
        """Count words that follow each other.

        Args:
            texts: each with what it is worth, a whole number.
            index: the number of each word and sign, from 1.
            others: counts of pairs in other texts; they are brought to the size of these.
        """
        kept: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        rows: list[NDArray[np.int64]] = []
        worths: list[NDArray[np.int64]] = []
        for text, worth in texts:
            found = [index.get(token, 0) for token in _TOKEN.findall(text.lower())]
            rows.append(np.array([*found, 0, 0], dtype=np.int64))
            worths.append(np.full(len(found) + 2, worth, dtype=np.int64))
        row, worth_of = np.concatenate(rows), np.concatenate(worths)
        pair = (row[:-1] << WORD_BITS) | row[1:]
        real = (row[:-1] > 0) & (row[1:] > 0)
        pairs, counts = _counts(pair[real], worth_of[:-1][real], 1)
        if others:
            known = {
                index[a] << WORD_BITS | index[b]: n
                for (a, b), n in others.items()
                if a in index and b in index
            }
            more, of_more = np.array(list(known)), np.array(list(known.values()), dtype=np.float64)
            _, ours, theirs = np.intersect1d(pairs, more, assume_unique=True, return_indices=True)
            scale = float(np.median(counts[ours] / of_more[theirs]))
            pairs, counts = _counts(
                np.concatenate([pairs, more]),
                np.concatenate([counts, np.round(of_more * scale).astype(np.int64)]),
                1,
            )
        kept.append((pairs[counts >= LEAST_PAIR], counts[counts >= LEAST_PAIR]))
        triple = (pair[:-1] << WORD_BITS) | row[2:]
        real = real[:-1] & (row[2:] > 0)
        kept.append(_counts(triple[real], worth_of[:-2][real], LEAST_TRIPLE))
        keys, counts = (np.concatenate(part) for part in zip(*kept, strict=True))
        hashes = _hash(keys)
        # Of two that share a hash, a few in ten thousand, the first one stays.
        hashes, first = np.unique(hashes, return_index=True)
        steps = np.round(np.log2(1 + counts[first]) * STEPS).clip(max=255).astype(np.uint8)
        return cls(hashes, steps)


def numbers(words: Iterable[str]) -> dict[str, int]:
    """Return the numbers of words and signs, from 1, as ``Ngrams`` knows them."""
    return {word: number for number, word in enumerate([*SIGNS, *words], start=1) if number < 1 << WORD_BITS}


def _counts(
    keys: NDArray[np.int64], worth: NDArray[np.int64], least: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.argsort(keys, kind="stable")
    keys, worth = keys[order], worth[order]
    if not len(keys):
        return keys, worth
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    counts = np.add.reduceat(worth, starts)
    return keys[starts][counts >= least], counts[counts >= least]


def _hash(keys: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Mix the bits of keys (the last steps of MurmurHash3)."""
    mixed = keys.astype(np.uint64)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xC4CEB9FE1A85EC53)
    mixed ^= mixed >> np.uint64(33)
    found: NDArray[np.uint32] = (mixed >> np.uint64(32)).astype(np.uint32)
    return found
