"""The measuring: peers that learn, a guess of the source, and figures that can be checked by hand."""

from __future__ import annotations

import dataclasses
import json
import math
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from models.salary import data, evaluate, peers, train
from models.salary.network import SalaryConfig, SalaryNetwork
from tests.models.salary.test_training import make_rows, write_folder


def rows_with_telling_blanks() -> list[data.Row]:
    """Return rows of two surveys, of which only one knows the age; what else they know means nothing."""
    draw = random.Random(4)
    rows = make_rows(1200)
    for row in rows:
        row["age"] = str(draw.randrange(30, 50)) if row["source"] == "aam_2021" else ""
        row["field"], row["gender"] = draw.choice(["law", "health"]), draw.choice(["female", "male"])
        row["promotions"] = draw.choice(["", "0", "1"])
        row["university"] = draw.choice(["", "Example College"])
        row["university_role"] = "alma_mater" if row["university"] else ""
    return rows


@pytest.fixture
def table() -> tuple[SalaryConfig, data.Table]:
    rows = rows_with_telling_blanks()
    config = data.make_config(
        rows, [data.University("Example College", [0.0] * len(data.UNIVERSITY_FEATURES))]
    )
    config.hidden_sizes, config.source_hidden_sizes = [32, 16], [32]
    config.source_conformal_factors = [[1.0] * 5] * 2
    return config, data.encode(rows, config)


def test_a_blank_gives_the_source_away(table: tuple[SalaryConfig, data.Table]) -> None:
    _, rows = table
    likely = peers.fit_source_guess(rows)(rows)
    assert likely.shape == (len(rows), 2)
    assert likely.sum(axis=1) == pytest.approx(1.0)
    assert (likely.argmax(axis=1) == rows.source.numpy()).mean() > 0.99


def test_the_guess_averages_what_each_source_would_say(table: tuple[SalaryConfig, data.Table]) -> None:
    config, rows = table
    torch.manual_seed(1)
    network = SalaryNetwork(config).eval()
    with torch.no_grad():
        network.source_level.weight[:] = torch.tensor([[0.0], [0.7]])
    guessed = evaluate.network_source_guessed(network, rows)(rows)
    told = evaluate.network_told_source(network)(rows)
    assert np.abs(guessed - told).max() < 0.1  # blanks tell it, as they tell a peer
    likely = peers.fit_source_guess(rows)(rows)
    each = [evaluate.network_told_source(network)(_with_source(rows, source)) for source in range(2)]
    assert guessed == pytest.approx(sum(likely[:, [s]] * each[s] for s in range(2)))


def _with_source(rows: data.Table, source: int) -> data.Table:
    return dataclasses.replace(rows, source=torch.full_like(rows.source, source))


@pytest.mark.parametrize("library", ["boosting", "lightgbm", "xgboost"])
def test_every_boosting_learns_the_relation(table: tuple[SalaryConfig, data.Table], library: str) -> None:
    config, rows = table
    if library != "boosting":
        pytest.importorskip(library)
    fit = {"boosting": peers.fit_boosting, "lightgbm": peers.fit_lightgbm, "xgboost": peers.fit_xgboost}
    nowhere = np.zeros(len(config.universities) + 1)
    answer = fit[library](rows, nowhere)(rows)
    assert answer.shape == (len(rows), 3)
    master = (rows.inputs.degree == config.degrees.index("master") + 1).numpy()
    gain = answer[master, 1].mean() - answer[~master, 1].mean()
    assert gain == pytest.approx(math.log(1.5), abs=0.05)
    line = evaluate.figures(answer, rows)
    assert 0.7 < line["coverage_80"] < 0.95
    assert line["mdape"] < 0.1


def test_figures_by_hand(table: tuple[SalaryConfig, data.Table]) -> None:
    _, rows = table
    pay = rows.log_pay.double().numpy()
    line = evaluate.figures(np.stack([pay - 0.1, pay + math.log(1.1), pay + 0.2], axis=1), rows)
    assert line["mdape"] == pytest.approx(0.1)
    assert line["mae"] == pytest.approx(0.1 * np.exp(pay).mean())
    assert line["pinball_10"] == pytest.approx(0.1 * 0.1)
    assert line["pinball_90"] == pytest.approx(0.1 * 0.2)
    assert line["coverage_80"] == 1.0


def test_the_command_measures_and_says_what_it_could_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda _: None)
    write_folder(tmp_path, rows_with_telling_blanks())
    places = ["--data", str(tmp_path), "--out", str(tmp_path / "out")]
    train.main([*places, "--epochs", "1", "--batch-size", "128"])
    evaluate.main([*places, "--weights", str(tmp_path / "out/final"), "--split", "valid"])
    said = capsys.readouterr().out
    assert "not measured: lightgbm" in said
    assert "not measured: xgboost" in said
    lines = json.loads((tmp_path / "out/metrics.json").read_text())
    models = {line["model"] for line in lines}
    assert {"network", "network, source guessed", "network, told source", "boosting"} <= models
    told = next(
        line for line in lines if line["model"] == "network, told source" and line["group"] == "persons"
    )
    assert abs(told["coverage_80"] - 0.8) < 0.02  # calibrated on these very rows
