"""What EfficientNet-Lite2 sees in a picture, for a discriminator that need not learn to see and for measuring.

The same published weights as those that recognise photographs (``models.vision.convert``), laid out anew: norms are
folded into the convolutions before them, the neutral squeeze-and-excite is left out, and pictures may have any side
that 32 divides. Nothing here is trained; gradients flow through to the picture.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.vision.convert import build_network

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANNELS = (24, 48, 120, 352)
"""Of the maps at strides 4, 8, 16 and 32."""
_ENDS = (3, 6, 14, 20)
"""The blocks (from 0) after which these maps are taken: the last ones of their strides."""
POOLED = 1280


class _Convolution(nn.Module):
    """A convolution with its norm folded in, and TensorFlow's padding: with a stride, on the far side first."""

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d, *, activate: bool) -> None:
        super().__init__()
        fused = fuse_conv_bn_eval(convolution, norm)
        assert fused.bias is not None
        self.weight, self.bias = fused.weight, fused.bias
        self.stride, self.groups = fused.stride[0], fused.groups
        self.activate = activate

    def forward(self, x: Tensor) -> Tensor:
        side = self.weight.shape[-1]
        padding = side // 2
        if self.stride == 2:  # the side of x is even here
            x = functional.pad(x, (padding - 1, padding, padding - 1, padding))
            padding = 0
        x = functional.conv2d(x, self.weight, self.bias, self.stride, padding, groups=self.groups)
        return functional.relu6(x) if self.activate else x


class _Block(nn.Sequential):
    """Widen, look around in every channel by itself, narrow."""

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = super().forward(x)
        return x + y if x.shape == y.shape else y


class Features(nn.Module):
    """Frozen EfficientNet-Lite2: maps at four strides, and one vector for a whole picture.

    Raises:
        OSError: the package with the weights is missing or broken.
    """

    def __init__(self) -> None:
        super().__init__()
        network: Any = build_network()
        embeddings, encoder = network.efficientnet.embeddings, network.efficientnet.encoder
        self.stem = _Convolution(embeddings.convolution, embeddings.batchnorm, activate=True)
        self.blocks = nn.ModuleList(_Block(*_layers(block)) for block in encoder.blocks)
        self.top = _Convolution(encoder.top_conv, encoder.top_bn, activate=True)
        self.requires_grad_(requires_grad=False)

    def forward(self, pictures: Tensor, count: int = 4) -> list[Tensor]:
        """Return maps [B, CHANNELS[i], side / stride, side / stride] of pictures [B, 3, side, side] from -1 to 1.

        Args:
            pictures: whose sides 32 divides.
            count: how many maps, from the finest on; what comes after is not computed.
        """
        x = self.stem((127.5 * pictures + 0.5) / 128)  # what (pixel - 127) / 128 is, at half the side
        maps = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in _ENDS:
                maps.append(x)
                if len(maps) == count:
                    break
        return maps

    def pooled(self, pictures: Tensor) -> Tensor:
        """Return the vector [B, POOLED] that ImageNet's classes are told from."""
        return self.top(self(pictures)[-1]).mean(dim=(2, 3))  # type: ignore[no-any-return]


@cache
def load_features(device: torch.device) -> Features:
    """Return the features on a device, laid out for speed. Being frozen, one copy serves everybody.

    Raises:
        OSError: the package with the weights is missing or broken.
    """
    features: Features = Features().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return features


def resize(pictures: Tensor, side: int) -> Tensor:
    """Return pictures [B, 3, side, side]."""
    if pictures.shape[-1] == side:
        return pictures
    smaller = side < pictures.shape[-1]
    return functional.interpolate(
        pictures, size=(side, side), mode="bilinear", align_corners=False, antialias=smaller
    )


def _layers(block: Any) -> Iterator[_Convolution]:
    if hasattr(block, "expansion"):
        yield _Convolution(block.expansion.expand_conv, block.expansion.expand_bn, activate=True)
    depthwise = block.depthwise_conv
    yield _Convolution(depthwise.depthwise_conv, depthwise.depthwise_norm, activate=True)
    yield _Convolution(block.projection.project_conv, block.projection.project_bn, activate=False)
