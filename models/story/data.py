"""Reading the story corpus: one text file a style in, batches of token stretches out."""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Tokens = NDArray[np.uint16]

UNKNOWN = -100
"""The label of a place that nothing follows; cross-entropy leaves it out."""

PIECE_BREAK = "\n\n"
PLAYS = frozenset({"shakespeare"})
"""Styles in which a blank line ends a speech, not a story."""
SCENE_CHARACTERS = 6000  # plays are cut into pieces of about this length
STRETCH_TOKENS = 1024  # short stories are read in company until they make up this many
VALID_TOKENS = 3072  # the beginning of one stretch of each style is for validation


@dataclass(frozen=True)
class Corpus:
    """Encoded stretches of text, each a row of whole pieces, by style."""

    styles: tuple[str, ...]
    train: tuple[tuple[Tokens, ...], ...]
    valid: tuple[Tokens, ...]
    """One stretch of each style, which is not in ``train``."""
    valid_characters: tuple[int, ...]
    """That the validation tokens of each style stand for."""


@dataclass(frozen=True)
class Batch:
    """What the network reads next."""

    tokens: Tensor  # [B, T] long
    labels: Tensor  # [B, T] long, what follows each token, or UNKNOWN
    styles: Tensor  # [B] long, 0 where the style is not said
    fresh: Tensor  # [B] bool, rows that begin something new and must forget


def read_text(path: Path) -> str:
    """Read a text file, ``.txt`` or ``.txt.xz``."""
    if path.suffix == ".xz":
        with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
            return file.read()
    return path.read_text(encoding="utf-8")


def style_files(folder: Path) -> dict[str, Path]:
    """Return the text files of a folder by style, in order of name.

    Raises:
        FileNotFoundError: there is none.
    """
    paths = sorted([*folder.glob("*.txt.xz"), *folder.glob("*.txt")])
    found = {path.name.split(".")[0]: path for path in paths}
    found.pop("tinyshakespeare", None)  # a benchmark of its own
    if not found:
        msg = f"no .txt or .txt.xz files in {folder}"
        raise FileNotFoundError(msg)
    return found


def pieces(text: str, style: str) -> list[str]:
    """Cut a file into stories and chapters, a blank line between any two (and scenes of plays)."""
    parts = text.rstrip("\n").split(PIECE_BREAK)
    if style not in PLAYS:
        return [part for part in parts if part]
    scenes: list[list[str]] = [[]]
    for part in parts:
        if sum(map(len, scenes[-1])) > SCENE_CHARACTERS:
            scenes.append([])
        scenes[-1].append(part)
    return [PIECE_BREAK.join(scene) for scene in scenes]


def stretches(tokenizer: PreTrainedTokenizerFast, text: str, style: str) -> list[Tokens]:
    """Encode a file as stretches: runs of whole pieces, of ``STRETCH_TOKENS`` or more in all.

    Before, between and after the pieces of a stretch stands the boundary, which also stands for the blank line.
    """
    boundary = tokenizer.bos_token_id
    found, run = [], [boundary]
    for encoding in tokenizer.backend_tokenizer.encode_batch_fast(pieces(text, style)):
        run += [*encoding.ids, boundary]
        if len(run) > STRETCH_TOKENS:
            found.append(np.array(run, dtype=np.uint16))
            run = [boundary]
    if len(run) > 1:
        found.append(np.array(run, dtype=np.uint16))
    return found


def count_characters(tokenizer: PreTrainedTokenizerFast, tokens: Tokens) -> int:
    """Return how many characters of a file the tokens after the first stand for."""
    boundaries = int((tokens[1:] == tokenizer.bos_token_id).sum())
    text = tokenizer.decode(tokens[1:].tolist(), skip_special_tokens=True)
    return len(text) + boundaries * len(PIECE_BREAK)


def read_corpus(folder: Path, tokenizer: PreTrainedTokenizerFast) -> Corpus:
    """Encode every style of ``folder`` and set the middle stretch of each apart for validation."""
    train, valid = [], []
    files = style_files(folder)
    for style, path in files.items():
        found = stretches(tokenizer, read_text(path), style)
        valid.append(found.pop(len(found) // 2)[: VALID_TOKENS + 1])
        train.append(tuple(found))
    characters = tuple(count_characters(tokenizer, tokens) for tokens in valid)
    return Corpus(tuple(files), tuple(train), tuple(valid), characters)


class Stretches:
    """Endless batches for truncated backpropagation: each row reads a stretch to its end, then takes the next.

    The style of the next stretch is drawn with a probability that grows with the square root of the style's size,
    so that small styles are neither drowned nor read to pieces; within a style every stretch comes once a round.
    """

    def __init__(self, corpus: Corpus, batch_size: int, length: int, unstyled: float, seed: int) -> None:
        self.corpus, self.length, self.unstyled = corpus, length, unstyled
        self.generator = torch.Generator().manual_seed(seed)
        sizes = torch.tensor([sum(map(len, style)) for style in corpus.train], dtype=torch.float64)
        self.weights = sizes.sqrt()
        self.orders: list[list[int]] = [[] for _ in corpus.styles]
        # Of every row: place of the style, of the stretch, of the next token, and whether the style is said.
        self.rows = [self._draw() for _ in range(batch_size)]
        for row in self.rows:  # not all at their beginnings, as it will be later
            row[2] = int(torch.randint(len(corpus.train[row[0]][row[1]]) - 1, (), generator=self.generator))
        self.fresh = [True] * batch_size

    def next(self) -> Batch:
        """Return the next tokens of every row."""
        shape = (len(self.rows), self.length)
        tokens, labels = torch.zeros(shape, dtype=torch.long), torch.full(shape, UNKNOWN)
        styles = torch.tensor([(style + 1) * said for style, _, _, said in self.rows])
        fresh = torch.tensor(self.fresh)
        for index, (style, stretch, place, _) in enumerate(self.rows):
            part = torch.from_numpy(
                self.corpus.train[style][stretch][place : place + self.length + 1].astype(np.int64)
            )
            count = len(part) - 1
            tokens[index, :count], labels[index, :count] = part[:-1], part[1:]
            self.fresh[index] = count < self.length
            self.rows[index][2] += self.length
            if count < self.length:
                self.rows[index] = self._draw()
        return Batch(tokens, labels, styles, fresh)

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on from here."""
        return {
            "generator": self.generator.get_state(),
            "orders": self.orders,
            "rows": self.rows,
            "fresh": self.fresh,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was called."""
        self.generator.set_state(state["generator"])
        self.orders, self.rows, self.fresh = state["orders"], state["rows"], state["fresh"]

    def _draw(self) -> list[int]:
        style = int(torch.multinomial(self.weights, 1, generator=self.generator))
        if not self.orders[style]:
            count = len(self.corpus.train[style])
            self.orders[style] = torch.randperm(count, generator=self.generator).tolist()
        said = int(torch.rand((), generator=self.generator) >= self.unstyled)
        return [style, self.orders[style].pop(), 0, said]
