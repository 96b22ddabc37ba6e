"""Measure the salary network on the test split: ``python -m models.salary.evaluate --data DIR``.

The peers (median, ridge, gradient boosting by three libraries) are fitted in the same run on the same rows of the train
split, so that every figure has something to stand beside.

The network as it is used answers everybody at one level, while a peer sees in the pattern of blanks which file a row is
from, and answers at that file's level. So the network is measured in two more ways: with the source *guessed* from what
the peers see, which is like for like, and with the source *told*, beside boosting that is told too.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from models.salary import data
from models.salary.network import MEDIAN, SalaryConfig, SalaryNetwork
from models.salary.peers import HIGH, LOW, Floats, Model, fit_peers, fit_source_guess, missing_libraries

WEIGHTS = Path(__file__).parent / "weights"
FEWEST_ROWS = 500  # a source with fewer test rows is too noisy to judge by
MASK_SEED = 1


def network_as_used(network: SalaryNetwork) -> Model:
    """Return the network as people meet it: at the reference, calibrated."""

    @torch.no_grad()
    def answer(table: data.Table) -> Floats:
        return _ends(network.estimate(table.inputs))

    return answer


def network_told_source(network: SalaryNetwork) -> Model:
    """Return the network told each row's source, which a person's question does not carry."""

    @torch.no_grad()
    def answer(table: data.Table) -> Floats:
        return _ends(network.estimate_as_measured(table.inputs, table.source))

    return answer


def network_source_guessed(network: SalaryNetwork, train: data.Table) -> Model:
    """Return the network told every source in turn, averaged by how likely the source is.

    What is likely is judged by the seven inputs and by which of them are blank: exactly what a peer sees that is not
    told the source.
    """
    guess = fit_source_guess(train)

    @torch.no_grad()
    def answer(table: data.Table) -> Floats:
        likely = guess(table)  # [N, sources]
        ends = np.zeros((len(table), 3))
        for source in range(likely.shape[1]):
            told = network.estimate_as_measured(table.inputs, torch.full_like(table.source, source))
            ends += likely[:, source, None] * _ends(told)
        return ends

    return answer


def _ends(quantiles: torch.Tensor) -> Floats:
    """Return low end, median and high end [N, 3] of quantiles [N, 5]."""
    ends: Floats = quantiles[:, [0, MEDIAN, -1]].double().numpy()
    return ends


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
    groups = {name: rows for name, rows in groups.items() if bool(rows.any())}
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


def main(arguments: list[str] | None = None) -> None:
    """Fit the peers, measure everything on the test split, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m models.salary.evaluate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the .csv.gz tables")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of the network")
    parser.add_argument("--out", type=Path, help="folder for metrics.json and metrics.md")
    parser.add_argument("--split", choices=["valid", "test"], default="test", help="valid: while developing")
    parser.add_argument("--no-peers", action="store_true", help="measure the network alone")
    options = parser.parse_args(arguments)

    network = SalaryNetwork.from_pretrained(options.weights, dtype=torch.float32).eval()
    config = network.config
    rows = [row for row in data.read_rows(options.data) if row["source"] in config.sources]
    train, valid, test = (
        data.encode([row for row in rows if row["split"] == split], config)
        for split in ("train", "valid", options.split)
    )
    models = {
        "network": network_as_used(network),
        "network, source guessed": network_source_guessed(network, train),
        "network, told source": network_told_source(network),
    }
    if not options.no_peers:
        models |= fit_peers(train, valid, config)
        for library in missing_libraries():
            print(f"not measured: {library}, which is not installed (python -m pip install -e .[peers])")
    lines = evaluate(models, test, config)
    print(as_markdown(lines))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "metrics.json").write_text(json.dumps(lines, indent=1))
        (options.out / "metrics.md").write_text(as_markdown(lines))


if __name__ == "__main__":
    main()
