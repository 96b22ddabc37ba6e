"""The shipped network, loaded once."""

from __future__ import annotations

import pytest
import torch

from models.salary.predictor import SalaryPredictor


@pytest.fixture(scope="session")
def predictor() -> SalaryPredictor:
    return SalaryPredictor.load(torch.device("cpu"))
