"""Interactions and their tokens: three seconds to answer, fifteen minutes to follow up."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from bot.playground import limits
from bot.playground.errors import Declined, Json, Refused, unknown_message
from bot.playground.files import FILE_BYTES, Upload
from bot.playground.guild import channel_payload
from bot.playground.messages import write
from bot.playground.world import EPHEMERAL, LOADING, Channel, Message, World

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.playground.gateway import Gateway
    from bot.playground.pages import Page

ACKNOWLEDGE_SECONDS = 3.0
TOKEN_SECONDS = 15 * 60.0
INTERACTIONS = 10_000
"""How many interactions are remembered at most."""
NO_RESPONSE = "The application did not respond"
REPLY, SLASH_REPLY, MENU_REPLY = 19, 20, 23
"""Message types: a reply, the answer to a slash command, the answer to a context menu."""


class Kind(IntEnum):
    """What a person did."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class Callback(IntEnum):
    """How the bot answers."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


ALLOWED = {
    Kind.COMMAND: {Callback.MESSAGE, Callback.DEFERRED_MESSAGE, Callback.MODAL},
    Kind.COMPONENT: set(Callback) - {Callback.CHOICES},
    Kind.AUTOCOMPLETE: {Callback.CHOICES},
    Kind.MODAL: set(Callback) - {Callback.CHOICES, Callback.MODAL},
}
NEED_SOURCE = {Callback.DEFERRED_UPDATE, Callback.UPDATE}
"""Callbacks that speak of the message on which the person clicked."""


@dataclass(eq=False, kw_only=True)
class Interaction:
    """One thing that a person did, and what the bot has made of it."""

    id: str
    token: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    kind: Kind
    page: Page
    nonce: str | None
    channel: Channel
    data: Json
    born: float
    source: Message | None
    """The message whose component was used, for a component and for a modal opened from one."""
    opened_by: Interaction | None = None
    """For a submitted modal: what made the bot open it."""
    acknowledged: bool = False
    original: Message | None = None
    """What ``@original`` means."""

    def tell(self, kind: str, **data: object) -> None:
        """Tell the page how it goes."""
        self.page.tell(kind, {"nonce": self.nonce, **data})


class Interactions:
    """All interactions of the last fifteen minutes."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self._world = world
        self._gateway = gateway
        self._by_token: dict[str, Interaction] = {}
        self._modals: dict[tuple[str, str], Interaction] = {}

    # From the person to the bot

    def open(
        self, kind: Kind, page: Page, channel: Channel, data: Json, nonce: str | None, source: Message | None
    ) -> Interaction:
        """Send an interaction to the bot and start its clock; declines a modal that was never opened."""
        opened_by = None
        if kind is Kind.MODAL:
            opened_by = self._modals.get((page.user_id, data["custom_id"]))
            if opened_by is None:
                raise Declined("This form is no longer open.")
        interaction = Interaction(
            id=self._world.new_id(),
            kind=kind,
            page=page,
            nonce=nonce,
            channel=channel,
            data=data,
            born=self._world.clock(),
            source=source,
            opened_by=opened_by,
        )
        _remember(self._by_token, interaction.token, interaction)
        asyncio.get_running_loop().call_later(ACKNOWLEDGE_SECONDS, self._give_up, interaction)
        payload = self._payload(interaction)
        for session in self._gateway.audience(channel):
            session.dispatch("INTERACTION_CREATE", payload)
        return interaction

    def _give_up(self, interaction: Interaction) -> None:
        if not interaction.acknowledged:
            self._by_token.pop(interaction.token, None)
            interaction.tell("failed", text=NO_RESPONSE)

    def _payload(self, interaction: Interaction) -> Json:
        world, channel, user_id = self._world, interaction.channel, interaction.page.user_id
        permissions = world.permissions(user_id, channel)
        payload: Json = {
            "id": interaction.id,
            "application_id": world.bot_id,
            "type": int(interaction.kind),
            "token": interaction.token,
            "version": 1,
            "data": interaction.data,
            "channel_id": channel.id,
            "channel": {**channel_payload(world, channel), "permissions": permissions},
            "locale": "en-US",
            "app_permissions": world.permissions(world.bot_id, channel),
            "entitlements": [],
            "authorizing_integration_owners": self._owners(channel),
            "context": 1 if channel.person else 0,
            "attachment_size_limit": FILE_BYTES,
        }
        user = {"user": world.user(user_id)}
        if channel.person:
            payload.update(user)
        else:
            payload["guild_id"] = world.guild_id
            payload["guild"] = {"id": world.guild_id, "locale": "en-US", "features": []}
            payload["member"] = {**user, **world.member(user_id), "permissions": permissions}
        if interaction.source:
            payload["message"] = interaction.source.payload
        return payload

    def _owners(self, channel: Channel) -> Json:
        # Key 0: installed to a server, of which there is none ("0") in direct messages.
        return {"0": "0" if channel.person else self._world.guild_id}

    # From the bot to the person

    def answer(self, interaction_id: str, token: str, body: Json, uploads: Mapping[int, Upload]) -> Json:
        """Take the bot's first answer; refuses a late (10062), second (40060) or wrong one (50035)."""
        interaction = self._by_token.get(token)
        if interaction is not None and interaction.acknowledged:
            raise Refused(400, 40060, "Interaction has already been acknowledged.")
        age = self._world.clock() - interaction.born if interaction else 0.0
        if interaction is None or interaction.id != interaction_id or age > ACKNOWLEDGE_SECONDS:
            raise Refused(404, 10062, "Unknown interaction")
        callback, data = self._callback(interaction, body), body.get("data") or {}
        message = None
        if callback is Callback.CHOICES:
            limits.check(data, limits.CHOICES)
        elif callback is Callback.MODAL:
            limits.check(data, limits.MODAL, limits.MODAL_TREE)
        elif callback in NEED_SOURCE:
            message = interaction.source
        else:
            waiting = LOADING if callback is Callback.DEFERRED_MESSAGE else 0
            message = self._new_reply(interaction, data, waiting)
        if callback in (Callback.MESSAGE, Callback.UPDATE) and message is not None:
            write(self._world, message, data, uploads, path=("data",))

        # Nothing can go wrong any more: the interaction counts as answered.
        interaction.acknowledged = True
        interaction.original = message
        interaction.tell("acked")
        self._show(interaction, callback, data)
        answered: Json = {"id": interaction.id, "type": int(interaction.kind)}
        if message is None:
            return {"interaction": answered}
        answered["response_message_id"] = message.id
        answered["response_message_loading"] = bool(message.payload["flags"] & LOADING)
        answered["response_message_ephemeral"] = bool(message.payload["flags"] & EPHEMERAL)
        if callback not in (Callback.MESSAGE, Callback.UPDATE):
            return {"interaction": answered}
        resource = {"type": int(callback), "message": message.payload}
        return {"interaction": answered, "resource": resource}

    def _callback(self, interaction: Interaction, body: Json) -> Callback:
        kind = body.get("type")
        if kind not in ALLOWED[interaction.kind] or (kind in NEED_SOURCE and not interaction.source):
            message = f"Callback type {kind} is invalid for interaction type {int(interaction.kind)}"
            raise limits.invalid(("type",), "INTERACTION_CALLBACK_TYPE_INVALID", message)
        if kind in NEED_SOURCE and interaction.source:
            self._world.message(interaction.channel, interaction.source.id, interaction.page.user_id)
        return Callback(kind)

    def _show(self, interaction: Interaction, callback: Callback, data: Json) -> None:
        if callback is Callback.CHOICES:
            interaction.tell("choices", choices=data.get("choices") or [])
        elif callback is Callback.MODAL:
            _remember(self._modals, (interaction.page.user_id, data["custom_id"]), interaction)
            interaction.tell("modal", **{key: data[key] for key in ("custom_id", "title", "components")})
        elif callback is Callback.UPDATE and interaction.source:
            self._world.change(interaction.source)
        elif callback is not Callback.DEFERRED_UPDATE and interaction.original:
            self._world.post(interaction.original)

    def _new_reply(self, interaction: Interaction, body: Json, flags: int = 0) -> Message:
        """Make an empty message that belongs to an interaction; an ephemeral one has its only viewer."""
        world, kind, reference = self._world, REPLY, interaction.original or interaction.source
        more: Json = {"application_id": world.bot_id, "webhook_id": world.bot_id}
        more["interaction_metadata"] = self._metadata(interaction)
        if interaction.kind is Kind.COMMAND:
            user = world.user(interaction.page.user_id)
            about = {"id": interaction.id, "type": int(interaction.kind), "name": interaction.data["name"]}
            more["interaction"] = {**about, "user": user}
            if reference is None:
                kind = SLASH_REPLY if interaction.data["type"] == 1 else MENU_REPLY
        if reference is not None:
            place = {"type": 0, "channel_id": interaction.channel.id, "message_id": reference.id}
            more["message_reference"] = place
        flags |= (body.get("flags") or 0) & EPHEMERAL
        message = world.new_message(world.bot_id, interaction.channel, kind=kind, flags=flags, **more)
        if flags & EPHEMERAL:
            message.viewer = interaction.page.user_id
        return message

    def _metadata(self, interaction: Interaction) -> Json:
        metadata: Json = {
            "id": interaction.id,
            "type": int(interaction.kind),
            "user": self._world.user(interaction.page.user_id),
            "authorizing_integration_owners": self._owners(interaction.channel),
        }
        if interaction.original is not None:
            metadata["original_response_message_id"] = interaction.original.id
        if interaction.data.get("type") == 2:
            metadata["target_user"] = self._world.user(interaction.data["target_id"])
        elif interaction.data.get("type") == 3:
            metadata["target_message_id"] = interaction.data["target_id"]
        elif interaction.opened_by is not None:
            metadata["triggering_interaction_metadata"] = self._metadata(interaction.opened_by)
        elif interaction.source is not None:
            metadata["interacted_message_id"] = interaction.source.id
        return metadata

    # What the bot does with the token afterwards

    def _living(self, token: str) -> Interaction:
        interaction = self._by_token.get(token)
        if interaction is None or self._world.clock() - interaction.born > TOKEN_SECONDS:
            raise Refused(401, 50027, "Invalid Webhook Token")
        if not interaction.acknowledged:
            raise Refused(404, 10015, "Unknown Webhook")
        return interaction

    def follow_up(self, token: str, body: Json, uploads: Mapping[int, Upload]) -> Message:
        """Post another message; the first one after a deferral fills the message that says "thinking"."""
        interaction = self._living(token)
        original = interaction.original
        if original and original.payload["flags"] & LOADING and original.id in interaction.channel.messages:
            return self.edit(token, "@original", body, uploads)
        message = self._new_reply(interaction, body)
        write(self._world, message, body, uploads)
        interaction.original = original or message
        self._world.post(message)
        return message

    def message(self, token: str, message_id: str) -> Message:
        """Find a message of a token; refuses an expired token (50027) and an unknown message (10008)."""
        interaction = self._living(token)
        original = interaction.original
        if message_id == "@original" and original is not None:
            message_id = original.id
        message = interaction.channel.messages.get(message_id)
        # A component may sit on a message that the bot posted by itself, which is then the original.
        if message is None or (message is not original and "webhook_id" not in message.payload):
            raise unknown_message()
        return message

    def edit(self, token: str, message_id: str, body: Json, uploads: Mapping[int, Upload]) -> Message:
        """Edit a message of a token; refuses as ``message`` does, and what is against a limit (50035)."""
        message = self.message(token, message_id)
        loading = bool(message.payload["flags"] & LOADING)
        write(self._world, message, body, uploads)
        self._world.change(message, edited=not loading)
        return message


def _remember(memory: dict[Any, Interaction], key: object, interaction: Interaction) -> None:
    memory[key] = interaction
    while len(memory) > INTERACTIONS:
        memory.pop(next(iter(memory)))
