"""Measure the story network on held-out works: ``python -m models.story.evaluate --data DIR``.

Bits per character of each style, beside a 5-gram model and two compressors that have read the same texts; then how
varied the network's own stories are, and how much of them stands in the texts that it learned from.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyppmd
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from models.story import data
from models.story.network import StoryNetwork
from models.story.ngram import KneserNey
from models.story.predictor import WEIGHTS, Story, StoryPredictor, StoryRequest
from models.story.scoring import bits, nats

ROW_TOKENS = 16_384
"""A held-out text is read in rows of this length at once; the state begins anew with each."""
COPY_WORDS = 12
STORIES, STORY_WORDS = 50, 250
PPMD_ORDER, PPMD_MEMORY = 8, 1 << 30

Figures = dict[str, float]


def network_bits(
    network: StoryNetwork, tokenizer: PreTrainedTokenizerFast, texts: dict[str, str], *, told: bool = True
) -> Figures:
    """Return bits per character of each style's text; ``told`` is whether the network is told the style."""
    rows, styles, owners = [], [], []
    for style, text in texts.items():
        for row in cut(one_sequence(data.stretches(tokenizer, text, style))):
            rows.append(row)
            known = told and style in network.config.styles
            styles.append(network.config.styles.index(style) + 1 if known else 0)
            owners.append(style)
    totals = dict.fromkeys(texts, 0.0)
    for owner, figure in zip(owners, nats(network, rows, styles), strict=True):
        totals[owner] += figure
    return {style: bits(total) / len(texts[style]) for style, total in totals.items()}


def ngram_bits(
    tokenizer: PreTrainedTokenizerFast, training: Iterable[tuple[str, str]], texts: dict[str, str]
) -> Figures:
    """Return bits per character of each style's text with a 5-gram model of all ``training`` texts (style, text)."""
    sequences = [one_sequence(data.stretches(tokenizer, text, style)) for style, text in training]
    model = KneserNey(sequences, len(tokenizer))
    return {
        style: bits(-float(model.log_probability(one_sequence(data.stretches(tokenizer, text, style))).sum()))
        / len(text)
        for style, text in texts.items()
    }


def xz_bits(primer: str, text: str) -> float:
    """Return bits per character that ``text`` adds to an xz file of ``primer``."""
    before, after = (len(lzma.compress(part.encode(), preset=9)) for part in (primer, primer + text))
    return 8 * (after - before) / len(text)


def ppmd_bits(primer: str, text: str) -> float:
    """Return bits per character that ``text`` adds to a PPMd file of ``primer``."""
    sizes = []
    for part in (primer, primer + text):
        encoder = pyppmd.Ppmd7Encoder(PPMD_ORDER, PPMD_MEMORY)
        sizes.append(len(encoder.encode(part.encode())) + len(encoder.flush()))
    return 8 * (sizes[1] - sizes[0]) / len(text)


def write_stories(predictor: StoryPredictor, count: int, words: int) -> list[Story]:
    """Write stories without a prompt in all styles in turn, all at once."""
    styles = predictor.styles
    streams = [
        predictor.open(StoryRequest(style=styles[number % len(styles)], words=words, seed=number))
        for number in range(count)
    ]
    while live := [stream for stream in streams if stream.result is None]:
        predictor.step(live)
    return [stream.result for stream in streams if stream.result]


def copied(stories: Sequence[str], training: Iterable[str]) -> float:
    """Return the share of the stories' runs of ``COPY_WORDS`` words that stand in the training texts."""
    numbers: dict[str, int] = {}
    runs = [_runs(_words(story, numbers)) for story in stories]
    wanted = np.unique(np.concatenate(runs))
    found = np.zeros(len(wanted), dtype=bool)
    for text in training:
        # Words that no story has are all alike: runs with them match nothing.
        found |= np.isin(wanted, _runs(_words(text, numbers, learn=False)))
    hits = sum(int(found[np.searchsorted(wanted, run)].sum()) for run in runs)
    return hits / max(1, sum(map(len, runs)))


def distinct(stories: Sequence[str], length: int = 2) -> float:
    """Return the share of different runs of ``length`` words among all (Li et al. 2016), over all stories."""
    words = [re.findall(r"[\w']+", story.lower()) for story in stories]
    runs = [tuple(w[place : place + length]) for w in words for place in range(len(w) - length + 1)]
    return len(set(runs)) / max(1, len(runs))


def one_sequence(stretches: Sequence[data.Tokens]) -> data.Tokens:
    """Join stretches, with one boundary between any two."""
    return np.concatenate([stretches[0], *(stretch[1:] for stretch in stretches[1:])])


def cut(sequence: data.Tokens) -> list[data.Tokens]:
    """Cut a sequence into rows such that every token after the first is predicted once."""
    return [sequence[place : place + ROW_TOKENS + 1] for place in range(0, len(sequence) - 1, ROW_TOKENS)]


def _words(text: str, numbers: dict[str, int], *, learn: bool = True) -> NDArray[np.uint64]:
    words = re.findall(r"[a-z']+", text.lower())
    if learn:
        return np.array([numbers.setdefault(word, len(numbers) + 1) for word in words], dtype=np.uint64)
    return np.array([numbers.get(word, 0) for word in words], dtype=np.uint64)


def _runs(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a hash of every run of ``COPY_WORDS`` words."""
    count = max(0, len(words) - COPY_WORDS + 1)
    hashes = np.zeros(count, dtype=np.uint64)
    for place in range(COPY_WORDS):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + words[place : place + count]  # wraps around
        hashes ^= hashes >> np.uint64(29)
    return hashes


def as_markdown(table: dict[str, Figures]) -> str:
    """Return figures by column and style as a table, with their means."""
    styles = list(next(iter(table.values())))
    lines = [f"| style | {' | '.join(table)} |", f"| --- |{' ---: |' * len(table)}"]
    lines += [
        f"| {style} | {' | '.join(f'{column[style]:.3f}' for column in table.values())} |" for style in styles
    ]
    means = (sum(column.values()) / len(column) for column in table.values())
    lines.append(f"| **mean** | {' | '.join(f'**{mean:.3f}**' for mean in means)} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the figures, and keep them and the stories in a folder if one is given."""
    parser = argparse.ArgumentParser(prog="python -m models.story.evaluate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the training texts")
    parser.add_argument(
        "--heldout", type=Path, help="folder of the texts to measure on; DATA/heldout if not given"
    )
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of the network")
    parser.add_argument("--out", type=Path, help="folder for bits.json, stories.md and figures.json")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument(
        "--only",
        nargs="*",
        choices=["network", "unstyled", "ngram", "xz", "ppmd", "stories"],
        help="leave out the rest",
    )
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    only = options.only or ["network", "unstyled", "ngram", "xz", "ppmd", "stories"]

    files = data.style_files(options.data)
    texts = {
        style: data.read_text(path)
        for style, path in data.style_files(options.heldout or options.data / "heldout").items()
    }
    predictor = StoryPredictor.load(torch.device("cpu"), options.weights)
    tokenizer = predictor.tokenizer

    def training() -> Iterable[tuple[str, str]]:
        return ((style, data.read_text(path)) for style, path in files.items())

    def primer(style: str) -> str:
        return data.read_text(files[style]) if style in files else ""

    table: dict[str, Figures] = {}
    if "network" in only:
        table["network"] = network_bits(predictor.network, tokenizer, texts)
    if "unstyled" in only:
        table["not told the style"] = network_bits(predictor.network, tokenizer, texts, told=False)
    if "ngram" in only:
        table["5-gram"] = ngram_bits(tokenizer, training(), texts)
    if "ppmd" in only:
        table["PPMd"] = {style: ppmd_bits(primer(style), text) for style, text in texts.items()}
    if "xz" in only:
        table["xz"] = {style: xz_bits(primer(style), text) for style, text in texts.items()}
    if table:
        print(as_markdown(table))
    figures: Figures = {}
    stories: list[Story] = []
    if "stories" in only:
        stories = write_stories(predictor, STORIES, STORY_WORDS)
        figures["copied"] = copied([s.text for s in stories], (text for _, text in training()))
        figures["distinct_2"] = distinct([s.text for s in stories])
        print(f"runs of {COPY_WORDS} words that stand in the training texts: {figures['copied']:.2%}")
        print(f"distinct-2 over {len(stories)} stories: {figures['distinct_2']:.3f}")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "bits.json").write_text(json.dumps(table, indent=1))
        (options.out / "figures.json").write_text(json.dumps(figures, indent=1))
        told = (
            f"## {story.title} ({story.style}, {story.words} words)\n\n{story.text}\n" for story in stories
        )
        (options.out / "stories.md").write_text("\n".join(told), encoding="utf-8")


if __name__ == "__main__":
    main()
