"""The source branch: what it learns of a source, and that no answer moves by it."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
import torch

from models.salary import data
from models.salary.network import MEDIAN, SalaryConfig, SalaryInputs, SalaryNetwork
from models.salary.predictor import WEIGHTS, SalaryPredictor
from models.salary.sources import SourcePlan, train_source_branch
from tests.models.salary.test_training import make_rows

MOST_BYTES = 1_000_000


def two_sources() -> tuple[SalaryConfig, data.Table]:
    """Return rows of a source where a master's pays half more than a bachelor's, and of one where it pays the same."""
    draw = random.Random(5)
    rows = make_rows(1200)
    for row in rows:
        more = row["degree"] == "master" and row["source"] == "aam_2021"
        row["salary_usd_2024"] = str(60_000 * (1.5 if more else 1.0) * math.exp(draw.gauss(0, 0.1)))
    config = data.make_config(rows, [])
    config.hidden_sizes, config.source_hidden_sizes = [32, 16], [32]
    return config, data.encode(rows, config)


def degrees_by_source(config: SalaryConfig) -> tuple[SalaryInputs, torch.Tensor]:
    """Return a bachelor and a master of either source, in the order of the sources."""
    nothing, blank = torch.zeros(4, dtype=torch.long), torch.full((4,), math.nan)
    bachelor, master = (config.degrees.index(degree) + 1 for degree in ("bachelor", "master"))
    inputs = SalaryInputs(
        torch.tensor([bachelor, master] * 2), nothing, blank, torch.full((4,), 10.0), nothing, blank, nothing
    )
    return inputs, torch.tensor([0, 0, 1, 1])


def test_it_learns_what_only_one_source_says_and_leaves_every_answer_alone() -> None:
    config, table = two_sources()
    torch.manual_seed(1)
    network = SalaryNetwork(config).eval()
    inputs, source = degrees_by_source(config)
    with torch.no_grad():
        before = network.estimate(inputs)
    train_source_branch(network, table, SourcePlan(epochs=20, batch_size=64, learning_rate=0.01))
    with torch.no_grad():
        assert torch.equal(network.estimate(inputs), before)
        told = network.as_measured(inputs, source)
    gain = {
        config.sources[place]: float(told[2 * place + 1, MEDIAN] - told[2 * place, MEDIAN])
        for place in (0, 1)
    }
    assert gain["aam_2021"] == pytest.approx(math.log(1.5), abs=0.06)
    assert gain["nlsy97"] == pytest.approx(0.0, abs=0.06)
    assert (told.diff(dim=-1) > 0).all()
    spread = told[:, -1] - told[:, 0]
    assert spread.mean() == pytest.approx(2 * 1.28 * 0.1, rel=0.4)  # a bell curve's 80%


def test_the_shipped_network_knows_its_sources(predictor: SalaryPredictor) -> None:
    """The spread of one university's professors is less than that of all people who look like them."""
    network, config = predictor.network, predictor.config
    assert len(config.source_conformal_factors) == len(config.sources)
    professor = predictor.inputs([{"degree": config.degrees.index("doctorate") + 1, "promotions": 2.0}])
    widths, medians = {}, {}
    for name in ("isu_professors", "cps_2009", "scorecard_2025", "aam_2021"):
        with torch.inference_mode():
            told = network.estimate_as_measured(professor, torch.tensor([config.sources.index(name)]))[0]
        assert (told.diff() >= 0).all()
        widths[name], medians[name] = float(told[-1] - told[0]), float(told[MEDIAN])
    with torch.inference_mode():
        used = network.estimate(professor)[0]
    assert widths["isu_professors"] < 0.8 * float(used[-1] - used[0])
    assert medians["isu_professors"] > 11.3  # full professors: above 80,000 dollars


def test_the_weights_are_small_and_the_sources_count_for_no_answer(predictor: SalaryPredictor) -> None:
    network = predictor.network
    assert (WEIGHTS / "model.safetensors").stat().st_size < MOST_BYTES
    assert all(
        weight.dtype == torch.float32 for weight in network.parameters()
    )  # kept in half, used in single
    network.zero_grad()
    quantiles = network(predictor.inputs([{"degree": 4.0, "age": 30.0}])).quantiles
    quantiles.sum().backward()
    moved = sum(weight.numel() for name, weight in network.named_parameters() if weight.grad is not None)
    # Promotions were not said, yet their branch is asked.
    assert moved == network.count_answering_weights()
    network.zero_grad()


def test_half_precision_leaves_the_answers_as_they_were(tmp_path: Path) -> None:
    torch.manual_seed(2)
    config, table = two_sources()
    network = SalaryNetwork(config).eval()
    network.half().save_pretrained(tmp_path)
    network.float()
    kept = SalaryPredictor.load(torch.device("cpu"), tmp_path).network
    with torch.no_grad():
        assert torch.equal(kept.estimate(table.inputs), network.estimate(table.inputs))
