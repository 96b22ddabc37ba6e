"""What stands under estimates and the years ahead; each item's custom id carries its answer's code."""

from __future__ import annotations

import re
from typing import Any

import discord

from bot.errors import UserError
from bot.inference.jobs import Finished
from bot.inference.messages import CareerRequest, LessonRequest, SalaryRequest
from bot.places import Answer
from bot.replies import DurableItem, Interaction, apologise, defer, deliver, finish
from bot.results import Results
from cogs.salary import whatif

MOST_TYPED = 20
"""Characters of an amount of pay."""
THOUSAND = 1000


async def _read(results: Results, code: str) -> Finished:
    """Return the answer of this code.

    Raises:
        UserError: it is not kept any more.
    """
    return await results.require(code, "I have forgotten this answer. Please ask me again with /salary.")


def _person(answered: Finished) -> SalaryRequest:
    assert isinstance(answered.request, SalaryRequest)  # the code is that of an estimate
    return answered.request


class _ChoiceSelect(DurableItem, template=r"(?!)"):
    """Changes one thing about the person and estimates anew."""

    def __init__(self, code: str, name: str, placeholder: str, options: list[whatif.Option]) -> None:
        select: discord.ui.Select[discord.ui.View] = discord.ui.Select(
            custom_id=f"{name}:{code}",
            placeholder=placeholder,
            options=[discord.SelectOption(label=label, value=value) for label, value in options],
        )
        super().__init__(select)
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Estimate: in the same message for whose it is, in one of their own for others."""
        answered = await _read(interaction.client.results, self.code)
        person = whatif.changed(_person(answered), self.item.values[0])
        own = interaction.user.id == answered.owner
        await deliver(interaction, person, private=answered.private or not own, update=own)


class WhatIfSelect(_ChoiceSelect, template=r"salary-if:(?P<code>\w+-\w+)"):
    """Changes anything but the field."""

    def __init__(self, code: str, person: SalaryRequest | None = None) -> None:
        options = [("…", "…")] if person is None else whatif.options(person)
        super().__init__(code, "salary-if", "What if …", options)


class FieldSelect(_ChoiceSelect, template=r"salary-field:(?P<code>\w+-\w+)"):
    """Changes the field."""

    def __init__(self, code: str, person: SalaryRequest | None = None) -> None:
        options = [("…", "…")] if person is None else whatif.fields(person)
        super().__init__(code, "salary-field", "What if in another field …", options)


class CareerButton(DurableItem, template=r"salary-career:(?P<code>\w+-\w+)"):
    """Shows the years ahead."""

    def __init__(self, code: str, years: int = whatif.AHEAD) -> None:
        super().__init__(
            discord.ui.Button(label=f"Next {years} years", emoji="📈", custom_id=f"salary-career:{code}")
        )
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Draw the curve, in private."""
        person = _person(await _read(interaction.client.results, self.code))
        await deliver(interaction, CareerRequest(person=whatif.alone(person)), private=True)


class TeachButton(DurableItem, template=r"salary-teach:(?P<code>\w+-\w+)"):
    """Asks for the true pay, and shows what the network would learn from it."""

    def __init__(self, code: str) -> None:
        super().__init__(
            discord.ui.Button(label="My pay is different", emoji="🎓", custom_id=f"salary-teach:{code}")
        )
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Ask."""
        person = _person(await _read(interaction.client.results, self.code))
        await interaction.response.send_modal(PayModal(whatif.alone(person)))


class PayModal(discord.ui.Modal, title="Teach the network"):
    """Takes the true pay of a person."""

    pay: discord.ui.TextInput[PayModal] = discord.ui.TextInput(
        label="What is really earned in a year, in dollars?",
        placeholder="85,000",
        custom_id="pay",
        max_length=MOST_TYPED,
    )

    def __init__(self, person: SalaryRequest) -> None:
        super().__init__()
        self._person = person

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """Teach a copy, and apologise for what goes wrong."""
        try:
            pay = amount_of(self.pay.value)
            await deliver(interaction, LessonRequest(person=self._person, pay=pay), private=True)
        except Exception as error:
            await apologise(interaction, error)


def amount_of(typed: str) -> float:
    """Read an amount of dollars as people write it: 85000, $85,000, 85.000, 85k, 1.2M.

    Raises:
        UserError: it is none.
    """
    words = re.sub(r"\$|usd|dollars?", "", typed.casefold()).strip()
    if grouped := re.fullmatch(r"(\d{1,3}(?:(?:[,_' ]\d{3})+|(?:\.\d{3})+))(?:[.,]\d{1,2})?", words):
        return float(re.sub(r"\D", "", grouped[1]))
    match = re.fullmatch(r"(\d+(?:[.,]\d{1,2})?)\s*([km]?)", words)
    if match is None:
        raise UserError(f"I cannot read “{typed}” as dollars. Please write it like 85,000.")
    return float(match[1].replace(",", ".")) * {"": 1, "k": THOUSAND, "m": THOUSAND**2}[match[2]]


class ShareButton(DurableItem, template=r"salary-share:(?P<code>\w+-\w+)"):
    """Shows the answer to everybody in the channel."""

    def __init__(self, code: str) -> None:
        super().__init__(discord.ui.Button(label="Share", emoji="📣", custom_id=f"salary-share:{code}"))
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Post it, if it is the owner who wants that."""
        answered = await _read(interaction.client.results, self.code)
        if interaction.user.id != answered.owner:
            raise UserError("Only the one who asked can share this.")
        await defer(interaction)
        shown = interaction.client.desk.render(answered)
        shown.embed.description = f"<@{answered.owner}> shares this:\n{shown.embed.description}"
        view = discord.ui.View(timeout=None)
        for item in shown.view.children if shown.view else ():
            if isinstance(item, DurableItem) and item.for_everybody:
                view.add_item(item)
        await finish(
            interaction, Answer(embed=shown.embed, files=shown.files, view=view if view.children else None)
        )


BUTTONS = (WhatIfSelect, FieldSelect, CareerButton, TeachButton, ShareButton)
