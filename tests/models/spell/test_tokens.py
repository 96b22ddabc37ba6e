"""What may be judged, and what has to come back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.spell.tokens import Case, case_of, in_case, tokenize


def words(text: str) -> list[str]:
    return [token.word for token in tokenize(text) if token.word]


@pytest.mark.parametrize(
    "text",
    [
        "`teh code`",
        "```py\nprint(teh)\n```",
        "```teh block that never ends",
        "<@123456> <@!99> <#42> <@&7>",
        "<:teh:123456789012345678> <a:wrogn:1>",
        "<t:1700000000:R> </spell:123>",
        "https://exmaple.com/teh?recieve=1",
        "www.exmaple.com",
        "someone@exmaple.com",
        ":thumsbup:",
        "@recieve #teh $teh",
        "2nd h4x0r v1.2 3pm",
        "teh_name main.py e.g.",
        "camelCase aLongName",
        "café naïve привет 你好",
        ":D :P 2.5.3",
    ],
)
def test_what_is_no_plain_word_is_not_judged(text: str) -> None:
    assert words(text) == []


def test_words_are_found_between_what_is_protected() -> None:
    text = "hey <@42>, chek **teh** ~~code~~ `teh` at https://a.b/teh _plese_ don’t-stop||wut||"
    assert words(text) == ["hey", "chek", "teh", "code", "at", "plese", "don't", "stop", "wut"]


@given(st.text(max_size=80))
def test_tokens_cover_all_but_spaces_in_order(text: str) -> None:
    tokens = tokenize(text)
    end = 0
    for token in tokens:
        assert text[end : token.start].strip() in ("", *"_" * 3) or set(text[end : token.start]) <= set(
            " _\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0"
        )
        assert token.start < token.end
        if token.word:
            assert text[token.start : token.end].lower().replace("’", "'") == token.word
        assert token.start >= end
        end = token.end


@pytest.mark.parametrize(
    ("raw", "case"),
    [
        ("word", Case.LOWER),
        ("Word", Case.TITLE),
        ("WORD", Case.UPPER),
        ("WOrd", Case.MIXED),
        ("I", Case.TITLE),
    ],
)
def test_case(raw: str, case: Case) -> None:
    assert case_of(raw) is case


@pytest.mark.parametrize(
    ("word", "like", "written"),
    [
        ("receive", Case.LOWER, "receive"),
        ("receive", Case.TITLE, "Receive"),
        ("receive", Case.UPPER, "RECEIVE"),
        ("i'm", Case.LOWER, "I'm"),
        ("a lot", Case.TITLE, "A lot"),
    ],
)
def test_a_correction_is_written_as_the_word_was(word: str, like: Case, written: str) -> None:
    assert in_case(word, like) == written
