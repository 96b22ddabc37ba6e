"""Everything that crosses the border between the bot process and a worker: requests, results, events.

The types are ``msgspec`` structs, so that both sides validate what they receive. They mirror the frozen
dataclasses of the same fields in ``models/*/predictor.py``, which the bot process cannot import (that would
import torch); ``tests/bot/inference/test_messages.py`` proves that the two agree.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

Probability: TypeAlias = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Message(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Base of all messages: immutable, tagged with its class name on the wire."""


# --- Requests: what a person asks of a network ------------------------------------------------------------


class ClassifyRequest(Message, frozen=True, tag=True):
    """Recognise what a photograph shows."""

    image: bytes
    """The uploaded file as it came: decoded in the worker only."""
    top: Annotated[int, msgspec.Meta(ge=1, le=10)] = 5


class SalaryRequest(Message, frozen=True, tag=True):
    """Estimate a salary. ``None`` means *not said*, for which the network has learned an embedding."""

    degree: str
    field: str | None = None
    age: float | None = None
    experience: float | None = None
    """Years."""
    gender: str | None = None
    promotions: int | None = None
    university: str | None = None


Request: TypeAlias = ClassifyRequest | SalaryRequest


# --- Results: what a network answers ----------------------------------------------------------------------


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """One class that the photograph may show."""

    label: str
    """A plain name that a person would say, such as "golden retriever"."""
    confidence: Probability
    heat_map: bytes
    """A JPEG of the photograph, with the places that speak for this class glowing."""


class Classification(Message, frozen=True, tag=True):
    """What the network sees in a photograph."""

    predictions: tuple[Prediction, ...]
    """Most confident first."""
    sure: bool
    """False below the threshold that the model card justifies."""


class SalaryEstimate(Message, frozen=True, tag=True):
    """Annual pay in US dollars of 2024."""

    median: float
    quartile_low: float
    quartile_high: float
    interval_low: float
    """10% quantile: the lower end of the 80% interval."""
    interval_high: float
    """90% quantile."""
    contributions: dict[str, float]
    """Dollars that each given input added to (or took from) the baseline: Shapley values."""
    baseline: float
    """The median estimate when nothing is known: ``median == baseline + sum(contributions.values())``."""
    cautions: tuple[str, ...]
    """Sentences that say where this answer leans on thin evidence."""


Result: TypeAlias = Classification | SalaryEstimate


# --- How a worker is to run -------------------------------------------------------------------------------


class WorkerOptions(Message, frozen=True, tag=True):
    """What a worker is told on its command line. Holds no secret: other users can read command lines."""

    device: str = "auto"
    """``auto``, ``cpu``, ``mps``, ``cuda`` or ``cuda:N``."""
    cpu_threads: int = 1
    preload: tuple[str, ...] = ()
    """Networks to load before saying Ready; the others load on first use."""
    checkpoints: dict[str, str] = {}
    """Folders or hub names that replace a network's own weights."""


# --- Bot process -> worker --------------------------------------------------------------------------------


class Run(Message, frozen=True, tag=True):
    """Answer this request."""

    job: str
    request: Request


Command: TypeAlias = Run


# --- Worker -> bot process --------------------------------------------------------------------------------


class Ready(Message, frozen=True, tag=True):
    """The worker is up; networks load on first use or because ``preload`` named them."""

    device: str
    """Such as ``cpu`` or ``cuda:0``."""
    device_name: str
    """Such as "NVIDIA GeForce RTX 3060" or the processor's name."""
    torch_version: str
    broken: dict[str, str]
    """Networks that could not be loaded, and why."""


class Done(Message, frozen=True, tag=True):
    """The job's answer."""

    job: str
    result: Result
    seconds: float
    """Time on the device, decoding and drawing included."""


class Refused(Message, frozen=True, tag=True):
    """The input cannot be used; ``reason`` is for the person who gave it."""

    job: str
    reason: str


class Failed(Message, frozen=True, tag=True):
    """The network raised; the traceback stands in the worker's log."""

    job: str
    error: str


Event: TypeAlias = Ready | Done | Refused | Failed
