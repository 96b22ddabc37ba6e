"""Paintings to learn from: a tar of WebP pictures and JSON, read into one array and split by painting.

The tar is in webdataset's style: ``KEY.webp`` and ``KEY.json`` for each picture, of which ``style``, ``painting`` and
``crop`` are read. Several crops come from one painting, so a crop's side of the split is that of its painting.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

HELD_OUT = 20
"""One painting in so many is never trained on."""
DETAIL = "z"
"""Crops with this letter first show a part of a painting: they teach brushwork, the others composition."""
DETAIL_SHARE = 0.35
"""Of a style that has both, how much of what is learned from are details: unweighted it would be most of Van Gogh."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Paintings:
    """Pictures with what is known of them."""

    styles: tuple[str, ...]
    """Names, which ``style`` points into."""
    pixels: Pixels
    """[N, size, size, 3]."""
    style: NDArray[np.int64]
    """[N]."""
    painting: NDArray[np.int64]
    """Of which painting each is a crop, [N]."""
    detail: NDArray[np.bool_]
    """Whether it is a crop from within a painting, [N]."""

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, rows: NDArray[Any]) -> Paintings:
        return Paintings(
            self.styles, self.pixels[rows], self.style[rows], self.painting[rows], self.detail[rows]
        )


def read_paintings(tar: Path, size: int, styles: Sequence[str] = ()) -> Paintings:
    """Read the pictures of a tar, made ``size`` pixels wide and high.

    Args:
        tar: webdataset-like, of square pictures.
        size: side in pixels; larger pictures are reduced (Lanczos).
        styles: which to read, in this order; all of them in the order of the alphabet if not given.

    Raises:
        OSError: the file is missing or no tar.
        ValueError: it has no picture of these styles, or smaller ones than asked for.
    """
    found: list[tuple[dict[str, Any], Pixels]] = []
    for facts, picture in _samples(tar):
        if styles and facts["style"] not in styles:
            continue
        if min(picture.size) < size:
            raise ValueError(f"{tar} has pictures of {min(picture.size)} pixels, too small for {size}")
        if picture.size != (size, size):
            picture = picture.resize((size, size), Image.Resampling.LANCZOS)
        found.append((facts, np.asarray(picture)))
    if not found:
        raise ValueError(f"{tar} has no pictures of the styles {', '.join(styles) or 'at all'}")
    names = tuple(styles) or tuple(sorted({facts["style"] for facts, _ in found}))
    return Paintings(
        styles=names,
        pixels=np.stack([pixels for _, pixels in found]),
        style=np.array([names.index(facts["style"]) for facts, _ in found]),
        painting=np.array([facts["painting"] for facts, _ in found]),
        detail=np.array([facts["crop"].startswith(DETAIL) for facts, _ in found]),
    )


def _samples(tar: Path) -> Iterator[tuple[dict[str, Any], Image.Image]]:
    pictures: dict[str, bytes] = {}
    facts: dict[str, dict[str, Any]] = {}
    try:
        with tarfile.open(tar, "r:") as archive:
            for member in archive:
                key, _, kind = member.name.rpartition(".")
                file = archive.extractfile(member)
                if file is None:
                    continue
                if kind == "json":
                    facts[key] = json.loads(file.read())
                else:
                    pictures[key] = file.read()
                if key in facts and key in pictures:
                    with Image.open(BytesIO(pictures.pop(key)), formats=["WEBP", "PNG"]) as picture:
                        yield facts.pop(key), picture.convert("RGB")
    except tarfile.TarError as error:
        raise OSError(f"{tar} cannot be read: {error}") from error


def held_out(painting: int) -> bool:
    """Tell whether a painting is kept for measuring: by a hash of its number, so the same for ever and everywhere."""
    digest = hashlib.sha256(str(painting).encode()).digest()
    return int.from_bytes(digest[:8], "big") % HELD_OUT == 0


def split(paintings: Paintings) -> tuple[Paintings, Paintings]:
    """Return the pictures to train on and the ones held out. No painting has crops in both."""
    kept = np.array([held_out(int(number)) for number in paintings.painting])
    return paintings[~kept], paintings[kept]


def weights(paintings: Paintings) -> NDArray[np.float64]:
    """Return how often each picture is drawn, [N], adding up to 1.

    A style counts by the square root of its number of pictures: by the number itself, Louvre landscapes would be a
    third of all that is seen; all alike, 240 still lifes would be seen seven times as often as they.
    """
    weight = np.zeros(len(paintings))
    for style in range(len(paintings.styles)):
        whole = (paintings.style == style) & ~paintings.detail
        detail = (paintings.style == style) & paintings.detail
        share = DETAIL_SHARE if whole.any() and detail.any() else float(detail.any())
        total = np.sqrt(whole.sum() + detail.sum())
        weight[whole] = total * (1 - share) / max(1, whole.sum())
        weight[detail] = total * share / max(1, detail.sum())
    weight /= weight.sum()
    return weight


class Batches:
    """Draws batches of pictures for ever, mirrored half of the time, and can go on after a restart."""

    def __init__(self, paintings: Paintings, batch_size: int, device: torch.device, seed: int) -> None:
        self.batch_size = batch_size
        self.device = device
        # All of them stay on the device, as bytes: 246 MB at 128 pixels.
        self.pixels = torch.from_numpy(paintings.pixels).to(device)  # [N, size, size, 3]
        self.style = torch.from_numpy(paintings.style).to(device)  # [N]
        self.weights = torch.from_numpy(weights(paintings))  # [N]
        self.generator = torch.Generator().manual_seed(seed)

    def next(self) -> tuple[Tensor, Tensor]:
        """Return pictures [B, 3, size, size] from -1 to 1, and the numbers of their styles [B]."""
        rows = torch.multinomial(self.weights, self.batch_size, replacement=True, generator=self.generator)
        mirrored = torch.rand(self.batch_size, generator=self.generator) < 0.5  # [B]
        rows, mirrored = rows.to(self.device), mirrored.to(self.device)
        pixels = self.pixels[rows]  # [B, size, size, 3]
        pixels = torch.where(mirrored[:, None, None, None], pixels.flip(2), pixels)
        return to_floats(pixels), self.style[rows]

    def state_dict(self) -> dict[str, Tensor]:
        """Return all that is needed to go on from here."""
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from where ``state_dict`` was called."""
        self.generator.set_state(state["generator"].cpu())


def to_floats(pixels: Tensor) -> Tensor:
    """Turn bytes [B, size, size, 3] into what the networks see: [B, 3, size, size] from -1 to 1, channels last."""
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1


def to_bytes(pictures: Tensor) -> Pixels:
    """Turn pictures [B, 3, size, size] from -1 to 1 into bytes [B, size, size, 3]."""
    pixels = ((pictures.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    array: Pixels = pixels.permute(0, 2, 3, 1).cpu().numpy()
    return array
