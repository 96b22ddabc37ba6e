"""Explaining: every word's surprise, and the words that the network expects."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from models.drawing import STRONG, WIDTH
from models.predictor import InvalidInput, Predictor
from models.story.reader import Reading, ReadRequest, StoryReader


@pytest.fixture(scope="module")
def reader() -> StoryReader:
    torch.set_num_threads(1)
    return StoryReader.load(torch.device("cpu"))


def read(reader: StoryReader, text: str, style: str | None = None, title: str | None = None) -> Reading:
    (answer,) = reader.predict([ReadRequest(text=text, style=style, title=title)])
    assert isinstance(answer, Reading)
    return answer


def test_it_keeps_the_contract(reader: StoryReader) -> None:
    predictor: Predictor[ReadRequest, Reading] = reader
    answers = predictor.predict([ReadRequest(text=""), ReadRequest(text="The sea")])
    assert isinstance(answers[0], InvalidInput)
    assert isinstance(answers[1], Reading)


def test_the_words_joined_are_the_text(reader: StoryReader) -> None:
    text = '"Where is it?" said Holmes.\nHe did not know—and so\nhe 夜 wept.'
    reading = read(reader, text, "sherlock", "The Lamp")
    assert "".join(part.word for part in reading.words) == text
    assert all(part.bits > 0 for part in reading.words)


def test_an_odd_word_surprises_more_than_the_one_that_belongs_there(reader: StoryReader) -> None:
    start = "Once upon a time there was a little"
    likely, odd = (
        read(reader, f"{start} {word}", "fairy-tale").words[-1].bits for word in ("girl", "microscope")
    )
    assert odd > likely + 3


def test_the_expected_words_are_whole_and_their_probabilities_right(reader: StoryReader) -> None:
    reading = read(reader, "Once upon a time there was a little", "bedtime")
    assert len(reading.expected) == 5
    shares = [expected.probability for expected in reading.expected]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1
    assert all(expected.word.isalpha() for expected in reading.expected)
    first = reading.expected[0]
    bits = read(reader, f"Once upon a time there was a little {first.word}", "bedtime").words[-1].bits
    assert 2**-bits == pytest.approx(first.probability, rel=0.25), (
        "what may follow the word makes the difference"
    )


def test_the_picture_shows_a_surprise_brighter_than_what_was_expected(reader: StoryReader) -> None:
    start = "Once upon a time there was a little"
    glow = []
    for word in ("girl", "microscope"):
        reading = read(reader, f"{start} {word}", "fairy-tale")
        with Image.open(io.BytesIO(reading.picture)) as picture:
            assert picture.width == WIDTH
            pixels = np.asarray(picture.convert("RGB")).astype(int)
        glow.append(int((np.abs(pixels - STRONG).sum(-1) < 120).sum()))
    assert glow[1] > 1.5 * glow[0]


@pytest.mark.parametrize("text", ["x", "夜 🦊 \u202e", "a" * 3000, "word " * 3000, "\n\n\nyes\n\n"])
def test_whatever_is_read_can_be_drawn(reader: StoryReader, text: str) -> None:
    reading = read(reader, text)
    with Image.open(io.BytesIO(reading.picture)) as picture:
        assert picture.width == WIDTH
        assert picture.height < 2 * WIDTH
