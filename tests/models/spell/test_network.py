"""The network reads all around a word but not the word itself, learns, and pays no heed to its company."""

from __future__ import annotations

import random
from itertools import count
from pathlib import Path

import pytest
import torch

from models.spell import train
from models.spell.corpus import Maker
from models.spell.data import Reader, Sentence
from models.spell.lexicon import Lexicon
from models.spell.network import SpellConfig, SpellInputs, SpellNetwork
from models.spell.ngrams import Ngrams, numbers
from models.spell.noise import Noise, read_pairs
from models.spell.tokens import tokenize
from tests.models.spell.test_lexicon import ZIPF
from tests.models.spell.test_noise import LINES


def small() -> SpellNetwork:
    torch.manual_seed(1)
    return SpellNetwork(
        SpellConfig(
            vocab_size=64, word_size=16, letter_filters=16, hidden_size=24, match_size=16, pair_filters=16
        )
    )


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(Lexicon(ZIPF), Ngrams.count([("a lot of tea " * 9, 1)], numbers(ZIPF)), 64)


@pytest.fixture(scope="module")
def network() -> SpellNetwork:
    network = small()
    network.eval()
    return network


def read(reader: Reader, *texts: str) -> SpellInputs:
    sentences = [Sentence(tokenize(text), text) for text in texts]
    judged = [
        one
        for number, sentence in enumerate(sentences)
        for place in range(len(sentence.tokens))
        for one in reader.choices(sentence, place, number)
    ]
    return reader.batch(sentences, judged)[0]


def answer(network: SpellNetwork, inputs: SpellInputs) -> tuple[torch.Tensor, torch.Tensor]:
    """Return logits and expectations."""
    output = network(inputs)
    assert output.logits is not None
    assert output.expected is not None
    return output.logits, output.expected


@torch.no_grad()
def test_what_is_expected_at_a_word_does_not_depend_on_it(reader: Reader, network: SpellNetwork) -> None:
    one, other = (
        answer(network, read(reader, f"some {word} tea the lot"))[1][0]  # [T, match_size]
        for word in ("night", "knight")
    )
    assert torch.allclose(one[1], other[1], atol=1e-6)
    for place in (0, 2, 3, 4):
        assert not torch.allclose(one[place], other[place], atol=1e-6), place


@torch.no_grad()
def test_a_sentence_is_judged_alike_beside_longer_ones(reader: Reader, network: SpellNetwork) -> None:
    long = "some times they're a lot of the night, of the tea."
    alone, _ = answer(network, read(reader, "recieve teh"))
    beside, _ = answer(network, read(reader, "recieve teh", long))
    width = alone.shape[1]
    assert torch.allclose(alone, beside[: len(alone), :width], atol=1e-5)
    assert beside[: len(alone), width:].isneginf().all()


@torch.no_grad()
def test_a_softmax_of_each_word_is_over_its_own_candidates(reader: Reader, network: SpellNetwork) -> None:
    inputs = read(reader, "alot of tea")
    logits, _ = answer(network, inputs)
    assert torch.equal(logits.isneginf(), inputs.candidates == 0)
    assert torch.allclose(logits.softmax(-1).sum(-1), torch.ones(len(logits)))


def test_training_makes_it_right_and_goes_on_where_it_was(tmp_path: Path) -> None:
    pairs = read_pairs(LINES)
    lexicon = Lexicon(ZIPF)
    reader = Reader(lexicon, Ngrams.count([("a lot of tea " * 9, 1)], numbers(ZIPF)), 64)
    clean = [
        "the knight definitely received tea",
        "they're there some night",
        "a lot of tea sometimes",
        "receive the phone",
    ]
    maker = Maker(clean, [], pairs, Noise(pairs, lexicon), reader, 1)
    valid = {"made": [maker.sentence() for _ in range(60)]}
    network = small()
    before, _ = train.best_f(train.judge(network, maker, valid["made"]))
    ticks = count()
    best = train.train(network, maker, valid, tmp_path, 2.0, lambda: next(ticks))
    after, threshold = train.best_f(train.judge(best, maker, valid["made"]))
    assert after > before + 0.1
    assert 0 < threshold <= 1
    saved = torch.load(tmp_path / "state.pt", weights_only=True)
    train.train(small(), maker, valid, tmp_path, 2.1, lambda: next(ticks))
    again = torch.load(tmp_path / "state.pt", weights_only=True)
    assert again["step"] > saved["step"]
    assert len(again["reports"]) == len(saved["reports"]) + 1
    train.export(best, maker, tmp_path / "final")
    assert {"config.json", "model.safetensors", "words.txt.xz", "ngrams.xz"} <= {
        path.name for path in (tmp_path / "final").iterdir()
    }


def test_the_best_threshold_is_found() -> None:
    lot = random.Random(1)
    sure = [train.Judgement(lot.uniform(0.8, 1.0), right=True, wrong=True) for _ in range(30)]
    unsure = [train.Judgement(lot.uniform(0.0, 0.7), right=False, wrong=False) for _ in range(30)]
    f, threshold = train.best_f([*sure, *unsure])
    assert f == pytest.approx(1.0)
    assert 0.8 <= threshold <= 1.0
