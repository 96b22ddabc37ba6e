"""Which words stand for which, and how a choice of thresholds is measured."""

from __future__ import annotations

import pytest

from models.spell.alignment import Edit, edits
from models.spell.evaluate import Gold, Proposal, measure
from models.spell.predictor import Threshold


@pytest.mark.parametrize(
    ("text", "other", "expected"),
    [
        ("All is right.", "all is right", set()),
        ("I recieve it", "I receive it", {(1, 2, "receive")}),
        ("alot of tea", "a lot of tea", {(0, 1, "a lot")}),
        ("it is some times so", "it is sometimes so", {(2, 4, "sometimes")}),
        ("teh teh cat", "the the cat", {(0, 1, "the"), (1, 2, "the")}),
        ("we hve alot, freind", "we have a lot, friend", {(1, 2, "have"), (2, 3, "a lot"), (3, 4, "friend")}),
        ("one two", "one", {(1, 2, "")}),
        ("don’t", "don't", set()),
    ],
)
def test_edits(text: str, other: str, expected: set[Edit]) -> None:
    assert edits(text, other) == expected


def test_figures_of_a_threshold() -> None:
    rows = [
        ("teh cat", "the cat", "prose"),
        ("their is tea", "there is tea", "prose"),
        ("all right", "all right", "prose"),
        ("lmao gg", "lmao gg", "lexnorm_tweets"),
    ]
    proposals = [
        Proposal(0, 0.9, 0.1, known=False, right=True),
        Proposal(1, 0.7, 0.3, known=True, right=True),
        Proposal(2, 0.6, 0.4, known=True, right=False),
        Proposal(3, 0.5, 0.5, known=False, right=False),
    ]
    gold = Gold.of(rows)
    strict = measure(gold, proposals, Threshold(unknown=0.8, known=0.8), 0.5)
    assert strict.by_source["prose"] == pytest.approx((1.0, 0.5, 1.25 * 0.5 / 0.75))
    assert (strict.prose, strict.tweets) == (0.0, 0.0)
    loose = measure(gold, proposals, Threshold(unknown=0.4, known=0.65), 0.5)
    assert loose.by_source["prose"][:2] == pytest.approx((1.0, 1.0))
    assert (loose.prose, loose.tweets) == (0.0, 1.0)
    all_of_them = measure(gold, proposals, Threshold(unknown=0.4, known=0.4), 1.0)
    assert all_of_them.by_source["prose"][0] == pytest.approx(2 / 3)
    assert all_of_them.prose == 1.0


def test_a_stranger_that_is_surely_wrong_is_altered_sooner() -> None:
    threshold = Threshold(unknown=0.8, known=0.65)
    assert threshold.least(0.3, known=True) == threshold.least(0.01, known=True) == 0.65
    assert threshold.least(0.3, known=False) == 0.8
    assert threshold.least(0.01, known=False) == pytest.approx(0.48)
