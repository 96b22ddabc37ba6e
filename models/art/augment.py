"""Changes that paintings and forgeries undergo alike before the discriminator sees them, through which gradients flow.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training": with them a discriminator cannot
learn a few thousand paintings by heart, and since forgeries get them too, none of them leaks into what is painted.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SHIFT = 1 / 8
"""The farthest that a picture moves, as a share of its side."""
HOLE = 0.4
"""The side of the square that is blanked, as a share of the picture's."""


def augment(pictures: Tensor) -> Tensor:
    """Change colours, move, and blank a square, for each picture [B, 3, side, side] by other random amounts."""
    return _cut_out(_move(_recolour(pictures)))


def _recolour(pictures: Tensor) -> Tensor:
    brightness, saturation, contrast = torch.rand(3, len(pictures), 1, 1, 1, device=pictures.device)
    pictures = pictures + (brightness - 0.5)
    grey = pictures.mean(dim=1, keepdim=True)
    pictures = grey + (pictures - grey) * (2 * saturation)
    middle = pictures.mean(dim=(1, 2, 3), keepdim=True)
    recoloured: Tensor = middle + (pictures - middle) * (contrast + 0.5)
    return recoloured


def _move(pictures: Tensor) -> Tensor:
    """Move by whole pixels; what comes in from outside is grey."""
    count, _, _, side = pictures.shape
    most = int(side * SHIFT + 0.5)
    device = pictures.device
    moves = torch.randint(-most, most + 1, (2, count, 1), device=device)
    places = torch.arange(side, device=device)
    rows, columns = (places + moves + 1).clamp(0, side + 1)  # [B, side] each; 0 and side + 1 are outside
    padded = functional.pad(pictures, (1, 1, 1, 1)).permute(0, 2, 3, 1)  # [B, side + 2, side + 2, 3]
    batch = torch.arange(count, device=device)[:, None, None]
    return padded[batch, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _cut_out(pictures: Tensor) -> Tensor:
    count, _, _, side = pictures.shape
    hole = int(side * HOLE + 0.5)
    device = pictures.device
    starts = torch.randint(-hole // 2, side - hole // 2, (2, count, 1), device=device)
    places = torch.arange(side, device=device)
    rows, columns = (places >= starts) & (places < starts + hole)  # [B, side] each
    hidden = rows[:, None, :, None] & columns[:, None, None, :]  # [B, 1, side, side]
    return pictures.masked_fill(hidden, 0.0)
