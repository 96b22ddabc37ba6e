"""Cutting a message into words that may be judged and parts that stay as they are."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import IntEnum

_PROTECTED = re.compile(
    r"""
    ```.*?(?:```|\Z)  |  ``.+?``  |  `[^`\n]+`  # code
    | <a?:\w+:\d+> | <(?:[@#/]|t:|id:)[^>\n]*>   # Discord's emoji, mentions, channels, commands, times
    | (?:https?://|www\.)\S+                  # links
    | [\w.+-]+@[\w-]+\.[\w.]+                 # addresses
    | :\w+:                                   # :shortcodes:
    | [@#/\\$]\w+                             # @names, #tags, /commands
    | \w+(?:\.\w+)+\b(?<!\.)                  # file.names, e.g., 3.14
    | \S*\d\S*                                # whatever has a digit
    | \w*_\w*                                 # snake_case and _markdown_
    """,
    re.VERBOSE | re.DOTALL,
)
_PIECE = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|[^\w\s]+")
_ASCII = re.compile(r"[a-z]+(?:'[a-z]+)*")
_OPENING = frozenset("([{\"'*_~|-/")
_CAMEL = re.compile(r"[a-z][A-Z]")
LONGEST = 32
"""Characters of a word that is judged."""


class Case(IntEnum):
    """How a word is written."""

    LOWER = 0
    TITLE = 1
    UPPER = 2
    MIXED = 3


@dataclass(frozen=True)
class Token:
    """A part of a text: a word, or signs."""

    start: int
    end: int
    word: str
    """In lower case with a straight apostrophe if it may be judged; else empty, and it stays as it is."""
    sign: str
    """What stands here for the network if it is no word: a punctuation mark, or "" for anything else."""
    case: Case = Case.LOWER


def tokenize(text: str) -> list[Token]:
    """Return all words and signs of a text in order; spaces are what lies between them."""
    tokens: list[Token] = []
    place = 0
    for protected in _PROTECTED.finditer(text):
        tokens += _pieces(text, place, protected.start())
        # Markdown's underlines are no part of the word that they surround.
        inner = protected.group().strip("_")
        if "_" in protected.group() and inner.isalpha():
            start = protected.start() + protected.group().index(inner)
            tokens.append(_token(text, start, start + len(inner)))
        else:
            tokens.append(Token(protected.start(), protected.end(), "", ""))
        place = protected.end()
    return tokens + _pieces(text, place, len(text))


def _pieces(text: str, start: int, end: int) -> list[Token]:
    pieces = [_token(text, found.start(), found.end()) for found in _PIECE.finditer(text, start, end)]
    for number, token in enumerate(pieces):
        # Not the "t" of "don´t", nor "u", nor ":D"; but "a", "i" and "o" where they stand by themselves.
        if len(token.word) == 1:
            before = text[token.start - 1 : token.start]
            if token.word not in "aio" or not (not before or before.isspace() or before in _OPENING):
                pieces[number] = replace(token, word="")
    return pieces


def _token(text: str, start: int, end: int) -> Token:
    raw = text[start:end]
    word = raw.lower().replace("’", "'")
    case = case_of(raw)
    if _ASCII.fullmatch(word) and len(word) <= LONGEST and not _CAMEL.search(raw):
        return Token(start, end, word, "", case)
    sign = raw[0] if raw[0] in ".,!?;:-\"'()" else ""
    return Token(start, end, "", sign, case)


def case_of(word: str) -> Case:
    """Tell how a word is written."""
    letters = [letter for letter in word if letter.isalpha()]
    if all(letter.islower() for letter in letters):
        return Case.LOWER
    if len(letters) > 1 and all(letter.isupper() for letter in letters):
        return Case.UPPER
    if letters[0].isupper() and all(letter.islower() for letter in letters[1:]):
        return Case.TITLE
    return Case.MIXED


def in_case(word: str, like: Case) -> str:
    """Write a word in lower case as another one is written."""
    if word == "i" or word.startswith("i'"):
        word = f"I{word[1:]}"
    if like is Case.UPPER:
        return word.upper()
    return word[:1].upper() + word[1:] if like in (Case.TITLE, Case.MIXED) else word
