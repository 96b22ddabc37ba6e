"""What the shipped network has learned: English, styles, stories that can be shown.

The passages beside this file are from works that it never read (all in the public domain: "Silver Blaze" by Doyle,
"Timon of Athens" by Shakespeare, "Dapplegrim" in Lang's Red Fairy Book).
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from bot.cards import card
from models.blocked import blocked
from models.story import evaluate
from models.story.predictor import WEIGHTS, Story, StoryPredictor, StoryRequest
from models.story.scoring import bits, nats
from models.story.stepper import Stepper

PASSAGES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in (Path(__file__).parent / "story_passages").iterdir()
}


@pytest.fixture(scope="module")
def shipped() -> StoryPredictor:
    torch.set_num_threads(1)
    return StoryPredictor.load(torch.device("cpu"))


@pytest.fixture(scope="module")
def stories(shipped: StoryPredictor) -> list[Story]:
    return evaluate.write_stories(shipped, count=len(shipped.styles), words=60)


def test_it_needs_few_bits_for_what_it_never_read(shipped: StoryPredictor) -> None:
    found = evaluate.network_bits(shipped.network, shipped.tokenizer, PASSAGES)
    assert found["sherlock"] < 2.0
    assert found["fairy-tale"] < 1.9
    assert found["shakespeare"] < 2.6


def test_being_told_the_style_helps_and_being_told_wrongly_harms(shipped: StoryPredictor) -> None:
    for style, text in PASSAGES.items():
        tokens = np.array([0, *shipped.encode(text)], dtype=np.uint16)
        right, unsaid, *wrong = nats(
            shipped.network,
            [tokens] * (1 + len(PASSAGES)),
            [shipped.style_index(name) for name in (style, None, *(PASSAGES.keys() - {style}))],
        )
        assert right < unsaid
        assert all(right < other for other in wrong)


def test_writing_in_whole_numbers_costs_next_to_nothing(shipped: StoryPredictor) -> None:
    text = PASSAGES["sherlock"]
    tokens = [0, *shipped.encode(text)]
    style = shipped.style_index("sherlock")
    stepper, total = Stepper(shipped.network), 0.0
    state = shipped.network.initial_state(1)
    for now, following in itertools.pairwise(tokens):
        logits, state = stepper.step(torch.tensor([now]), torch.tensor([style]), state)
        total -= float(logits.log_softmax(-1)[0, following])
    (exact,) = nats(shipped.network, [np.array(tokens, dtype=np.uint16)], [style])
    assert bits(total) == pytest.approx(bits(exact), rel=0.01)


def test_stories_have_titles_and_whole_sentences_and_no_slurs(stories: list[Story]) -> None:
    for story in stories:
        assert 1 <= len(story.title) <= 60
        assert re.search(r"[.!?][\"')]*$", story.text), story.text
        assert blocked(story.title + " " + story.text) is None
        assert story.words >= 30
        assert "#" not in story.text
        assert "\N{REPLACEMENT CHARACTER}" not in story.text


def test_stories_sound_like_their_styles(shipped: StoryPredictor, stories: list[Story]) -> None:
    by_style = {story.style: story for story in stories}
    assert re.search(r"^[A-Z][A-Z ]+:\n", by_style["shakespeare"].text, re.MULTILINE)
    right = 0
    for story in stories:
        tokens = np.array([0, *shipped.encode(story.text.replace("\n\n", "\n"))], dtype=np.uint16)
        likely = nats(shipped.network, [tokens] * len(shipped.styles), range(1, len(shipped.styles) + 1))
        right += int(np.argsort(likely).tolist().index(shipped.styles.index(story.style or "")) < 5)
    assert right >= 0.8 * len(stories), (
        "told all styles in turn, it finds a story likeliest in nearly its own"
    )


def test_stories_are_varied(stories: list[Story]) -> None:
    assert len({story.title for story in stories}) > 0.8 * len(stories)
    assert evaluate.distinct([story.text for story in stories]) > 0.6
    for story in stories:
        assert evaluate.distinct([story.text], 6) == 1, "no run of six words comes twice"


def test_the_same_story_comes_alone_and_in_company(shipped: StoryPredictor, stories: list[Story]) -> None:
    for seed in (0, 12):
        request = StoryRequest(style=shipped.styles[seed], words=60, seed=seed)
        stream = shipped.open(request)
        while stream.result is None:
            shipped.step([stream])
        assert stream.result == stories[seed]


def test_the_card_says_how_large_it_is(shipped: StoryPredictor) -> None:
    summary = card("story").network
    size = sum(path.stat().st_size for path in WEIGHTS.iterdir() if path.name != "README.md") / 1e6
    assert summary.parameters == shipped.network.num_parameters()
    assert summary.size_mb == pytest.approx(size, abs=0.1)
    assert size < 16
