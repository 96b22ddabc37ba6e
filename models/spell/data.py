"""From sentences to batches: tokens, candidates with their figures, and the right answer of each judged word."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rapidfuzz.distance import OSA, Levenshtein
from torch import Tensor

from models.spell.lexicon import Lexicon, sound
from models.spell.network import PAD, SpellInputs
from models.spell.ngrams import Ngrams, numbers
from models.spell.tokens import Case, Token

LETTERS = {letter: place for place, letter in enumerate("\0\1abcdefghijklmnopqrstuvwxyz' -\2")}
GAP, OTHER = 1, 31
SIGNS = {sign: place for place, sign in enumerate(".,!?;:-\"'()", start=2)}
FIRST_WORD = 16
"""The vector of the commonest word; below are those of signs and of what is neither (1)."""
LONGEST_WORD = 24  # letters that are read
LONGEST_PAIR = 26
BEYOND = 2
"""Tokens to each side whose company with a candidate is looked up."""


@dataclass
class Sentence:
    """Tokens, and for training what was meant by each of them."""

    tokens: list[Token]
    text: str
    meant: list[str | None] = field(default_factory=list)
    """The right word in lower case, or several with spaces; ``None`` where it is not known. For a word that is to be
    joined with the next one, the word of both; the next one then has ``None``."""
    joined: set[int] = field(default_factory=set)
    """Places whose right word takes in the next token."""


@dataclass(frozen=True)
class Judged:
    """A word to judge, with its candidates."""

    sentence: int
    place: int
    span: int
    """Tokens: 2 if candidates would join it with the next word."""
    typed: str
    candidates: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """A judged word and the probabilities of its candidates."""

    sentence: Sentence
    judged: Judged
    probabilities: tuple[float, ...]

    @property
    def token(self) -> Token:
        """The word, or the first one of two, where it stands."""
        return self.sentence.tokens[self.judged.place]

    @property
    def best(self) -> int:
        """The likeliest candidate that is not the word as it was typed; 0 if there is none."""
        rest = self.probabilities[1:]
        return 1 + rest.index(max(rest)) if rest else 0

    def among(self, words: AbstractSet[str]) -> bool:
        """Whether the typed word, or one of two typed words, is among others."""
        return not words.isdisjoint((self.judged.typed, *self.judged.typed.split(" ")))


class Figures(NamedTuple):
    """What is known of a typed word and one candidate, wherever they stand."""

    pairs: bytes  # uint16 [LONGEST_PAIR]: letters side by side
    features: bytes  # float32 [15]
    first: int
    """The number of the candidate's first word in the counts, 0 if it has none."""
    last: int


class Reader:
    """Turns sentences into the network's inputs."""

    def __init__(self, lexicon: Lexicon, ngrams: Ngrams, vocab_size: int) -> None:
        self.lexicon = lexicon
        self.ngrams = ngrams
        self.vocab_size = vocab_size
        # What is perhaps only a slip has no company of its own, as if there were no such word.
        self.numbers = {
            word: number for word, number in numbers(lexicon.words).items() if word not in lexicon.doubted
        }

    def index(self, word: str) -> int:
        """Return a word's own vector; of several words that of the rarest; 0 if it has none."""
        index, size = self.lexicon.index, self.vocab_size
        places = [index[part] if part in self.lexicon else size for part in word.split(" ")]
        place = FIRST_WORD + max(places)
        return place if place < self.vocab_size else 0

    def choices(
        self, sentence: Sentence, place: int, number: int = 0, *, thorough: bool = True
    ) -> list[Judged]:
        """Return what there is to judge at a token: nothing if it is no word."""
        token = sentence.tokens[place]
        if not token.word:
            return []
        found = [Judged(number, place, 1, token.word, self.lexicon.candidates(token.word, thorough=thorough))]
        if place + 1 < len(sentence.tokens):
            after = sentence.tokens[place + 1]
            gap = sentence.text[token.end : after.start]
            whole = token.word + after.word
            if (
                after.word
                and gap == " "
                and whole in self.lexicon
                and self._may_be_one(token.word, after.word, whole)
            ):
                typed = f"{token.word} {after.word}"
                found.append(Judged(number, place, 2, typed, (typed, whole)))
        return found

    def _may_be_one(self, left: str, right: str, whole: str) -> bool:
        """Whether two words are perhaps one: the whole is common, or a part is none."""
        if len(whole) < 4:
            return False
        rarest = min(self.lexicon.commonness(left), self.lexicon.commonness(right))
        return rarest == 0.0 or self.lexicon.commonness(whole) > 3.0

    def company(self, first: str, second: str) -> float:
        """Return log2(1 + count) of two words that follow each other."""
        pair = (np.array([self.numbers.get(word, 0)], dtype=np.int64) for word in (first, second))
        return float(self.ngrams.pairs(*pair)[0])

    @lru_cache(maxsize=300_000)  # noqa: B019 - there is one reader a process
    def figures(self, typed: str, word: str) -> Figures:
        """Return what is known of a typed word and a candidate."""
        pairs = np.zeros(LONGEST_PAIR, dtype=np.uint16)
        aligned = align(typed, word)[:LONGEST_PAIR]
        pairs[: len(aligned)] = aligned
        distance = OSA.distance(typed, word)
        features = np.array(
            (
                word == typed,
                distance / 3,
                distance / len(typed),
                typed[0] == word[0],
                sound(typed) == sound(word),
                self.lexicon.commonness(word) / 8,
                self.lexicon.commonness(typed) / 8,
                typed in self.lexicon,
                (len(word) - len(typed)) / 3,
                typed.replace("'", "") == word.replace("'", ""),
                len(typed) / 10,
                " " in word and " " not in typed,
                " " in typed and " " not in word,
                typed[-1] == word[-1],
                word in self.lexicon.meant.get(typed, ()),
            ),
            dtype=np.float32,
        )
        parts = word.split(" ")
        return Figures(
            pairs.tobytes(),
            features.tobytes(),
            self.numbers.get(parts[0], 0),
            self.numbers.get(parts[-1], 0),
        )

    def batch(
        self,
        sentences: Sequence[Sentence],
        judged: Sequence[Judged],
        *,
        forget_lists: NDArray[np.bool_] | None = None,
        unknown: frozenset[str] = frozenset(),
    ) -> tuple[SpellInputs, dict[str, int]]:
        """Return the inputs for judged words of sentences, and the place of each different word.

        Args:
            sentences: with at least one token each.
            judged: what to judge.
            forget_lists: judged words [J] of which it is not told that they stand in a list, in training.
            unknown: words to be treated as if there were no such word, in training.
        """
        places: dict[str, int] = {"\0": PAD}
        length = max(len(sentence.tokens) for sentence in sentences)
        matrix = np.zeros((len(sentences), length), dtype=np.int64)
        for row, sentence in enumerate(sentences):
            for column, token in enumerate(sentence.tokens):
                matrix[row, column] = places.setdefault(token.word or f"\0{token.sign or '*'}", len(places))
        counts = [len(one.candidates) for one in judged]
        candidates = np.zeros((len(judged), max(counts, default=1)), dtype=np.int64)
        found: list[Figures] = []
        for row, one in enumerate(judged):
            candidates[row, : counts[row]] = [places.setdefault(word, len(places)) for word in one.candidates]
            found += [self.figures(one.typed, word) for word in one.candidates]
        owner = np.repeat(np.arange(len(judged)), counts)  # [P]
        starts = np.cumsum(counts) - counts  # [J]: each typed word among the P, before its other candidates
        numbered = np.array([(one.first, one.last) for one in found], dtype=np.int64).reshape(-1, 2)
        features = (
            np.frombuffer(b"".join(one.features for one in found), dtype=np.float32).reshape(-1, 15).copy()
        )
        hidden = np.array([one.typed in unknown for one in judged], dtype=bool)
        features[hidden[owner], 6:8] = 0.0
        features[starts[hidden], 5] = 0.0
        numbered[starts[hidden]] = 0
        if forget_lists is not None:
            features[forget_lists[owner], 14] = 0.0
        around = np.array(
            [_surroundings(sentences[one.sentence], one.place) for one in judged], dtype=np.float32
        ).reshape(-1, 5)
        company = self._company(sentences, judged, numbered, owner)  # [P, 5]
        features = np.concatenate(
            [features, around[owner], company, company - company[starts[owner]]], axis=1
        )  # [P, 30]
        pairs = np.frombuffer(b"".join(one.pairs for one in found), dtype=np.uint16).reshape(-1, LONGEST_PAIR)
        longest = int((pairs != PAD).sum(1).max(initial=1))
        letters, words = self._words(places, unknown)
        as_long = torch.from_numpy
        inputs = SpellInputs(
            letters=as_long(letters),
            words=as_long(words),
            sentences=as_long(matrix),
            rows=torch.tensor([one.sentence for one in judged], dtype=torch.long),
            columns=torch.tensor([one.place for one in judged], dtype=torch.long),
            spans=torch.tensor([one.span for one in judged], dtype=torch.long),
            candidates=as_long(candidates),
            pairs=as_long(pairs[:, :longest].astype(np.int64)),
            features=torch.from_numpy(features),
        )
        return inputs, places

    def spelled(self, words: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return the letters [U, L] and the vectors' numbers [U] of words in small letters."""
        letters, numbers = self._words({word: place for place, word in enumerate(words)}, frozenset())
        return torch.from_numpy(letters), torch.from_numpy(numbers)

    def _company(
        self,
        sentences: Sequence[Sentence],
        judged: Sequence[Judged],
        numbered: NDArray[np.int64],
        owner: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Return how often candidates stood in the company of the words around them [P, 5]."""
        rows = []
        for sentence in sentences:
            row = [self.numbers.get(token.word or token.sign, 0) for token in sentence.tokens]
            rows.append([0] * BEYOND + row + [0] * BEYOND)
        near = np.array(
            [
                (
                    *rows[one.sentence][one.place : one.place + BEYOND],
                    *rows[one.sentence][one.place + BEYOND + one.span :][:BEYOND],
                )
                for one in judged
            ],
            dtype=np.int64,
        ).reshape(-1, 4)  # [J, 4]
        before2, before, after, after2 = near[owner].T
        first, last = numbered.T
        single = first * (first == last)
        return np.stack(
            [
                self.ngrams.pairs(before, first),
                self.ngrams.pairs(last, after),
                self.ngrams.triples(before2, before, first),
                self.ngrams.triples(before, single, after),
                self.ngrams.triples(last, after, after2),
            ],
            axis=1,
        ) / np.float32(8.0)

    def _words(
        self, places: dict[str, int], unknown: frozenset[str]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        letters = np.zeros((len(places), LONGEST_WORD), dtype=np.int64)
        words = np.zeros(len(places), dtype=np.int64)
        for word, place in places.items():
            if word.startswith("\0"):
                words[place] = SIGNS.get(word[1:], 1) if place else PAD
                continue
            spelled = spell(word)
            letters[place, : len(spelled)] = spelled
            words[place] = 0 if word in unknown else self.index(word)
        longest = int((letters != PAD).sum(1).max(initial=1))
        return letters[:, :longest], words


@lru_cache(maxsize=300_000)
def spell(word: str) -> tuple[int, ...]:
    """Return the letters of a word as the network reads them."""
    return tuple(LETTERS.get(letter, OTHER) for letter in word[:LONGEST_WORD])


def align(typed: str, word: str) -> list[int]:
    """Lay two words side by side, with gaps where one has a letter more: a number for each pair of letters."""
    found: list[int] = []
    for block in Levenshtein.opcodes(typed, word):
        left, right = typed[block.src_start : block.src_end], word[block.dest_start : block.dest_end]
        for place in range(max(len(left), len(right))):
            a = LETTERS.get(left[place], OTHER) if place < len(left) else GAP
            b = LETTERS.get(right[place], OTHER) if place < len(right) else GAP
            found.append(a * len(LETTERS) + b)
    return found


def _surroundings(sentence: Sentence, place: int) -> tuple[bool, bool, bool, bool, bool]:
    """Return the figures of a word's place: they are the same for all its candidates."""
    token = sentence.tokens[place]
    first = all(not before.word for before in sentence.tokens[:place])
    small = all(other.case is Case.LOWER for other in sentence.tokens if other.word)
    return (
        token.case is Case.TITLE and not first,
        token.case is Case.UPPER,
        small,
        first,
        token.case is Case.MIXED,
    )
