"""Interactions and their tokens: three seconds to answer, fifteen minutes to follow up."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from bot.playground import limits
from bot.playground.errors import Declined, Json, Refused, unknown_message
from bot.playground.files import FILE_BYTES, Upload
from bot.playground.messages import write
from bot.playground.world import EPHEMERAL, LOADING, Channel, Message, World

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.playground.gateway import Gateway

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


class Asker(Protocol):
    """The page from which an interaction came, and which hears how it goes."""

    @property
    def user_id(self) -> str:
        """Whose page it is."""

    def tell(self, kind: str, data: Json) -> None:
        """Send a frame to the page."""


@dataclass(eq=False, kw_only=True)
class Interaction:
    """One thing that a person did, and what the bot has made of it."""

    id: str
    token: str
    kind: Kind
    asker: Asker
    nonce: str | None
    channel: Channel
    data: Json
    born: float
    source: Message | None = None
    """The message whose component was used, for a component and for a modal opened from one."""
    opened_by: Interaction | None = None
    """For a submitted modal: what made the bot open it."""
    acknowledged_at: float | None = None
    failed: bool = False
    original: Message | None = None
    """What ``@original`` means."""
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def user_id(self) -> str:
        """Who did it."""
        return self.asker.user_id


class Interactions:
    """All interactions of the last fifteen minutes."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self._world = world
        self._gateway = gateway
        self._by_token: OrderedDict[str, Interaction] = OrderedDict()
        self._modals: OrderedDict[tuple[str, str], Interaction] = OrderedDict()

    def close(self) -> None:
        """Let nothing fire any more."""
        for interaction in self._by_token.values():
            if interaction.timer:
                interaction.timer.cancel()

    # From the person to the bot

    def open(
        self,
        kind: Kind,
        asker: Asker,
        channel: Channel,
        data: Json,
        *,
        nonce: str | None = None,
        source: Message | None = None,
    ) -> Interaction:
        """Send an interaction to the bot and start its clock.

        Raises:
            Declined: a modal is submitted that the bot has not opened for this person.
        """
        opened_by = None
        if kind is Kind.MODAL:
            opened_by = self._modals.get((asker.user_id, str(data["custom_id"])))
            if opened_by is None:
                raise Declined("This form is no longer open.")
        interaction = Interaction(
            id=self._world.new_id(),
            token=secrets.token_urlsafe(48),
            kind=kind,
            asker=asker,
            nonce=nonce,
            channel=channel,
            data=data,
            born=self._world.clock(),
            source=source,
            opened_by=opened_by,
        )
        self._forget_old()
        self._by_token[interaction.token] = interaction
        loop = asyncio.get_running_loop()
        interaction.timer = loop.call_later(ACKNOWLEDGE_SECONDS, self._give_up, interaction)
        self._gateway.dispatch("INTERACTION_CREATE", self._payload(interaction), channel)
        return interaction

    def _give_up(self, interaction: Interaction) -> None:
        if interaction.acknowledged_at is None:
            interaction.failed = True
            interaction.asker.tell("failed", {"nonce": interaction.nonce, "text": NO_RESPONSE})

    def _forget_old(self) -> None:
        now = self._world.clock()
        while self._by_token:
            oldest = next(iter(self._by_token.values()))
            if len(self._by_token) < INTERACTIONS and now - oldest.born <= TOKEN_SECONDS:
                break
            self._by_token.popitem(last=False)
            if oldest.timer:
                oldest.timer.cancel()

    def _payload(self, interaction: Interaction) -> Json:
        world, channel, user_id = self._world, interaction.channel, interaction.user_id
        permissions = str(world.permissions(user_id, channel).value)
        payload: Json = {
            "id": interaction.id,
            "application_id": world.bot_id,
            "type": int(interaction.kind),
            "token": interaction.token,
            "version": 1,
            "data": interaction.data,
            "channel_id": channel.id,
            "channel": {**world.channel_payload(channel), "permissions": permissions},
            "locale": "en-US",
            "app_permissions": str(world.permissions(world.bot_id, channel).value),
            "entitlements": [],
            "authorizing_integration_owners": self._owners(channel),
            "context": 1 if channel.is_direct else 0,
            "attachment_size_limit": FILE_BYTES,
        }
        if channel.is_direct:
            payload["user"] = world.user(user_id)
        else:
            payload["guild_id"] = world.guild_id
            payload["guild"] = {"id": world.guild_id, "locale": "en-US", "features": []}
            payload["guild_locale"] = "en-US"
            payload["member"] = {**world.member(user_id), "permissions": permissions}
        if interaction.source:
            payload["message"] = interaction.source.payload
        return payload

    def _owners(self, channel: Channel) -> Json:
        # Key 0: installed to a server, of which there is none ("0") in direct messages.
        return {"0": "0" if channel.is_direct else self._world.guild_id}

    # From the bot to the person

    def answer(self, interaction_id: str, token: str, body: Json, uploads: Mapping[int, Upload]) -> Json:
        """Take the interaction callback, the bot's first answer.

        Raises:
            Refused: too late (10062), a second time (40060), or against a limit (50035).
        """
        interaction = self._by_token.get(token)
        if interaction is None or interaction.id != interaction_id or interaction.failed:
            raise Refused(404, 10062, "Unknown interaction")
        if interaction.acknowledged_at is not None:
            raise Refused(400, 40060, "Interaction has already been acknowledged.")
        now = self._world.clock()
        if now - interaction.born > ACKNOWLEDGE_SECONDS:
            raise Refused(404, 10062, "Unknown interaction")
        callback = self._callback(interaction, body)
        data = body.get("data") or {}
        if callback is Callback.CHOICES:
            limits.check_choices(data)
        elif callback is Callback.MODAL:
            limits.check_modal(data)
        elif callback is Callback.UPDATE:
            assert interaction.source is not None
            write(self._world, interaction.source, data, uploads, path=("data",))
        reply = None
        if callback in (Callback.MESSAGE, Callback.DEFERRED_MESSAGE):
            reply = self._new_reply(interaction, data, waiting=callback is Callback.DEFERRED_MESSAGE)
            write(self._world, reply, data, uploads, path=("data",))

        # Nothing can go wrong any more: the interaction counts as answered.
        interaction.acknowledged_at = now
        if interaction.timer:
            interaction.timer.cancel()
        interaction.asker.tell("acked", {"nonce": interaction.nonce})
        if reply is not None:
            interaction.original = reply
            self._world.post(reply)
        elif callback in NEED_SOURCE and interaction.source is not None:
            interaction.original = interaction.source
            if callback is Callback.UPDATE:
                self._edited(interaction.source)
        elif callback is Callback.CHOICES:
            choices = data.get("choices") or []
            interaction.asker.tell("choices", {"nonce": interaction.nonce, "choices": choices})
        elif callback is Callback.MODAL:
            self._open_modal(interaction, data)
        return self._callback_response(interaction, callback)

    def _callback(self, interaction: Interaction, body: Json) -> Callback:
        kind = body.get("type")
        if kind not in set(Callback):
            raise limits.invalid(("type",), "BASE_TYPE_CHOICES", "Value must be one of {4, 5, 6, 7, 8, 9}.")
        callback = Callback(kind)
        if callback not in ALLOWED[interaction.kind] or (callback in NEED_SOURCE and not interaction.source):
            message = f"Callback type {kind} is invalid for interaction type {int(interaction.kind)}"
            raise limits.invalid(("type",), "INTERACTION_CALLBACK_TYPE_INVALID", message)
        if callback in NEED_SOURCE and interaction.source and not self._is_there(interaction.source):
            raise unknown_message()
        return callback

    def _open_modal(self, interaction: Interaction, data: Json) -> None:
        self._modals[interaction.user_id, str(data["custom_id"])] = interaction
        while len(self._modals) > INTERACTIONS:
            self._modals.popitem(last=False)
        modal = {key: data[key] for key in ("custom_id", "title", "components")}
        interaction.asker.tell("modal", {"nonce": interaction.nonce, **modal})

    def _callback_response(self, interaction: Interaction, callback: Callback) -> Json:
        answered: Json = {"id": interaction.id, "type": int(interaction.kind)}
        response: Json = {"interaction": answered}
        if (message := interaction.original) is not None:
            answered["response_message_id"] = message.id
            answered["response_message_loading"] = bool(message.payload["flags"] & LOADING)
            answered["response_message_ephemeral"] = bool(message.payload["flags"] & EPHEMERAL)
            if callback in (Callback.MESSAGE, Callback.UPDATE):
                response["resource"] = {"type": int(callback), "message": message.payload}
        return response

    def _new_reply(self, interaction: Interaction, body: Json, *, waiting: bool = False) -> Message:
        """Make an empty message that belongs to an interaction; an ephemeral one has its only viewer."""
        world = self._world
        kind, reference = REPLY, None
        if interaction.original is not None:
            reference = interaction.original
        elif interaction.kind is Kind.COMMAND:
            kind = SLASH_REPLY if interaction.data.get("type", 1) == 1 else MENU_REPLY
        else:
            reference = interaction.source
        more: Json = {"application_id": world.bot_id, "webhook_id": world.bot_id}
        more["interaction_metadata"] = self._metadata(interaction)
        if interaction.kind is Kind.COMMAND:
            more["interaction"] = {
                "id": interaction.id,
                "type": int(interaction.kind),
                "name": interaction.data["name"],
                "user": world.user(interaction.user_id),
            }
        if reference is not None:
            more["message_reference"] = {
                "type": 0,
                "channel_id": interaction.channel.id,
                "message_id": reference.id,
            }
        message = world.new_message(world.bot_id, interaction.channel, kind=kind, **more)
        if (body.get("flags") or 0) & EPHEMERAL:
            message.viewer = interaction.user_id
            message.payload["flags"] |= EPHEMERAL
        if waiting:
            message.payload["flags"] |= LOADING
        return message

    def _metadata(self, interaction: Interaction) -> Json:
        metadata: Json = {
            "id": interaction.id,
            "type": int(interaction.kind),
            "user": self._world.user(interaction.user_id),
            "authorizing_integration_owners": self._owners(interaction.channel),
        }
        if interaction.original is not None:
            metadata["original_response_message_id"] = interaction.original.id
        if interaction.kind is Kind.COMMAND:
            target = interaction.data.get("target_id")
            if interaction.data.get("type") == 2:
                metadata["target_user"] = self._world.user(str(target))
            elif interaction.data.get("type") == 3:
                metadata["target_message_id"] = target
        elif interaction.kind is Kind.COMPONENT and interaction.source is not None:
            metadata["interacted_message_id"] = interaction.source.id
        elif interaction.opened_by is not None:
            metadata["triggering_interaction_metadata"] = self._metadata(interaction.opened_by)
        return metadata

    # What the bot does with the token afterwards

    def _living(self, token: str) -> Interaction:
        interaction = self._by_token.get(token)
        if interaction is None or self._world.clock() - interaction.born > TOKEN_SECONDS:
            raise Refused(401, 50027, "Invalid Webhook Token")
        if interaction.acknowledged_at is None:
            raise Refused(404, 10015, "Unknown Webhook")
        return interaction

    def follow_up(self, token: str, body: Json, uploads: Mapping[int, Upload]) -> Message:
        """Post another message; the first one after a deferral fills the message that says "thinking".

        Raises:
            Refused: the token has run out (50027), or a limit is passed.
        """
        interaction = self._living(token)
        original = interaction.original
        if original is not None and original.payload["flags"] & LOADING and self._is_there(original):
            return self.edit(token, "@original", body, uploads)
        message = self._new_reply(interaction, body)
        write(self._world, message, body, uploads)
        if interaction.original is None:
            interaction.original = message
        self._world.post(message)
        return message

    def _is_there(self, message: Message) -> bool:
        return message.id in self._world.channel(message.channel_id).messages

    def message(self, token: str, message_id: str) -> Message:
        """Find a message that belongs to the token, ``@original`` among them.

        Raises:
            Refused: the token has run out (50027), or there is no such message (10008).
        """
        interaction = self._living(token)
        if message_id == "@original":
            if interaction.original is None:
                raise unknown_message()
            message_id = interaction.original.id
        message = interaction.channel.messages.get(message_id)
        # A component may sit on a message that the bot posted by itself, which is then the original.
        if message is not None and message is not interaction.original:
            message = message if message.payload.get("webhook_id") == self._world.bot_id else None
        if message is None:
            raise unknown_message()
        return message

    def edit(self, token: str, message_id: str, body: Json, uploads: Mapping[int, Upload]) -> Message:
        """Edit a message that belongs to the token.

        Raises:
            Refused: as ``message``, or a limit is passed.
        """
        message = self.message(token, message_id)
        loading = message.payload["flags"] & LOADING
        message.payload = {**message.payload, "flags": message.payload["flags"] & ~LOADING}
        try:
            write(self._world, message, body, uploads)
        except Refused:
            message.payload["flags"] |= loading
            raise
        if loading:
            self._world.change(message)
        else:
            self._edited(message)
        return message

    def _edited(self, message: Message) -> None:
        message.payload["edited_timestamp"] = self._world.timestamp()
        self._world.change(message)
