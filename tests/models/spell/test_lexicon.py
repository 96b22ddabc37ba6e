"""Words, what may have been meant by a misspelled one, and how often words stand together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.spell.lexicon import AT_MOST, KNOWN_AT_MOST, Lexicon
from models.spell.ngrams import STEPS, Ngrams, numbers

ZIPF = {
    "the": 7.7, "a": 7.3, "of": 7.4, "have": 6.6, "lot": 5.6, "their": 6.1, "there": 6.3, "they're": 5.2,
    "receive": 4.9, "received": 5.0, "psychology": 4.3, "conscientious": 2.9, "definitely": 5.2, "sometimes": 5.4,
    "some": 6.2, "times": 5.6, "tea": 4.8, "ten": 5.3, "knight": 4.5, "night": 5.8, "phone": 5.3, "exceptionally": 3.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon(ZIPF, {"of": ("have",), "tehn": ("then",)})


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("recieve", "receive"),  # two letters changed places
        ("teh", "the"),
        ("definatly", "definitely"),
        ("nite", "night"),  # by its sound
        ("fone", "phone"),
        ("sicology", "psychology"),  # far, and the first letter is wrong
        ("conshenshus", "conscientious"),
        ("acseptionly", "exceptionally"),
        ("alot", "a lot"),
        ("of", "have"),  # a word that is right elsewhere
        ("there", "their"),
    ],
)
def test_the_right_word_is_among_the_candidates(lexicon: Lexicon, typed: str, meant: str) -> None:
    assert meant in lexicon.candidates(typed)


def test_a_word_is_its_own_first_candidate_and_none_comes_twice(lexicon: Lexicon) -> None:
    for typed in ("the", "zzgrmpf", "x", "received", "their"):
        found = lexicon.candidates(typed)
        assert found[0] == typed
        assert len(set(found)) == len(found) <= (KNOWN_AT_MOST if typed in lexicon else AT_MOST) + 1


def test_a_word_that_stands_right_is_not_cut(lexicon: Lexicon) -> None:
    assert "some times" not in lexicon.candidates("sometimes")


def test_it_comes_back_from_its_file(lexicon: Lexicon, tmp_path: Path) -> None:
    lexicon.save(tmp_path / "words.xz")
    again = Lexicon.load(tmp_path / "words.xz")
    assert again.words == lexicon.words
    assert again.meant == lexicon.meant
    assert np.allclose(again.zipf, lexicon.zipf, atol=0.006)
    for typed in ("recieve", "of", "sicology"):
        assert again.candidates(typed) == lexicon.candidates(typed)


def test_a_broken_file_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "broken.xz").write_bytes(b"no words")
    kinds: tuple[type[Lexicon | Ngrams], ...] = (Lexicon, Ngrams)
    for kind in kinds:
        with pytest.raises(OSError, match="broken"):
            kind.load(tmp_path / "broken.xz")


def look(ngrams: Ngrams, *words: str) -> float:
    index = numbers(ZIPF)
    places = [np.array([index.get(word, 0)]) for word in words]
    found = ngrams.pairs(*places) if len(places) == 2 else ngrams.triples(*places)
    return float(found[0])


def test_counts_of_neighbours_come_back_from_their_file(tmp_path: Path) -> None:
    text = "they have a lot of tea. " * 20 + "the lot have tea\n" * 9
    ngrams = Ngrams.count([(text, 1), ("a lot ", 5)], numbers(ZIPF), {("some", "tea"): 40, ("a", "lot"): 50})
    assert look(ngrams, "lot", "of") == pytest.approx(np.log2(21), abs=1 / STEPS)
    assert look(ngrams, "lot", "of", "tea") == pytest.approx(np.log2(21), abs=1 / STEPS)
    assert look(ngrams, "some", "tea") > 3, "counts of others are taken in"
    assert look(ngrams, "of", "lot") == 0
    assert look(ngrams, "unheard", "of") == 0, "an unknown word has no company"
    ngrams.save(tmp_path / "ngrams.xz")
    again = Ngrams.load(tmp_path / "ngrams.xz")
    assert len(again) == len(ngrams)
    for words in (("lot", "of"), ("lot", "of", "tea"), ("the", "lot"), ("some", "tea")):
        assert look(again, *words) == look(ngrams, *words)
