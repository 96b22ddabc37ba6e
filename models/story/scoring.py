"""How many bits the network needs for a text: the figure that training brings down and the model card reports."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.nn import functional

from models.story.data import UNKNOWN, Tokens
from models.story.network import State, StoryNetwork

CHUNK = 256  # tokens read at once; the state is carried on
ROWS = 32


@torch.no_grad()
def nats(network: StoryNetwork, rows: Sequence[Tokens], styles: Sequence[int]) -> list[float]:
    """Return the nats of all tokens after the first of each row, each row read from a fresh state.

    Args:
        network: in any mode; left in evaluation mode.
        rows: token sequences.
        styles: of the rows, as in ``StoryNetwork.forward``.
    """
    network.eval()
    device = network.device
    found = [0.0] * len(rows)
    order = sorted(range(len(rows)), key=lambda row: -len(rows[row]))  # rows of a batch end together
    for begin in range(0, len(order), ROWS):
        batch = order[begin : begin + ROWS]
        length = len(rows[batch[0]])
        tokens = torch.zeros(len(batch), length - 1, dtype=torch.long)
        labels = torch.full_like(tokens, UNKNOWN)
        for place, row in enumerate(batch):
            whole = torch.tensor(rows[row].tolist())
            tokens[place, : len(whole) - 1], labels[place, : len(whole) - 1] = whole[:-1], whole[1:]
        style_ids = torch.tensor([styles[row] for row in batch], device=device)
        total = torch.zeros(len(batch), dtype=torch.float64)
        state: State | None = None
        for x, y in zip(tokens.split(CHUNK, 1), labels.split(CHUNK, 1), strict=True):
            output = network(x.to(device), style_ids, state)
            state = output.state
            loss = functional.cross_entropy(
                output.logits.float().transpose(1, 2), y.to(device), reduction="none", ignore_index=UNKNOWN
            )  # [B, T]
            total += loss.double().sum(dim=1).cpu()
        for row, figure in zip(batch, total.tolist(), strict=True):
            found[row] = figure
    return found


def bits(nats: float) -> float:
    """Return nats in bits."""
    return nats / math.log(2)
