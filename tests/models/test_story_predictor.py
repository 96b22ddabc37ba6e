"""Streams of stories: the same alone and in company, whole sentences, no word that may not stand, always an end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from models.blocked import blocked, blocked_words
from models.predictor import InvalidInput, StreamingPredictor
from models.story.network import StoryConfig, StoryNetwork
from models.story.predictor import Story, StoryPredictor, StoryRequest, StoryStream, read_prompt
from models.story.stream import FEW_WORDS, LATEST_END
from models.story.tokenizer import train_tokenizer
from models.story.words import Lexicon

TEXT = """The old man sat by the sea. "Where is my boat?" said the girl. He did not know, and the wind blew.
Then the king of all the fishes came and said that he would help them; but they had to sing for him.
'Once upon a time there was a cat,' sang the girl. And so they found the boat, and the old man was glad."""


@pytest.fixture(scope="module")
def tiny() -> StoryPredictor:
    """A network that has learned nothing, with a tokenizer that knows a few words."""
    torch.manual_seed(0)
    torch.set_num_threads(
        1
    )  # as in the worker; threads that wait for each other only slow so small a network down
    tokenizer = train_tokenizer([TEXT] * 3, 420)
    config = StoryConfig(vocab_size=len(tokenizer), hidden_size=64, styles=["plain", "shakespeare"])
    network = StoryNetwork(config)
    with torch.no_grad():
        network.embedding.weight.mul_(4)  # so that it has strong opinions
    return StoryPredictor(network, tokenizer)


def finish(predictor: StoryPredictor, streams: Sequence[StoryStream], limit: int = 5000) -> list[Story]:
    for _ in range(limit):
        live = [stream for stream in streams if stream.result is None]
        if not live:
            return [stream.result for stream in streams if stream.result]
        predictor.step(live)
    raise AssertionError("an endless story")


def requests(count: int) -> list[StoryRequest]:
    return [
        StoryRequest(
            prompt=["", "The old man", "Once upon a time there was"][seed % 3],
            style=[None, "plain", "shakespeare"][seed % 3],
            words=10 + 3 * (seed % 7),
            temperature=0.6 + 0.1 * (seed % 8),
            top_p=0.8 + 0.02 * (seed % 10),
            seed=seed,
        )
        for seed in range(count)
    ]


def test_it_keeps_the_contract(tiny: StoryPredictor) -> None:
    predictor: StreamingPredictor[StoryRequest, StoryStream] = tiny
    stream = predictor.open(StoryRequest(words=10))
    assert stream.result is None
    assert stream.progress == 0
    assert predictor.nbytes > 0
    (story,) = finish(tiny, [stream])
    assert stream.progress == 1
    assert stream.text == story.text


@pytest.mark.parametrize("company", [1, 7, 31])
def test_a_story_is_the_same_in_any_company(tiny: StoryPredictor, company: int) -> None:
    asked = requests(company + 1)
    alone = [finish(tiny, [tiny.open(request)])[0] for request in asked]
    waiting = [tiny.open(request) for request in asked]
    done, live = list[StoryStream](), list[StoryStream]()
    for step in range(5000):
        if waiting and step % 2 == 0:  # they join one after the other, in the front
            live.insert(0, waiting.pop())
        if not live:
            break
        tiny.step(live)
        done += [stream for stream in live if stream.result is not None]
        live = [stream for stream in live if stream.result is None]
    by_seed = {stream.request.seed: stream.result for stream in done}
    assert [by_seed[request.seed] for request in asked] == alone


def test_a_failed_step_changes_nothing(tiny: StoryPredictor, monkeypatch: pytest.MonkeyPatch) -> None:
    request = StoryRequest(words=12, seed=5)
    (expected,) = finish(tiny, [tiny.open(request)])
    stream = tiny.open(request)
    for _ in range(4):
        tiny.step([stream])
    with monkeypatch.context() as patch:
        patch.setattr("models.story.predictor.draw", _no_memory)
        with pytest.raises(MemoryError):
            tiny.step([stream])
    assert finish(tiny, [stream]) == [expected]


def _no_memory(*_: object) -> None:
    raise MemoryError


def test_the_last_word_of_a_prompt_is_whole(tiny: StoryPredictor) -> None:
    for seed in range(20):
        stream = tiny.open(StoryRequest(prompt="a red car", words=10, seed=seed, temperature=1.5))
        tiny.step([stream])
        assert not tiny.vocabulary.pieces[stream.tokens[-1]][:1].isalpha()


def test_seed_and_style_matter(tiny: StoryPredictor) -> None:
    stories = finish(
        tiny,
        [
            tiny.open(StoryRequest(prompt="The old man", style=style, seed=seed, words=20, title="Same"))
            for style in (None, "plain")
            for seed in (1, 2)
        ],
    )
    assert len({story.text for story in stories}) == 4


def test_text_only_grows_by_whole_words_from_the_opening_on(tiny: StoryPredictor) -> None:
    stream = tiny.open(StoryRequest(prompt="The old man sat", words=15, seed=3))
    shown = stream.text
    assert shown == "The old man sat"
    while stream.result is None:
        tiny.step([stream])
        if stream.result is None:
            assert stream.text.startswith("The old man sat")
            assert 0 <= stream.progress < 1
    assert stream.result.text.startswith(stream.result.opening)
    assert stream.result.opening == "The old man sat"


def write(predictor: StoryPredictor, stream: StoryStream, text: str) -> None:
    """Let a stream be drawn the tokens of ``text``."""
    for token in predictor.encode(text):
        if stream.result is None:
            stream.accept(token, stream.state)


def test_a_word_that_may_not_stand_is_taken_back_and_not_drawn_again(tiny: StoryPredictor) -> None:
    word = min(word for word in blocked_words() if word.isalpha())
    stream = tiny.open(StoryRequest(words=30, style="shakespeare"))
    write(tiny, stream, "The king")
    before = stream.tokens[:]
    state = (stream.state[0] + 1, stream.state[1])
    for token in tiny.encode(f" {word}"):
        assert word not in stream.text
        stream.accept(token, state)
    first = stream.tokens[len(before)]
    stream.accept(tiny.encode(" the")[0], state)
    assert stream.tokens == before
    assert stream.nudges()[first] == -math.inf
    assert torch.equal(stream.state[0] + 1, state[0]), "the network has forgotten the word too"
    write(tiny, stream, " of the sea. He")
    assert blocked(stream.text) is None
    assert stream.text == "The king of the sea."
    assert stream.nudges().get(first) != -math.inf


@pytest.mark.parametrize("after", ["—the", ", the", '" the', "'s the", "! The", "\nThe", "-like the"])
def test_a_slur_is_seen_whatever_follows_it(tiny: StoryPredictor, after: str) -> None:
    word = min(word for word in blocked_words() if word.isalpha())
    stream = tiny.open(StoryRequest(words=50, style="plain"))
    write(tiny, stream, f'The king said "{word}{after} king said.')
    assert blocked(stream.text) is None


def test_stories_end_with_a_whole_sentence_at_about_the_wished_length(tiny: StoryPredictor) -> None:
    sentence = ' "Where is my boat?" said Mr. B. Jones to the girl.'
    stream = tiny.open(StoryRequest(prompt="It began.", words=30))
    write(tiny, stream, sentence * 20)
    assert stream.result is not None
    assert stream.result.text.endswith("to the girl.")
    assert stream.result.text.count('"') % 2 == 0
    assert 30 <= stream.result.words <= 45
    assert not stream.result.finished


def test_a_paragraph_is_a_better_end_than_a_sentence(tiny: StoryPredictor) -> None:
    stream = tiny.open(StoryRequest(words=26))
    write(tiny, stream, "The old man sat by the sea. " * 4 + "He was glad.\nThen the king")
    assert stream.result is not None
    assert stream.result.text.endswith("He was glad.")


def test_the_network_may_end_a_story_but_not_at_once(tiny: StoryPredictor) -> None:
    boundary = tiny.vocabulary.boundary
    stream = tiny.open(StoryRequest(words=20))
    assert stream.nudges()[boundary] == -math.inf
    write(tiny, stream, "The old man sat by the sea. He did not know why he was so glad")
    assert boundary not in stream.nudges()
    stream.accept(boundary, stream.state)
    assert stream.result is not None
    assert stream.result.finished
    assert stream.result.text == "The old man sat by the sea."


def test_a_story_without_sentences_ends_too(tiny: StoryPredictor) -> None:
    stream = tiny.open(StoryRequest(words=10, style="plain"))
    write(tiny, stream, "and the king " * 200)
    assert stream.result is not None
    assert stream.result.words <= LATEST_END * (10 + FEW_WORDS) + 1
    assert stream.result.text.endswith(".")
    stream = tiny.open(StoryRequest(words=10, style="plain"))
    write(tiny, stream, "x" * 2000)
    assert stream.result is not None


def test_paragraphs_are_shown_apart_and_plays_as_they_are(tiny: StoryPredictor) -> None:
    prose = tiny.open(StoryRequest(prompt="One.\nTwo.\n\n\nThree", style="plain"))
    assert prose.text == "One.\n\nTwo.\n\nThree"
    play = tiny.open(StoryRequest(prompt="KING:\nCome here,\nboy.\n\nBOY:\nI", style="shakespeare"))
    assert play.text == "KING:\nCome here,\nboy.\n\nBOY:\nI"


def test_a_finished_story_can_be_continued(tiny: StoryPredictor) -> None:
    stream = tiny.open(StoryRequest(words=20, style="plain", seed=2))
    write(tiny, stream, "The old man sat by the sea.\nHe was glad. " * 3)
    assert stream.result is not None
    first = stream.result
    more = StoryRequest(prompt=first.text, title=first.title, words=10, style="plain", seed=3)
    (second,) = finish(tiny, [tiny.open(more)])
    assert second.title == first.title
    assert second.opening == first.text
    assert len(second.text) > len(first.text)


@pytest.mark.parametrize(
    ("prompt", "opening", "title"),
    [
        ("  The “sea” was…  ", 'The "sea" was...', None),
        ("Write a story about a dragon who hates gold.", "", "A Dragon Who Hates Gold"),
        ("please tell me a short scary tale of the sea!", "", "The Sea"),
        ("# The Lamp\nIt was dark.", "It was dark.", "The Lamp"),
        ("a\n\n\n\nb #1 <|story|>", "a\n\nb 1", None),
        ("Пустота 夜 🙂", "Пустота 夜 🙂", None),
        ("", "", None),
    ],
)
def test_prompts_are_read_as_people_mean_them(prompt: str, opening: str, title: str | None) -> None:
    assert read_prompt(prompt) == (opening, title)


def test_any_script_survives(tiny: StoryPredictor) -> None:
    (story,) = finish(tiny, [tiny.open(StoryRequest(prompt="Пустота 夜 🙂", words=10))])
    assert story.text.startswith("Пустота 夜 🙂")


@pytest.mark.parametrize(
    "request_",
    [
        StoryRequest(style="haiku"),
        StoryRequest(prompt="x" * 30_000),
        StoryRequest(words=0),
        StoryRequest(words=10**6),
        StoryRequest(temperature=0),
        StoryRequest(temperature=float("nan")),
        StoryRequest(top_p=0),
        StoryRequest(top_p=1.5),
        StoryRequest(prompt=f"the {min(word for word in blocked_words() if word.isalpha())} said"),
    ],
)
def test_what_cannot_be_used_is_refused_in_plain_words(tiny: StoryPredictor, request_: StoryRequest) -> None:
    with pytest.raises(InvalidInput, match=r"[.?]$"):
        tiny.open(request_)


def test_missing_weights_are_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"."):
        StoryPredictor.load(torch.device("cpu"), tmp_path)


def test_what_is_no_word_is_taken_back_ending_first(tiny: StoryPredictor) -> None:
    lexicon = Lexicon(["the", "old", "man", "sat", "sea", "don't", "half", "way"])
    strict = StoryPredictor(tiny.network, tiny.tokenizer, lexicon)
    stream = strict.open(StoryRequest(prompt="The Zorgle", words=30, title="The old man"))
    write(strict, stream, " sat, don't half-way Zorgle's sea")
    written = stream.tokens[:]
    write(strict, stream, " seawqx")
    ending = stream.tokens[-1]
    write(strict, stream, " the")
    assert stream.tokens[: len(written) + 1] == [*written, stream.tokens[len(written)]]
    assert len(stream.tokens) < len(written) + len(strict.encode(" seawqx"))
    assert stream.nudges()[ending] == -math.inf
    for letter in "bcdfghjk":
        if stream.tokens != written:
            write(strict, stream, f"{letter} the")
    assert stream.tokens == written, "in the end the beginning goes too"


def test_made_up_words_never_keep_a_story_from_ending(tiny: StoryPredictor) -> None:
    strict = StoryPredictor(tiny.network, tiny.tokenizer, Lexicon(["the", "old", "man"]))
    for seed in range(3):
        (story,) = finish(
            strict, [strict.open(StoryRequest(words=10, seed=seed, temperature=1.5, top_p=1.0))]
        )
        assert story.text


def test_a_lexicon_is_kept_in_a_file(tmp_path: Path) -> None:
    lexicon = Lexicon.of_texts(["The sea, the café and the sea's café. " * 3, "once"])
    lexicon.save(tmp_path / "words.xz")
    again = Lexicon.load(tmp_path / "words.xz")
    assert len(again) == len(lexicon) == 5
    assert again.knows("CAFÉ")
    assert again.knows("the-sea's")
    assert not again.knows("once")
    assert again.adding("Once").knows("once")
    (tmp_path / "words.xz").write_bytes(b"?")
    with pytest.raises(OSError, match="broken"):
        Lexicon.load(tmp_path / "words.xz")
