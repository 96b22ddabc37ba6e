"""How often the network is right on pictures whose classes are known.

``python -m models.vision.evaluate FOLDER`` takes a folder with one subfolder a class, named by the class's
label ("golden retriever"), its index (207), or, where all 1,000 are there, by anything that sorts in the
order of the classes, such as ImageNet's own names (n02099601). ``python -m models.vision.evaluate FILE.csv``
takes a table with the columns ``file`` and ``class``; the files' paths are relative to the table's.

Pictures go the way of uploaded ones: the same opening, preparing and network. ``--nonsense`` asks the opposite
question: of pictures that show nothing, how many does the network claim to know for sure?
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from models.predictor import InvalidInput
from models.vision.images import open_picture
from models.vision.predictor import VisionPredictor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

PROMINENCES = (5.0, 6.0, 7.0, 7.5, 8.0, 9.0)


@dataclass(frozen=True)
class Outcome:
    """What the network made of one picture."""

    rank: int
    """Place of the right class, 0 for the first."""
    confidence: float
    prominence: float
    """By how many standard deviations the best logit stands out."""
    sure: bool

    @property
    def right(self) -> bool:
        """Whether the best class is the right one."""
        return self.rank == 0


def find_pictures(source: Path, labels: Mapping[int, str]) -> list[tuple[Path, int]]:
    """Return the pictures with the indices of their classes.

    Raises:
        ValueError: a class is unknown.
    """
    indices = {label: index for index, label in labels.items()} | {str(index): index for index in labels}
    if source.is_file():
        with source.open(newline="", encoding="utf-8") as table:
            return [
                (source.parent / row["file"], _index(row["class"], indices)) for row in csv.DictReader(table)
            ]
    folders = sorted(path for path in source.iterdir() if path.is_dir())
    if len(folders) == len(labels) and not any(folder.name in indices for folder in folders):
        indices = {folder.name: index for index, folder in enumerate(folders)}
    return [
        (path, _index(folder.name, indices))
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith(".")
    ]


def judge(predictor: VisionPredictor, picture: Path, right: int) -> Outcome:
    """Classify one picture.

    Raises:
        InvalidInput: the file cannot be used.
    """
    logits = predictor.logits([open_picture(picture.read_bytes())]).cpu()  # (1, classes)
    return Outcome(
        rank=int((logits[0] > logits[0, right]).sum()),
        confidence=float(logits.softmax(dim=1).max()),
        prominence=float((logits.max() - logits.mean()) / logits.std()),
        sure=bool(predictor.sure(logits)[0]),
    )


def report(outcomes: Sequence[Outcome]) -> str:
    """Return the figures as text: accuracy, and what different rules for "sure" would mean."""
    lines = [
        f"{len(outcomes)} pictures",
        f"top-1 {_share([outcome.right for outcome in outcomes])}",
        f"top-5 {_share([outcome.rank < 5 for outcome in outcomes])}",
        f"mean confidence {sum(outcome.confidence for outcome in outcomes) / len(outcomes):.3f}",
        "",
        f"{'sure when':<22}{'sure':>8}{'right if sure':>16}{'right if not':>15}",
    ]
    rules = {"as configured": [outcome.sure for outcome in outcomes]}
    for tenths in range(1, 7):
        rules[f"confidence >= 0.{tenths}"] = [outcome.confidence >= tenths / 10 for outcome in outcomes]
    for least in PROMINENCES:
        rules[f"prominence >= {least}"] = [outcome.prominence >= least for outcome in outcomes]
    for name, sure in rules.items():
        right_if_sure = [outcome.right for outcome, is_sure in zip(outcomes, sure, strict=True) if is_sure]
        right_if_not = [outcome.right for outcome, is_sure in zip(outcomes, sure, strict=True) if not is_sure]
        lines.append(f"{name:<22}{_share(sure):>8}{_share(right_if_sure):>16}{_share(right_if_not):>15}")
    return "\n".join(lines)


def nonsense() -> Iterator[Image.Image]:
    """Yield 136 pictures that show nothing: noise of several kinds and sizes, flat colours, gradients."""
    random = np.random.default_rng(99)
    for side in (224, 260, 320, 400, 640):
        for _ in range(4):
            yield _picture(random.integers(0, 256, (side, side, 3)))
            yield _picture(random.integers(0, 256, (side, side, 1)).repeat(3, axis=2))
            for deviation in (15, 25, 40, 64):
                yield _picture(random.normal(128, deviation, (side, side, 3)))
    for colour in ("black", "grey", "white", "red", "green", "blue", "yellow", "cyan", "magenta", "orange"):
        yield Image.new("RGB", (400, 300), colour)
    for size in ((300, 300), (500, 300), (300, 500)):
        yield Image.linear_gradient("L").resize(size).convert("RGB")
        yield Image.radial_gradient("L").resize(size).convert("RGB")


def _picture(values: NDArray[Any]) -> Image.Image:
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _index(name: str, indices: Mapping[str, int]) -> int:
    if name not in indices:
        raise ValueError(f"{name!r} is neither a label nor the index of a class")
    return indices[name]


def _share(values: Sequence[bool]) -> str:
    return f"{sum(values) / len(values):.1%}" if values else "-"


def main() -> None:
    """Print top-1 and top-5 accuracy, and what different rules for "sure" would mean."""
    parser = argparse.ArgumentParser(prog="python -m models.vision.evaluate", description=main.__doc__)
    parser.add_argument(
        "source", type=Path, nargs="?", help="folder with one subfolder a class, or a CSV file"
    )
    parser.add_argument(
        "--nonsense", action="store_true", help="count the sure answers to noise and the like"
    )
    parser.add_argument("--checkpoint", help="another network: a folder or a name on the Hugging Face hub")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps (default: cpu)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # as in the worker: more of them than free cores slow small networks down
    predictor = VisionPredictor.load(torch.device(arguments.device), arguments.checkpoint)
    if arguments.nonsense:
        answers = [bool(predictor.sure(predictor.logits([picture]))[0]) for picture in tqdm(list(nonsense()))]
        print(f"sure of {sum(answers)} of {len(answers)} pictures that show nothing")
    if arguments.source is None:
        if not arguments.nonsense:
            parser.error("give a folder, a CSV file or --nonsense")
        return
    try:
        pictures = find_pictures(arguments.source, predictor.labels)
    except (OSError, ValueError, KeyError) as error:
        parser.error(str(error))
    outcomes = []
    for path, right in tqdm(pictures, unit="picture"):
        try:
            outcomes.append(judge(predictor, path, right))
        except InvalidInput as refusal:
            print(f"{path}: {refusal}")
    if not outcomes:
        parser.error(f"there are no pictures in {arguments.source}")
    print(report(outcomes))


if __name__ == "__main__":
    main()
