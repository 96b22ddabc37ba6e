"""The step that serves many streams: the same network, and the same numbers whatever the company."""

from __future__ import annotations

import pytest
import torch

from models.story.network import State, StoryConfig, StoryNetwork
from models.story.stepper import BLOCK, HalfPrecision, Stepper


@pytest.fixture(scope="module")
def network() -> StoryNetwork:
    torch.manual_seed(0)
    network = StoryNetwork(
        StoryConfig(vocab_size=1000, hidden_size=256, num_hidden_layers=3, styles=["plain", "purple"])
    )
    network.eval()
    return network


def random_state(network: StoryNetwork, streams: int) -> State:
    hidden, cell = network.initial_state(streams)
    generator = torch.Generator().manual_seed(streams)
    return (
        torch.rand(hidden.shape, generator=generator) * 2 - 1,
        torch.randn(cell.shape, generator=generator),
    )


def test_the_step_says_what_the_network_says(network: StoryNetwork) -> None:
    tokens, styles = torch.arange(40) * 7, torch.arange(40) % 3
    state = random_state(network, 40)
    logits, after = Stepper(network).step(tokens, styles, state)
    with torch.no_grad():
        expected = network(tokens[:, None], styles, state)
    assert expected.logits is not None
    assert expected.state is not None
    assert torch.allclose(logits, expected.logits[:, 0], atol=0.15)  # 8 bits a weight; logits spread by 0.8
    assert torch.allclose(after[0], expected.state[0], atol=0.03)
    assert torch.corrcoef(torch.stack([logits.flatten(), expected.logits[:, 0].flatten()]))[0, 1] > 0.999


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_row_is_the_same_to_the_last_bit_in_any_company(network: StoryNetwork, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        stepper = Stepper(network)
        count = BLOCK + 17
        tokens, styles = torch.arange(count) * 11, torch.arange(count) % 3
        hidden, cell = random_state(network, count)
        logits, after = stepper.step(tokens, styles, (hidden, cell))
        order = torch.randperm(count, generator=torch.Generator().manual_seed(1))
        for company in (1, 2, 3, 7, 8, 16, 17, 31, 32, 33):
            rows = order[:company]
            some, then = stepper.step(tokens[rows], styles[rows], (hidden[:, rows], cell[:, rows]))
            assert torch.equal(some, logits[rows])
            assert torch.equal(then[0], after[0][:, rows])
            assert torch.equal(then[1], after[1][:, rows])
    finally:
        torch.set_num_threads(before)


def test_the_half_precision_product_does_not_see_the_company_either() -> None:
    torch.manual_seed(0)
    product = HalfPrecision(torch.randn(64, 48))
    x = torch.randn(BLOCK, 48)
    whole = product(x)
    assert all(torch.equal(product(x[place : place + 1])[0], whole[place]) for place in range(BLOCK))


def test_reading_in_parts_is_reading_at_once(network: StoryNetwork) -> None:
    tokens = torch.arange(60).reshape(2, 30) * 13  # [2, 30]
    with torch.no_grad():
        whole = network(tokens)
        first = network(tokens[:, :11])
        second = network(tokens[:, 11:], state=first.state)
    assert torch.allclose(whole.logits[:, 11:], second.logits, atol=1e-5)


def test_generate_of_transformers_carries_the_state(network: StoryNetwork) -> None:
    prompt = torch.tensor([[5, 6, 7]])
    text = network.generate(prompt, max_new_tokens=8, do_sample=False, eos_token_id=None)  # type: ignore[misc]
    with torch.no_grad():
        logits = network(text).logits
    assert logits is not None
    assert torch.equal(logits[0, 2:-1].argmax(-1), text[0, 3:])


def test_dropout_is_for_training_only() -> None:
    torch.manual_seed(0)
    config = StoryConfig(
        vocab_size=50, hidden_size=16, embedding_dropout=0.2, hidden_dropout=0.5, weight_dropout=0.5
    )
    network = StoryNetwork(config)
    tokens = torch.arange(20)[None]
    with torch.no_grad():
        network.train()
        assert not torch.equal(network(tokens).logits, network(tokens).logits)
        network.eval()
        assert torch.equal(network(tokens).logits, network(tokens).logits)
