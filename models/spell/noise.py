"""Making the mistakes that people make: learned from real pairs of misspellings and corrections.

Half of the misspellings are real ones, drawn from the lists by how much each source is worth. The others are made by
edits whose frequencies were counted in the lists (after Brill and Moore 2000, with single letters), by slips to
neighbouring keys, by words taken for others, and by spaces in the wrong place.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rapidfuzz.distance import Levenshtein

from models.spell.lexicon import Lexicon

SOURCES = {
    "birkbeck": 1.0,
    "toefl_spell": 3.0,
    "twitter_typo": 3.0,
    "wikipedia_machine_list": 3.0,
    "codespell": 0.35,
    "cspell": 0.25,
}
"""What a pair of each list is worth: the last two are wide, but partly made by machine."""
CLOSED = frozenset({"birkbeck", "twitter_typo"})
"""Lists without an open licence."""

ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
ENDINGS = ("s", "ed", "d", "ing", "ly", "er", "es", "'s", "n't", "e", "y")
CONFUSED = (
    "there their they're|your you're|its it's|then than|to too two|of have off|a an and|lose loose"
    "|were where we're wear"
    "|who's whose|affect effect|accept except|quite quiet|weather whether|advice advise|breath breathe|hear here"
    "|know no now|new knew|write right|week weak|break brake|buy by bye|our are|which witch|threw through|piece peace"
    "|principal principle|past passed|led lead|for four from form|is his as has|in on an and|the they them then"
    "|this these|that than|thing think|an can|he the her|ad had|it is if|with which|live life leave|man men|woman women"
    "|choose chose|lay lie|raise rise|say said|see sea|son sun|some same|sit seat|want won't went|would wood|bear bare"
)
"""Common words that are taken for each other; each group is written down here because every learner knows them."""


@dataclass(frozen=True)
class Pair:
    """A misspelling, what was meant, and how much the pair is worth."""

    typed: str
    meant: str
    worth: float
    real_word: bool


def read_pairs(lines: Iterable[str], *, open_only: bool = False) -> list[Pair]:
    """Read lines of misspelling, correction and sources."""
    pairs = []
    for line in lines:
        typed, meant, sources = line.rstrip("\n").lower().split("\t")
        names = {part.split(":")[0].removesuffix("_multi") for part in sources.split("+")}
        if open_only:
            names -= CLOSED
        worth = max((SOURCES.get(name, 0.0) for name in names), default=0.0)
        if worth:
            pairs.append(Pair(typed, meant, worth, ":realword" in sources))
    return pairs


class Noise:
    """A source of mistakes."""

    def __init__(self, pairs: Sequence[Pair], lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._listed: defaultdict[str, list[Pair]] = defaultdict(list)
        for pair in pairs:
            self._listed[pair.meant].append(pair)
        self._edits = count_edits(pairs)
        self._confused: defaultdict[str, list[str]] = defaultdict(list)
        for group in CONFUSED.split("|"):
            for word in group.split():
                self._confused[word] += [other for other in group.split() if other != word]
        for pair in pairs:
            if pair.real_word and pair.typed in lexicon:
                self._confused[pair.meant].append(pair.typed)

    def misspell(self, word: str, random: random.Random) -> str:
        """Return a wrong way to write a word (in lower case), or the word itself if none came to mind."""
        if "'" in word and random.random() < 0.3:
            return word.replace("'", "")
        lot = random.random()
        if lot < 0.42 and word in self._listed:
            pairs = self._listed[word]
            return random.choices(pairs, [pair.worth for pair in pairs])[0].typed
        if lot < 0.63:
            return self.mistake(word, random)
        if lot < 0.92:
            edited = self._edit(word, random)
            return self._edit(edited, random) if len(word) > 6 and random.random() < 0.2 else edited
        return _slip(word, random)

    def mistake(self, word: str, random: random.Random) -> str:
        """Return another word for which this one is taken, or the word itself."""
        if (confused := self._confused.get(word)) and random.random() < 0.7:
            return random.choice(confused)
        if random.random() < 0.5:  # a wrong ending
            for ending in random.sample(ENDINGS, len(ENDINGS)):
                other = word.removesuffix(ending) if word.endswith(ending) else word + ending
                if other != word and len(other) > 1 and self._lexicon.commonness(other) > 3.0:
                    return other
        near = [
            other
            for other in self._lexicon.candidates(word, thorough=False)[1:]
            if " " not in other and self._lexicon.commonness(other) > 3.3
        ]
        return random.choice(near[:6]) if near else word

    def _edit(self, word: str, random: random.Random) -> str:
        """Make one of the counted edits, drawn by its frequency among those that this word allows."""
        marked = f"^{word}$"
        options: list[tuple[str, float]] = []
        for place in range(1, len(marked) - 1):
            before, here, after = marked[place - 1], marked[place], marked[place + 1]
            rest, head = word[place:], word[: place - 1]
            options += [(head + new + rest, n) for new, n in self._edits.replaced.get(here, {}).items()]
            options += [
                (head + here + new + rest, n) for new, n in self._edits.inserted.get(here, {}).items()
            ]
            options.append((head + rest, self._edits.dropped.get((before, here), 0.0)))
            if after != "$" and after != here:
                options.append(
                    (head + after + here + word[place + 1 :], self._edits.swapped.get((here, after), 0.0))
                )
        options = [(edited, n) for edited, n in options if n > 0 and edited]
        return random.choices(*map(list, zip(*options, strict=True)))[0] if options else word


@dataclass(frozen=True)
class Edits:
    """How often each edit of one letter was seen, for each time that it could have been made."""

    replaced: Mapping[str, Mapping[str, float]]
    """By the right letter, then by the one in its place."""
    inserted: Mapping[str, Mapping[str, float]]
    """By the letter before, then by the one too many."""
    dropped: Mapping[tuple[str, str], float]
    """By the letter before and the one that is missing."""
    swapped: Mapping[tuple[str, str], float]


def count_edits(pairs: Iterable[Pair]) -> Edits:
    """Count the edits of pairs that are one or two edits apart."""
    replaced: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    inserted: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    dropped: defaultdict[tuple[str, str], float] = defaultdict(float)
    swapped: defaultdict[tuple[str, str], float] = defaultdict(float)
    seen: defaultdict[str, float] = defaultdict(float)
    seen_pairs: defaultdict[tuple[str, str], float] = defaultdict(float)
    for pair in pairs:
        if " " in pair.typed or " " in pair.meant:
            continue
        word = f"^{pair.meant}"
        for before, here in pairwise(word):
            seen[here] += pair.worth
            seen_pairs[before, here] += pair.worth
        swap = _swap(pair.typed, pair.meant)
        if swap is not None:
            swapped[swap] += pair.worth
            continue
        edits = Levenshtein.editops(pair.meant, pair.typed)
        if len(edits) > 2:
            continue
        for edit in edits:
            before = word[edit.src_pos]  # of the marked word: the letter before the edit's place
            if edit.tag == "replace":
                replaced[pair.meant[edit.src_pos]][pair.typed[edit.dest_pos]] += pair.worth
            elif edit.tag == "insert" and before != "^":
                inserted[before][pair.typed[edit.dest_pos]] += pair.worth
            elif edit.tag == "delete":
                dropped[before, pair.meant[edit.src_pos]] += pair.worth
    smooth = 20.0  # a letter pair that was seen once says little
    return Edits(
        {a: {b: n / (seen[a] + smooth) for b, n in to.items() if b.isalpha()} for a, to in replaced.items()},
        {a: {b: n / (seen[a] + smooth) for b, n in to.items() if b.isalpha()} for a, to in inserted.items()},
        {key: n / (seen_pairs[key] + smooth) for key, n in dropped.items()},
        {key: n / (seen_pairs[key] + smooth) for key, n in swapped.items()},
    )


def _swap(typed: str, meant: str) -> tuple[str, str] | None:
    """Return the two letters that changed places, if that is the only difference."""
    if len(typed) != len(meant):
        return None
    places = [place for place, (a, b) in enumerate(zip(typed, meant, strict=True)) if a != b]
    if len(places) == 2 and places[1] == places[0] + 1:
        a, b = places
        if typed[a] == meant[b] and typed[b] == meant[a]:
            return meant[a], meant[b]
    return None


def _neighbours() -> dict[str, str]:
    found: defaultdict[str, str] = defaultdict(str)
    for y, row in enumerate(ROWS):
        for x, key in enumerate(row):
            for other_y in range(max(0, y - 1), min(len(ROWS), y + 2)):
                for other_x in range(max(0, x - 1), x + 2):
                    if (other_y, other_x) != (y, x) and other_x < len(ROWS[other_y]):
                        found[key] += ROWS[other_y][other_x]
    return dict(found)


NEIGHBOURS = _neighbours()
"""The keys around each key."""


def _slip(word: str, random: random.Random) -> str:
    """Hit a neighbouring key, instead of the right one or beside it."""
    place = random.randrange(len(word))
    near = NEIGHBOURS.get(word[place])
    if near is None:
        return word
    key = random.choice(near)
    return word[:place] + key + word[place + (random.random() < 0.6) :]
