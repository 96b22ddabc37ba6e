"""Choose how sure the network has to be: ``python -m models.spell.evaluate --data DIR [--weights DIR]``.

``DIR`` holds ``sentence_pairs_dev.tsv``. For each strictness the thresholds are printed that do best on average over
the sources of sentences, among those that alter no more right sentences than its limits allow. How well that is beside
other checkers is measured by ``benchmarks.spelling``.
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch

from models.spell.alignment import edits
from models.spell.predictor import SpellPredictor, Threshold, change_of, put_right

TWEETS = "lexnorm_tweets"
GRID = (
    0.3,
    0.35,
    0.4,
    0.45,
    0.5,
    0.55,
    0.6,
    0.65,
    0.68,
    0.7,
    0.72,
    0.75,
    0.8,
    0.85,
    0.9,
    0.93,
    0.95,
    0.97,
    0.98,
    0.99,
)
LIMITS = {"careful": (0.5, 0.013, 0.03), "normal": (0.5, 0.026, 0.08), "eager": (1.0, 0.10, 0.20)}
"""Beta of the F score, and the shares of right sentences of prose and of right tweets that may be altered."""


@dataclass(frozen=True)
class Proposal:
    """One alteration that the network might make."""

    sentence: int
    probability: float
    sure: float
    """That the word is right as it was typed."""
    known: bool
    right: bool


@dataclass(frozen=True)
class Gold:
    """What is known of the dev sentences."""

    sources: list[str]
    """Of each sentence."""
    wanted: Counter[str]
    """Alterations that each source wants."""
    clean: list[int]
    """Sentences that are right."""

    @classmethod
    def of(cls, rows: Sequence[tuple[str, str, str]]) -> Self:
        """Compare sentences with their corrections."""
        wanted: Counter[str] = Counter()
        clean = []
        for number, (noisy, gold, source) in enumerate(rows):
            count = len(edits(noisy, gold))
            wanted[source] += count
            if not count:
                clean.append(number)
        return cls([source for _, _, source in rows], wanted, clean)


@dataclass(frozen=True)
class Figures:
    """What thresholds lead to."""

    by_source: dict[str, tuple[float, float, float]]
    """Precision, recall and F."""
    prose: float
    """Share of right sentences altered."""
    tweets: float


def propose(predictor: SpellPredictor, rows: Sequence[tuple[str, str, str]]) -> list[Proposal]:
    """Return every word's best alteration, however unlikely."""
    found = []
    for number, (noisy, gold, _) in enumerate(rows):
        wanted = edits(noisy, gold)
        for verdict in predictor.judge(noisy):
            if verdict.best and verdict.probabilities[verdict.best] >= GRID[0]:
                made = edits(noisy, put_right(noisy, [change_of(noisy, verdict)]))
                found.append(
                    Proposal(
                        number,
                        verdict.probabilities[verdict.best],
                        verdict.probabilities[0],
                        predictor.known(verdict),
                        bool(made) and made <= wanted,
                    )
                )
    return found


def measure(gold: Gold, proposals: Sequence[Proposal], threshold: Threshold, beta: float) -> Figures:
    """Count what is altered at a threshold."""
    made: Counter[str] = Counter()
    right: Counter[str] = Counter()
    altered = set()
    for one in proposals:
        if one.probability >= threshold.least(one.sure, known=one.known):
            source = gold.sources[one.sentence]
            made[source] += 1
            right[source] += one.right
            altered.add(one.sentence)
    by_source = {}
    for source, count in gold.wanted.items():
        precision, recall = right[source] / max(1, made[source]), right[source] / max(1, count)
        below = beta**2 * precision + recall
        by_source[source] = (precision, recall, (1 + beta**2) * precision * recall / below if below else 0.0)
    tweets = [number for number in gold.clean if gold.sources[number] == TWEETS]
    prose = [number for number in gold.clean if gold.sources[number] != TWEETS]
    return Figures(by_source, *(len(altered & set(part)) / max(1, len(part)) for part in (prose, tweets)))


def main(arguments: list[str] | None = None) -> None:
    """Judge the dev sentences once and print the best thresholds of each strictness."""
    parser = argparse.ArgumentParser(prog="python -m models.spell.evaluate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="other weights than the shipped ones")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    lines = (options.data / "sentence_pairs_dev.tsv").read_text().splitlines()
    rows = [(noisy, gold, source) for noisy, gold, source in (line.split("\t") for line in lines)]
    gold = Gold.of(rows)
    proposals = propose(SpellPredictor.load(torch.device("cpu"), options.weights), rows)
    for strictness, (beta, most_prose, most_tweets) in LIMITS.items():
        best: tuple[float, Threshold, Figures] | None = None
        for unknown, known in itertools.product(GRID, GRID):
            figures = measure(gold, proposals, Threshold(unknown, known), beta)
            scores = [f for _, _, f in figures.by_source.values()]
            mean = sum(scores) / len(scores)
            if figures.prose <= most_prose and figures.tweets <= most_tweets and (not best or mean > best[0]):
                best = (mean, Threshold(unknown, known), figures)
        if best is None:
            print(f"{strictness}: no threshold keeps the limits")
            continue
        mean, threshold, figures = best
        print(
            f"{strictness}: unknown {threshold.unknown}, known {threshold.known}: mean F{beta:g} {mean:.3f}"
        )
        print(f"    right sentences altered: prose {figures.prose:.1%}, tweets {figures.tweets:.1%}")
        for source, (precision, recall, f) in figures.by_source.items():
            print(f"    {source:22} precision {precision:.3f}  recall {recall:.3f}  F {f:.3f}")


if __name__ == "__main__":
    main()
