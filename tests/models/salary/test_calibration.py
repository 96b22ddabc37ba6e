"""Calibration: what the interval must hold, by group and on the whole."""

from __future__ import annotations

import math

import torch

from models.salary import data
from models.salary.calibration import FEWEST, by_group, calibrate_network, reference
from models.salary.network import (
    CALIBRATION_GROUPS,
    SalaryConfig,
    SalaryInputs,
    SalaryNetwork,
    calibrate,
    calibration_groups,
)
from models.salary.predictor import SalaryPredictor
from tests.models.salary.test_training import make_rows


def inside(quantiles: torch.Tensor, truth: torch.Tensor) -> float:
    return float(((quantiles[:, 0] <= truth) & (truth <= quantiles[:, -1])).float().mean())


def test_each_group_gets_the_width_that_it_needs() -> None:
    torch.manual_seed(1)
    groups = torch.arange(8000) % 2
    truth = torch.randn(8000) * torch.tensor([0.2, 0.8])[groups]
    quantiles = torch.tensor([-0.5, -0.2, 0.0, 0.2, 0.5]).expand(8000, 5)
    everybody = torch.ones(8000, dtype=torch.bool)
    factors = by_group(quantiles, truth, groups, everybody, 3, SalaryConfig())
    fitted = calibrate(quantiles, factors[groups])
    for group in (0, 1):
        rows = groups == group
        assert abs(inside(fitted[rows], truth[rows]) - 0.8) < 0.01
        quartiles = (fitted[rows, 1] <= truth[rows]) & (truth[rows] <= fitted[rows, 3])
        assert abs(float(quartiles.float().mean()) - 0.5) < 0.01
    assert factors[1, 0] > 3 * factors[0, 0]
    assert factors[0, 0] < factors[2, 0] < factors[1, 0]  # of nobody's group: those of all


def test_too_few_rows_make_no_factor_of_their_own() -> None:
    torch.manual_seed(1)
    groups = (torch.arange(5000) < FEWEST - 1).long()
    truth = torch.randn(5000) * torch.where(groups == 1, 50.0, 0.3)
    quantiles = torch.tensor([-0.5, -0.2, 0.0, 0.2, 0.5]).expand(5000, 5)
    factors = by_group(quantiles, truth, groups, groups >= 0, 2, SalaryConfig())
    assert factors[1].max() < 3  # not the fifty times wider that ninety-nine rows would ask for


def test_the_interval_holds_eighty_percent_of_all_persons() -> None:
    torch.manual_seed(3)
    rows = make_rows(1500)
    config = data.make_config(rows, [])
    config.hidden_sizes = [32, 16]
    config.reference_sources = ["nlsy97"]  # the other source is a tenth higher
    table = data.encode(rows, config)
    config.log_pay_center = float(table.log_pay.median())
    network = SalaryNetwork(config)
    with torch.no_grad():
        network.source_level.weight[:] = torch.tensor([[math.log(1.1) / 2], [-math.log(1.1) / 2]])
    calibrate_network(network, table)
    with torch.no_grad():
        assert abs(inside(network.estimate(table.inputs), table.log_pay) - 0.8) < 0.005
        told = network.estimate_as_measured(table.inputs, table.source)
        for source in (0, 1):
            rows_of = table.source == source
            assert abs(inside(told[rows_of], table.log_pay[rows_of]) - 0.8) < 0.01
    assert reference(config).tolist() == [config.sources.index("nlsy97")]


def test_groups_part_what_is_known_and_schooling_and_no_years() -> None:
    config = SalaryConfig(degrees=data.DEGREES, fields=data.FIELDS)
    bachelor, associate = (data.DEGREES.index(degree) + 1 for degree in ("bachelor", "associate"))
    degree = torch.tensor([0, associate, bachelor] * 4)
    study = torch.tensor([0] * 6 + [1] * 6)
    experience = torch.tensor(([math.nan] * 3 + [5.0] * 3) * 2)
    nothing, age = torch.zeros(12, dtype=torch.long), torch.linspace(18, 70, 12)
    inputs = SalaryInputs(degree, study, age, experience, nothing, age * math.nan, nothing)
    assert calibration_groups(inputs, config).tolist() == list(range(CALIBRATION_GROUPS))


def test_the_shipped_factors_are_near_one(predictor: SalaryPredictor) -> None:
    factors = torch.tensor(predictor.config.conformal_factors)
    assert factors.shape == (CALIBRATION_GROUPS, 5)
    assert factors.min() > 0.6
    assert factors.max() < 1.4
