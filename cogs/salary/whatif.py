"""What if one thing were different? The choices that a person has, and the person that each of them makes."""

from __future__ import annotations

import msgspec

from bot.errors import UserError
from bot.inference.messages import SalaryRequest
from cogs.salary.words import DEGREES, FIELDS, GENDERS, INPUTS

Option = tuple[str, str]
"""What a person reads, and the value that ``changed`` understands."""

YOUNGEST = {"associate": 20, "bachelor": 22, "master": 24, "professional": 26, "doctorate": 27}
"""Ages from which a degree is offered; some are younger, but then few are."""
LATER = (5, 10)
"""Years."""
OLDEST, LONGEST = 68, 40
"""Years of age and of experience at which the data end."""
AHEAD, FEWEST = 20, 2
"""Years of a curve of the years ahead, at most and at least."""
MOST_PROMOTIONS = 3
"""More have no effect that the data would show."""

WITH_DEGREE = {
    "none": "with no degree",
    "high school": "with high school only",
    "associate": "with an associate degree",
    "bachelor": "with a bachelor's degree",
    "master": "with a master's degree",
    "professional": "with a professional degree (law, medicine)",
    "doctorate": "with a doctorate",
}


def options(person: SalaryRequest) -> list[Option]:
    """Return what may be changed, but for the field: at most 16 options."""
    found: list[Option] = []
    if person.compared_to is not None:
        found.append(("… back to what I said first", "back"))
    found += [
        (f"… {words}", f"degree={degree}")
        for degree, words in WITH_DEGREE.items()
        if degree != person.degree and (person.age is None or person.age >= YOUNGEST.get(degree, 0))
    ]
    for years in LATER:
        known = person.age is not None or person.experience is not None
        young = person.age is None or person.age + years <= OLDEST
        if known and young and (person.experience is None or person.experience + years <= LONGEST):
            found.append((f"… {years} years later", f"years={years}"))
    promotions = person.promotions or 0
    if promotions < MOST_PROMOTIONS:
        more = "" if person.promotions is None else " more"
        found.append((f"… with one promotion{more}", f"promotions={promotions + 1}"))
    found += [
        (f"… as the data have it for: {label.lower()}", f"gender={gender}")
        for gender, label in GENDERS.items()
        if gender != person.gender
    ]
    if person.gender is not None:
        found.append(("… without saying the gender", "gender="))
    if person.university is not None:
        found.append(("… without saying the university", "university="))
    return found


def ahead(person: SalaryRequest) -> int:
    """Return how many years ahead can be estimated; 0 if no curve can be drawn."""
    left = [
        int(end - now) for end, now in ((OLDEST, person.age), (LONGEST, person.experience)) if now is not None
    ]
    years = min(AHEAD, *left) if left else 0
    return years if years >= FEWEST else 0


def fields(person: SalaryRequest) -> list[Option]:
    """Return the other fields: at most 20 options."""
    found = [(label, f"field={field}") for field, label in FIELDS.items() if field != person.field]
    return found if person.field is None else [*found, ("Not said", "field=")]


def changed(person: SalaryRequest, choice: str) -> SalaryRequest:
    """Return the person that a choice makes, to be compared with the first one of all.

    Raises:
        UserError: it is no choice of this person's.
    """
    if choice not in {value for _, value in (*options(person), *fields(person))}:
        raise UserError("That does not fit this person any more. Please choose again.")
    first = person.compared_to or person
    name, _, value = choice.partition("=")
    new = person
    match name:
        case "back":
            return first
        case "years":
            new = _replace(
                person,
                age=None if person.age is None else person.age + int(value),
                experience=None if person.experience is None else person.experience + int(value),
            )
        case "promotions":
            new = _replace(person, promotions=int(value))
        case _:
            new = _replace(person, **{name: value or None})
    new = alone(new)
    return new if new == first else _replace(new, compared_to=first)


def alone(person: SalaryRequest) -> SalaryRequest:
    """Return a person without the one with whom it is compared."""
    return _replace(person, compared_to=None)


def differences(first: SalaryRequest, person: SalaryRequest) -> list[str]:
    """Return what is different now, in words: ``Degree: Bachelor → Master``."""
    return [
        f"{label}: {said(first, name)} → {said(person, name)}"
        for name, label in INPUTS.items()
        if getattr(first, name) != getattr(person, name)
    ]


def said(person: SalaryRequest, name: str) -> str:
    """Return what was said for one of the seven inputs, as a person reads it."""
    value = getattr(person, name)
    if value is None:
        return "not said"
    if isinstance(value, float | int):
        return f"{value:g}"
    labels = {"degree": DEGREES, "field": FIELDS, "gender": GENDERS}.get(name, {})
    return labels.get(str(value), str(value))


def _replace(person: SalaryRequest, **changes: object) -> SalaryRequest:
    return msgspec.structs.replace(person, **changes)
