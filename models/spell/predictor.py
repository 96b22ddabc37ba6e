"""Correct messages: which words are wrong, what was meant, and how sure the network is of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import torch
from torch import Tensor

from models.predictor import InvalidInput, nbytes
from models.spell.data import Judged, Reader, Sentence, Verdict
from models.spell.explain import Explainer, Proof
from models.spell.lexicon import Lexicon
from models.spell.network import SpellNetwork
from models.spell.ngrams import Ngrams
from models.spell.picture import Alternative
from models.spell.tokens import Token, in_case, tokenize

WEIGHTS = Path(__file__).parent / "weights"
LEXICON = "words.txt.xz"
NGRAMS = "ngrams.xz"
LONGEST = 20_000
"""Characters of a text."""


class Threshold(NamedTuple):
    """The probability that the best correction must have before a word is altered."""

    unknown: float
    """Of a word that does not exist."""
    known: float
    """Of a word that does, and would be right elsewhere."""

    def least(self, sure: float, *, known: bool) -> float:
        """Return what the best correction must have of a word that is right with probability ``sure``."""
        if known:
            return self.known
        return self.unknown * (EASED if sure < SURELY_WRONG else 1.0)


SURELY_WRONG = 0.05
"""An unknown word that is right with less than this may be altered although two corrections rival each other."""
EASED = 0.6
"""Such a word's share of the threshold."""
STRICTNESS = {
    "careful": Threshold(unknown=0.95, known=0.93),
    "normal": Threshold(unknown=0.65, known=0.65),
    "eager": Threshold(unknown=0.4, known=0.6),
}
"""Chosen by ``models.spell.evaluate``, but for one: 0.8 would do best for strangers in ``normal``, by the tweets alone.
The other sources lose nothing at 0.65, and more is put right."""
SENTENCE_TOKENS = 60
"""A longer sentence is read in parts."""
SENTENCES_AT_ONCE = 32
ALTERNATIVES = 5
LEAST = 0.001
"""Alternatives below this probability are not told of."""

_ENDS = frozenset(".!?")


@dataclass(frozen=True, kw_only=True)
class SpellRequest:
    """Correct the spelling of a text."""

    text: str
    strictness: str = "normal"
    """``careful``, ``normal`` or ``eager``: how sure the network has to be before it alters a word."""
    keep: tuple[str, ...] = ()
    """Words that are right whatever the network thinks."""
    explain: bool = False
    """Whether to show how the text was read."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A place of the text that is put right."""

    start: int
    """Characters of the original text before it."""
    end: int
    original: str
    replacement: str
    alternatives: tuple[Alternative, ...]
    """The likeliest first; the original and the replacement are among them."""


@dataclass(frozen=True, kw_only=True)
class Correction:
    """A text put right."""

    text: str
    changes: tuple[Change, ...]
    """In the order of the text."""
    proof: Proof | None = None
    """How the text was read, if that was asked for and there is a word in it."""


class SpellPredictor:
    """The spelling network, ready to correct."""

    def __init__(self, network: SpellNetwork, reader: Reader) -> None:
        self.network = network.eval()
        self.reader = reader
        self.explainer = Explainer(self.network, reader)

    @property
    def nbytes(self) -> int:
        """Bytes that the weights take on the device."""
        return nbytes(self.network)

    @classmethod
    def load(cls, device: torch.device, checkpoint: Path | None = None) -> Self:
        """Read the weights and put the network on ``device``.

        Raises:
            OSError: the weights are missing or broken.
        """
        folder = Path(checkpoint or WEIGHTS)
        network: SpellNetwork = SpellNetwork.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32
        )
        network.to(device=device)  # type: ignore[call-arg]  # a wrapper that transformers has not typed
        lexicon = Lexicon.load(folder / LEXICON)
        lexicon.warm_up()
        return cls(network, Reader(lexicon, Ngrams.load(folder / NGRAMS), network.config.vocab_size))

    def predict(self, requests: Sequence[SpellRequest]) -> list[Correction | InvalidInput]:
        """Answer every request, in order. One that cannot be used yields an ``InvalidInput`` and harms no other."""
        answers: list[Correction | InvalidInput] = []
        for request in requests:
            try:
                answers.append(self._correct(request))
            except InvalidInput as error:
                answers.append(error)
        return answers

    def _correct(self, request: SpellRequest) -> Correction:
        text = request.text
        if not text.strip():
            msg = "There is nothing to correct. What should I look at?"
            raise InvalidInput(msg)
        if len(text) > LONGEST:
            msg = f"That text has {len(text):,} characters; I can read {LONGEST:,} at a time."
            raise InvalidInput(msg)
        if request.strictness not in STRICTNESS:
            msg = f"I don't know the strictness “{request.strictness}”. Please pick one of: {', '.join(STRICTNESS)}."
            raise InvalidInput(msg)
        kept = {word.lower().replace("’", "'").strip() for word in request.keep}
        verdicts = self.judge(text)
        threshold = STRICTNESS[request.strictness]
        changes: list[Change] = []
        for verdict in verdicts:
            if self.alters(verdict, threshold) and not verdict.among(kept):
                change = change_of(text, verdict)
                # Where two words are one, neither is corrected by itself.
                if changes and change.start < changes[-1].end:
                    if verdict.judged.span == 1:
                        continue
                    changes.pop()
                changes.append(change)
        return Correction(
            text=put_right(text, changes),
            changes=tuple(changes),
            proof=self.explainer.explain(text, verdicts) if request.explain else None,
        )

    def known(self, verdict: Verdict) -> bool:
        """Whether the typed word, or both of two, are words that exist."""
        return all(word in self.reader.lexicon for word in verdict.judged.typed.split(" "))

    def alters(self, verdict: Verdict, threshold: Threshold) -> bool:
        """Whether a word is altered at this threshold."""
        least = threshold.least(verdict.probabilities[0], known=self.known(verdict))
        return verdict.best > 0 and verdict.probabilities[verdict.best] >= least

    @torch.inference_mode()
    def judge(self, text: str) -> list[Verdict]:
        """Return what the network thinks of each word of a text, in order."""
        sentences = list(cut(text))
        found: list[Verdict] = []
        for begin in range(0, len(sentences), SENTENCES_AT_ONCE):
            part = sentences[begin : begin + SENTENCES_AT_ONCE]
            judged = [
                one
                for number, sentence in enumerate(part)
                for place in range(len(sentence.tokens))
                for one in self.reader.choices(sentence, place, number)
            ]
            if not judged:
                continue
            inputs, _ = self.reader.batch(part, judged)
            inputs = type(inputs)(*(tensor.to(self.network.device) for tensor in inputs))
            logits = self.network(inputs).logits
            assert logits is not None
            found += self._verdicts(part, judged, logits.float().softmax(-1).cpu())
        return found

    def _verdicts(
        self, sentences: Sequence[Sentence], judged: Sequence[Judged], probabilities: Tensor
    ) -> list[Verdict]:
        return [
            Verdict(sentences[one.sentence], one, tuple(row[: len(one.candidates)]))
            for one, row in zip(judged, probabilities.tolist(), strict=True)
        ]


def cut(text: str) -> Iterator[Sentence]:
    """Cut a text into sentences of tokens."""
    tokens: list[Token] = []
    for token in tokenize(text):
        if tokens and "\n" in text[tokens[-1].end : token.start]:
            yield Sentence(tokens, text)
            tokens = []
        tokens.append(token)
        if token.sign in _ENDS or len(tokens) == SENTENCE_TOKENS:
            yield Sentence(tokens, text)
            tokens = []
    if tokens:
        yield Sentence(tokens, text)


def put_right(text: str, changes: Sequence[Change]) -> str:
    """Return the text with every change made."""
    parts, end = [], 0
    for change in changes:
        parts += [text[end : change.start], change.replacement]
        end = change.end
    return "".join([*parts, text[end:]])


def change_of(text: str, verdict: Verdict) -> Change:
    """Return the best alteration of a judged word."""
    one = verdict.judged
    first = verdict.token
    last = verdict.sentence.tokens[one.place + one.span - 1]
    original = text[first.start : last.end]
    curly = "’" in text
    small = text.islower()  # who writes all in small letters gets no "I" either

    def written(word: str) -> str:
        word = word if small else in_case(word, first.case)
        return word.replace("'", "’") if curly else word

    likely = sorted(zip(one.candidates, verdict.probabilities, strict=True), key=lambda pair: -pair[1])
    alternatives = [
        Alternative(word=original if word == one.typed else written(word), probability=probability)
        for word, probability in likely[:ALTERNATIVES]
        if probability >= LEAST or word == one.typed
    ]
    if all(alternative.word != original for alternative in alternatives):
        own = Alternative(word=original, probability=verdict.probabilities[0])
        alternatives = [*alternatives[: ALTERNATIVES - 1], own]
    return Change(
        start=first.start,
        end=last.end,
        original=original,
        replacement=written(one.candidates[verdict.best]),
        alternatives=tuple(alternatives),
    )
