"""Train the finisher: ``python -m models.art.finishing --data PAINTINGS-256.tar --painter DIR --out DIR --minutes N``.

It learns from paintings that were made small: to draw them large again as they were, in colours, in what EfficientNet-
Lite2's first layers see and in brushwork. Since strokes that nobody can know are best left out by these measures, a
second cashier compares its patches to those of paintings (Ledig et al. 2017, "SRGAN"). It also gets pictures that the
counterfeiter has painted, which are rougher than small paintings, and small paintings that were made rough on purpose.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm
from transformers.utils.logging import disable_progress_bar

from models.art import data
from models.art.discriminator import ArtDiscriminator, DiscriminatorConfig
from models.art.features import Features, load_features, resize
from models.art.fight import SIZES, brushwork_distance, steepness
from models.art.finisher import ArtFinisher, FinisherConfig
from models.art.network import ArtGenerator
from models.averaging import follow

PATCH = 16
"""The side of what is finished at once, before it is enlarged."""
PENALISED = 8
"""The cashier's gradients are penalised in one step of so many, and so many times as much."""
OWN = 1024
"""Pictures of the counterfeiter to learn from."""


@dataclass(frozen=True)
class Plan:
    """Everything that a training depends on beside the data and the networks' sizes."""

    minutes: float = 40.0
    steps: int = 1_000_000
    """At most: training ends with whichever comes first."""
    batch_size: int = 8
    """Patches of paintings; as many of the counterfeiter's come with them."""
    learning_rate: float = 1e-3
    near: float = 1.0
    """Weight of the difference in colours."""
    deep: float = 0.2
    """Weight of the difference in what the features see."""
    brushwork: float = 0.5
    """Weight of the difference in how strokes go together."""
    fighting: float = 0.05
    """Weight of the cashier's opinion."""
    penalty: float = 0.3
    """Weight of the cashier's squared gradients."""
    rough: float = 0.3
    """The most noise on small paintings, as a deviation of colours from -1 to 1."""
    seed: int = 7


class Finishing:
    """A finisher and its cashier, which learn from patches."""

    def __init__(self, finisher: ArtFinisher, cashier: ArtDiscriminator, plan: Plan) -> None:
        self.finisher, self.cashier, self.plan = finisher, cashier, plan
        self.averaged = copy.deepcopy(finisher).eval().requires_grad_(requires_grad=False)
        self.features: Features = load_features(finisher.device)
        self.optimizer = torch.optim.Adam(finisher.parameters(), plan.learning_rate, (0.5, 0.99))
        self.cashier_optimizer = torch.optim.Adam(cashier.parameters(), plan.learning_rate / 2, (0.0, 0.99))
        self.step = 0

    def round(self, large: Tensor, painted: Tensor) -> Tensor:
        """Let both learn.

        Args:
            large: patches of paintings [B, 3, factor * PATCH, factor * PATCH].
            painted: patches of what the counterfeiter has painted [B, 3, PATCH, PATCH].

        Returns:
            differences in colours, features and brushwork; the cashier's loss; what it thinks of the finisher: [5].
        """
        plan, count = self.plan, len(large)
        small = resize(large, PATCH)
        level = plan.rough * torch.rand(count, 1, 1, 1, device=small.device).square()
        given = torch.cat([small + level * torch.randn_like(small), painted])
        finished = self.finisher(given)
        ours, fresh = finished.split([count, len(painted)])
        near = functional.l1_loss(ours, large)
        # What the counterfeiter says of single pixels is not worth keeping; nothing larger may go astray.
        near = near + functional.l1_loss(resize(fresh, PATCH // 2), resize(painted, PATCH // 2))
        wanted, maps = self.features(large, 2), self.features(ours, 2)
        deep = torch.stack(
            [functional.l1_loss(a, b) / size for a, b, size in zip(maps, wanted, SIZES, strict=False)]
        ).mean()
        layers = zip([self.features.stem(ours), *maps], [self.features.stem(large), *wanted], strict=True)
        brushwork = torch.stack([brushwork_distance(one, other) for one, other in layers]).mean()

        nobody = torch.zeros(len(finished), dtype=torch.long, device=large.device)
        real = self.cashier.judge(large, nobody[:count])
        fake = self.cashier.judge(finished.detach(), nobody)
        caught = functional.softplus(-real).mean() + functional.softplus(fake).mean()
        penalty = torch.zeros(())
        if self.step % PENALISED == 0:
            penalty = plan.penalty * PENALISED / 2 * steepness(self.cashier, large, nobody[:count])
        self.cashier_optimizer.zero_grad()
        (caught + penalty).backward()
        self.cashier_optimizer.step()

        self.cashier.requires_grad_(requires_grad=False)
        fooled = functional.softplus(-self.cashier.judge(finished, nobody)).mean()
        self.cashier.requires_grad_()
        loss = plan.near * near + plan.deep * deep + plan.brushwork * brushwork + plan.fighting * fooled
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.step += 1
        follow(self.averaged.parameters(), self.finisher.parameters(), self.step, 0.998)
        return torch.stack([near, deep, brushwork, caught, fooled]).detach()

    def slow(self, share: float) -> None:
        """Let both learn at ``share`` of the plan's learning rate."""
        for optimizer, full in ((self.optimizer, 1.0), (self.cashier_optimizer, 0.5)):
            for group in optimizer.param_groups:
                group["lr"] = self.plan.learning_rate * full * share


def patches(pixels: Tensor, side: int, count: int, step: int) -> Tensor:
    """Return random patches [count, 3, side, side] from -1 to 1, mirrored half of the time.

    Args:
        pixels: pictures [N, size, size, 3] of bytes.
        side: of a patch.
        count: how many.
        step: at whose multiples patches begin.
    """
    places = (pixels.shape[1] - side) // step + 1
    parts = []
    for row in torch.randint(len(pixels), (count,)).tolist():
        top, left = (int(place) * step for place in torch.randint(places, (2,)))
        part = pixels[row, top : top + side, left : left + side]
        parts.append(part.flip(1) if torch.rand(()) < 0.5 else part)
    return data.to_floats(torch.stack(parts))


def train(finishing: Finishing, paintings: Tensor, own: Tensor, out: Path) -> list[list[float]]:
    """Train until the plan's minutes are over, and write the finisher.

    Args:
        finishing: the networks.
        paintings: large pictures [N, size, size, 3] of bytes.
        own: what the counterfeiter has painted [N, size / factor, size / factor, 3].
        out: folder.

    Returns:
        means of what ``Finishing.round`` returns, of every minute or what was left of the last one.
    """
    plan, factor, device = finishing.plan, finishing.finisher.config.factor, finishing.finisher.device
    record: list[list[float]] = []
    started, noted, seen = time.monotonic(), 0.0, 0
    sums = torch.zeros(5)
    with tqdm(total=plan.minutes, bar_format="{l_bar}{bar}| {n:.1f}/{total:.0f} min", mininterval=5) as bar:
        while True:
            minutes = (time.monotonic() - started) / 60
            done = max(minutes / plan.minutes, finishing.step / plan.steps)
            if minutes - noted >= 1 or done >= 1:
                record.append((sums / max(1, seen)).tolist())
                tqdm.write(f"{finishing.step} {[round(value, 4) for value in record[-1]]}")
                finishing.averaged.save_pretrained(out / "best")
                sums.zero_()
                noted, seen = minutes, 0
            if done >= 1:
                break
            finishing.slow(min(1.0, 0.1 + 2 * (1 - done)))
            large = patches(paintings, factor * PATCH, plan.batch_size, factor)
            painted = patches(own, PATCH, plan.batch_size, 1)
            sums += finishing.round(large.to(device), painted.to(device)).cpu()
            seen += 1
            bar.update(min(minutes, plan.minutes) - bar.n)
    copy.deepcopy(finishing.averaged).half().save_pretrained(out / "final")
    (out / "losses.json").write_text(json.dumps({"plan": asdict(plan), "losses": record}, indent=1))
    return record


@torch.inference_mode()
def paint_some(painter: ArtGenerator, count: int, seed: int) -> Tensor:
    """Return pictures [count, size, size, 3] of bytes, of random latents and styles."""
    draw = torch.Generator().manual_seed(seed)
    latents = torch.randn(count, painter.config.latent_size, generator=draw).to(painter.device)
    styles = torch.randint(len(painter.config.styles) + 1, (count,), generator=draw).to(painter.device)
    parts = zip(latents.split(64), styles.split(64), strict=True)
    return torch.from_numpy(np.concatenate([data.to_bytes(painter(*part)) for part in parts]))


@torch.inference_mode()
def held_out_errors(finisher: ArtFinisher, paintings: data.Paintings) -> tuple[float, float]:
    """Return how far held-out paintings, made small and finished, are from what they were, and so enlarged plainly.

    In what EfficientNet-Lite2 sees (its first two maps), where sharpness and strokes count and single pixels do not.
    """
    features, factor = load_features(finisher.device), finisher.config.factor
    errors = torch.zeros(2)
    for pixels in torch.from_numpy(paintings.pixels).split(8):
        large = data.to_floats(pixels).to(finisher.device)
        small = resize(large, large.shape[-1] // factor)
        plain = functional.interpolate(small, scale_factor=factor, mode="bicubic", align_corners=False)
        wanted = features(large, 2)
        for place, drawn in enumerate((finisher(small), plain)):
            for one, other in zip(features(drawn, 2), wanted, strict=True):
                errors[place] += len(pixels) * functional.l1_loss(one, other).cpu()
    ours, plainly = (errors / len(paintings)).tolist()
    return ours, plainly


def _sheet(finisher: ArtFinisher, small: Tensor) -> Image.Image:
    """Draw pictures [N, size, size, 3] of bytes: enlarged plainly above, finished below."""
    with torch.inference_mode():
        finished = torch.from_numpy(data.to_bytes(finisher(data.to_floats(small).to(finisher.device))))
    side = finished.shape[1]
    plain = [
        np.asarray(Image.fromarray(one.numpy()).resize((side, side), Image.Resampling.LANCZOS))
        for one in small
    ]
    return Image.fromarray(
        np.concatenate([np.concatenate(plain, axis=1), np.concatenate(list(finished.numpy()), axis=1)])
    )


def main(arguments: list[str] | None = None) -> None:
    """Read paintings, train, and write the finisher and a sheet to look at."""
    parser = argparse.ArgumentParser(prog="python -m models.art.finishing", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="tar of large pictures and JSON")
    parser.add_argument("--painter", type=Path, required=True, help="folder of the trained counterfeiter")
    parser.add_argument("--out", type=Path, required=True, help="folder for the finisher")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--channels", type=int, default=FinisherConfig.channels)
    parser.add_argument("--minutes", type=float, default=Plan.minutes)
    parser.add_argument("--steps", type=int, default=Plan.steps)
    parser.add_argument("--batch-size", type=int, default=Plan.batch_size)
    parser.add_argument("--own", type=int, default=OWN, help="pictures of the counterfeiter to learn from")
    parser.add_argument("--fighting", type=float, default=Plan.fighting)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    disable_progress_bar()  # of saving a megabyte
    plan = Plan(
        minutes=options.minutes,
        steps=options.steps,
        batch_size=options.batch_size,
        fighting=options.fighting,
    )
    torch.manual_seed(plan.seed)
    device = torch.device(options.device)
    painter: Any = ArtGenerator.from_pretrained(options.painter)
    painter = painter.float().eval().to(device)
    untrained: Any = ArtFinisher(FinisherConfig(channels=options.channels))
    finisher: ArtFinisher = untrained.to(device).to(memory_format=torch.channels_last)
    side = finisher.config.factor * painter.config.image_size
    training, held_out = data.split(data.read_paintings(options.data, side))
    print(f"{len(training):,} paintings to learn from, {len(held_out):,} held out")
    judging = DiscriminatorConfig(image_size=finisher.config.factor * PATCH, width=16)
    judge: Any = ArtDiscriminator(judging)
    cashier: ArtDiscriminator = judge.to(device).to(memory_format=torch.channels_last)
    own = paint_some(painter, options.own, plan.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    finishing = Finishing(finisher, cashier, plan)
    train(finishing, torch.from_numpy(training.pixels), own, options.out)
    finisher = finishing.averaged
    ours, plainly = held_out_errors(finisher, held_out)
    print(f"held-out paintings are {ours:.3f} away from what they were, enlarged plainly {plainly:.3f}")
    small = resize(data.to_floats(torch.from_numpy(held_out.pixels[:6])), painter.config.image_size)
    both = torch.cat([torch.from_numpy(data.to_bytes(small)), own[:6]])
    _sheet(finisher, both).save(options.out / "sheet.png")


if __name__ == "__main__":
    main()
