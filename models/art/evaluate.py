"""Measure the painter: ``python -m models.art.evaluate --data PAINTINGS.tar --weights DIR --out DIR``.

Of every style: the distance (``models.art.distance``) of a thousand pictures to held-out paintings, beside that of
training paintings (the floor), of an anchor's pictures, and of paintings with shuffled pixels (the ceiling); how much
pictures vary; and how near to a training painting they come. ``OUT/nearest.png`` shows the latter side by side; since
it shows the paintings, it is for looking at and not for publishing.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from models.art import data
from models.art.dcgan import DcganGenerator
from models.art.distance import diversity, kid, plain_vectors, vectors
from models.art.features import Features, load_features, resize
from models.art.finisher import ArtFinisher, finish
from models.art.latents import normals
from models.art.network import ArtGenerator
from models.art.train import sheet
from models.art.upscale import enlarge

SAMPLES = 1000
"""Pictures painted of each style."""
COMPARED = 200
"""Pictures in all whose nearest training paintings are looked for."""
THUMBNAIL = 32
"""The side at which pictures are compared pixel by pixel."""
NEAR_COPY = 0.01
"""A picture nearer to a training painting than this share of the held-out ones is called a near-copy."""
SHOWN = 40
"""Of the compared pictures, the nearest ones, on the sheet."""
BATCH = 32

Figures = dict[str, float]


@dataclass(frozen=True)
class Seen:
    """Pictures and what both kinds of vectors say of them."""

    pixels: data.Pixels
    deep: Tensor
    plain: Tensor

    def __getitem__(self, rows: NDArray[Any]) -> Seen:
        index = torch.from_numpy(rows)
        return Seen(self.pixels[rows], self.deep[index], self.plain[index])


def look(features: Features, pixels: data.Pixels) -> Seen:
    """Return the vectors of pictures [N, side, side, 3]."""
    return Seen(pixels, vectors(features, pixels, BATCH), plain_vectors(pixels))


@torch.inference_mode()
def paint(generator: Any, style: int, count: int, psi: float = 1.0) -> data.Pixels:
    """Return ``count`` pictures [count, side, side, 3] of a style, without picking.

    Args:
        generator: ours, or a DCGAN's, which knows no truncation.
        style: its number for the generator.
        count: how many.
        psi: truncation, 1 for none.
    """
    size = generator.config.latent_size
    latents = torch.from_numpy(normals([2, style], count * size).reshape(count, size)).to(generator.device)
    parts = []
    for part in latents.split(BATCH):
        styles = torch.full((len(part),), style, device=part.device)
        if isinstance(generator, ArtGenerator):
            w = generator.map(part, styles)
            pictures = generator.paint(generator.truncate(w, styles, torch.full_like(part[:, 0], psi)))
        else:
            pictures = generator(part, styles)
        parts.append(data.to_bytes(pictures))
    return np.concatenate(parts)


def shuffled(pixels: data.Pixels, seed: int = 0) -> data.Pixels:
    """Return pictures [N, side, side, 3] whose pixels have changed places: the right colours and nothing else."""
    draw = np.random.default_rng(seed)
    flat = pixels.reshape(len(pixels), -1, 3)
    return np.stack([draw.permutation(one) for one in flat]).reshape(pixels.shape)


def distances(ours: Seen, theirs: Seen, column: str) -> Figures:
    """Return both distances of two sets of pictures, named after ``column``."""
    return {f"{column}, deep": kid(ours.deep, theirs.deep), f"{column}, plain": kid(ours.plain, theirs.plain)}


def nearest(ours: Seen, training: Seen) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the nearest training painting of every picture, as it is or mirrored.

    Returns:
        numbers of the nearest by what they show [N] and that distance (1 - cosine) [N]; numbers of the nearest by
        pixels [N] and that distance (root mean square, of 255) [N].
    """
    cosine = functional.normalize(ours.deep, dim=1) @ functional.normalize(training.deep, dim=1).T
    by_deep = (1 - cosine).min(dim=1)
    small = _thumbnails(ours.pixels)
    paintings = _thumbnails(training.pixels)  # [M, 3, THUMBNAIL, THUMBNAIL]
    both = [torch.cdist(small.flatten(1), one.flatten(1)) for one in (paintings, paintings.flip(3))]
    by_pixels = torch.minimum(*both).min(dim=1)
    root = (3 * THUMBNAIL**2) ** 0.5
    return by_deep.indices, by_deep.values, by_pixels.indices, by_pixels.values / root * 127.5


def _thumbnails(pixels: data.Pixels) -> Tensor:
    return resize(data.to_floats(torch.from_numpy(pixels)), THUMBNAIL)


def copies(ours: Seen, training: Seen, held_out: Seen) -> tuple[Figures, data.Pixels]:
    """Return how near pictures come to training paintings, and a sheet of the nearest ones.

    Every row of the sheet is a picture, the painting nearest by what it shows, and the one nearest by pixels.
    """
    deep_row, deep, pixel_row, pixel = nearest(ours, training)
    _, usual_deep, _, usual_pixel = nearest(held_out, training)
    figures = {
        "near-copies, deep": float((deep < usual_deep.quantile(NEAR_COPY)).float().mean()),
        "near-copies, pixels": float((pixel < usual_pixel.quantile(NEAR_COPY)).float().mean()),
        "median to nearest, deep": float(deep.median()),
        "median to nearest, deep, of held-out paintings": float(usual_deep.median()),
        "median to nearest, pixels": float(pixel.median()),
        "median to nearest, pixels, of held-out paintings": float(usual_pixel.median()),
    }
    first = (deep / usual_deep.median() + pixel / usual_pixel.median()).argsort()[:SHOWN]
    rows = [ours.pixels[first], training.pixels[deep_row[first]], training.pixels[pixel_row[first]]]
    return figures, sheet(np.stack(rows, axis=1))


def evaluate(
    generator: Any,
    anchor: Any | None,
    training: data.Paintings,
    held_out: data.Paintings,
    samples: int,
    psi: float,
) -> tuple[dict[str, Figures], data.Pixels]:
    """Return the figures of every style and of all of them together, and the sheet of ``copies``."""
    features = load_features(generator.device)
    real, known = look(features, held_out.pixels), look(features, training.pixels)
    noise = look(features, shuffled(held_out.pixels))
    table: dict[str, Figures] = {}
    painted: list[Seen] = []
    for number, style in enumerate(tqdm(training.styles, desc="styles")):
        mine = look(features, paint(generator, number + 1, samples, psi))
        painted.append(mine)
        theirs = real[np.flatnonzero(held_out.style == number)]
        same = known[np.flatnonzero(training.style == number)]
        if len(theirs.pixels) < 2:
            continue  # nothing to compare with
        table[style] = {
            "held-out pictures": len(theirs.pixels),
            **distances(mine, theirs, "ours"),
            **distances(same, theirs, "floor"),
            **distances(noise[np.flatnonzero(held_out.style == number)], theirs, "noise"),
            "diversity": diversity(mine.deep),
            "diversity of training paintings": diversity(same.deep),
        }
        if anchor is not None:
            other = look(features, paint(anchor, number + 1, samples))
            table[style] |= distances(other, theirs, "anchor") | {
                "diversity of the anchor": diversity(other.deep)
            }
    few = max(1, COMPARED // len(painted))
    some = Seen(
        np.concatenate([one.pixels[:few] for one in painted]),
        torch.cat([one.deep[:few] for one in painted]),
        torch.cat([one.plain[:few] for one in painted]),
    )
    figures, nearest_sheet = copies(some, known, real)
    table["all"] = {
        name: float(np.mean([one[name] for one in table.values()])) for name in next(iter(table.values()))
    } | figures
    return table, nearest_sheet


def enlarged(
    generator: Any, finisher: ArtFinisher, training: data.Paintings, held_out: data.Paintings, samples: int
) -> Figures:
    """Return distances to paintings of pictures that were finished, and that were enlarged plainly; means of styles.

    Args:
        generator: whose pictures are enlarged.
        finisher: on the same device.
        training: paintings, larger than the generator's pictures.
        held_out: paintings of the same size, to which the distances are.
        samples: of each style.
    """
    features = load_features(generator.device)
    side = held_out.pixels.shape[1]
    sums: list[list[float]] = []
    for number in range(len(held_out.styles)):
        theirs = held_out.pixels[held_out.style == number]
        if len(theirs) < 2:
            continue
        real = look(features, theirs)
        small = paint(generator, number + 1, samples)
        ways = (
            [enlarge(finish(finisher, one), side) for one in small],
            [enlarge(one, side) for one in small],
            list(training.pixels[training.style == number][:samples]),
        )
        figures = [
            distances(look(features, np.stack([np.array(one) for one in way])), real, "") for way in ways
        ]
        sums.append([figure for one in figures for figure in one.values()])
    names = [
        f"{way}, {column}"
        for way in ("finished", "enlarged plainly", "paintings")
        for column in ("deep", "plain")
    ]
    return dict(zip(names, np.mean(sums, axis=0).tolist(), strict=True))


def as_markdown(table: dict[str, Figures]) -> str:
    """Return the figures of the styles as a table: distances times 1,000, and below it those of all alone."""
    columns = list(next(iter(table.values())))
    lines = [f"| style | {' | '.join(columns)} |", f"| --- |{' ---: |' * len(columns)}"]
    for style, figures in table.items():
        words = [f"{figures[column] * _scale(column):.{_digits(column)}f}" for column in columns]
        lines.append(f"| {style} | {' | '.join(words)} |")
    lines.append("")
    lines += [f"{name}: {figure:.4g}" for name, figure in table["all"].items() if name not in columns]
    return "\n".join(lines)


def _scale(column: str) -> float:
    return 1000 if column.endswith(("deep", "plain")) else 1


def _digits(column: str) -> int:
    return 0 if column.startswith("held-out") else 1 if _scale(column) > 1 else 3


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the figures, and keep them, samples and the nearest paintings in a folder."""
    parser = argparse.ArgumentParser(prog="python -m models.art.evaluate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="tar of WebP pictures and JSON")
    parser.add_argument("--weights", type=Path, required=True, help="folder with counterfeiter and cashier")
    parser.add_argument("--anchor", type=Path, help="the same of a training with --recipe dcgan")
    parser.add_argument("--finisher", type=Path, help="folder of the finisher, to measure it too")
    parser.add_argument("--out", type=Path, required=True, help="folder for figures.json and pictures")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="of each style")
    parser.add_argument("--psi", type=float, default=1.0, help="truncation, which no distance is quoted with")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)

    device = torch.device(options.device)
    generator = _load(ArtGenerator, options.weights, device)
    anchor = _load(DcganGenerator, options.anchor, device) if options.anchor else None
    config = generator.config
    training, held_out = data.split(data.read_paintings(options.data, config.image_size, config.styles))
    table, nearest_sheet = evaluate(generator, anchor, training, held_out, options.samples, options.psi)
    if options.finisher:
        finisher: Any = ArtFinisher.from_pretrained(options.finisher)
        large = data.split(data.read_paintings(options.data, 2 * config.image_size, config.styles))
        few = min(options.samples, COMPARED)
        table["all"] |= enlarged(generator, finisher.float().eval().to(device), *large, few)
    print(as_markdown(table))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "figures.json").write_text(json.dumps(table, indent=1))
    Image.fromarray(nearest_sheet).save(options.out / "nearest.png")
    for number, style in enumerate(config.styles):
        hundred = paint(generator, number + 1, 100, options.psi)
        Image.fromarray(sheet(hundred.reshape(10, 10, *hundred.shape[1:]))).save(options.out / f"{style}.png")


def _load(kind: Any, folder: Path, device: torch.device) -> Any:
    network = kind.from_pretrained(folder / "counterfeiter").float().to(device).eval()
    return network.to(memory_format=torch.channels_last)


if __name__ == "__main__":
    main()
