"""Discord's limits on what a bot sends, told as Discord tells them: error 50035 with nested ``errors``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot.playground.errors import Json, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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

Path = tuple[str | int, ...]
Lengths = dict[str, tuple[int, int]]
"""Least and most characters (or items) by path; ``*`` stands for every item of a list."""
Tree = dict[int, set[int] | frozenset[int]]
"""Which types of components may stand in which."""

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
SELECT: Lengths = {"custom_id": (1, 100), "placeholder": (0, 150)}
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
    TEXT_INPUT: {
        "custom_id": (1, 100),
        "label": (0, 45),
        "placeholder": (0, 100),
        "value": (0, TEXT_INPUT_LENGTH),
    },
    SECTION: {"components": (1, 3)},
    TEXT: {"content": (1, V2_TEXT)},
    GALLERY: {"items": (1, 10)},
    LABEL: {"label": (1, 45), "description": (0, 100)},
}
LEGACY_TREE: Tree = {TOP: {ROW}, ROW: SELECTS | {BUTTON}}
BLOCKS = {ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR}
V2_TREE: Tree = {
    TOP: BLOCKS | {CONTAINER},
    ROW: SELECTS | {BUTTON},
    SECTION: {TEXT, BUTTON, THUMBNAIL},
    CONTAINER: BLOCKS,
}
MODAL_TREE: Tree = {
    TOP: {ROW, LABEL, TEXT},
    ROW: {TEXT_INPUT},
    LABEL: SELECTS | {TEXT_INPUT, FILE_UPLOAD, 21, 22, 23},  # the last three: radio buttons, checkboxes
}


class Problems:
    """Gathers what is wrong in a body, each at its path, and raises all of it at once."""

    def __init__(self) -> None:
        self.errors: Json = {}

    def add(self, path: Path, code: str, message: str) -> None:
        """Note one problem."""
        node = self.errors
        for step in path:
            node = node.setdefault(str(step), {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def check(self, path: Path, body: Json, lengths: Lengths) -> None:
        """Check all lengths in a body that stands at a path."""
        for pattern, (least, most) in lengths.items():
            for place, value in _values(body, pattern, path):
                if value is None:
                    if least:
                        self.add(place, "BASE_TYPE_REQUIRED", "This field is required")
                elif isinstance(value, int | float) and place[-1] == "value":
                    pass  # a choice may be a number
                elif not isinstance(value, str | list):
                    self.add(place, "BASE_TYPE_BAD_TYPE", "Could not interpret value")
                elif least and not least <= len(value) <= most:
                    self.add(place, BAD_LENGTH, f"Must be between {least} and {most} in length.")
                elif len(value) > most:
                    self.add(place, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")

    def raise_if_any(self) -> None:
        """Refuse the request if anything was wrong.

        Raises:
            Refused: 400 with code 50035.
        """
        if self.errors:
            raise Refused(400, 50035, "Invalid Form Body", self.errors)


def _values(node: Any, pattern: str, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value to which a pattern such as ``embeds.*.title`` leads, with its own path."""
    step, _, rest = pattern.partition(".")
    found: Any = enumerate(node or ()) if step == "*" else [(step, (node or {}).get(step))]
    for key, value in found:
        if rest:
            yield from _values(value, rest, (*path, key))
        else:
            yield (*path, key), value


def invalid(path: Path, code: str, message: str) -> Refused:
    """Make the refusal for a single problem."""
    problems = Problems()
    problems.add(path, code, message)
    return Refused(400, 50035, "Invalid Form Body", problems.errors)


# Components


def _children(component: Json) -> Iterator[tuple[Path, Json]]:
    for index, child in enumerate(component.get("components") or ()):
        yield ("components", index), child
    for key in ("accessory", "component"):
        if component.get(key):
            yield (key,), component[key]


def walk(components: Sequence[Json]) -> Iterator[Json]:
    """Every component, the nested ones too."""
    for component in components:
        yield component
        yield from walk([child for _, child in _children(component)])


def _check_components(problems: Problems, path: Path, body: Json, tree: Tree) -> None:
    _check_inside(problems, path, {**body, "type": TOP}, tree)
    ids = [c["custom_id"] for c in walk(body.get("components") or ()) if c.get("custom_id")]
    if len(ids) != len(set(ids)):
        message = "Component custom id cannot be duplicated"
        problems.add((*path, "components"), "COMPONENT_CUSTOM_ID_DUPLICATED", message)


def _check_inside(problems: Problems, path: Path, holder: Json, tree: Tree) -> None:
    allowed = tree.get(holder["type"], set())
    for place, child in _children(holder):
        here, kind = (*path, *place), child.get("type", TOP)
        if kind not in allowed:
            message = f'Value of field "type" must be one of {tuple(sorted(allowed))}.'
            problems.add((*here, "type"), "UNION_TYPE_CHOICES", message)
            continue
        problems.check(here, child, COMPONENTS.get(kind, {}))
        if kind == BUTTON:
            _check_button(problems, here, child)
        elif kind == STRING_SELECT:
            _check_entries(problems, here, child)
        elif kind == ROW and len(child["components"]) > 1 and not _only_buttons(child):
            problems.add((*here, "components"), BAD_LENGTH, "Must be between 1 and 1 in length.")
        _check_inside(problems, here, child, tree)


def _only_buttons(row: Json) -> bool:
    return all(child.get("type") == BUTTON for child in row["components"])


def _check_button(problems: Problems, path: Path, button: Json) -> None:
    style = button.get("style")
    if style not in range(1, PREMIUM_STYLE + 1):
        problems.add((*path, "style"), "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6}.")
    elif style == LINK_STYLE:
        problems.check(path, button, {"url": (1, 512)})
    elif style != PREMIUM_STYLE:
        problems.check(path, button, {"custom_id": (1, 100)})
        if not button.get("label") and not button.get("emoji"):
            problems.add(path, "BUTTON_COMPONENT_INVALID", "A button must have a label or an emoji")


def _check_entries(problems: Problems, path: Path, select: Json) -> None:
    values = [option.get("value") for option in select.get("options") or ()]
    for index, value in enumerate(values):
        if value in values[:index]:
            message = "The specified option value is already used"
            place = (*path, "options", index, "value")
            problems.add(place, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message)
    if not 1 <= select.get("max_values", 1) <= len(values):
        message = f"Must be between 1 and {len(values)}."
        problems.add((*path, "max_values"), "BASE_TYPE_BAD_INT", message)


# Whole bodies


def check(body: Json, lengths: Lengths, tree: Tree | None = None, path: Path = ("data",)) -> None:
    """Check a modal or the choices of an autocomplete.

    Raises:
        Refused: 400 with code 50035.
    """
    problems = Problems()
    problems.check(path, body, lengths)
    if tree is not None:
        _check_components(problems, path, body, tree)
    problems.raise_if_any()


def check_message(body: Json, *, v2: bool, path: Path = ()) -> None:
    """Check the body of a message that the bot creates or edits.

    Raises:
        Refused: 400 with code 50035.
    """
    problems = Problems()
    problems.check(path, body, MESSAGE if v2 else {**MESSAGE, "components": (0, 5)})
    texts = [t for key in EMBED_TEXTS for _, t in _values(body, f"embeds.*.{key}") if isinstance(t, str)]
    if sum(map(len, texts)) > EMBED_SUM:
        message = f"Embed size exceeds maximum size of {EMBED_SUM}"
        problems.add((*path, "embeds"), "MAX_EMBED_SIZE_EXCEEDED", message)
    if v2:
        _check_v2(problems, path, body)
    _check_components(problems, path, body, V2_TREE if v2 else LEGACY_TREE)
    problems.raise_if_any()


def _check_v2(problems: Problems, path: Path, body: Json) -> None:
    for key in ("content", "embeds"):
        if body.get(key):
            message = f"The '{key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
            code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
            problems.add((*path, key), code, message)
    everything = list(walk(body.get("components") or ()))
    if len(everything) > V2_COMPONENTS:
        message = f"The number of total components must be less than or equal to {V2_COMPONENTS}"
        problems.add((*path, "components"), "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message)
    if sum(len(component.get("content") or "") for component in everything) > V2_TEXT:
        message = f"The total size of displayable text must be less than or equal to {V2_TEXT}"
        problems.add((*path, "components"), "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message)


def check_commands(commands: Sequence[Json]) -> None:
    """Check the commands of a bulk registration.

    Raises:
        Refused: 400 with code 50035.
    """
    problems = Problems()
    keys = [(command.get("type", 1), command.get("name")) for command in commands]
    for kind, most in COMMANDS.items():
        if sum(key[0] == kind for key in keys) > most:
            message = f"Maximum number of application commands reached ({most})."
            problems.add((), "APPLICATION_COMMANDS_MAXIMUM", message)
    for index, command in enumerate(commands):
        if keys[index] in keys[:index]:
            message = "Application command names must be unique"
            problems.add((index, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", message)
        if keys[index][0] == 1:
            _check_option(problems, (index,), command)
        else:
            problems.check((index,), command, MENU)
        if (size := _command_size(command)) > COMMAND_SUM:
            message = f"Command exceeds maximum size ({size}; {COMMAND_SUM})"
            problems.add((index,), "APPLICATION_COMMAND_TOO_LARGE", message)
    problems.raise_if_any()


def _check_option(problems: Problems, path: Path, option: Json) -> None:
    """Commands, groups of them and their options share one shape."""
    name = str(option.get("name", ""))
    if not COMMAND_NAME.fullmatch(name) or name != name.lower():
        problems.add((*path, "name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    problems.check(path, option, COMMAND)
    before: list[Json] = []
    for index, child in enumerate(option.get("options") or ()):
        here = (*path, "options", index)
        _check_option(problems, here, child)
        if child.get("name") in [other.get("name") for other in before]:
            message = "Option name must be unique"
            problems.add((*here, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", message)
        if child.get("required") and not all(other.get("required") for other in before):
            message = "Required options must be placed before non-required options"
            problems.add((*here, "required"), "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        before.append(child)


def _command_size(option: Json) -> int:
    texts = [text for key in ("name", "description") for _, text in _values(option, key)]
    texts += [text for key in ("name", "value") for _, text in _values(option, f"choices.*.{key}")]
    return sum(len(str(text or "")) for text in texts) + sum(map(_command_size, option.get("options") or ()))
