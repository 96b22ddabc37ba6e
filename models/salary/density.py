"""A smooth distribution through the five quantiles that the network gives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NORMAL = NormalDist()


def density(pay: Array, quantiles: Sequence[float], levels: Sequence[float]) -> Array:
    """Return the probability a dollar [n] at amounts of pay [n], in ascending order.

    Log pay is taken for a rising function of a standard normal variable, interpolated monotonically through the
    quantiles, so that each lies exactly where the network put it; a straight line through all would be a log-normal
    distribution. Beyond the outer quantiles the function goes on straight, which is a guess about the tails.
    """
    z, slope = _normal_scores(np.log(pay), np.log(quantiles), levels)
    return np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) / slope / pay


def amounts(
    low_level: float, high_level: float, quantiles: Sequence[float], levels: Sequence[float]
) -> Array:
    """Return the pay [2] below which these shares of people lie, in the tails beyond the quantiles too."""
    scores = np.array([NORMAL.inv_cdf(level) for level in levels])
    logs = np.log(quantiles)
    slopes = _slopes(scores, logs)
    low = logs[0] + slopes[0] * (NORMAL.inv_cdf(low_level) - scores[0])
    high = logs[-1] + slopes[-1] * (NORMAL.inv_cdf(high_level) - scores[-1])
    return np.exp([low, high])


def _normal_scores(log_pay: Array, logs: Array, levels: Sequence[float]) -> tuple[Array, Array]:
    """Return the normal variable [n] at log pay [n], and how fast log pay grows with it [n]."""
    scores = np.array([NORMAL.inv_cdf(level) for level in levels])
    slopes = _slopes(scores, logs)
    # The function is given as pieces of z; a fine table of it is inverted by interpolation.
    z = np.linspace(-6.0, 6.0, 2401)
    place = np.clip(np.searchsorted(scores, z) - 1, 0, len(scores) - 2)
    width = scores[place + 1] - scores[place]
    t = (z - scores[place]) / width
    a, b, left, right = logs[place], logs[place + 1], slopes[place] * width, slopes[place + 1] * width
    value = (  # the cubic Hermite polynomial
        a * (2 * t**3 - 3 * t**2 + 1)
        + left * (t**3 - 2 * t**2 + t)
        + b * (3 * t**2 - 2 * t**3)
        + right * (t**3 - t**2)
    )
    value = np.where(z < scores[0], logs[0] + slopes[0] * (z - scores[0]), value)
    value = np.where(z > scores[-1], logs[-1] + slopes[-1] * (z - scores[-1]), value)
    slope = np.gradient(value, z)
    return np.interp(log_pay, value, z), np.interp(log_pay, value, slope)


def _slopes(x: Array, y: Array) -> Array:
    """Return slopes [k] at the points of a rising curve, after Fritsch and Butland 1984: it stays rising."""
    steps, rises = np.diff(x), np.diff(y) / np.diff(x)
    rises = np.maximum(rises, 1e-6)  # calibration may have drawn two quantiles together
    inner = [
        (steps[i - 1] + steps[i])
        * 3
        / ((2 * steps[i] + steps[i - 1]) / rises[i - 1] + (steps[i] + 2 * steps[i - 1]) / rises[i])
        for i in range(1, len(x) - 1)
    ]
    return np.array([rises[0], *inner, rises[-1]])
