"""What a painting is before it is painted: a sketch and what it shows, in about a hundred numbers.

The principal components of small thumbnails (where is what colour) and of what EfficientNet-Lite2 knows of a picture
(what is it, and in which brushwork). They are computed from the training paintings in a minute, not learned by descent.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from models.art import data
from models.art.features import Features, resize


class Encoder(nn.Module):
    """Turns paintings into codes: projections on principal components, each of mean 0 and variance 1.

    Args:
        side: of the thumbnails in pixels.
        size: of the vectors that come with them.
        sketch: components of the thumbnails.
        deep: components of the vectors.
    """

    mean: Tensor
    basis: Tensor
    deep_mean: Tensor
    deep_basis: Tensor

    def __init__(self, side: int, size: int, sketch: int, deep: int) -> None:
        super().__init__()
        self.side = side
        self.register_buffer("mean", torch.zeros(3 * side**2))
        self.register_buffer(
            "basis", torch.zeros(3 * side**2, sketch)
        )  # times a code: a thumbnail less the mean
        self.register_buffer("deep_mean", torch.zeros(size))
        self.register_buffer("deep_basis", torch.zeros(size, deep))

    def fit(self, thumbnails: Tensor, vectors: Tensor) -> None:
        """Compute the components of thumbnails [N, 3 * side ** 2] and vectors [N, size] of the same pictures.

        Raises:
            ValueError: there are fewer pictures than components.
        """
        pairs = ((self.mean, self.basis, thumbnails), (self.deep_mean, self.deep_basis, vectors))
        for mean, basis, rows in pairs:
            if len(rows) <= basis.shape[1]:
                raise ValueError(f"{len(rows)} pictures are too few for {basis.shape[1]} components")
            mean.copy_(rows.mean(dim=0))
            values, directions = torch.linalg.eigh(rows.double().cpu().T.cov())  # smallest first
            most = slice(-basis.shape[1], None)
            scaled = directions[:, most] * values[most].clamp(min=1e-8).sqrt()
            basis.copy_(scaled.flip(1).float())

    def forward(self, thumbnails: Tensor, vectors: Tensor) -> Tensor:
        """Return codes [N, sketch + deep] of thumbnails [N, 3 * side ** 2] and vectors [N, size]."""
        parts = []
        for mean, basis, rows in (
            (self.mean, self.basis, thumbnails),
            (self.deep_mean, self.deep_basis, vectors),
        ):
            # The columns are orthogonal, as long as the spread along them.
            parts.append((rows - mean) @ (basis / (basis.square().sum(dim=0) + 1e-8)))
        return torch.cat(parts, dim=1)

    def thumbnails(self, pictures: Tensor) -> Tensor:
        """Return thumbnails [N, 3 * side ** 2] of pictures [N, 3, ...]."""
        return resize(pictures, self.side).flatten(1)


@torch.inference_mode()
def both_vectors(features: Features, encoder: Encoder, pixels: data.Pixels) -> tuple[Tensor, Tensor]:
    """Return thumbnails [2 N, ...] and vectors [2 N, POOLED] of pictures [N, side, side, 3], then of their mirrors."""
    device: Any = features.stem.weight.device
    thumbnails, vectors = [], []
    pictures = torch.from_numpy(pixels)
    for mirrored in (False, True):
        for part in pictures.split(64):
            batch = data.to_floats((part.flip(2) if mirrored else part).to(device))
            thumbnails.append(encoder.thumbnails(batch))
            vectors.append(features.pooled(batch).float())
    return torch.cat(thumbnails), torch.cat(vectors)
