"""Train the source branch: what each source says otherwise than its level and spread, the rest being left as it is."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from models.averaging import follow
from models.salary import data
from models.salary.network import SalaryNetwork, pinball_loss

SCALE_FLOOR = 0.1  # a circle that is dark for nearly everybody would be blown up beyond


@dataclass(frozen=True)
class SourcePlan:
    """What a training of the source branch depends on beside the data and the rest of the network."""

    epochs: int = 24
    batch_size: int = 1024
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    average_decay: float = 0.998
    seed: int = 7


def train_source_branch(network: SalaryNetwork, table: data.Table, plan: SourcePlan) -> None:
    """Train ``network.source_branch`` on rows that keep their inputs and say their source; each counts once.

    Here medians of groups and wage floors teach all quantiles: their spread stays with their source.
    """
    network.eval()
    evidence, quantiles = _look(network, table)
    branch = network.source_branch
    branch.center.copy_(evidence.mean(dim=0))
    branch.scale.copy_(evidence.std(dim=0).clamp(min=SCALE_FLOOR))
    averaged = copy.deepcopy(branch).eval()
    optimizer = torch.optim.AdamW(branch.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
    steps = plan.epochs * math.ceil(len(table) / plan.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, plan.learning_rate, total_steps=steps, pct_start=0.1
    )
    torch.manual_seed(plan.seed)
    branch.train()
    for _ in range(plan.epochs):
        for rows in torch.randperm(len(table)).split(plan.batch_size):
            seen = branch(quantiles[rows], evidence[rows], table.source[rows])  # [B, 5]
            losses = pinball_loss(seen, table.log_pay[rows], network.config.quantile_levels)  # [B, 5]
            optimizer.zero_grad()
            losses.sum(dim=-1).mean().backward()
            optimizer.step()
            schedule.step()
            follow(averaged.parameters(), branch.parameters(), schedule.last_epoch, plan.average_decay)
    branch.load_state_dict(averaged.state_dict())
    branch.eval()


@torch.no_grad()
def _look(network: SalaryNetwork, table: data.Table) -> tuple[Tensor, Tensor]:
    """Return evidence [N, evidence] and quantiles [N, 5] at the level and the spread of each row's source."""
    quantiles: Tensor = network(table.inputs, table.source).quantiles
    return network.evidence(table.inputs), quantiles
