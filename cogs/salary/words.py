"""What people read and type, and the network's own words for it."""

from __future__ import annotations

import math
import re
from functools import cache

from rapidfuzz import fuzz, process, utils

from bot import cards
from bot.errors import UserError

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
    "conservation, horticulture, animal science, food science, sustainability, gardener",
    "arts_design": "art, arts, artist, design, designer, graphic design, ux, architecture, architect, music, musician, "
    "theater, theatre, acting, actor, dance, film, fashion, photography, museum, animation, game design, entertainment",
    "business": "business, management, manager, mba, hr, human resources, consulting, consultant, analyst, "
    "real estate, project manager, product manager, administration, operations, entrepreneur, "
    "supply chain",
    "communications_media": "communications, communication, marketing, media, journalism, journalist, publishing, "
    "public relations, pr, advertising, editor, copywriter, social media, content, broadcasting, seo",
    "computing": "cs, computer science, computing, computers, software, software engineer, software engineering, "
    "software developer, programmer, programming, developer, coding, coder, it, information technology, web developer, "
    "data science, data scientist, data analyst, data engineer, machine learning, ai, artificial intelligence, "
    "cybersecurity, security engineer, devops, sysadmin, information systems, informatics, tech, "
    "cloud engineer, game developer",
    "education": "education, teacher, teaching, teach, school, tutor, kindergarten, librarian, library, professor, "
    "principal, special education, early childhood",
    "engineering": "engineering, engineer, mechanical, mechanical engineering, electrical, electrical engineering, "
    "civil, civil engineering, chemical engineering, aerospace, biomedical engineering, industrial engineering, "
    "robotics, materials, ee, structural engineer, petroleum",
    "finance_economics": "finance, accounting, accountant, economics, economist, econ, banking, banker, insurance, "
    "actuary, actuarial, auditor, bookkeeping, tax, investment, trader, cpa, financial analyst",
    "health": "health, healthcare, nursing, nurse, rn, medicine, medical, doctor, physician, surgeon, dentist, dental, "
    "pharmacy, pharmacist, physical therapy, therapist, paramedic, veterinary, vet, public health, caregiver, "
    "nutrition, radiology, medical assistant, hospital, midwife, optometry",
    "humanities": "humanities, history, philosophy, english, literature, languages, linguistics, religion, theology, "
    "classics, writing, writer, translator, liberal studies, priest",
    "law": "law, legal, lawyer, attorney, paralegal, judge",
    "life_sciences": "life sciences, biology, biologist, biotech, biotechnology, biochemistry, genetics, neuroscience, "
    "pharma, pharmaceutical, microbiology, ecology, zoology, botany, lab technician",
    "math_stats": "math, maths, mathematics, mathematician, statistics, statistician, stats, applied math",
    "physical_sciences": "physics, physicist, chemistry, chemist, geology, astronomy, earth science, meteorology, "
    "materials science, geoscience",
    "psychology": "psychology, psychologist, psych, counseling, counselor, counselling, behavior analyst",
    "public_service": "public service, government, civil service, non profit, nonprofit, ngo, charity, social work, "
    "social worker, police, police officer, criminal justice, military, army, navy, firefighter, "
    "public administration, corrections, postal",
    "services_hospitality": "retail, sales, cashier, transport, truck driver, driver, restaurant, chef, cook, waiter, "
    "waitress, hotel, hospitality, tourism, barista, bartender, hairdresser, customer service, warehouse, airline, "
    "pilot, fitness, leisure, sport, cleaner, call center",
    "social_sciences": "social sciences, sociology, political science, polisci, anthropology, geography, "
    "international relations, urban planning, criminology, gender studies",
    "trades_technical": "trades, construction, electrician, plumber, plumbing, carpenter, carpentry, welder, welding, "
    "mechanic, manufacturing, machinist, factory, hvac, utilities, energy, mining, oil, technician, machine operator, "
    "builder, roofer, painter, maintenance",
    "other_general": "other, something else, general studies, liberal arts, interdisciplinary, office, secretary, "
    "clerical, receptionist, administrative assistant",
}
"""What people call a field of study or work, for each of the network's fields."""

CHOICES_AT_MOST = 25
"""Discord's limit for choices, in autocomplete too."""
NAME_LENGTH = 100
"""Discord's limit for the name and the value of a choice."""
SURE = 84
"""Similarity from 0 to 100 from which a field is taken for the one that was meant."""
ALIKE = 70
"""Similarity from which a name is suggested."""
BEGUN = 0.95
"""What a word counts of which only the beginning was typed, beside a whole one."""
SHARED = 0.5
"""Share of what was typed that a name must have."""
WORDS_AT_MOST = 12
CANDIDATES = 3 * CHOICES_AT_MOST
"""Names that are compared as a whole, too, once their words have brought them up."""
SHORTEST_MISSPELT = 4
"""Letters: anything resembles a shorter word."""


def field_of(typed: str) -> str:
    """Return the network's word for the field that somebody typed or picked.

    Raises:
        UserError: it resembles none.
    """
    if typed in FIELDS:
        return typed
    wanted = utils.default_process(typed)
    names = _field_names()
    if wanted in names:
        return names[wanted]
    if within := _named_within(wanted):
        return names[within[0]]
    if len(wanted) >= SHORTEST_MISSPELT:
        found = process.extractOne(wanted, names.keys(), scorer=fuzz.ratio, score_cutoff=SURE)
        if found is not None:
            return names[found[0]]
    near = [FIELDS[field] for field, _ in similar_fields(typed)[:3]]
    question = f"Did you mean {_or(near)}?" if near else "What would you call it in general?"
    raise UserError(
        f"I am not sure which field “{typed[:NAME_LENGTH]}” is. {question} Pick one from the list, or leave it out."
    )


def similar_fields(typed: str) -> list[tuple[str, str]]:
    """Return fields with what to show for them: those called what was typed, then the similar ones."""
    wanted = utils.default_process(typed)
    if not wanted:
        return list(FIELDS.items())
    names = _field_names()
    found = sorted(
        (name for name in names if name.startswith(wanted) or f" {wanted}" in name),
        key=lambda name: (not name.startswith(wanted), len(name)),
    )
    found += _named_within(wanted)
    if len(wanted) >= SHORTEST_MISSPELT:
        alike = process.extract(
            wanted, names.keys(), scorer=fuzz.ratio, limit=CHOICES_AT_MOST, score_cutoff=ALIKE
        )
        found += [name for name, _, _ in alike]
    shown: dict[str, str] = {}
    for name in found:
        field = names[name]
        label = FIELDS[field]
        known = name in utils.default_process(label)
        shown.setdefault(field, label if known else f"{label}: {name}")
    return list(shown.items())[:CHOICES_AT_MOST]


def _named_within(phrase: str) -> list[str]:
    """Return what fields are called in a phrase, the longest first.

    "Senior software engineer" is about software engineers, not about engineers.
    """
    within = [name for name in _field_names() if re.search(rf"\b{re.escape(name)}\b", phrase)]
    return sorted(within, key=lambda name: (-len(name), name))


@cache
def _field_names() -> dict[str, str]:
    """Return everything that fields are called, in lower case without punctuation, and the network's word."""
    names: dict[str, str] = {}
    for field, label in FIELDS.items():
        for name in (field.replace("_", " "), label, *SYNONYMS[field].split(", ")):
            names.setdefault(utils.default_process(name), field)
    return names


def university_of(typed: str) -> str:
    """Return a university's name as the network knows it.

    Raises:
        UserError: there is none of this name.
    """
    wanted = utils.default_process(typed)
    if wanted in _universities():
        return _universities()[wanted]
    near = [f"“{name}”" for name in similar_universities(typed)[:3]]
    question = f"Did you mean {_or(near)}?" if near else "It may be outside the USA."
    raise UserError(
        f"I don't know a university called “{typed}”. {question} Pick one from the list, or leave it out."
    )


def similar_universities(typed: str) -> list[str]:
    """Return up to 25 names: those abbreviated so, those that contain what was typed, then the similar ones."""
    wanted = utils.default_process(typed)
    names = _universities()
    if not wanted:
        return list(names.values())[:CHOICES_AT_MOST]
    found = list(_abbreviations().get(wanted, ()))
    containing = [key for key in names if wanted in key]
    found += sorted(containing, key=lambda key: (f" {wanted}" not in f" {key}", key.find(wanted), len(key)))
    if len(found) < CHOICES_AT_MOST:
        found += _by_words(wanted.split()[:WORDS_AT_MOST])
    return [names[key] for key in dict.fromkeys(found)][:CHOICES_AT_MOST]


def _by_words(wanted: list[str]) -> list[str]:
    """Return the names, in lower case, that share words with what was typed, mistakes forgiven, likeliest first.

    A rare word such as "Stanford" tells more than a common one such as "University": words count by the logarithm
    of how rare they are.
    """
    index, total = _by_word(), len(_universities())
    scores: dict[str, float] = {}
    possible = 0.0
    for typed in wanted:
        alike = process.extract(typed, index.keys(), scorer=fuzz.ratio, limit=None, score_cutoff=ALIKE)
        matches = {word: likeness / 100 for word, likeness, _ in alike}
        matches |= {word: BEGUN for word in index if word.startswith(typed) and word != typed}
        best: dict[str, float] = {}
        for word, likeness in matches.items():
            worth = likeness * math.log(total / len(index[word]))
            for name in index[word]:
                best[name] = max(worth, best.get(name, 0.0))
        for name, worth in best.items():
            scores[name] = scores.get(name, 0.0) + worth
        closest = max(matches, key=lambda word: matches[word], default=None)
        possible += math.log(total / (len(index[closest]) if closest else 1))
    fitting = {name: score / possible for name, score in scores.items() if score >= SHARED * possible}
    best_first = sorted(fitting, key=lambda name: -fitting[name])[:CANDIDATES]
    phrase = " ".join(wanted)
    return sorted(best_first, key=lambda name: (-fitting[name] - fuzz.ratio(phrase, name) / 100, len(name)))


@cache
def _by_word() -> dict[str, list[str]]:
    """Return, for each word, the names in lower case that contain it."""
    index: dict[str, list[str]] = {}
    for key in _universities():
        for word in set(key.split()):
            index.setdefault(word, []).append(key)
    return index


@cache
def _universities() -> dict[str, str]:
    """Return every university's name in lower case without punctuation, and as it is written."""
    names = [name for name in cards.config("salary")["universities"] if len(name) <= NAME_LENGTH]
    return {utils.default_process(name): name for name in sorted(names)}


@cache
def _abbreviations() -> dict[str, list[str]]:
    """Return the names, in lower case, that have these initials, such as "mit" and "ucla"."""
    found: dict[str, list[str]] = {}
    for key, name in _universities().items():
        initials = "".join(re.findall(r"\b[A-Z]", name)).lower()
        found.setdefault(initials, []).append(key)
    return found


def _or(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
