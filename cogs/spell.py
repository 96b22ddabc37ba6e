"""/spell and the context menu "Fix spelling": a recurrent network corrects a text as a whole, in private."""

from __future__ import annotations

import io
from collections.abc import Iterator

import discord
import msgspec
from discord import app_commands
from discord.ext import commands

from bot.client import NeuralBot
from bot.desk import Presentation
from bot.errors import UserError
from bot.inference.jobs import Finished
from bot.inference.messages import Alternative, Change, Correction, Proof, Request, SpellRequest
from bot.places import Answer
from bot.replies import COLOUR, DurableItem, Interaction, deliver, share, small_print
from bot.results import Results

STRICTNESS = {
    "careful": "Careful: only what is surely wrong",
    "normal": "Normal",
    "eager": "Eager: rather too much",
}
"""The network's words for how sure it has to be, and what a person reads."""

COMMAND_LENGTH = 4000
"""Characters. As many as a message of a subscriber can have."""
FILE_LENGTH = 80_000
"""Bytes of a text file."""
SHOWN = 3600
"""Characters of the corrected text in an embed, which takes 4,096; a longer one comes as a file."""
FIELD_LENGTH = 1024
"""Discord's limit for the value of an embed's field."""
OPTIONS = 25
"""Discord's limit for the options of a select."""
CHOSEN_AT_MOST = 70
"""Changes whose choices fit into a custom id of 100 characters."""
KEEP = "k"
"""In the choices of a custom id: the person's own word. Other signs are digits, places in the alternatives."""


class Spelling(commands.Cog):
    """Corrects spelling."""

    def __init__(self, bot: NeuralBot) -> None:
        self.bot = bot
        self.menu = app_commands.ContextMenu(name="Fix spelling", callback=self.fix_message)

    async def cog_load(self) -> None:
        """Register what the cog's decorators cannot."""
        self.bot.tree.add_command(self.menu)
        self.bot.add_dynamic_items(*ITEMS)
        self.bot.desk.present("spell", Presentation(render=render, complete=complete))

    async def cog_unload(self) -> None:
        """Take it back."""
        self.bot.tree.remove_command(self.menu.name, type=self.menu.type)
        self.bot.remove_dynamic_items(*ITEMS)

    @app_commands.command()
    @app_commands.describe(
        text="What to correct; leave it out for a window with room to write",
        strictness="How sure the network has to be before it alters a word",
        file="A text file instead",
    )
    @app_commands.choices(
        strictness=[app_commands.Choice(name=label, value=value) for value, label in STRICTNESS.items()]
    )
    async def spell(
        self,
        interaction: Interaction,
        text: app_commands.Range[str, 1, COMMAND_LENGTH] | None = None,
        strictness: str = "normal",
        file: discord.Attachment | None = None,
    ) -> None:
        """Correct the spelling of a text. It leaves slang, names and code alone, and only you see the answer."""
        if file is not None:
            if file.size > FILE_LENGTH:
                raise UserError(
                    f"That file is too large: I take up to {FILE_LENGTH // 1000} kB of plain text."
                )
            request = SpellRequest(text="", strictness=strictness)
            await deliver(interaction, request, private=True, upload=file.url)
        elif text is not None:
            await deliver(interaction, SpellRequest(text=text, strictness=strictness), private=True)
        else:
            await interaction.response.send_modal(Sheet(strictness))

    async def fix_message(self, interaction: Interaction, message: discord.Message) -> None:
        """Correct somebody's message; only the one who asks sees it."""
        if not message.content.strip():
            raise UserError("There are no words in that message.")
        await deliver(interaction, SpellRequest(text=message.content), private=True)


class Sheet(discord.ui.Modal, title="Fix spelling"):
    """A window with room to write."""

    text: discord.ui.TextInput[Sheet] = discord.ui.TextInput(
        custom_id="text", label="Your text", style=discord.TextStyle.paragraph, max_length=COMMAND_LENGTH
    )

    def __init__(self, strictness: str) -> None:
        super().__init__(timeout=None)
        self.strictness = strictness

    async def on_submit(self, interaction: discord.Interaction[NeuralBot]) -> None:  # type: ignore[override]
        """Correct what was written."""
        await deliver(
            interaction, SpellRequest(text=self.text.value, strictness=self.strictness), private=True
        )


def complete(request: Request, file: bytes) -> Request:
    """Put an uploaded text into a request."""
    return msgspec.structs.replace(request, text=file.decode("utf-8-sig", errors="replace"))


def render(answered: Finished, choices: str = "") -> Answer:
    """Show a corrected text, ready to copy, and what was changed.

    Args:
        answered: the network's corrections.
        choices: what the person has chosen for each change, as in ``chosen``.
    """
    request, result = answered.request, answered.result
    assert isinstance(request, SpellRequest)
    assert isinstance(result, Correction)  # the worker validated it
    if request.explain:
        return _render_reading(answered, result.proof)
    picked = list(chosen(result.changes, choices))
    text = put_right(request.text, result.changes, picked)
    view = discord.ui.View(timeout=None)
    files = []
    embed = discord.Embed(colour=COLOUR)
    if not result.changes:
        embed.title = "Nothing to correct ✨"
        embed.description = "Every word looks right to me, or as if you meant it that way."
    else:
        embed.title = "1 correction" if len(picked) == 1 else f"{len(picked)} corrections"
        if len(text) <= SHOWN and "```" not in text:
            embed.description = f"```\n{text}\n```"
        else:
            embed.description = "The corrected text is in the file."
            files = [discord.File(io.BytesIO(text.encode()), "corrected.txt")]
        embed.add_field(name="What I changed", value=_marked(result.changes, picked), inline=False)
        view.add_item(ChangeSelect(answered.code, choices, result.changes))
    view.add_item(StrictnessSelect(answered.code, choices, request.strictness))
    view.add_item(ExplainButton(answered.code))
    embed.set_footer(text=f"{request.strictness} · {small_print(answered)}")
    return Answer(embed=embed, files=files, view=view)


def _render_reading(answered: Finished, proof: Proof | None) -> Answer:
    """Show how sure the network was of each word, and what it expected in the places that it doubted."""
    embed = discord.Embed(title="How the network reads", colour=COLOUR)
    embed.set_footer(text=small_print(answered))
    if proof is None:
        embed.description = "There is no word in that text that it would judge."
        return Answer(embed=embed)
    said = "; ".join(
        f"{doubt.typed}: " + ", ".join(f"{word.word} {share(word.probability)}" for word in doubt.decided)
        for doubt in proof.doubts
    )
    embed.description = (
        "The brighter a word, the more the network doubts it. Below, the words that it trusts least: it reads up to "
        "the word, then from the end back to it, without seeing the word itself; at last it weighs both against the "
        f"letters that were typed.\n-# {said}"
    )
    embed.set_image(url="attachment://reading.png")
    picture = discord.File(
        io.BytesIO(proof.picture),
        "reading.png",
        description=f"The text, each word coloured by the network's doubt. Doubted: {said}"[:1024],
    )
    return Answer(embed=embed, files=[picture])


def chosen(changes: tuple[Change, ...], choices: str) -> Iterator[str]:
    """Return the word for each change: the network's, or what the person has chosen instead.

    Args:
        changes: of the network.
        choices: one sign a change: ``-`` the network's replacement, ``k`` the person's own word, a digit another
            alternative. What is missing at its end means the network's.
    """
    for change, choice in zip(changes, choices.ljust(len(changes), "-"), strict=False):
        if choice == KEEP:
            yield change.original
        elif choice.isdecimal() and int(choice) < len(change.alternatives):
            yield change.alternatives[int(choice)].word
        else:
            yield change.replacement


def put_right(text: str, changes: tuple[Change, ...], words: list[str]) -> str:
    """Return a text with a word in the place of each change."""
    parts, end = [], 0
    for change, word in zip(changes, words, strict=True):
        parts += [text[end : change.start], word]
        end = change.end
    return "".join([*parts, text[end:]])


def _marked(changes: tuple[Change, ...], words: list[str]) -> str:
    """Return the changes struck and bold, as many as fit into a field."""
    lines, room = [], FIELD_LENGTH - 20
    for change, word in zip(changes, words, strict=True):
        old, new = discord.utils.escape_markdown(change.original), discord.utils.escape_markdown(word)
        line = f"~~{old}~~ **{new}**" if old != new else f"{new} (kept)"
        room -= len(line) + 3
        if room < 0:
            lines.append("…")
            break
        lines.append(line)
    return " · ".join(lines)


async def _corrected(results: Results, code: str) -> Finished:
    """Return the correction of this code.

    Raises:
        UserError: it is not kept any more.
    """
    return await results.require(code, "I have forgotten this text. Please ask me again with /spell.")


class ChangeSelect(DurableItem, template=r"spell-change:(?P<code>\w+-\w+):(?P<choices>[-k0-9]*)"):
    """Chooses another word for one of the changes, or the person's own."""

    def __init__(self, code: str, choices: str, changes: tuple[Change, ...] = ()) -> None:
        select: discord.ui.Select[discord.ui.View] = discord.ui.Select(
            placeholder="Another word, or your own",
            custom_id=f"spell-change:{code}:{choices}",
            options=_options(changes, list(chosen(changes, choices))) or [discord.SelectOption(label="…")],
        )
        super().__init__(select)
        self.code, self.choices = code, choices

    async def act(self, interaction: Interaction) -> None:
        """Show the text with the chosen word."""
        await interaction.response.defer()
        answered = await _corrected(interaction.client.results, self.code)
        assert isinstance(answered.result, Correction)
        number, _, sign = self.item.values[0].partition(":")
        signs = list(self.choices.ljust(len(answered.result.changes), "-"))
        signs[int(number)] = sign
        answer = render(answered, "".join(signs).rstrip("-")[:CHOSEN_AT_MOST])
        await interaction.edit_original_response(
            embed=answer.embed, attachments=list(answer.files), view=answer.view
        )


def _options(changes: tuple[Change, ...], words: list[str]) -> list[discord.SelectOption]:
    """Offer one's own word for every change first, then the likeliest alternatives, as many as there is room for."""
    own: list[tuple[int, str, Alternative]] = []
    others: list[tuple[int, str, Alternative]] = []
    for number, (change, word) in enumerate(zip(changes[:CHOSEN_AT_MOST], words, strict=False)):
        for place, alternative in enumerate(change.alternatives):
            if alternative.word == change.original:
                own.append((number, KEEP, alternative))
            elif alternative.word == change.replacement != word:
                own.append((number, "-", alternative))
            elif alternative.word not in (word, change.replacement):
                others.append((number, str(place), alternative))
    others.sort(key=lambda option: -option[2].probability)
    offered = sorted([*own, *others][:OPTIONS], key=lambda option: option[0])
    return [
        discord.SelectOption(
            label=f"{changes[number].original} → {alternative.word}"[:100]
            if sign != KEEP
            else f"Keep my “{alternative.word}”"[:100],
            description=f"{alternative.probability:.0%}",
            value=f"{number}:{sign}",
        )
        for number, sign, alternative in offered
    ]


class StrictnessSelect(DurableItem, template=r"spell-strictness:(?P<code>\w+-\w+):(?P<choices>[-k0-9]*)"):
    """Corrects the text anew, more or less boldly; what the person kept stays kept."""

    def __init__(self, code: str, choices: str, strictness: str = "") -> None:
        options = [
            discord.SelectOption(label=label, value=value, default=value == strictness)
            for value, label in STRICTNESS.items()
        ]
        super().__init__(discord.ui.Select(custom_id=f"spell-strictness:{code}:{choices}", options=options))
        self.code, self.choices = code, choices

    async def act(self, interaction: Interaction) -> None:
        """Ask the network again; the answer takes this one's place."""
        answered = await _corrected(interaction.client.results, self.code)
        request = answered.request
        assert isinstance(request, SpellRequest)
        assert isinstance(answered.result, Correction)
        kept = [
            change.original
            for change, choice in zip(answered.result.changes, self.choices, strict=False)
            if choice == KEEP
        ]
        changed = msgspec.structs.replace(
            request, strictness=self.item.values[0], keep=(*request.keep, *kept)
        )
        await deliver(interaction, changed, private=True, update=True)


class ExplainButton(DurableItem, template=r"spell-explain:(?P<code>\w+-\w+)"):
    """Shows how the network reads the text."""

    def __init__(self, code: str) -> None:
        super().__init__(discord.ui.Button(label="Explain", emoji="🔍", custom_id=f"spell-explain:{code}"))
        self.code = code

    async def act(self, interaction: Interaction) -> None:
        """Read the text again and show it, in private."""
        request = (await _corrected(interaction.client.results, self.code)).request
        assert isinstance(request, SpellRequest)
        await deliver(interaction, msgspec.structs.replace(request, explain=True), private=True)


ITEMS = (ChangeSelect, StrictnessSelect, ExplainButton)


async def setup(bot: NeuralBot) -> None:
    """Add the cog; called by ``load_extension``."""
    await bot.add_cog(Spelling(bot))
