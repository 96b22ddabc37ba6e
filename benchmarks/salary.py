"""How long /salary and its buttons take in the worker, and a list of universities while somebody types.

    python -m benchmarks.salary [SECONDS]

On one thread, the best of several goes, since others may use the machine. Goals: a card in less than a second, a list
of universities in less than 50 ms.
"""

from __future__ import annotations

import dataclasses
import sys

import torch

from benchmarks.common import best_seconds, hardware, table
from cogs.salary.words import similar_universities
from models.salary.career import CareerPredictor, CareerRequest
from models.salary.lesson import LessonPredictor, LessonRequest
from models.salary.predictor import SalaryPredictor, SalaryRequest

PERSON = SalaryRequest(
    degree="master",
    field="computing",
    age=38,
    experience=12,
    gender="female",
    promotions=2,
    university="Iowa State University",
)
TYPED = "univercity of nothern iowa"
"""Two slips, and words that half of the names share."""


def main(seconds: float) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    predictor = SalaryPredictor.load(torch.device("cpu"))
    career, lesson = CareerPredictor(predictor), LessonPredictor(predictor)
    changed = dataclasses.replace(PERSON, promotions=3, compared_to=PERSON)
    works = {
        "/salary": lambda: predictor.predict([PERSON]),
        "what if: the same beside another": lambda: predictor.predict([changed]),
        "the next 20 years": lambda: career.predict([CareerRequest(person=PERSON)]),
        "/salary-lesson": lambda: lesson.predict([LessonRequest(person=PERSON, pay=90_000)]),
        f"universities for “{TYPED}”": lambda: similar_universities(TYPED),
    }
    lines = [[name, f"{best_seconds(work, seconds) * 1000:.0f}"] for name, work in works.items()]
    print(f"{hardware()}, one thread\n")
    print(table(("", "ms"), lines))


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)
