"""One story in the making: what has been written, where it may end, and what has to be taken back."""

from __future__ import annotations

import math
import re
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from models.blocked import WORD, is_blocked
from models.story.data import PLAYS
from models.story.network import State
from models.story.sampling import CANDIDATES, Repeats
from models.story.tokenizer import goes_on
from models.story.words import Lexicon

LONGEST_WORD = 60  # bytes
REMEMBERED = 24
"""Tokens that can be taken back: no word has more."""
EARLIEST_END = 0.5
"""The share of the wished length from which the network may end a story of its own accord."""
PARAGRAPH_GRACE = 1.15
"""From the wished length to this multiple of it only the end of a paragraph will do, from then on of any sentence."""
LATEST_END = 1.4
"""From this multiple of the wished length on (and a few words) the story is cut after its last whole sentence."""
FEW_WORDS = 40
MOST_KEPT = 0.7
FEW_TRIES = 4
"""Endings of an unknown word that are tried before its beginning goes."""
TOKENS_A_WORD = 4
"""No English text has more; a story of endless signs still ends."""

OF_THE_PROMPT, A_NAME = 0.6, 0.35
"""Words of the prompt and names that have come up are so much likelier, in nats: the memory of a cache model (Kuhn and
De Mori 1990), for what a small network forgets first."""
SUBJECT_TOKENS = 48  # from the title on
COMMON_TOKENS = 1000
"""Tokens are numbered in the order in which they were learned, the commonest first."""

_SENTENCE_END = re.compile(r"""[.!?]["')]*$""")
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
    temperature: float = 0.7
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


def subjects(tokens: Sequence[int], vocabulary: Vocabulary) -> list[int]:
    """Return the tokens of a title and an opening that say what the story is about: neither short nor common."""
    rare = (token for token in tokens[:SUBJECT_TOKENS] if token >= COMMON_TOKENS)
    return [
        token for token in rare if vocabulary.pieces[token][:1] == b" " and len(vocabulary.pieces[token]) > 3
    ]


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
        lexicon: Lexicon | None,
    ) -> None:
        """Begin after ``tokens``, the last of which has not been read yet; ``state`` is that of all before it."""
        self.request, self.title, self.opening = request, title, opening
        self.tokens, self.state = tokens, state
        self._vocabulary, self._lexicon = vocabulary, lexicon
        self._generator = torch.Generator().manual_seed(request.seed)
        self._repeats = Repeats(tokens)
        self._written = bytearray(opening.encode())
        self._begun = len(tokens)
        self._memory = dict.fromkeys(subjects(tokens, vocabulary), OF_THE_PROMPT)
        self._past: deque[_Step] = deque(maxlen=REMEMBERED)
        self._refused: defaultdict[int, list[int]] = defaultdict(
            list
        )  # by place: tokens of words that may not stand
        self._last_end = 0  # bytes up to the end of the last whole sentence outside speech
        self._last_stop = 0  # bytes up to the end of the last whole sentence of any kind
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

    def nudges(self) -> dict[int, float]:
        """Return what to add to the log-probability of some tokens: what to keep to, and what must not come next."""
        early = self._words < EARLIEST_END * self.request.words
        held = self._vocabulary.not_yet if early else self._vocabulary.never
        if len(self.tokens) == self._begun and self.opening[-1:].isalpha():
            held = [*held, *self._vocabulary.goes_on]  # "a red car" is not to become "a red carriage"
        refused = self._refused.get(len(self.tokens), [])
        return self._memory | dict.fromkeys([*held, *refused, *self._repeats.banned()], -math.inf)

    def accept(self, token: int, state: State) -> None:
        """Write ``token``, which was drawn after everything so far had been read into ``state``."""
        self._chance = None
        piece = self._vocabulary.pieces[token]
        boundary = token == self._vocabulary.boundary
        joins = piece[:1] in (b"'", b"-")  # don't, half-way
        if boundary or not goes_on(piece):
            # The word before is complete, and so perhaps is the sentence.
            if not joins and self._take_back():
                return
            if self._ends(boundary, piece):
                return
            if not joins:
                self._refused.clear()
        self._past.append(_Step(self.state, len(self._written)))
        self.state = state
        self.tokens.append(token)
        self._repeats.append(token)
        inside = (
            self._written[-1:].isalpha() or self._written[-1:] == b","
        )  # of a sentence, where a capital means a name
        if inside and self._vocabulary.names[token] and token >= COMMON_TOKENS:
            self._memory.setdefault(token, A_NAME)
        self._written += piece
        self._words += piece[:1] in (b" ", b"\n")
        limit = self.request.words + FEW_WORDS
        if self._words >= LATEST_END * limit or len(self.tokens) - self._begun >= TOKENS_A_WORD * limit:
            self._finish(finished=False)

    def _take_back(self) -> bool:
        """Take back the last word, or its last token, if it may not stand in a story or is no word at all."""
        space = max(self._written.rfind(b" ", -LONGEST_WORD), self._written.rfind(b"\n", -LONGEST_WORD))
        tail = self._written[max(space + 1, len(self._written) - LONGEST_WORD) :].decode(errors="ignore")
        words = list(WORD.finditer(tail.rstrip("-'")))
        if not words:
            return False
        bad = next((word for word in words if is_blocked(word.group())), None)
        found = bad or words[-1]
        if not bad and (self._lexicon is None or self._lexicon.knows(found.group())):
            return False
        start = len(self._written) - len(tail[found.start() :].encode())
        if not self._past or (self._past[-1].start < start - 1 and not bad):
            return False  # the prompt's own word
        # A slur goes as a whole; of what is no word the ending goes first: "Mount-ap" may yet become "Mountain".
        last = len(self.tokens) - 1
        if not bad and self._past[-1].start > start and len(self._refused[last]) < FEW_TRIES:
            start = self._past[-1].start
        token = -1
        while self._past and (token < 0 or len(self._written) > start):
            step = self._past.pop()
            token = self.tokens.pop()
            self._repeats.pop()
            self._words -= self._vocabulary.pieces[token][:1] in (b" ", b"\n")
            del self._written[step.start :]
            self.state = step.state
        self._last_end, self._last_stop = (
            min(end, len(self._written)) for end in (self._last_end, self._last_stop)
        )
        place = len(self.tokens)
        self._refused = defaultdict(list, {at: tokens for at, tokens in self._refused.items() if at <= place})
        if token >= 0:
            self._refused[place].append(token)
        if token < 0 or len(self._refused[place]) >= CANDIDATES // 2:
            self._finish(finished=False)
        return True

    def _ends(self, boundary: bool, piece: bytes) -> bool:
        """Finish if the story may end here, before a token that begins with ``piece``."""
        if not boundary and piece[:1] not in (b" ", b"\n"):
            return False
        text = self._decoded()
        paragraph = text[text.rfind("\n") + 1 :]
        stop = bool(_SENTENCE_END.search(paragraph)) and not _ABBREVIATION.search(paragraph)
        # Not in the midst of speech, and not before the "said he" that follows it.
        whole = stop and paragraph.count('"') % 2 == 0 and not piece[1:2].islower()
        if stop and not piece[1:2].islower():
            self._last_stop = len(self._written)
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
        end = self._last_end
        if end - begun < MOST_KEPT * (self._last_stop - begun):
            end = self._last_stop  # rather a speech broken off than half of the story
        if end > begun:
            del self._written[end:]
            if self._written[self._written.rfind(b"\n") + 1 :].count(b'"') % 2:
                self._written += b'"'
        text = self._decoded().rstrip()
        if end <= begun and not _SENTENCE_END.search(text):
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
    names: list[bool]
    """Whether each begins a word with a capital letter, as names do."""
    goes_on: list[int]
    """Tokens that begin with a letter, and so go on with the word before."""
    boundary: int
    never: list[int]
    """Tokens that no story holds: signs of markup."""
    not_yet: list[int]
    """Those, and what would end the story."""
