"""What people name is found: pictures by the codes of their cards, or by any words for a seed."""

from __future__ import annotations

import re

from discord import app_commands

from bot.errors import UserError
from bot.inference.catalogue import NETWORKS
from bot.inference.codes import ALPHABET
from bot.inference.jobs import Finished
from bot.inference.messages import ArtRequest, Canvas, Spot
from bot.replies import Interaction
from bot.results import Results
from cogs.art.words import ANY, CREATIVITY

PREFIX = "art-"
CODE = re.compile(rf"`?({PREFIX}[{ALPHABET}]{{4}})`?(?:\s*#?\s*(\d+))?", re.IGNORECASE)
"""A card, perhaps with the number of one of its pictures: ``art-7K3F``, ``art-7K3F #2``; but ``art-deco`` is a seed."""
OTHER = re.compile(rf"`?((?:{'|'.join(NETWORKS)})-[0-9A-Z]{{4}})`?(?:\s*#?\s*\d+)?")
"""The code of another answer, or a mistyped one; in capitals, as codes are: ``mix-tape`` is a seed."""


async def painted(results: Results, code: str) -> Finished:
    """Return the card of this code.

    Raises:
        UserError: it is not kept any more.
    """
    return await results.require(
        code, "I have forgotten this picture. Please ask me for another one with /art."
    )


def spot(answered: Finished, number: int) -> Spot:
    """Return where a picture of a card lies.

    Args:
        answered: the card.
        number: of the picture, from 0.

    Raises:
        UserError: it has no such picture.
    """
    request, canvas = answered.request, answered.result
    assert isinstance(request, ArtRequest)
    assert isinstance(canvas, Canvas)
    if not 0 <= number < len(canvas.picks):
        there = "one picture" if len(canvas.picks) == 1 else f"pictures 1 to {len(canvas.picks)}"
        raise UserError(f"`{answered.code}` has {there}.")
    return Spot(
        style=request.style, seed=request.seed, picks=canvas.picks[number], creativity=request.creativity
    )


async def spot_of(
    interaction: Interaction,
    text: str,
    *,
    style: str = ANY,
    creativity: float = CREATIVITY,
    seeds: bool = True,
) -> Spot:
    """Return the picture that somebody names.

    Args:
        interaction: theirs.
        text: a card's code, perhaps with the number of a picture; or a seed.
        style: of a seed; a card has its own.
        creativity: of a seed; a card has its own.
        seeds: whether a seed will do.

    Raises:
        UserError: there is no such card, or it is not for this person.
    """
    match = CODE.fullmatch(text.strip())
    if match is None:
        other = OTHER.fullmatch(text.strip())
        if other is not None or not seeds:
            raise UserError(
                f"`{other[1] if other else text.strip('`')}` is not the code of a picture. Those of /art look like "
                "`art-7K3F`, or `art-7K3F #2` for its second one"
                + (", and any words are a seed." if seeds else ".")
            )
        return Spot(style=style, seed=text, creativity=creativity)
    code = PREFIX + match[1][len(PREFIX) :].upper()
    answered = await painted(interaction.client.results, code)
    # As with /show: what others could see is for those who could, the people of that server.
    here = answered.guild is not None and answered.guild == interaction.guild_id
    if answered.owner != interaction.user.id and not here:
        raise UserError(f"`{code}` is somebody else's, and not from here.")
    return spot(answered, int(match[2] or 1) - 1)


async def codes_or_seed(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Suggest one's own latest cards, but nothing in the place of a name or a seed that somebody types."""
    typed = current.strip().lower()
    if typed and not typed.startswith(PREFIX) and not PREFIX.startswith(typed):
        return [app_commands.Choice(name=current, value=current)]
    return await own_codes(interaction, current)


async def own_codes(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Suggest one's own latest cards."""
    typed = current.strip()
    part = PREFIX
    if typed.lower().startswith(PREFIX):
        part += typed[len(PREFIX) :].upper()
    codes = await interaction.client.store.codes(interaction.user.id, part)
    return [app_commands.Choice(name=code, value=code) for code in codes if code.startswith(PREFIX)]
