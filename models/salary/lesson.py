"""One lesson for the salary network: how it comes to its guess, and one step of learning from the right answer.

The step is taken on a copy, which is dropped: nobody's pay changes the network that others ask.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch

from models.predictor import InvalidInput
from models.salary import lesson_picture
from models.salary.anatomy import Trace, trace_of
from models.salary.canvas import dollars, palette_of, png
from models.salary.network import MEDIAN, SalaryInputs, SalaryNetwork
from models.salary.predictor import SalaryPredictor, SalaryRequest

LEARNING_RATE = 0.002
"""The largest that the network was trained with."""
HALVINGS = 30
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
                f"Is {dollars(request.pay)} the pay of a whole year of full-time work? "
                f"I can learn from {dollars(PAY[0])} to {dollars(PAY[1])}."
            )
            raise InvalidInput(msg)
        given = self.predictor.read(request.person)
        inputs = self.predictor.inputs([given])
        pupil = copy.deepcopy(self.predictor.network)
        before = self._quantiles(pupil, inputs)
        trace = trace_of(
            pupil, inputs, self.predictor.labels(given), request.pay
        )  # leaves the gradients in the pupil
        rate = take_step(pupil, inputs, request.pay)
        after = self._quantiles(pupil, inputs)
        frames = {
            stage: lesson_picture.draw(stage, trace, before, after, request.pay)
            for stage in lesson_picture.STAGES
        }
        # One palette for all: the colours of the animation would flicker otherwise.
        palette = palette_of([frames["guess"], frames["blame"], frames["step"]])
        words = _words(trace, before, after, request.pay, rate, self.predictor.network.num_parameters())
        return Lesson(
            guess=before[MEDIAN],
            next_guess=after[MEDIAN],
            learning_rate=rate,
            blame=trace.blame,
            steps=tuple(
                LessonStep(title=title, words=words[title], picture=png(frames[stage], palette))
                for title, stage in lesson_picture.STILLS.items()
            ),
            animation=lesson_picture.animate(list(frames.values()), palette),
        )

    @torch.no_grad()
    def _quantiles(self, network: SalaryNetwork, inputs: SalaryInputs) -> list[float]:
        pay: list[float] = network.estimate(inputs)[0].double().exp().cpu().tolist()
        return pay


@torch.no_grad()
def take_step(network: SalaryNetwork, inputs: SalaryInputs, pay: float) -> float:
    """Take one step of gradient descent, for which ``network`` holds the gradients; return its learning rate.

    The step is halved as long as it would carry the guess past the pay and further from it than before: the slope
    of this loss does not tell how far the way is.
    """
    weights = [weight for weight in network.parameters() if weight.grad is not None]
    start = [weight.clone() for weight in weights]

    def error() -> float:
        log_pay = float(network.estimate(inputs)[0, MEDIAN])
        return abs(log_pay - float(np.log(pay)))

    first, rate = error(), LEARNING_RATE
    for _ in range(HALVINGS):
        for weight, old in zip(weights, start, strict=True):
            assert weight.grad is not None
            weight.copy_(old - rate * weight.grad)
        if error() <= first:
            return rate
        rate /= 2
    for weight, old in zip(weights, start, strict=True):  # it was right already, as far as numbers can tell
        weight.copy_(old)
    return 0.0


def _words(
    trace: Trace, before: Sequence[float], after: Sequence[float], pay: float, rate: float, weights: int
) -> dict[str, str]:
    """Return what to say to each of ``lesson_picture.STILLS``."""
    guess, next_guess = before[MEDIAN], after[MEDIAN]
    error = pay - guess
    wrong = f"{dollars(abs(error))} too {'low' if error > 0 else 'high'}"
    if abs(error) < 50:
        wrong = "right nearly to the dollar"
    lit = " and ".join([", ".join(f"{layer.lit}" for layer in trace.hidden[:-1]), f"{trace.hidden[-1].lit}"])
    most = sorted(trace.blame.items(), key=lambda part: -part[1])
    named = ", ".join(f"{name} {lesson_picture.percent(share)}" for name, share in most[:4])
    moved = dollars(abs(next_guess - guess))
    texts = (
        "Each thing you said is looked up in a table: it becomes 16 numbers, which training has chosen. What you left "
        "out has 16 numbers of its own, for “not known”.",
        "Every circle adds up what comes in, each signal times a weight, and lights up if the sum is above zero. In "
        f"the three layers {lit} circles are lit; you see the eight of each that matter most here, and the strongest "
        "signals between them.",
        f"Five numbers come out. Half of the people like this earn more than {dollars(guess)}, half less: that is the "
        f"guess. 8 of 10 earn {dollars(before[0])} to {dollars(before[-1])}.",
        f"You say {dollars(pay)}, so the guess was {wrong}. Backpropagation goes the way back and asks each of the "
        f"{weights:,} weights: if you moved a little, how much would the error shrink? The thick lines are the weights "
        f"most to blame. Of the correction, most falls to: {named}.",
        f"Every weight moves against its blame, by {rate:g} times its slope. Lines in green grow, lines in orange "
        f"shrink. The next guess for the same person is {dollars(next_guess)}: {moved} nearer. In training it took "
        "small steps like this one for a thousand people at a time, over and over. This was a copy: nothing is kept.",
    )
    return dict(zip(lesson_picture.STILLS, texts, strict=True))
