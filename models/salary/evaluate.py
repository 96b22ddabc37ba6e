"""Measure the salary network on the test split: ``python -m models.salary.evaluate --data DIR``.

Median, ridge and gradient boosting are fitted in the same run on the same rows of the train split, so that every
figure has something to stand beside. None of them, nor the network as it is used, is told the source of a row.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from models.salary import data
from models.salary.network import MEDIAN, SalaryConfig, SalaryNetwork

Floats: TypeAlias = NDArray[np.float64]
Model: TypeAlias = Callable[[data.Table], Floats]
"""Low end, median and high end [N, 3] of log pay."""

WEIGHTS = Path(__file__).parent / "weights"
LOW, HIGH = 0.1, 0.9
FEWEST_ROWS = 500  # a source with fewer test rows is too noisy to judge by
MASK_SEED = 1


def network_as_used(network: SalaryNetwork) -> Model:
    """Return the network as people meet it: at the reference, calibrated."""

    @torch.no_grad()
    def answer(table: data.Table) -> Floats:
        return network.estimate(table.inputs)[:, [0, MEDIAN, -1]].double().numpy()

    return answer


def network_told_source(network: SalaryNetwork) -> Model:
    """Return the network told each row's source and year, which a person's question does not carry."""

    @torch.no_grad()
    def answer(table: data.Table) -> Floats:
        quantiles: torch.Tensor = network(table.inputs, table.source, table.year).quantiles  # [N, 5]
        ends: Floats = quantiles[:, [0, MEDIAN, -1]].double().numpy()
        return ends

    return answer


def fit_median(train: data.Table) -> Model:
    """Return one number for everybody."""
    quantiles = np.quantile(train.log_pay.numpy(), [LOW, 0.5, HIGH])
    return lambda table: np.tile(quantiles, (len(table), 1))


def fit_ridge(train: data.Table, valid: data.Table, config: SalaryConfig, university: Floats) -> Model:
    """Fit ridge on one-hot words, squares and flags; its interval is that of its residuals on the valid split."""
    ridge = Ridge(alpha=3.0).fit(_linear_columns(train, config, university), train.log_pay.numpy())
    residuals = valid.log_pay.numpy() - ridge.predict(_linear_columns(valid, config, university))
    offsets = np.quantile(residuals, [LOW, HIGH])

    def answer(table: data.Table) -> Floats:
        middle = ridge.predict(_linear_columns(table, config, university))
        return np.stack([middle + offsets[0], middle, middle + offsets[1]], axis=1)

    return answer


def fit_boosting(train: data.Table, university: Floats, told_source: bool = False) -> Model:
    """Fit HistGradientBoosting: absolute error for the median, quantile losses for the ends."""

    def columns(table: data.Table) -> Floats:
        return _tree_columns(table, university, told_source)

    categories = [0, 1, 2] + ([7] if told_source else [])
    x, y = columns(train), train.log_pay.numpy()
    usual = {"max_iter": 300, "learning_rate": 0.08, "max_leaf_nodes": 31, "min_samples_leaf": 40}
    models = [
        HistGradientBoostingRegressor(
            **usual, **loss, categorical_features=categories, early_stopping=False, random_state=0
        ).fit(x, y)
        for loss in (
            {"loss": "quantile", "quantile": LOW},
            {"loss": "absolute_error"},
            {"loss": "quantile", "quantile": HIGH},
        )
    ]
    return lambda table: np.stack([model.predict(columns(table)) for model in models], axis=1)


def university_means(train: data.Table, count: int, shrinkage: float = 5.0) -> Floats:
    """Return each university's mean of log pay less its degree, field and experience, shrunken, for the peers."""
    rows = train[train.inputs.university > 0]
    if not len(rows):
        return np.zeros(count + 1)
    groups: dict[tuple[int, ...], list[int]] = {}
    keys = zip(
        rows.source.tolist(),
        rows.inputs.degree.tolist(),
        rows.inputs.field.tolist(),
        rows.inputs.experience.int().tolist(),
        strict=True,
    )
    for place, key in enumerate(keys):
        groups.setdefault(key, []).append(place)
    pay = rows.log_pay.double().numpy()
    residual = np.zeros_like(pay)
    for places in groups.values():
        residual[places] = pay[places] - pay[places].mean()
    index = rows.inputs.university.numpy()
    totals = np.bincount(index, residual, minlength=count + 1)
    means: Floats = totals / (np.bincount(index, minlength=count + 1) + shrinkage)
    return means


def figures(answer: Floats, table: data.Table) -> dict[str, float]:
    """Return the figures of answers [N, 3] in log pay for the rows of a table."""
    truth = table.log_pay.double().numpy()
    low, middle, high = answer.T
    pay, estimate = np.exp(truth), np.exp(middle)

    def pinball(quantile: Floats, level: float) -> float:
        error = truth - quantile
        return float(np.maximum(level * error, (level - 1) * error).mean())

    return {
        "rows": len(truth),
        "mae": float(np.abs(pay - estimate).mean()),
        "mdape": float(np.median(np.abs(pay - estimate) / pay)),
        "r2_log": float(1 - ((truth - middle) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()),
        "pinball_10": pinball(low, LOW),
        "pinball_50": pinball(middle, 0.5),
        "pinball_90": pinball(high, HIGH),
        "coverage_80": float(((low <= truth) & (truth <= high)).mean()),
        "width_80": float(np.median(np.exp(high) - np.exp(low))),
    }


def evaluate(
    models: dict[str, Model], test: data.Table, config: SalaryConfig
) -> list[dict[str, str | float]]:
    """Return one line of figures for every model and every group of rows."""
    person = test.kind == data.PERSON
    groups = {"all": torch.ones_like(person), "persons": person, "cells": test.kind == data.CELL}
    groups |= {
        source: test.source == index
        for index, source in enumerate(config.sources)
        if int((test.source == index).sum()) >= FEWEST_ROWS
    }
    draw = torch.Generator().manual_seed(MASK_SEED)
    masked = data.mask_inputs(test.inputs, data.random_rates(len(test), draw), draw)
    lines: list[dict[str, str | float]] = []
    for name, model in models.items():
        answer = model(test)
        for group, rows in groups.items():
            lines.append({"group": group, "model": name} | figures(answer[rows.numpy()], test[rows]))
        answer = model(replace(test, inputs=masked))
        lines.append(
            {"group": "persons, masked", "model": name} | figures(answer[person.numpy()], test[person])
        )
    return sorted(lines, key=lambda line: [*groups, "persons, masked"].index(str(line["group"])))


def as_markdown(lines: list[dict[str, str | float]]) -> str:
    """Return the figures as a table for people."""
    table = [
        "| rows | n | model | MAE | MdAPE | R² log | pinball 10 / 50 / 90 | coverage | width |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    table += [
        f"| {line['group']} | {line['rows']:,} | {line['model']} | {line['mae']:,.0f} | {line['mdape']:.1%} "
        f"| {line['r2_log']:.3f} | {line['pinball_10']:.4f} / {line['pinball_50']:.4f} / {line['pinball_90']:.4f} "
        f"| {line['coverage_80']:.1%} | {line['width_80']:,.0f} |"
        for line in lines
    ]
    return "\n".join(table) + "\n"


def _tree_columns(table: data.Table, university: Floats, told_source: bool) -> Floats:
    inputs = table.inputs
    means = university[inputs.university.numpy()]
    columns = [
        *(_blank_as_nan(index) for index in (inputs.degree, inputs.field, inputs.gender)),
        *(number.double().numpy() for number in (inputs.age, inputs.experience, inputs.promotions)),
        np.where(inputs.university.numpy() > 0, means, math.nan),
    ]
    if told_source:
        columns.append(table.source.double().numpy())
    return np.stack(columns, axis=1)


def _linear_columns(table: data.Table, config: SalaryConfig, university: Floats) -> Floats:
    inputs = table.inputs
    parts = [
        np.eye(len(words) + 1)[index.numpy()]
        for index, words in (
            (inputs.degree, config.degrees),
            (inputs.field, config.fields),
            (inputs.gender, config.genders),
        )
    ]
    parts.append(parts[0][:, :, None].repeat(len(config.fields) + 1, 2).reshape(len(table), -1))
    fields = np.tile(parts[1], len(config.degrees) + 1)
    parts[-1] = parts[-1] * fields  # degree by field
    for number, scale in ((inputs.age, 40.0), (inputs.experience, 15.0), (inputs.promotions, 1.0)):
        known = ~number.isnan().numpy()
        value = np.where(known, number.double().numpy() / scale, 0.0)
        parts.append(np.stack([known, value, value**2], axis=1))
    parts.append(np.stack([inputs.university.numpy() > 0, university[inputs.university.numpy()]], axis=1))
    return np.concatenate(parts, axis=1)


def _blank_as_nan(index: torch.Tensor) -> Floats:
    return np.where(index.numpy() > 0, index.numpy(), math.nan)


def main(arguments: list[str] | None = None) -> None:
    """Fit the peers, measure everything on the test split, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m models.salary.evaluate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the .csv.gz tables")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of the network")
    parser.add_argument("--out", type=Path, help="folder for metrics.json and metrics.md")
    parser.add_argument("--split", choices=["valid", "test"], default="test", help="valid: while developing")
    parser.add_argument("--no-peers", action="store_true", help="measure the network alone")
    options = parser.parse_args(arguments)

    network = SalaryNetwork.from_pretrained(options.weights).eval()
    config = network.config
    rows = [row for row in data.read_rows(options.data) if row["source"] in config.sources]
    train, valid, test = (
        data.encode([row for row in rows if row["split"] == split], config)
        for split in ("train", "valid", options.split)
    )
    models = {"network": network_as_used(network), "network, told source": network_told_source(network)}
    if not options.no_peers:
        university = university_means(train, len(config.universities))
        models |= {
            "median": fit_median(train),
            "ridge": fit_ridge(train, valid, config, university),
            "boosting": fit_boosting(train, university),
            "boosting, told source": fit_boosting(train, university, told_source=True),
        }
    lines = evaluate(models, test, config)
    print(as_markdown(lines))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "metrics.json").write_text(json.dumps(lines, indent=1))
        (options.out / "metrics.md").write_text(as_markdown(lines))


if __name__ == "__main__":
    main()
