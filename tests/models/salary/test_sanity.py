"""What the shipped weights must have learnt, and must not do, over a grid of made-up people."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from models.salary import data
from models.salary.network import MEDIAN, SalaryInputs
from models.salary.predictor import SalaryPredictor

NOISE = 0.03  # of log pay: three percent


Grid = dict[str, list[Any]]


def people(predictor: SalaryPredictor, **given: list[Any]) -> Tensor:
    """Return quantiles of log pay [people, 5] for every combination of the given words and numbers."""
    config = predictor.config
    vocabulary = {
        "degree": config.degrees,
        "field": config.fields,
        "gender": config.genders,
        "university": config.universities,
    }
    columns = {name: given.get(name, [None]) for name in SalaryInputs._fields}
    grid = list(itertools.product(*columns.values()))
    tensors = []
    for place, name in enumerate(SalaryInputs._fields):
        values = [person[place] for person in grid]
        if name in vocabulary:
            indices = {word: index for index, word in enumerate(vocabulary[name], start=1)}
            tensors.append(torch.tensor([0 if value is None else indices[str(value)] for value in values]))
        else:
            tensors.append(torch.tensor([math.nan if value is None else float(value) for value in values]))
    with torch.inference_mode():
        quantiles: Tensor = predictor.network.estimate(SalaryInputs(*tensors))
    return quantiles


def median(predictor: SalaryPredictor, **given: list[Any]) -> Tensor:
    return people(predictor, **given)[:, MEDIAN]


def test_quantiles_never_cross_and_nothing_is_missing(predictor: SalaryPredictor) -> None:
    config = predictor.config
    quantiles = people(
        predictor,
        degree=[None, *config.degrees],
        field=[None, *config.fields],
        age=[None, 25, 50, 80],
        experience=[None, 0, 10],
        gender=[None, *config.genders],
        promotions=[None, 0, 3],
    )
    assert quantiles.isfinite().all()
    assert (quantiles.diff(dim=-1) >= 0).all()
    assert (quantiles[:, 0] > math.log(8_000)).all()
    assert (quantiles[:, -1] < math.log(1_500_000)).all()


@pytest.mark.parametrize("age", [None, 38, 45])
def test_experience_does_not_lower_pay_before_mid_career(predictor: SalaryPredictor, age: int | None) -> None:
    years = [0, 1, 2, 4, 6, 9, 12, 16, 20]
    config = predictor.config
    usual: Grid = {
        "degree": ["high school", "associate", "bachelor", "master", "doctorate"],
        "field": [None, *config.fields],
        "gender": [None, "female", "male"],
        "age": [age],
    }
    curves = torch.stack([median(predictor, experience=[year], **usual) for year in years])  # [years, people]
    highest_before = curves.cummax(dim=0).values
    assert (highest_before - curves).max() < 2 * NOISE
    assert (curves[-1] - curves[0]).mean() > 0.1


def test_a_higher_degree_is_not_worth_less(predictor: SalaryPredictor) -> None:
    config = predictor.config

    def pay(degree: str) -> Tensor:
        return median(
            predictor,
            degree=[degree],
            field=[None, *config.fields],
            age=[None, 35, 50],
            experience=[None, 8, 15],
            gender=[None, "female", "male"],
        )

    for lower, higher in [
        *itertools.pairwise(["none", "high school", "associate", "bachelor"]),
        *(("bachelor", graduate) for graduate in ("master", "professional", "doctorate")),
    ]:
        assert (pay(lower) - pay(higher)).max() < 2 * NOISE, (lower, higher)
    assert (pay("bachelor") - pay("high school")).mean() > 0.15


@pytest.mark.parametrize("degree", ["high school", "bachelor", "doctorate"])
def test_promotions_move_pay_smoothly_and_not_beyond_the_evidence(
    predictor: SalaryPredictor, degree: str
) -> None:
    counts = [None, 0, 1, 2, 3, 4, 10]
    pay = median(predictor, degree=[degree], promotions=[*counts])
    steps = pay[1:].diff()
    assert (steps >= 0).all()
    assert (steps < 0.4).all()
    assert steps[-2:].abs().max() == 0
    assert pay[1] < pay[0] < pay[4]  # somebody whose promotions are not known lies between


def test_an_unknown_university_is_the_average_one(predictor: SalaryPredictor) -> None:
    branch, config = predictor.network.university_branch, predictor.config
    names = config.university_features
    column = {name: branch.features[1:, place] for place, name in enumerate(names)}
    students = column["log_undergraduates"] * data.UNDERGRADUATES_SCALE + data.UNDERGRADUATES_MEAN
    four_year = (column["tier_two_year_or_less"] == 0) & (
        sum(column[f"tier_{tier}"] for tier in data.TIERS) > 0
    )
    weights = students.exp() * four_year
    for study in (None, "computing", "education", "business"):
        known: Grid = {"degree": ["bachelor"], "field": [study], "age": [30], "experience": [6]}
        effect = median(predictor, university=[*config.universities], **known) - median(predictor, **known)
        assert abs(float((effect * weights).sum() / weights.sum())) < 0.005
        assert effect[four_year].abs().max() < math.log(2)


def test_no_university_multiplies_pay_of_any_graduates(predictor: SalaryPredictor) -> None:
    """Medians of all graduates of a school say little of its lawyers, of whom there may be none."""
    config = predictor.config
    for degree in ("associate", "bachelor", "master", "professional", "doctorate"):
        for study in (None, *config.fields):
            known: Grid = {"degree": [degree], "field": [study], "age": [45], "experience": [18]}
            effect = median(predictor, university=[*config.universities], **known) - median(
                predictor, **known
            )
            assert effect.abs().max() < math.log(2), (degree, study)


def test_a_university_says_nothing_of_people_without_a_degree(predictor: SalaryPredictor) -> None:
    known = median(predictor, degree=["high school"], university=["Iowa State University"])
    assert known == median(predictor, degree=["high school"])


def test_what_it_has_learnt(predictor: SalaryPredictor) -> None:
    computing, education = median(predictor, degree=["bachelor"], field=["computing", "education"])
    assert computing - education > 0.3
    config = predictor.config
    tier = predictor.network.university_branch.features[
        1:, config.university_features.index("tier_most_selective")
    ]
    selective = [name for name, is_selective in zip(config.universities, tier, strict=True) if is_selective]
    effect = median(predictor, degree=["bachelor"], university=[*selective]) - median(
        predictor, degree=["bachelor"]
    )
    assert effect.mean() > 0.1


def test_somebody_unknown_gets_a_usual_american_pay(predictor: SalaryPredictor) -> None:
    low, *_, high = people(predictor)[0].exp().tolist()
    assert low < 45_000 < high
    assert 45_000 < float(median(predictor).exp()) < 90_000
    width = people(predictor).diff().sum()
    fully = people(predictor, degree=["bachelor"], field=["computing"], age=[35], experience=[10])
    assert fully.diff().sum() < width


SOME_UNIVERSITIES = [
    *("Iowa State University", "Stanford University", "Harvard University", "Miami Dade College"),
    *(
        "University of California-Berkeley",
        "University of Phoenix-Arizona",
        "The University of Texas at Austin",
    ),
]


@pytest.mark.parametrize("promotions", [0, 1, 2, 3])
def test_orders_hold_for_a_person_who_fills_in_everything(
    predictor: SalaryPredictor, promotions: int
) -> None:
    """No source has all inputs: what the network composes must be as sane as what it has seen."""
    config = predictor.config
    everything: Grid = {
        "field": [*config.fields],
        "age": [38, 50],
        "gender": ["female", "male"],
        "promotions": [promotions],
        "university": [*SOME_UNIVERSITIES],
    }

    def pay(degree: str, experience: int) -> Tensor:
        return median(predictor, degree=[degree], experience=[experience], **everything)

    for lower, higher in [
        ("associate", "bachelor"),
        *(("bachelor", graduate) for graduate in ("master", "professional", "doctorate")),
    ]:
        assert (pay(lower, 12) - pay(higher, 12)).max() < 0.1, (lower, higher)
        assert (pay(lower, 12) - pay(higher, 12)).mean() < 0, (lower, higher)
    for degree in ("associate", "bachelor", "master", "doctorate"):
        years = torch.stack([pay(degree, year) for year in (0, 3, 8, 14, 20)])  # [years, people]
        assert (years.cummax(dim=0).values - years).max() < 2 * NOISE, degree


def test_a_year_more_is_no_cliff(predictor: SalaryPredictor) -> None:
    config = predictor.config
    usual: Grid = {
        "degree": [*config.degrees],
        "field": [None, *config.fields],
        "gender": [None, "female", "male"],
    }
    ages = torch.stack([median(predictor, age=[age], **usual) for age in range(18, 81)])
    both = torch.stack(
        [median(predictor, age=[22 + years], experience=[years], **usual) for years in range(45)]
    )
    for curves in (ages, both):
        steps = curves.diff(dim=0).abs()
        assert steps.max() < 0.25
        assert steps.mean() < 0.05
    assert (ages[50:] - ages[50]).abs().max() == 0  # from 68 on there are no data, and nothing is made up


def test_intervals_are_neither_a_point_nor_everything(predictor: SalaryPredictor) -> None:
    config = predictor.config
    quantiles = people(
        predictor,
        degree=[*config.degrees],
        field=[None, *config.fields],
        age=[None, 25, 45, 70],
        experience=[None, 3, 12],
        promotions=[None, 0, 3],
        university=[None, *SOME_UNIVERSITIES],
    )
    widths = (quantiles[:, -1] - quantiles[:, 0]).exp()  # the 90% quantile over the 10% quantile
    assert widths.min() > 1.5
    assert widths.max() < 10


def test_somebody_of_no_known_field_or_gender_lies_among_those_of_one(predictor: SalaryPredictor) -> None:
    config = predictor.config
    usual: Grid = {"degree": ["high school", "bachelor", "doctorate"], "age": [30, 50]}
    for name, words in (("field", config.fields), ("gender", ["female", "male"])):
        each = torch.stack([median(predictor, **{name: [word]}, **usual) for word in words])
        blank = median(predictor, **usual)
        assert (each.amin(dim=0) - NOISE < blank).all(), name
        assert (blank < each.amax(dim=0) + NOISE).all(), name
