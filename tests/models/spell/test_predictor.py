"""What the shipped network has learned, and what it must never do."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.blocked import is_blocked
from models.drawing import LINE, MARGIN, WIDTH
from models.predictor import InvalidInput
from models.spell.predictor import LONGEST, WEIGHTS, Correction, SpellPredictor, SpellRequest

Correct = Callable[..., Correction]

LEARNED = [
    ("i cant belive he said that", "i can't believe he said that"),
    ("could you sned me the link plese", "could you send me the link please"),
    ("its becuase of the new update", "its because of the new update"),
    ("me and my freind are gonna play tonight", "me and my friend are gonna play tonight"),
    ("The goverment said it was not tru.", "The government said it was not true."),
    ("WHAT ARE YOU TALKING ABUOT", "WHAT ARE YOU TALKING ABOUT"),
    ("Freinds are comming over!", "Friends are coming over!"),
    # Every word exists: only what stands around it tells.
    ("we where at the mall yesterday", "we were at the mall yesterday"),
    ("this is better then that", "this is better than that"),
    ("their is no way to win", "there is no way to win"),
    ("I would of gone with you", "I would have gone with you"),
]

LEFT_ALONE = [
    "lmao ngl that was sus af",
    "gg ez, u got carried bro",
    "naruto > sasuke fight me",
    "ich komme gleich, muss noch was essen",
    "merci beaucoup mon ami",
    "hola amigo, como estas",
    "@Kira look at <#123> and <:pog:4711> :thumsup: https://exmaple.com/teh",
    "run `pyhton teh.py --verbsoe` or ```js\nconsole.lgo(1)\n```",
    "brb gonna grab some food, omw in 5",
    "The quick brown fox jumps over the lazy dog.",
    "We're going to Reykjavik with Siobhan in September.",
    "I definitely agree with you on that, it's their choice.",
    "the colour of her favourite jewellery",
    "the color of her favorite jewelry",
    "2nd h4x0r v1.2 at 3pm on #generl",
]


@pytest.mark.parametrize(("typed", "meant"), LEARNED)
def test_it_puts_right(correct: Correct, typed: str, meant: str) -> None:
    assert correct(typed).text == meant


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_it_leaves_alone(correct: Correct, text: str) -> None:
    found = correct(text)
    assert found.text == text
    assert found.changes == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I walked there with them", "They walked their dog"),
        ("I have two dogs, too", "I want to go"),
        ("We were there", "where were you"),
        ("The dog wagged its tail", "I think it's raining"),
    ],
)
def test_the_same_words_are_right_where_they_belong(correct: Correct, one: str, other: str) -> None:
    assert correct(one).text == one
    assert correct(other).text == other


def test_changes_say_where_and_what_else(correct: Correct) -> None:
    text = "hey <@1>, I recieve alot of **freinds**!"
    found = correct(text, "eager")
    rebuilt, end = "", 0
    for change in found.changes:
        assert text[change.start : change.end] == change.original
        assert 2 <= len(change.alternatives) <= 5
        words = [alternative.word for alternative in change.alternatives]
        assert change.original in words
        assert change.replacement in words
        assert len(set(words)) == len(words)
        assert all(0 <= alternative.probability <= 1 for alternative in change.alternatives)
        assert sum(alternative.probability for alternative in change.alternatives) <= 1.001
        rebuilt += text[end : change.start] + change.replacement
        end = change.end
    assert rebuilt + text[end:] == found.text
    assert [change.original for change in found.changes][-1] == "freinds"
    assert found.text.endswith("**friends**!")


def test_its_reading_shows_the_words_it_trusts_least(predictor: SpellPredictor) -> None:
    text = "we recieve `recieve` at 5pm,\nits better then nothing"
    [answer, plain, empty] = predictor.predict(
        [
            SpellRequest(text=text, explain=True),
            SpellRequest(text=text),
            SpellRequest(text="`code` 5pm", explain=True),
        ]
    )
    assert isinstance(answer, Correction)
    assert isinstance(plain, Correction)
    assert isinstance(empty, Correction)
    assert (answer.text, answer.changes) == (plain.text, plain.changes)
    assert plain.proof is None
    assert empty.proof is None
    assert answer.proof is not None
    doubts = {doubt.typed: doubt for doubt in answer.proof.doubts}
    assert list(doubts) == [
        word for word in ("we", "recieve", "at", "its", "better", "then") if word in doubts
    ]
    assert doubts["recieve"].decided[0].word == "receive"
    assert doubts["recieve"].sure < 0.5
    for doubt in doubts.values():
        for words in (doubt.before, doubt.after, doubt.decided):
            shares = [word.probability for word in words]
            assert shares == sorted(shares, reverse=True)
            assert 0 < sum(shares) <= 1.001
    # "then" is doubted for what stands before it: the same word is trusted elsewhere.
    [other] = predictor.predict([SpellRequest(text="we ate and then we slept", explain=True)])
    assert isinstance(other, Correction)
    assert other.proof is not None
    trusted = {doubt.typed: doubt.sure for doubt in other.proof.doubts}
    assert trusted.get("then", 1.0) > doubts["then"].sure


def test_a_reading_shows_doubt_brighter_than_trust(predictor: SpellPredictor) -> None:
    pictures = []
    for text in ("we receive it", "we recieve it"):
        [answer] = predictor.predict([SpellRequest(text=text, explain=True)])
        assert isinstance(answer, Correction)
        assert answer.proof is not None
        with Image.open(io.BytesIO(answer.proof.picture)) as picture:
            assert picture.width == WIDTH
            words = np.array(picture.convert("RGB").crop((0, MARGIN + LINE, WIDTH, MARGIN + 2 * LINE)))
        pictures.append(int(((words[..., 0] > 180) & (words[..., 2] < 120)).sum()))
    assert pictures[0] == 0
    assert pictures[1] > 500


def test_a_kept_word_stays(correct: Correct) -> None:
    assert correct("my freind Recieve", keep=("freind", "recieve")).text == "my freind Recieve"
    assert correct("my freind", keep=("other",)).text == "my friend"


def test_strictness_only_adds_changes(correct: Correct) -> None:
    text = "i dont no wether their going too loose it, its definatly posible tho"
    counts = [len(correct(text, strictness).changes) for strictness in ("careful", "normal", "eager")]
    assert counts == sorted(counts)
    assert counts[0] < counts[2]


def test_the_same_alone_and_in_a_batch(predictor: SpellPredictor) -> None:
    requests = [SpellRequest(text=typed) for typed, _ in LEARNED] + [
        SpellRequest(text=text) for text in LEFT_ALONE
    ]
    together = predictor.predict(requests)
    for request, answer in zip(requests, together, strict=True):
        assert predictor.predict([request]) == [answer]


def test_long_and_odd_texts(predictor: SpellPredictor) -> None:
    odd = ["?!", "🎉🎉", "a", "\n\n.\n", "x" * 300, "’", "`", "``` never closed", "a\u0301b"]
    for answer, text in zip(predictor.predict([SpellRequest(text=text) for text in odd]), odd, strict=True):
        assert isinstance(answer, Correction)
        assert answer.text == text
    [answer] = predictor.predict([SpellRequest(text=("a freind of mine " * 240)[:LONGEST])])
    assert isinstance(answer, Correction)
    assert len(answer.changes) > 200


@pytest.mark.parametrize("text", ["", "   \n", "word " * LONGEST])
def test_what_cannot_be_used_harms_no_other(predictor: SpellPredictor, text: str) -> None:
    bad, good = predictor.predict([SpellRequest(text=text), SpellRequest(text="my freind")])
    assert isinstance(bad, InvalidInput)
    assert str(bad).endswith((".", "?"))
    assert isinstance(good, Correction)
    assert good.text == "my friend"


def test_an_unknown_strictness_is_refused(predictor: SpellPredictor) -> None:
    [answer] = predictor.predict([SpellRequest(text="hello", strictness="brutal")])
    assert isinstance(answer, InvalidInput)
    assert "careful, normal, eager" in str(answer)


def test_missing_weights_are_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r".+"):
        SpellPredictor.load(torch.device("cpu"), tmp_path)


def test_it_is_small() -> None:
    sizes = {path.name: path.stat().st_size for path in WEIGHTS.iterdir()}
    assert sizes["model.safetensors"] + sizes["ngrams.xz"] < 8_000_000
    assert sizes["words.txt.xz"] < 1_000_000


def test_no_slur_is_ever_offered(predictor: SpellPredictor) -> None:
    lexicon = predictor.reader.lexicon
    bad = [word for word in lexicon.words if len(word) > 3 and is_blocked(word)][:20]
    assert len(bad) == 20, "the counts of today's texts hold such words"
    for word in bad:
        for typed in (word[:-2] + word[-1] + word[-2], word[1] + word[0] + word[2:], word + word[-1]):
            offered = lexicon.candidates(typed)[1:]
            assert not any(is_blocked(other) for other in offered), typed
