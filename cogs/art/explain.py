"""How a painting comes about, and how its painter has learned: in words, and as the replay of the training."""

from __future__ import annotations

import io

import discord

from bot import cards
from bot.inference.jobs import Finished
from bot.inference.messages import ArtRequest, Canvas
from bot.places import Answer
from bot.replies import COLOUR
from cogs.art.words import CREATIVITY, named, verdict

REPLAY = cards.MODELS / "art" / "weights" / "replay.webp"

TRAINING = (
    "A **counterfeiter** paints. A **cashier** is shown real paintings and forgeries, and "
    "says which is which. Each learns from the other's mistakes: the cashier to look closer, the counterfeiter to "
    "leave fewer traces."
)


def explanation(answered: Finished) -> discord.Embed:
    """Return the way from a seed to its pictures, and what the cashier says of them."""
    request, canvas = answered.request, answered.result
    assert isinstance(request, ArtRequest)
    assert isinstance(canvas, Canvas)
    network = cards.card("art").network
    embed = discord.Embed(
        title="How this was painted",
        description=(
            f"1. From {named(request.seed)} a list of random numbers is drawn: a **place** among all pictures that the "
            "network can paint. The same seed always leads to the same place.\n"
            "2. A small network turns it into a **sketch**: where it is light and dark, and in which colours. "
            f"Creativity {request.creativity:g} {_reach(request.creativity)}.\n"
            "3. The **counterfeiter** paints over the sketch from rough to fine: 4 pixels across, 8, 16 … up to 64. "
            "Close places give similar pictures: that is what Variations shows.\n"
            "4. The **finisher** draws that four times as large, with the strokes that belong there.\n"
            "5. The **cashier**, whom the counterfeiter learned to fool, has a last look.\n"
            f"-# Together they have {network.parameters / 1e6:.1f} million weights."
        ),
        colour=COLOUR,
    )
    lines = [
        f"`{number}` {score:.0%} · {verdict(score)}" for number, score in enumerate(canvas.scores, start=1)
    ]
    embed.add_field(
        name="How sure the cashier is that a human painted it", value="\n".join(lines), inline=False
    )
    return embed


def _reach(creativity: float) -> str:
    if creativity == CREATIVITY:
        return "leaves it as it is"
    where = "nearer to the middle of its style: safer" if creativity < CREATIVITY else "farther out: bolder"
    return f"draws it {where}"


def training() -> Answer:
    """Show how both networks learned. Reads a file: call it in a thread."""
    embed = discord.Embed(title="How the counterfeiter learned", description=TRAINING, colour=COLOUR)
    try:
        replay = REPLAY.read_bytes()
    except OSError:
        embed.set_footer(text="The replay of the training is missing here.")
        return Answer(embed=embed)
    embed.description = (
        f"{TRAINING}\n\nLeft: the same places, from noise to painting. Right: the **losses**, what each of "
        "the two still gets wrong. The cashier stays ahead, and that keeps the counterfeiter learning. Below: how far "
        "the forgeries are from paintings that neither has seen."
    )
    embed.set_image(url="attachment://replay.webp")
    words = (
        "An animation: noise becomes paintings, while the curves of the two losses and of the distance grow."
    )
    return Answer(embed=embed, files=[discord.File(io.BytesIO(replay), "replay.webp", description=words)])
