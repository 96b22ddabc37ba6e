"""How sketches are distributed: a flow, along which normal numbers drift to codes of paintings that could be.

Flow matching (Lipman et al. 2023): a network, told the style, learns the velocity of points that go on straight lines
from chance to the codes of training paintings. Going along its velocities is a map from chance to codes: continuous,
the same every time, and unlike the lines it never crosses itself. Fitting stops when held-out paintings become harder
to reach, that is before the paintings are known by heart.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from models.averaging import follow

STEPS = 12
"""From chance to a code. Two hundred steps end at the same place but for 0.002 of the spread of codes."""
FREQUENCIES = 16
"""Of the sines and cosines by which the network is told the time."""


class Block(nn.Module):
    """Adds to a vector what two layers make of it (He et al. 2016)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(size), nn.Linear(size, size), nn.SiLU(), nn.Dropout(0.1), nn.Linear(size, size)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, size]."""
        return x + self.layers(x)  # type: ignore[no-any-return]


class Flow(nn.Module):
    """Codes of paintings that could be, from normal numbers."""

    def __init__(
        self, size: int, styles: int, style_size: int = 32, hidden: int = 384, layers: int = 3
    ) -> None:
        super().__init__()
        self.style = nn.Embedding(styles, style_size)
        self.time = nn.Linear(2 * FREQUENCIES, 64)
        self.start = nn.Linear(size + 64 + style_size, hidden)
        self.blocks = nn.Sequential(*(Block(hidden) for _ in range(layers)))
        self.end = nn.Linear(hidden, size)

    def velocity(self, points: Tensor, times: Tensor, styles: Tensor) -> Tensor:
        """Return where points [N, size] of styles [N] drift at times [N] from 0, chance, to 1, codes: [N, size]."""
        phases = times[:, None] * torch.arange(1, FREQUENCIES + 1, device=times.device)  # [N, FREQUENCIES]
        told = self.time(torch.cat([phases.sin(), phases.cos()], dim=1))
        x = self.start(torch.cat([points, told, self.style(styles)], dim=1))
        return self.end(self.blocks(x))  # type: ignore[no-any-return]

    def forward(self, latents: Tensor, styles: Tensor, steps: int = STEPS) -> Tensor:
        """Return codes [N, size] of normal numbers [N, size] and the numbers of styles [N]."""
        points, length = latents, 1 / steps
        for step in range(steps):  # Heun's: the mean of the velocities here and where it would lead
            now = torch.full_like(latents[:, 0], step * length)
            here = self.velocity(points, now, styles)
            there = self.velocity(points + length * here, now + length, styles)
            points = points + length * (here + there) / 2
        return points

    def miss(self, chance: Tensor, codes: Tensor, times: Tensor, styles: Tensor) -> Tensor:
        """Return the mean squared error of velocities on the straight lines from chance to codes.

        Args:
            chance: normal numbers [N, size].
            codes: of paintings [N, size].
            times: of the points on the lines [N].
            styles: of the paintings [N].
        """
        points = torch.lerp(chance, codes, times[:, None])
        return (self.velocity(points, times, styles) - (codes - chance)).square().mean()


def fit(
    flow: Flow,
    codes: Tensor,
    styles: Tensor,
    weights: Tensor,
    held_out: tuple[Tensor, Tensor],
    *,
    noise: float,
    unstyled: float,
    steps: int,
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
        steps: at most.
        batch_size: codes at once.
        learning_rate: of Adam.

    Returns:
        steps and the error on training and held-out codes, of every look at the latter.
    """
    device = codes.device
    optimizer = torch.optim.AdamW(flow.parameters(), learning_rate, weight_decay=0.05)
    averaged = copy.deepcopy(flow).eval()
    best, least, worse = copy.deepcopy(flow.state_dict()), math.inf, 0
    record: list[tuple[int, float, float]] = []
    total = 0.0
    test, test_styles = (one.repeat_interleave(4, dim=0) for one in held_out)
    draw = torch.Generator().manual_seed(0)  # always the same lines and places on them
    test_chance = torch.randn(test.shape, generator=draw).to(device)
    test_times = torch.rand(len(test), generator=draw).to(device)
    flow.train()
    for step in range(1, steps + 1):
        rows = torch.multinomial(weights, batch_size, replacement=True)
        said = torch.rand(batch_size, device=device) >= unstyled
        some = codes[rows] + noise * torch.randn(batch_size, codes.shape[1], device=device)
        times = torch.randn(batch_size, device=device).sigmoid()  # half way is hardest (Esser et al. 2024)
        loss = flow.miss(torch.randn_like(some), some, times, torch.where(said, styles[rows], 0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += float(loss.detach())
        follow(averaged.parameters(), flow.parameters(), step, 0.999)
        if step % 100 == 0:
            with torch.inference_mode():
                figure = float(averaged.miss(test_chance, test, test_times, test_styles))
            record.append((step, total / 100, figure))
            total = 0.0
            worse += 1
            if figure < least:
                best, least, worse = copy.deepcopy(averaged.state_dict()), figure, 0
            if worse == 10:
                break
    flow.load_state_dict(best)
    flow.eval()
    return record


def start(flow: Flow) -> None:
    """Start a flow: at first every point is expected to drift nowhere."""
    for module in flow.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            nn.init.zeros_(module.bias)
    lasts = [block.layers[-1] for block in flow.blocks if isinstance(block, Block)]
    for layer in (*lasts, flow.end):
        assert isinstance(layer, nn.Linear)
        nn.init.zeros_(layer.weight)
    nn.init.normal_(flow.style.weight)
