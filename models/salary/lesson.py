"""One lesson for the salary network: how it comes to its guess, and one step of learning from the right answer.

The step is taken on a copy, which is dropped: nobody's pay changes the network that others ask.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch

from models.predictor import InvalidInput
from models.salary import lesson_picture
from models.salary.anatomy import ASIDE, Trace, trace_of
from models.salary.canvas import dollars, palette_of, png
from models.salary.network import MEDIAN, SalaryInputs, SalaryNetwork
from models.salary.predictor import SalaryPredictor, SalaryRequest

LEARNING_RATE = 0.002
"""The largest that the network was trained with."""
HALVINGS = 30
LARGEST_MOVE = 0.1
"""Of the guess, in log pay."""
RIGHT = 50
"""Dollars: amounts are told to the hundred."""
PAY = (12_000, 1_000_000)
"""Dollars of 2024: the range of the data."""


@dataclass(frozen=True, kw_only=True)
class LessonRequest:
    """Teach a copy of the network what somebody really earns."""

    person: SalaryRequest
    pay: float
    """Annual, in US dollars."""


@dataclass(frozen=True, kw_only=True)
class LessonStep:
    """One of the stages between the question and the better guess."""

    title: str
    words: str
    """What the picture shows, in a few sentences."""
    picture: bytes
    """A PNG of the network."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What the network made of a person, and what it learned from being told the pay."""

    guess: float
    """The median estimate before, in dollars."""
    next_guess: float
    """The same after one step of gradient descent: nearer to the pay."""
    learning_rate: float
    """Of that step."""
    blame: dict[str, float]
    """Which share of the correction falls to each part of the network: together 1."""
    steps: tuple[LessonStep, ...]
    animation: bytes
    """A GIF in which signals run forward and blame runs back."""


@dataclass(frozen=True, kw_only=True)
class Learned:
    """A lesson in numbers."""

    before: list[float]
    """Quantiles of pay in dollars [5]."""
    after: list[float]
    """The same after the step [5]."""
    rate: float
    """Of the step."""
    trace: Trace


class LessonPredictor:
    """The salary network, ready to be taught."""

    def __init__(self, predictor: SalaryPredictor) -> None:
        self.predictor = predictor

    @property
    def nbytes(self) -> int:
        """Bytes that the weights take on the device; a lesson's copy comes for its own time on top."""
        return self.predictor.nbytes

    @classmethod
    def load(cls, device: torch.device, checkpoint: Path | None = None) -> Self:
        """Read the weights and put the network on ``device``.

        Raises:
            OSError: the weights are missing or broken.
        """
        return cls(SalaryPredictor.load(device, checkpoint))

    def predict(self, requests: Sequence[LessonRequest]) -> list[Lesson | InvalidInput]:
        """Answer every request, in order. One that cannot be used yields an ``InvalidInput`` and harms no other."""
        answers: list[Lesson | InvalidInput] = []
        for request in requests:
            try:
                answers.append(self._teach(request))
            except InvalidInput as error:
                answers.append(error)
        return answers

    def _teach(self, request: LessonRequest) -> Lesson:
        if not PAY[0] <= request.pay <= PAY[1]:
            msg = (
                f"Is ${request.pay:,.0f} the pay of a whole year of full-time work? "
                f"I can learn from {dollars(PAY[0])} to {dollars(PAY[1])}."
            )
            raise InvalidInput(msg)
        learned = self.learn(self.predictor.read(request.person), request.pay)
        before, after = learned.before, learned.after
        frames = {
            stage: lesson_picture.draw(stage, learned.trace, before, after, request.pay)
            for stage in lesson_picture.STAGES
        }
        # One palette for all: the colours of the animation would flicker otherwise.
        palette = palette_of([frames["guess"], frames["blame"], frames["step"]])
        words = _words(learned, request.pay, self.predictor.network.count_answering_weights())
        return Lesson(
            guess=before[MEDIAN],
            next_guess=after[MEDIAN],
            learning_rate=learned.rate,
            blame=learned.trace.blame,
            steps=tuple(
                LessonStep(title=title, words=words[title], picture=png(frames[stage], palette))
                for title, stage in lesson_picture.STILLS.items()
            ),
            animation=lesson_picture.animate(list(frames.values()), palette),
        )

    def learn(self, given: dict[str, float], pay: float) -> Learned:
        """Guess, and take one step of learning on a copy that is dropped.

        Args:
            given: what is known of a person, as ``SalaryPredictor.read`` returns it.
            pay: in dollars.
        """
        inputs = self.predictor.inputs([given])
        pupil = copy.deepcopy(self.predictor.network)
        before = self._quantiles(pupil, inputs)
        labels = self.predictor.labels(given)
        trace = trace_of(pupil, inputs, labels, pay)  # leaves the gradients in the pupil
        rate = take_step(pupil, inputs, pay)
        return Learned(before=before, after=self._quantiles(pupil, inputs), rate=rate, trace=trace)

    @torch.no_grad()
    def _quantiles(self, network: SalaryNetwork, inputs: SalaryInputs) -> list[float]:
        pay: list[float] = network.estimate(inputs)[0].double().exp().cpu().tolist()
        return pay


@torch.no_grad()
def take_step(network: SalaryNetwork, inputs: SalaryInputs, pay: float) -> float:
    """Take one step of gradient descent, for which ``network`` holds the gradients; return its learning rate.

    The step is halved as long as it would carry the guess past the pay: the slope of this loss tells where the pay
    is, but not how far away. A step in training is small too, so that it is halved further if the guess would leap.
    """
    weights = [weight for weight in network.parameters() if weight.grad is not None]
    start = [weight.clone() for weight in weights]

    def error() -> float:
        return math.log(pay) - float(network.estimate(inputs)[0, MEDIAN])

    first, rate = error(), LEARNING_RATE
    for _ in range(HALVINGS):
        for weight, old in zip(weights, start, strict=True):
            assert weight.grad is not None
            weight.copy_(old - rate * weight.grad)
        left = error()
        if left * first >= 0 and abs(left) <= abs(first) and abs(first - left) <= LARGEST_MOVE:
            return rate
        rate /= 2
    for weight, old in zip(weights, start, strict=True):  # it was right already, as far as numbers can tell
        weight.copy_(old)
    return 0.0


def part_in_words(name: str) -> str:
    """Return how a part of the network, a key of ``Lesson.blame``, is called in a sentence."""
    if name.startswith("layer"):
        return name
    if name in ASIDE:
        return f"what is known of the {name}"
    return "the output" if name == "output" else f"the numbers for the {name}"


def _words(learned: Learned, pay: float, weights: int) -> dict[str, str]:
    """Return what to say to each of ``lesson_picture.STILLS``."""
    trace, before, rate = learned.trace, learned.before, learned.rate
    guess, next_guess = before[MEDIAN], learned.after[MEDIAN]
    error = pay - guess
    wrong = f"{dollars(abs(error))} too {'low' if error > 0 else 'high'}"
    if abs(error) < RIGHT:
        wrong = "right, as near as can be said"
    lit = " and ".join([", ".join(f"{layer.lit}" for layer in trace.hidden[:-1]), f"{trace.hidden[-1].lit}"])
    most = sorted(trace.blame.items(), key=lambda part: -part[1])
    named = ", ".join(f"{part_in_words(name)} {lesson_picture.percent(share)}" for name, share in most[:4])
    moved = dollars(abs(round(next_guess, -2) - round(guess, -2)))  # as the two are shown
    texts = (
        "Degree, field and gender are looked up in tables, age and experience are read off learned scales: each "
        "becomes 16 numbers, which training has chosen. What you left out has 16 numbers of its own, for “not known”. "
        "Promotions and university go a way of their own, below.",
        "Every circle adds up what comes in, each signal times a weight, and lights up if the sum is above zero. In "
        f"the three layers {lit} circles are lit; you see the eight of each that matter most here, and the strongest "
        "signals between them.",
        f"Five numbers come out. Half of the people like this earn more than {dollars(guess)}, half less: that is the "
        f"guess. 8 of 10 earn {dollars(before[0])} to {dollars(before[-1])}.",
        f"You say {dollars(pay)}, so the guess was {wrong}. Backpropagation goes the way back and asks each of the "
        f"{weights:,} weights: if you moved a little, how much would the error shrink? The thick lines are the weights "
        f"most to blame. Most of the correction falls to {named}.",
        f"Every weight moves a little against its slope: by {rate:g} times as much. Green lines let more through than "
        f"before, orange ones less. The next guess for the same person is {dollars(next_guess)}: {moved} nearer. In "
        "training it took small steps like this one for a thousand people at a time, over and over. This step was "
        "taken on a copy: the network that others ask has not changed.",
    )
    return dict(zip(lesson_picture.STILLS, texts, strict=True))
