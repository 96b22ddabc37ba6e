"""A lesson: signals, gradients, blame and the step, on the shipped weights."""

from __future__ import annotations

import copy
import dataclasses
import io
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from models.predictor import InvalidInput, Predictor
from models.salary import lesson_picture
from models.salary.anatomy import SHOWN, THROUGH_TRUNK, trace_of
from models.salary.canvas import WIDTH
from models.salary.lesson import LARGEST_MOVE, LEARNING_RATE, Lesson, LessonPredictor, LessonRequest
from models.salary.network import MEDIAN, pinball_loss
from models.salary.predictor import SalaryEstimate, SalaryPredictor, SalaryRequest

PERSON = SalaryRequest(
    degree="bachelor",
    field="computing",
    age=35,
    experience=10,
    gender="female",
    promotions=1,
    university="The University of Texas at Austin",
)
REQUEST = LessonRequest(person=PERSON, pay=100_000)


@pytest.fixture(scope="module")
def teacher(predictor: SalaryPredictor) -> LessonPredictor:
    torch.set_num_threads(1)
    return LessonPredictor(predictor)


def taught(teacher: LessonPredictor, request: LessonRequest) -> Lesson:
    [answer] = teacher.predict([request])
    assert isinstance(answer, Lesson), answer
    return answer


def test_it_starts_from_the_estimate_and_moves_towards_the_pay(
    teacher: LessonPredictor, predictor: SalaryPredictor
) -> None:
    [estimate] = predictor.predict([PERSON])
    assert isinstance(estimate, SalaryEstimate)
    for pay in (20_000, 100_000, 160_000, 900_000):
        lesson = taught(teacher, LessonRequest(person=PERSON, pay=pay))
        assert lesson.guess == pytest.approx(estimate.median, rel=1e-6)
        assert abs(math.log(lesson.next_guess / pay)) < abs(math.log(lesson.guess / pay))
        assert (lesson.next_guess > lesson.guess) == (pay > lesson.guess)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_nobody_s_guess_gets_worse(teacher: LessonPredictor, data: st.DataObject) -> None:
    config = teacher.predictor.config
    person = SalaryRequest(
        degree=data.draw(st.sampled_from(config.degrees)),
        field=data.draw(st.none() | st.sampled_from(config.fields)),
        age=data.draw(st.none() | st.integers(25, 70)),
        promotions=data.draw(st.none() | st.integers(0, 3)),
        university=data.draw(st.none() | st.sampled_from(config.universities)),
    )
    pay = data.draw(st.floats(12_000, 1_000_000))
    learned = teacher.learn(teacher.predictor.read(person), pay)
    before, after = (math.log(guesses[MEDIAN] / pay) for guesses in (learned.before, learned.after))
    assert abs(after) <= abs(before) + 1e-6
    assert before * after >= -1e-6  # it does not shoot past the pay
    assert learned.rate <= LEARNING_RATE
    assert abs(after - before) <= LARGEST_MOVE + 1e-6
    assert learned.after == sorted(learned.after)
    assert sum(learned.trace.blame.values()) == pytest.approx(1)


def test_a_guess_that_is_right_already_stays(teacher: LessonPredictor) -> None:
    guess = taught(teacher, REQUEST).guess
    lesson = taught(teacher, LessonRequest(person=PERSON, pay=guess))
    assert lesson.next_guess == pytest.approx(guess, rel=1e-5)
    assert lesson.learning_rate < LEARNING_RATE


def test_the_step_is_plain_gradient_descent_on_the_training_loss(
    teacher: LessonPredictor, predictor: SalaryPredictor
) -> None:
    """Against autograd on the real network, written down independently."""
    network, lesson = predictor.network, taught(teacher, REQUEST)
    inputs = predictor.inputs([predictor.read(PERSON)])
    quantiles = network(inputs).quantiles
    assert quantiles is not None
    loss = pinball_loss(quantiles, torch.tensor([100_000.0]).log(), network.config.quantile_levels).sum()
    named = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
    gradients = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    pupil = copy.deepcopy(network)
    trace = trace_of(pupil, inputs, {}, 100_000)
    squares: dict[str, float] = {}
    with torch.no_grad():
        stepped = copy.deepcopy(network)
        targets = dict(stepped.named_parameters())
        for name, gradient in zip(named, gradients, strict=True):
            own = dict(pupil.named_parameters())[name].grad
            if gradient is None:
                assert own is None or not own.any()
                continue
            assert own is not None
            torch.testing.assert_close(own, gradient)
            squares[name] = float(gradient.square().sum())
            targets[name] -= lesson.learning_rate * gradient
        expected = float(stepped.estimate(inputs)[0, MEDIAN].exp())
    assert math.log2(LEARNING_RATE / lesson.learning_rate) % 1 == 0, "halved, if anything"
    assert lesson.next_guess == pytest.approx(expected, rel=1e-5)
    total = sum(squares.values())
    output = (squares["head.weight"] + squares["head.bias"]) / total
    assert trace.blame["output"] == pytest.approx(output, rel=1e-4)
    assert lesson.blame == trace.blame


def test_the_shipped_network_is_left_as_it_was(teacher: LessonPredictor, predictor: SalaryPredictor) -> None:
    before = {name: weight.clone() for name, weight in predictor.network.state_dict().items()}
    first, second = teacher.predict([REQUEST, dataclasses.replace(REQUEST, pay=300_000)])
    assert teacher.predict([REQUEST]) == [first]  # the lessons before have left no trace
    assert first != second
    for name, weight in predictor.network.state_dict().items():
        assert torch.equal(weight, before[name]), name
    assert all(weight.grad is None for weight in predictor.network.parameters())


def test_what_is_shown_are_the_strongest_signals_and_the_largest_gradients(
    predictor: SalaryPredictor,
) -> None:
    pupil = copy.deepcopy(predictor.network)
    inputs = predictor.inputs([predictor.read(PERSON)])
    trace = trace_of(pupil, inputs, {}, 100_000)
    hidden = predictor.network(inputs, output_hidden_states=True).hidden_states
    assert hidden is not None
    for layer, values in zip(trace.hidden, hidden, strict=True):
        assert layer.lit == int((values > 0).sum())
        assert len(layer.lights) == SHOWN
        assert max(layer.lights) == 1.0
        assert max(layer.blames) == 1.0
        assert max(edge.blame for edge in layer.incoming) == 1.0  # the layer's largest gradient is shown
    assert max(edge.blame for edge in trace.outgoing) == 1.0
    assert all(edge.end == MEDIAN for edge in trace.outgoing if edge.blame == 1.0)
    assert {edge.start for edge in trace.hidden[0].incoming} <= set(range(len(THROUGH_TRUNK)))


def test_the_pictures_and_words_of_the_steps(teacher: LessonPredictor) -> None:
    lesson = taught(teacher, dataclasses.replace(REQUEST, person=SalaryRequest(degree="none")))
    assert [step.title for step in lesson.steps] == list(lesson_picture.STILLS)
    assert len({step.picture for step in lesson.steps}) == len(lesson.steps)
    words = " ".join(step.words for step in lesson.steps)
    assert "$100,000" in words
    assert f"{teacher.predictor.network.count_answering_weights():,}" in words
    with Image.open(io.BytesIO(lesson.animation)) as animation:
        assert animation.n_frames == len(lesson_picture.STAGES)  # type: ignore[attr-defined]
        assert animation.size == (WIDTH, lesson_picture.HEIGHT)
    assert len(lesson.animation) < 1_000_000


def test_blame_runs_back_a_layer_at_a_time(teacher: LessonPredictor) -> None:
    learned = teacher.learn(teacher.predictor.read(PERSON), 100_000)
    columns = [lesson_picture.INPUTS, *lesson_picture.HIDDEN, lesson_picture.OUTPUTS]

    def blamed_gaps(stage: str) -> list[bool]:
        """Whether anything between two columns is orange, for each gap from left to right."""
        picture = lesson_picture.draw(stage, learned.trace, learned.before, learned.after, 100_000)
        found = []
        for left, right in itertools.pairwise(columns):
            # Above the ways of promotions and university.
            gap = picture.crop((left + 20, lesson_picture.TOP, right - 20, lesson_picture.TOP + 240))
            red, green, blue = np.asarray(gap, dtype=int).transpose(2, 0, 1)
            found.append(bool(((red > blue + 80) & (red > green + 40)).sum() > 100))
        return found

    assert blamed_gaps("error") == [False, False, False, False]
    assert blamed_gaps("blame 3") == [False, False, False, True]
    assert blamed_gaps("blame 2") == [False, False, True, True]
    assert blamed_gaps("blame") == [True, True, True, True]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (dataclasses.replace(REQUEST, pay=25), "whole year"),
        (dataclasses.replace(REQUEST, pay=5_000_000), "whole year"),
        (dataclasses.replace(REQUEST, pay=math.nan), "whole year"),
        (dataclasses.replace(REQUEST, person=SalaryRequest(degree="bachelor", age=12)), "early"),
    ],
)
def test_what_cannot_be_learned_gets_a_question_back(
    teacher: LessonPredictor, request_: LessonRequest, words: str
) -> None:
    predictor: Predictor[LessonRequest, Lesson] = teacher
    refused, good = predictor.predict([request_, REQUEST])
    assert isinstance(refused, InvalidInput)
    assert words in str(refused)
    assert good == taught(teacher, REQUEST)
