"""The cashier, which tries to tell forgeries from paintings."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedConfig, PreTrainedModel

from models.art.network import SLOPE


class Discriminator(Protocol):
    """What ``Fight`` needs of whatever tells forgeries from paintings."""

    def judge(self, pictures: Tensor, styles: Tensor) -> Tensor:
        """Return scores [B, K] of pictures [B, 3, side, side]: higher is more like a painting."""


class DiscriminatorConfig(PreTrainedConfig):
    """Sizes of a discriminator."""

    model_type = "art-discriminator"

    image_size: int = 64
    """Of the pictures."""
    width: int = 32
    """Channels at half the pictures' side; twice as many at a quarter of it, and so on up to ``MOST``."""
    styles: list[str] = field(default_factory=list)
    scale: list[float] = field(default_factory=lambda: [1.0, 0.0])
    """Slope and offset by which a mean score becomes the probability that a picture is real. Set after training."""


MOST = 192
"""The most channels."""


class Halving(nn.Module):
    """Halves the sides: two convolutions, with a way around them (He et al. 2016). No norms."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, inputs, 3, padding=1)
        self.second = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)
        self.around = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, outputs, H / 2, W / 2]."""
        deep = functional.leaky_relu(self.first(functional.leaky_relu(x, SLOPE)), SLOPE)
        return (self.second(deep) + self.around(functional.avg_pool2d(x, 2))) * 0.5**0.5  # type: ignore[no-any-return]


class ArtDiscriminator(PreTrainedModel):
    """A small ResNet that scores 8 x 8 places, for brushwork, and 4 x 4 larger ones, for what there is to see.

    It has no norms: the gradient penalty of ``Fight`` holds it back. Scores know the style (Miyato and Koyama 2018).
    """

    config_class = DiscriminatorConfig
    base_model_prefix = "discriminator"

    config: DiscriminatorConfig

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__(config)
        width, side = config.width, config.image_size // 2
        self.stem = nn.Conv2d(3, width, 4, stride=2, padding=1)
        self.halvings = nn.ModuleList()
        while side > 4:
            wider = min(2 * width, MOST)
            self.halvings.append(Halving(width, wider))
            if side == 16:
                self.near = Score(wider, len(config.styles))
            width, side = wider, side // 2
        self.far = Score(width, len(config.styles))
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, a=SLOPE)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.1 * module.embedding_dim**-0.5)

    def judge(self, pictures: Tensor, styles: Tensor) -> Tensor:
        """Return scores [B, 80] of 64 near and 16 far places. See ``Discriminator``."""
        x = self.stem(pictures)
        scores = []
        for halving in self.halvings:
            x = halving(x)
            if x.shape[-1] == 8:
                scores.append(self.near(x, styles))
        scores.append(self.far(x, styles))
        return torch.cat(scores, dim=1)

    def forward(self, pictures: Tensor, styles: Tensor) -> Tensor:
        """Return the mean score [B] of pictures [B, 3, side, side] from -1 to 1."""
        return self.judge(pictures, styles).float().mean(dim=1)


class Score(nn.Module):
    """Scores every place of a map, knowing the style."""

    def __init__(self, width: int, styles: int) -> None:
        super().__init__()
        self.features = nn.Conv2d(width, width, 3, padding=1)
        self.score = nn.Conv2d(width, 1, 1)
        self.style = nn.Embedding(styles + 1, width)

    def forward(self, x: Tensor, styles: Tensor) -> Tensor:
        """Return [B, h * w] of maps [B, width, h, w]."""
        x = functional.leaky_relu(self.features(functional.leaky_relu(x, SLOPE)), SLOPE)
        match = (x * self.style(styles)[:, :, None, None]).sum(dim=1, keepdim=True)
        return (self.score(x) + match).flatten(1)  # type: ignore[no-any-return]


def load_discriminator(folder: Path) -> ArtDiscriminator:
    """Load the cashier that was exported.

    Raises:
        OSError: it is missing, broken or of another kind.
    """
    [name] = DiscriminatorConfig.from_pretrained(folder).architectures or [""]
    if name != ArtDiscriminator.__name__:
        raise OSError(f"{folder} holds no cashier that is known here, but {name or 'something else'}")
    return ArtDiscriminator.from_pretrained(folder, use_safetensors=True)
