"""The field's little benchmark: ``python -m models.story.tinyshakespeare --data FILE --out DIR``.

The same network and training loop with one token a character, on the 1.1 MB of tiny Shakespeare: trained on the first
90%, measured on the rest. nanoGPT's best published loss there is 1.4697 nats a character (its README, "baby GPT").
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers.utils.logging import disable_progress_bar

from models.story import data
from models.story.network import StoryConfig, StoryNetwork
from models.story.scoring import nats
from models.story.tokenizer import character_tokenizer
from models.story.train import Plan, train

WINDOW = 256
"""Characters that nanoGPT sees at most."""
STREAMS = 16  # in which the text is read when the state is carried on


class Passage:
    """Endless batches from one text: rows read it side by side, from a new place after every pass."""

    def __init__(self, tokens: data.Tokens, batch_size: int, length: int, forget: float, seed: int) -> None:
        """``forget`` is the share of the batches at which a row forgets, so that it learns to begin anywhere."""
        self.tokens = torch.from_numpy(tokens.astype(np.int64))
        self.batch_size, self.length, self.forget = batch_size, length, forget
        self.generator = torch.Generator().manual_seed(seed)
        self.offset, self.place = 0, 0
        self.row_length = (len(tokens) - 1) // batch_size

    def next(self) -> data.Batch:
        """Return the next characters of every row."""
        fresh = torch.rand(self.batch_size, generator=self.generator) < self.forget
        if self.place + self.length > self.row_length or not self.place:
            self.offset = int(torch.randint(len(self.tokens), (), generator=self.generator))
            self.place = 0
            fresh[:] = True
        starts = self.offset + torch.arange(self.batch_size) * self.row_length + self.place  # [B]
        places = starts[:, None] + torch.arange(self.length + 1)  # [B, length + 1]
        found = self.tokens[places % len(self.tokens)]
        self.place += self.length
        return data.Batch(found[:, :-1], found[:, 1:], torch.zeros(self.batch_size, dtype=torch.long), fresh)

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on from here."""
        return {"generator": self.generator.get_state(), "offset": self.offset, "place": self.place}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was called."""
        self.generator.set_state(state["generator"])
        self.offset, self.place = state["offset"], state["place"]


def windowed(network: StoryNetwork, tokens: data.Tokens) -> float:
    """Return nats a character in windows of ``WINDOW`` characters, each read without what was before it."""
    rows = [tokens[place : place + WINDOW + 1] for place in range(0, len(tokens) - WINDOW, WINDOW)]
    return sum(nats(network, rows, [0] * len(rows))) / (len(rows) * WINDOW)


def carried(network: StoryNetwork, tokens: data.Tokens) -> float:
    """Return nats a character with the state carried through the text, read in ``STREAMS`` parts side by side."""
    length = (len(tokens) - 1) // STREAMS
    rows = [tokens[place * length : (place + 1) * length + 1] for place in range(STREAMS)]
    return sum(nats(network, rows, [0] * STREAMS)) / (STREAMS * length)


def main(arguments: list[str] | None = None) -> None:
    """Train on the first 90% and print both figures of the rest."""
    parser = argparse.ArgumentParser(prog="python -m models.story.tinyshakespeare", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="tinyshakespeare.txt or .txt.xz, or its folder"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, state and report")
    parser.add_argument("--minutes", type=float, default=39.0, help="of all threads together")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    disable_progress_bar()  # of saving a few megabytes

    path = options.data
    if path.is_dir():
        path = next(path.glob("tinyshakespeare.txt*"))
    text = data.read_text(path)
    tokenizer = character_tokenizer(text)
    tokens = np.array(tokenizer.backend_tokenizer.encode(text).ids, dtype=np.uint16)
    split = int(0.9 * len(tokens))
    plan = Plan(
        minutes=options.minutes,
        batch_size=32,
        length=64,
        learning_rate=4e-3,
        weight_decay=0.02,
        evaluate_minutes=max(options.minutes / 12, 0.1),
    )
    torch.manual_seed(plan.seed)
    config = StoryConfig(
        vocab_size=len(tokenizer),
        hidden_size=512,
        num_hidden_layers=2,
        hidden_dropout=0.2,
        weight_dropout=0.2,
    )
    network = StoryNetwork(config).to(options.device)
    print(f"{network.num_parameters():,} parameters, {split:,} characters")
    batches = Passage(tokens[:split], plan.batch_size, plan.length, forget=0.1, seed=plan.seed)
    best = train(
        network,
        batches,
        lambda averaged: windowed(averaged, tokens[split:]),
        plan,
        options.out,
        clock=time.process_time if options.device == "cpu" else time.monotonic,
    )
    tokenizer.save_pretrained(options.out / "best")
    print(
        f"validation, windows of {WINDOW} characters: {windowed(best, tokens[split:]):.4f} nats a character"
    )
    print(f"validation, state carried through the text: {carried(best, tokens[split:]):.4f} nats a character")


if __name__ == "__main__":
    main()
