"""How far a set of pictures lies from another one, and how much it varies.

KID (Binkowski et al. 2018, "Demystifying MMD GANs") with its polynomial kernel, on vectors of two kinds:

- what EfficientNet-Lite2 knows of a picture (``Features.pooled``, at ``SEEN`` pixels), in place of Inception;
- ``plain_vectors``: coarse colours and the strength of strokes, which need no network. A discriminator that looks
  through EfficientNet-Lite2 may please EfficientNet-Lite2 more than the eye, but has never met these.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from models.art.data import Pixels, to_floats
from models.art.features import Features, resize

SEEN = 128
"""The side in pixels at which pictures of any size are looked at."""


@torch.inference_mode()
def vectors(features: Features, pictures: Pixels, batch_size: int = 32) -> Tensor:
    """Return what EfficientNet-Lite2 makes of pictures [N, side, side, 3], as [N, POOLED] on the CPU."""
    device = features.stem.weight.device
    parts = []
    for place in range(0, len(pictures), batch_size):
        batch = to_floats(torch.from_numpy(pictures[place : place + batch_size]).to(device))
        parts.append(features.pooled(resize(batch, SEEN)).float().cpu())
    return torch.cat(parts)


@torch.inference_mode()
def plain_vectors(pictures: Pixels) -> Tensor:
    """Return colours at 8 x 8 places, and at four scales how strong edges across and down are and vary, [N, 208]."""
    x = to_floats(torch.from_numpy(pictures))  # [N, 3, side, side]
    colours = resize(x, 8).flatten(1)  # [N, 192]
    strengths = []
    for _ in range(4):
        grey = x.mean(dim=1)  # [N, side, side]
        for edges in (grey.diff(dim=1).abs(), grey.diff(dim=2).abs()):
            size = edges.mean(dim=(1, 2))
            strengths += [size, edges.std(dim=(1, 2))]
        x = functional.avg_pool2d(x, 2)
    # Edges are much weaker than colours: brought to about the same size.
    return torch.cat([colours, 8 * torch.stack(strengths, dim=1)], dim=1)


def kid(ours: Tensor, theirs: Tensor) -> float:
    """Return the squared kernel distance of two sets of vectors [N, D] and [M, D].

    The unbiased estimate: around 0 (also below it) for sets from one source. The kernel is (x . y / D + 1)^3.

    Raises:
        ValueError: a set has fewer than two vectors.
    """
    count, other = len(ours), len(theirs)
    if min(count, other) < 2:
        raise ValueError("a distance needs at least two pictures on both sides")
    ours, theirs = ours.double(), theirs.double()
    within = _kernel(ours, ours)
    across = _kernel(theirs, theirs)
    own = (within.sum() - within.diagonal().sum()) / (count * (count - 1))
    their = (across.sum() - across.diagonal().sum()) / (other * (other - 1))
    return float(own + their - 2 * _kernel(ours, theirs).mean())


def _kernel(ours: Tensor, theirs: Tensor) -> Tensor:
    return (ours @ theirs.T / ours.shape[1] + 1) ** 3


def diversity(some: Tensor) -> float:
    """Return the mean distance between any two of the vectors [N, D], each brought to length 1."""
    unit = functional.normalize(some.double(), dim=1)
    count = len(unit)
    return float(torch.cdist(unit, unit).sum() / (count * (count - 1)))
