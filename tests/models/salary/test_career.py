"""The years ahead, on the shipped weights."""

from __future__ import annotations

import dataclasses
import io

import pytest
from PIL import Image

from models.predictor import InvalidInput, Predictor
from models.salary.canvas import WIDTH
from models.salary.career import Career, CareerPredictor, CareerRequest
from models.salary.predictor import SalaryEstimate, SalaryPredictor, SalaryRequest

YOUNG = SalaryRequest(degree="bachelor", field="computing", age=25, experience=3, gender="female")


@pytest.fixture(scope="module")
def career(predictor: SalaryPredictor) -> CareerPredictor:
    return CareerPredictor(predictor)


def ahead(career: CareerPredictor, person: SalaryRequest) -> Career:
    [answer] = career.predict([CareerRequest(person=person)])
    assert isinstance(answer, Career), answer
    return answer


def test_every_year_is_the_plain_estimate_of_somebody_so_much_older(
    career: CareerPredictor, predictor: SalaryPredictor
) -> None:
    answer = ahead(career, YOUNG)
    assert [year.ahead for year in answer.years] == list(range(21))
    for year in answer.years[::5]:
        older = dataclasses.replace(YOUNG, age=25 + year.ahead, experience=3 + year.ahead)
        [plain] = predictor.predict([older])
        assert isinstance(plain, SalaryEstimate)
        for name in ("median", "quartile_low", "quartile_high", "interval_low", "interval_high"):
            assert getattr(year, name) == pytest.approx(getattr(plain, name), rel=1e-5)
    with Image.open(io.BytesIO(answer.picture)) as picture:
        assert picture.width == WIDTH


@pytest.mark.parametrize(
    ("person", "years"),
    [
        (SalaryRequest(degree="master", age=60), 8),
        (SalaryRequest(degree="master", experience=30.5), 9),
        (SalaryRequest(degree="master", age=55, experience=35), 5),
        (SalaryRequest(degree="none", age=66), 2),
    ],
)
def test_it_ends_where_the_data_end(career: CareerPredictor, person: SalaryRequest, years: int) -> None:
    assert ahead(career, person).years[-1].ahead == years


@pytest.mark.parametrize(
    ("person", "words"),
    [
        (SalaryRequest(degree="master"), "age or years"),
        (SalaryRequest(degree="master", age=75), "data end"),
        (SalaryRequest(degree="wizard", age=30), "wizard"),
    ],
)
def test_what_has_no_years_ahead_is_told_so(
    career: CareerPredictor, person: SalaryRequest, words: str
) -> None:
    predictor: Predictor[CareerRequest, Career] = career
    refused, answer = predictor.predict([CareerRequest(person=person), CareerRequest(person=YOUNG)])
    assert isinstance(refused, InvalidInput)
    assert words in str(refused)
    assert answer == ahead(career, YOUNG)


def test_a_young_person_earns_more_ten_years_on(career: CareerPredictor) -> None:
    for field in ("computing", "education", "health", "trades_technical"):
        years = ahead(career, dataclasses.replace(YOUNG, field=field)).years
        assert years[10].median > years[0].median * 1.05
