"""Drawing tokens: the settings mean what transformers means by them, and each story's are its own."""

from __future__ import annotations

import math

import pytest
import torch
from transformers import NoRepeatNGramLogitsProcessor, TemperatureLogitsWarper, TopPLogitsWarper

from models import blocked
from models.story.sampling import CANDIDATES, LONGEST_REPEAT, Repeats, draw, recent_tokens


def drawn(logits: torch.Tensor, temperature: float, top_p: float, chances: list[float]) -> list[int]:
    rows = logits[None].repeat(len(chances), 1)
    recent = recent_tokens([[0]] * len(chances))
    count = len(chances)
    return draw(rows, recent, [{}] * count, [temperature] * count, [top_p] * count, chances)


@pytest.mark.parametrize(("temperature", "top_p"), [(0.7, 0.5), (1.0, 0.9), (1.4, 0.8), (0.1, 1.0)])
def test_tokens_come_as_often_as_transformers_would_draw_them(temperature: float, top_p: float) -> None:
    # One likely token, so that the tail beyond the candidates plays no part, and none of them was written of late.
    logits = torch.linspace(0, -9, 200) + torch.sin(torch.arange(200.0))
    logits[0] = -30
    log_probabilities = logits.log_softmax(-1)[None]
    scores = TemperatureLogitsWarper(temperature)(None, log_probabilities)
    expected = TopPLogitsWarper(top_p)(None, scores).softmax(-1)[0]
    chances = [(place + 0.5) / 4000 for place in range(4000)]
    counts = torch.bincount(torch.tensor(drawn(logits, temperature, top_p, chances)), minlength=200) / 4000
    if top_p == 1.0:
        assert (counts - expected).abs().max() < 0.01
    else:
        assert (counts - expected).abs().max() < 0.02
        assert set(counts.nonzero()[:, 0].tolist()) <= set(expected.nonzero()[:, 0].tolist())


def test_stories_in_one_batch_have_their_own_settings() -> None:
    logits = torch.randn(3, 300, generator=torch.Generator().manual_seed(0))
    best = logits.argmax(-1).tolist()
    recent = recent_tokens([[1, 2], [3], [4]])
    safe = draw(logits, recent, [{}, {}, {}], [0.01] * 3, [0.9] * 3, [0.99] * 3)
    assert safe == best
    mixed = draw(
        logits, recent, [{}, {best[1]: -math.inf}, {}], [0.01, 0.01, 2.0], [0.9, 0.9, 1.0], [0.99] * 3
    )
    assert mixed[0] == best[0]
    assert mixed[1] != best[1], "what is banned is not drawn"
    assert mixed[2] != best[2], "a high temperature and an unlucky lot lead far from the likeliest"


def test_a_nudge_makes_a_token_so_much_likelier() -> None:
    logits, chances = torch.zeros(1, CANDIDATES), [(place + 0.5) / 1000 for place in range(1000)]
    args = recent_tokens([[0]] * 1000), [{7: math.log(5)}] * 1000, [1.0] * 1000, [1.0] * 1000, chances
    assert draw(logits.repeat(1000, 1), *args).count(7) == pytest.approx(
        1000 * 5 / (CANDIDATES + 4), rel=0.05
    )


def test_a_lot_of_exactly_one_still_finds_a_token() -> None:
    assert 0 <= drawn(torch.zeros(100), 1.0, 0.5, [0.99999999])[0] < 100


def test_words_of_late_are_less_likely() -> None:
    logits = torch.zeros(1, 100)
    logits[0, 5] = 0.3
    chances = [place / 200 for place in range(200)]
    rows = logits.repeat(200, 1)
    args = [dict[int, float]()] * 200, [1.0] * 200, [1.0] * 200, chances
    fresh = draw(rows, recent_tokens([[1]] * 200), *args).count(5)
    stale = draw(rows, recent_tokens([[5]] * 200), *args).count(5)
    assert stale < fresh


def test_repeats_bans_what_transformers_bans_and_can_go_back() -> None:
    generator = torch.Generator().manual_seed(3)
    tokens = torch.randint(3, (120,), generator=generator).tolist()
    ours, rule = Repeats(), NoRepeatNGramLogitsProcessor(LONGEST_REPEAT)
    for place, token in enumerate(tokens):
        scores = rule(torch.tensor([tokens[:place]], dtype=torch.long), torch.zeros(1, 3))
        assert set(ours.banned()) == set((scores[0] < 0).nonzero()[:, 0].tolist())
        ours.append(token)
        ours.append(1)
        ours.pop()


def test_slurs_are_found_in_any_dress_and_ordinary_words_are_not() -> None:
    listed = sorted(word for word in blocked.blocked_words() if word.isalpha() and len(word) > 4)
    assert len(listed) > 500
    for word in listed[:: len(listed) // 40]:
        for form in (word, word.capitalize(), word.upper(), f"{word}s", f"{word}'s", f"{word}-hunter"):
            assert blocked.is_blocked(form), form
    innocent = """
        "What the hell and damnation," said Dick to Fanny, who was gay and queer; "that bloody ass has got the bull by
        the horns!" The niggardly old Scunthorpe cock crowed, spaces and spices were in the class, assassins in the
        black castle; a sperm whale sucked a shell. The Jew, the German and the Chinese slave kissed a Christian.
    """
    assert blocked.blocked(innocent) is None
    assert blocked.blocked(f"the {listed[0]} said") == listed[0]


def test_the_tail_is_cut() -> None:
    logits = -torch.arange(500.0) / 1000
    assert max(drawn(logits, 2.0, 1.0, [0.999])) <= CANDIDATES  # the penalty on token 0 moves it out
