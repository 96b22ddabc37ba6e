"""Look over a corrector's shoulder: how sure it is of each word, and what stands around its doubts lets it expect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from models.blocked import is_blocked
from models.spell.data import Reader, Verdict
from models.spell.network import FIT_SCALE, SpellNetwork
from models.spell.picture import Alternative, Doubt, Shade, draw

DOUBTS = 3
"""As many words are looked at closely: the ones that it trusts least."""
GUESSES = 3
SHOWN = 120  # words
EXPECTED = 8_000
"""Common words among which is looked for what is expected."""
RARE = 5.0
"""On Zipf's scale. In training a word was told apart from the others of its batch, where words more common than this
are always met: for those, the score alone does not say that they are common."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What the network made of a text."""

    doubts: tuple[Doubt, ...]
    """The words that it trusts least, in the order of the text."""
    picture: bytes
    """A PNG of the words on colours, and of what is expected in the place of each doubt."""


class Explainer:
    """Shows how the network reads a text that it has judged."""

    def __init__(self, network: SpellNetwork, reader: Reader) -> None:
        self.network = network
        self.reader = reader

    def explain(self, text: str, verdicts: Sequence[Verdict]) -> Proof | None:
        """Look closely at the words that the network trusts least.

        Args:
            text: as it was typed.
            verdicts: on its words, in order.

        Returns:
            nothing if there is no word to judge.
        """
        verdicts = [one for one in verdicts if one.judged.span == 1]
        shades = _shades(text, verdicts)[:SHOWN]
        end = sum(len(shade.word) for shade in shades)
        seen = [one for one in verdicts if one.token.end <= end]
        if not seen:
            return None
        doubted = sorted(seen, key=lambda one: one.probabilities[0])[:DOUBTS]
        doubts = tuple(self._look(one) for one in sorted(doubted, key=lambda one: one.token.start))
        return Proof(doubts=doubts, picture=draw(shades, doubts))

    @torch.inference_mode()
    def _look(self, verdict: Verdict) -> Doubt:
        """Ask what one side of a word lets expect, what the other, and what the network decided."""
        judged = verdict.judged
        alone = type(judged)(0, judged.place, judged.span, judged.typed, judged.candidates)
        inputs, _ = self.reader.batch([verdict.sentence], [alone])
        device = self.network.device
        before, after = self.network.expectations(
            type(inputs)(*(tensor.to(device) for tensor in inputs))
        )  # [1, match_size] each
        decided = sorted(
            zip(judged.candidates, verdict.probabilities, strict=True), key=lambda pair: -pair[1]
        )
        return Doubt(
            typed=judged.typed,
            sure=verdict.probabilities[0],
            before=self._guesses(before[0]),
            after=self._guesses(after[0]),
            decided=tuple(Alternative(word=word, probability=share) for word, share in decided[:GUESSES]),
        )

    def _guesses(self, expected: Tensor) -> tuple[Alternative, ...]:
        """Return the common words that fit best what is expected [match_size]."""
        words, matches, commonness = self._vocabulary
        shares = (matches @ expected / FIT_SCALE + commonness).softmax(-1)
        best, places = shares.topk(GUESSES)
        return tuple(
            Alternative(word=words[place], probability=share)
            for place, share in zip(places.tolist(), best.tolist(), strict=True)
        )

    @cached_property
    def _vocabulary(self) -> tuple[list[str], Tensor, Tensor]:
        """Common words, what the network knows them by [V, match_size], and what being common adds [V]."""
        lexicon = self.reader.lexicon
        words = [word for word in lexicon.words[:EXPECTED] if word in lexicon and not is_blocked(word)]
        device = self.network.device
        letters, numbers = self.reader.spelled(words)
        matches = self.network.matches(letters.to(device), numbers.to(device))
        zipf = torch.tensor([lexicon.commonness(word) for word in words], device=device)
        return words, matches, (zipf - RARE).clamp(max=0) * math.log(10)


def _shades(text: str, verdicts: Sequence[Verdict]) -> list[Shade]:
    """Cut a text at its spaces and find the greatest doubt in each part; joined, the parts are the text."""
    shades: list[Shade] = []
    start = 0
    left = list(verdicts)
    while start < len(text):
        end = start
        while end < len(text) and text[end].isspace():
            end += 1
        while end < len(text) and not text[end].isspace():
            end += 1
        doubt = 0.0
        while left and left[0].token.start < end:
            doubt = max(doubt, 1 - left.pop(0).probabilities[0])
        shades.append(Shade(text[start:end], doubt))
        start = end
    return shades
