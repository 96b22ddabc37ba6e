"""What people type for fields and universities, and the choices of "What if"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import cards
from bot.errors import UserError
from bot.inference.messages import SalaryRequest
from cogs.salary import whatif
from cogs.salary.buttons import amount_of
from cogs.salary.words import (
    DEGREES,
    FIELDS,
    GENDERS,
    SYNONYMS,
    field_of,
    similar_fields,
    similar_universities,
    university_of,
)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ("computing", "computing"),
        ("CS", "computing"),
        ("software", "computing"),
        ("Senior Software Engineer", "computing"),
        ("mechanical engineer", "engineering"),
        ("Nursing", "health"),
        ("nurse practitioner", "health"),
        ("high school teacher", "education"),
        ("marketing", "communications_media"),
        ("Health and nursing", "health"),
        ("truck driver", "services_hospitality"),
        # typing mistakes
        ("programer", "computing"),
        ("enginering", "engineering"),
        ("nursng", "health"),
        ("lawyr", "law"),
        ("acounting", "finance_economics"),
    ],
)
def test_free_text_resolves_to_a_field(typed: str, field: str) -> None:
    assert field_of(typed) == field
    assert field in [value for value, _ in similar_fields(typed)]


@pytest.mark.parametrize("typed", ["alchemy", "x", "qqqq zzzz", "???"])
def test_what_is_no_field_gets_a_question_back(typed: str) -> None:
    with pytest.raises(UserError, match=r"\?"):
        field_of(typed)


def test_every_field_has_synonyms_and_each_leads_to_it() -> None:
    assert set(SYNONYMS) == set(FIELDS) == set(cards.config("salary")["fields"])
    said = [name for names in SYNONYMS.values() for name in names.split(", ")]
    assert len(said) == len(set(said)), "one word for two fields"
    for field, names in SYNONYMS.items():
        assert {field_of(name) for name in names.split(", ")} == {field}


def test_nothing_typed_offers_every_field() -> None:
    assert dict(similar_fields("")) == FIELDS


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("standford univercity", "Stanford University"),
        ("harvrd", "Harvard University"),
        ("mit", "Massachusetts Institute of Technology"),
        ("UCLA", "University of California-Los Angeles"),
        ("universty of californa berkly", "University of California-Berkeley"),
        ("north carolina chapell hill", "University of North Carolina at Chapel Hill"),
        ("michigan ann arbor", "University of Michigan-Ann Arbor"),
        ("texas at austin", "The University of Texas at Austin"),
    ],
)
def test_universities_are_found_first_in_spite_of_mistakes_and_by_their_initials(
    typed: str, name: str
) -> None:
    assert similar_universities(typed)[0] == name


@given(st.text(max_size=100))
def test_whatever_is_typed_offers_what_discord_takes(typed: str) -> None:
    names = similar_universities(typed)
    assert len(names) == len(set(names)) <= 25
    fields = similar_fields(typed)
    assert len(fields) <= 25
    assert all(1 <= len(text) <= 100 for text in (*names, *(label for _, label in fields)))


def test_a_university_is_taken_in_any_case_and_asked_about_otherwise() -> None:
    assert university_of("iowa state UNIVERSITY") == "Iowa State University"
    with pytest.raises(UserError, match="Did you mean “Stanford University”"):
        university_of("Standford")
    with pytest.raises(UserError, match="Hogwarts"):
        university_of("Hogwarts")


people = st.builds(
    SalaryRequest,
    degree=st.sampled_from(list(DEGREES)),
    field=st.none() | st.sampled_from(list(FIELDS)),
    age=st.none() | st.integers(16, 80),
    experience=st.none() | st.integers(0, 60),
    gender=st.none() | st.sampled_from(list(GENDERS)),
    promotions=st.none() | st.integers(0, 20),
    university=st.none() | st.just("Iowa State University"),
)


@given(people, st.data())
def test_choices_change_something_and_lead_back(person: SalaryRequest, data: st.DataObject) -> None:
    now = person
    for _ in range(3):
        offered = [*whatif.options(now), *whatif.fields(now)]
        assert len(whatif.options(now)) <= 25
        assert len(whatif.fields(now)) <= 25
        assert len({value for _, value in offered}) == len(offered)
        before, now = now, whatif.changed(now, data.draw(st.sampled_from(offered))[1])
        assert whatif.alone(now) != whatif.alone(before)
        assert now.compared_to in (None, person)
        if now.compared_to is None:
            assert now == person
        else:
            assert whatif.differences(person, now)
    if now.compared_to is not None:
        assert whatif.changed(now, "back") == person


@given(people)
def test_what_was_not_offered_is_not_taken(person: SalaryRequest) -> None:
    for choice in ("years=500", "degree=wizard", f"degree={person.degree}", "nonsense", "compared_to="):
        with pytest.raises(UserError):
            whatif.changed(person, choice)


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("85000", 85_000),
        ("$85,000", 85_000),
        (" 85k ", 85_000),
        ("$ 41.5K", 41_500),
        ("1_000 000", 1_000_000),
    ],
)
def test_pay_is_read_as_people_write_it(typed: str, amount: float) -> None:
    assert amount_of(typed) == amount


@pytest.mark.parametrize("typed", ["", "a lot", "-5", "1e9", "nan", "5 million", "85.000.000"])
def test_what_is_no_pay_is_refused(typed: str) -> None:
    with pytest.raises(UserError):
        amount_of(typed)
