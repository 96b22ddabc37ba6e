"""Discord's limits on what a bot sends, told as Discord tells them: error 50035 with nested ``errors``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot.playground.errors import Json, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CONTENT_LENGTH = 2000
EMBEDS = 10
EMBED_LENGTHS = {"title": 256, "description": 4096}
EMBED_FIELDS = 25
EMBED_SUM = 6000
ATTACHMENTS = 10
ROWS = 5
ROW_BUTTONS = 5
CUSTOM_ID_LENGTH = 100
LABEL_LENGTH = 80
PLACEHOLDER_LENGTH = 150
SELECT_OPTIONS = 25
GALLERY_ITEMS = 10
V2_COMPONENTS = 40
V2_TEXT = 4000
MODAL_TITLE_LENGTH = 45
TEXT_INPUT_LENGTH = 4000
CHOICES = 25
COMMANDS = {1: 100, 2: 15, 3: 15}
"""Commands of an application by type: slash, on a user, on a message."""
COMMAND_SUM = 8000

ROW, BUTTON, STRING_SELECT, TEXT_INPUT, SECTION, TEXT, THUMBNAIL = 1, 2, 3, 4, 9, 10, 11
GALLERY, FILE, SEPARATOR, CONTAINER, LABEL = 12, 13, 14, 17, 18
SELECTS = frozenset({3, 5, 6, 7, 8})
"""Strings, users, roles, users and roles, channels."""
V2_TOP = frozenset({ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR, CONTAINER})
LABELLED = SELECTS | {TEXT_INPUT, 19, 21, 22, 23}
"""What a modal's label may hold: text, selects, file upload, radio buttons and checkboxes."""
LINK_STYLE, PREMIUM_STYLE = 5, 6

COMMAND_NAME = re.compile(r"[-_'\w\u0900-\u097f\u0e00-\u0e7f]{1,32}")

Path = tuple[str | int, ...]


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

    def length(self, path: Path, value: Any, most: int, least: int = 0) -> None:
        """Check that a text (or list) has between ``least`` and ``most`` characters (or items)."""
        if value is None and least == 0:
            return
        if value is None:
            self.add(path, "BASE_TYPE_REQUIRED", "This field is required")
        elif not isinstance(value, str | list):
            self.add(path, "BASE_TYPE_BAD_TYPE", "Could not interpret value")
        elif not least <= len(value) <= most:
            if least:
                message = f"Must be between {least} and {most} in length."
                self.add(path, "BASE_TYPE_BAD_LENGTH", message)
            else:
                self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")

    def raise_if_any(self) -> None:
        """Refuse the request if anything was wrong.

        Raises:
            Refused: 400 with code 50035.
        """
        if self.errors:
            raise Refused(400, 50035, "Invalid Form Body", self.errors)


def invalid(path: Path, code: str, message: str) -> Refused:
    """Make the refusal for a single problem."""
    problems = Problems()
    problems.add(path, code, message)
    return Refused(400, 50035, "Invalid Form Body", problems.errors)


def walk(components: Sequence[Json]) -> Iterator[Json]:
    """Every component, the nested ones too."""
    for component in components:
        yield component
        yield from walk(component.get("components") or ())
        yield from walk([component[key] for key in ("accessory", "component") if component.get(key)])


def check_message(body: Json, *, v2: bool, path: Path = ()) -> None:
    """Check the body of a message that the bot creates or edits.

    Raises:
        Refused: 400 with code 50035.
    """
    problems = Problems()
    problems.length((*path, "content"), body.get("content"), CONTENT_LENGTH)
    problems.length((*path, "attachments"), body.get("attachments"), ATTACHMENTS)
    embeds = body.get("embeds") or []
    problems.length((*path, "embeds"), embeds, EMBEDS)
    _check_embeds(problems, (*path, "embeds"), embeds)
    components = body.get("components") or []
    if v2:
        for key in ("content", "embeds", "poll", "sticker_ids"):
            if body.get(key):
                problems.add(
                    (*path, key),
                    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                    f"The '{key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
                )
        _check_v2(problems, (*path, "components"), components)
    else:
        problems.length((*path, "components"), components, ROWS)
        for index, component in enumerate(components):
            here = (*path, "components", index)
            if component.get("type") == ROW:
                _check_component(problems, here, component)
            else:
                problems.add(
                    (*here, "type"), "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1,).'
                )
    _check_unique_ids(problems, (*path, "components"), components)
    problems.raise_if_any()


def _check_embeds(problems: Problems, path: Path, embeds: Sequence[Json]) -> None:
    total = 0
    for index, embed in enumerate(embeds):
        here = (*path, index)
        author, footer = embed.get("author") or {}, embed.get("footer") or {}
        fields = embed.get("fields") or []
        for key, most in EMBED_LENGTHS.items():
            problems.length((*here, key), embed.get(key), most)
        problems.length((*here, "author", "name"), author.get("name"), 256)
        problems.length((*here, "footer", "text"), footer.get("text"), 2048)
        problems.length((*here, "fields"), fields, EMBED_FIELDS)
        texts = [embed.get("title"), embed.get("description"), author.get("name"), footer.get("text")]
        for number, field in enumerate(fields):
            problems.length((*here, "fields", number, "name"), field.get("name"), 256, 1)
            problems.length((*here, "fields", number, "value"), field.get("value"), 1024, 1)
            texts += [field.get("name"), field.get("value")]
        total += sum(len(text) for text in texts if isinstance(text, str))
    if total > EMBED_SUM:
        message = f"Embed size exceeds maximum size of {EMBED_SUM}"
        problems.add(path, "MAX_EMBED_SIZE_EXCEEDED", message)


def _check_v2(problems: Problems, path: Path, components: Sequence[Json]) -> None:
    everything = list(walk(components))
    if len(everything) > V2_COMPONENTS:
        message = f"The number of total components must be less than or equal to {V2_COMPONENTS}"
        problems.add(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message)
    text = sum(len(c.get("content") or "") for c in everything if c.get("type") == TEXT)
    if text > V2_TEXT:
        message = f"The total size of displayable text must be less than or equal to {V2_TEXT}"
        problems.add(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message)
    for index, component in enumerate(components):
        _check_kind(problems, (*path, index), component, V2_TOP)


def _check_kind(problems: Problems, path: Path, component: Json, allowed: frozenset[int]) -> None:
    if component.get("type") not in allowed:
        message = f'Value of field "type" must be one of {tuple(sorted(allowed))}.'
        problems.add((*path, "type"), "UNION_TYPE_CHOICES", message)
    else:
        _check_component(problems, path, component)


def _check_component(problems: Problems, path: Path, component: Json) -> None:
    kind = component["type"]
    children = component.get("components") or []
    if kind == ROW:
        most = 1 if any(child.get("type") in SELECTS for child in children) else ROW_BUTTONS
        problems.length((*path, "components"), children, most, 1)
        for index, child in enumerate(children):
            _check_kind(problems, (*path, "components", index), child, SELECTS | {BUTTON})
    elif kind == BUTTON:
        _check_button(problems, path, component)
    elif kind in SELECTS:
        _check_select(problems, path, component)
    elif kind == SECTION:
        problems.length((*path, "components"), children, 3, 1)
        for index, child in enumerate(children):
            _check_kind(problems, (*path, "components", index), child, frozenset({TEXT}))
        accessory = component.get("accessory") or {}
        _check_kind(problems, (*path, "accessory"), accessory, frozenset({BUTTON, THUMBNAIL}))
    elif kind == CONTAINER:
        for index, child in enumerate(children):
            _check_kind(problems, (*path, "components", index), child, V2_TOP - {CONTAINER})
    elif kind == TEXT:
        problems.length((*path, "content"), component.get("content"), V2_TEXT, 1)
    elif kind == GALLERY:
        problems.length((*path, "items"), component.get("items") or [], GALLERY_ITEMS, 1)
    elif kind == FILE:
        file = component.get("file") or {}
        # An edit sends back what Discord gave, with the attachment's id beside its address.
        if not str(file.get("url")).startswith("attachment://") and not file.get("attachment_id"):
            message = "Must be an attachment:// reference"
            problems.add((*path, "file", "url"), "UNFURLED_MEDIA_INVALID", message)


def _check_button(problems: Problems, path: Path, button: Json) -> None:
    problems.length((*path, "label"), button.get("label"), LABEL_LENGTH)
    style = button.get("style")
    if not isinstance(style, int) or not 1 <= style <= PREMIUM_STYLE:
        problems.add((*path, "style"), "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6}.")
    elif style == LINK_STYLE:
        problems.length((*path, "url"), button.get("url"), 512, 1)
    elif style != PREMIUM_STYLE:
        problems.length((*path, "custom_id"), button.get("custom_id"), CUSTOM_ID_LENGTH, 1)
        if not button.get("label") and not button.get("emoji"):
            problems.add(path, "BUTTON_COMPONENT_INVALID", "A button must have a label or an emoji")


def _check_select(problems: Problems, path: Path, select: Json) -> None:
    problems.length((*path, "custom_id"), select.get("custom_id"), CUSTOM_ID_LENGTH, 1)
    problems.length((*path, "placeholder"), select.get("placeholder"), PLACEHOLDER_LENGTH)
    if select["type"] != STRING_SELECT:
        return
    options = select.get("options") or []
    problems.length((*path, "options"), options, SELECT_OPTIONS, 1)
    values = [option.get("value") for option in options]
    for index, option in enumerate(options):
        here = (*path, "options", index)
        problems.length((*here, "label"), option.get("label"), 100, 1)
        problems.length((*here, "value"), option.get("value"), 100, 1)
        problems.length((*here, "description"), option.get("description"), 100)
        if option.get("value") in values[:index]:
            message = "The specified option value is already used"
            problems.add((*here, "value"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message)
    most = select.get("max_values")
    if most is not None and not 1 <= most <= len(options):
        message = f"Must be between 1 and {len(options)}."
        problems.add((*path, "max_values"), "BASE_TYPE_BAD_INT", message)


def _check_unique_ids(problems: Problems, path: Path, components: Sequence[Json]) -> None:
    ids = [component["custom_id"] for component in walk(components) if component.get("custom_id")]
    if len(ids) != len(set(ids)):
        message = "Component custom id cannot be duplicated"
        problems.add(path, "COMPONENT_CUSTOM_ID_DUPLICATED", message)


def check_modal(data: Json) -> None:
    """Check the modal of an interaction callback of type 9.

    Raises:
        Refused: 400 with code 50035.
    """
    problems = Problems()
    problems.length(("data", "title"), data.get("title"), MODAL_TITLE_LENGTH, 1)
    problems.length(("data", "custom_id"), data.get("custom_id"), CUSTOM_ID_LENGTH, 1)
    components = data.get("components") or []
    problems.length(("data", "components"), components, ROWS, 1)
    for index, component in enumerate(components):
        here: Path = ("data", "components", index)
        if component.get("type") == ROW:
            children = component.get("components") or []
            problems.length((*here, "components"), children, 1, 1)
            for child in children:
                _check_input(problems, (*here, "components", 0), child, frozenset({TEXT_INPUT}))
                problems.length((*here, "components", 0, "label"), child.get("label"), 45, 1)
        elif component.get("type") == LABEL:
            problems.length((*here, "label"), component.get("label"), 45, 1)
            problems.length((*here, "description"), component.get("description"), 100)
            _check_input(problems, (*here, "component"), component.get("component") or {}, LABELLED)
        elif component.get("type") != TEXT:
            message = 'Value of field "type" must be one of (1, 10, 18).'
            problems.add((*here, "type"), "UNION_TYPE_CHOICES", message)
    _check_unique_ids(problems, ("data", "components"), components)
    problems.raise_if_any()


def _check_input(problems: Problems, path: Path, component: Json, allowed: frozenset[int]) -> None:
    if component.get("type") == TEXT_INPUT:
        problems.length((*path, "custom_id"), component.get("custom_id"), CUSTOM_ID_LENGTH, 1)
        problems.length((*path, "placeholder"), component.get("placeholder"), 100)
        problems.length((*path, "value"), component.get("value"), TEXT_INPUT_LENGTH)
        if component.get("style") not in (1, 2):
            problems.add((*path, "style"), "BASE_TYPE_CHOICES", "Value must be one of {1, 2}.")
    else:
        _check_kind(problems, path, component, allowed)


def check_choices(data: Json) -> None:
    """Check the answer to an autocomplete request.

    Raises:
        Refused: 400 with code 50035.
    """
    problems = Problems()
    choices = data.get("choices") or []
    problems.length(("data", "choices"), choices, CHOICES)
    _check_choices(problems, ("data", "choices"), choices)
    problems.raise_if_any()


def _check_choices(problems: Problems, path: Path, choices: Sequence[Json]) -> None:
    for index, choice in enumerate(choices):
        problems.length((*path, index, "name"), choice.get("name"), 100, 1)
        if isinstance(choice.get("value"), str):
            problems.length((*path, index, "value"), choice["value"], 100, 1)


def check_commands(commands: Sequence[Json]) -> None:
    """Check the commands of a bulk registration.

    Raises:
        Refused: 400 with code 50035.
    """
    problems = Problems()
    seen: set[tuple[int, str]] = set()
    for kind, most in COMMANDS.items():
        if sum(command.get("type", 1) == kind for command in commands) > most:
            message = f"Maximum number of application commands reached ({most})."
            problems.add((), "APPLICATION_COMMANDS_MAXIMUM", message)
    for index, command in enumerate(commands):
        path: Path = (index,)
        key = (command.get("type", 1), str(command.get("name")))
        if key in seen:
            message = "Application command names must be unique"
            problems.add((*path, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", message)
        seen.add(key)
        if command.get("type", 1) == 1:
            _check_option(problems, path, command)
            if (size := _command_size(command)) > COMMAND_SUM:
                message = f"Command exceeds maximum size ({size}; {COMMAND_SUM})"
                problems.add(path, "APPLICATION_COMMAND_TOO_LARGE", message)
        else:
            problems.length((*path, "name"), command.get("name"), 32, 1)
            if command.get("description") or command.get("options"):
                message = "Context menu commands cannot have a description or options"
                problems.add(path, "APPLICATION_COMMAND_INVALID", message)
    problems.raise_if_any()


def _check_option(problems: Problems, path: Path, option: Json) -> None:
    """Commands, groups of them and their options share one shape."""
    name = str(option.get("name", ""))
    if not COMMAND_NAME.fullmatch(name) or name != name.lower():
        problems.add((*path, "name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    problems.length((*path, "description"), option.get("description"), 100, 1)
    choices = option.get("choices") or []
    problems.length((*path, "choices"), choices, CHOICES)
    _check_choices(problems, (*path, "choices"), choices)
    options = option.get("options") or []
    problems.length((*path, "options"), options, 25)
    names: set[str] = set()
    optional = False
    for index, child in enumerate(options):
        here = (*path, "options", index)
        _check_option(problems, here, child)
        if child.get("name") in names:
            message = "Option name must be unique"
            problems.add((*here, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", message)
        names.add(str(child.get("name")))
        if child.get("required") and optional:
            message = "Required options must be placed before non-required options"
            problems.add((*here, "required"), "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        optional = optional or not child.get("required")


def _command_size(option: Json) -> int:
    own = len(option.get("name", "")) + len(option.get("description") or "")
    choices = sum(len(c["name"]) + len(str(c["value"])) for c in option.get("choices") or ())
    return own + choices + sum(_command_size(child) for child in option.get("options") or ())
