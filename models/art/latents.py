"""Where pictures come from: a seed, in words or a number, becomes the same point of chance on every machine.

torch's random numbers depend on the device and its version, numpy's normal numbers may change with its version. What
numpy promises for ever are the raw bits of its generators, so normal numbers are made from these here.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Latent = NDArray[np.float32]

NEIGHBOUR_ANGLE = 0.45
"""How far a neighbour lies from its picture, in radians; half a turn of pi / 2 is another picture altogether."""
MOST_SEED = 2**64 - 1


def seed_number(seed: str) -> int:
    """Return the number of a seed: itself if it is one of up to 64 bits, else a hash of its words.

    Case and spaces do not count, so that a name paints the same picture however it is typed.
    """
    words = " ".join(unicodedata.normalize("NFKC", seed).casefold().split())
    if re.fullmatch(r"[0-9]{1,20}", words) and int(words) <= MOST_SEED:
        return int(words)
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big")


def normals(key: Sequence[int], count: int) -> Latent:
    """Return ``count`` normal numbers that depend on ``key`` alone (Box and Muller 1958)."""
    bits = np.random.PCG64(np.random.SeedSequence(list(key))).random_raw(2 * ((count + 1) // 2))
    # 53 bits each, moved by half a step, since the logarithm of 0 is infinite.
    uniform = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    radius, angle = np.sqrt(-2 * np.log(uniform[0::2])), 2 * np.pi * uniform[1::2]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return pairs.reshape(-1)[:count].astype(np.float32)


def latent(seed: str, path: Sequence[int], size: int) -> Latent:
    """Return the latent of one picture, [size].

    Args:
        seed: a number or any words.
        path: which of the seed's pictures, from 0; then which of that one's neighbours, and so on.
        size: of the latent.
    """
    number = seed_number(seed)
    key = [number & 0xFFFFFFFF, number >> 32, path[0]]
    here = normals(key, size)
    for step in path[1:]:
        key.append(step)
        # Turned, not moved: the neighbours of neighbours of a normal vector are normal vectors too.
        away = normals(key, size)
        here = np.cos(NEIGHBOUR_ANGLE) * here + np.sin(NEIGHBOUR_ANGLE) * away
    return here.astype(np.float32)
