"""Train the spelling network: ``python -m models.spell.train --data DIR --out DIR --minutes N``.

``DIR`` holds the folders ``spelling``, ``modern`` and ``stories``. Kills and restarts are harmless: the state of the
last few minutes lies in ``OUT/state.pt``. ``--open-only`` leaves out all pairs whose licence is not open.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import json
import math
import os
import random
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm
from transformers.utils.logging import disable_progress_bar

from models.averaging import follow
from models.precision import half_pays
from models.spell import corpus
from models.spell.data import Judged, Reader, Sentence
from models.spell.network import FIT_SCALE, SpellConfig, SpellInputs, SpellNetwork
from models.spell.ngrams import Ngrams
from models.spell.noise import Noise, read_pairs
from models.spell.predictor import LEXICON, NGRAMS

BATCH = 32  # sentences
LEARNING_RATE = 2e-3
WARM_UP = 0.03
"""The share of the time in which the learning rate rises; then it falls in a straight line to zero."""
WEIGHT_DECAY = 0.01
CLIP = 1.0
EXPECTATION = 0.5
"""What it counts that the surroundings foretell each word, beside the choice among candidates."""
FORGET_LISTS = 0.6
"""So often it is not told that a candidate stands in a list, so that it learns to do without."""
AVERAGE_DECAY = 0.998
EVALUATE_MINUTES = 9.0
VALID = 250
"""Clean sentences that are kept for validation, half of them made wrong."""
VALID_WORDS = 400
SEED = 7


@dataclass(frozen=True)
class Report:
    """What is known at one moment of a training."""

    minutes: float
    step: int
    loss: float
    figures: dict[str, float]
    """F0.5 at the best threshold on real pairs of each source, on made ones and on words alone."""

    @property
    def mean(self) -> float:
        """What is to be brought up."""
        return sum(self.figures.values()) / len(self.figures)


@dataclass(frozen=True)
class Judgement:
    """One validation word after the network has seen it."""

    probability: float
    """Of the best candidate that is not the word as it was typed."""
    right: bool
    """Whether that candidate is what was meant."""
    wrong: bool
    """Whether the word as it was typed is wrong."""


def train(
    network: SpellNetwork,
    maker: corpus.Maker,
    valid: dict[str, list[Sentence]],
    out: Path,
    minutes: float,
    clock: Callable[[], float] = time.monotonic,
) -> SpellNetwork:
    """Train until the minutes of ``clock`` are over; keep in ``out/best`` what does best on ``valid`` and return it."""
    out.mkdir(parents=True, exist_ok=True)
    averaged = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, (0.9, 0.99), weight_decay=WEIGHT_DECAY)
    reports: list[Report] = []
    step, before = 0, 0.0
    path = out / "state.pt"
    if path.exists():
        saved = torch.load(path, weights_only=True, map_location=network.device)
        network.load_state_dict(saved["network"])
        averaged.load_state_dict(saved["averaged"])
        optimizer.load_state_dict(saved["optimizer"])
        reports = [Report(**report) for report in saved["reports"]]
        step, before = saved["step"], saved["minutes"]
        maker.lot.seed(SEED + step)
    first = batch(maker)
    half = half_pays(network.device, lambda: loss_of(network.train(), *first).backward())
    network.zero_grad()
    started, evaluated, loss_sum, counted = clock(), before, 0.0, 0
    with tqdm(total=minutes, initial=before, bar_format=_BAR, mininterval=5) as bar:
        while True:
            now = before + (clock() - started) / 60
            if now - evaluated >= EVALUATE_MINUTES or now >= minutes:
                figures = {
                    name: round(best_f(judge(averaged, maker, part))[0], 4) for name, part in valid.items()
                }
                report = Report(now, step, loss_sum / max(1, counted), figures)
                if report.mean > max((earlier.mean for earlier in reports), default=-math.inf):
                    averaged.save_pretrained(out / "best")
                reports.append(report)
                tqdm.write(json.dumps(asdict(report)))
                _save(path, network, averaged, optimizer, reports, step, now)
                _draw(reports, out / "progress.png")
                evaluated, loss_sum, counted = before + (clock() - started) / 60, 0.0, 0
            if now >= minutes:
                break
            rise = WARM_UP * minutes
            share = max(0.0, min((now - before + 0.05) / rise, 1 - now / minutes, 1.0))
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * share
            made = batch(maker)
            network.train()
            with torch.autocast(network.device.type, torch.bfloat16, enabled=half):
                loss = loss_of(network, *made)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimizer.step()
            step += 1
            loss_sum, counted = loss_sum + float(loss.detach()), counted + 1
            follow(averaged.parameters(), network.parameters(), step, AVERAGE_DECAY)
            bar.update(min(now, minutes) - bar.n)
            bar.set_postfix_str(f"loss {loss_sum / counted:.3f}")
    return SpellNetwork.from_pretrained(out / "best")


def batch(maker: corpus.Maker) -> tuple[SpellInputs, Tensor, Tensor, Tensor]:
    """Make a batch: inputs, right candidates [J], weights of the judged words [J], right words at the tokens [B, T].

    The last are places among the batch's different words, -1 where there is none.
    """
    sentences = maker.sentences(BATCH)
    chosen = [pair for row, sentence in enumerate(sentences) for pair in maker.judged(sentence, row)]
    judged = [one for one, _, _ in chosen]
    forget = np.array([maker.lot.random() < FORGET_LISTS for _ in judged])
    inputs, places = maker.reader.batch(
        sentences, judged, forget_lists=forget, unknown=maker.unknown(sentences)
    )
    meant = torch.full(inputs.sentences.shape, -1)
    for row, sentence in enumerate(sentences):
        for column, word in enumerate(sentence.meant):
            if word is not None and column not in sentence.joined:
                meant[row, column] = places.get(word, -1)
    labels, weights = (torch.tensor([row[part] for row in chosen]) for part in (1, 2))
    return inputs, labels, weights, meant


def loss_of(
    network: SpellNetwork, inputs: SpellInputs, labels: Tensor, weights: Tensor, meant: Tensor
) -> Tensor:
    """Return the cross-entropy of the right candidates, and of the right words among all words of the batch."""
    output = network(inputs)
    assert output.logits is not None
    assert output.expected is not None
    assert output.words is not None
    there = labels >= 0
    choices = functional.cross_entropy(output.logits[there], labels[there], reduction="none")
    choice = (choices * weights[there]).sum() / weights[there].sum()
    known = meant >= 0  # [B, T]
    scores = output.expected[known] @ output.words.T / FIT_SCALE  # [N, U]
    foretold = functional.cross_entropy(scores.float(), meant[known])
    return choice + EXPECTATION * foretold


@torch.no_grad()
def judge(network: SpellNetwork, maker: corpus.Maker, sentences: Sequence[Sentence]) -> list[Judgement]:
    """Judge every word of sentences whose right words are known."""
    network.eval()
    found: list[Judgement] = []
    for begin in range(0, len(sentences), BATCH):
        part = sentences[begin : begin + BATCH]
        chosen: list[tuple[Judged, int, float]] = [
            pair for row, sentence in enumerate(part) for pair in maker.judged(sentence, row, every=True)
        ]
        inputs, _ = maker.reader.batch(part, [one for one, _, _ in chosen])
        logits = network(inputs).logits
        assert logits is not None
        probabilities = logits.float().softmax(-1)  # [J, K]
        for row, (_, label, _) in zip(probabilities, chosen, strict=True):
            best = 1 + int(row[1:].argmax()) if len(row) > 1 else 0
            found.append(Judgement(float(row[best]) if best else 0.0, best == label, label != 0))
    return found


def best_f(judgements: Sequence[Judgement], beta: float = 0.5) -> tuple[float, float]:
    """Return the best F score over all thresholds, and its threshold."""
    wrong = sum(judgement.wrong for judgement in judgements)
    right, best = 0, (0.0, 1.0)
    for changed, judgement in enumerate(sorted(judgements, key=lambda one: -one.probability), 1):
        right += judgement.right and judgement.wrong
        precision, recall = right / changed, right / max(1, wrong)
        if right:
            f = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
            best = max(best, (f, judgement.probability))
    return best


_BAR = "{l_bar}{bar}| {n:.1f}/{total:.0f} min{postfix}"


def _save(
    path: Path,
    network: SpellNetwork,
    averaged: SpellNetwork,
    optimizer: torch.optim.Optimizer,
    reports: list[Report],
    step: int,
    minutes: float,
) -> None:
    fresh = path.with_suffix(".new")
    state = {
        "network": network.state_dict(),
        "averaged": averaged.state_dict(),
        "optimizer": optimizer.state_dict(),
        "reports": [asdict(report) for report in reports],
        "step": step,
        "minutes": minutes,
    }
    torch.save(state, fresh)
    fresh.replace(path)  # a kill while writing leaves the old state


def _draw(reports: list[Report], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name in reports[-1].figures:
        axes.plot([r.minutes for r in reports], [r.figures[name] for r in reports], "o-", label=name)
    axes.set(xlabel="minutes", ylabel="F0.5 of validation sentences")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def export(network: SpellNetwork, maker: corpus.Maker, folder: Path) -> None:
    """Write network and words as they are shipped, in half precision."""
    copy.deepcopy(network).half().save_pretrained(folder)
    maker.reader.lexicon.save(folder / LEXICON)
    maker.reader.ngrams.save(folder / NGRAMS)


def main(arguments: list[str] | None = None) -> None:
    """Read the data, train, and write the network and its report."""
    parser = argparse.ArgumentParser(prog="python -m models.spell.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of spelling, modern and stories")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, state and report")
    parser.add_argument("--minutes", type=float, default=90.0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--open-only", action="store_true", help="only pairs with an open licence")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    torch.manual_seed(SEED)
    disable_progress_bar()

    options.out.mkdir(parents=True, exist_ok=True)
    maker, valid = prepare(options.data, options.out, open_only=options.open_only)
    network = SpellNetwork(SpellConfig()).to(options.device)
    words, company = len(maker.reader.lexicon.words), len(maker.reader.ngrams)
    print(f"{network.num_parameters():,} parameters, {words:,} words, {company:,} of their pairs and triples")
    print(
        f"{len(maker.clean):,} clean sentences, {len(maker.real):,} real pairs, {len(maker.alone):,} words alone"
    )
    best = train(network, maker, valid, options.out, options.minutes)
    export(best, maker, options.out / "final")
    print(f"the network that did best lies in {options.out / 'final'}, in half precision")


def prepare(
    folder: Path, out: Path, *, open_only: bool = False
) -> tuple[corpus.Maker, dict[str, list[Sentence]]]:
    """Return the maker of training sentences, and sentences for validation, which it does not have.

    Args:
        folder: of the data.
        out: where counts are kept, for they take a minute or two.
        open_only: only pairs with an open licence.
    """
    spelling = folder / "spelling"
    lines = gzip.decompress((spelling / "word_pairs_train.tsv.gz").read_bytes()).decode().splitlines()
    random.Random(SEED).shuffle(lines)
    held = {line.split("\t")[0].lower() for line in lines[:VALID_WORDS]}
    every_pair = read_pairs(lines, open_only=open_only)
    # What is kept for validation stands in no list that the network is told of.
    pairs = [pair for pair in every_pair if pair.typed not in held]
    lexicon = corpus.read_lexicon(pairs)
    # The counts know words by their places in the lexicon: another lexicon needs other counts.
    counts = out / f"{zlib.crc32(' '.join(lexicon.words).encode()):08x}-{NGRAMS}"
    if not counts.exists():
        corpus.count_company(folder, lexicon).save(counts)
    reader = Reader(lexicon, Ngrams.load(counts), SpellConfig.vocab_size)
    real, kept = corpus.keep_apart(
        corpus.read_real(spelling / "sentence_pairs_train.tsv.gz", open_only=open_only)
    )
    clean = corpus.read_clean(folder, SEED)
    noise = Noise(pairs, lexicon)
    alone = [pair for pair in pairs if not pair.real_word and pair.typed not in lexicon]
    judge = corpus.Maker(clean[:VALID], [], [], noise, reader, SEED)
    valid = {"made": [judge.sentence() for _ in range(VALID)]}
    valid["alone"] = [corpus.compare(pair.typed, pair.meant) for pair in every_pair if pair.typed in held]
    for source in dict.fromkeys(source for _, _, source in kept):
        valid[source] = [corpus.compare(a, b) for a, b, of in kept if of == source]
    valid = {name: [one for one in part if one.tokens] for name, part in valid.items()}
    if "wiki_realword" in valid and len(valid) > 3:  # too few for a figure of their own
        valid["holbrook"] += valid.pop("wiki_realword")
    slang = corpus.read_slang(lexicon)
    return corpus.Maker(clean[VALID:], real, alone, noise, reader, SEED + 1, slang), valid


if __name__ == "__main__":
    main()
