"""Look into the salary network while it guesses and while it is corrected: signals, gradients, blame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.salary.network import SalaryInputs, SalaryNetwork, pinball_loss

SHOWN = 8
"""Circles of each hidden layer that are shown: half for their light, half for their blame."""
SIGNALS, BLAMED = 14, 12
"""Lines between two layers that are drawn forward and back."""

THROUGH_TRUNK = ("degree", "field", "age", "experience", "gender")
ASIDE = ("promotions", "university")
"""Inputs that have a branch of their own, which adds to the median at once."""


@dataclass(frozen=True)
class Edge:
    """A weight (for an input: the weights of its 16 numbers together) between two circles that are shown."""

    start: int
    """The circle's place in its column."""
    end: int
    signal: float
    """What went through it, from 0 to 1 beside the strongest one of its layer."""
    blame: float
    """Size of its gradient, from 0 to 1 beside the largest one of its layer."""
    grows: bool
    """Whether a step against the gradient lets more through it."""


@dataclass(frozen=True)
class Layer:
    """A hidden layer: some of its circles, and the lines that lead to them."""

    size: int
    lit: int
    """Circles of all that are above zero."""
    lights: tuple[float, ...]
    """Of those shown, from 0 to 1 beside the brightest."""
    blames: tuple[float, ...]
    """Gradients of those shown, from 0 to 1 beside the largest."""
    incoming: tuple[Edge, ...]


@dataclass(frozen=True)
class Trace:
    """All that is shown of one guess and its correction."""

    inputs: tuple[str, ...]
    """What was said, or that it was not, in words: first what goes through the trunk, then what goes aside."""
    said: tuple[bool, ...]
    hidden: tuple[Layer, ...]
    outgoing: tuple[Edge, ...]
    """From the last hidden layer to the five outputs."""
    blame: dict[str, float]
    """Which share of the correction falls to each part: together 1."""


def trace_of(network: SalaryNetwork, inputs: SalaryInputs, labels: Mapping[str, str], pay: float) -> Trace:
    """Guess, compare with the pay, and go back through the network; the gradients stay in ``network``.

    Args:
        network: a copy that may be changed.
        inputs: of one person.
        labels: what was said, in words, by input.
        pay: in dollars.
    """
    network.zero_grad()
    output = network(inputs, output_hidden_states=True)
    assert output.quantiles is not None
    assert output.hidden_states is not None
    for hidden in output.hidden_states:
        hidden.retain_grad()
    lesson_loss(network, output.quantiles, pay).backward()

    lights = [hidden.detach()[0] for hidden in output.hidden_states]  # [hidden size] each
    blames = [_gradient(hidden)[0] * (hidden[0] > 0) for hidden in output.hidden_states]
    chosen = [_choose(light, blame) for light, blame in zip(lights, blames, strict=True)]
    layers, before = [], None
    for place, layer in enumerate(network.trunk):
        assert isinstance(layer, nn.Linear)
        weight, gradient = layer.weight.detach(), _gradient(layer.weight)  # [out, in]
        if before is None:
            entering = _encoded(network, inputs)  # [5 * encoding_size]
            signals, slopes = (_by_input(part * entering, network) for part in (weight, gradient))
            sizes = _norms_by_input(gradient, network)
            shown = torch.arange(len(THROUGH_TRUNK))
        else:
            signals, slopes, sizes, shown = weight * lights[place - 1], gradient, gradient.abs(), before
        layers.append(
            Layer(
                size=len(lights[place]),
                lit=int((lights[place] > 0).sum()),
                lights=_beside_largest(lights[place], chosen[place]),
                blames=_beside_largest(blames[place].abs(), chosen[place]),
                incoming=_edges(signals, sizes, slopes, shown, chosen[place]),
            )
        )
        before = chosen[place]
    assert before is not None
    head, gradient = network.head.weight.detach(), _gradient(network.head.weight)
    everything = torch.arange(len(head))
    return Trace(
        inputs=tuple(labels.get(name, f"{name.capitalize()}: not said") for name in (*THROUGH_TRUNK, *ASIDE)),
        said=tuple(name in labels for name in (*THROUGH_TRUNK, *ASIDE)),
        hidden=tuple(layers),
        outgoing=_edges(head * lights[-1], gradient.abs(), gradient, before, everything),
        blame=blame_shares(network),
    )


def lesson_loss(network: SalaryNetwork, quantiles: Tensor, pay: float) -> Tensor:
    """Return what the network was trained to make small, for one person: the quantile losses, added up.

    Args:
        network: for its levels.
        quantiles: of log pay [1, 5], as the network gives them before they are calibrated.
        pay: in dollars.
    """
    truth = torch.tensor([pay], device=quantiles.device).log()
    return pinball_loss(quantiles, truth, network.config.quantile_levels).sum()


def blame_shares(network: SalaryNetwork) -> dict[str, float]:
    """Return which share of the correction falls to each part of a network that holds gradients: together 1.

    A small step against the gradient makes the loss smaller by the rate times the squares of all gradients, so the
    share of a part is that of its squares.
    """
    parts = {
        **{name: getattr(network, name) for name in THROUGH_TRUNK},
        "promotions": network.promotions_branch,
        "university": network.university_branch,
        **{f"layer {number}": layer for number, layer in enumerate(network.trunk, start=1)},
        "output": network.head,
    }
    squares = {
        name: sum(
            float(weight.grad.square().sum()) for weight in part.parameters() if weight.grad is not None
        )
        for name, part in parts.items()
    }
    total = sum(squares.values()) or 1.0
    return {name: square / total for name, square in squares.items()}


def _choose(light: Tensor, blame: Tensor) -> Tensor:
    """Return the places [SHOWN], in order, of the brightest circles and of those most to blame."""
    brightest = light.argsort(descending=True, stable=True)[: SHOWN // 2].tolist()
    others = [
        place
        for place in blame.abs().argsort(descending=True, stable=True).tolist()
        if place not in brightest
    ]
    return torch.tensor(sorted([*brightest, *others[: SHOWN - len(brightest)]]))


def _edges(signals: Tensor, sizes: Tensor, slopes: Tensor, left: Tensor, right: Tensor) -> tuple[Edge, ...]:
    """Return the strongest of all lines of a layer, by signal and by gradient, as far as both their ends are shown.

    Args:
        signals: what goes through each line [out, in].
        sizes: of the gradients [out, in].
        slopes: how fast the loss grows with the signal, by sign [out, in].
        left: places [k] of the circles that are shown before.
        right: places [n] of those that are shown after.
    """
    loudest, most = float(signals.abs().max()), float(sizes.max())
    inside = signals[right][:, left].abs()  # [n, k]
    heard = set(inside.flatten().argsort(descending=True, stable=True)[:SIGNALS].tolist())
    blamed = {
        (int(place) // sizes.shape[1], int(place) % sizes.shape[1])
        for place in sizes.flatten().argsort(descending=True, stable=True)[:BLAMED]
    }
    edges = []
    for end, after in enumerate(right.tolist()):
        for start, before in enumerate(left.tolist()):
            signal = (
                float(signals[after, before].abs()) / loudest if end * len(left) + start in heard else 0.0
            )
            blame = float(sizes[after, before]) / most if most and (after, before) in blamed else 0.0
            if signal or blame:
                edges.append(Edge(start, end, signal, blame, grows=float(slopes[after, before]) < 0))
    return tuple(edges)


def _encoded(network: SalaryNetwork, inputs: SalaryInputs) -> Tensor:
    """Return what enters the trunk [5 * encoding_size]."""
    with torch.no_grad():
        return torch.cat([getattr(network, name)(getattr(inputs, name))[0] for name in THROUGH_TRUNK])


def _by_input(values: Tensor, network: SalaryNetwork) -> Tensor:
    """Add up what belongs to the numbers of one input: [out, 5 * encoding_size] to [out, 5]."""
    return values.reshape(len(values), len(THROUGH_TRUNK), network.config.encoding_size).sum(dim=-1)


def _norms_by_input(values: Tensor, network: SalaryNetwork) -> Tensor:
    """Return the length of the gradient for all numbers of one input: [out, 5 * encoding_size] to [out, 5]."""
    return (
        values.reshape(len(values), len(THROUGH_TRUNK), network.config.encoding_size).square().sum(-1).sqrt()
    )


def _beside_largest(values: Tensor, places: Tensor) -> tuple[float, ...]:
    largest = float(values.max()) or 1.0
    return tuple(float(value) / largest for value in values[places])


def _gradient(tensor: Tensor) -> Tensor:
    assert tensor.grad is not None  # after backward()
    return tensor.grad
