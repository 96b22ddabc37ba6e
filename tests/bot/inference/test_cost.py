"""The cost model finds the line through noisy measurements, and the batch size that it justifies."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inference.cost import CostModel


def learnt(a: float, b: float, batches: int = 80, waiting: int = 16, noise: float = 0.05) -> CostModel:
    """Let a model choose its batches while ``waiting`` requests wait all the time."""
    model, chance = CostModel(max_batch=16), random.Random(7)
    for _ in range(batches):
        size = min(model.best_size(), waiting)
        model.observe(size, (a * size + b) * chance.uniform(1 - noise, 1 + noise))
    return model


@given(st.floats(0.001, 0.05), st.floats(0.001, 0.5))
def test_the_line_is_found(a: float, b: float) -> None:
    model = CostModel(max_batch=16)
    for size in (1, 2, 4, 8, 16) * 3:
        model.observe(size, a * size + b)
    assert model.fit() == pytest.approx((a, b), rel=1e-6, abs=1e-9)
    assert model.seconds(5) == pytest.approx(5 * a + b)


def test_where_a_batch_costs_as_much_as_its_requests_it_learns_batch_1() -> None:
    """As on a CPU: FACTS of our photographs say 39 ms each, whatever the batch."""
    assert learnt(a=0.039, b=0.0, noise=0.02).best_size() <= 2
    sizes = [learnt(a=0.039, b=0.0, batches=n, noise=0.02).best_size() for n in range(20, 60)]
    assert sizes.count(1) > 0.7 * len(sizes)


def test_where_a_batch_is_nearly_free_it_learns_the_largest() -> None:
    """As on a GPU."""
    assert learnt(a=0.0002, b=0.02).best_size() == 16


def test_a_batch_does_not_keep_others_from_the_device_for_long() -> None:
    assert learnt(a=0.2, b=0.3).best_size() <= 3


def test_nothing_is_guessed_far_beyond_what_was_measured() -> None:
    model = CostModel(max_batch=16)
    assert model.best_size() == 1
    model.observe(1, 0.1)
    assert model.best_size() == 2
    model.observe(2, 0.1)
    assert model.best_size() == 4


def test_a_machine_that_becomes_slow_is_noticed() -> None:
    model = learnt(a=0.01, b=0.0)
    for _ in range(64):
        model.observe(1, 0.05)
    assert model.seconds(1) == pytest.approx(0.05)


def test_out_of_memory_bounds_the_size_for_good() -> None:
    model = learnt(a=0.0002, b=0.02)
    model.out_of_memory(8)
    assert model.best_size() == 4


def test_as_many_streams_as_a_step_has_time_for() -> None:
    model = CostModel(max_batch=32)
    assert model.most_within(0.05) == 32
    for size in (1, 2, 4):
        model.observe(size, 0.01 + 0.01 * size)
    assert model.most_within(0.05) == 4
    assert model.most_within(0.001) == 1
