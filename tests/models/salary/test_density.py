"""The smooth distribution through five quantiles."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.salary.density import amounts, density

LEVELS = [0.1, 0.25, 0.5, 0.75, 0.9]


def mass(low: float, high: float, quantiles: list[float]) -> float:
    """The share of people between two amounts, by adding the density up."""
    pay = np.exp(np.linspace(math.log(low), math.log(high), 4001))
    return float(np.trapezoid(density(pay, quantiles, LEVELS), pay))


@given(st.floats(9.5, 12.5), st.lists(st.floats(0.02, 0.8), min_size=4, max_size=4))
def test_every_quantile_lies_where_the_network_put_it(start: float, gaps: list[float]) -> None:
    quantiles = [float(value) for value in np.exp(start + np.cumsum([0.0, *gaps]))]
    for number, share in enumerate((0.15, 0.25, 0.25, 0.15)):
        assert mass(quantiles[number], quantiles[number + 1], quantiles) == pytest.approx(share, abs=0.004)
    low, high = amounts(0.001, 0.999, quantiles, LEVELS)
    assert low < quantiles[0]
    assert quantiles[-1] < high
    assert mass(float(low), quantiles[0], quantiles) == pytest.approx(0.099, abs=0.004)
    assert mass(quantiles[-1], float(high), quantiles) == pytest.approx(0.099, abs=0.004)


def test_the_quantiles_of_a_log_normal_distribution_give_it_back() -> None:
    true = NormalDist(11.2, 0.5)
    quantiles = [math.exp(true.inv_cdf(level)) for level in LEVELS]
    pay = np.linspace(20_000, 200_000, 50)
    expected = [true.pdf(math.log(amount)) / amount for amount in pay]
    assert density(pay, quantiles, LEVELS) == pytest.approx(expected, rel=0.01)


def test_quantiles_that_calibration_has_drawn_together_do_no_harm() -> None:
    curve = density(np.linspace(1_000, 200_000, 500), [40e3, 50e3, 50e3, 60e3, 80e3], LEVELS)
    assert np.isfinite(curve).all()
    assert (curve >= 0).all()
