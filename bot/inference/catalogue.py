"""Which networks there are, and which of them answers which request.

The predictors are named by string: the bot process reads this table too, and must not import torch.
"""

from __future__ import annotations

import msgspec

from bot.inference.messages import (
    Classification,
    ClassifyRequest,
    Request,
    Result,
    SalaryEstimate,
    SalaryRequest,
)


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """One network: its name, what it is asked, what it answers, and the class that does so in the worker."""

    name: str
    request: type[Request]
    result: type[Result]
    module: str
    """Module in ``models`` that holds the predictor and the request's twin, as frozen dataclasses."""
    predictor: str


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
        ),
    )
}

_BY_REQUEST = {network.request: network for network in NETWORKS.values()}


def network_for(request: Request) -> Network:
    """Return the network that answers this kind of request."""
    return _BY_REQUEST[type(request)]
