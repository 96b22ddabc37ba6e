"""Train the GAN that paints: ``python -m models.art.train --data PAINTINGS.tar --out DIR --minutes N``.

Kills and restarts are harmless: the state of the last few minutes lies in ``OUT/state.pt``. To go on after the minutes
are over, ask for more. ``OUT/samples`` shows what the same latents became, ``OUT/replay`` the same in small for an
animation, ``OUT/losses.png`` how the fight went, and ``OUT/final`` holds what is shipped.

On a CPU, 64 pixels: ``--threads 1 --minutes 120``. On a GPU, in half precision (this way has not been run on one yet):
``--image-size 128 --batch-size 64 --average-pictures 20000 --measured 2048 --evaluate-minutes 1 --minutes 20``.

A core sees ten to twenty paintings a second, so a GAN that has to find everything by fighting has not begun to paint
when the time is over. Here it need not:

- Where is what, and in which colours, is not fought over. It is a sketch: 64 principal components of thumbnails, and 32
  of what EfficientNet-Lite2 sees, whose distribution a flow learns in a few minutes (``models.art.prior``).
- The painter is anchored: from the code of a painting it has to draw that painting again (Larsen et al. 2016,
  "VAE/GAN"; Bojanowski et al. 2018, "GLO"), alike in coarse colours, in what the features see, and in brushwork.
- Pictures from new sketches are what the fight is about. They may not stray far from their sketches, so that the
  painter cannot give up variety. R1 and R2 penalties hold the cashier back (Huang et al. 2024, "R3GAN").

What was tried, at 64 pixels on a part of a core; distances (KID) jump by 0.05 and more:

- FastGAN's recipe: 1.87 after 6 minutes. Palettes by style and blobs after 150 steps, later one bright spot for all.
- Judges of frozen features, alone or beside a plain one, with or without the moments' difference: 0.6 to 1.3 after 4
  minutes; too sure within 100 steps, then one composition for everybody.
- Anchored without the brushwork's distance: 0.65 after 2 minutes, and varied, but as blurred as the sketches.
- With it 0.42 after 12 minutes: edges and strokes from the second minute on.
- With the content's distance too, switched on at this point: 0.31 after 16 minutes, 0.22 after 40. The default.
- Without the fight, from there on: 0.25, 0.24, 0.24 at 44, 48 and 52 minutes; with it 0.23, 0.23, 0.23.
- A flow by flow matching instead of a RealNVP, and the same painter: 0.20 instead of 0.23. The default since.
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
from typing import Any

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm
from transformers.utils.logging import disable_progress_bar

from models.art import data
from models.art.calibration import calibrate
from models.art.codes import Encoder, both_vectors
from models.art.distance import kid, vectors
from models.art.features import POOLED, load_features
from models.art.fight import Fight, Plan
from models.art.latents import normals
from models.art.network import NO_STYLE, ArtGenerator
from models.art.prior import fit
from models.art.recipes import RECIPES, Recipe, build
from models.precision import half_pays

CHANNELS = {
    32: [64, 64, 32, 32],
    64: [160, 128, 96, 40, 20],
    128: [160, 144, 112, 72, 40, 20],
}
"""Of the generator, by the size of the pictures."""
COLUMNS = 8
"""Pictures of each style in a grid of samples."""
REPLAYED = 2
"""Of these, how many the replay shows."""


@dataclass(frozen=True)
class Report:
    """What is known of a training at one moment; all but the first four are means since the one before."""

    minutes: float
    step: int
    pictures: int
    kid: float
    discriminator_loss: float
    generator_loss: float
    real_score: float
    fake_score: float
    redrawing: float
    pictures_per_second: float


def train(
    fight: Fight,
    batches: data.Batches,
    measure: Callable[[Fight], float],
    plan: Plan,
    out: Path,
    clock: Callable[[], float] = time.monotonic,
) -> list[Report]:
    """Train until the plan's minutes are over and keep in ``out/best`` the networks when ``measure`` was least.

    Args:
        fight: the networks, on their device.
        batches: the paintings.
        measure: the figure to bring down.
        plan: settings.
        out: folder for the networks, the state to resume from and the reports.
        clock: seconds, by which the plan's minutes are counted.

    Raises:
        FloatingPointError: the losses are no numbers any more. The last state lies in ``out``.
        ValueError: the state in ``out`` belongs to another recipe.
    """
    (out / "samples").mkdir(parents=True, exist_ok=True)
    (out / "replay").mkdir(exist_ok=True)
    reports: list[Report] = []
    pictures, before = 0, 0.0  # minutes of earlier runs
    state_path = out / "state.pt"
    if state_path.exists():
        saved = torch.load(state_path, weights_only=True, map_location=fight.device)
        if saved["plan"]["recipe"] != plan.recipe:
            raise ValueError(f"{state_path} belongs to the recipe {saved['plan']['recipe']}")
        fight.load_state_dict(saved["fight"])
        batches.load_state_dict(saved["batches"])
        reports = [Report(**report) for report in saved["reports"]]
        pictures, before = saved["pictures"], saved["minutes"]

    def minutes() -> float:
        return before + (clock() - started) / 60

    started = clock()
    torch.manual_seed(plan.seed + fight.step)
    evaluated, since_step, since_pictures = before, fight.step, pictures
    sums = torch.zeros(5, device=fight.device)
    next_frame = before
    with tqdm(total=max(plan.minutes, before), initial=before, bar_format=_BAR, mininterval=5) as bar:
        while True:
            now = minutes()
            if now >= next_frame:
                _draw_samples(fight, out, now)
                # Most happens at first, so the frames of the replay lie ever further apart.
                next_frame = min(
                    now + plan.evaluate_minutes, max(1.15 * now, now + plan.evaluate_minutes / 30)
                )
            if now - evaluated >= plan.evaluate_minutes or now >= plan.minutes:
                means = (sums / max(1, fight.step - since_step)).tolist()
                if not all(map(math.isfinite, means)):
                    raise FloatingPointError(f"the losses are no numbers any more after {now:.1f} minutes")
                pace = (pictures - since_pictures) / max(1e-9, now - evaluated) / 60
                figure = measure(fight)
                if figure < min((report.kid for report in reports), default=math.inf):
                    fight.save_averaged(out / "best")
                reports.append(
                    Report(
                        minutes=now,
                        step=fight.step,
                        pictures=pictures,
                        kid=figure,
                        discriminator_loss=means[0],
                        generator_loss=means[1],
                        real_score=means[2],
                        fake_score=means[3],
                        redrawing=means[4],
                        pictures_per_second=pace,
                    )
                )
                tqdm.write(json.dumps({name: round(value, 5) for name, value in asdict(reports[-1]).items()}))
                _save(
                    state_path,
                    fight=fight.state_dict(),
                    batches=batches.state_dict(),
                    reports=[asdict(report) for report in reports],
                    plan=asdict(plan),
                    pictures=pictures,
                    minutes=minutes(),
                )
                (out / "reports.json").write_text(
                    json.dumps([asdict(report) for report in reports], indent=1)
                )
                _draw_losses(reports, out / "losses.png")
                evaluated, since_step, since_pictures = minutes(), fight.step, pictures
                sums.zero_()
            if now >= plan.minutes:
                return reports
            # The last third is for the finish.
            fight.slow(min(1.0, 0.1 + 2.7 * (1 - now / plan.minutes)))
            paintings, styles = batches.next()
            said = torch.rand(styles.shape, device=styles.device) >= plan.unstyled
            sums += fight.round(paintings, torch.where(said, styles + 1, NO_STYLE))
            pictures += len(styles)
            bar.update(min(minutes(), plan.minutes) - bar.n)


_BAR = "{l_bar}{bar}| {n:.1f}/{total:.0f} min{postfix}"


def _save(path: Path, **state: Any) -> None:
    fresh = path.with_suffix(".new")
    torch.save(state, fresh)
    fresh.replace(path)  # a kill while writing leaves the old state


def held_out_distance(
    paintings: data.Paintings, count: int, device: torch.device
) -> Callable[[Fight], float]:
    """Return a measure: the KID of ``count`` pictures, of the same styles as the held-out ones, to the latter."""
    features = load_features(device)
    real = vectors(features, paintings.pixels)
    styles = torch.from_numpy(np.resize(paintings.style, count)) + 1  # [count]

    def measure(fight: Fight) -> float:
        size = fight.generator.config.latent_size
        latents = torch.from_numpy(normals([1], count * size).reshape(count, size))
        return kid(vectors(features, fight.paint(latents, styles)), real)

    return measure


def _draw_samples(fight: Fight, out: Path, minutes: float) -> None:
    """Paint a row of pictures in each style from the same latents as ever."""
    config = fight.generator.config
    rows = len(config.styles)
    latents = torch.from_numpy(normals([0], rows * COLUMNS * config.latent_size))
    styles = torch.arange(1, rows + 1).repeat_interleave(COLUMNS)
    pictures = fight.paint(latents.reshape(rows * COLUMNS, -1), styles)
    side = config.image_size
    table = pictures.reshape(rows, COLUMNS, side, side, 3)  # [styles, COLUMNS, side, side, 3]
    name = f"{minutes:07.2f}"
    Image.fromarray(sheet(table)).save(out / "samples" / f"{name}.png")
    few = table[:, :REPLAYED].reshape(-1, rows, side, side, 3)
    Image.fromarray(sheet(few)).save(out / "replay" / f"{name}.webp", quality=85)


def sheet(pictures: data.Pixels) -> data.Pixels:
    """Lay out pictures [rows, columns, side, side, 3] as one [rows * side, columns * side, 3]."""
    rows, columns, side, _, channels = pictures.shape
    return pictures.transpose(0, 2, 1, 3, 4).reshape(rows * side, columns * side, channels)


def _draw_losses(reports: list[Report], path: Path) -> None:
    from matplotlib.figure import Figure  # only training draws

    figure = Figure(figsize=(8, 7), layout="constrained")
    losses, scores, distance = figure.subplots(3, 1, sharex=True)
    seen = [report.pictures / 1000 for report in reports]
    losses.plot(seen, [report.generator_loss for report in reports], label="counterfeiter")
    losses.plot(seen, [report.discriminator_loss for report in reports], label="cashier")
    losses.set(ylabel="loss")
    scores.plot(seen, [report.real_score for report in reports], label="paintings")
    scores.plot(seen, [report.fake_score for report in reports], label="forgeries")
    scores.set(ylabel="cashier's score")
    distance.semilogy(
        seen, [max(report.kid, 1e-6) for report in reports], "o-", label="to held-out paintings"
    )
    distance.set(
        xlabel="thousand paintings seen", ylabel="KID", title=f"best {min(r.kid for r in reports):.4f}"
    )
    for axes in (losses, scores, distance):
        axes.legend()
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def prepare(
    generator: ArtGenerator, training: data.Paintings, held_out: data.Paintings, plan: Plan, kept: Path
) -> Encoder:
    """Fit what is not fought over: the components of sketches, which the generator gets, and their distribution.

    Args:
        generator: changed in place.
        training: paintings.
        held_out: they say when the distribution knows enough.
        plan: settings.
        kept: file of an earlier call, which is used if it is there, and written if not.
    """
    device, config = generator.device, generator.config
    encoder = Encoder(config.sketch_side, POOLED, config.sketch_size, config.latent_size - config.sketch_size)
    encoder.to(device)
    if kept.exists():
        saved = torch.load(kept, weights_only=True, map_location=device)
        encoder.load_state_dict(saved["encoder"])
        generator.load_state_dict(saved["generator"], strict=False)
        generator.flow.requires_grad_(requires_grad=False)
        return encoder
    features = load_features(device)
    known = both_vectors(features, encoder, training.pixels)
    encoder.fit(*known)
    with torch.no_grad():
        generator.sketch.weight.copy_(encoder.basis)
        generator.sketch.bias.copy_(encoder.mean)
        codes = encoder(*known)
        test = encoder(*both_vectors(features, encoder, held_out.pixels))
    style, test_style = (torch.from_numpy(one.style).to(device).repeat(2) + 1 for one in (training, held_out))
    weights = torch.from_numpy(data.weights(training)).to(device).repeat(2)
    record = fit(
        generator.flow,
        codes,
        style,
        weights,
        (test, test_style),
        noise=plan.noise,
        unstyled=plan.unstyled,
        steps=plan.flow_steps,
    )
    generator.flow.requires_grad_(requires_grad=False)
    generator.measure_means()
    best = min(record, key=lambda one: one[2], default=(0, math.nan, math.nan))
    print(f"sketches: velocities miss training paintings by {best[1]:.4f}, held-out ones by {best[2]:.4f}")
    fitted = ("flow.", "sketch.", "mean_code")
    state = {name: tensor for name, tensor in generator.state_dict().items() if name.startswith(fitted)}
    kept.parent.mkdir(parents=True, exist_ok=True)
    _save(kept, encoder=encoder.state_dict(), generator=state)
    return encoder


def export(best: Path, folder: Path, recipe: Recipe, scale: list[float]) -> None:
    """Write both networks as they are shipped, in half precision, whose error is far below one step of a colour."""
    for network, name in ((recipe.generator, "counterfeiter"), (recipe.discriminator, "cashier")):
        kept = network.from_pretrained(best / name)
        if name == "cashier":
            kept.config.scale = scale
        elif isinstance(kept, ArtGenerator):
            kept.fold()
        kept.half().save_pretrained(folder / name)


def main(arguments: list[str] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
    """Read the paintings, train by the minutes of ``clock`` (seconds), and write the networks and their report."""
    parser = argparse.ArgumentParser(prog="python -m models.art.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="tar of WebP pictures and JSON")
    parser.add_argument("--out", type=Path, required=True, help="folder for networks, state and samples")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--image-size", type=int, default=64, choices=sorted(CHANNELS), help="32 is for trying out"
    )
    parser.add_argument("--channels", type=int, nargs="*", help="of the generator's maps from 4 x 4 up")
    parser.add_argument("--convolutions", type=int, default=1, help="of the generator, at each size of maps")
    parser.add_argument("--width", type=int, default=32, help="channels of the discriminator")
    parser.add_argument("--styles", nargs="*", default=(), help="of the tar; all if not given")
    for part in fields(Plan):
        kind = {"int": int, "float": float, "str": str}[str(part.type)]
        choices = sorted(RECIPES) if part.name == "recipe" else None
        parser.add_argument(
            f"--{part.name.replace('_', '-')}", type=kind, default=part.default, choices=choices
        )
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    disable_progress_bar()  # of saving a few megabytes

    plan = Plan(**{part.name: getattr(options, part.name) for part in fields(Plan)})
    device = torch.device(options.device)
    paintings = data.read_paintings(options.data, options.image_size, options.styles)
    training, held_out = data.split(paintings)
    print(
        f"{len(training):,} pictures to train on, {len(held_out):,} held out, {len(paintings.styles)} styles"
    )
    torch.manual_seed(plan.seed)
    recipe = RECIPES[plan.recipe]
    size, styles = options.image_size, list(paintings.styles)
    channels = options.channels or CHANNELS[size]
    generator, discriminator = build(
        plan.recipe,
        {"image_size": size, "channels": channels, "convolutions": options.convolutions, "styles": styles},
        {
            "image_size": size,
            "width": options.width,
            "styles": styles,
        },
        device,
    )
    encoder = None
    if recipe.anchored:
        encoder = prepare(generator, training, held_out, plan, options.out / "prepared.pt")
    # The arithmetic of a training step, on noise.
    pair = copy.deepcopy(generator), copy.deepcopy(discriminator)
    trial = Fight(*pair, recipe, plan, encoder, half=False)
    noise = torch.zeros(plan.batch_size, 3, size, size, device=device)
    half = half_pays(
        device, lambda: trial.round(noise, torch.zeros(plan.batch_size, dtype=torch.long, device=device))
    )
    print("in half precision" if half else "in single precision, which is faster here")
    print(
        f"{generator.num_parameters():,} parameters paint, {discriminator.num_parameters():,} judge, on {device}"
    )
    fight = Fight(generator, discriminator, recipe, plan, encoder, half=half)
    batches = data.Batches(training, plan.batch_size, device, plan.seed)
    measure = held_out_distance(held_out, plan.measured, device)
    train(fight, batches, measure, plan, options.out, clock)
    scale = calibrate(options.out / "best", recipe, held_out, device)
    export(options.out / "best", options.out / "final", recipe, scale)
    print(f"the networks that did best lie in {options.out / 'final'}, in half precision")
    print("python -m models.art.evaluate measures them against held-out paintings")


if __name__ == "__main__":
    main()
