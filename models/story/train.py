"""Train the story network: ``python -m models.story.train --data DIR --out DIR --minutes N``.

Kills and restarts are harmless: the state of the last few minutes lies in ``OUT/state.pt``. The learning rate falls to
nothing when the minutes are over, whatever the machine's speed. To go on after that, ask for more minutes.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import torch
from tqdm import tqdm
from transformers import PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

from models.averaging import follow
from models.precision import half_pays
from models.story import data
from models.story.network import StoryConfig, StoryNetwork
from models.story.predictor import LEXICON
from models.story.scoring import bits, nats
from models.story.tokenizer import train_tokenizer
from models.story.words import Lexicon

TOKENIZER_CHARACTERS = 2_500_000
"""Of each style, so that the vocabulary serves all of them alike."""


@dataclass(frozen=True)
class Plan:
    """Everything that a training depends on beside the data and the network's size."""

    minutes: float = 120.0
    batch_size: int = 32
    length: int = 64
    """Tokens read before the weights change: the number of updates is what a short training lacks."""
    learning_rate: float = 3e-3
    warm_up: float = 0.02
    """The share of the time in which the learning rate rises."""
    weight_decay: float = 0.02
    clip: float = 0.5
    unstyled: float = 0.1
    """The share of stretches whose style is not said, so that a story may be in none."""
    average_decay: float = 0.999
    """Of the running mean of the weights, which is what is validated and kept."""
    evaluate_minutes: float = 6.0
    seed: int = 7


class Batches(Protocol):
    """Where a training takes its text from."""

    def next(self) -> data.Batch:
        """Return the next tokens of every row."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on from here."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was called."""


@dataclass(frozen=True)
class Report:
    """What is known of a training at one moment; the last three are means since the one before."""

    minutes: float
    step: int
    tokens: int
    valid: float
    train: float
    tokens_per_second: float


def train(
    network: StoryNetwork,
    batches: Batches,
    validate: Callable[[StoryNetwork], float],
    plan: Plan,
    out: Path,
    sample: Callable[[StoryNetwork, Path], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> StoryNetwork:
    """Train until the plan's minutes are over, keep the weights that do best in ``out/best``, and return them.

    Args:
        network: to be trained, on its device.
        batches: the text.
        validate: the figure to bring down, of the averaged network.
        plan: settings.
        out: folder for the weights, the state to resume from and the report.
        sample: writes specimens into a folder after every validation.
        clock: seconds, by which the plan's minutes are counted.
    """
    out.mkdir(parents=True, exist_ok=True)
    device = network.device
    averaged = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(
        network.parameters(), plan.learning_rate, (0.9, 0.99), weight_decay=plan.weight_decay, fused=True
    )
    half = half_pays(device, lambda: _try(network, plan))
    print("in half precision" if half else "in single precision, which is faster here")
    reports: list[Report] = []
    step, tokens, before = 0, 0, 0.0  # minutes of earlier runs
    state_path = out / "state.pt"
    if state_path.exists():
        saved = torch.load(state_path, weights_only=True, map_location=device)
        network.load_state_dict(saved["network"])
        averaged.load_state_dict(saved["averaged"])
        optimizer.load_state_dict(saved["optimizer"])
        batches.load_state_dict({**saved["batches"], "generator": saved["batches"]["generator"].cpu()})
        reports = [Report(**report) for report in saved["reports"]]
        step, tokens, before = saved["step"], saved["tokens"], saved["minutes"]

    def minutes() -> float:
        return before + (clock() - started) / 60

    started, first = clock(), before
    torch.manual_seed(plan.seed + step)  # dropout
    evaluated, since_step, since_tokens, loss_sum = before, step, tokens, torch.zeros((), device=device)
    state = network.initial_state(plan.batch_size)
    network.train()
    with tqdm(total=plan.minutes, initial=before, bar_format=_BAR, mininterval=5) as bar:
        while True:
            now = minutes()
            if now - evaluated >= plan.evaluate_minutes or now >= plan.minutes:
                with torch.autocast(device.type, torch.bfloat16, enabled=half):
                    figure = validate(averaged)
                pace = (tokens - since_tokens) / max(1e-9, now - evaluated) / 60
                mean = float(loss_sum) / max(1, step - since_step)
                if figure < min((report.valid for report in reports), default=math.inf):
                    averaged.save_pretrained(out / "best")
                reports.append(Report(now, step, tokens, figure, mean, pace))
                tqdm.write(json.dumps({name: round(value, 4) for name, value in asdict(reports[-1]).items()}))
                _save(
                    state_path,
                    network=network.state_dict(),
                    averaged=averaged.state_dict(),
                    optimizer=optimizer.state_dict(),
                    batches=batches.state_dict(),
                    reports=[asdict(report) for report in reports],
                    plan=asdict(plan),
                    step=step,
                    tokens=tokens,
                    minutes=minutes(),
                )
                _draw_losses(reports, out / "loss.png")
                if sample:
                    sample(averaged, out)
                evaluated, since_step, since_tokens = minutes(), step, tokens
                loss_sum.zero_()
            if now >= plan.minutes:
                break
            rate = plan.learning_rate * share_of_full_rate(now, first, plan)
            for group in optimizer.param_groups:
                group["lr"] = rate
            batch = batches.next()
            keep = (~batch.fresh.to(device)).float()[:, None]  # [B, 1]
            state = (state[0].float() * keep, state[1].float() * keep)
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                output = network(
                    batch.tokens.to(device), batch.styles.to(device), state, batch.labels.to(device)
                )
            state = (output.state[0].detach(), output.state[1].detach())
            optimizer.zero_grad()
            output.loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), plan.clip)
            optimizer.step()
            step += 1
            tokens += batch.tokens.numel()
            loss_sum += output.loss.detach()
            follow(averaged.parameters(), network.parameters(), step, plan.average_decay)
            bar.update(min(minutes(), plan.minutes) - bar.n)
            if step % 20 == 0:
                bar.set_postfix_str(f"{float(output.loss.detach()):.3f} nats a token")
    return StoryNetwork.from_pretrained(out / "best")


def share_of_full_rate(minutes: float, resumed: float, plan: Plan) -> float:
    """Return the share of the full learning rate: it rises at a (re)start, then falls in a straight line to zero."""
    rise = max(plan.warm_up * plan.minutes, 1e-9)
    return max(0.0, min((minutes - resumed + 0.02 * rise) / rise, 1 - minutes / plan.minutes, 1.0))


def bits_per_character(network: StoryNetwork, corpus: data.Corpus) -> list[float]:
    """Return bits per character of each style's validation text."""
    styles = range(1, len(corpus.styles) + 1)
    found = nats(network, corpus.valid, styles)
    return [bits(total) / count for total, count in zip(found, corpus.valid_characters, strict=True)]


def _try(network: StoryNetwork, plan: Plan) -> None:
    """Compute one step's gradients and forget them."""
    tokens = torch.zeros(plan.batch_size, plan.length, dtype=torch.long, device=network.device)
    network(tokens, labels=tokens).loss.backward()
    network.zero_grad()


_BAR = "{l_bar}{bar}| {n:.1f}/{total:.0f} min{postfix}"


def _save(path: Path, **state: Any) -> None:
    fresh = path.with_suffix(".new")
    torch.save(state, fresh)
    fresh.replace(path)  # a kill while writing leaves the old state


def _draw_losses(reports: list[Report], path: Path) -> None:
    from matplotlib.figure import Figure  # only training draws

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([report.tokens / 1e6 for report in reports], [report.valid for report in reports], "o-")
    axes.set(
        xlabel="million tokens read", ylabel="validation", title=f"best {min(r.valid for r in reports):.3f}"
    )
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def export(network: StoryNetwork, tokenizer: PreTrainedTokenizerFast, texts: Path, folder: Path) -> None:
    """Write network, tokenizer and lexicon as they are shipped: half the bytes cost no quality that can be measured."""
    copy.deepcopy(network).half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    files = data.style_files(texts).values()
    Lexicon.of_texts(data.read_text(path) for path in files).save(folder / LEXICON)


def load_tokenizer(folder: Path, out: Path, vocab_size: int) -> PreTrainedTokenizerFast:
    """Return the tokenizer of an earlier start, or learn one from the texts of ``folder``."""
    place = out / "tokenizer"
    if not place.exists():
        texts = []
        for style, path in data.style_files(folder).items():
            parts = data.pieces(data.read_text(path), style)
            every = max(1, sum(map(len, parts)) // TOKENIZER_CHARACTERS)
            texts += parts[::every]
        train_tokenizer(texts, vocab_size).save_pretrained(place)
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(place)
    return tokenizer


def main(arguments: list[str] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
    """Read the texts, train by the minutes of ``clock`` (seconds), and write the network and its report."""
    parser = argparse.ArgumentParser(prog="python -m models.story.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of STYLE.txt or STYLE.txt.xz files")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, state and report")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--vocab-size", type=int, default=StoryConfig.vocab_size)
    parser.add_argument("--hidden-size", type=int, default=StoryConfig.hidden_size)
    parser.add_argument("--layers", type=int, default=StoryConfig.num_hidden_layers)
    parser.add_argument("--embedding-dropout", type=float, default=0.0)
    parser.add_argument("--hidden-dropout", type=float, default=0.0, help="0 until the texts are read twice")
    parser.add_argument("--weight-dropout", type=float, default=0.0)
    for part in fields(Plan):
        kind = int if part.type == "int" else float
        parser.add_argument(f"--{part.name.replace('_', '-')}", type=kind, default=part.default)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    disable_progress_bar()  # of saving a few megabytes

    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(options.data, options.out, options.vocab_size)
    corpus = data.read_corpus(options.data, tokenizer)
    plan = Plan(**{part.name: getattr(options, part.name) for part in fields(Plan)})
    torch.manual_seed(plan.seed)
    config = StoryConfig(
        vocab_size=len(tokenizer),
        hidden_size=options.hidden_size,
        num_hidden_layers=options.layers,
        styles=list(corpus.styles),
        embedding_dropout=options.embedding_dropout,
        hidden_dropout=options.hidden_dropout,
        weight_dropout=options.weight_dropout,
    )
    network = StoryNetwork(config).to(options.device)
    total = sum(len(part) for style in corpus.train for part in style)
    print(f"{network.num_parameters():,} parameters, {total:,} tokens in {len(corpus.styles)} styles")

    def validate(averaged: StoryNetwork) -> float:
        figures = bits_per_character(averaged, corpus)
        tqdm.write(" ".join(f"{s} {f:.2f}" for s, f in zip(corpus.styles, figures, strict=True)))
        return sum(figures) / len(figures)

    batches = data.Stretches(corpus, plan.batch_size, plan.length, plan.unstyled, plan.seed)
    best = train(network, batches, validate, plan, options.out, clock=clock)
    export(best, tokenizer, options.data, options.out / "final")
    print(f"the network that did best lies in {options.out / 'final'}, in half precision")
    print("python -m models.story.evaluate measures it on held-out works")


if __name__ == "__main__":
    main()
