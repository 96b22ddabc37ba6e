"""Reading the texts, training on them, and the figures that a training is judged by."""

from __future__ import annotations

import math
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from models.story import data, evaluate, tinyshakespeare
from models.story.network import StoryConfig, StoryNetwork
from models.story.ngram import KneserNey
from models.story.scoring import bits, nats
from models.story.tokenizer import BOUNDARY, character_tokenizer, token_bytes, train_tokenizer
from models.story.train import Plan, main, share_of_full_rate, train

PROSE = """# The Boat
The old man sat by the sea. "Where is my boat?" said the girl.
He did not know, and the wind blew — it blew.

Then the king of all the fishes came; he was called Ødegård.

# The End
They sang for him."""
PLAY = "KING:\nCome hither, boy.\nSit.\n\nBOY:\nI come.\n\nKING:\nGood."


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer([PROSE, PLAY], 330)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    words = ["the", "old", "sea", "man", "girl", "boat", "king", "wind", "sang", "blew", "came", "said"]
    for style, seed in (("calm", 0), ("wild", 1)):
        draw = np.random.default_rng(seed)
        stories = [
            " ".join(draw.choice(words, 500, p=np.roll([0.34] + [0.06] * 11, seed * 5))) + "."
            for _ in range(12)
        ]
        (tmp_path / f"{style}.txt").write_text("\n\n".join(stories) + "\n\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "text", [PROSE, PLAY, "Пустота 夜 🙂\n\ta  b\r\n", "'tis the dog's, they'll \"go\"—I'm"]
)
def test_any_text_comes_back_from_its_tokens(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    tokens = tokenizer(text).input_ids
    assert tokenizer.decode(tokens) == text
    pieces = token_bytes(tokenizer)
    assert b"".join(pieces[token] for token in tokens) == text.encode()


def test_every_character_is_counted_once(tokenizer: PreTrainedTokenizerFast) -> None:
    for style, text in (("calm", PROSE), ("shakespeare", PLAY)):
        whole = evaluate.one_sequence(data.stretches(tokenizer, text, style))
        assert whole[0] == whole[-1] == tokenizer.convert_tokens_to_ids(BOUNDARY)
        assert data.count_characters(tokenizer, whole) == len(text) + len(data.PIECE_BREAK)
    assert len(data.pieces(PROSE, "calm")) == 3
    assert data.pieces(PLAY, "shakespeare") == [PLAY]


def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no \.txt"):
        data.style_files(tmp_path)


def test_a_round_reads_every_token_once_and_forgets_between_stretches(
    folder: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    corpus = data.read_corpus(folder, tokenizer)
    corpus = data.Corpus(corpus.styles[:1], corpus.train[:1], corpus.valid[:1], corpus.valid_characters[:1])
    batches = data.Stretches(corpus, batch_size=1, length=50, unstyled=0.0, seed=0)
    while not batches.fresh[0]:
        batches.next()
    batches.next()  # reads the first stretch, which was begun in its midst
    while not batches.fresh[0]:
        batches.next()
    labels: list[int] = []
    batches.orders = [[]]
    batches.rows = [batches._draw()]
    for _ in range(len(corpus.train[0])):
        while True:
            batch = batches.next()
            assert bool(batch.fresh[0]) == (batch.tokens[0, 0] == 0)
            labels += batch.labels[batch.labels != data.UNKNOWN].tolist()
            if batches.fresh[0]:
                break
    expected = np.concatenate([stretch[1:] for stretch in corpus.train[0]])
    assert sorted(labels) == sorted(expected.tolist())


def test_training_learns_resumes_and_keeps_the_best(folder: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    out = tmp_path / "out"
    arguments = ["--data", str(folder), "--out", str(out), "--threads", "1", "--vocab-size", "300"]
    arguments += ["--hidden-size", "32", "--batch-size", "4", "--length", "16", "--device", "cpu"]
    # A clock that ticks whenever it is read: as many steps are taken on a slow machine as on a fast one.
    main([*arguments, "--minutes", "1.2", "--evaluate-minutes", "0.6"], clock=count(step=0.5).__next__)
    first = torch.load(out / "state.pt", weights_only=True)
    main([*arguments, "--minutes", "2", "--evaluate-minutes", "0.6"], clock=count(step=0.5).__next__)
    second = torch.load(out / "state.pt", weights_only=True)
    assert second["step"] > first["step"] > 0
    assert second["reports"][: len(first["reports"])] == first["reports"]
    assert second["reports"][-1]["valid"] < first["reports"][0]["valid"]
    network = StoryNetwork.from_pretrained(out / "final")
    assert network.config.styles == ["calm", "wild"]
    assert PreTrainedTokenizerFast.from_pretrained(out / "final").vocab_size == network.config.vocab_size
    assert (out / "loss.png").stat().st_size > 1000


def test_the_learning_rate_rises_falls_and_ends_at_nothing() -> None:
    plan = Plan(minutes=100, warm_up=0.1)
    rates = [share_of_full_rate(minute, 0, plan) for minute in range(101)]
    assert rates[0] < 0.05
    assert max(rates) == rates[10] or max(rates) == rates[9]
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == 0
    assert share_of_full_rate(50, 50, plan) < 0.05, "it rises again after a restart"
    assert share_of_full_rate(70, 50, plan) == pytest.approx(0.3)


def test_characters_have_the_same_loop(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    text = "to be or not to be, that is the question\n" * 200
    tokenizer = character_tokenizer(text)
    tokens = np.array(tokenizer(text).input_ids, dtype=np.uint16)
    assert tokenizer.decode(tokens.tolist()) == text
    network = StoryNetwork(StoryConfig(vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1))
    before = tinyshakespeare.windowed(network, tokens)
    batches = tinyshakespeare.Passage(tokens, batch_size=8, length=16, forget=0.1, seed=0)
    plan = Plan(
        minutes=3, batch_size=8, length=16, learning_rate=1e-2, average_decay=0.9, evaluate_minutes=1.5
    )
    best = train(
        network,
        batches,
        lambda it: tinyshakespeare.windowed(it, tokens),
        plan,
        tmp_path,
        clock=count(step=0.5).__next__,
    )
    assert before == pytest.approx(math.log(len(tokenizer)), abs=0.5)
    assert tinyshakespeare.windowed(best, tokens) < before - 0.5
    assert tinyshakespeare.carried(best, tokens) < before - 0.5


def test_nats_do_not_depend_on_how_rows_are_batched(tokenizer: PreTrainedTokenizerFast) -> None:
    torch.manual_seed(0)
    network = StoryNetwork(StoryConfig(vocab_size=len(tokenizer), hidden_size=32, styles=["calm"]))
    rows = [np.arange(length, dtype=np.uint16) % 300 for length in (5, 300, 40, 257, 2)]
    together = nats(network, rows, [0, 1, 0, 1, 0])
    alone = [nats(network, [row], [style])[0] for row, style in zip(rows, [0, 1, 0, 1, 0], strict=True)]
    assert together == pytest.approx(alone, rel=1e-4)
    assert bits(math.log(2)) == pytest.approx(1)


def test_kneser_ney_sums_to_one_and_beats_chance() -> None:
    draw = np.random.default_rng(0)
    sequences = [np.cumsum(draw.integers(1, 3, 3000)).astype(np.uint16) % 9 for _ in range(4)]
    model = KneserNey(sequences[:3], 9)
    for context in ([1, 2, 3, 4], [0, 0, 0, 0], [8, 8, 8, 8]):
        endings = [np.array([*context, token], dtype=np.uint16) for token in range(9)]
        assert sum(math.exp(model.log_probability(ending)[-1]) for ending in endings) == pytest.approx(1)
    loss = -model.log_probability(sequences[3]).mean()
    assert math.log(2) <= loss < 0.75  # two ways to go on, equally likely, and nine tokens
    with pytest.raises(ValueError, match="do not fit"):
        KneserNey(sequences, 5000)


def test_copied_and_distinct_count_runs_of_words() -> None:
    training = "one two three four five six seven eight nine ten eleven twelve thirteen"
    assert evaluate.copied([training.title()], ["and " + training]) == 1
    assert evaluate.copied([training], [training.replace("twelve", "dozen")]) == 0
    assert evaluate.copied([f"x {training}"], [training]) == pytest.approx(2 / 3)
    assert evaluate.distinct(["a b a b"]) == pytest.approx(2 / 3)


def test_compressors_learn_from_the_primer() -> None:
    primer, text = (
        "the quick brown fox jumps over the lazy dog. " * 50,
        "the lazy dog jumps over the quick brown fox. ",
    )
    assert evaluate.ppmd_bits(primer, text * 9) < evaluate.ppmd_bits("", text * 9)
    assert evaluate.xz_bits(primer, text * 9) < evaluate.xz_bits("", text * 9)
