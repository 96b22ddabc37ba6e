"""How pictures, walks and prints are shown."""

from __future__ import annotations

import io

import discord

from bot.inference.jobs import Finished
from bot.inference.messages import ArtRequest, Canvas, MixRequest, Print, PrintRequest, Walk
from bot.places import Answer
from bot.replies import COLOUR, small_print
from cogs.art.buttons import (
    EMOJI,
    AnotherButton,
    ExplainButton,
    MixButton,
    PickButton,
    PrintSelect,
    RemakeButton,
    StyleSelect,
    VariationsButton,
    VariationsSelect,
    VerdictButton,
)
from cogs.art.words import in_words, named, way

ALT_LENGTH = 1024
"""Discord's limit for the description of a file."""
TITLE_LENGTH = 256
"""Discord's limit for the title of an embed."""
LAST_ROW = 4
NOT_KEPT = "This was too large to be kept. The same request gives the same picture: press the button."


def render(answered: Finished) -> Answer:
    """Show the pictures of a card, with all that one can do with them."""
    request, canvas = answered.request, answered.result
    assert isinstance(request, ArtRequest)
    assert isinstance(canvas, Canvas)  # the worker validated it
    count = len(canvas.picks)
    embed = discord.Embed(title=_title(named(request.seed)), colour=COLOUR)
    if request.neighbours_of and count > 1:
        embed.description = f"Neighbours of {way(request.neighbours_of)}. Press a number to see one large."
    elif count > 1:
        embed.description = "Press a number to see one large."
    elif canvas.picks[0] != (0,):
        embed.description = way(canvas.picks[0]).capitalize()
    embed.set_image(url="attachment://art.webp")
    embed.set_footer(text=_plain(f"{in_words(request)} · {small_print(answered)}"))
    what = "A picture" if count == 1 else f"{count} numbered pictures"
    picture = _file(canvas.picture, "art.webp", f"{what} painted by a neural network: {in_words(request)}")
    view = discord.ui.View(timeout=None)
    code = answered.code
    if count == 1:
        for kind in (VariationsButton, MixButton, AnotherButton, VerdictButton, ExplainButton):
            view.add_item(kind(code))
        view.add_item(PrintSelect(code))
        view.add_item(StyleSelect(code))
    else:
        for number in range(count):
            view.add_item(PickButton(code, str(number)))
        view.add_item(VariationsSelect(code, count))
        view.add_item(StyleSelect(code))
        view.add_item(AnotherButton(code, row=LAST_ROW))
        view.add_item(ExplainButton(code, row=LAST_ROW))
    return Answer(embed=embed, files=[picture], view=view)


def render_walk(answered: Finished) -> Answer:
    """Show an animated walk between two pictures."""
    request, walk = answered.request, answered.result
    assert isinstance(request, MixRequest)
    assert isinstance(walk, Walk)  # the worker validated it
    title = f"{named(request.a.seed)} ⇄ {named(request.b.seed)}"
    embed = discord.Embed(
        title=_title(title),
        description="From one picture to the other, and back on another way.",
        colour=COLOUR,
    )
    both = f"{in_words(request.a)} ⇄ {in_words(request.b)}"
    embed.set_footer(text=_plain(f"{both} · {small_print(answered)}"))
    if not walk.animation:
        return _not_kept(embed, answered.code)
    embed.set_image(url="attachment://walk.webp")
    return Answer(embed=embed, files=[_file(walk.animation, "walk.webp", f"An animation: {both}")])


def render_print(answered: Finished) -> Answer:
    """Show a picture on a skateboard deck, or as a wallpaper."""
    request, printed = answered.request, answered.result
    assert isinstance(request, PrintRequest)
    assert isinstance(printed, Print)  # the worker validated it
    what = "on a skateboard deck" if request.form == "deck" else f"as a wallpaper for a {request.form}"
    embed = discord.Embed(
        title=_title(f"{EMOJI[request.form]} {named(request.spot.seed)} {what}"), colour=COLOUR
    )
    embed.set_footer(
        text=_plain(f"{in_words(request.spot)} · {way(request.spot.picks)} · {small_print(answered)}")
    )
    if not printed.picture:
        return _not_kept(embed, answered.code)
    if request.form != "deck":
        embed.description = "Open it in the browser to save it in full size."
    name = f"{request.form}.jpg"
    embed.set_image(url=f"attachment://{name}")
    return Answer(
        embed=embed, files=[_file(printed.picture, name, f"A picture {what}: {in_words(request.spot)}")]
    )


def _not_kept(embed: discord.Embed, code: str) -> Answer:
    embed.description = NOT_KEPT
    view = discord.ui.View(timeout=None)
    view.add_item(RemakeButton(code))
    return Answer(embed=embed, view=view)


def _title(words: str) -> str:
    return (words[0].upper() + words[1:])[:TITLE_LENGTH]


def _plain(words: str) -> str:
    """Return a text for where Discord knows no markdown."""
    return words.replace("\\", "")


def _file(data: bytes, name: str, words: str) -> discord.File:
    """Return a picture with words for who cannot see it."""
    return discord.File(io.BytesIO(data), name, description=_plain(words)[:ALT_LENGTH])
