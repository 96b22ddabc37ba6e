"""Which words of a text stand for which of another: one for one, one for two, or two for one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

MOVES = ((1, 1), (1, 2), (2, 1), (1, 0), (0, 1))
"""Words of the left and of the right side that belong together."""
UNEVEN = 0.1
"""What it costs to take two words for one, so that it is done only where letters speak for it."""

Span = tuple[int, int]
Edit = tuple[int, int, str]
"""First word, word after the last, and what stands in their place."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def edits(text: str, other: str) -> set[Edit]:
    """Return where the words of two texts differ, in small letters and without the signs around them."""
    left, right = (_WORD.findall(part.lower().replace("’", "'")) for part in (text, other))
    return {(i, j, " ".join(right[k:m])) for (i, j), (k, m) in differences(left, right)}


def differences(left: Sequence[str], right: Sequence[str]) -> Iterator[tuple[Span, Span]]:
    """Yield where two texts differ, in order: begin and end on the left and on the right side."""
    begin: tuple[int, int] | None = None
    end = (0, 0)
    for block in [*Levenshtein.opcodes(left, right), None]:
        if block is not None and block.tag != "equal":
            begin = begin or (block.src_start, block.dest_start)
            end = (block.src_end, block.dest_end)
        elif begin:
            yield from _inside(left, right, (begin[0], end[0]), (begin[1], end[1]))
            begin = None


def _inside(left: Sequence[str], right: Sequence[str], rows: Span, columns: Span) -> list[tuple[Span, Span]]:
    """Align a stretch that differs by the least sum of costs."""
    best: dict[tuple[int, int], tuple[float, tuple[int, int]]] = {(rows[0], columns[0]): (0.0, (0, 0))}
    for i in range(rows[0], rows[1] + 1):
        for j in range(columns[0], columns[1] + 1):
            options = [
                (best[i - di, j - dj][0] + _cost(tuple(left[i - di : i]), tuple(right[j - dj : j])), (di, dj))
                for di, dj in MOVES
                if (i - di, j - dj) in best
            ]
            if options:
                best[i, j] = min(options)
    found = []
    i, j = rows[1], columns[1]
    while (i, j) != (rows[0], columns[0]):
        di, dj = best[i, j][1]
        if left[i - di : i] != right[j - dj : j]:
            found.append(((i - di, i), (j - dj, j)))
        i, j = i - di, j - dj
    return found[::-1]


@lru_cache(maxsize=100_000)
def _cost(left: tuple[str, ...], right: tuple[str, ...]) -> float:
    if left == right:
        return 0.0
    if not left or not right:
        return 1.0
    uneven = UNEVEN if len(left) != len(right) else 0.0
    return float(Levenshtein.normalized_distance("".join(left), "".join(right))) + uneven
