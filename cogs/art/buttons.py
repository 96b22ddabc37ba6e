"""What stands under pictures; each item's custom id carries its card's code."""

from __future__ import annotations

import asyncio
from typing import Any, Literal, cast

import discord
import msgspec

from bot.errors import UserError
from bot.inference.messages import ArtRequest, MixRequest, PrintRequest, VerdictRequest
from bot.replies import DurableItem, Interaction, apologise, defer, deliver, finish
from cogs.art.explain import explanation, training
from cogs.art.spots import painted, spot, spot_of
from cogs.art.words import (
    ALL_STYLES,
    MIX_SIDE,
    MOST_NEIGHBOURS,
    SEED_LENGTH,
    SIDES,
    new_seed,
    request_of,
)

Form = Literal["deck", "desktop", "phone"]
FORMS: dict[Form, str] = {
    "deck": "A skateboard deck",
    "desktop": "A wallpaper for a desktop (2560 × 1440)",
    "phone": "A wallpaper for a phone (1440 × 2560)",
}
EMOJI: dict[Form, str] = {"deck": "🛹", "desktop": "🖥️", "phone": "📱"}


class PickButton(DurableItem, template=r"art-pick:(?P<code>\w+-\w+):(?P<number>[0-8])"):
    """Shows one picture of a card in large."""

    def __init__(self, code: str, number: str) -> None:
        label = str(int(number) + 1)
        super().__init__(
            discord.ui.Button(
                label=label, custom_id=f"art-pick:{code}:{number}", style=discord.ButtonStyle.primary
            )
        )
        self.code, self.number = code, int(number)

    async def act(self, interaction: Interaction) -> None:
        """Paint it again, larger."""
        card = await painted(interaction.client.results, self.code)
        await deliver(interaction, request_of(spot(card, self.number)))


class VariationsSelect(DurableItem, template=r"art-near:(?P<code>\w+-\w+)"):
    """Paints neighbours of one of a card's pictures."""

    def __init__(self, code: str, count: int = 1) -> None:
        options = [
            discord.SelectOption(label=f"Variations of picture {number + 1}", value=str(number))
            for number in range(count)
        ]
        super().__init__(
            discord.ui.Select(custom_id=f"art-near:{code}", placeholder="Variations of …", options=options)
        )
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Paint four that lie close to it."""
        card = await painted(interaction.client.results, self.code)
        picks = spot(card, int(self.item.values[0])).picks
        assert isinstance(card.request, ArtRequest)
        await deliver(interaction, neighbours(card.request, picks))


class VariationsButton(DurableItem, template=r"art-vary:(?P<code>\w+-\w+)"):
    """Paints neighbours of a picture that is shown alone."""

    def __init__(self, code: str) -> None:
        super().__init__(
            discord.ui.Button(
                label="Variations",
                emoji="🎨",
                custom_id=f"art-vary:{code}",
                style=discord.ButtonStyle.primary,
            )
        )
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Paint four that lie close to it."""
        card = await painted(interaction.client.results, self.code)
        assert isinstance(card.request, ArtRequest)
        await deliver(interaction, neighbours(card.request, spot(card, 0).picks))


def neighbours(request: ArtRequest, picks: tuple[int, ...]) -> ArtRequest:
    """Return the request for four pictures close to one.

    Raises:
        UserError: that one is too far from where the walk has begun.
    """
    if len(picks) > MOST_NEIGHBOURS:
        raise UserError("That is as far as I can follow the neighbours. Please begin anew with /art.")
    return msgspec.structs.replace(request, count=4, neighbours_of=picks, variation=0, side=SIDES[4])


class AnotherButton(DurableItem, template=r"art-again:(?P<code>\w+-\w+)"):
    """Paints other pictures in the same style."""

    def __init__(self, code: str, row: int | None = None) -> None:
        super().__init__(
            discord.ui.Button(label="Another", emoji="🎲", custom_id=f"art-again:{code}", row=row)
        )
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Paint with a fresh seed."""
        request = (await painted(interaction.client.results, self.code)).request
        assert isinstance(request, ArtRequest)
        await deliver(
            interaction, msgspec.structs.replace(request, seed=new_seed(), neighbours_of=(), variation=0)
        )


class StyleSelect(DurableItem, template=r"art-style:(?P<code>\w+-\w+)"):
    """Paints the same places in another style."""

    def __init__(self, code: str) -> None:
        options = [discord.SelectOption(label=label, value=style) for style, label in ALL_STYLES.items()]
        super().__init__(
            discord.ui.Select(
                custom_id=f"art-style:{code}", placeholder="The same seed in another style", options=options
            )
        )
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Paint in the chosen style."""
        request = (await painted(interaction.client.results, self.code)).request
        assert isinstance(request, ArtRequest)
        await deliver(interaction, msgspec.structs.replace(request, style=self.item.values[0]))


class ExplainButton(DurableItem, template=r"art-explain:(?P<code>\w+-\w+)"):
    """Tells how pictures came about."""

    def __init__(self, code: str, row: int | None = None) -> None:
        super().__init__(
            discord.ui.Button(label="Explain", emoji="🔍", custom_id=f"art-explain:{code}", row=row)
        )
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Explain in private, with a button to the replay of the training."""
        embed = explanation(await painted(interaction.client.results, self.code))
        view = discord.ui.View(timeout=None)
        view.add_item(TrainingButton())
        await interaction.response.send_message(embed=embed, view=view, ephemeral=True)


class TrainingButton(DurableItem, template=r"art-training"):
    """Shows how the networks learned."""

    def __init__(self) -> None:
        super().__init__(discord.ui.Button(label="Watch it learn", emoji="🎞️", custom_id="art-training"))

    async def act(self, interaction: Interaction) -> None:
        """Show the replay in private."""
        await defer(interaction, private=True)
        await finish(interaction, await asyncio.to_thread(training))


class MixButton(DurableItem, template=r"art-mix:(?P<code>\w+-\w+)"):
    """Asks for another picture to walk to."""

    def __init__(self, code: str) -> None:
        super().__init__(discord.ui.Button(label="Mix with …", emoji="🔀", custom_id=f"art-mix:{code}"))
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Ask."""
        await interaction.response.send_modal(MixModal(self.code))


class MixModal(discord.ui.Modal, title="Mix two pictures"):
    """Takes a name or a code."""

    other: discord.ui.TextInput[MixModal] = discord.ui.TextInput(
        label="With whom?",
        placeholder="A friend's name, or the code of a picture: art-7K3F",
        custom_id="other",
        max_length=SEED_LENGTH,
    )

    def __init__(self, code: str) -> None:
        super().__init__()
        self._code = code

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """Walk there, and apologise for what goes wrong."""
        try:
            here = spot(await painted(interaction.client.results, self._code), 0)
            there = await spot_of(interaction, self.other.value, style=here.style, creativity=here.creativity)
            await deliver(interaction, MixRequest(a=here, b=there, side=MIX_SIDE))
        except Exception as error:
            await apologise(interaction, error)


class VerdictButton(DurableItem, template=r"art-verdict:(?P<code>\w+-\w+)"):
    """Asks the cashier."""

    def __init__(self, code: str) -> None:
        super().__init__(
            discord.ui.Button(label="Ask the cashier", emoji="💵", custom_id=f"art-verdict:{code}")
        )
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Have the picture judged."""
        card = await painted(interaction.client.results, self.code)
        await deliver(interaction, VerdictRequest(spot=spot(card, 0)))


class PrintSelect(DurableItem, template=r"art-print:(?P<code>\w+-\w+)"):
    """Puts a picture on something."""

    def __init__(self, code: str) -> None:
        options = [
            discord.SelectOption(label=label, value=form, emoji=EMOJI[form]) for form, label in FORMS.items()
        ]
        super().__init__(
            discord.ui.Select(custom_id=f"art-print:{code}", placeholder="Make it …", options=options)
        )
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Print it."""
        card = await painted(interaction.client.results, self.code)
        form = cast(Form, self.item.values[0])
        await deliver(interaction, PrintRequest(spot=spot(card, 0), form=form))


class RemakeButton(DurableItem, template=r"art-remake:(?P<code>\w+-\w+)"):
    """Makes an answer again whose picture was too large to be kept."""

    def __init__(self, code: str) -> None:
        super().__init__(discord.ui.Button(label="Make it again", emoji="🔄", custom_id=f"art-remake:{code}"))
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Ask the same again: the same request gives the same answer."""
        request = (await painted(interaction.client.results, self.code)).request
        await deliver(interaction, request)


BUTTONS = (
    PickButton,
    VariationsSelect,
    VariationsButton,
    AnotherButton,
    StyleSelect,
    ExplainButton,
    TrainingButton,
    MixButton,
    VerdictButton,
    PrintSelect,
    RemakeButton,
)
