"""Discord's limits, each at the place where Discord tells of it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground import limits
from bot.playground.errors import Json, Refused

BUTTON = {"type": 2, "style": 1, "label": "x", "custom_id": "b"}
CHOICE = {"label": "a", "value": "a"}
SELECT = {"type": 3, "custom_id": "s", "options": [CHOICE]}
TEXT = {"type": 10, "content": "x"}
INPUT = {"type": 4, "custom_id": "i", "style": 1}
OPTION = {"type": 3, "name": "o", "description": "d"}


def row(*components: Json) -> Json:
    return {"type": 1, "components": list(components)}


def places(refused: Refused) -> set[str]:
    """List the paths of all errors."""

    def walk(node: Json, path: str) -> set[str]:
        found = {path} if "_errors" in node else set()
        return found.union(*(walk(v, f"{path}.{k}".strip(".")) for k, v in node.items() if k != "_errors"))

    assert (refused.status, refused.payload["code"]) == (400, 50035)
    return walk(refused.payload["errors"], "")


MESSAGES: list[tuple[bool, Json, set[str]]] = [
    (False, {"content": "x" * 2001, "embeds": [{}] * 11}, {"content", "embeds"}),
    (False, {"embeds": [{"footer": {"text": "x" * 2049}}]}, {"embeds.0.footer.text"}),
    (False, {"embeds": [{"description": "x" * 4000}, {"description": "x" * 2001}]}, {"embeds"}),
    (False, {"components": [row(BUTTON)] * 6}, {"components"}),
    (False, {"components": [BUTTON]}, {"components.0.type"}),
    (False, {"components": [row(BUTTON, SELECT)]}, {"components.0.components"}),
    (False, {"components": [row(INPUT)]}, {"components.0.components.0.type"}),
    (
        False,
        {"components": [row({**BUTTON, "custom_id": None, "label": None})]},
        {"components.0.components.0.custom_id", "components.0.components.0"},
    ),
    (
        False,
        {"components": [row({**SELECT, "options": [CHOICE] * 2, "max_values": 3})]},
        {"components.0.components.0.options.1.value", "components.0.components.0.max_values"},
    ),
    (True, {"content": "x", "components": [TEXT]}, {"content"}),
    (True, {"components": [{**TEXT, "content": "x" * 2001}] * 2}, {"components"}),
    (True, {"components": [{"type": 17, "components": [TEXT] * 40}]}, {"components"}),
    (True, {"components": [{"type": 9, "components": [TEXT]}]}, {"components.0.accessory.type"}),
    (True, {"components": [{"type": 17, "components": [BUTTON]}]}, {"components.0.components.0.type"}),
    (True, {"components": [{"type": 12, "items": []}]}, {"components.0.items"}),
]


@pytest.mark.parametrize(("v2", "body", "expected"), MESSAGES)
def test_messages(v2: bool, body: Json, expected: set[str]) -> None:
    with pytest.raises(Refused) as caught:
        limits.check_message(body, v2=v2)
    assert places(caught.value) == expected


def test_modals() -> None:
    fields = [
        {"type": 18, "label": "x" * 46, "component": INPUT},
        {"type": 18, "label": "x"},
        row({**INPUT, "custom_id": "j"}, {**INPUT, "custom_id": "k"}),
        BUTTON,
    ]
    with pytest.raises(Refused) as caught:
        limits.check({"title": "", "custom_id": "m", "components": fields}, limits.MODAL, limits.MODAL_TREE)
    wrong = {"title", "components.0.label", "components.1.component.type", "components.2.components"}
    assert places(caught.value) == {f"data.{place}" for place in wrong | {"components.3.type"}}


def test_choices() -> None:
    choices: list[Any] = [{"name": "", "value": 5}, {"name": "a", "value": "x" * 101}]
    with pytest.raises(Refused) as caught:
        limits.check({"choices": choices}, limits.CHOICES)
    assert places(caught.value) == {"data.choices.0.name", "data.choices.1.value"}


LONG_CHOICES = [{"name": "x" * 50, "value": "y" * 100}] * 60
COMMANDS: list[tuple[list[Json], set[str]]] = [
    ([{"name": "a", "description": "d"}] * 2, {"1.name"}),
    ([{"name": f"a{i}", "description": "d"} for i in range(101)], {""}),
    ([{"name": "x" * 33, "type": 3, "description": "d"}], {"0.name", "0.description"}),
    ([{"name": "a", "description": "d", "options": [OPTION] * 2}], {"0.options.1.name"}),
    (
        [{"name": "a", "description": "d", "options": [{**OPTION, "choices": [{"name": "", "value": 1}]}]}],
        {"0.options.0.choices.0.name"},
    ),
    (
        [{"name": "a", "description": "d", "options": [{**OPTION, "choices": LONG_CHOICES}]}],
        {"0.options.0.choices", "0"},
    ),
]


@pytest.mark.parametrize(("commands", "expected"), COMMANDS)
def test_commands(commands: list[Json], expected: set[str]) -> None:
    with pytest.raises(Refused) as caught:
        limits.check_commands(commands)
    assert places(caught.value) == expected
