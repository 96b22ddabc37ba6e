"""The server as Discord describes it: its roles, and everything that a bot gets to know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import Permissions

from bot.playground.world import EVERYONE

if TYPE_CHECKING:
    from bot.playground.errors import Json
    from bot.playground.world import World

GUILD_NAME = "Local server"


def roles(world: World) -> list[Json]:
    """List the server's roles: everyone, the bot's own and the administrator's."""

    def role(role_id: str, name: str, position: int, permissions: Permissions, **more: object) -> Json:
        return {
            "id": role_id,
            "name": name,
            "position": position,
            "permissions": str(permissions.value),
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": False,
            "mentionable": False,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
            **more,
        }

    return [
        role(world.guild_id, "@everyone", 0, EVERYONE),
        role(
            world.bot_role_id,
            str(world.bot["global_name"]),
            1,
            EVERYONE,
            managed=True,
            tags={"bot_id": world.bot_id},
        ),
        role(world.admin_role_id, "Admin", 2, Permissions(administrator=True)),
    ]


def guild(world: World) -> Json:
    """Discord's guild object, as the REST interface gives it."""
    nothing = (
        "icon description home_header splash discovery_splash banner application_id afk_channel_id "
        "system_channel_id widget_channel_id max_presences vanity_url_code rules_channel_id "
        "safety_alerts_channel_id public_updates_channel_id incidents_data"
    )
    zero = (
        "system_channel_flags verification_level default_message_notifications mfa_level "
        "explicit_content_filter premium_tier premium_subscription_count nsfw_level"
    )
    return {
        **dict.fromkeys(nothing.split(), None),
        **dict.fromkeys(zero.split(), 0),
        "id": world.guild_id,
        "name": GUILD_NAME,
        "owner_id": world.admin_id,
        "region": "local",
        "features": [],
        "roles": roles(world),
        "emojis": [],
        "stickers": [],
        "afk_timeout": 300,
        "widget_enabled": False,
        "max_members": 500_000,
        "max_stage_video_channel_users": 0,
        "max_video_channel_users": 25,
        "preferred_locale": "en-US",
        "premium_progress_bar_enabled": False,
        "nsfw": False,
    }


def guild_create(world: World) -> Json:
    """Return the guild as the gateway announces it, with everything in it."""
    nothing_yet = "threads presences voice_states stage_instances guild_scheduled_events soundboard_sounds"
    members = [world.member(user_id) for user_id in (world.bot_id, *world.users)]
    return {
        **guild(world),
        **{key: [] for key in nothing_yet.split()},
        "channels": [world.channel_payload(c) for c in world.channels.values() if not c.is_direct],
        "members": members,
        "member_count": len(members),
        "joined_at": world.joined_at,
        "large": False,
        "unavailable": False,
    }
