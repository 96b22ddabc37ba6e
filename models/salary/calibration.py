"""Calibrate the quantiles on the valid split, so that the 80% interval holds 80% of it."""

from __future__ import annotations

import torch
from torch import Tensor

from models.salary import data
from models.salary.network import (
    CALIBRATION_GROUPS,
    MEDIAN,
    SalaryConfig,
    SalaryNetwork,
    calibrate,
    calibration_groups,
)

INSIDE = 0.8
"""The share of persons that the interval from the lowest to the highest quantile shall hold."""
FEWEST = 100
"""Rows that make a factor of a group's or a source's own; fewer share the factors of all."""


@torch.no_grad()
def calibrate_network(network: SalaryNetwork, valid: data.Table) -> None:
    """Set the conformal factors of a network's config."""
    network.eval()
    network.config.conformal_factors = group_factors(network, valid)
    network.config.source_conformal_factors = source_factors(network, valid)


def group_factors(network: SalaryNetwork, valid: data.Table) -> list[list[float]]:
    """Return ``SalaryConfig.conformal_factors`` from the persons of the valid split.

    Each group has the factors that hold on its people of the reference (Mondrian calibration, Vovk et al. 2003). Then
    all are stretched alike until the interval holds over all persons, those of other sources included.
    """
    config = network.config
    people = valid[valid.kind == data.PERSON]
    quantiles = network(people.inputs).quantiles
    groups = calibration_groups(people.inputs, config)
    in_reference = torch.isin(people.source, reference(config))
    factors = by_group(quantiles, people.log_pay, groups, in_reference, CALIBRATION_GROUPS, config)
    stretch = _stretch(calibrate(quantiles, factors[groups]), people.log_pay)
    factors *= stretch
    factors[:, MEDIAN] = 1.0
    rounded: list[list[float]] = factors.double().round(decimals=4).tolist()
    return rounded


def source_factors(network: SalaryNetwork, valid: data.Table) -> list[list[float]]:
    """Return ``SalaryConfig.source_conformal_factors``: each source's hold on its own rows, of whatever kind."""
    config = network.config
    quantiles = network.as_measured(valid.inputs, valid.source)
    everybody = torch.ones_like(valid.source, dtype=torch.bool)
    factors = by_group(quantiles, valid.log_pay, valid.source, everybody, len(config.sources), config)
    rounded: list[list[float]] = factors.double().round(decimals=4).tolist()
    return rounded


def by_group(
    quantiles: Tensor, log_pay: Tensor, groups: Tensor, counted: Tensor, count: int, config: SalaryConfig
) -> Tensor:
    """Return the factors [count, 5] that make the quantiles of each group hold on its rows.

    Split conformal calibration (Romano et al. 2019, "Conformalized Quantile Regression") of each quantile on its
    own side, with the distance to the median as the scale.

    Args:
        quantiles: uncalibrated [N, 5].
        log_pay: the truth [N].
        groups: of the rows [N], below ``count``.
        counted: which rows [N] to calibrate on.
        count: how many groups there are.
        config: for the levels.
    """

    def factors_of(rows: Tensor) -> list[float]:
        factors = []
        for index, level in enumerate(config.quantile_levels):
            distance = quantiles[rows, index] - quantiles[rows, MEDIAN]
            score = (log_pay[rows] - quantiles[rows, MEDIAN]) / distance  # 1 on the quantile itself
            factors.append(1.0 if index == MEDIAN else float(torch.quantile(score, max(level, 1 - level))))
        return factors

    shared = factors_of(counted)
    own = [counted & (groups == group) for group in range(count)]
    return torch.tensor([factors_of(rows) if int(rows.sum()) >= FEWEST else shared for rows in own])


def reference(config: SalaryConfig) -> Tensor:
    """Return the indices of the sources whose level and spread the network answers at."""
    return torch.tensor([config.sources.index(source) for source in config.reference_sources])


def _stretch(quantiles: Tensor, log_pay: Tensor) -> float:
    """Return the one factor for all intervals with which they hold ``INSIDE`` of the rows."""
    below, above = quantiles[:, MEDIAN] - quantiles[:, 0], quantiles[:, -1] - quantiles[:, MEDIAN]
    error = log_pay - quantiles[:, MEDIAN]
    needed = torch.where(error < 0, -error / below, error / above)  # 1 on the end of the interval
    return float(torch.quantile(needed, INSIDE))
