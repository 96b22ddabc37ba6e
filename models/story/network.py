"""The story network: an LSTM language model over pieces of words, told at every step in which style to write.

The recipe is that of AWD-LSTM (Merity et al. 2017, "Regularizing and Optimizing LSTM Language Models"): dropout that
keeps one mask through time, dropped recurrent weights, one matrix for reading and writing words, averaged weights.
Since then: layers with a norm before them and a way around them (Xiong et al. 2020), which let it learn faster.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from transformers import GenerationMixin, PreTrainedConfig, PreTrainedModel
from transformers.utils.generic import ModelOutput

NO_STYLE = 0
"""The index of "any style"; the others are the places in ``StoryConfig.styles`` plus one."""

State = tuple[Tensor, Tensor]
"""Hidden and cell state of every layer, each [layers, B, hidden_size]."""


class StoryConfig(PreTrainedConfig):
    """Sizes, styles and dropout of the network."""

    model_type = "story"

    vocab_size: int = 4096
    hidden_size: int = 512
    num_hidden_layers: int = 2
    styles: list[str] = field(default_factory=list)

    embedding_dropout: float = 0.0
    """The share of words of the vocabulary that are blanked for a whole batch."""
    hidden_dropout: float = 0.0
    """Before and after every layer, with one mask through time (Gal and Ghahramani 2016)."""
    weight_dropout: float = 0.0
    """Of the recurrent matrices, once a batch."""

    bos_token_id: int = 0
    eos_token_id: int = 0
    """One sign stands between stories: it ends the one and begins the other."""
    tie_word_embeddings: bool = True


@dataclass
class StoryOutput(ModelOutput):
    """What the network says of every place of a text."""

    loss: Tensor | None = None  # mean cross-entropy, nats a token
    logits: Tensor | None = None  # [B, T, vocab_size]
    state: State | None = None  # after the last token


class RecurrentLayer(nn.Module):
    """A norm and one LSTM layer, whose recurrent matrix loses some of its weights while training."""

    def __init__(self, size: int, weight_dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.lstm = nn.LSTM(size, size, batch_first=True)
        self.weight_dropout = weight_dropout

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Read ``x`` [B, T, size] on from ``state``, hidden and cell [1, B, size] each."""
        x = self.norm(x)
        if self.training and self.weight_dropout:
            weight = self.lstm.get_parameter("weight_hh_l0")
            dropped = functional.dropout(weight, self.weight_dropout)
            return functional_call(self.lstm, {"weight_hh_l0": dropped}, (x, state))  # type: ignore[no-any-return]
        return self.lstm(x, state)  # type: ignore[no-any-return]


class StoryNetwork(PreTrainedModel, GenerationMixin):
    """Predicts the next token of a story from all that came before.

    ``generate`` of transformers works; ``StoryPredictor`` writes faster and ends stories well.
    """

    config_class = StoryConfig
    base_model_prefix = "story"
    _is_stateful = True

    config: StoryConfig

    def __init__(self, config: StoryConfig) -> None:
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.style = nn.Embedding(len(config.styles) + 1, config.hidden_size)
        self.layers = nn.ModuleList(
            RecurrentLayer(config.hidden_size, config.weight_dropout) for _ in range(config.num_hidden_layers)
        )
        self.norm = nn.LayerNorm(config.hidden_size)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.05)
        elif isinstance(module, nn.LSTM):
            size = module.hidden_size
            for name, parameter in module.named_parameters():
                if "bias" in name:
                    nn.init.zeros_(parameter)
                else:
                    nn.init.normal_(parameter, std=size**-0.5)
            # Remember by default (Jozefowicz et al. 2015); gates lie in the order input, forget, cell, output.
            module.get_parameter("bias_ih_l0")[size : 2 * size] = 1.0
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, StoryNetwork):
            nn.init.zeros_(module.bias)

    def initial_state(self, batch: int) -> State:
        """Return the state before the first token: zeros [layers, batch, hidden_size]."""
        zeros = self.embedding.weight.new_zeros(self.config.num_hidden_layers, batch, self.config.hidden_size)
        return zeros, zeros.clone()

    def forward(
        self,
        input_ids: Tensor,
        style_ids: Tensor | None = None,
        state: State | None = None,
        labels: Tensor | None = None,
        **_: Any,
    ) -> StoryOutput:
        """Read tokens [B, T] and predict what follows each of them.

        Args:
            input_ids: tokens [B, T].
            style_ids: of each row [B], ``NO_STYLE`` or a place in ``config.styles`` plus one.
            state: where the rows stand; the beginning if not given.
            labels: the tokens that really follow [B, T] (already moved by one place), -100 where unknown.
            _: what ``generate`` says to networks of other kinds.
        """
        batch = input_ids.shape[0]
        if style_ids is None:
            style_ids = torch.full((batch,), NO_STYLE, device=input_ids.device)
        hidden, cell = state if state is not None else self.initial_state(batch)
        x = self._embed(input_ids) + self.style(style_ids)[:, None]  # [B, T, hidden_size]
        x = self._drop(x)
        hidden_states, cells = [], []
        for index, layer in enumerate(self.layers):
            y, (h, c) = layer(x, (hidden[index, None], cell[index, None]))  # [B, T, hidden_size]
            # The first layer has no way around it: its input, being tied to the output, would say the word again.
            x = self._drop(y) if index == 0 else x + self._drop(y)
            hidden_states.append(h[0])
            cells.append(c[0])
        logits = functional.linear(self.norm(x), self.embedding.weight, self.bias)  # [B, T, vocab_size]
        loss = None
        if labels is not None:
            loss = functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
        return StoryOutput(loss=loss, logits=logits, state=(torch.stack(hidden_states), torch.stack(cells)))

    def prepare_inputs_for_generation(  # type: ignore[override]  # a state instead of a cache
        self, input_ids: Tensor, state: State | None = None, style_ids: Tensor | None = None, **_: Any
    ) -> dict[str, Any]:
        """Tell ``generate`` what to read next: the prompt, then one token at a time."""
        read = input_ids if state is None else input_ids[:, -1:]  # [B, T] or [B, 1]
        return {"input_ids": read, "state": state, "style_ids": style_ids}

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        return False  # a state of fixed size takes the place of a cache

    def _embed(self, input_ids: Tensor) -> Tensor:
        rate = self.config.embedding_dropout
        if not (self.training and rate):
            return self.embedding(input_ids)  # type: ignore[no-any-return]
        keep = torch.rand(self.config.vocab_size, 1, device=input_ids.device) >= rate  # [vocab_size, 1]
        return functional.embedding(input_ids, self.embedding.weight * keep / (1 - rate))

    def _drop(self, x: Tensor) -> Tensor:
        rate = self.config.hidden_dropout
        if not (self.training and rate):
            return x
        keep = torch.rand(x.shape[0], 1, x.shape[2], device=x.device) >= rate  # [B, 1, hidden_size]
        return x * keep / (1 - rate)
