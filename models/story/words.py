"""The words of books: a network that writes in pieces of words makes up others."""

from __future__ import annotations

import lzma
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from models.blocked import WORD

OFTEN = 3
"""A word that comes less often in 25 million is a name, a misprint or a stranger."""


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
