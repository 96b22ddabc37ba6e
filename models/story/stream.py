"""One story in the making: what has been written, where it may end, and what has to be taken back."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import torch

from models.story.data import PLAYS
from models.story.network import State
from models.story.sampling import CANDIDATES, Repeats
from models.story.words import WORD, is_blocked

REMEMBERED = 24
"""Tokens that can be taken back: no word has more."""
EARLIEST_END = 0.5
"""The share of the wished length from which the network may end a story of its own accord."""
PARAGRAPH_GRACE = 1.15
"""From the wished length to this multiple of it only the end of a paragraph will do, from then on of any sentence."""
LATEST_END = 1.4
"""From this multiple of the wished length on (and a few words) the story is cut after its last whole sentence."""
FEW_WORDS = 40
TOKENS_A_WORD = 4
"""No English text has more; a story of endless signs still ends."""

_SENTENCE_END = re.compile(r"""[.!?]["')]*$""")
_LAST_WORD = re.compile(rf"(?:{WORD.pattern})\Z")
_ABBREVIATION = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Mt|Rev|Hon|Capt|Col|Gen|Lieut|Prof|Messrs|[A-Z]))\.$")


@dataclass(frozen=True, kw_only=True)
class StoryRequest:
    """Write a story. The same request gives the same story."""

    prompt: str = ""
    """Its beginning, in any language, or nothing. "Write a story about ..." becomes the title."""
    style: str | None = None
    """One of the network's styles, or none in particular."""
    words: int = 200
    """About how long the continuation is to be."""
    temperature: float = 0.8
    """Below 1 plays safe, above 1 takes risks."""
    top_p: float = 0.92
    """The share of probability from which words are drawn."""
    seed: int = 0
    title: str | None = None
    """Of a story that is continued: ``prompt`` is then all of it so far. If not given, the network finds one."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """A story that has come to its end."""

    title: str
    text: str
    """From the first word of the prompt on; a blank line between paragraphs (and between speeches of a play)."""
    opening: str
    """The part of ``text`` that came from the prompt; ``text`` starts with it."""
    style: str | None
    words: int
    """That the network wrote."""
    finished: bool
    """Whether the network itself found the end, and not the wished length."""


class _Step(NamedTuple):
    """What a token was read from, so that it can be taken back."""

    state: State
    start: int  # of the token's first byte


class StoryStream:
    """The stream of one request; ``StoryPredictor.step`` advances it."""

    def __init__(
        self,
        request: StoryRequest,
        title: str,
        opening: str,
        tokens: list[int],
        state: State,
        vocabulary: Vocabulary,
    ) -> None:
        """Begin after ``tokens``, the last of which has not been read yet; ``state`` is that of all before it."""
        self.request, self.title, self.opening = request, title, opening
        self.tokens, self.state = tokens, state
        self._vocabulary = vocabulary
        self._generator = torch.Generator().manual_seed(request.seed)
        self._repeats = Repeats(tokens)
        self._written = bytearray(opening.encode())
        self._begun = len(tokens)
        self._past: deque[_Step] = deque(maxlen=REMEMBERED)
        self._refused: list[int] = []  # tokens that have led to a word that may not stand here
        self._last_end = 0  # bytes up to the end of the last whole sentence
        self._words = 0
        self._chance: float | None = None
        self._result: Story | None = None

    @property
    def text(self) -> str:
        """What has been written so far, whole words only: the last one may yet be taken back."""
        if self._result is not None:
            return self._result.text
        whole = re.sub(r"\S+\Z", "", self._decoded()).rstrip()
        # The opening was given, not written: it needs no check and does not vanish.
        return self._shown(whole if len(whole) > len(self.opening) else self.opening)

    @property
    def progress(self) -> float:
        """How far it has come, from 0 to 1."""
        return 1.0 if self._result else min(0.99, self._words / (PARAGRAPH_GRACE * self.request.words))

    @property
    def result(self) -> Story | None:
        """The whole story; ``None`` until the last step."""
        return self._result

    @property
    def chance(self) -> float:
        """Where between 0 and 1 the lot for the next token fell; the same until a token is accepted."""
        if self._chance is None:
            self._chance = float(torch.rand((), generator=self._generator))
        return self._chance

    def banned(self) -> list[int]:
        """Return the tokens that may not come next."""
        early = self._words < EARLIEST_END * self.request.words
        held = self._vocabulary.never if not early else self._vocabulary.not_yet
        return [*held, *self._refused, *self._repeats.banned()][: CANDIDATES - 1]

    def accept(self, token: int, state: State) -> None:
        """Write ``token``, which was drawn after everything so far had been read into ``state``."""
        self._chance = None
        piece = self._vocabulary.pieces[token]
        boundary = token == self._vocabulary.boundary
        if boundary or (not piece[:1].isalpha() and piece[:1] < b"\x80"):
            # The word before is complete, and so perhaps is the sentence.
            if self._take_back():
                return
            if self._ends(boundary, piece):
                return
        self._past.append(_Step(self.state, len(self._written)))
        self.state = state
        self.tokens.append(token)
        self._repeats.append(token)
        self._written += piece
        self._words += piece[:1] in (b" ", b"\n")
        self._refused = []
        limit = self.request.words + FEW_WORDS
        if self._words >= LATEST_END * limit or len(self.tokens) - self._begun >= TOKENS_A_WORD * limit:
            self._finish(finished=False)

    def _take_back(self) -> bool:
        """Take back the last word if it may not stand in a story, and refuse what it began with."""
        tail = bytes(self._written[-120:]).decode(errors="ignore")
        found = _LAST_WORD.search(tail)
        if found is None or not is_blocked(found.group()):
            return False
        start = len(self._written) - len(tail[found.start() :].encode())
        if not self._past:  # the word began in the prompt and cannot be helped
            self._finish(finished=False)
            return True
        while self._past:
            step = self._past.pop()
            token = self.tokens.pop()
            self._repeats.pop()
            self._words -= self._vocabulary.pieces[token][:1] in (b" ", b"\n")
            del self._written[step.start :]
            self.state = step.state
            if step.start <= start:
                break
        self._last_end = min(self._last_end, len(self._written))
        self._refused.append(token)
        if len(self._refused) >= CANDIDATES // 2:
            self._finish(finished=False)
        return True

    def _ends(self, boundary: bool, piece: bytes) -> bool:
        """Finish if the story may end here, before a token that begins with ``piece``."""
        if not boundary and piece[:1] not in (b" ", b"\n"):
            return False
        text = self._decoded()
        paragraph = text[text.rfind("\n") + 1 :]
        whole = bool(_SENTENCE_END.search(paragraph)) and not _ABBREVIATION.search(paragraph)
        # Not in the midst of speech, and not before the "said he" that follows it.
        whole = whole and paragraph.count('"') % 2 == 0 and not piece[1:2].islower()
        if whole:
            self._last_end = len(self._written)
        if boundary:
            self._finish(finished=True)
            return True
        wished = self.request.words * (1.0 if piece[:1] == b"\n" else PARAGRAPH_GRACE)
        if whole and self._words >= wished:
            self._finish(finished=False)
            return True
        return False

    def _finish(self, *, finished: bool) -> None:
        begun = len(self.opening.encode())
        if self._last_end > begun:
            del self._written[self._last_end :]
        text = self._decoded().rstrip()
        if self._last_end <= begun and not _SENTENCE_END.search(text):
            text = re.sub(r"[\s,;:—-]*\S*\Z", "", text[len(self.opening) :])
            text = f"{self.opening}{text}."
        shown, opening = self._shown(text), self._shown(self.opening)
        self._result = Story(
            title=self.title,
            text=shown,
            opening=opening,
            style=self.request.style,
            words=len(shown[len(opening) :].split()),
            finished=finished,
        )

    def _decoded(self) -> str:
        return self._written.decode(errors="replace").rstrip("\N{REPLACEMENT CHARACTER}")

    def _shown(self, text: str) -> str:
        return text if self.request.style in PLAYS else text.replace("\n", "\n\n")


class Vocabulary(NamedTuple):
    """What a stream needs to know of the tokens."""

    pieces: list[bytes]
    """The bytes that each token stands for."""
    boundary: int
    never: list[int]
    """Tokens that no story holds: signs of markup."""
    not_yet: list[int]
    """Those, and what would end the story."""
