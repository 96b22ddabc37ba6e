"""The words that there are, how common each is, and which of them a typed word may have been meant for."""

from __future__ import annotations

import lzma
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Self

import jellyfish
import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from models.blocked import blocked, is_blocked

PREFIX = 7
"""Letters of a word that the index of deletions looks at, as in SymSpell."""
AT_MOST = 30
"""Candidates of a word, itself included."""
KNOWN_AT_MOST = 14
"""Candidates of a word that there is: what may be a slip for it."""
FAR_LENGTH = 3
"""Letters that a candidate may have more or fewer when all words are looked through."""
FAR_COMMON = 2.3
"""How common a word must be to be found in that search; rarer ones are found by two edits or their sound."""
CLEAR = 4.0
"""A word one edit away that is as common as this makes that search needless."""
FAR_EDITS = 6
FAR_SOUND_EDITS = 4
"""Edits, of letters and of the sound's key, after which words are equally far."""

WEIGHTS = {
    "edits": -1.35,
    "share of letters": 5.11,
    "sound": 2.77,
    "share of sound": -1.58,
    "commonness": -1.26,
    "first letter": 1.69,
    "last letter": 0.49,
}
NOTHING = np.array([], dtype=np.int32)

MUCH = 1.0
"""On Zipf's scale, log10 of the occurrences in a billion words: ten times as common."""


class Lexicon:
    """All words in the order of their commonness, with an index of what is near to what."""

    def __init__(
        self,
        zipf: Mapping[str, float],
        meant: Mapping[str, tuple[str, ...]] | None = None,
        doubted: Iterable[str] = (),
    ) -> None:
        """Index the words.

        Args:
            zipf: how common each word is.
            meant: what people have meant by a misspelling.
            doubted: words that are written, but perhaps only by mistake: they are no candidates for others.
        """
        self.doubted = frozenset(doubted)
        self.words = sorted(zipf, key=lambda word: (-zipf[word], word))
        self.zipf = np.array([zipf[word] for word in self.words], dtype=np.float32)
        self.index = {word: place for place, word in enumerate(self.words)}
        self.meant = dict(meant or {})
        self._hashes, self._owners = _deletions(self.words)
        sounds: defaultdict[str, list[int]] = defaultdict(list)
        for place, word in enumerate(self.words):
            sounds[sound(word)].append(place)
        self._keys = list(sounds)
        numbers = {key: number for number, key in enumerate(self._keys)}
        self._key_of = np.array([numbers[sound(word)] for word in self.words], dtype=np.int32)
        self._sounds = {key: np.array(places[:40], dtype=np.int32) for key, places in sounds.items()}
        self._figures = np.array(
            [
                (z, len(word), ord(word[0]), ord(word[-1]))
                for word, z in zip(self.words, self.zipf, strict=True)
            ],
            dtype=np.float32,
        ).reshape(len(self.words), 4)

    def __contains__(self, word: str) -> bool:
        return word in self.index and word not in self.doubted

    def commonness(self, word: str) -> float:
        """Return how common a word, or the rarest word of several, is; 0 if there is none such."""
        parts = word.split(" ")
        if not all(part in self for part in parts):
            return 0.0
        return float(min(self.zipf[self.index[part]] for part in parts))

    def warm_up(self) -> None:
        """Lay out the common words of usual lengths, so that the first messages need not wait for it."""
        for length in range(3, 16):
            self._shelf(length)

    @lru_cache(maxsize=200_000)  # noqa: B019 - there is one lexicon a process
    def candidates(self, typed: str, *, thorough: bool = True) -> tuple[str, ...]:
        """Return what may have been meant by a word in lower case, itself first, the likely ones next; no slur ever.

        Args:
            typed: the word.
            thorough: for an unknown word look all words through, which takes some milliseconds.
        """
        known = typed in self
        near = np.union1d(self._near(typed), self._sounds.get(sound(typed), NOTHING))
        if thorough and not known and not self._clear(typed, near):
            near = np.union1d(near, self._far(typed))
        words = [word for place in near.tolist() if (word := self.words[place]) != typed and word in self]
        found = sorted(zip(self._costs(typed, words), words, strict=True))
        most = KNOWN_AT_MOST if known else AT_MOST
        listed = [word for word in self.meant.get(typed, ()) if word != typed]
        split = self._splits(typed) if len(typed) > 3 else []
        if known:  # "into" is no slip, but "alot" may be
            split = [words for words in split if self.commonness(words) > self.commonness(typed) + MUCH]
        others = (word for _, word in found if word not in listed)
        head = [word for word in (*listed[:6], *split[:2]) if not blocked(word)]
        rest = islice((word for word in others if not is_blocked(word)), most - 1 - len(head))
        return (typed, *dict.fromkeys([*head, *rest]))

    def _near(self, typed: str) -> NDArray[np.int32]:
        """Return the places of words within two edits of ``typed``; one edit if it is short."""
        two = len(typed) > 3
        keys = np.array(sorted(_keys(typed, two)), dtype=np.uint32)
        left = np.searchsorted(self._hashes, keys, "left")
        right = np.searchsorted(self._hashes, keys, "right")
        parts = [self._owners[a:b] for a, b in zip(left.tolist(), right.tolist(), strict=True) if a < b]
        if not parts:
            return NOTHING
        places: NDArray[np.int32] = np.unique(np.concatenate(parts))
        words = [self.words[place] for place in places.tolist()]
        distances = cdist([typed], words, scorer=OSA.distance, dtype=np.uint8)[0]
        near: NDArray[np.int32] = places[distances <= (2 if two else 1)]
        return near

    def _clear(self, typed: str, near: NDArray[np.int32]) -> bool:
        """Whether a common word is one edit away: then the far ones, which take some milliseconds, add nothing."""
        common = [self.words[place] for place in near[self.zipf[near] >= CLEAR].tolist()]
        return len(typed) > 4 and any(OSA.distance(typed, word) == 1 for word in common)

    def _far(self, typed: str) -> NDArray[np.int32]:
        """Return the places of the likeliest of all common words of about this length."""
        places, words, keys, key_of = self._shelf(len(typed))
        edits = cdist([typed], words, scorer=OSA.distance, dtype=np.uint8, score_cutoff=FAR_EDITS)[0]
        heard = cdist(
            [sound(typed)], keys, scorer=OSA.distance, dtype=np.uint8, score_cutoff=FAR_SOUND_EDITS
        )[0]
        costs = _cost(typed, self._figures[places], edits, heard[key_of])
        best: NDArray[np.int32] = places[np.argpartition(costs, min(AT_MOST, len(costs) - 1))[:AT_MOST]]
        return best

    @lru_cache(maxsize=64)  # noqa: B019 - there is one lexicon a process
    def _shelf(self, length: int) -> tuple[NDArray[np.int32], list[str], list[str], NDArray[np.int64]]:
        """Return the common words of about a length: places, words, keys of sounds and the key of each word."""
        near = np.abs(self._figures[:, 1] - length) <= FAR_LENGTH
        places = np.flatnonzero(near & (self.zipf >= FAR_COMMON)).astype(np.int32)
        words = [self.words[place] for place in places.tolist()]
        keys, key_of = np.unique(self._key_of[places], return_inverse=True)
        return places, words, [self._keys[key] for key in keys.tolist()], key_of

    def _costs(self, typed: str, words: list[str]) -> list[float]:
        if not words:
            return []
        edits = cdist([typed], words, scorer=OSA.distance, dtype=np.uint8, score_cutoff=FAR_EDITS)[0]
        keys = [sound(word) for word in words]
        heard = cdist([sound(typed)], keys, scorer=OSA.distance, dtype=np.uint8, score_cutoff=FAR_SOUND_EDITS)
        places = [self.index[word] for word in words]
        costs: list[float] = _cost(typed, self._figures[places], edits, heard[0]).tolist()
        return costs

    def _splits(self, typed: str) -> list[str]:
        """Return the likeliest two words of which ``typed`` is made."""
        found = []
        for place in range(1, len(typed)):
            left, right = typed[:place], typed[place:]
            if left in self and right in self:
                if min(len(left), len(right)) == 1 and not ({left, right} & {"a", "i"}):
                    continue
                common = min(self.zipf[self.index[left]], self.zipf[self.index[right]])
                if common >= (4.5 if min(len(left), len(right)) < 3 else 3.5):
                    found.append((-float(common), f"{left} {right}"))
        return [words for _, words in sorted(found)]

    def save(self, path: Path) -> None:
        """Write the words and misspellings as compressed text."""
        lines = [
            f"{word}\t{round(float(z) * 100)}{'?' * (word in self.doubted)}"
            for word, z in zip(self.words, self.zipf, strict=True)
        ]
        lines += [f"{typed}>{'|'.join(words)}" for typed, words in sorted(self.meant.items())]
        path.write_bytes(lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` has written.

        Raises:
            OSError: the file is missing or broken.
        """
        try:
            lines = lzma.decompress(path.read_bytes()).decode().split("\n")
        except lzma.LZMAError as error:
            raise OSError(f"{path} is broken") from error
        zipf: dict[str, float] = {}
        meant: dict[str, tuple[str, ...]] = {}
        doubted: set[str] = set()
        for line in lines:
            if ">" in line:
                typed, _, words = line.partition(">")
                meant[typed] = tuple(words.split("|"))
            else:
                word, _, hundredths = line.partition("\t")
                zipf[word] = int(hundredths.removesuffix("?")) / 100
                if hundredths.endswith("?"):
                    doubted.add(word)
        return cls(zipf, meant, doubted)


def _cost(
    typed: str, figures: NDArray[np.float32], edits: NDArray[np.uint8], heard: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Return rough costs by which candidates are shortlisted; the network decides among them.

    The weights are those of a softmax over 150 hard words each, fitted to 500 misspellings of schoolchildren and
    learners. Words without a near neighbour are found by their sound and the share of letters that are the same.

    Args:
        typed: the word as it was typed.
        figures: of the candidates [N, 4]: commonness, length, first and last letter.
        edits: of letters [N].
        heard: edits of the key of the sound [N].
    """
    common, length, first, last = figures.T
    cost: NDArray[np.float32] = (
        WEIGHTS["edits"] * edits
        + WEIGHTS["share of letters"] * 8 * edits / (len(typed) + length)
        + WEIGHTS["sound"] * heard
        + WEIGHTS["share of sound"] * 4 * heard / (1 + len(sound(typed)))
        + WEIGHTS["commonness"] * common
        + WEIGHTS["first letter"] * (first != ord(typed[0]))
        + WEIGHTS["last letter"] * (last != ord(typed[-1]))
    )
    return cost


@lru_cache(maxsize=300_000)
def sound(word: str) -> str:
    """Return a key that words of a like sound share (Metaphone, Philips 1990)."""
    return jellyfish.metaphone(word)


def _keys(word: str, two: bool) -> set[int]:
    """Return the hashes of a word's beginning, and of it without one or two of its letters."""
    word = word[:PREFIX]
    once = {word[:i] + word[i + 1 :] for i in range(len(word))}
    variants = {word, *once}
    if two:
        variants |= {part[:i] + part[i + 1 :] for part in once for i in range(len(part))}
    return {zlib.crc32(variant.encode()) for variant in variants}


def _deletions(words: Iterable[str]) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """Return sorted hashes of all deletions, and the word that each belongs to (Garbe 2012, "SymSpell")."""
    hashes: list[NDArray[np.uint32]] = []
    owners: list[NDArray[np.int32]] = []
    for place, word in enumerate(words):
        keys = _keys(word, two=True)
        hashes.append(np.fromiter(keys, dtype=np.uint32, count=len(keys)))
        owners.append(np.full(len(keys), place, dtype=np.int32))
    all_hashes, all_owners = np.concatenate(hashes), np.concatenate(owners)
    order = np.argsort(all_hashes, kind="stable")
    return all_hashes[order], all_owners[order]
