"""What a person fills in, checked as Discord's client checks it, and the ``resolved`` objects for the bot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.playground import limits
from bot.playground.errors import Declined, Json, Refused
from bot.playground.guild import roles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.playground.world import Channel, Message, World

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(
    1, 12
)
USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT, FILE_UPLOAD = 5, 6, 7, 8, 19
STRING_LENGTH = 6000
"""Discord's limit for a string option that sets none itself."""
LARGEST_INTEGER = 2**53
"""Discord's limit for an integer option."""
OPTION_TYPES: dict[int, type | tuple[type, ...]] = {
    STRING: str,
    INTEGER: int,
    BOOLEAN: bool,
    NUMBER: (int, float),
}


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

    def _put(self, kind: str, key: str, value: Json) -> None:
        self._objects.setdefault(kind, {})[key] = value

    def user(self, user_id: str) -> None:
        """Point to a user, in the server as a member too."""
        try:
            self._put("users", user_id, self._world.user(user_id))
        except Refused:
            raise Declined("There is no such person here.") from None
        if not self._channel.is_direct:
            permissions = self._world.permissions(user_id, self._channel)
            member = {**self._world.membership(user_id), "permissions": str(permissions.value)}
            self._put("members", user_id, member)

    def role(self, role_id: str) -> None:
        """Point to a role of the server."""
        for role in roles(self._world):
            if role["id"] == role_id:
                self._put("roles", role_id, role)
                return
        raise Declined("There is no such role here.")

    def mentionable(self, some_id: str) -> None:
        """Point to a user or a role."""
        if some_id in self._world.users or some_id == self._world.bot_id:
            self.user(some_id)
        else:
            self.role(some_id)

    def channel(self, channel_id: str) -> None:
        """Point to a channel of the server."""
        channel = self._world.channels.get(channel_id)
        if channel is None or channel.is_direct:
            raise Declined("There is no such channel here.")
        permissions = self._world.permissions(self._user_id, channel)
        payload = self._world.channel_payload(channel)
        self._put("channels", channel_id, {**payload, "permissions": str(permissions.value)})

    def attachment(self, file_id: str) -> None:
        """Point to a file that the person has uploaded."""
        stored = self._world.files.get(file_id)
        if stored is None or stored.owner != self._user_id:
            raise Declined("The file is not here any more. Please choose it again.")
        self._put("attachments", file_id, {**stored.attachment, "ephemeral": True})

    def message(self, message: Message) -> None:
        """Point to the target of a context menu, in full even without the message content intent."""
        self._put("messages", message.id, message.payload)

    def of_select(self, component_type: int, value: str) -> None:
        """Follow a value chosen in a select menu or an upload field; plain strings point to nothing."""
        resolvers = {
            USER_SELECT: self.user,
            ROLE_SELECT: self.role,
            MENTIONABLE_SELECT: self.mentionable,
            CHANNEL_SELECT: self.channel,
            FILE_UPLOAD: self.attachment,
        }
        if component_type in resolvers:
            resolvers[component_type](value)

    def of_option(self, option_type: int, value: str) -> None:
        """Follow the value of a slash command's option."""
        resolvers = {
            USER: self.user,
            ROLE: self.role,
            MENTIONABLE: self.mentionable,
            CHANNEL: self.channel,
            ATTACHMENT: self.attachment,
        }
        resolvers[option_type](value)


def check_options(
    definitions: Sequence[Json], given: Any, resolved: Resolved, *, unfinished: bool
) -> list[Json]:
    """Check the options of a slash command, subcommands included.

    Args:
        definitions: the options as the bot has registered them.
        given: what the page sent.
        resolved: gathers what the values point to.
        unfinished: whether the person is still typing (autocomplete).

    Returns:
        The options as the interaction carries them.

    Raises:
        Declined: Discord's client would not send this.
    """
    if not isinstance(given, list) or not all(isinstance(option, dict) for option in given):
        raise Declined("The options are not in order.")
    by_name = {definition["name"]: definition for definition in definitions}
    result = []
    for option in given:
        definition = by_name.get(str(option.get("name")))
        if definition is None:
            raise Declined(f"The command has no option {option.get('name')!r}.")
        checked: Json = {"name": definition["name"], "type": definition["type"]}
        if definition["type"] in (SUBCOMMAND, GROUP):
            inner = definition.get("options") or []
            children = option.get("options") or []
            checked["options"] = check_options(inner, children, resolved, unfinished=unfinished)
        else:
            if unfinished and option.get("focused"):
                checked["focused"] = True
            if not unfinished or definition["type"] > BOOLEAN:
                _check_value(definition, option.get("value"), resolved, unfinished=unfinished)
            checked["value"] = option.get("value")
        result.append(checked)
    names = [option["name"] for option in result]
    if len(names) != len(set(names)):
        raise Declined("An option is given twice.")
    is_group = any(definition["type"] in (SUBCOMMAND, GROUP) for definition in definitions)
    if is_group and len(result) != 1:
        raise Declined("Please choose one of the subcommands.")
    if not unfinished:
        for definition in definitions:
            if definition.get("required") and definition["name"] not in names:
                raise Declined(f"The option {definition['name']} is required.")
    return result


def _check_value(definition: Json, value: Any, resolved: Resolved, *, unfinished: bool) -> None:
    name, kind = definition["name"], int(definition["type"])
    if kind not in OPTION_TYPES:
        if not isinstance(value, str):
            raise Declined(f"{name}: please choose again.")
        resolved.of_option(kind, value)
        return
    if unfinished:
        return  # a number that is being typed may be anything yet
    if not isinstance(value, OPTION_TYPES[kind]) or (isinstance(value, bool) and kind != BOOLEAN):
        raise Declined(f"{name}: this is not a value of the right kind.")
    if isinstance(value, str):
        least, most = definition.get("min_length") or 0, definition.get("max_length") or STRING_LENGTH
        if not max(least, 1) <= len(value) <= most:
            raise Declined(f"{name}: must have between {max(least, 1)} and {most} characters.")
    elif kind != BOOLEAN and isinstance(value, int | float):
        least, most = definition.get("min_value"), definition.get("max_value")
        if kind == INTEGER and abs(value) > LARGEST_INTEGER:
            raise Declined(f"{name}: the number is too large.")
        if (least is not None and value < least) or (most is not None and value > most):
            raise Declined(f"{name}: must be between {least} and {most}.".replace("None", "any"))
    choices = definition.get("choices")
    if choices and value not in [choice["value"] for choice in choices]:
        raise Declined(f"{name}: please take one of the choices.")


def check_click(message: Message, custom_id: str, values: Any, resolved: Resolved) -> Json:
    """Check a click on a button or a choice in a select, and make the interaction's data of it.

    Raises:
        Declined: the message has no such component, or it does not take this.
    """
    for component in limits.walk(message.payload["components"]):
        if component.get("custom_id") == custom_id:
            break
    else:
        raise Declined("The message has no such button any more.")
    if component.get("disabled"):
        raise Declined("This is switched off.")
    data: Json = {"custom_id": custom_id, "component_type": component["type"], "id": component["id"]}
    if component["type"] == limits.BUTTON:
        return data
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Declined("Nothing is chosen.")
    _check_choice(component, values, resolved)
    return {**data, "values": values, **resolved.data}


def _check_choice(component: Json, values: list[str], resolved: Resolved) -> None:
    least, most = component.get("min_values", 1), component.get("max_values", 1)
    if not least <= len(values) <= most:
        raise Declined(f"Please choose between {least} and {most}.")
    if component["type"] == limits.STRING_SELECT:
        known = {option["value"] for option in component["options"]}
        if not known.issuperset(values):
            raise Declined("There is no such choice any more.")
    for value in values:
        resolved.of_select(component["type"], value)


def check_submission(components: Any, resolved: Resolved) -> list[Json]:
    """Check the components of a submitted modal.

    Raises:
        Declined: they have not the shape of a submission, or a text is too long.
    """
    if not isinstance(components, list) or not all(isinstance(c, dict) for c in components):
        raise Declined("The form is not in order.")
    for component in limits.walk(components):
        if len(str(component.get("value") or "")) > limits.TEXT_INPUT_LENGTH:
            raise Declined(f"A text may have {limits.TEXT_INPUT_LENGTH} characters at most.")
        for value in component.get("values") or ():
            resolved.of_select(int(component.get("type") or 0), str(value))
    return components
