"""The server as Discord describes it: its roles, its channels, and what a bot gets to know at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import Permissions

from bot.playground.world import EVERYONE, GUILD_NAME

if TYPE_CHECKING:
    from bot.playground.errors import Json
    from bot.playground.world import Channel, World

TEXT_CHANNEL, DIRECT_CHANNEL = 0, 1


def channel_payload(world: World, channel: Channel, *, seen_by: str | None = None) -> Json:
    """Discord's channel object. In direct messages the recipient is the other one of the two."""
    payload: Json = {
        "id": channel.id,
        "type": TEXT_CHANNEL if channel.person is None else DIRECT_CHANNEL,
        "last_message_id": next(reversed(channel.messages), None),
        "flags": 0,
    }
    if channel.person is not None:
        recipient = world.bot if seen_by == channel.person else world.user(channel.person)
        return {**payload, "recipients": [recipient]}
    return {
        **payload,
        "guild_id": world.guild_id,
        "name": channel.name,
        "topic": channel.topic,
        "position": list(world.channels).index(channel.id),
        "permission_overwrites": [],
        "nsfw": False,
        "rate_limit_per_user": 0,
        "parent_id": None,
    }


def roles(world: World) -> list[Json]:
    """List the server's roles: everyone, the bot's own and the administrator's."""
    own = {"managed": True, "tags": {"bot_id": world.bot_id}}
    shared = {
        **dict.fromkeys(("hoist", "managed", "mentionable"), False),
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "flags": 0,
    }
    listed: list[tuple[str, str, Permissions, Json]] = [
        (world.guild_id, "@everyone", EVERYONE, {}),
        (world.bot_role_id, str(world.bot["global_name"]), EVERYONE, own),
        (world.admin_role_id, "Admin", Permissions(administrator=True), {}),
    ]
    return [
        {**shared, "id": key, "name": name, "position": position, "permissions": str(value.value), **more}
        for position, (key, name, value, more) in enumerate(listed)
    ]


def guild_create(world: World) -> Json:
    """Return the guild as the gateway announces it."""
    empty = (
        "features emojis stickers threads presences voice_states stage_instances guild_scheduled_events "
        "soundboard_sounds"
    )
    zero = (
        "verification_level default_message_notifications mfa_level explicit_content_filter premium_tier "
        "nsfw_level system_channel_flags"
    )
    return {
        **{key: [] for key in empty.split()},
        **dict.fromkeys(zero.split(), 0),
        "id": world.guild_id,
        "name": GUILD_NAME,
        "owner_id": world.admin_id,
        "roles": roles(world),
        "channels": [channel_payload(world, c) for c in world.channels.values() if c.person is None],
        "members": [{"user": world.bot, **world.member(world.bot_id)}],  # the others need an intent
        "member_count": 1 + len(world.users),
        "joined_at": world.joined_at,
        "preferred_locale": "en-US",
        "large": False,
        "unavailable": False,
    }
