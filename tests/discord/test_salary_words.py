"""What people type for fields and universities, and the choices of "What if"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import cards
from bot.errors import UserError
from bot.inference.messages import SalaryRequest
from cogs.salary import whatif
from cogs.salary.aliases import ALIASES, SYSTEMS
from cogs.salary.buttons import amount_of
from cogs.salary.words import (
    DEGREES,
    FIELDS,
    GENDERS,
    GENERAL,
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
        ("plumer", "trades_technical"),
        ("teecher", "education"),
        # what somebody is stands last
        ("real estate lawyer", "law"),
        ("business law", "law"),
        ("math teacher", "education"),
        ("law professor", "education"),
        ("hospital janitor", "services_hospitality"),
        ("fashion photographer", "arts_design"),
        ("machine learning engineer", "computing"),
        ("sales engineer", "engineering"),
        ("marine biologist", "life_sciences"),
        # or before "of", "in", "at"
        ("professor of law", "education"),
        ("software engineer at a bank", "computing"),
        ("teacher of mathematics", "education"),
        ("master of science in nursing", "health"),
        ("doctor of philosophy in physics", "physical_sciences"),
        # words that say little
        ("CEO", "business"),
        ("ceo of a startup", "business"),
        ("general manager", "business"),
        ("vice president", "business"),
        ("marketing manager", "communications_media"),
        ("nurse manager", "health"),
        ("IT manager", "computing"),
        ("director of nursing", "health"),
        ("construction project manager", "trades_technical"),
        ("law school", "law"),
        ("business school", "business"),
        ("law student", "law"),
        ("nursing student", "health"),
        ("soldier", "public_service"),
        ("military", "public_service"),
        ("US Marine", "public_service"),
        ("police officer", "public_service"),
        ("real estate developer", "business"),
        ("flight attendant", "services_hospitality"),
        ("vet tech", "health"),
        ("YouTuber", "communications_media"),
        ("game dev", "computing"),
        ("software architect", "computing"),
        ("zookeeper", "agriculture_environment"),
        ("law enforcement", "public_service"),
        ("court clerk", "law"),
        ("crane operator", "trades_technical"),
    ],
)
def test_free_text_resolves_to_a_field(typed: str, field: str) -> None:
    assert field_of(typed) == field
    assert field in [value for value, _ in similar_fields(typed)]


@pytest.mark.parametrize("typed", ["alchemy", "x", "qqqq zzzz", "???"])
def test_what_is_no_field_gets_a_question_back(typed: str) -> None:
    with pytest.raises(UserError, match=r"\?"):
        field_of(typed)


@pytest.mark.parametrize(
    "typed", ["🍕", "💻🚀", "123", "!!!", "x", "student", "unemployed", "anything", "врач"]
)
def test_what_says_nothing_about_a_field_gets_no_suggestion(typed: str) -> None:
    with pytest.raises(UserError, match="What would you call it") as refused:
        field_of(typed)
    assert "Did you mean" not in str(refused.value)
    assert "leave it out" in str(refused.value)


def test_words_that_say_little_are_known_words() -> None:
    assert set(GENERAL.split(", ")) <= {name for names in SYNONYMS.values() for name in names.split(", ")}


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
        # mistyped nicknames
        ("berkley", "University of California-Berkeley"),
        ("uc berkly", "University of California-Berkeley"),
        ("calteck", "California Institute of Technology"),
        ("mizou", "University of Missouri-Columbia"),
        ("virgina tech", "Virginia Polytechnic Institute and State University"),
        ("umass amhurst", "University of Massachusetts-Amherst"),
        ("cornel", "Cornell University"),
        ("stanfrod", "Stanford University"),
        ("univerity of michigan", "University of Michigan-Ann Arbor"),
        ("university of conneticut", "University of Connecticut"),
        ("carnegie melon", "Carnegie Mellon University"),
        ("binghampton", "Binghamton University"),
        # on the way to a name or a nickname
        ("upen", "University of Pennsylvania"),
        ("uc b", "University of California-Berkeley"),
        ("umass low", "University of Massachusetts-Lowell"),
        ("harv", "Harvard University"),
        ("sta", "Stanford University"),
        ("st lou", "Saint Louis University"),
        # several are called so
        ("psu", "The Pennsylvania State University"),
        ("unc", "University of North Carolina at Chapel Hill"),
        ("usc", "University of Southern California"),
        ("uw", "University of Washington-Seattle Campus"),
        ("osu", "Ohio State University-Main Campus"),
        ("msu", "Michigan State University"),
        ("cmu", "Carnegie Mellon University"),
        ("ASU", "Arizona State University Campus Immersion"),
        ("uc", "University of California-Berkeley"),
        ("ut", "The University of Texas at Austin"),
        ("texas a&m", "Texas A & M University-College Station"),
        ("Cal Poly", "California Polytechnic State University-San Luis Obispo"),
        ("penn state", "The Pennsylvania State University"),
        ("ohio state", "Ohio State University-Main Campus"),
        ("columbia", "Columbia University in the City of New York"),
        ("cornell", "Cornell University"),
        ("georgetown", "Georgetown University"),
        ("howard", "Howard University"),
        ("notre dame", "University of Notre Dame"),
        ("purdue", "Purdue University-Main Campus"),
        ("st. john's", "St. John's University-New York"),
        ("ivy tech", "Ivy Tech Community College of Indiana"),
        # part of a university
        ("MIT Sloan", "Massachusetts Institute of Technology"),
        ("ucla anderson", "University of California-Los Angeles"),
    ],
)
def test_universities_are_found_first_in_spite_of_mistakes_and_by_their_initials(
    typed: str, name: str
) -> None:
    assert similar_universities(typed)[0] == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("UPenn", "University of Pennsylvania"),
        ("UC-Berkeley", "University of California-Berkeley"),
        ("uc berkeley", "University of California-Berkeley"),
        ("U.C. Davis", "University of California-Davis"),
        ("UC San Diego", "University of California-San Diego"),
        ("ucsb", "University of California-Santa Barbara"),
        ("U.C.L.A.", "University of California-Los Angeles"),
        ("caltech", "California Institute of Technology"),
        ("gatech", "Georgia Institute of Technology-Main Campus"),
        ("Georgia Tech", "Georgia Institute of Technology-Main Campus"),
        ("virginia tech", "Virginia Polytechnic Institute and State University"),
        ("UVA", "University of Virginia-Main Campus"),
        ("university of virginia", "University of Virginia-Main Campus"),
        ("univ. of michigan", "University of Michigan-Ann Arbor"),
        ("U of Texas", "The University of Texas at Austin"),
        ("umass amherst", "University of Massachusetts-Amherst"),
        ("UMass Boston", "University of Massachusetts-Boston"),
        ("unc charlotte", "University of North Carolina at Charlotte"),
        ("UNC-Chapel Hill", "University of North Carolina at Chapel Hill"),
        ("suny binghamton", "Binghamton University"),
        ("SUNY New Paltz", "State University of New York at New Paltz"),
        ("CUNY Baruch", "CUNY Bernard M Baruch College"),
        ("Hunter College", "CUNY Hunter College"),
        ("Penn State University", "The Pennsylvania State University"),
        ("Penn State Altoona", "Pennsylvania State University-Penn State Altoona"),
        ("Ole Miss", "University of Mississippi"),
        ("Mizzou", "University of Missouri-Columbia"),
        ("UNLV", "University of Nevada-Las Vegas"),
        ("UIUC", "University of Illinois Urbana-Champaign"),
        ("University of Illinois at Urbana-Champaign", "University of Illinois Urbana-Champaign"),
        ("UT Austin", "The University of Texas at Austin"),
        ("ut dallas", "The University of Texas at Dallas"),
        ("UT Knoxville", "The University of Tennessee-Knoxville"),
        ("A&M", "Texas A & M University-College Station"),
        ("Texas A and M University", "Texas A & M University-College Station"),
        ("VCU", "Virginia Commonwealth University"),
        ("NYU", "New York University"),
        ("MIT", "Massachusetts Institute of Technology"),
        ("RPI", "Rensselaer Polytechnic Institute"),
        ("WashU", "Washington University in St Louis"),
        ("Washington University in St. Louis", "Washington University in St Louis"),
        ("UW-Madison", "University of Wisconsin-Madison"),
        ("UMD", "University of Maryland-College Park"),
        ("SMU", "Southern Methodist University"),
        ("TCU", "Texas Christian University"),
        ("cal state fullerton", "California State University-Fullerton"),
        ("Arizona State University", "Arizona State University Campus Immersion"),
        ("Ohio State University", "Ohio State University-Main Campus"),
        ("NC State", "North Carolina State University at Raleigh"),
        ("William and Mary", "William & Mary"),
        ("St Louis University", "Saint Louis University"),
        ("John Hopkins", "Johns Hopkins University"),
        ("Harvard Business School", "Harvard University"),
        ("West Point", "United States Military Academy"),
        ("WGU", "Western Governors University"),
        ("SNHU", "Southern New Hampshire University"),
    ],
)
def test_a_nickname_stands_first_and_is_taken(typed: str, name: str) -> None:
    assert similar_universities(typed)[0] == name
    assert university_of(typed) == name


def test_nicknames_are_those_of_names_the_network_knows() -> None:
    known = cards.config("salary")["universities"]
    assert set(ALIASES) <= set(known)
    for name, nicknames in ALIASES.items():
        said = nicknames.split(", ")
        assert len(said) == len(set(said))
        for nickname in said:
            assert name in similar_universities(nickname), nickname
    for system in SYSTEMS:
        assert len(similar_universities(system)) > 1


def test_every_name_is_taken_as_it_is_offered() -> None:
    for typed in ("", "saint johns", "texas a&m", "college", "miami"):
        for name in similar_universities(typed):
            assert university_of(name) == name


@pytest.mark.parametrize("typed", ["osu", "usc", "columbia", "Miami", "Texas", "BC", "St. John's University"])
def test_a_nickname_of_several_is_asked_about(typed: str) -> None:
    with pytest.raises(UserError, match="Did you mean “"):
        university_of(typed)


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "Universty of Turku",
            "University of Helsinki",
            "ETH Zurich",
            "TU Munich",
            "University of Toronto",
            "McGill",
        ),
        *(
            "Sorbonne",
            "Tsinghua",
            "Peking University",
            "IIT Bombay",
            "University of Tokyo",
            "Moscow State University",
        ),
        *(
            "University of Edinburgh",
            "King's College London",
            "Imperial College London",
            "東京大学",
            "Delft",
            "LSE",
        ),
        *("🍕", "???", "x", "no", "none", "university", "the", "homeschool", "asdfgh"),
    ],
)
def test_what_resembles_no_university_gets_no_suggestion(typed: str) -> None:
    with pytest.raises(
        UserError, match="institutions in the USA: if yours is elsewhere, leave it out"
    ) as refused:
        university_of(typed)
    assert "Did you mean" not in str(refused.value)


def test_an_emoji_is_no_university() -> None:
    assert similar_universities("🍕") == []


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
    with pytest.raises(UserError, match="Did you mean “University of Northern Iowa”"):
        university_of("univercity of nothern iowa")
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
        ("85.000", 85_000),
        ("85.000,50", 85_000),
        ("85 000 $", 85_000),
        ("95,5k USD", 95_500),
        ("1.2M", 1_200_000),
    ],
)
def test_pay_is_read_as_people_write_it(typed: str, amount: float) -> None:
    assert amount_of(typed) == amount


@pytest.mark.parametrize("typed", ["", "a lot", "-5", "1e9", "nan", "5 million", "85.0000"])
def test_what_is_no_pay_is_refused(typed: str) -> None:
    with pytest.raises(UserError):
        amount_of(typed)
