"""The predictor, on the shipped weights: what it refuses, explains and warns of."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from models.predictor import InvalidInput
from models.salary import canvas
from models.salary.network import SalaryInputs
from models.salary.predictor import SalaryEstimate, SalaryPredictor, SalaryRequest, shapley_values

EVERYTHING = SalaryRequest(
    degree="master",
    field="computing",
    age=38,
    experience=12,
    gender="female",
    promotions=2,
    university="Iowa State University",
)


def estimate(predictor: SalaryPredictor, request: SalaryRequest) -> SalaryEstimate:
    [answer] = predictor.predict([request])
    assert isinstance(answer, SalaryEstimate), answer
    return answer


def refusal(predictor: SalaryPredictor, request: SalaryRequest) -> str:
    [answer] = predictor.predict([request])
    assert isinstance(answer, InvalidInput)
    return str(answer)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (SalaryRequest(degree="high school", age=19, experience=30), "at the age of -11. Would you check"),
        (SalaryRequest(degree="bachelor", age=18, experience=40), "at the age of -22. Did you swap"),
        (SalaryRequest(degree="doctorate", age=12), "A doctorate at 12 would be early"),
        (SalaryRequest(degree="bachelor", age=12), "A bachelor's degree at 12"),
        (SalaryRequest(degree="none", age=15), "16 to 80"),
        (SalaryRequest(degree="none", age=81), "16 to 80"),
        (SalaryRequest(degree="none", age=float("nan")), "as a number"),
        (SalaryRequest(degree="none", experience=-1), "0 to 60"),
        (SalaryRequest(degree="none", experience=61), "0 to 60"),
        (SalaryRequest(degree="none", promotions=-1), "How many promotions"),
        (SalaryRequest(degree="none", promotions=10, experience=1), "10 promotions, but"),
        (SalaryRequest(degree="diploma"), "don't know the degree “diploma”"),
        (SalaryRequest(degree="bachelor", field="alchemy"), "don't know the field “alchemy”"),
        (SalaryRequest(degree="bachelor", gender="x"), "female, male, nonbinary"),
        (SalaryRequest(degree="bachelor", university="Hogwarts"), "pick one from the list"),
    ],
)
def test_what_cannot_be_true_gets_a_question_back(
    predictor: SalaryPredictor, request_: SalaryRequest, words: str
) -> None:
    assert words in refusal(predictor, request_)


def test_one_bad_request_harms_no_other(predictor: SalaryPredictor) -> None:
    good = SalaryRequest(degree="bachelor")
    answers = predictor.predict([good, SalaryRequest(degree="diploma"), EVERYTHING])
    assert isinstance(answers[1], InvalidInput)
    assert answers[0] == estimate(predictor, good)
    assert answers[2] == estimate(predictor, EVERYTHING)


def test_case_and_blanks_of_words_do_not_matter(predictor: SalaryPredictor) -> None:
    shouted = dataclasses.replace(EVERYTHING, degree=" MASTER ", university="iowa state UNIVERSITY")
    assert estimate(predictor, shouted) == estimate(predictor, EVERYTHING)


def test_contributions_add_up_and_name_what_was_given(predictor: SalaryPredictor) -> None:
    answer = estimate(predictor, EVERYTHING)
    assert set(answer.contributions) == set(SalaryInputs._fields)
    assert answer.baseline + sum(answer.contributions.values()) == pytest.approx(answer.median, abs=0.01)
    short = estimate(predictor, SalaryRequest(degree="none", age=40))
    assert set(short.contributions) == {"degree", "age"}
    assert short.baseline == answer.baseline


def test_shapley_values_of_a_known_game() -> None:
    # The glove game: the first player holds a left glove, the others a right one each; a pair is worth 1.
    worth = np.array([0.0, 0, 0, 0, 0, 1, 1, 1])  # nobody, 3, 2, 23, 1, 13, 12, 123
    assert shapley_values(worth) == pytest.approx([4 / 6, 1 / 6, 1 / 6])
    assert len(shapley_values(np.array([5.0]))) == 0


words = st.sampled_from


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_plain_request_gets_a_sane_answer(predictor: SalaryPredictor, data: st.DataObject) -> None:
    config = predictor.config
    age = data.draw(st.none() | st.floats(22, 80))
    request = SalaryRequest(
        degree=data.draw(words(config.degrees)),
        field=data.draw(st.none() | words(config.fields)),
        age=age,
        experience=data.draw(st.none() | st.floats(0, 60 if age is None else min(age - 16, 60))),
        gender=data.draw(st.none() | words(config.genders)),
        promotions=data.draw(st.none() | st.integers(0, 3)),
        university=data.draw(st.none() | words(config.universities)),
    )
    answer = estimate(predictor, request)
    ends = [
        answer.interval_low,
        answer.quartile_low,
        answer.median,
        answer.quartile_high,
        answer.interval_high,
    ]
    assert ends == sorted(ends)
    assert answer.interval_low > 8_000
    assert answer.interval_high < 1_500_000
    assert answer.baseline + sum(answer.contributions.values()) == pytest.approx(answer.median, abs=0.01)
    assert len("".join(answer.cautions)) < 700, "a field of a card has room for 1,024 letters"


def test_cautions_come_only_where_they_apply(predictor: SalaryPredictor) -> None:
    plain = SalaryRequest(degree="bachelor", field="health", age=40, experience=15)
    assert len(estimate(predictor, plain).cautions) == 1  # of country and years

    def said(**more: Any) -> str:
        return " ".join(estimate(predictor, dataclasses.replace(plain, **more)).cautions)

    assert "university employees" in said(promotions=1)
    assert "count as 3" in said(promotions=5)
    assert "medians" in said(university="Iowa State University")
    assert "adds nothing" in said(university="Iowa State University", degree="high school")
    assert "696" in said(gender="nonbinary")
    assert "of your age" in said(age=75)
    assert "began to work at 15" in said(age=25, experience=10)
    assert "have a doctorate at 22" in said(degree="doctorate", age=22, experience=1)
    far = said(
        degree="high school", age=80, gender="nonbinary", promotions=5, university="Iowa State University"
    )
    assert far.startswith("Few people in the data are of your age")
    assert "before 2017" in far
    assert "interval is wide" in said(field=None, age=None, experience=None)


def test_the_parts_of_an_answer_do_not_contradict_each_other(predictor: SalaryPredictor) -> None:
    """A university adds nothing without a degree, and with one no more than it may add."""
    school = SalaryRequest(degree="high school", age=40)
    plain, named = (
        estimate(predictor, dataclasses.replace(school, university=name))
        for name in (None, "Stanford University")
    )
    assert named.contributions == plain.contributions
    assert named.median == plain.median
    bachelor = SalaryRequest(degree="bachelor", field="computing", age=28, experience=5)
    plain, named = (
        estimate(predictor, dataclasses.replace(bachelor, university=name))
        for name in (None, "Massachusetts Institute of Technology")
    )
    added = named.contributions["university"]
    assert added == pytest.approx(named.median - plain.median, rel=0.2)
    assert abs(named.contributions["degree"] - plain.contributions["degree"]) < 0.2 * added


def test_two_people_side_by_side(predictor: SalaryPredictor) -> None:
    bachelor = dataclasses.replace(EVERYTHING, degree="bachelor")
    answer = estimate(predictor, dataclasses.replace(EVERYTHING, compared_to=bachelor))
    alone = estimate(predictor, EVERYTHING)
    assert alone.before is None
    assert answer.before == estimate(predictor, bachelor).median
    assert dataclasses.replace(answer, before=None, picture=b"") == dataclasses.replace(alone, picture=b"")
    assert answer.picture != alone.picture
    assert "early" in refusal(
        predictor,
        dataclasses.replace(EVERYTHING, compared_to=SalaryRequest(degree="doctorate", age=17)),
    )


def colours(png: bytes) -> set[tuple[int, ...]]:
    """The colours of a picture that cover more than a stroke."""
    with Image.open(io.BytesIO(png)) as picture:
        found = picture.convert("RGB").getcolors(maxcolors=1 << 20) or []
    return {colour for count, colour in found if count > 60 and isinstance(colour, tuple)}


@pytest.mark.parametrize(
    "request_",
    [
        SalaryRequest(degree="none"),
        SalaryRequest(degree="none", age=16, gender="nonbinary", compared_to=EVERYTHING),
        dataclasses.replace(EVERYTHING, compared_to=SalaryRequest(degree="none", age=16)),
    ],
)
def test_the_picture_shows_bands_and_both_kinds_of_steps(
    predictor: SalaryPredictor, request_: SalaryRequest
) -> None:
    answer = estimate(predictor, request_)
    with Image.open(io.BytesIO(answer.picture)) as picture:
        assert picture.width == canvas.WIDTH
        assert 400 < picture.height < 1100
    assert len(answer.picture) < 200_000
    seen = colours(answer.picture)

    def near(colour: canvas.Colour) -> bool:
        return any(sum(abs(a - b) for a, b in zip(colour, other, strict=True)) < 40 for other in seen)

    assert near(canvas.BLUE)
    steps = answer.contributions.values()
    for colour, signed in ((canvas.GREEN, list(steps)), (canvas.ORANGE, [-step for step in steps])):
        compared = colour == canvas.ORANGE and request_.compared_to is not None  # whose outline is orange
        if compared or max(signed) > 1000:
            assert near(colour)
        elif max(signed) < 0:
            assert not near(colour)
