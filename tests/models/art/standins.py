"""Networks that have learned nothing, as they are shipped: small and quick, for tests of what is made of them."""

from __future__ import annotations

from pathlib import Path

import torch

from models.art.fight import Plan
from models.art.finisher import ArtFinisher, FinisherConfig
from models.art.recipes import build

STYLES = ["discs", "stripes"]


def write_weights(folder: Path) -> Path:
    """Write a counterfeiter, a cashier and a finisher into a folder, and return it."""
    torch.manual_seed(0)
    generator, judges = build(
        Plan().recipe,
        {"image_size": 32, "channels": [32, 32, 32, 16], "styles": STYLES},
        {"image_size": 32, "width": 16, "styles": STYLES},
        torch.device("cpu"),
    )
    generator.measure_means(256)
    judges.config.scale = [2.0, 0.5]
    generator.half().save_pretrained(folder / "counterfeiter")
    judges.half().save_pretrained(folder / "cashier")
    ArtFinisher(FinisherConfig(channels=8, layers=1)).half().save_pretrained(folder / "finisher")
    return folder
