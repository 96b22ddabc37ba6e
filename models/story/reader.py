"""Read a text as the story network does: how much each word surprised it, and what it expects next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from models.blocked import is_blocked
from models.predictor import InvalidInput
from models.story.data import PLAYS
from models.story.network import State
from models.story.picture import Expected, Surprise, draw
from models.story.predictor import StoryPredictor
from models.story.tokenizer import goes_on

EXPECTED = 5
SHOWN = 120  # words
BEAMS = 24
"""Beginnings of words that are followed up at once."""
LONGEST = 5  # tokens a word


@dataclass(frozen=True, kw_only=True)
class ReadRequest:
    """Read a story, or its end."""

    text: str
    style: str | None = None
    title: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the network made of a text."""

    words: tuple[Surprise, ...]
    """The last ones of the text, which the picture shows."""
    expected: tuple[Expected, ...]
    """The likeliest words to follow, likeliest first."""
    picture: bytes
    """A PNG of the words on colours, and of what is expected."""


class StoryReader:
    """The story network, ready to read."""

    def __init__(self, predictor: StoryPredictor) -> None:
        self.predictor = predictor
        pieces = predictor.vocabulary.pieces
        self._begins = torch.tensor(
            [not goes_on(piece) for piece in pieces]
        )  # [vocab_size]: a new word or sign

    @property
    def nbytes(self) -> int:
        """Bytes that the weights take on the device."""
        return self.predictor.nbytes

    @classmethod
    def load(cls, device: torch.device, checkpoint: Path | None = None) -> Self:
        """Read the weights and put the network on ``device``.

        Raises:
            OSError: the weights are missing or broken.
        """
        return cls(StoryPredictor.load(device, checkpoint))

    def predict(self, requests: Sequence[ReadRequest]) -> list[Reading | InvalidInput]:
        """Answer every request, in order. One that cannot be used yields an ``InvalidInput`` and harms no other."""
        answers: list[Reading | InvalidInput] = []
        for request in requests:
            try:
                answers.append(self._read(request))
            except InvalidInput as error:
                answers.append(error)
        return answers

    @torch.inference_mode()
    def _read(self, request: ReadRequest) -> Reading:
        predictor = self.predictor
        style, opening, title = predictor.prepare(request.text, request.style, request.title)
        if not opening.strip():
            msg = "There is nothing to read. What should the story say so far?"
            raise InvalidInput(msg)
        head = f"# {title}\n" if title and request.style not in PLAYS else ""
        tokens = predictor.tokens_before(head + opening)
        known = min(len(tokens) - 1, len(predictor.encode(head)) + 1)  # the title is given, not judged
        device = predictor.stepper.device
        output = predictor.network(
            torch.tensor([tokens], device=device), torch.tensor([style], device=device)
        )
        assert output.logits is not None
        assert output.state is not None
        nats = (
            -output.logits[0, :-1]
            .log_softmax(-1)
            .gather(1, torch.tensor([tokens[1:]], device=device).T)[:, 0]
        )
        words = self._by_word(tokens[known:], nats[known - 1 :].tolist())[-SHOWN:]
        expected = self._next_words(output.logits[0, -1].cpu(), output.state, style)
        return Reading(words=words, expected=expected, picture=draw(words, expected))

    def _by_word(self, tokens: list[int], nats: list[float]) -> tuple[Surprise, ...]:
        """Join tokens to words with what stands around them; their bits add up."""
        parts: list[tuple[bytes, float]] = []
        for token, nat in zip(tokens, nats, strict=True):
            piece = self.predictor.vocabulary.pieces[token]
            if not parts or (piece[:1] in (b" ", b"\n") and parts[-1][0].strip()):
                parts.append((piece, nat))
            else:
                parts[-1] = (parts[-1][0] + piece, parts[-1][1] + nat)
        return tuple(Surprise(piece.decode(errors="replace"), nat / math.log(2)) for piece, nat in parts)

    def _next_words(self, logits: Tensor, state: State, style: int) -> tuple[Expected, ...]:
        """Follow the likeliest beginnings until they are whole words: their probabilities are exact."""
        predictor = self.predictor
        found: dict[str, float] = {}
        # A beginning that does not go on from the word before: a space and letters.
        starts = torch.tensor(
            [piece[:1] == b" " and piece[1:].isalpha() for piece in predictor.vocabulary.pieces]
        )
        probabilities = logits.softmax(-1).masked_fill(~starts, 0)
        best, ids = probabilities.topk(BEAMS)
        beams = [([token], p) for token, p in zip(ids.tolist(), best.tolist(), strict=True) if p > 0]
        hidden, cell = (part.repeat(1, len(beams), 1) for part in state)  # [layers, BEAMS, hidden_size]
        device = predictor.stepper.device
        for _ in range(LONGEST):
            last = torch.tensor([tokens[-1] for tokens, _ in beams], device=device)
            after, (hidden, cell) = predictor.stepper.step(
                last, torch.full_like(last, style), (hidden, cell)
            )  # [BEAMS, vocab_size]
            following = after.softmax(-1).cpu()
            ends = (following * self._begins).sum(-1).tolist()
            longer: list[tuple[list[int], float, int]] = []
            goes_on = following.masked_fill(self._begins, 0)
            for row, (tokens, p) in enumerate(beams):
                word = b"".join(predictor.vocabulary.pieces[token] for token in tokens).decode(
                    errors="ignore"
                )
                if self._fit(word.strip()):
                    found[word.strip()] = found.get(word.strip(), 0.0) + p * ends[row]
                more, ids = goes_on[row].topk(4)
                longer += [
                    ([*tokens, token], p * q, row)
                    for token, q in zip(ids.tolist(), more.tolist(), strict=True)
                ]
            longer = sorted(longer, key=lambda beam: -beam[1])[:BEAMS]
            rows = torch.tensor([row for *_, row in longer], device=device)
            hidden, cell = hidden[:, rows], cell[:, rows]
            beams = [(tokens, p) for tokens, p, _ in longer]
        likeliest = sorted(found.items(), key=lambda item: -item[1])[:EXPECTED]
        return tuple(Expected(word, probability) for word, probability in likeliest)

    def _fit(self, word: str) -> bool:
        lexicon = self.predictor.lexicon
        return bool(word) and not is_blocked(word) and (lexicon is None or lexicon.knows(word))
