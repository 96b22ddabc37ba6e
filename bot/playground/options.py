"""What a person fills in, checked as Discord's client checks it, and the ``resolved`` objects for the bot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, UnsetType, to_builtins

from bot.playground import limits
from bot.playground.errors import Declined, Json
from bot.playground.guild import channel_payload, roles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.playground.world import Channel, Message, World

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, NUMBER, ATTACHMENT = 1, 2, 3, 4, 5, 10, 11
OPTION_OBJECTS = {6: "user", 7: "channel", 8: "role", 9: "mentionable", ATTACHMENT: "attachment"}
SELECT_OBJECTS = {5: "user", 6: "role", 7: "mentionable", 8: "channel", limits.FILE_UPLOAD: "attachment"}
"""To what the values of a type of option, or of component, point."""
PLAIN = {STRING: (str,), INTEGER: (int,), BOOLEAN: (bool,), NUMBER: (int, float)}
STRING_LENGTH = 6000
"""Discord's limit for a string option that sets none itself."""
LARGEST_INTEGER = 2**53
"""Discord's limit for an integer option."""


class Option(Struct):
    """An option of a slash command, as the page sends it."""

    name: str
    value: str | int | float | bool | None = None
    options: list[Option] = []
    focused: bool = False


class Filled(Struct):
    """A component of a submitted modal."""

    type: int
    id: int = 0
    custom_id: str | UnsetType = UNSET
    value: str | bool | UnsetType | None = UNSET
    values: list[str] | UnsetType = UNSET
    component: Filled | UnsetType = UNSET
    components: list[Filled] | UnsetType = UNSET


class Resolved:
    """Collects the objects to which the ids in an interaction point."""

    def __init__(self, world: World, user_id: str, channel: Channel) -> None:
        self._world = world
        self._user_id = user_id
        self._channel = channel
        self._objects: Json = {}

    @property
    def data(self) -> Json:
        """The interaction's ``resolved``, to be merged into its data; empty when nothing was pointed to."""
        return {"resolved": self._objects} if self._objects else {}

    def put(self, kind: str, key: str, value: Json) -> None:
        """Add an object."""
        self._objects.setdefault(kind, {})[key] = value

    def file(self, file_id: str) -> Json:
        """Find the attachment object of a file; declines what is gone, or another person's."""
        stored = self._world.files.get(file_id)
        if stored is None or stored.owner != self._user_id:
            raise Declined("The file is not here any more. Please choose it again.")
        return stored.attachment

    def find(self, kind: str, key: str) -> None:
        """Add the user, role, mentionable, channel or attachment with an id; declines if there is none."""
        world = self._world
        people = {world.bot_id: world.bot, **world.users}
        if kind == "attachment":
            self.put("attachments", key, {**self.file(key), "ephemeral": True})
        elif kind == "channel" and key in world.channels and world.channels[key].person is None:
            channel = world.channels[key]
            permissions = world.permissions(self._user_id, channel)
            self.put("channels", key, {**channel_payload(world, channel), "permissions": permissions})
        elif kind in ("user", "mentionable") and key in people:
            self.put("users", key, people[key])
            if self._channel.person is None:
                permissions = world.permissions(key, self._channel)
                self.put("members", key, {**world.member(key), "permissions": permissions})
        elif kind in ("role", "mentionable") and (role := [r for r in roles(world) if r["id"] == key]):
            self.put("roles", key, role[0])
        else:
            raise Declined(f"There is no such {kind} here: please choose again.")


def check_options(
    definitions: Sequence[Json], given: Sequence[Option], resolved: Resolved, *, unfinished: bool
) -> list[Json]:
    """Return a slash command's options as the interaction carries them; declines what is not in order.

    Args:
        definitions: the options as the bot has registered them.
        given: what the page sent.
        resolved: gathers what the values point to.
        unfinished: whether the person is still typing (autocomplete).
    """
    by_name = {definition["name"]: definition for definition in definitions}
    result: dict[str, Json] = {}
    for option in given:
        definition = by_name.pop(option.name, None)
        if definition is None:
            raise Declined(f"The command has no option {option.name!r}, or it is given twice.")
        kind = definition["type"]
        checked = result[option.name] = {"name": option.name, "type": kind}
        if kind in (SUBCOMMAND, GROUP):
            by_name.clear()  # only one of them can be chosen
            inner = definition.get("options") or []
            checked["options"] = check_options(inner, option.options, resolved, unfinished=unfinished)
            continue
        checked["value"] = option.value
        if unfinished and option.focused:
            checked["focused"] = True
        if kind in OPTION_OBJECTS:
            resolved.find(OPTION_OBJECTS[kind], str(option.value))
        elif not unfinished:  # what is being typed may be anything yet
            _check_value(definition, option.value)
    for definition in by_name.values():
        if definition["type"] in (SUBCOMMAND, GROUP):
            raise Declined("Please choose one of the subcommands.")
        if definition.get("required") and not unfinished:
            raise Declined(f"The option {definition['name']} is required.")
    return list(result.values())


def _check_value(definition: Json, value: str | float | bool | None) -> None:
    name, kind = definition["name"], definition["type"]
    choices = [choice["value"] for choice in definition.get("choices") or ()]
    if not isinstance(value, PLAIN[kind]) or (isinstance(value, bool) and kind != BOOLEAN):
        raise Declined(f"{name}: this is not a value of the right kind.")
    if choices and value not in choices:
        raise Declined(f"{name}: please take one of the choices.")
    if isinstance(value, str):
        least, most = definition.get("min_length") or 1, definition.get("max_length") or STRING_LENGTH
        if not least <= len(value) <= most:
            raise Declined(f"{name}: must have between {least} and {most} characters.")
    elif kind != BOOLEAN:
        largest = LARGEST_INTEGER if kind == INTEGER else float("inf")
        least, most = definition.get("min_value", -largest), definition.get("max_value", largest)
        if not least <= value <= most:
            raise Declined(f"{name}: must be between {least} and {most}.")


def check_click(message: Message, custom_id: str, values: list[str] | None, resolved: Resolved) -> Json:
    """Make an interaction's data of a click or a choice; declines what the message does not offer."""
    found = [c for c in limits.walk(message.payload["components"]) if c.get("custom_id") == custom_id]
    if not found or found[0].get("disabled"):
        raise Declined("The message has no such button any more, or it is switched off.")
    component, kind, values = found[0], found[0]["type"], values or []
    data: Json = {"custom_id": custom_id, "component_type": kind, "id": component["id"]}
    if kind == limits.BUTTON:
        return data
    if not component["min_values"] <= len(values) <= component["max_values"]:
        raise Declined(f"Please choose between {component['min_values']} and {component['max_values']}.")
    if kind == limits.STRING_SELECT and not {o["value"] for o in component["options"]}.issuperset(values):
        raise Declined("There is no such choice any more.")
    for value in values if kind in SELECT_OBJECTS else ():
        resolved.find(SELECT_OBJECTS[kind], value)
    return {**data, "values": values}


def check_submission(filled: Sequence[Filled], resolved: Resolved) -> list[Json]:
    """Return a modal's components as the interaction carries them; declines what is not in order."""
    components: list[Json] = to_builtins(filled)
    for component in limits.walk(components):
        if len(str(component.get("value") or "")) > limits.TEXT_INPUT_LENGTH:
            raise Declined(f"A text may have {limits.TEXT_INPUT_LENGTH} characters at most.")
        for value in component.get("values", ()) if component["type"] in SELECT_OBJECTS else ():
            resolved.find(SELECT_OBJECTS[component["type"]], value)
    return components
