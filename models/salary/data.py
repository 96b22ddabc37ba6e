"""Reading the salary tables: csv.gz files in, tensors of one long table out, and masks for training."""

from __future__ import annotations

import csv
import gzip
import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from models.salary.network import PROMOTIONS_KNOWN, SalaryConfig, SalaryInputs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Row = dict[str, str]

UNLICENSED = frozenset({"payscale_2018"})
"""Sources without an open licence: read on request for evaluation, never trained on."""

DEGREES = ["none", "high school", "associate", "bachelor", "master", "professional", "doctorate"]
FIELDS = [
    *(
        "computing",
        "engineering",
        "math_stats",
        "physical_sciences",
        "life_sciences",
        "agriculture_environment",
    ),
    *("health", "business", "finance_economics", "law", "social_sciences", "psychology", "education"),
    *("humanities", "arts_design", "communications_media", "public_service", "trades_technical"),
    *("services_hospitality", "other_general"),
]
GENDERS = ["female", "male", "nonbinary"]
PERSON, CELL, FLOOR = 0, 1, 2
ROW_KINDS = {"person": PERSON, "cell_median": CELL, "wage_floor": FLOOR}

DEGREE, PROMOTIONS, UNIVERSITY = (
    SalaryInputs._fields.index(n) for n in ("degree", "promotions", "university")
)

TIERS = ["most_selective", "very_selective", "selective", "broad_access", "two_year_or_less"]
CONTROLS = ["public", "private_nonprofit", "private_for_profit"]
PREDOMINANT = ["associate", "bachelor", "graduate"]
# Mean and scale over the institutions that publish the figure.
SAT_MEAN, SAT_SCALE = 1150.0, 130.0
ADMISSION_MEAN, ADMISSION_SCALE = 0.7, 0.22
UNDERGRADUATES_MEAN, UNDERGRADUATES_SCALE = 7.3, 1.5  # of the natural logarithm
UNIVERSITY_FEATURES = [
    *(f"tier_{tier}" for tier in TIERS),
    *(f"control_{control}" for control in CONTROLS),
    *(f"predominant_{degree}" for degree in PREDOMINANT),
    *("sat", "sat_known", "admission_rate", "admission_rate_known", "log_undergraduates"),
]

# Where one answer of a survey that asks in bands ends and the next begins.
AGE_BANDS = torch.tensor([16.0, 18.0, 25.0, 35.0, 45.0, 55.0, 65.0, 71.0])
EXPERIENCE_BANDS = torch.tensor([0.0, 1.5, 4.5, 7.5, 10.5, 20.5, 30.5, 40.5, 46.0])

# Surveys of persons; not one employer's records, visa forms or medians of groups.
REFERENCE_SOURCES = (
    *("aam_2019", "aam_2021", "acs_2011", "acs_2016", "cps_2009"),
    *("gss_1990_2016", "gss_2018", "nlsy79", "nlsy97", "stackoverflow_2019"),
)


@dataclass(frozen=True)
class Table:
    """Rows of the data as tensors [N], in the order in which they were read."""

    inputs: SalaryInputs
    source: Tensor  # index into config.sources, -1 for none of them
    kind: Tensor  # PERSON, CELL or FLOOR
    banded: Tensor  # age and experience are middles of bands
    weight: Tensor
    log_pay: Tensor

    def __len__(self) -> int:
        return len(self.log_pay)

    def __getitem__(self, rows: Tensor) -> Table:
        """Return the rows of an index or mask."""
        inputs = SalaryInputs(*(values[rows] for values in self.inputs))
        return Table(inputs, *(getattr(self, part.name)[rows] for part in fields(self)[1:]))


class University(NamedTuple):
    """What the lookup says of an institution."""

    name: str
    features: list[float]


def read_rows(folder: Path) -> list[Row]:
    """Read every table of ``folder`` but the lookup of universities.

    Raises:
        FileNotFoundError: there is no table.
    """
    paths = sorted(path for path in folder.glob("*.csv.gz") if path.name != "universities.csv.gz")
    if not paths:
        msg = f"no .csv.gz files in {folder}"
        raise FileNotFoundError(msg)
    return [row for path in paths for row in _read(path)]


def read_universities(folder: Path, rows: Iterable[Row]) -> list[University]:
    """Return the institutions of the lookup, then those of licensed rows that it lacks, each in order of name.

    Namesakes in different states share an entry (the largest one's features), since the rows do not part them.
    """
    lookup = sorted(
        _read(folder / "universities.csv.gz"),
        key=lambda row: (row["university"], -float(row["undergraduates"] or 0)),
    )
    found: dict[str, University] = {}
    for row in lookup:
        found.setdefault(row["university"], University(row["university"], _features(row)))
    missing: dict[str, Row] = {}
    for row in rows:
        if row["university_role"] == "alma_mater" and row["source"] not in UNLICENSED:
            missing.setdefault(row["university"], row)
    for name in sorted(missing.keys() - found.keys()):
        found[name] = University(name, _features(missing[name]))
    return list(found.values())


def make_config(rows: Iterable[Row], universities: list[University]) -> SalaryConfig:
    """Return a config with the vocabulary and the sources of ``rows``."""
    sources = sorted({row["source"] for row in rows if row["source"] not in UNLICENSED})
    return SalaryConfig(
        degrees=DEGREES,
        fields=FIELDS,
        genders=GENDERS,
        universities=[university.name for university in universities],
        university_features=UNIVERSITY_FEATURES,
        sources=sources,
        reference_sources=[source for source in sources if source in REFERENCE_SOURCES] or sources,
    )


def encode(rows: list[Row], config: SalaryConfig) -> Table:
    """Turn rows into tensors. Words outside the vocabulary, "unknown" among them, are *not known*."""
    degrees, studies, genders, universities = (
        {word: index for index, word in enumerate(words, start=1)}
        for words in (config.degrees, config.fields, config.genders, config.universities)
    )
    sources = {source: index for index, source in enumerate(config.sources)}
    inputs = SalaryInputs(
        degree=torch.tensor([degrees.get(row["degree"], 0) for row in rows]),
        field=torch.tensor([studies.get(row["field"], 0) for row in rows]),
        age=_numbers(rows, "age"),
        experience=_numbers(rows, "experience_years"),
        gender=torch.tensor([genders.get(row["gender"], 0) for row in rows]),
        promotions=_numbers(rows, "promotions").clamp(max=PROMOTIONS_KNOWN),
        # An employer's name is no place of study.
        university=torch.tensor(
            [
                universities.get(row["university"], 0) if row["university_role"] == "alma_mater" else 0
                for row in rows
            ]
        ),
    )
    return Table(
        inputs=inputs,
        source=torch.tensor([sources.get(row["source"], -1) for row in rows]),
        kind=torch.tensor([ROW_KINDS[row["row_kind"]] for row in rows]),
        banded=torch.tensor([row["experience_basis"] == "reported_band" for row in rows]),
        weight=_numbers(rows, "weight"),
        log_pay=_numbers(rows, "salary_usd_2024").log(),
    )


def spread_bands(table: Table, generator: torch.Generator) -> SalaryInputs:
    """Draw age and experience anew within the bands that people answered with.

    Any year within a band is as true as its middle, and the network learns a curve instead of a few points.
    """

    def redraw(number: Tensor, edges: Tensor) -> Tensor:
        band = torch.bucketize(number, edges).clamp(1, len(edges) - 1)
        low, high = edges[band - 1], edges[band]
        drawn = low + torch.rand(len(number), generator=generator) * (high - low)
        return torch.where(table.banded & ~number.isnan(), drawn, number)

    inputs = table.inputs
    return inputs._replace(
        age=redraw(inputs.age, AGE_BANDS), experience=redraw(inputs.experience, EXPERIENCE_BANDS)
    )


def mask_inputs(inputs: SalaryInputs, rates: Tensor, generator: torch.Generator) -> SalaryInputs:
    """Forget known inputs at random, each at its rate [B, 7] or [B, 1].

    Where the degree goes, promotions go too: without it one cannot tell which kind of promotion was counted.
    """
    gone = torch.rand(len(inputs.degree), len(inputs), generator=generator) < rates  # [B, 7]
    gone[:, PROMOTIONS] |= gone[:, DEGREE] & (inputs.degree > 0)
    return SalaryInputs(
        *(
            values.masked_fill(gone[:, index], math.nan if values.is_floating_point() else 0)
            for index, values in enumerate(inputs)
        )
    )


def random_rates(count: int, generator: torch.Generator) -> Tensor:
    """Return a masking rate for each row [B, 1]: from nothing to nearly everything."""
    return torch.rand(count, 1, generator=generator) * 0.8


def _read(path: Path) -> list[Row]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _numbers(rows: list[Row], column: str) -> Tensor:
    return torch.tensor(
        [float(row[column]) if row[column] else math.nan for row in rows], dtype=torch.float32
    )


def _features(row: Row) -> list[float]:
    sat, admitted = row.get("sat_average"), row.get("admission_rate")
    undergraduates = row.get("undergraduates")
    return [
        *(float(row["university_tier"] == tier) for tier in TIERS),
        *(float(row.get("control") == control) for control in CONTROLS),
        *(float(row.get("predominant_degree") == degree) for degree in PREDOMINANT),
        (float(sat) - SAT_MEAN) / SAT_SCALE if sat else 0.0,
        float(bool(sat)),
        (float(admitted) - ADMISSION_MEAN) / ADMISSION_SCALE if admitted else 0.0,
        float(bool(admitted)),
        (math.log(max(float(undergraduates), 1.0)) - UNDERGRADUATES_MEAN) / UNDERGRADUATES_SCALE
        if undergraduates
        else 0.0,
    ]
