"""How fast the counterfeiter paints on one core, beside a DCGAN of the same size of pictures.

    python -m benchmarks.art [SECONDS]

Networks as they start: what they have learned makes no difference to their speed. Every figure is the best of several
goes, since others may use the machine; the last columns are what a request costs with its enlarging and its file.
"""

from __future__ import annotations

import sys
from typing import Any

import torch

from benchmarks.common import best_seconds, hardware, table
from models.art.dcgan import DcganConfig, DcganGenerator
from models.art.discriminator import ArtDiscriminator, DiscriminatorConfig
from models.art.finisher import ArtFinisher, FinisherConfig
from models.art.network import ArtConfig, ArtGenerator
from models.art.predictor import ArtPredictor, ArtRequest
from models.art.train import CHANNELS

STYLES = [str(number) for number in range(8)]
SIDE = 512
"""Of a picture as a request asks for it."""


def networks(size: int) -> dict[str, Any]:
    """Return both painters of pictures of ``size`` pixels, in the order of memory that convolutions like."""
    painters: dict[str, Any] = {
        "ours": ArtGenerator(ArtConfig(image_size=size, channels=CHANNELS[size], styles=STYLES)),
        "DCGAN": DcganGenerator(DcganConfig(image_size=size, styles=STYLES)),
    }
    return {name: painter.eval().to(memory_format=torch.channels_last) for name, painter in painters.items()}


@torch.inference_mode()
def measure(name: str, painter: Any, seconds: float) -> list[str]:
    """Return a line of the table."""
    config = painter.config
    line = [f"{name}, {config.image_size} px", f"{painter.num_parameters() / 1e6:.1f} M"]
    for batch in (1, 8):
        latents, styles = torch.randn(batch, config.latent_size), torch.ones(batch, dtype=torch.long)
        took = best_seconds(lambda latents=latents, styles=styles: painter(latents, styles), seconds)  # type: ignore[misc]
        line += [f"{took / batch * 1000:.1f}", f"{batch / took:.0f}"]
    return line


def whole_request(painter: ArtGenerator, count: int, seconds: float) -> float:
    """Return the seconds of a request for ``count`` pictures, judged, enlarged and as files."""
    size = painter.config.image_size
    judges = ArtDiscriminator(DiscriminatorConfig(image_size=size, styles=STYLES))
    finisher = ArtFinisher(FinisherConfig())
    predictor = ArtPredictor(painter, judges, finisher, torch.device("cpu"))
    request = ArtRequest(style=STYLES[0], seed="7", count=count, side=SIDE)
    return best_seconds(lambda: predictor.predict([request]), seconds)


def main(seconds: float) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    lines, requests = [], []
    for size in (64, 128):
        painters = networks(size)
        lines += [measure(name, painter, seconds) for name, painter in painters.items()]
        took = [whole_request(painters["ours"], count, seconds) for count in (1, 4)]
        requests.append([f"{size} px", *(f"{one * 1000:.0f}" for one in took)])
    print(f"{hardware()}, one thread\n\nGoal: a picture of 128 px in under 60 ms.\n")
    print(table(("", "weights", "ms at batch 1", "pictures/s", "ms each at batch 8", "pictures/s"), lines))
    print(f"\nA request, enlarged to {SIDE} px, judged and as WebP files:\n")
    print(table(("painted at", "ms for one picture", "ms for four"), requests))


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)
