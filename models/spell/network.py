"""The spelling network: what fits here (a recurrent reading of all around a word) and how such a slip happens.

Each word that may be wrong has candidates, the word as it was typed among them. Two LSTMs read the sentence, one up to
the word and one from its end back to it, and say together what they expect there; neither sees the word itself. A small
convolution reads the typed word and a candidate letter by letter, side by side, and says how such a slip comes about.
One layer weighs both, and a softmax over the candidates of a word gives their probabilities.

Words are a learned vector for common ones and a convolution over letters for all (Kim et al. 2016, "Character-aware
neural language models"), so that names and slang are words as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.utils.generic import ModelOutput

PAD = 0
"""In every index: nothing is there."""


FIT_SCALE = 8.0
"""What the product of an expectation and a word is divided by."""


class SpellConfig(PreTrainedConfig):
    """Sizes of the network."""

    model_type = "spell"

    vocab_size: int = 16_384
    """Words and signs with a vector of their own; 0 is for all others."""
    letters: int = 32
    features: int = 30
    """Figures of a candidate, as ``models.spell.data`` computes them."""
    word_size: int = 64
    letter_size: int = 32
    letter_filters: int = 96
    hidden_size: int = 320
    num_hidden_layers: int = 1
    match_size: int = 128
    """Of the vectors that expectation and candidates are compared in."""
    pair_size: int = 40
    pair_filters: int = 64
    dropout: float = 0.1


class SpellInputs(NamedTuple):
    """A batch: U different words, B sentences of T tokens, J judged words with up to K candidates, P in all."""

    letters: Tensor  # [U, L] long, PAD where a word has ended
    words: Tensor  # [U] long, the word's own vector or 0
    sentences: Tensor  # [B, T] long, places among the U words; PAD after the end
    rows: Tensor  # [J] long, the judged word's sentence
    columns: Tensor  # [J] long, and its place there
    spans: Tensor  # [J] long, tokens that the candidates stand for: 1, or 2 where a space may be wrong
    candidates: Tensor  # [J, K] long, places among the U words; PAD where there are fewer
    pairs: Tensor  # [P, M] long, letters of the typed word and of the candidate side by side, one number each
    features: Tensor  # [P, features]


@dataclass
class SpellOutput(ModelOutput):
    """What the network says of every judged word."""

    logits: Tensor | None = None  # [J, K], -inf where there is no candidate
    expected: Tensor | None = None  # [B, T, match_size], what the surroundings of each token expect there
    words: Tensor | None = None  # [U, match_size], to compare that with


class SpellNetwork(PreTrainedModel):
    """Scores candidates for the words of sentences."""

    config_class = SpellConfig
    base_model_prefix = "spell"

    config: SpellConfig

    def __init__(self, config: SpellConfig) -> None:
        super().__init__(config)
        self.word = nn.Embedding(config.vocab_size, config.word_size, padding_idx=PAD)
        self.letter = nn.Embedding(config.letters, config.letter_size, padding_idx=PAD)
        self.spelling = nn.Conv1d(config.letter_size, config.letter_filters, 3, padding=1)
        size = config.word_size + config.letter_filters
        layers = config.num_hidden_layers
        dropout = config.dropout if layers > 1 else 0.0
        self.before = nn.LSTM(size, config.hidden_size, layers, batch_first=True, dropout=dropout)
        self.after = nn.LSTM(size, config.hidden_size, layers, batch_first=True, dropout=dropout)
        self.expect = nn.Linear(2 * config.hidden_size, config.match_size)
        self.match = nn.Linear(size, config.match_size)
        self.pair_letters = nn.Embedding(config.letters**2, config.pair_size, padding_idx=PAD)
        self.pair = nn.Conv1d(config.pair_size, config.pair_filters, 3, padding=1)
        joined = config.pair_filters + config.features + config.match_size + 2
        self.judge = nn.Sequential(nn.Linear(joined, 128), nn.ReLU(), nn.Linear(128, 1))
        self.dropout = nn.Dropout(config.dropout)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.1)
            module.weight[PAD] = 0.0
        elif isinstance(module, nn.LSTM):
            size = module.hidden_size
            for name, parameter in module.named_parameters():
                if "bias" in name:
                    nn.init.zeros_(parameter)
                    if "bias_ih" in name:  # remember by default (Jozefowicz et al. 2015)
                        parameter[size : 2 * size] = 1.0
                else:
                    nn.init.normal_(parameter, std=size**-0.5)
        elif isinstance(module, (nn.Linear, nn.Conv1d)):
            fan_in = module.weight[0].numel()
            nn.init.normal_(module.weight, std=fan_in**-0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, inputs: SpellInputs) -> SpellOutput:
        """Score every candidate of every judged word."""
        vectors = self._vectors(inputs.letters, inputs.words)  # [U, word_size + letter_filters]
        matches = self.match(vectors)  # [U, match_size]
        before, after = self._read(vectors[inputs.sentences], inputs.sentences != PAD)
        # State before the first token that the candidates replace, and state after the last one.
        first = before[inputs.rows, inputs.columns]  # [J, hidden_size]
        last = after[inputs.rows, inputs.columns + inputs.spans - 1]
        expected = self.expect(self.dropout(torch.cat([first, last], -1)))  # [J, match_size]
        logits = self._score(expected, matches, inputs)
        everywhere = self.expect(torch.cat([before, after], -1))  # [B, T, match_size]
        return SpellOutput(logits=logits, expected=everywhere, words=matches)

    def expectations(self, inputs: SpellInputs) -> tuple[Tensor, Tensor]:
        """Return what either side of the judged words lets expect, without the other side.

        Returns:
            by what stands before, as if the sentence ended there, and by what follows; [J, match_size] each.
        """
        vectors = self._vectors(inputs.letters, inputs.words)
        before, after = self._read(vectors[inputs.sentences], inputs.sentences != PAD)
        first = before[inputs.rows, inputs.columns]  # [J, hidden_size]
        last = after[inputs.rows, inputs.columns + inputs.spans - 1]
        nothing = torch.zeros_like(first)
        return self.expect(torch.cat([first, nothing], -1)), self.expect(torch.cat([nothing, last], -1))

    def matches(self, letters: Tensor, words: Tensor) -> Tensor:
        """Return what words [U] of letters [U, L] are compared with expectations by: [U, match_size]."""
        return self.match(self._vectors(letters, words))  # type: ignore[no-any-return]

    def _score(self, expected: Tensor, matches: Tensor, inputs: SpellInputs) -> Tensor:
        """Weigh what is expected [J, match_size] and how the slip happens against each other; return logits [J, K]."""
        there = inputs.candidates != PAD  # [J, K], P of them
        counts = there.sum(1)  # [J]
        owner = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)  # [P]
        fit = expected[owner] * matches[inputs.candidates[there]]  # [P, match_size]
        total = fit.sum(-1, keepdim=True) / FIT_SCALE  # [P, 1]
        typed = total[counts.cumsum(0) - counts]  # [J, 1]: of the word as it was typed, which comes first
        slip = self._slips(inputs.pairs)  # [P, pair_filters]
        seen = torch.cat([slip, inputs.features, fit, total, total - typed[owner]], -1)
        scores = self.judge(seen)[:, 0].float()  # [P]
        logits = scores.new_full(there.shape, -torch.inf)
        return logits.masked_scatter(there, scores)  # type: ignore[no-any-return]  # [J, K]

    def _vectors(self, letters: Tensor, words: Tensor) -> Tensor:
        spelled = self.spelling(self.letter(letters).transpose(1, 2))  # [U, letter_filters, L]
        spelled = spelled.masked_fill((letters == PAD)[:, None], -1e4).amax(-1).clamp(min=-1.0)
        vectors: Tensor = self.dropout(torch.cat([self.word(words), functional.relu(spelled)], -1))
        return vectors

    def _read(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Read sentences [B, T, size] both ways; return the states before and after each token [B, T, hidden_size]."""
        forwards, _ = self.before(x)
        # Turned around within each sentence, so that the end comes first and the padding last.
        lengths = mask.sum(1)  # [B]
        places = torch.arange(x.shape[1], device=x.device)
        turned = (lengths[:, None] - 1 - places).clamp(min=0)  # [B, T]
        rows = torch.arange(len(x), device=x.device)[:, None]
        backwards, _ = self.after(x[rows, turned])
        backwards = backwards[rows, turned]
        zeros = forwards.new_zeros(len(x), 1, forwards.shape[2])
        before = torch.cat([zeros, forwards[:, :-1]], 1)
        after = torch.cat([backwards[:, 1:], zeros], 1)
        return before, after * (places[None] < lengths[:, None] - 1)[..., None]

    def _slips(self, pairs: Tensor) -> Tensor:
        """Read typed words and candidates side by side [P, M]; return [P, pair_filters]."""
        x = self.pair(self.pair_letters(pairs).transpose(1, 2)).relu()  # [P, pair_filters, M]
        return (x * (pairs != PAD)[:, None]).sum(-1) / 4.0  # type: ignore[no-any-return]
