"""How the body of a request becomes a message: texts, files, embeds and components in Discord's shapes."""

from __future__ import annotations

import copy
import re
from itertools import count
from typing import TYPE_CHECKING

from bot.playground import limits
from bot.playground.errors import Json, Refused
from bot.playground.files import Upload, safe_name
from bot.playground.world import COMPONENTS_V2, EPHEMERAL, LOADING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.playground.world import Message, World

SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS = 1 << 2, 1 << 12
BOT_FLAGS = SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2
"""The flags that a bot's body may set by itself; the ephemeral one is set by who answers an interaction."""
REFERENCE = "attachment://"
DEFAULTS: dict[int, Json] = {
    **{kind: {"min_values": 1, "max_values": 1} for kind in limits.SELECTS},
    limits.SEPARATOR: {"divider": True, "spacing": 1},
    limits.CONTAINER: {"accent_color": None, "spoiler": False},
    limits.FILE: {"spoiler": False},
    limits.THUMBNAIL: {"description": None, "spoiler": False},
}
"""What Discord adds to components by type."""


def write(
    world: World, message: Message, body: Json, uploads: Mapping[int, Upload], *, path: limits.Path = ()
) -> None:
    """Apply a body to a message, new or old, or refuse it whole (50035, 50006)."""
    payload = {**message.payload, "flags": message.payload["flags"] & ~LOADING}
    if "flags" in body:
        kept = payload["flags"] & (EPHEMERAL | COMPONENTS_V2)
        payload["flags"] = kept | (body["flags"] or 0) & BOT_FLAGS
    v2 = bool(payload["flags"] & COMPONENTS_V2)
    limits.check_message(body, v2=v2, path=path)

    if "content" in body:
        payload["content"] = body["content"] or ""
        mention(world, payload)
    files = dict(message.files)
    if "attachments" in body or uploads:
        payload["attachments"] = _attach(world, payload, files, body, uploads, path)
    if "embeds" in body:
        payload["embeds"] = [_embed(embed, files) for embed in body["embeds"] or ()]
    if "components" in body:
        payload["components"] = _components(world, body["components"] or [], files)
    if v2 and (payload["content"] or payload["embeds"]):
        code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
        raise limits.invalid((*path, "flags"), code, "The message still has content or embeds")
    # A picture that an embed shows stands no longer in the list of attachments.
    pictures = [embed[key] for embed in payload["embeds"] for key in ("image", "thumbnail") if key in embed]
    shown = {picture.get("url") for picture in pictures}
    payload["attachments"] = [a for a in payload["attachments"] if a["url"] not in shown]
    if not any(payload[key] for key in ("content", "embeds", "attachments", "components")):
        raise Refused(400, 50006, "Cannot send an empty message")
    message.payload, message.files = payload, files


def mention(world: World, payload: Json) -> None:
    """Fill in whom the content of a message mentions."""
    ids = dict.fromkeys(re.findall(r"<@!?(\d+)>", payload["content"]))
    everybody = {world.bot_id: world.bot, **world.users}
    payload["mentions"] = [everybody[user_id] for user_id in ids if user_id in everybody]


def _attach(
    world: World,
    payload: Json,
    files: dict[str, Json],
    body: Json,
    uploads: Mapping[int, Upload],
    path: limits.Path,
) -> list[Json]:
    """List the attachments: those to keep, in the order of the body, and those that came along."""
    path, author = (*path, "attachments"), payload["author"]["id"]
    old = {attachment["id"]: attachment for attachment in [*files.values(), *payload["attachments"]]}
    listed = body.get("attachments")
    if listed is None:
        listed = [*payload["attachments"], *({"id": index} for index in uploads)]
    if len(listed) > limits.ATTACHMENTS:
        raise limits.invalid(path, "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    result = []
    for number, entry in enumerate(listed):
        key = str(entry.get("id"))
        if key in old:
            result.append(old[key])
        elif key.isdecimal() and int(key) in uploads:
            upload, text = uploads[int(key)], entry.get("description")
            named = Upload(entry.get("filename") or upload.filename, upload.data)
            result.append(world.files.add(payload["channel_id"], author, named, description=text))
        else:
            raise limits.invalid((*path, number, "id"), "ATTACHMENT_NOT_FOUND", "Attachment data not found")
    files.update({attachment["filename"]: attachment for attachment in result})
    return result


def _referenced(url: object, files: Mapping[str, Json]) -> Json | None:
    if not isinstance(url, str) or not url.startswith(REFERENCE):
        return None
    return files.get(safe_name(url.removeprefix(REFERENCE)))


def _picture(attachment: Json, *more: str) -> Json:
    keys = ("url", "proxy_url", "width", "height", *more)
    return {key: attachment[key] for key in keys if key in attachment}


def _embed(embed: Json, files: Mapping[str, Json]) -> Json:
    """Return the embed as Discord gives it back, its pictures with address and size."""
    result = {key: value for key, value in copy.deepcopy(embed).items() if value is not None}
    result["type"] = "rich"
    for key in {"image", "thumbnail"} & result.keys():
        if attachment := _referenced(result[key].get("url"), files):
            result[key].update(_picture(attachment))
    for key in {"author", "footer"} & result.keys():
        if attachment := _referenced(result[key].get("icon_url"), files):
            result[key].update(icon_url=attachment["url"], proxy_icon_url=attachment["url"])
    return result


def _components(world: World, given: list[Json], files: Mapping[str, Json]) -> list[Json]:
    """Return components as Discord gives them back: numbered, with defaults, and with addresses of files."""
    components = copy.deepcopy(given)
    taken = {component.get("id") for component in limits.walk(components)}
    free = (number for number in count(1) if number not in taken)
    for component in limits.walk(components):
        component["id"] = component.get("id") or next(free)
        for key, value in DEFAULTS.get(component["type"], {}).items():
            component.setdefault(key, value)
        if component["type"] == limits.THUMBNAIL:
            _unfurl(world, component["media"], files)
        elif component["type"] == limits.FILE:
            attachment = _unfurl(world, component["file"], files)
            if attachment:
                component.update(name=attachment["filename"], size=attachment["size"])
        elif component["type"] == limits.GALLERY:
            for item in component["items"]:
                item.setdefault("description", None)
                item.setdefault("spoiler", False)
                _unfurl(world, item["media"], files)
    return components


def _unfurl(world: World, media: Json, files: Mapping[str, Json]) -> Json | None:
    """Turn an ``attachment://`` reference into an address."""
    media.setdefault("id", world.new_id())
    media.setdefault("proxy_url", media["url"])
    attachment = _referenced(media["url"], files)
    if attachment:
        media.update(_picture(attachment, "content_type"), attachment_id=attachment["id"])
    elif media["url"].startswith(REFERENCE):
        message = "The referenced attachment was not found"
        raise limits.invalid(("components",), "UNFURLED_MEDIA_REFERENCED_ATTACHMENT_NOT_FOUND", message)
    return attachment
