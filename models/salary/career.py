"""The next twenty years of somebody's pay, read from people of today who are older and have worked for longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch

from models.predictor import InvalidInput
from models.salary import career_picture
from models.salary.predictor import AGE_EVIDENCE, EXPERIENCE_EVIDENCE, SalaryPredictor, SalaryRequest

YEARS = 20
FEWEST = 2
"""Years that make a curve."""


@dataclass(frozen=True, kw_only=True)
class CareerRequest:
    """Estimate what people like this one earn who are up to twenty years ahead."""

    person: SalaryRequest
    """Who says an age, years of experience, or both: that is what goes on."""


@dataclass(frozen=True, kw_only=True)
class CareerYear:
    """Annual pay in US dollars of 2024, of people some years ahead."""

    ahead: int
    """Years."""
    median: float
    quartile_low: float
    quartile_high: float
    interval_low: float
    """10% quantile."""
    interval_high: float
    """90% quantile."""


@dataclass(frozen=True, kw_only=True)
class Career:
    """A cross-section of people of today, not a forecast of anybody's pay."""

    years: tuple[CareerYear, ...]
    """From now on, year by year: up to twenty, fewer where the data end before."""
    picture: bytes
    """A PNG of the curve with its bands."""


class CareerPredictor:
    """The salary network, asked the same question at growing age and experience."""

    def __init__(self, predictor: SalaryPredictor) -> None:
        self.predictor = predictor

    @property
    def nbytes(self) -> int:
        """Bytes that the weights take on the device."""
        return self.predictor.nbytes

    @classmethod
    def load(cls, device: torch.device, checkpoint: Path | None = None) -> Self:
        """Read the weights and put the network on ``device``.

        Raises:
            OSError: the weights are missing or broken.
        """
        return cls(SalaryPredictor.load(device, checkpoint))

    def predict(self, requests: Sequence[CareerRequest]) -> list[Career | InvalidInput]:
        """Answer every request, in order. One that cannot be used yields an ``InvalidInput`` and harms no other."""
        answers: list[Career | InvalidInput] = []
        for request in requests:
            try:
                answers.append(self._career(request.person))
            except InvalidInput as error:
                answers.append(error)
        return answers

    def _career(self, person: SalaryRequest) -> Career:
        now = self.predictor.read(person)
        growing = [name for name in ("age", "experience") if name in now]
        if not growing:
            msg = "From when on? Please tell me an age or years of experience, then I can look ahead."
            raise InvalidInput(msg)
        ends = {"age": AGE_EVIDENCE[1], "experience": EXPERIENCE_EVIDENCE}
        # Beyond its last knots the network repeats itself: a flat line there would be made up.
        ahead = min(YEARS, *(int(ends[name] - now[name]) for name in growing))
        if ahead < FEWEST:
            msg = (
                f"The data end at the age of {AGE_EVIDENCE[1]} and at {EXPERIENCE_EVIDENCE} years of experience, "
                "so I cannot look ahead from there."
            )
            raise InvalidInput(msg)
        people = [now | {name: now[name] + year for name in growing} for year in range(ahead + 1)]
        pay = self.predictor.pay(people)  # [ahead + 1, 5]
        years = tuple(
            CareerYear(
                ahead=year,
                median=median,
                quartile_low=quartile_low,
                quartile_high=quartile_high,
                interval_low=low,
                interval_high=high,
            )
            for year, (low, quartile_low, median, quartile_high, high) in enumerate(pay.tolist())
        )
        first = growing[0]
        unit = "Age" if first == "age" else "Years of experience"
        return Career(years=years, picture=career_picture.draw(pay.tolist(), now[first], unit))
