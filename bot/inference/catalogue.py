"""Which networks there are, and which of them answers which request.

The predictors are named by string: the bot process reads this table too, and must not import torch.
"""

from __future__ import annotations

import msgspec

from bot.inference.messages import (
    Appraisal,
    ArtRequest,
    Canvas,
    Career,
    CareerRequest,
    Classification,
    ClassifyRequest,
    Correction,
    Lesson,
    LessonRequest,
    Lineup,
    LineupRequest,
    MixRequest,
    Print,
    PrintRequest,
    Reading,
    ReadRequest,
    Request,
    Result,
    SalaryEstimate,
    SalaryRequest,
    SpellRequest,
    Story,
    StoryRequest,
    VerdictRequest,
    Walk,
)


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """One network: its name, what it is asked, what it answers, and the class that does so in the worker."""

    name: str
    request: type[Request]
    result: type[Result]
    module: str
    """Module in ``models`` that holds the predictor and the request's twin, as frozen dataclasses."""
    predictor: str
    weights: str = ""
    """The network whose weights and card it uses, if it has none of its own."""
    streaming: bool = False
    """Whether it answers step by step (``StreamingPredictor``) or at once (``Predictor``)."""
    max_batch: int = 16
    """Requests in one batch, or streams open at a time; the cost model may find fewer to be better."""


NETWORKS: dict[str, Network] = {
    network.name: network
    for network in (
        Network(
            name="vision",
            request=ClassifyRequest,
            result=Classification,
            module="models.vision.predictor",
            predictor="VisionPredictor",
        ),
        Network(
            name="salary",
            request=SalaryRequest,
            result=SalaryEstimate,
            module="models.salary.predictor",
            predictor="SalaryPredictor",
            max_batch=4,  # each draws for a while: a longer batch would only hold up its first answer
        ),
        Network(
            name="career",
            request=CareerRequest,
            result=Career,
            module="models.salary.career",
            predictor="CareerPredictor",
            weights="salary",
            max_batch=4,
        ),
        Network(
            name="lesson",
            request=LessonRequest,
            result=Lesson,
            module="models.salary.lesson",
            predictor="LessonPredictor",
            weights="salary",
            max_batch=1,
        ),
        Network(
            name="story",
            request=StoryRequest,
            result=Story,
            module="models.story.predictor",
            predictor="StoryPredictor",
            streaming=True,
            max_batch=32,
        ),
        Network(
            name="spell",
            request=SpellRequest,
            result=Correction,
            module="models.spell.predictor",
            predictor="SpellPredictor",
        ),
        Network(
            name="reading",
            request=ReadRequest,
            result=Reading,
            module="models.story.reader",
            predictor="StoryReader",
            weights="story",
        ),
        Network(
            name="art",
            request=ArtRequest,
            result=Canvas,
            module="models.art.studio",
            predictor="Painter",
            max_batch=4,  # each paints up to nine pictures, one by one
        ),
        Network(
            name="mix",
            request=MixRequest,
            result=Walk,
            module="models.art.studio",
            predictor="Walker",
            weights="art",
            max_batch=1,
        ),
        Network(
            name="deck",
            request=PrintRequest,
            result=Print,
            module="models.art.prints",
            predictor="Printer",
            weights="art",
            max_batch=1,
        ),
        Network(
            name="verdict",
            request=VerdictRequest,
            result=Appraisal,
            module="models.art.cashier",
            predictor="Appraiser",
            weights="art",
        ),
        Network(
            name="forgery",
            request=LineupRequest,
            result=Lineup,
            module="models.art.lineup",
            predictor="Dealer",
            weights="art",
            max_batch=2,
        ),
    )
}


_known = dict(NETWORKS)


def add(network: Network) -> None:
    """Make a network known that is none of the project's own: the tests and benchmarks have some."""
    _known[network.name] = network


def network(name: str) -> Network | None:
    """Return the network of this name."""
    return _known.get(name)


def network_for(request: Request) -> Network:
    """Return the network that answers this kind of request."""
    return next(network for network in _known.values() if network.request is type(request))
