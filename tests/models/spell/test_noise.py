"""Mistakes as people make them, and sentences whose right words are known."""

from __future__ import annotations

import random

import pytest

from models.spell.corpus import Maker, _doubtful, compare
from models.spell.data import Reader
from models.spell.lexicon import Lexicon
from models.spell.ngrams import Ngrams, numbers
from models.spell.noise import Noise, count_edits, read_pairs
from tests.models.spell.test_lexicon import ZIPF

LINES = [
    "recieve\treceive\tbirkbeck",
    "recieved\treceived\ttoefl_spell",
    "there\ttheir\tbirkbeck:realword",
    "alot\ta lot\ttoefl_spell:join",
    "nigt\tnight\ttwitter_typo",
    "definatly\tdefinitely\tcodespell+cspell",
]


def maker(clean: list[str]) -> Maker:
    pairs = read_pairs(LINES)
    lexicon = Lexicon(ZIPF)
    reader = Reader(lexicon, Ngrams.count([("the lot", 9)], numbers(ZIPF)), 64)
    return Maker(clean, [], [], Noise(pairs, lexicon), reader, 1)


def test_only_open_lists_are_read_if_that_is_wanted() -> None:
    assert {pair.typed for pair in read_pairs(LINES, open_only=True)} == {"recieved", "alot", "definatly"}


def test_edits_are_counted() -> None:
    edits = count_edits(read_pairs(LINES))
    assert edits.swapped["e", "i"] > 0
    assert edits.dropped["g", "h"] > 0
    assert ("h", "t") not in edits.dropped


def test_mistakes_are_near_their_words_and_of_many_kinds() -> None:
    noise = Noise(read_pairs(LINES), Lexicon(ZIPF))
    lot = random.Random(3)
    made = [noise.misspell("their", lot) for _ in range(400)]
    assert "there" in made, "a word for another"
    assert len(set(made)) > 20
    assert sum(word == "their" for word in made) < 60
    assert "theyre" in {noise.misspell("they're", lot) for _ in range(50)}


@pytest.mark.parametrize(
    ("written", "right", "meant"),
    [
        ("i recieve it", "i receive it", {1: "receive"}),
        ("alot of tea", "a lot of tea", {0: "a lot"}),
        ("I have, some times!", "I have, sometimes!", {3: "sometimes"}),
        ("all is right", "all is right", {}),
    ],
)
def test_a_pair_of_sentences_is_compared_word_by_word(
    written: str, right: str, meant: dict[int, str]
) -> None:
    found = compare(written, right)
    wrong = {
        place: word
        for place, (token, word) in enumerate(zip(found.tokens, found.meant, strict=True))
        if word is not None and word != token.word
    }
    assert wrong == meant
    assert found.joined == {place for place, word in meant.items() if word == "sometimes"}


def test_what_a_made_sentence_means_is_the_clean_one() -> None:
    clean = "They received a lot of tea, and there phone definitely have the night sometimes."
    make = maker([clean])
    right = 0
    for _ in range(200):
        sentence = make.corrupt(clean)
        meant = " ".join(word for word in sentence.meant if word and word[0].isalpha())
        plain = clean.lower().replace(",", "").replace(".", "")
        assert meant.split() == plain.split()
        for token in sentence.tokens:
            assert sentence.text[token.start : token.end].lower() == (
                token.word or sentence.text[token.start : token.end]
            )
        right += all(t.word == m for t, m in zip(sentence.tokens, sentence.meant, strict=True) if t.word)
    assert 80 < right < 150, "half of the sentences are right"


def test_every_judged_word_of_training_has_its_right_candidate() -> None:
    make = maker(["the knight definitely received tea at night"])
    for number in range(60):
        sentence = make.sentence()
        for judged, label, weight in make.judged(sentence, number):
            assert judged.sentence == number
            meant = sentence.meant[judged.place]
            assert judged.candidates[label] == (
                judged.typed if judged.span == 2 and judged.place not in sentence.joined else meant
            )
            assert 1.0 <= weight <= 3.0


@pytest.mark.parametrize(
    ("word", "doubted"),
    [
        ("teh", True),
        ("untill", True),
        ("definately", True),
        ("royale", False),
        ("lol", False),
        ("night", False),
    ],
)
def test_words_that_are_like_a_much_commoner_one_are_doubted(word: str, doubted: bool) -> None:
    sure = Lexicon(
        {"the": 7.7, "until": 5.6, "definitely": 5.0, "royal": 4.8, "night": 5.5, "lot": 5.6, "knight": 4.2}
    )
    assert _doubtful(word, 3.0, sure) is doubted


def test_only_words_unlike_all_common_ones_are_made_strangers() -> None:
    lexicon = Lexicon({"night": 5.5, "light": 5.4, "phone": 5.0, "xylophone": 2.5})
    clean = ["night phone xylophone"]
    maker = Maker(
        clean, [], [], Noise([], lexicon), Reader(lexicon, Ngrams.count([("night", 1)], {"night": 1}), 64), 1
    )
    sentences = [compare(clean[0], clean[0])]
    strangers = set().union(*(maker.unknown(sentences) for _ in range(2000)))
    assert strangers == {"phone", "xylophone"}
