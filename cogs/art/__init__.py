"""/art, /art-mix and /art-deck: a GAN paints what a seed leads it to."""

from __future__ import annotations

from typing import cast

from discord import app_commands
from discord.ext import commands

from bot.client import NeuralBot
from bot.desk import Presentation
from bot.inference.messages import ArtRequest, MixRequest, PrintRequest
from bot.replies import Interaction, deliver
from cogs.art.answers import render, render_print, render_walk
from cogs.art.buttons import BUTTONS, FORMS, Form
from cogs.art.spots import codes_or_seed, spot_of
from cogs.art.words import ALL_STYLES, ANY, CREATIVITY, LEAST, MIX_SIDE, MOST, SEED_LENGTH, SIDES

__all__ = ["Art", "setup"]

Seed = app_commands.Range[str, 1, SEED_LENGTH]
Creativity = app_commands.Range[float, LEAST, MOST]
STYLE_CHOICES = [app_commands.Choice(name=label, value=style) for style, label in ALL_STYLES.items()]
DESCRIPTIONS = {
    "style": "In the manner of which paintings",
    "creativity": f"{LEAST} (safe) to {MOST} (wild); {CREATIVITY} if you do not say",
}


class Art(commands.Cog):
    """Paints."""

    def __init__(self, bot: NeuralBot) -> None:
        self.bot = bot

    async def cog_load(self) -> None:
        """Register what the cog's decorators cannot."""
        self.bot.add_dynamic_items(*BUTTONS)
        self.bot.desk.present("art", Presentation(render=render))
        self.bot.desk.present("mix", Presentation(render=render_walk))
        self.bot.desk.present("deck", Presentation(render=render_print))

    async def cog_unload(self) -> None:
        """Take it back."""
        self.bot.remove_dynamic_items(*BUTTONS)

    @app_commands.command()
    @app_commands.describe(
        seed="A number or any words: your name paints if you leave it out",
        count="How many pictures",
        **DESCRIPTIONS,
    )
    @app_commands.choices(style=STYLE_CHOICES)
    @app_commands.choices(count=[app_commands.Choice(name=str(count), value=count) for count in SIDES])
    async def art(
        self,
        interaction: Interaction,
        style: str = ANY,
        seed: Seed | None = None,
        creativity: Creativity = CREATIVITY,
        count: int = 4,
    ) -> None:
        """Have a neural network paint. The same seed always gives the same pictures."""
        request = ArtRequest(
            style=style,
            seed=interaction.user.display_name if seed is None else seed,
            creativity=creativity,
            count=count,
            side=SIDES[count],
        )
        await deliver(interaction, request)

    @app_commands.command(name="art-mix")
    @app_commands.describe(
        first="A name, or the code of a picture: art-7K3F, or art-7K3F #2 for its second one",
        second="Another name or code",
        **DESCRIPTIONS,
    )
    @app_commands.choices(style=STYLE_CHOICES)
    @app_commands.autocomplete(first=codes_or_seed, second=codes_or_seed)
    async def mix(
        self,
        interaction: Interaction,
        first: Seed,
        second: Seed,
        style: str = ANY,
        creativity: Creativity = CREATIVITY,
    ) -> None:
        """Walk from one picture to another, as an animation that loops."""
        a = await spot_of(interaction, first, style=style, creativity=creativity)
        b = await spot_of(interaction, second, style=style, creativity=creativity)
        await deliver(interaction, MixRequest(a=a, b=b, side=MIX_SIDE))

    @app_commands.command(name="art-deck")
    @app_commands.describe(
        picture="The code of a picture (art-7K3F, or art-7K3F #2 for its second one), or a seed",
        form="A skateboard deck if you do not say",
        **DESCRIPTIONS,
    )
    @app_commands.choices(
        style=STYLE_CHOICES,
        form=[app_commands.Choice(name=label, value=form) for form, label in FORMS.items()],
    )
    @app_commands.autocomplete(picture=codes_or_seed)
    async def deck(
        self,
        interaction: Interaction,
        picture: Seed,
        form: str = "deck",
        style: str = ANY,
        creativity: Creativity = CREATIVITY,
    ) -> None:
        """Put a picture on a skateboard deck, or make a wallpaper of it."""
        spot = await spot_of(interaction, picture, style=style, creativity=creativity)
        await deliver(interaction, PrintRequest(spot=spot, form=cast(Form, form)))


async def setup(bot: NeuralBot) -> None:
    """Add the cog; called by ``load_extension``."""
    await bot.add_cog(Art(bot))
