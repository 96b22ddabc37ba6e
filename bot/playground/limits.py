"""Discord's limits on what a bot sends, told as Discord tells them: error 50035 with nested ``errors``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot.playground.errors import Json, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CONTENT_LENGTH = 2000
ATTACHMENTS = 10
EMBED_SUM = 6000
V2_COMPONENTS = 40
V2_TEXT = 4000
TEXT_INPUT_LENGTH = 4000
COMMANDS = {1: 100, 2: 15, 3: 15}
"""Commands of an application by type: slash, on a user, on a message."""
COMMAND_SUM = 8000
COMMAND_NAME = re.compile(r"[-_'\w\u0900-\u097f\u0e00-\u0e7f]{1,32}")

TOP, ROW, BUTTON, STRING_SELECT, TEXT_INPUT, SECTION, TEXT, THUMBNAIL = 0, 1, 2, 3, 4, 9, 10, 11
GALLERY, FILE, SEPARATOR, CONTAINER, LABEL, FILE_UPLOAD = 12, 13, 14, 17, 18, 19
SELECTS = frozenset({3, 5, 6, 7, 8})
"""Strings, users, roles, users and roles, channels."""
LINK_STYLE, PREMIUM_STYLE = 5, 6
BAD_LENGTH = "BASE_TYPE_BAD_LENGTH"
V2_ONLY = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"

Path = tuple[str | int, ...]
Problem = tuple[Path, str, str]
"""Where it is, Discord's code for it, and what to tell."""
Lengths = dict[str, tuple[int, int]]
"""Least and most characters (or items) by path; ``*`` stands for every item of a list."""
Tree = dict[int, dict[str, set[int]]]
"""Which types of components may stand where in which."""

MESSAGE: Lengths = {
    "content": (0, CONTENT_LENGTH),
    "attachments": (0, ATTACHMENTS),
    "embeds": (0, 10),
    "embeds.*.title": (0, 256),
    "embeds.*.description": (0, 4096),
    "embeds.*.author.name": (0, 256),
    "embeds.*.footer.text": (0, 2048),
    "embeds.*.fields": (0, 25),
    "embeds.*.fields.*.name": (1, 256),
    "embeds.*.fields.*.value": (1, 1024),
}
EMBED_TEXTS = ("title", "description", "author.name", "footer.text", "fields.*.name", "fields.*.value")
"""What counts against the limit of all embeds together."""
MODAL: Lengths = {"title": (1, 45), "custom_id": (1, 100), "components": (1, 5)}
CHOICES: Lengths = {"choices": (0, 25), "choices.*.name": (1, 100), "choices.*.value": (1, 100)}
COMMAND: Lengths = {**CHOICES, "description": (1, 100), "options": (0, 25)}
MENU: Lengths = {"name": (1, 32), "description": (0, 0), "options": (0, 0)}
CUSTOM_ID: Lengths = {"custom_id": (1, 100)}
SELECT: Lengths = {**CUSTOM_ID, "placeholder": (0, 150)}
COMPONENTS: dict[int, Lengths] = {
    **dict.fromkeys(SELECTS, SELECT),
    ROW: {"components": (1, 5)},
    BUTTON: {"label": (0, 80)},
    STRING_SELECT: {
        **SELECT,
        "options": (1, 25),
        "options.*.label": (1, 100),
        "options.*.value": (1, 100),
        "options.*.description": (0, 100),
    },
    TEXT_INPUT: {**CUSTOM_ID, "label": (0, 45), "placeholder": (0, 100), "value": (0, TEXT_INPUT_LENGTH)},
    SECTION: {"components": (1, 3)},
    TEXT: {"content": (1, V2_TEXT)},
    GALLERY: {"items": (1, 10)},
    LABEL: {"label": (1, 45), "description": (0, 100)},
}
CLICKABLE = {"components": {BUTTON, *SELECTS}}
BLOCKS = {ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR}
LEGACY_TREE: Tree = {TOP: {"components": {ROW}}, ROW: CLICKABLE}
V2_TREE: Tree = {
    TOP: {"components": BLOCKS | {CONTAINER}},
    ROW: CLICKABLE,
    SECTION: {"components": {TEXT}, "accessory": {BUTTON, THUMBNAIL}},
    CONTAINER: {"components": BLOCKS},
}
MODAL_TREE: Tree = {
    TOP: {"components": {ROW, LABEL, TEXT}},
    ROW: {"components": {TEXT_INPUT}},
    # The last three: radio buttons and checkboxes.
    LABEL: {"component": {TEXT_INPUT, *SELECTS, FILE_UPLOAD, 21, 22, 23}},
}


def invalid(path: Path, code: str, message: str) -> Refused:
    """Make the refusal (400, code 50035) of a body in which one thing is wrong."""
    return _refusal([(path, code, message)])


def _refusal(problems: Iterable[Problem]) -> Refused:
    errors: Json = {}
    for path, code, message in problems:
        node = errors
        for step in path:
            node = node.setdefault(str(step), {})
        node.setdefault("_errors", []).append({"code": code, "message": message})
    return Refused(400, 50035, "Invalid Form Body", errors)


def _refuse(*problems: Problem) -> None:
    if problems:
        raise _refusal(problems)


def _values(node: Any, pattern: str, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value to which a pattern such as ``embeds.*.title`` leads, with its own path."""
    step, _, rest = pattern.partition(".")
    found: Any = enumerate(node or ()) if step == "*" else [(step, (node or {}).get(step))]
    for key, value in found:
        if rest:
            yield from _values(value, rest, (*path, key))
        else:
            yield (*path, key), value


def _lengths(path: Path, body: Json, lengths: Lengths) -> Iterator[Problem]:
    for pattern, (least, most) in lengths.items():
        for place, value in _values(body, pattern, path):
            if value is None:
                if least:
                    yield place, "BASE_TYPE_REQUIRED", "This field is required"
            elif isinstance(value, int | float) and place[-1] == "value":
                pass  # a choice may be a number
            elif not isinstance(value, str | list):
                yield place, "BASE_TYPE_BAD_TYPE", "Could not interpret value"
            elif least and not least <= len(value) <= most:
                yield place, BAD_LENGTH, f"Must be between {least} and {most} in length."
            elif len(value) > most:
                yield place, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length."


# Components


def walk(components: Iterable[Json]) -> Iterator[Json]:
    """Every component, the nested ones too."""
    for component in components:
        yield component
        yield from walk(component.get("components") or ())
        yield from walk(component[key] for key in ("accessory", "component") if component.get(key))


def _components(path: Path, body: Json, tree: Tree) -> Iterator[Problem]:
    yield from _inside(path, {**body, "type": TOP}, tree)
    ids = [c["custom_id"] for c in walk(body.get("components") or ()) if c.get("custom_id")]
    if len(ids) != len(set(ids)):
        message = "Component custom id cannot be duplicated"
        yield (*path, "components"), "COMPONENT_CUSTOM_ID_DUPLICATED", message


def _inside(path: Path, holder: Json, tree: Tree) -> Iterator[Problem]:
    for key, allowed in tree.get(holder["type"], {}).items():
        several = key == "components"
        for index, child in enumerate(holder.get(key) or () if several else [holder.get(key) or {}]):
            here = (*path, key, index) if several else (*path, key)
            kind = child.get("type", TOP)
            if kind not in allowed:
                message = f'Value of field "type" must be one of {tuple(sorted(allowed))}.'
                yield (*here, "type"), "UNION_TYPE_CHOICES", message
                continue
            yield from _lengths(here, child, COMPONENTS.get(kind, {}))
            if kind in SPECIAL:
                yield from SPECIAL[kind](here, child)
            yield from _inside(here, child, tree)


def _row(path: Path, row: Json) -> Iterator[Problem]:
    kinds = [child.get("type") for child in row.get("components") or ()]
    if len(kinds) > 1 and set(kinds) != {BUTTON}:
        yield (*path, "components"), BAD_LENGTH, "Must be between 1 and 1 in length."


def _button(path: Path, button: Json) -> Iterator[Problem]:
    style = button.get("style")
    if style not in range(1, PREMIUM_STYLE + 1):
        yield (*path, "style"), "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6}."
    elif style != PREMIUM_STYLE:
        yield from _lengths(path, button, {"url": (1, 512)} if style == LINK_STYLE else CUSTOM_ID)
        if not button.get("label") and not button.get("emoji"):
            yield path, "BUTTON_COMPONENT_INVALID", "A button must have a label or an emoji"


def _string_select(path: Path, select: Json) -> Iterator[Problem]:
    values = [option.get("value") for option in select.get("options") or ()]
    for index, value in enumerate(values):
        if value in values[:index]:
            place = (*path, "options", index, "value")
            message = "The specified option value is already used"
            yield place, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message
    if not 1 <= select.get("max_values", 1) <= len(values):
        yield (*path, "max_values"), "BASE_TYPE_BAD_INT", f"Must be between 1 and {len(values)}."


SPECIAL = {ROW: _row, BUTTON: _button, STRING_SELECT: _string_select}
"""What is more than a length."""


# Whole bodies


def check(body: Json, lengths: Lengths, tree: Tree | None = None, path: Path = ("data",)) -> None:
    """Check a modal or the choices of an autocomplete; refuses with 50035."""
    _refuse(*_lengths(path, body, lengths), *(_components(path, body, tree) if tree else ()))


def check_message(body: Json, *, v2: bool, path: Path = ()) -> None:
    """Check the body of a message that the bot creates or edits; refuses with 50035."""
    _refuse(*_message(body, v2, path))


def _message(body: Json, v2: bool, path: Path) -> Iterator[Problem]:
    yield from _lengths(path, body, MESSAGE if v2 else {**MESSAGE, "components": (0, 5)})
    texts = [t for key in EMBED_TEXTS for _, t in _values(body, f"embeds.*.{key}") if isinstance(t, str)]
    if sum(map(len, texts)) > EMBED_SUM:
        message = f"Embed size exceeds maximum size of {EMBED_SUM}"
        yield (*path, "embeds"), "MAX_EMBED_SIZE_EXCEEDED", message
    yield from _components(path, body, V2_TREE if v2 else LEGACY_TREE)
    for key in ("content", "embeds") if v2 else ():
        if body.get(key):
            message = f"The '{key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
            yield (*path, key), V2_ONLY, message
    everything = list(walk(body.get("components") or ()))
    if v2 and len(everything) > V2_COMPONENTS:
        message = f"The number of total components must be less than or equal to {V2_COMPONENTS}"
        yield (*path, "components"), "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message
    if sum(len(component.get("content") or "") for component in everything) > V2_TEXT:
        message = f"The total size of displayable text must be less than or equal to {V2_TEXT}"
        yield (*path, "components"), "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message


def check_commands(commands: Sequence[Json]) -> None:
    """Check the commands of a bulk registration; refuses with 50035."""
    _refuse(*_commands(commands))


def _commands(commands: Sequence[Json]) -> Iterator[Problem]:
    keys = [(command.get("type", 1), command.get("name")) for command in commands]
    for kind, most in COMMANDS.items():
        if sum(key[0] == kind for key in keys) > most:
            message = f"Maximum number of application commands reached ({most})."
            yield (), "APPLICATION_COMMANDS_MAXIMUM", message
    for index, (command, key) in enumerate(zip(commands, keys, strict=True)):
        if key in keys[:index]:
            message = "Application command names must be unique"
            yield (index, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", message
        if key[0] == 1:
            yield from _option((index,), command)
        else:
            yield from _lengths((index,), command, MENU)
        if (size := _command_size(command)) > COMMAND_SUM:
            message = f"Command exceeds maximum size ({size}; {COMMAND_SUM})"
            yield (index,), "APPLICATION_COMMAND_TOO_LARGE", message


def _option(path: Path, option: Json) -> Iterator[Problem]:
    """Commands, groups of them and their options share one shape."""
    name = str(option.get("name", ""))
    if not COMMAND_NAME.fullmatch(name) or name != name.lower():
        yield (*path, "name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid"
    yield from _lengths(path, option, COMMAND)
    before: list[Json] = []
    for index, child in enumerate(option.get("options") or ()):
        here = (*path, "options", index)
        yield from _option(here, child)
        if child.get("name") in [other.get("name") for other in before]:
            message = "Option name must be unique"
            yield (*here, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", message
        if child.get("required") and not all(other.get("required") for other in before):
            message = "Required options must be placed before non-required options"
            yield (*here, "required"), "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message
        before.append(child)


def _command_size(option: Json) -> int:
    keys = ("name", "description", "choices.*.name", "choices.*.value")
    texts = [str(text or "") for key in keys for _, text in _values(option, key)]
    return sum(map(len, texts)) + sum(map(_command_size, option.get("options") or ()))
