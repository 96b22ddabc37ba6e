"""The shipped network, loaded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch

from models.spell.predictor import Correction, SpellPredictor, SpellRequest


@pytest.fixture(scope="session")
def predictor() -> SpellPredictor:
    return SpellPredictor.load(torch.device("cpu"))


@pytest.fixture(scope="session")
def correct(predictor: SpellPredictor) -> Callable[..., Correction]:
    def answer(text: str, strictness: str = "normal", keep: tuple[str, ...] = ()) -> Correction:
        [found] = predictor.predict([SpellRequest(text=text, strictness=strictness, keep=keep)])
        assert isinstance(found, Correction)
        return found

    return answer


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads wait for each other longer than they compute, in a network as small as this."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
