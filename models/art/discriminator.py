"""The cashiers, which try to tell forgeries from paintings.

``ProjectedDiscriminator`` (Sauer et al. 2021, "Projected GANs Converge Faster") judges what a frozen EfficientNet-Lite2
sees; ``PlainDiscriminator`` is FastGAN's own (Liu et al. 2021), which learns to see from the paintings alone;
``AidedDiscriminator`` is both at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrize import register_parametrization
from transformers import PreTrainedConfig, PreTrainedModel

from models.art.features import CHANNELS, Features, load_features, resize
from models.art.network import SLOPE, START, double


class SpectralNorm(nn.Module):
    """Divides a weight by its largest singular value (Miyato et al. 2018), in single precision.

    torch's own is the same, but multiplies in half precision under autocast on a GPU and then adds up in single.
    """

    left: Tensor
    right: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        matrix = weight.detach().flatten(1)  # [outputs, rest]
        self.register_buffer("left", functional.normalize(torch.randn_like(matrix[:, 0]), dim=0))
        self.register_buffer("right", functional.normalize(torch.randn_like(matrix[0]), dim=0))
        for _ in range(15):
            self._approach(matrix)

    @torch.no_grad()
    def _approach(self, matrix: Tensor) -> None:
        # Products and sums instead of "@", which autocast would do in half precision.
        self.left.copy_(functional.normalize((matrix * self.right).sum(dim=1), dim=0))
        self.right.copy_(functional.normalize((matrix * self.left[:, None]).sum(dim=0), dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight with a largest singular value of 1."""
        matrix = weight.flatten(1)
        if self.training:
            self._approach(matrix)
        # Copies, since the next call changes these vectors before this one's gradient is computed.
        left, right = self.left.clone(), self.right.clone()
        return weight / (left[:, None] * matrix * right).sum()


def spectral_norm(convolution: nn.Conv2d) -> nn.Conv2d:
    """Give a convolution the norm and return it."""
    register_parametrization(convolution, "weight", SpectralNorm(convolution.weight))
    return convolution


class Discriminator(Protocol):
    """What ``train`` needs of whatever tells forgeries from paintings."""

    def see(self, pictures: Tensor) -> list[Tensor]:
        """Return what it looks at, through nothing that is trained. It is computed once for both of its uses."""

    def judge(self, maps: list[Tensor], styles: Tensor) -> Tensor:
        """Return scores [B, K] of what ``see`` returned: the higher, the more like a painting of the style [B]."""

    def reconstruction_loss(self, pictures: Tensor) -> Tensor:
        """Return how badly paintings [B, 3, side, side] can be drawn again from what it has understood of them."""


class DiscriminatorConfig(PreTrainedConfig):
    """Sizes of a discriminator."""

    model_type = "art-discriminator"

    image_size: int = 64
    """Of the pictures."""
    seen_size: int = 128
    """Of the pictures as the frozen features see them."""
    width: int = 64
    """Channels of every projected map."""
    styles: list[str] = field(default_factory=list)
    scale: list[float] = field(default_factory=lambda: [1.0, 0.0])
    """Slope and offset by which a mean score becomes the probability that a picture is real. Set after training."""


class ProjectedDiscriminator(PreTrainedModel):
    """Four small judges of frozen features at four strides, mixed at random across channels and strides.

    Only the judges learn. The random mixtures are kept with them, the frozen features come with their own package.
    """

    config_class = DiscriminatorConfig
    base_model_prefix = "discriminator"

    config: DiscriminatorConfig
    sizes: Tensor

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__(config)
        width = config.width
        self.across_channels = nn.ModuleList(nn.Conv2d(count, width, 1) for count in CHANNELS)
        self.across_strides = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in CHANNELS[1:])
        for mixture in (*self.across_channels, *self.across_strides):
            mixture.requires_grad_(requires_grad=False)
        # Usual sizes of the features' values, by which they are divided: the deep ones are smaller.
        self.register_buffer("sizes", torch.tensor([8.9, 7.4, 5.6, 2.3]))
        sides = [config.seen_size // stride for stride in (4, 8, 16, 32)]
        self.judges = nn.ModuleList(Judge(width, side, len(config.styles)) for side in sides)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Conv2d) and not hasattr(module, "parametrizations"):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def load_features(self) -> Features:
        """Return the frozen features on the device of the judges. They are no part of this network, nor saved with it.

        Raises:
            OSError: the package with their weights is missing or broken.
        """
        return load_features(self.device)

    def see(self, pictures: Tensor) -> list[Tensor]:
        """Return the mixed maps, [B, width, seen_size / stride, ...] for strides 4 to 32. See ``Discriminator``."""
        raw = self.load_features()(resize(pictures, self.config.seen_size))
        maps = [
            mixture(one / size)
            for one, size, mixture in zip(raw, self.sizes, self.across_channels, strict=True)
        ]
        for fine in reversed(range(len(maps) - 1)):
            mixed = self.across_strides[fine](maps[fine + 1])
            maps[fine] = (maps[fine] + double(mixed)) * 0.5**0.5
        return maps

    def judge(self, maps: list[Tensor], styles: Tensor) -> Tensor:
        """Return the judges' scores side by side. See ``Discriminator``."""
        scores = [judge(one, styles) for one, judge in zip(maps, self.judges, strict=True)]
        return torch.cat([score.flatten(1) for score in scores], dim=1)

    def reconstruction_loss(self, pictures: Tensor) -> Tensor:
        """Return 0: what is frozen needs no such help."""
        return pictures.new_zeros(())

    def forward(self, pictures: Tensor, styles: Tensor) -> Tensor:
        """Return the mean score [B] of pictures [B, 3, side, side] from -1 to 1."""
        return self.judge(self.see(pictures), styles).float().mean(dim=1)


class Judge(nn.Module):
    """Scores every place of one map, down to 4 x 4 places, knowing the style (Miyato and Koyama 2018)."""

    def __init__(self, width: int, side: int, styles: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_halvings(width, side))
        self.features = nn.Sequential(
            spectral_norm(nn.Conv2d(width, width, 3, padding=1)), nn.LeakyReLU(SLOPE)
        )
        self.score = spectral_norm(nn.Conv2d(width, 1, 1))
        self.style = nn.Embedding(styles + 1, width)
        nn.init.normal_(self.style.weight, std=width**-0.5)

    def forward(self, x: Tensor, styles: Tensor) -> Tensor:
        """Return [B, 1, h, w]."""
        x = self.features(self.layers(x))  # [B, width, h, w]
        match = (x * self.style(styles)[:, :, None, None]).sum(dim=1, keepdim=True)
        return self.score(x) + match  # type: ignore[no-any-return]


def _halvings(width: int, side: int) -> Iterator[nn.Module]:
    while side > START:
        yield spectral_norm(nn.Conv2d(width, width, 4, stride=2, padding=1))
        yield nn.GroupNorm(width // 4, width)
        yield nn.LeakyReLU(SLOPE)
        side //= 2


class PlainDiscriminator(PreTrainedModel):
    """FastGAN's discriminator: a small ResNet, which must keep so much of a painting that it can be drawn again."""

    config_class = DiscriminatorConfig
    base_model_prefix = "discriminator"

    config: DiscriminatorConfig

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__(config)
        width = config.width // 2
        side = config.image_size // 2
        self.stem = nn.Sequential(
            spectral_norm(nn.Conv2d(3, width, 4, stride=2, padding=1, bias=False)), nn.LeakyReLU(SLOPE)
        )
        self.downs = nn.ModuleList()
        while side > 8:
            wider = min(2 * width, 128)
            self.downs.append(Down(width, wider))
            width, side = wider, side // 2
        self.features = nn.Sequential(
            spectral_norm(nn.Conv2d(width, width, 4, bias=False)),  # 8 x 8 -> 5 x 5
            nn.LeakyReLU(SLOPE),
        )
        self.score = spectral_norm(nn.Conv2d(width, 1, 1))
        self.style = nn.Embedding(len(config.styles) + 1, width)
        nn.init.normal_(self.style.weight, std=width**-0.5)
        self.draw_again = nn.Sequential(
            nn.Conv2d(width, 128, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(128, 64, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(64, 3, 3, padding=1),
            nn.Tanh(),
        )
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Leave everything as torch starts it."""

    def see(self, pictures: Tensor) -> list[Tensor]:
        """Return the pictures themselves. See ``Discriminator``."""
        return [pictures]

    def judge(self, maps: list[Tensor], styles: Tensor) -> Tensor:
        """Return scores of 5 x 5 places. See ``Discriminator``."""
        x = self.features(self._understand(maps[0]))  # [B, C, 5, 5]
        match = (x * self.style(styles)[:, :, None, None]).sum(dim=1, keepdim=True)
        return (self.score(x) + match).flatten(1)  # type: ignore[no-any-return]

    def reconstruction_loss(self, pictures: Tensor) -> Tensor:
        """Return the mean difference to the paintings at 32 pixels, drawn from 8 x 8 places."""
        again = self.draw_again(self._understand(pictures))  # [B, 3, 32, 32]
        return functional.l1_loss(again.float(), resize(pictures, again.shape[-1]))

    def forward(self, pictures: Tensor, styles: Tensor) -> Tensor:
        """Return the mean score [B] of pictures [B, 3, side, side] from -1 to 1."""
        return self.judge(self.see(pictures), styles).float().mean(dim=1)

    def _understand(self, pictures: Tensor) -> Tensor:
        x: Tensor = self.stem(pictures)  # [B, width / 2, side / 2, side / 2]
        for down in self.downs:
            x = down(x)
        return x  # [B, C, 8, 8]


class Down(nn.Module):
    """Halve the sides in two ways and take their mean."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.deep = nn.Sequential(
            spectral_norm(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)),
            nn.GroupNorm(8, outputs),
            nn.LeakyReLU(SLOPE),
            spectral_norm(nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)),
            nn.GroupNorm(8, outputs),
            nn.LeakyReLU(SLOPE),
        )
        self.direct = nn.Sequential(
            nn.AvgPool2d(2), spectral_norm(nn.Conv2d(inputs, outputs, 1, bias=False)), nn.LeakyReLU(SLOPE)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, outputs, H / 2, W / 2]."""
        return (self.deep(x) + self.direct(x)) / 2  # type: ignore[no-any-return]


class AidedDiscriminator(ProjectedDiscriminator):
    """The judges of frozen features together with a plain discriminator, which sees the colours themselves.

    Kumari et al. 2022, "Ensembling Off-the-shelf Models for GAN Training".
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__(config)
        self.plain = PlainDiscriminator(config)

    def see(self, pictures: Tensor) -> list[Tensor]:
        """Return the pictures themselves and the mixed maps. See ``Discriminator``."""
        return [pictures, *super().see(pictures)]

    def judge(self, maps: list[Tensor], styles: Tensor) -> Tensor:
        """Return the scores of both side by side. See ``Discriminator``."""
        picture, *rest = maps
        return torch.cat([self.plain.judge([picture], styles), super().judge(rest, styles)], dim=1)

    def reconstruction_loss(self, pictures: Tensor) -> Tensor:
        """Return that of the plain one. See ``Discriminator``."""
        return self.plain.reconstruction_loss(pictures)


def load_discriminator(folder: Path) -> PlainDiscriminator | ProjectedDiscriminator:
    """Load a cashier of whichever recipe was exported.

    Raises:
        OSError: it is missing or broken.
    """
    kinds = {kind.__name__: kind for kind in (PlainDiscriminator, ProjectedDiscriminator, AidedDiscriminator)}
    [name] = DiscriminatorConfig.from_pretrained(folder).architectures or [""]
    if name not in kinds:
        raise OSError(f"{folder} holds no cashier that is known here, but {name or 'something else'}")
    return kinds[name].from_pretrained(folder, use_safetensors=True)
