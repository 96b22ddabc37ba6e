"""How sketches are distributed: a flow, which turns normal numbers into codes of paintings that could be.

RealNVP (Dinh et al. 2017), told the style. It is fitted to the codes of the training paintings by maximum likelihood
and stops when held-out paintings become less likely, that is before it knows the paintings by heart.
"""

from __future__ import annotations

import copy
import math
import time

import torch
from torch import Tensor, nn


class Coupling(nn.Module):
    """Stretches and shifts one half of a vector as the other half and the style say."""

    order: Tensor

    def __init__(self, size: int, style_size: int, hidden: int, number: int) -> None:
        super().__init__()
        self.kept = size // 2
        self.layers = nn.Sequential(
            nn.Linear(self.kept + style_size, hidden),
            nn.SiLU(),
            nn.Dropout(0.1),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Dropout(0.1),
            nn.Linear(hidden, 2 * (size - self.kept)),
        )
        # Every coupling has other halves.
        generator = torch.Generator().manual_seed(number)
        self.register_buffer("order", torch.randperm(size, generator=generator))

    def _says(self, known: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        stretch, shift = self.layers(torch.cat([known, style], dim=1)).chunk(2, dim=1)
        return torch.tanh(stretch), shift

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Go from chance towards codes: [N, size] of [N, size] and styles [N, style_size]."""
        known, other = x[:, : self.kept], x[:, self.kept :]
        stretch, shift = self._says(known, style)
        return torch.cat([known, (other + shift) * stretch.exp()], dim=1)[:, self.order]

    def back(self, x: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """Return what ``forward`` makes ``x`` of, and the logarithm of the volume that it shrinks by, [N]."""
        x = x[:, self.order.argsort()]
        known, other = x[:, : self.kept], x[:, self.kept :]
        stretch, shift = self._says(known, style)
        return torch.cat([known, other * (-stretch).exp() - shift], dim=1), -stretch.sum(dim=1)


class Flow(nn.Module):
    """Codes of paintings that could be, from normal numbers."""

    def __init__(
        self, size: int, styles: int, style_size: int = 16, hidden: int = 128, layers: int = 6
    ) -> None:
        super().__init__()
        self.style = nn.Embedding(styles, style_size)
        self.couplings = nn.ModuleList(Coupling(size, style_size, hidden, number) for number in range(layers))
        self.spread = nn.Embedding(styles, size)  # each style's own mean and spread, to begin with
        self.middle = nn.Embedding(styles, size)

    def forward(self, latents: Tensor, styles: Tensor) -> Tensor:
        """Return codes [N, size] of normal numbers [N, size] and the numbers of styles [N]."""
        style = self.style(styles)
        x = latents
        for coupling in self.couplings:
            x = coupling(x, style)
        return x * self.spread(styles).exp() + self.middle(styles)  # type: ignore[no-any-return]

    def surprise(self, codes: Tensor, styles: Tensor) -> Tensor:
        """Return how unlikely codes [N, size] of styles [N] are: nats a number, [N]."""
        style = self.style(styles)
        spread = self.spread(styles)
        x = (codes - self.middle(styles)) * (-spread).exp()
        volume = -spread.sum(dim=1)
        for coupling in reversed(self.couplings):
            x, part = coupling.back(x, style)  # type: ignore[operator]  # a Module
            volume = volume + part
        size = codes.shape[1]
        return (x.square().sum(dim=1) / 2 - volume) / size + math.log(2 * math.pi) / 2  # type: ignore[no-any-return]


def fit(
    flow: Flow,
    codes: Tensor,
    styles: Tensor,
    weights: Tensor,
    held_out: tuple[Tensor, Tensor],
    *,
    noise: float,
    unstyled: float,
    seconds: float,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
) -> list[tuple[int, float, float]]:
    """Fit the flow to codes [N, size] of styles [N], drawn by their weights [N], and keep the best weights.

    Args:
        flow: changed in place.
        codes: of training paintings.
        styles: their numbers, from 1; 0 is any.
        weights: how often each is drawn.
        held_out: codes and styles of held-out paintings, which say when to stop.
        noise: deviation of normal noise on the codes.
        unstyled: the share of codes whose style is not said.
        seconds: at most.
        batch_size: codes at once.
        learning_rate: of Adam.

    Returns:
        steps and the surprise at training and held-out codes, of every look at the latter.
    """
    optimizer = torch.optim.AdamW(flow.parameters(), learning_rate, weight_decay=0.05)
    best, least, worse = copy.deepcopy(flow.state_dict()), math.inf, 0
    record: list[tuple[int, float, float]] = []
    until, step, total = time.monotonic() + seconds, 0, 0.0
    test, test_styles = held_out
    draw = torch.Generator().manual_seed(0)
    test_noise = noise * torch.randn(test.shape, generator=draw).to(test.device)
    flow.train()
    while time.monotonic() < until and worse < 8:
        rows = torch.multinomial(weights, batch_size, replacement=True)
        said = torch.rand(batch_size, device=codes.device) >= unstyled
        some = codes[rows] + noise * torch.randn(batch_size, codes.shape[1], device=codes.device)
        loss = flow.surprise(some, torch.where(said, styles[rows], 0)).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(flow.parameters(), 1.0)
        optimizer.step()
        step, total = step + 1, total + float(loss.detach())
        if step % 100 == 0:
            flow.eval()
            with torch.inference_mode():
                figure = float(flow.surprise(test + test_noise, test_styles).mean())
            flow.train()
            record.append((step, total / 100, figure))
            total = 0.0
            worse += 1
            if figure < least:
                best, least, worse = copy.deepcopy(flow.state_dict()), figure, 0
    flow.load_state_dict(best)
    flow.eval()
    return record


def start(module: nn.Module) -> None:
    """Start a layer of a flow: the whole does nothing at first but turn the order."""
    if isinstance(module, Coupling):
        last = module.layers[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    elif isinstance(module, Flow):
        nn.init.zeros_(module.spread.weight)
        nn.init.zeros_(module.middle.weight)
        nn.init.normal_(module.style.weight)
