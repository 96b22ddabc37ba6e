"""Estimate pay, and say what moved the estimate and where it leans on little."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from models.predictor import InvalidInput, nbytes
from models.salary import picture
from models.salary.network import MEDIAN, PROMOTIONS_KNOWN, SalaryConfig, SalaryInputs, SalaryNetwork

WEIGHTS = Path(__file__).parent / "weights"

AGES = (16, 80)
EXPERIENCES = (0, 60)
EARLIEST_WORK = 12
RARELY_WORK = 16
RARELY_HELD = {"associate": 19, "bachelor": 20, "master": 22, "professional": 24, "doctorate": 25}
"""The ages below which few people have these degrees."""
YOUNGEST = {"associate": 17, "bachelor": 18, "master": 19, "professional": 21, "doctorate": 21}
MOST_PROMOTIONS = 40

# Where the data end; beyond them the network holds its last value.
AGE_EVIDENCE = (18, 68)
EXPERIENCE_EVIDENCE = 40
FEW_INPUTS = 2


@dataclass(frozen=True, kw_only=True)
class SalaryRequest:
    """Estimate a salary. ``None`` means *not said*, for which the network has learned what to expect."""

    degree: str
    field: str | None = None
    age: float | None = None
    experience: float | None = None
    """Years."""
    gender: str | None = None
    promotions: int | None = None
    university: str | None = None
    compared_to: SalaryRequest | None = None
    """Whose estimate this one is set beside: the person as it was before something was changed."""


@dataclass(frozen=True, kw_only=True)
class SalaryEstimate:
    """Annual pay in US dollars of 2024."""

    median: float
    quartile_low: float
    quartile_high: float
    interval_low: float
    """10% quantile: the lower end of the 80% interval."""
    interval_high: float
    """90% quantile."""
    contributions: dict[str, float]
    """Dollars that each given input added to (or took from) the median of somebody unknown: Shapley values."""
    baseline: float
    """The median estimate when nothing is known: ``median == baseline + sum(contributions.values())``."""
    cautions: tuple[str, ...]
    """Sentences that say where this answer leans on thin evidence."""
    before: float | None
    """The median estimate for ``compared_to``."""
    picture: bytes
    """A PNG of the distribution of pay, and of what each input added."""


class SalaryPredictor:
    """The salary network, ready to answer."""

    def __init__(self, network: SalaryNetwork) -> None:
        self.network = network.eval()
        # Everybody says a degree here. In the coalitions that leave it out a university is not to count for more than
        # beside a degree, or the picture would show a premium that the degree then takes away.
        limits = network.university_branch.limits
        limits[0] = limits[1]
        self.config: SalaryConfig = network.config
        self._vocabularies = {
            name: {word.casefold(): index for index, word in enumerate(words, start=1)}
            for name, words in (
                ("degree", self.config.degrees),
                ("field", self.config.fields),
                ("gender", self.config.genders),
                ("university", self.config.universities),
            )
        }

    @property
    def nbytes(self) -> int:
        """Bytes that the weights take on the device."""
        return nbytes(self.network)

    @classmethod
    def load(cls, device: torch.device, checkpoint: Path | None = None) -> Self:
        """Read the weights and put the network on ``device``.

        Args:
            device: where to compute.
            checkpoint: a folder of ``save_pretrained``; the shipped weights if not given.

        Raises:
            OSError: the weights are missing or broken.
        """
        network: SalaryNetwork = SalaryNetwork.from_pretrained(
            checkpoint or WEIGHTS,
            local_files_only=True,
            dtype=torch.float32,  # the weights are kept in half precision
        )
        network.to(device=device)  # type: ignore[call-arg]  # a wrapper that transformers has not typed
        return cls(network)

    def predict(self, requests: Sequence[SalaryRequest]) -> list[SalaryEstimate | InvalidInput]:
        """Answer every request, in order. One that cannot be used yields an ``InvalidInput`` and harms no other."""
        answers: list[SalaryEstimate | InvalidInput] = []
        for request in requests:
            try:
                answers.append(self._estimate(request))
            except InvalidInput as error:
                answers.append(error)
        return answers

    def read(self, request: SalaryRequest) -> dict[str, float]:
        """Return what was said of a person, by input, as the network reads it.

        Raises:
            InvalidInput: a word is not in the vocabulary, or the numbers cannot be true together.
        """
        given: dict[str, float] = {}
        for name in SalaryInputs._fields:
            value = getattr(request, name)
            if value is None:
                continue
            given[name] = self._index(name, value) if name in self._vocabularies else _number(name, value)
        check(request)
        return given

    def labels(self, given: dict[str, float]) -> dict[str, str]:
        """Return each input with what was said of it, as pictures show it: ``Age: 35``."""
        words: dict[str, list[str]] = {
            "degree": self.config.degrees,
            "field": self.config.fields,
            "gender": self.config.genders,
        }
        found = {}
        for name, value in given.items():
            said = words[name][int(value) - 1].replace("_", " ") if name in words else f"{value:g}"
            found[name] = f"{name.capitalize()}: {said}"
            if name == "university":  # it is long, and says what it is
                found[name] = self.config.universities[int(value) - 1]
        return found

    def inputs(self, people: Sequence[dict[str, float]]) -> SalaryInputs:
        """Return a batch of people, each given by what is known of it."""
        columns = []
        for name in SalaryInputs._fields:
            word = name in self._vocabularies
            values = [person.get(name, 0 if word else math.nan) for person in people]
            columns.append(
                torch.tensor(values, dtype=torch.long if word else torch.float32, device=self.network.device)
            )
        return SalaryInputs(*columns)

    @torch.inference_mode()
    def pay(self, people: Sequence[dict[str, float]]) -> NDArray[np.float64]:
        """Return five quantiles of annual pay in dollars, for each person [people, 5]."""
        pay: NDArray[np.float64] = self.network.estimate(self.inputs(people)).double().exp().cpu().numpy()
        return pay

    def _estimate(self, request: SalaryRequest) -> SalaryEstimate:
        given = self.read(request)
        if not _graduate(request):
            given.pop("university", None)  # it says nothing of them, with or without the degree
        # One batch a request holds every coalition of its inputs. Its shape depends on the request alone, so that
        # rounding does too, and the answer is the same in whatever company the request comes.
        names = list(given)
        coalitions = itertools.product((False, True), repeat=len(names))  # nothing first, everything last
        pay = self.pay(
            [{name: given[name] for name in itertools.compress(names, part)} for part in coalitions]
        )  # [2^k, 5]
        shares = shapley_values(pay[:, MEDIAN])
        contributions = {name: float(share) for name, share in zip(names, shares, strict=True)}
        before = None if request.compared_to is None else self.pay([self.read(request.compared_to)])[0]
        low, quartile_low, median, quartile_high, high = (float(value) for value in pay[-1])
        return SalaryEstimate(
            median=median,
            quartile_low=quartile_low,
            quartile_high=quartile_high,
            interval_low=low,
            interval_high=high,
            contributions=contributions,
            baseline=float(pay[0, MEDIAN]),
            cautions=cautions(request),
            before=None if before is None else float(before[MEDIAN]),
            picture=picture.draw(
                pay[-1].tolist(),
                self.config.quantile_levels,
                {label: contributions[name] for name, label in self.labels(given).items()},
                float(pay[0, MEDIAN]),
                None if before is None else before.tolist(),
            ),
        )

    def _index(self, name: str, word: str) -> int:
        index = self._vocabularies[name].get(word.strip().casefold())
        if index is not None:
            return index
        if name == "university":
            msg = (
                f"I don't know a university called “{word}”. Please pick one from the list, or leave it out."
            )
            raise InvalidInput(msg)
        words = ", ".join(
            {"degree": self.config.degrees, "field": self.config.fields}.get(name, self.config.genders)
        )
        msg = f"I don't know the {name} “{word}”. Please pick one of: {words}."
        raise InvalidInput(msg)


def shapley_values(worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the exact Shapley values [k] of a game, after Shapley 1953.

    Args:
        worth: of every coalition [2^k], in the order of ``itertools.product((False, True), repeat=k)``.
    """
    players = len(worth).bit_length() - 1
    if players == 0:
        return np.zeros(0)
    game = worth.reshape((2,) * players)
    sizes = np.indices((2,) * (players - 1)).sum(axis=0)  # how many others are in
    weights = np.array([1 / (players * math.comb(players - 1, size)) for size in range(players)])
    return np.array(
        [
            (weights[sizes] * (np.take(game, 1, axis=player) - np.take(game, 0, axis=player))).sum()
            for player in range(players)
        ]
    )


def cautions(request: SalaryRequest) -> tuple[str, ...]:
    """Return what a reader of this estimate should know: first where it leaves what the data have seen."""
    given = sum(getattr(request, name) is not None for name in SalaryInputs._fields)
    degree = request.degree.strip().casefold()
    found = []
    at_the_ends = []
    if request.age is not None and not AGE_EVIDENCE[0] <= request.age <= AGE_EVIDENCE[1]:
        at_the_ends.append("are of your age")
    elif request.age is not None and request.age < RARELY_HELD.get(degree, 0):
        at_the_ends.append(f"have {_article(degree)} at {request.age:g}")
    if request.experience is not None and request.experience > EXPERIENCE_EVIDENCE:
        at_the_ends.append("have so much experience")
    if request.age is not None and request.experience is not None:
        began = request.age - request.experience
        if began < RARELY_WORK:
            at_the_ends.append(f"began to work at {began:g}")
    if at_the_ends:
        found.append(f"Few people in the data {' and '.join(at_the_ends)}.")
    if request.promotions is not None:
        capped = (
            f" More than {PROMOTIONS_KNOWN} count as {PROMOTIONS_KNOWN}." if request.promotions > 3 else ""
        )
        found.append(f"What promotions do to pay is known only from university employees.{capped}")
    if request.university is not None and not _graduate(request):
        found.append("The university adds nothing here: it is known only for people with a degree.")
    elif request.university is not None:
        found.append(
            "What is known of universities are medians of their graduates, most of them early in work."
        )
    if request.gender is not None and request.gender.strip().casefold() == "nonbinary":
        found.append("Only 696 nonbinary people are in the data, so this part is uncertain.")
    if given <= FEW_INPUTS:
        found.append("You said little, so the interval is wide. Field, age and experience narrow it most.")
    found.append(
        "The data are of full-time work in the US, most of it before 2017, so later pay rises are not in them."
    )
    return tuple(found)


def _graduate(request: SalaryRequest) -> bool:
    return request.degree.strip().casefold() not in ("none", "high school")


def _number(name: str, value: float) -> float:
    if not math.isfinite(value):
        msg = f"What is your {name}? Please give it as a number."
        raise InvalidInput(msg)
    return float(value)


def check(request: SalaryRequest) -> None:
    """Refuse what cannot be true, with the question that a friendly person would ask.

    Raises:
        InvalidInput: as the name says.
    """
    age, experience, promotions = request.age, request.experience, request.promotions
    if experience is not None and not EXPERIENCES[0] <= experience <= EXPERIENCES[1]:
        msg = f"{experience:g} years of experience? I can estimate from {EXPERIENCES[0]} to {EXPERIENCES[1]}."
        raise InvalidInput(msg)
    degree = request.degree.strip().casefold()
    if age is not None:
        if age < YOUNGEST.get(degree, 0):
            msg = f"{_article(degree).capitalize()} at {age:g} would be early. Did you mean another age?"
            raise InvalidInput(msg)
        if not AGES[0] <= age <= AGES[1]:
            msg = f"At what age? I can estimate for people of {AGES[0]} to {AGES[1]} years, not {age:g}."
            raise InvalidInput(msg)
    if age is not None and experience is not None and age - experience < EARLIEST_WORK:
        began = f"You would have begun to work at the age of {age - experience:g}."
        sane = experience >= max(AGES[0], YOUNGEST.get(degree, 0)) and experience - age >= EARLIEST_WORK
        question = "Did you swap age and experience?" if sane else "Would you check both numbers?"
        raise InvalidInput(f"{began} {question}")
    if promotions is not None:
        if not 0 <= promotions <= MOST_PROMOTIONS:
            msg = f"How many promotions did you have? I can read 0 to {MOST_PROMOTIONS}, not {promotions}."
            raise InvalidInput(msg)
        if experience is not None and promotions > 3 + 2 * experience:
            msg = (
                f"{promotions} promotions, but {experience:g} years of experience? Please check both numbers."
            )
            raise InvalidInput(msg)


def _article(degree: str) -> str:
    """Return the degree with its article: "a bachelor's degree", "an associate degree", "a doctorate"."""
    return {
        "associate": "an associate degree",
        "bachelor": "a bachelor's degree",
        "master": "a master's degree",
        "professional": "a professional degree",
        "doctorate": "a doctorate",
    }[degree]
