"""The painting network's words for styles and scores, and what a person reads."""

from __future__ import annotations

import secrets

import discord

from bot.inference.messages import ArtRequest, Spot

ANY = "any"
STYLES = {
    "van_gogh": "Vincent van Gogh",
    "impressionist": "Impressionists",
    "landscape": "Landscape",
    "masterpiece": "Famous masterpiece",
    "portrait": "Portrait",
    "still_life": "Still life",
    "genre_scene": "Scene of daily life",
    "chinese_landscape": "Chinese landscape",
}
"""The network's words for styles, and what a person reads."""
ALL_STYLES = {ANY: "Any style"} | STYLES

CREATIVITY = 0.7
LEAST, MOST = 0.3, 1.2
"""Creativity: the network's bounds."""
SEED_LENGTH = 100
SIDES = {1: 1024, 4: 512, 9: 340}
"""Pixels of each picture, by how many a card has: large ones alone, all together about 1,000 across."""
MIX_SIDE = 384
MOST_NEIGHBOURS = 7
"""Neighbours of neighbours of neighbours: so far the network follows."""
SEEDS = 2**31

VERDICTS = (
    (0.1, "Wouldn't fool anyone"),
    (0.3, "By candlelight, perhaps, and from afar"),
    (0.5, "I would hold it against the light"),
    (0.7, "I would look twice, and then take it"),
    (0.9, "Into the till with it"),
    (1.1, "Take my hundred dollars"),
)
"""What the cashier says up to which score."""


def new_seed() -> str:
    """Draw a seed now, so that the picture can be painted again."""
    return str(secrets.randbelow(SEEDS))


def verdict(score: float) -> str:
    """Return what the cashier says of a picture that it scores so, from 0 to 1."""
    return next(words for bound, words in VERDICTS if score < bound)


def named(seed: str) -> str:
    """Return how a seed is spoken of: a number as it is, words in quotes."""
    return f"seed {seed}" if seed.strip().isdecimal() else f"“{discord.utils.escape_markdown(seed)}”"


def in_words(request: ArtRequest | Spot) -> str:
    """Return all that one needs to paint this again: style, seed and creativity."""
    return f"{ALL_STYLES.get(request.style, request.style)} · {named(request.seed)} · creativity {request.creativity:g}"


def way(picks: tuple[int, ...]) -> str:
    """Return the way to a picture of a seed: "picture 3", "picture 3, neighbour 1"."""
    first, *others = picks
    return ", ".join([f"picture {first + 1}", *(f"neighbour {pick + 1}" for pick in others)])


def request_of(spot: Spot) -> ArtRequest:
    """Return the request that paints one picture in large."""
    *neighbours_of, variation = spot.picks
    return ArtRequest(
        style=spot.style,
        seed=spot.seed,
        creativity=spot.creativity,
        count=1,
        neighbours_of=tuple(neighbours_of),
        variation=variation,
        side=SIDES[1],
    )
