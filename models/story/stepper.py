"""One step of the story network for many streams: what ``nn.LSTM`` does for whole texts, fast for single tokens.

A stream's numbers must not depend on its company, or a last bit could turn one word and then a whole story. Ordinary
matrix products round differently for 1 row than for 16, so this step is built of parts that cannot:

- on a CPU the products are of 8-bit whole numbers, which add up exactly in any order (and read a quarter of the
  memory, which is what one stream waits for);
- on a GPU they are in half precision, always of ``BLOCK`` rows, empty ones where fewer streams are open;
- all else works on one row at a time, or on single numbers in pieces too small to be shared out to threads.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from models.story.network import RecurrentLayer, State, StoryNetwork

BLOCK = 32
"""Rows of one pass. At most 32,768 numbers at once stay on one thread in torch, and a gate has 512 a row."""


class WholeNumbers:
    """A product in 8-bit whole numbers, each row of the input and each column of the matrix with its own scale."""

    def __init__(self, weight: Tensor) -> None:
        """Take a weight [outputs, inputs]."""
        self.scale = weight.abs().amax(dim=1).clamp(min=1e-8) / 127  # [outputs]
        # The rows of the transposed view lie in memory as the outputs do: the product reads each of them once.
        self.weight = (
            (weight / self.scale[:, None]).round().to(torch.int8).contiguous().t()
        )  # [inputs, outputs]

    def __call__(self, x: Tensor) -> Tensor:
        """Multiply rows [B, inputs] into [B, outputs]."""
        scale = x.abs().amax(dim=1, keepdim=True).clamp(min=1e-8) / 127  # [B, 1]
        whole = (x / scale).round().to(torch.int8)  # [B, inputs]
        return torch._int_mm(whole, self.weight) * scale * self.scale  # [B, outputs]

    @property
    def nbytes(self) -> int:
        """Bytes of the matrix."""
        return self.weight.nbytes + self.scale.nbytes


class HalfPrecision:
    """A product in half precision, always of ``BLOCK`` rows."""

    def __init__(self, weight: Tensor) -> None:
        """Take a weight [outputs, inputs]."""
        self.weight = weight.half().t().contiguous()  # [inputs, outputs]

    def __call__(self, x: Tensor) -> Tensor:
        """Multiply rows [B, inputs] into [B, outputs]."""
        padded = functional.pad(x.half(), (0, 0, 0, BLOCK - len(x)))  # [BLOCK, inputs]
        return (padded @ self.weight)[: len(x)].float()  # [B, outputs]

    @property
    def nbytes(self) -> int:
        """Bytes of the matrix."""
        return self.weight.nbytes


class Stepper:
    """The network's weights, packed for reading one token at a time."""

    def __init__(self, network: StoryNetwork) -> None:
        product = HalfPrecision if network.device.type == "cuda" else WholeNumbers
        self.device = network.device
        self.vocab_size = network.config.vocab_size
        self.embedding = network.embedding.weight.detach().float()
        self.style = network.style.weight.detach().float()
        self.bias = network.bias.detach().float()
        self.norm = network.norm
        self.layers = [
            _Layer(layer, product) for layer in network.layers if isinstance(layer, RecurrentLayer)
        ]
        self.head = product(self.embedding)

    @property
    def nbytes(self) -> int:
        """Bytes that the packed weights take."""
        products = [self.head, *(part for layer in self.layers for part in (layer.reads, layer.recalls))]
        tensors = (self.embedding, self.style, self.bias)
        return sum(product.nbytes for product in products) + sum(tensor.nbytes for tensor in tensors)

    @torch.inference_mode()
    def step(self, tokens: Tensor, styles: Tensor, state: State) -> tuple[Tensor, State]:
        """Read one token of each of B streams.

        Args:
            tokens: [B].
            styles: [B], as in ``StoryNetwork.forward``.
            state: hidden and cell [layers, B, hidden_size] each, which are left as they are.

        Returns:
            Logits [B, vocab_size] and the new state.
        """
        if len(tokens) <= BLOCK:
            return self._step(tokens, styles, state)
        parts = [
            self._step(*part[:2], (part[2], part[3]))
            for part in zip(
                tokens.split(BLOCK),
                styles.split(BLOCK),
                state[0].split(BLOCK, 1),
                state[1].split(BLOCK, 1),
                strict=True,
            )
        ]
        logits = torch.cat([part[0] for part in parts])
        return logits, (
            torch.cat([part[1][0] for part in parts], 1),
            torch.cat([part[1][1] for part in parts], 1),
        )

    def _step(self, tokens: Tensor, styles: Tensor, state: State) -> tuple[Tensor, State]:
        x = self.embedding[tokens] + self.style[styles]  # [B, hidden_size]
        hidden, cell = [], []
        for index, layer in enumerate(self.layers):
            h, c = layer.step(x, state[0][index], state[1][index])  # [B, hidden_size]
            x = h if index == 0 else x + h
            hidden.append(h)
            cell.append(c)
        return self.head(self.norm(x)) + self.bias, (torch.stack(hidden), torch.stack(cell))


class _Layer:
    def __init__(self, layer: RecurrentLayer, product: type[WholeNumbers | HalfPrecision]) -> None:
        self.norm = layer.norm
        weights = {name: parameter.detach() for name, parameter in layer.lstm.named_parameters()}
        self.reads, self.recalls = product(weights["weight_ih_l0"]), product(weights["weight_hh_l0"])
        self.bias = weights["bias_ih_l0"] + weights["bias_hh_l0"]

    def step(self, x: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        gates = self.reads(self.norm(x)) + self.recalls(hidden) + self.bias  # [B, 4 * hidden_size]
        enter, keep, new, leave = gates.chunk(4, dim=1)  # [B, hidden_size]
        # In this order of roundings on every machine: a fused multiply-add would depend on the place in memory.
        cell = keep.sigmoid() * cell + enter.sigmoid() * new.tanh()
        return leave.sigmoid() * cell.tanh(), cell
