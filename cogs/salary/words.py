"""What people read and type, and the network's own words for it."""

from __future__ import annotations

import math
import re
from functools import cache

from rapidfuzz import fuzz, process, utils

from bot import cards
from bot.errors import UserError
from cogs.salary.aliases import ALIASES, SYSTEMS

DEGREES = {
    "none": "No degree",
    "high school": "High school",
    "associate": "Associate",
    "bachelor": "Bachelor",
    "master": "Master",
    "professional": "Professional (law, medicine)",
    "doctorate": "Doctorate",
}
"""The network's words for degrees, and what a person reads."""

FIELDS = {
    "agriculture_environment": "Agriculture and environment",
    "arts_design": "Arts, design, architecture",
    "business": "Business and management",
    "communications_media": "Communications, marketing, media",
    "computing": "Computing",
    "education": "Education",
    "engineering": "Engineering",
    "finance_economics": "Finance, accounting, economics",
    "health": "Health and nursing",
    "humanities": "Humanities",
    "law": "Law",
    "life_sciences": "Life sciences",
    "math_stats": "Mathematics and statistics",
    "physical_sciences": "Physical sciences",
    "psychology": "Psychology",
    "public_service": "Public service and non-profits",
    "services_hospitality": "Retail, transport, hospitality",
    "social_sciences": "Social sciences",
    "trades_technical": "Trades, manufacturing, construction",
    "other_general": "Something else",
}

GENDERS = {"female": "Female", "male": "Male", "nonbinary": "Nonbinary"}

INPUTS = {
    "degree": "Degree",
    "field": "Field",
    "age": "Age",
    "experience": "Experience",
    "gender": "Gender",
    "promotions": "Promotions",
    "university": "University",
}
"""The seven inputs, in the order of the command."""

SYNONYMS = {
    "agriculture_environment": "agriculture, farming, farmer, forestry, environment, environmental science, "
    "conservation, horticulture, animal science, food science, sustainability, gardener, gardening, "
    "landscaping, rancher, ranch, fishing, fisherman, park ranger, farm, zookeeper, wildlife, winemaker",
    "arts_design": "art, arts, artist, design, designer, graphic design, ux, architecture, architect, music, "
    "musician, theater, theatre, acting, actor, dance, film, fashion, photography, photographer, museum, "
    "animation, animator, game design, entertainment, actress, singer, dancer, illustrator, interior design, "
    "film director, filmmaker, comedian, model, modelling, modeling, dj, rapper, curator",
    "business": "business, management, manager, mba, hr, human resources, consulting, consultant, analyst, "
    "real estate, realtor, real estate agent, real estate developer, project manager, product manager, "
    "administration, administrator, operations, entrepreneur, supply chain, logistics, ceo, coo, "
    "chief executive, chief executive officer, executive, president, vice president, vp, director, boss, "
    "supervisor, team lead, owner, founder, startup, self employed, recruiter, recruiting, business owner, "
    "business development, procurement, purchasing, scrum master, business school, business analyst, "
    "store manager, landlord",
    "communications_media": "communications, communication, marketing, media, journalism, journalist, "
    "publishing, public relations, pr, advertising, editor, copywriter, social media, content, broadcasting, "
    "seo, youtuber, streamer, influencer, reporter, news, tv, television, radio, cmo",
    "computing": "cs, computer science, computing, computers, software, software engineer, "
    "software engineering, software developer, programmer, programming, developer, coding, coder, it, "
    "information technology, web developer, data science, data scientist, data analyst, data engineer, "
    "machine learning, ai, artificial intelligence, cybersecurity, security engineer, devops, sysadmin, "
    "information systems, informatics, tech, cloud engineer, game developer, ai engineer, "
    "machine learning engineer, ml engineer, devops engineer, network engineer, qa engineer, "
    "site reliability engineer, full stack, frontend, backend, web, website, database, hacker, it support, "
    "dev, systems analyst, tech support, help desk, cto, systems administrator, network administrator, "
    "deep learning, ml, python, java, apps, infosec, cyber security, compsci, comp sci, swe, sde, "
    "systems engineer, software architect, solutions architect, cloud architect, network admin",
    "education": "education, teacher, teaching, teach, school, tutor, kindergarten, librarian, library, "
    "professor, principal, special education, early childhood, lecturer, academia, academic, daycare, "
    "preschool, childcare, nanny, educator, school counselor, school principal",
    "engineering": "engineering, engineer, mechanical, mechanical engineering, electrical, "
    "electrical engineering, civil, civil engineering, chemical engineering, aerospace, "
    "biomedical engineering, industrial engineering, robotics, materials, ee, structural engineer, petroleum, "
    "sales engineer, electronics, automotive engineering, nuclear engineering, manufacturing engineer, "
    "construction engineer, environmental engineering, environmental engineer, energy engineer, mech eng, eng",
    "finance_economics": "finance, accounting, accountant, economics, economist, econ, banking, banker, "
    "insurance, actuary, actuarial, auditor, bookkeeping, tax, investment, trader, cpa, financial analyst, "
    "bank, cfo, financial, financial advisor, stock broker, hedge fund, private equity, audit, fintech, "
    "bookkeeper, payroll, underwriter, quant",
    "health": "health, healthcare, nursing, nurse, rn, medicine, medical, doctor, physician, surgeon, dentist, "
    "dental, pharmacy, pharmacist, physical therapy, therapist, paramedic, veterinary, vet, public health, "
    "caregiver, nutrition, radiology, medical assistant, hospital, midwife, optometry, nutritionist, "
    "dietitian, emt, veterinarian, anesthesiologist, pediatrician, psychiatrist, psychiatry, radiologist, "
    "optometrist, chiropractor, dental hygienist, occupational therapy, physician assistant, speech therapy, "
    "cna, lpn, doc, md, cardiologist, care worker, med school, premed, vet tech, veterinary technician, "
    "massage therapist, phlebotomist, optician, audiologist, aide",
    "humanities": "humanities, history, philosophy, english, literature, languages, linguistics, religion, "
    "theology, classics, writing, writer, translator, liberal studies, priest, author, pastor, poet, "
    "historian, philosopher, interpreter, minister, rabbi, novelist, creative writing, spanish, french, nun, "
    "imam, archivist",
    "law": "law, legal, lawyer, attorney, paralegal, judge, prosecutor, solicitor, law firm, barrister, "
    "law school, court, jd, llb",
    "life_sciences": "life sciences, biology, biologist, biotech, biotechnology, biochemistry, genetics, "
    "neuroscience, pharma, pharmaceutical, microbiology, ecology, zoology, botany, lab technician, "
    "marine biology, marine biologist, lab tech, marine science, bio, ecologist, biochemist, geneticist, "
    "biomedical science, molecular biology",
    "math_stats": "math, maths, mathematics, mathematician, statistics, statistician, stats, applied math",
    "physical_sciences": "physics, physicist, chemistry, chemist, geology, astronomy, earth science, "
    "meteorology, materials science, geoscience, geologist, astronomer, astrophysics, meteorologist",
    "psychology": "psychology, psychologist, psych, counseling, counselor, counselling, behavior analyst, "
    "psychotherapist, psychotherapy, mental health",
    "public_service": "public service, government, civil service, non profit, nonprofit, ngo, charity, "
    "social work, social worker, police, police officer, criminal justice, military, army, navy, firefighter, "
    "public administration, corrections, postal, soldier, marines, marine corps, marine, fighter pilot, "
    "military pilot, air force pilot, mail carrier, air force, coast guard, veteran, army officer, "
    "military officer, cop, policeman, detective, sheriff, fireman, mailman, politician, politics, mayor, "
    "diplomat, prison guard, correctional officer, public policy, homeland security, fire department, "
    "social services, civil servant, law enforcement, crime scene investigator, fbi, cia, "
    "intelligence analyst, policy analyst, senator",
    "services_hospitality": "retail, sales, cashier, transport, truck driver, driver, restaurant, chef, cook, "
    "waiter, waitress, hotel, hospitality, tourism, barista, bartender, hairdresser, customer service, "
    "warehouse, airline, pilot, fitness, leisure, sport, sports, cleaner, call center, salesman, salesperson, "
    "customer support, support, account manager, account executive, saleswoman, flight attendant, janitor, "
    "cleaning, housekeeper, taxi, uber, delivery, personal trainer, athlete, coach, barber, cosmetology, "
    "security guard, server, store, shop, car salesman, trucker, food service, fast food, mcdonalds, "
    "travel agent, transportation, aviation, baker, beautician, bus driver, butcher, nail tech, makeup artist, "
    "cosmetologist, maid, butler, mortician",
    "social_sciences": "social sciences, sociology, political science, polisci, anthropology, geography, "
    "international relations, urban planning, criminology, gender studies, sociologist, anthropologist, "
    "archaeology, archaeologist, political scientist, ir, social science, urban planner, city planner",
    "trades_technical": "trades, construction, electrician, plumber, plumbing, carpenter, carpentry, welder, "
    "welding, mechanic, manufacturing, machinist, factory, hvac, utilities, energy, mining, oil, technician, "
    "machine operator, builder, roofer, painter, maintenance, construction worker, lineman, blue collar, "
    "factory worker, handyman, truck mechanic, auto mechanic, automotive, assembly line, oil rig, miner, "
    "forklift, electrical technician, laborer, mason, locksmith, operator, tailor, jeweler, surveyor, brewer",
    "other_general": "other, something else, general studies, liberal arts, interdisciplinary, office, "
    "secretary, clerical, receptionist, administrative assistant, clerk, office worker, data entry, "
    "personal assistant",
}
"""What people call a field of study or work, for each of the network's fields."""

GENERAL = (
    "administration, administrator, aide, analyst, boss, business, clerical, clerk, consultant, consulting, "
    "director, executive, founder, library, management, manager, office, operations, operator, other, "
    "owner, president, project manager, purchasing, school, secretary, shop, store, supervisor, support, "
    "team lead, tech, technician, vice president, vp, web"
)
"""Words that say little beside another: a marketing manager is in marketing, a law school is about law."""

CHOICES_AT_MOST = 25
"""Discord's limit for choices, in autocomplete too."""
NAME_LENGTH = 100
"""Discord's limit for the name and the value of a choice."""
SURE = 84
"""Similarity from 0 to 100 from which a field is taken for the one that was meant."""
SURE_PHRASE = 90
"""The same for nicknames of several words: those of many are common ones."""
ALIKE = 70
"""Similarity from which a name is suggested."""
BEGUN = 0.95
"""What a word counts of which only the beginning was typed, beside a whole one."""
SHARED = 0.5
"""Share of what was typed that a name must have."""
LIKELY = 0.8
"""The same, to be asked about: many names share "University of"."""
COMMON = 60
"""A word that more names have, such as "University", says nothing alone."""
CLOSE = 0.1
"""How much less like a typed word than the likest one another word may be."""
WORDS_AT_MOST = 12
CANDIDATES = 3 * CHOICES_AT_MOST
"""Names that are compared as a whole, too, once their words have brought them up."""
SHORTEST_MISSPELT = 4
"""Letters: anything resembles a shorter word."""
SHORTEST_BEGUN = 3
"""Letters: anything begins with fewer."""
NAME_WORDS = 5
"""The words of the longest name of a field."""


def field_of(typed: str) -> str:
    """Return the network's word for the field that somebody typed or picked.

    Raises:
        UserError: it resembles none.
    """
    if typed in FIELDS:
        return typed
    wanted = _plain(typed)
    names = _field_names()
    if wanted in names:
        return names[wanted]
    if within := _named_within(wanted):
        return names[within[0]]
    if alike := _alike_fields(wanted, SURE):
        return names[alike[0]]
    near = [FIELDS[field] for field in _likely_fields(wanted)[:3]]
    question = f"Did you mean {_or(near)}?" if near else "What would you call it in general?"
    raise UserError(
        f"I am not sure which field “{typed[:NAME_LENGTH]}” is. {question} Pick one from the list, or leave it out."
    )


def similar_fields(typed: str) -> list[tuple[str, str]]:
    """Return fields with what to show for them: those called what was typed, then the similar ones."""
    wanted = _plain(typed)
    if not wanted:
        return list(FIELDS.items())
    names = _field_names()
    found = [wanted] if wanted in names else []
    found += sorted(
        (name for name in names if name.startswith(wanted) or f" {wanted}" in name),
        key=lambda name: (not name.startswith(wanted), len(name)),
    )
    found += _named_within(wanted) + _alike_fields(wanted, ALIKE)
    shown: dict[str, str] = {}
    for name in found:
        field = names[name]
        label = FIELDS[field]
        known = name in _plain(label)
        shown.setdefault(field, label if known else f"{label}: {name}")
    return list(shown.items())[:CHOICES_AT_MOST]


def _likely_fields(wanted: str) -> list[str]:
    """Return the fields that may well have been meant: those called so among other words."""
    if len(wanted) < SHORTEST_BEGUN:
        return []
    found = [field for name, field in _field_names().items() if f" {wanted}" in f" {name}"]
    return list(dict.fromkeys(found))


def _alike_fields(wanted: str, least: int) -> list[str]:
    """Return what fields are called that resembles what was typed, the likest first."""
    if len(wanted) < SHORTEST_MISSPELT:
        return []
    alike = process.extract(
        wanted, _field_names().keys(), scorer=fuzz.ratio, limit=CHOICES_AT_MOST, score_cutoff=least
    )
    return [name for name, _, _ in alike]


def _named_within(phrase: str) -> list[str]:
    """Return what fields are called in a phrase, the likeliest first.

    English says last what somebody is: a real estate lawyer is a lawyer. But a professor of law is a professor, and
    "senior software engineer" is about software engineers, not about engineers.
    """
    # A degree's name: "doctor of philosophy in".
    phrase = re.sub(r"^(?:doctor|master|bachelor|associate)s? of (?:\w+ (?:\w+ )?in )?", "", phrase)
    head, *_ = re.split(r" (?:of|in|at|for|with|who) ", phrase, maxsplit=1)
    found = [name for name in _names_in(head) if name not in _general()]
    return list(dict.fromkeys(found + _names_in(phrase)))


def _names_in(phrase: str) -> list[str]:
    """Return what fields are called in a phrase: words that say much, then the last ones, then the longest ones."""
    words, names = phrase.split(), _field_names()
    spans = (
        (" ".join(words[start:end]), start, end)
        for end in range(1, len(words) + 1)
        for start in range(max(0, end - NAME_WORDS), end)
    )
    found = [span for span in spans if span[0] in names]
    return [name for name, _, _ in sorted(found, key=lambda span: (span[0] in _general(), -span[2], span[1]))]


@cache
def _general() -> frozenset[str]:
    """Return the words that say little beside another."""
    return frozenset(GENERAL.split(", "))


@cache
def _field_names() -> dict[str, str]:
    """Return everything that fields are called, plainly, and the network's word."""
    names: dict[str, str] = {}
    for field, label in FIELDS.items():
        for name in (field.replace("_", " "), label, *SYNONYMS[field].split(", ")):
            names.setdefault(_plain(name), field)
    return names


def university_of(typed: str) -> str:
    """Return a university's name as the network knows it.

    Raises:
        UserError: there is none of this name, or several.
    """
    names, wanted = _universities(), _plain_university(typed)
    if typed.casefold() in _as_written():
        return _as_written()[typed.casefold()]
    if wanted in names and wanted not in _nicknames():
        return names[wanted]
    if (called := _called_only(wanted)) is not None:
        return names[called]
    near = [f"“{names[key]}”" for key in _likely_universities(wanted)[:3]]
    question = f"Did you mean {_or(near)}? " if near else ""
    raise UserError(
        f"I don't know a university called “{typed[:NAME_LENGTH]}”. {question}Pick one from the list. "
        "The network only knows institutions in the USA: if yours is elsewhere, leave it out."
    )


def similar_universities(typed: str) -> list[str]:
    """Return up to 25 names: those called or abbreviated so, those that contain it, then the similar ones."""
    wanted = _plain_university(typed)
    names = _universities()
    if not wanted:
        return [] if typed.strip() else list(names.values())[:CHOICES_AT_MOST]
    containing = [key for key in names if wanted in key]
    ordered = sorted(containing, key=lambda key: (key.find(wanted), len(_short(key))))
    begun = [key for key in ordered if f" {wanted}" in f" {key}"]
    nearly = _called_nearly(wanted)
    # With few letters typed, too many nicknames begin so.
    near = nearly + begun if len(wanted) >= SHORTEST_MISSPELT else begun + nearly
    found = _called(wanted) + near + ordered
    if len(set(found)) < CHOICES_AT_MOST:
        found += _by_words(wanted.split()[:WORDS_AT_MOST], SHARED)
    return [names[key] for key in dict.fromkeys(found or _called_at_first(wanted))][:CHOICES_AT_MOST]


def _likely_universities(wanted: str) -> list[str]:
    """Return the names, plainly, that may well have been meant."""
    found, words = _called(wanted), wanted.split()[:WORDS_AT_MOST]
    if all(len(_by_word().get(word, ())) > COMMON for word in words):
        return found
    if len(wanted) >= SHORTEST_BEGUN:
        begun = [key for key in _universities() if f" {wanted}" in f" {key}"]
        found += sorted(begun, key=lambda key: (key.find(wanted), len(_short(key)))) + _called_nearly(wanted)
    if len(wanted) > SHORTEST_MISSPELT:
        found += _by_words(words, LIKELY, SURE)
    return list(dict.fromkeys(found))


def _called(wanted: str) -> list[str]:
    """Return the names, plainly, of those with this very nickname, then of those with these initials."""
    return [*_nicknames().get(wanted, ()), *_abbreviations().get(wanted, ())]


def _called_only(wanted: str) -> str | None:
    """Return the one name, plainly, that a nickname must mean, if there is one.

    "Columbia" may be Columbia College, too; but a whole "University of Michigan" is the one in Ann Arbor.
    """
    called = _nicknames().get(wanted, [])
    others = any(f"{key} ".startswith(f"{wanted} ") for key in _universities() if key not in called)
    sure = len(wanted) >= SHORTEST_BEGUN and ("university" in wanted or not others)
    return called[0] if len(called) == 1 and sure else None


def _called_nearly(wanted: str) -> list[str]:
    """Return the names, plainly, whose nicknames begin so or were mistyped so."""
    nicknames = _nicknames()
    near = sorted((name for name in nicknames if name.startswith(wanted)), key=len)
    if len(wanted) >= SHORTEST_MISSPELT:
        alike = process.extract(wanted, nicknames.keys(), scorer=fuzz.ratio, limit=5, score_cutoff=SURE)
        near += [name for name, likeness, _ in alike if " " not in name or likeness >= SURE_PHRASE]
    return [key for name in near for key in nicknames[name]]


def _called_at_first(wanted: str) -> list[str]:
    """Return the names, plainly, with the nickname that the words begin with, as in "MIT Sloan"."""
    words = wanted.split()
    beginnings = (" ".join(words[:end]) for end in range(len(words) - 1, 0, -1))
    return next((called for words in beginnings if (called := _called(words))), [])


def _by_words(wanted: list[str], shared: float, least: int = ALIKE) -> list[str]:
    """Return the names, plainly, that share words with what was typed, mistakes forgiven, likeliest first.

    A rare word such as "Stanford" tells more than a common one such as "University": words count by the logarithm
    of how rare they are. Words begin as they were typed only for a list, not where more likeness is asked for.
    """
    index, total = _by_word(), len(_universities())
    scores: dict[str, float] = {}
    possible = 0.0
    for typed in wanted:
        alike = process.extract(typed, index.keys(), scorer=fuzz.ratio, limit=None, score_cutoff=least)
        matches = {word: likeness / 100 for word, likeness, _ in alike}
        if least == ALIKE:
            matches |= {word: BEGUN for word in index if word.startswith(typed) and word != typed}
        closest = max(matches, key=lambda word: matches[word], default=None)
        best: dict[str, float] = {}
        for word, likeness in matches.items():
            if closest is None or likeness < matches[closest] - CLOSE:
                continue
            # "Staten" is rare, but who typed "state" meant no rare word.
            worth = likeness * math.log(total / max(len(index[word]), len(index.get(typed, ()))))
            for name in index[word]:
                best[name] = max(worth, best.get(name, 0.0))
        for name, worth in best.items():
            scores[name] = scores.get(name, 0.0) + worth
        possible += math.log(total / (len(index[closest]) if closest else 1))
    fitting = {name: score / possible for name, score in scores.items() if score >= shared * possible}
    best_first = sorted(fitting, key=lambda name: -fitting[name])[:CANDIDATES]
    phrase = " ".join(wanted)
    return sorted(
        best_first, key=lambda name: (-fitting[name] - fuzz.ratio(phrase, _short(name)) / 100, len(name))
    )


@cache
def _by_word() -> dict[str, list[str]]:
    """Return, for each word, the names that contain it, plainly."""
    index: dict[str, list[str]] = {}
    for key in _universities():
        for word in set(key.split()):
            index.setdefault(word, []).append(key)
    return index


@cache
def _universities() -> dict[str, str]:
    """Return every university's name, plainly and as it is written."""
    names: dict[str, str] = {}
    for name in cards.config("salary")["universities"]:
        if len(name) <= NAME_LENGTH:
            # The same written in two ways: the first one is the one with facts.
            names.setdefault(_plain_university(name), name)
    return dict(sorted(names.items(), key=lambda pair: pair[1]))


@cache
def _as_written() -> dict[str, str]:
    """Return every university's name, as it is written but for capitals, and as it is written."""
    return {name.casefold(): name for name in _universities().values()}


@cache
def _nicknames() -> dict[str, list[str]]:
    """Return, for each nickname, the names that have it, plainly."""
    found: dict[str, list[str]] = {}
    for name, nicknames in ALIASES.items():
        for nickname in nicknames.split(", "):
            found.setdefault(_plain_university(nickname), []).append(_plain_university(name))
    shorts = {key: _short(key) for key in _universities()}
    for key, short in shorts.items():
        if short != key:
            found.setdefault(short, [key])
    within = {key: short.removeprefix("the ") for key, short in shorts.items()}
    # Most names are of no system: asking about all systems at once is ten times as fast.
    within = {key: known for key, known in within.items() if known.startswith(tuple(SYSTEMS.values()))}
    for system, beginning in SYSTEMS.items():
        for key, known in within.items():
            if known == beginning or known.startswith(f"{beginning} "):
                place = re.sub("^(at|in) ", "", known[len(beginning) + 1 :])
                for nickname in (system, f"{system} {place}".strip()):
                    found.setdefault(nickname, []).append(key)
    return {nickname: list(dict.fromkeys(keys)) for nickname, keys in found.items()}


@cache
def _abbreviations() -> dict[str, list[str]]:
    """Return the names, plainly, that have these initials, such as "mit" and "ucla"."""
    found: dict[str, list[str]] = {}
    for key, name in _universities().items():
        initials = "".join(re.findall(r"\b[A-Z]", name)).lower()
        found.setdefault(initials, []).append(key)
    return found


def _short(key: str) -> str:
    """Return a plain name without "Main Campus" or "Campus" at its end: nobody types that."""
    return key.removesuffix(" campus").removesuffix(" main")


def _plain_university(text: str) -> str:
    """Return a name plainly, with the short forms written out that people use as they like."""
    text = re.sub(r"^st (?=\w)", "saint ", _plain(text))
    return re.sub(r"\b(?:u|uni|univ) of\b", "university of", text)


def _plain(text: str) -> str:
    """Return text in lower case, without punctuation, and without "and", for which some write "&"."""
    words = utils.default_process(re.sub(r"[.'’]", "", text)).split()
    return " ".join(word for word in words if word != "and")


def _or(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
