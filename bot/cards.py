"""What the bot process knows of the networks: the files beside their weights, read without importing them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from bot.inference import catalogue

MODELS = Path(__file__).parent.parent / "models"


class CardError(Exception):
    """A model card lacks its front matter, or the front matter lacks something."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The ``network`` part of a card's front matter: what /about tells."""

    title: str
    version: str
    """Counted up whenever the weights change: it stands on every answer."""
    summary: str
    parameters: int
    size_mb: float


class Metric(msgspec.Struct, frozen=True):
    """One measured figure, in the hub's format."""

    type: str
    value: float | str
    name: str | None = None


class _Result(msgspec.Struct, frozen=True):
    metrics: tuple[Metric, ...] = ()


class _Index(msgspec.Struct, frozen=True):
    name: str
    results: tuple[_Result, ...] = ()


class Card(msgspec.Struct, frozen=True, kw_only=True, rename={"index": "model-index"}):
    """A model card's front matter."""

    network: Summary
    license: str
    datasets: tuple[str, ...] = ()
    index: tuple[_Index, ...] = ()

    @property
    def metrics(self) -> list[Metric]:
        """All measured figures of the card."""
        return [metric for model in self.index for result in model.results for metric in result.metrics]


@cache
def card(network: str) -> Card:
    """Read the model card of a network, or of the one whose weights it uses.

    Raises:
        CardError: the card is not as it should be.
    """
    known = catalogue.network(network)
    path = MODELS / ((known and known.weights) or network) / "weights" / "README.md"
    parts = path.read_text(encoding="utf-8").split("---\n", 2)
    try:
        _, front_matter, _ = parts
        return msgspec.convert(yaml.safe_load(front_matter), Card)
    except (ValueError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise CardError(f"{path}: {error}") from error


@cache
def config(network: str) -> dict[str, Any]:
    """Read a network's own configuration: its vocabulary among other things."""
    text = (MODELS / network / "weights" / "config.json").read_text(encoding="utf-8")
    return dict(json.loads(text))
