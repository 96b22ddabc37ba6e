"""The finisher, which enlarges what the counterfeiter paints: brushwork at four times as many pixels.

A few convolutions at the small size, then every pixel becomes 4 x 4 (Shi et al. 2016, "ESPCN"). What they say is added
to a plain enlargement, so that it can only refine. Convolutions look at their neighbourhood alone: any size will do.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedConfig, PreTrainedModel

from models.art.data import Pixels, to_bytes, to_floats
from models.art.network import SLOPE

SANDED = 0.9
"""Deviation in pixels of a blur over what was finished: the finest grain of its strokes is noise."""


class FinisherConfig(PreTrainedConfig):
    """Sizes of the finisher."""

    model_type = "art-finisher"

    channels: int = 40
    layers: int = 5
    """Between the first convolution and the last one."""
    factor: int = 4
    """How many times the sides grow."""


class Strokes(nn.Conv2d):
    """Says what is added to a plain enlargement."""


class ArtFinisher(PreTrainedModel):
    """Enlarges pictures."""

    config_class = FinisherConfig
    base_model_prefix = "finisher"

    config: FinisherConfig

    def __init__(self, config: FinisherConfig) -> None:
        super().__init__(config)
        width = config.channels
        self.first = _convolution(3, width)
        self.layers = nn.ModuleList(_convolution(width, width) for _ in range(config.layers))
        self.last = Strokes(width, 3 * config.factor**2, 3, padding=1, padding_mode="replicate")
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, a=SLOPE)
            if isinstance(module, Strokes):
                nn.init.normal_(module.weight, std=1e-3)  # first a plain enlargement
            assert module.bias is not None
            nn.init.zeros_(module.bias)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return pictures [B, 3, factor * side, factor * side] from -1 to 1, while training also somewhat beyond.

        Args:
            pictures: [B, 3, side, side] from -1 to 1.
        """
        factor = self.config.factor
        x = functional.leaky_relu(self.first(pictures), SLOPE)
        for layer in self.layers:
            x = x + functional.leaky_relu(layer(x), SLOPE)
        strokes = functional.pixel_shuffle(self.last(x), factor)
        plain = functional.interpolate(pictures, scale_factor=factor, mode="bicubic", align_corners=False)
        finished = plain + strokes
        return finished if self.training else finished.clamp(-1, 1)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate")


@torch.inference_mode()
def finish(finisher: ArtFinisher, pixels: Pixels) -> Pixels:
    """Return a picture [size, size, 3] with ``factor`` times as many pixels across."""
    [finished] = to_bytes(finisher(to_floats(torch.from_numpy(pixels)[None].to(finisher.device))))
    return np.asarray(Image.fromarray(finished).filter(ImageFilter.GaussianBlur(SANDED)))
