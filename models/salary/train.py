"""Train the salary network: ``python -m models.salary.train --data DIR --out DIR``.

Kills and restarts are harmless: the state after the last epoch lies in ``OUT/state.pt``, and every epoch draws its
order and its masks from the seed and its own number, so that a resumed training ends as an uninterrupted one.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm
from transformers.utils.logging import disable_progress_bar

from models.averaging import follow
from models.salary import data
from models.salary.calibration import calibrate_network, reference
from models.salary.network import MEDIAN, SalaryConfig, SalaryInputs, SalaryNetwork, pinball_loss
from models.salary.sources import SourcePlan, train_source_branch

SOURCE_WEIGHTS = {
    "perm_2016": 0.3,  # wage floors: too narrow, and of foreign workers only
    "isu_professors": 0.5,  # one employer
    "isu_staff": 0.5,
    "scorecard_2025": 0.5,  # drop-outs and part-timers are in these medians
}
"""How much a row counts by its source, beside its own weight; 1 where not named."""

MOST_WEIGHT = 5.0  # a survey weight beyond this would let single rows pull
CELL_LOSS = 2.0  # cells feed one quantile instead of five


@dataclass(frozen=True)
class Plan:
    """Everything that a training depends on beside the data."""

    epochs: int = 16
    batch_size: int = 1024
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    university_decay: float = 0.1
    """Shrinks what is learned of a single institution towards what its features say."""
    order_weight: float = 2.0
    """Of the penalty on pay that falls with experience or degree."""
    order_rows: int = 128
    source_said: float = 0.35
    """The share of the surveys' rows that say their source and keep all inputs."""
    branch_mask: float = 0.2
    average_decay: float = 0.998
    """Of the running mean of the weights, which is what is validated and kept."""
    seed: int = 7


def train(
    config: SalaryConfig, features: Tensor, table: data.Table, valid: data.Table, plan: Plan, out: Path
) -> SalaryNetwork:
    """Train on ``table``, keep the weights that do best on ``valid`` in ``out``, and return them.

    The source branch and the calibration come after.

    Args:
        config: vocabulary and sizes.
        features: of the universities of ``config`` [universities, features].
        table: the train split.
        valid: the valid split.
        plan: settings.
        out: folder for the weights, the state to resume from and the report.

    Raises:
        ValueError: the state in ``out`` belongs to a training with other settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    network = SalaryNetwork(config)
    network.university_branch.features[1:] = features
    averaged = copy.deepcopy(network).eval()
    optimizer = _optimizer(network, plan)
    steps = plan.epochs * math.ceil(len(table) / plan.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [group["lr"] for group in optimizer.param_groups], total_steps=steps, pct_start=0.1
    )
    draw = torch.Generator().manual_seed(plan.seed)
    masked_valid = data.mask_inputs(valid.inputs, data.random_rates(len(valid), draw), draw)
    surveys = valid.kind == data.PERSON
    surveys &= torch.isin(valid.source, reference(config))
    nobody = torch.full_like(valid.source, -1)
    losses: list[dict[str, float]] = []
    state_path = out / "state.pt"
    if state_path.exists():
        state = torch.load(state_path, weights_only=True)
        if state["plan"] != asdict(plan):
            msg = f"{state_path} belongs to a training with other settings: choose another folder"
            raise ValueError(msg)
        network.load_state_dict(state["network"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        losses = state["losses"]

    for epoch in tqdm(range(len(losses), plan.epochs), desc="epochs", initial=len(losses), total=plan.epochs):
        torch.manual_seed(plan.seed + 1000 * (epoch + 1))  # dropout
        trained = _train_epoch(network, averaged, optimizer, schedule, table, plan, epoch)
        as_given = validate(averaged, valid, valid.kind == data.PERSON)
        masked = validate(averaged, replace(valid, inputs=masked_valid, source=nobody), surveys)
        best = min((loss["valid"] for loss in losses), default=math.inf)
        losses.append({"train": trained, "valid": as_given + masked, "as_given": as_given, "masked": masked})
        if as_given + masked < best:
            averaged.save_pretrained(out / "best")
        _save_state(state_path, network, averaged, optimizer, schedule, losses, plan)
    _draw_losses(losses, out / "loss.png")
    (out / "losses.json").write_text(json.dumps(losses, indent=1))
    return SalaryNetwork.from_pretrained(out / "best")


@torch.no_grad()
def validate(network: SalaryNetwork, table: data.Table, rows: Tensor) -> float:
    """Return the mean quantile loss over some rows of ``table``."""
    quantiles = network(table.inputs, table.source).quantiles
    loss = pinball_loss(quantiles, table.log_pay, network.config.quantile_levels).mean(dim=-1)
    return float(loss[rows].mean())


def mask(batch: data.Table, config: SalaryConfig, plan: Plan, generator: torch.Generator) -> data.Table:
    """Forget inputs and sources at random, so that the pattern of blanks cannot name the source.

    A survey's row either says its source and keeps its inputs, which teaches the level of the source, or says no
    source and loses inputs, which teaches what the surveys together know from some of the inputs. (A row that says
    its source and loses its field would push the usual pay of that field into the level of the source.) Rows of
    other sources always say theirs and lose only university or promotions, which fixes the zero of these branches.
    """
    survey = torch.isin(batch.source, reference(config)) & (batch.kind == data.PERSON)
    silent = survey & (torch.rand(len(batch), generator=generator) >= plan.source_said)
    rates = (data.random_rates(len(batch), generator) * silent[:, None]).repeat(
        1, len(batch.inputs)
    )  # [B, 7]
    rates[~survey, data.UNIVERSITY] = plan.branch_mask
    rates[~survey, data.PROMOTIONS] = plan.branch_mask
    inputs = data.mask_inputs(data.spread_bands(batch, generator), rates, generator)
    return replace(batch, inputs=inputs, source=batch.source.masked_fill(silent, -1))


def row_weights(table: data.Table, config: SalaryConfig) -> Tensor:
    """Return how much each row [N] counts."""
    by_source = torch.tensor([SOURCE_WEIGHTS.get(source, 1.0) for source in config.sources])
    return table.weight.clamp(max=MOST_WEIGHT) * by_source[table.source]


def row_losses(quantiles: Tensor, table: data.Table, levels: list[float]) -> Tensor:
    """Return the loss [B]: persons teach all quantiles, medians of groups and wage floors the median only.

    The spread of a group's medians says nothing of the spread of persons.
    """
    losses = pinball_loss(quantiles, table.log_pay, levels)  # [B, 5]
    return torch.where(table.kind == data.PERSON, losses.sum(dim=-1), CELL_LOSS * losses[:, MEDIAN])


def order_penalty(network: SalaryNetwork, generator: torch.Generator, rows: int) -> Tensor:
    """Return how far pay falls where it should not, over made-up people with random blanks.

    Two orders hold in every source, yet no source has all inputs, so the network would be free to break them where
    it composes. Pay does not fall with experience before mid-career (about 20 years). All else being equal the median
    does not fall with a higher degree up to the bachelor's, nor from the bachelor's to any graduate degree.
    """
    config = network.config

    def choose(words: list[str], known: float) -> Tensor:
        index = torch.randint(1, len(words) + 1, (rows,), generator=generator)
        return index * (torch.rand(rows, generator=generator) < known)

    age = torch.rand(rows, generator=generator) * 45 + 20
    experience = torch.rand(rows, generator=generator) * torch.minimum(age - 16, torch.tensor(18.0))
    more = experience + 1 + 4 * torch.rand(rows, generator=generator)
    unknown_age = (torch.rand(rows, generator=generator) < 0.4) | (more > age - 16)
    age = age.masked_fill(unknown_age, math.nan)
    not_known = torch.full((rows,), math.nan)
    inputs = SalaryInputs(
        degree=choose(config.degrees, 0.85),
        field=choose(config.fields, 0.7),
        age=age,
        experience=experience,
        gender=choose(config.genders, 0.6),
        promotions=not_known,
        university=torch.zeros(rows, dtype=torch.long),
    )
    with_more = inputs._replace(experience=more)

    # Places in the list, one less than the indices of the embedding.
    bachelor = config.degrees.index("bachelor")
    lower = torch.randint(0, bachelor + 1, (rows,), generator=generator)
    graduate = torch.randint(bachelor + 1, len(config.degrees), (rows,), generator=generator)
    higher = torch.where(lower < bachelor, lower + 1, graduate)
    blank = torch.rand(rows, generator=generator) < 0.3
    pair = inputs._replace(
        age=torch.where(age < 24, math.nan, age), experience=experience.masked_fill(blank, math.nan)
    )
    people = [inputs, with_more, pair._replace(degree=lower + 1), pair._replace(degree=higher + 1)]
    batch = SalaryInputs(*(torch.cat(values) for values in zip(*people, strict=True)))
    less, greater, low, high = network(batch).quantiles.chunk(4)  # [rows, 5] each
    # Low pay is more common among young doctors than among bachelors, in the data and in the world: medians only.
    lost = functional.relu(less - greater).mean(dim=-1) + functional.relu(low - high)[:, MEDIAN]  # [rows]
    return lost.mean()


@torch.no_grad()
def settle_universities(network: SalaryNetwork, train: data.Table) -> None:
    """Let no university count for more than in what has been seen, and the average graduate's for exactly nothing.

    An institution counts in the average by its undergraduates, and only where it plausibly awards the degree.

    Args:
        network: changed in place.
        train: rows it has learned from.
    """
    branch, config = network.university_branch, network.config
    branch.center.zero_()
    branch.limits.copy_(torch.tensor([-torch.inf, torch.inf]))
    effects = branch(train.inputs.university, train.inputs.degree, train.inputs.field)  # [N]
    for says_degree in (False, True):
        seen = effects[(train.inputs.university > 0) & ((train.inputs.degree > 0) == says_degree)]
        if len(seen):
            branch.limits[int(says_degree)] = torch.stack([seen.min(), seen.max()])
    names = config.university_features
    column = {name: branch.features[1:, names.index(name)] for name in names}  # [universities] each
    people = (column["log_undergraduates"] * data.UNDERGRADUATES_SCALE + data.UNDERGRADUATES_MEAN).exp()
    two_year = column["tier_two_year_or_less"] > 0
    # No more than a fifth of the entries lack a tier: these are kept out, for their features are blanks.
    people = people * (sum(column[f"tier_{tier}"] for tier in data.TIERS) > 0)
    university = torch.arange(1, len(people) + 1)
    short = config.degrees.index("associate") + 1
    for degree in range(len(config.degrees) + 1):
        share = torch.where(two_year & (degree > short), 0.0, people)
        for study in range(len(config.fields) + 1):
            same = torch.ones_like(university)
            effect = branch(university, degree * same, study * same)
            branch.center[degree, study] = (effect * share).sum() / share.sum().clamp(min=1)


def _train_epoch(
    network: SalaryNetwork,
    averaged: SalaryNetwork,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    table: data.Table,
    plan: Plan,
    epoch: int,
) -> float:
    generator = torch.Generator().manual_seed(plan.seed + epoch)
    weights = row_weights(table, network.config)
    order = torch.randperm(len(table), generator=generator)
    total = 0.0
    network.train()
    for rows in order.split(plan.batch_size):
        batch = table[rows]
        masked = mask(batch, network.config, plan, generator)
        quantiles = network(masked.inputs, masked.source).quantiles
        loss = (row_losses(quantiles, batch, network.config.quantile_levels) * weights[rows]).mean()
        penalty = order_penalty(network, generator, plan.order_rows)
        optimizer.zero_grad()
        (loss + plan.order_weight * penalty).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        follow(averaged.parameters(), network.parameters(), schedule.last_epoch, plan.average_decay)
        total += float(loss.detach()) * len(rows)
    return total / len(table)


def _optimizer(network: SalaryNetwork, plan: Plan) -> torch.optim.AdamW:
    own = network.university_branch.own.weight
    free = [
        network.source_level.weight,
        network.source_spread.weight,
        *network.promotions_branch.parameters(),
    ]
    later = network.source_branch.parameters()
    special = {id(parameter) for parameter in [own, *free, *later]}
    usual = [parameter for parameter in network.parameters() if id(parameter) not in special]
    return torch.optim.AdamW(
        [
            {"params": usual, "weight_decay": plan.weight_decay},
            {"params": [own], "weight_decay": plan.university_decay},
            # Levels of sources take what is a source's own from the first step, before the trunk can.
            {"params": free, "weight_decay": 0.0, "lr": 2 * plan.learning_rate},
        ],
        lr=plan.learning_rate,
    )


def _save_state(
    path: Path,
    network: SalaryNetwork,
    averaged: SalaryNetwork,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    losses: list[dict[str, float]],
    plan: Plan,
) -> None:
    state: dict[str, Any] = {
        "network": network.state_dict(),
        "averaged": averaged.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "losses": losses,
        "plan": asdict(plan),
    }
    fresh = path.with_suffix(".new")
    torch.save(state, fresh)
    fresh.replace(path)  # a kill while writing leaves the old state


def _draw_losses(losses: list[dict[str, float]], path: Path) -> None:
    from matplotlib.figure import Figure  # only training draws

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name in ("as_given", "masked"):
        axes.plot([loss[name] for loss in losses], label=f"valid, {name.replace('_', ' ')}")
    axes.set(xlabel="epoch", ylabel="mean quantile loss of log pay, persons")
    axes.legend()
    figure.savefig(path, dpi=120)


def main(arguments: list[str] | None = None) -> None:
    """Read the data, train, calibrate, and write the network and its report."""
    parser = argparse.ArgumentParser(prog="python -m models.salary.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the .csv.gz tables")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, state and report")
    parser.add_argument("--epochs", type=int, default=Plan.epochs)
    parser.add_argument("--batch-size", type=int, default=Plan.batch_size)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    disable_progress_bar()  # of saving a megabyte

    rows = [row for row in data.read_rows(options.data) if row["source"] not in data.UNLICENSED]
    universities = data.read_universities(options.data, rows)
    config = data.make_config(rows, universities)
    table = data.encode([row for row in rows if row["split"] == "train"], config)
    valid = data.encode([row for row in rows if row["split"] == "valid"], config)
    print(
        f"{len(table):,} rows to train on, {len(valid):,} to validate, {len(config.universities):,} universities"
    )
    features = torch.tensor([university.features for university in universities])
    plan = Plan(epochs=options.epochs, batch_size=options.batch_size)
    network = train(config, features, table, valid, plan, options.out)
    settle_universities(network, table)
    train_source_branch(network, table, SourcePlan(batch_size=options.batch_size))
    network.half().float()  # the weights are kept in half precision: calibrated is what is kept
    calibrate_network(network, valid)
    copy.deepcopy(network).half().save_pretrained(options.out / "final")
    print(f"{network.num_parameters():,} parameters in {options.out / 'final'}")
    print("python -m models.salary.evaluate measures them on the test split")


if __name__ == "__main__":
    main()
