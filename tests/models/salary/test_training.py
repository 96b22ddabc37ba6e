"""Reading, masking and training, on a small table with a known relation."""

from __future__ import annotations

import csv
import gzip
import json
import math
import random
from typing import TYPE_CHECKING

import pytest
import torch

from models.salary import data, train
from models.salary.network import (
    CALIBRATION_GROUPS,
    MEDIAN,
    SalaryConfig,
    SalaryInputs,
    SalaryNetwork,
    calibrate,
    pinball_loss,
)

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = [
    *(
        "source",
        "row_kind",
        "year",
        "degree",
        "field",
        "age",
        "experience_years",
        "experience_basis",
        "gender",
        "promotions",
    ),
    *("university", "university_role", "university_tier", "salary_usd_2024", "weight", "split"),
]


def make_rows(count: int = 400) -> list[data.Row]:
    """Return people of two surveys, of which one pays a tenth more; a master's pays half more than a bachelor's."""
    draw = random.Random(3)
    rows = []
    for number in range(count):
        source, degree = draw.choice(["aam_2021", "nlsy97"]), draw.choice(["bachelor", "master"])
        experience = draw.uniform(0, 20)
        pay = 50_000 * (1.5 if degree == "master" else 1.0) * (1.1 if source == "aam_2021" else 1.0)
        pay *= math.exp(0.02 * experience + draw.gauss(0, 0.1))
        known = dict.fromkeys(COLUMNS, "") | {
            "source": source,
            "row_kind": "person",
            "year": "2016",
            "degree": degree,
            "experience_years": str(experience),
            "gender": "unknown",
            "salary_usd_2024": str(pay),
            "weight": "1.0",
            "split": "valid" if number % 5 == 0 else "train",
        }
        rows.append(known)
    return rows


def write_folder(folder: Path, rows: list[data.Row]) -> None:
    lookup = {
        "university": "Example College",
        "university_tier": "selective",
        "control": "public",
        "predominant_degree": "bachelor",
        "admission_rate": "0.5",
        "sat_average": "",
        "undergraduates": "900",
    }
    for name, content in (("survey", rows), ("universities", [lookup])):
        with gzip.open(folder / f"{name}.csv.gz", "wt", newline="") as file:
            writer = csv.DictWriter(file, content[0].keys())
            writer.writeheader()
            writer.writerows(content)


@pytest.fixture
def small() -> tuple[SalaryConfig, torch.Tensor, data.Table, data.Table]:
    rows = make_rows()
    universities = [data.University("Example College", [0.0] * len(data.UNIVERSITY_FEATURES))]
    config = data.make_config(rows, universities)
    config.hidden_sizes = [32, 16]
    table, valid = (
        data.encode([row for row in rows if row["split"] == split], config) for split in ("train", "valid")
    )
    return config, torch.zeros(1, len(data.UNIVERSITY_FEATURES)), table, valid


PLAN = train.Plan(epochs=10, batch_size=64, learning_rate=0.01, order_rows=16)  # 50 steps


def test_loss_falls_and_the_relation_is_learnt(
    small: tuple[SalaryConfig, torch.Tensor, data.Table, data.Table], tmp_path: Path
) -> None:
    config, features, table, valid = small
    network = train.train(config, features, table, valid, PLAN, tmp_path).eval()
    losses = json.loads((tmp_path / "losses.json").read_text())
    assert len(losses) == 10
    assert losses[-1]["valid"] < 0.6 * losses[0]["valid"]
    assert (tmp_path / "loss.png").stat().st_size > 1000
    nothing, blank = torch.zeros(2, dtype=torch.long), torch.full((2,), math.nan)
    degrees = torch.tensor([config.degrees.index(degree) + 1 for degree in ("bachelor", "master")])
    inputs = SalaryInputs(degrees, nothing, blank, torch.full((2,), 10.0), nothing, blank, nothing)
    with torch.no_grad():
        bachelor, master = network.estimate(inputs)[:, MEDIAN]
    assert float(master - bachelor) == pytest.approx(math.log(1.5), abs=0.15)


def test_a_resumed_training_ends_as_an_uninterrupted_one(
    small: tuple[SalaryConfig, torch.Tensor, data.Table, data.Table],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config, features, table, valid = small
    whole = train.train(config, features, table, valid, PLAN, tmp_path / "whole")

    save = train._save_state

    def save_and_die(*arguments: object) -> None:
        save(*arguments)  # type: ignore[arg-type]
        if len(arguments[5]) == 4:  # type: ignore[arg-type]
            raise KeyboardInterrupt

    monkeypatch.setattr(train, "_save_state", save_and_die)
    with pytest.raises(KeyboardInterrupt):
        train.train(config, features, table, valid, PLAN, tmp_path / "broken")
    monkeypatch.undo()
    resumed = train.train(config, features, table, valid, PLAN, tmp_path / "broken")
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_other_settings_do_not_continue_a_training(
    small: tuple[SalaryConfig, torch.Tensor, data.Table, data.Table], tmp_path: Path
) -> None:
    train.train(*small, train.Plan(epochs=1, order_rows=16), tmp_path)
    with pytest.raises(ValueError, match="other settings"):
        train.train(*small, train.Plan(epochs=2, order_rows=16), tmp_path)


def test_the_command_trains_and_ships_a_network(tmp_path: Path) -> None:
    write_folder(tmp_path, make_rows())
    train.main(
        ["--data", str(tmp_path), "--out", str(tmp_path / "out"), "--epochs", "2", "--batch-size", "32"]
    )
    network = SalaryNetwork.from_pretrained(tmp_path / "out/final")
    assert network.config.universities == ["Example College"]
    assert network.config.conformal_factors != [[1.0] * 5] * CALIBRATION_GROUPS
    assert len(network.config.source_conformal_factors) == 2
    assert network.university_branch.features.abs().sum() > 0


def test_no_university_counts_for_more_than_in_the_rows() -> None:
    """Only a college of average worth is known by its bachelors; of the other nothing but its features."""
    universities = [
        data.University(name, [1.0] * len(data.UNIVERSITY_FEATURES)) for name in ("Plain", "Fine")
    ]
    rows = make_rows(20)
    for row in rows:
        row |= {"university": "Plain", "university_role": "alma_mater", "degree": "bachelor"}
    config = data.make_config(rows, universities)
    torch.manual_seed(0)
    network = SalaryNetwork(config).eval()
    branch = network.university_branch
    branch.features[1:] = torch.tensor([university.features for university in universities])
    with torch.no_grad():
        branch.own.weight[1], branch.own.weight[2] = 0.0, 100.0
    table = data.encode(rows, config)
    fine = torch.full_like(table.inputs.university, 2)

    def difference() -> float:
        of_fine = branch(fine, table.inputs.degree, table.inputs.field)
        return float((of_fine - branch(*(table.inputs[place] for place in (6, 0, 1)))).abs().max().detach())

    before = difference()
    train.settle_universities(network, table)
    assert before > 1e-2
    assert difference() < 1e-6
    assert branch.limits[0].isinf().all(), "no row told of graduates of an unknown degree"


def test_rows_without_an_open_licence_and_employers_are_not_fed() -> None:
    rows = make_rows(10)
    rows[0] |= {"source": "payscale_2018", "university": "Secret College", "university_role": "alma_mater"}
    rows[1] |= {"university": "Example College", "university_role": "employer"}
    rows[2] |= {"university": "Example College", "university_role": "alma_mater"}
    universities = [data.University("Example College", [0.0] * len(data.UNIVERSITY_FEATURES))]
    config = data.make_config(rows, universities)
    assert "payscale_2018" not in config.sources
    table = data.encode(rows, config)
    assert table.source[0] == -1
    assert table.inputs.university.tolist()[:3] == [0, 0, 1]


def test_a_row_that_says_its_source_keeps_its_inputs(
    small: tuple[SalaryConfig, torch.Tensor, data.Table, data.Table],
) -> None:
    config, _, table, _ = small
    masked = train.mask(table, config, PLAN, torch.Generator().manual_seed(1))
    said = masked.source >= 0
    assert 0.2 < said.float().mean() < 0.5
    assert (masked.inputs.degree[said] == table.inputs.degree[said]).all()
    assert (masked.inputs.degree[~said] == 0).any()
    assert masked.inputs.experience[~said].isnan().any()
    assert not masked.inputs.experience[said].isnan().any()


def test_medians_of_groups_teach_only_the_median(
    small: tuple[SalaryConfig, torch.Tensor, data.Table, data.Table],
) -> None:
    _, _, table, _ = small
    levels = SalaryConfig().quantile_levels
    quantiles = torch.zeros(len(table), 5, requires_grad=True)
    table.kind[:] = data.CELL
    train.row_losses(quantiles, table, levels).sum().backward()
    assert quantiles.grad is not None
    taught = quantiles.grad.abs().sum(dim=0) > 0
    assert taught.tolist() == [False, False, True, False, False]


def test_pinball_loss_is_least_at_the_quantile() -> None:
    pay = torch.linspace(0, 1, 101)
    losses = [float(pinball_loss(torch.full((101, 1), place / 10), pay, [0.9]).mean()) for place in range(11)]
    assert losses.index(min(losses)) == 9


def test_calibration_keeps_the_order() -> None:
    quantiles = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]])
    assert calibrate(quantiles, torch.tensor([0.2, 1.0, 1.0, 2.0, 0.5])).tolist() == [
        [2.0, 2.0, 3.0, 5.0, 5.0]
    ]


def test_weights_make_the_round_trip(tmp_path: Path) -> None:
    network = SalaryNetwork(data.make_config(make_rows(20), []))
    network.save_pretrained(tmp_path)
    again = SalaryNetwork.from_pretrained(tmp_path)
    assert again.config.degrees == data.DEGREES
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_a_fresh_network_starts_at_the_usual_pay_for_everybody_and_every_source() -> None:
    rows = make_rows(50)
    config = data.make_config(rows, [])
    table = data.encode(rows, config)
    network = SalaryNetwork(config).eval()
    with torch.no_grad():
        quantiles = network(table.inputs).quantiles
        told = network(table.inputs, table.source).quantiles
    assert torch.equal(quantiles, told)
    assert (quantiles[:, MEDIAN] - config.log_pay_center).abs().max() < 0.2
