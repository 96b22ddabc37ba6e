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
    from collections.abc import Iterator, Mapping

    from bot.playground.world import Message, World

SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS = 1 << 2, 1 << 12
BOT_FLAGS = SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2
"""The flags that a bot's body may set by itself; the ephemeral one is set by who answers an interaction."""
REFERENCE = "attachment://"


def write(
    world: World, message: Message, body: Json, uploads: Mapping[int, Upload], *, path: limits.Path = ()
) -> None:
    """Apply a body to a message, new or old. Nothing changes unless all of it is in order.

    Raises:
        Refused: a limit is passed (50035), a file is missing, or nothing would be left to show (50006).
    """
    payload = dict(message.payload)
    if "flags" in body:
        kept = EPHEMERAL | LOADING | (payload["flags"] & COMPONENTS_V2)
        payload["flags"] = payload["flags"] & kept | (body["flags"] or 0) & BOT_FLAGS
    v2 = bool(payload["flags"] & COMPONENTS_V2)
    if len(uploads) > limits.ATTACHMENTS:
        raise limits.invalid((*path, "attachments"), "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    limits.check_message(body, v2=v2, path=path)

    if "content" in body:
        payload["content"] = body["content"] or ""
        mention(world, payload)
    if "tts" in body:
        payload["tts"] = bool(body["tts"])
    files = dict(message.files)
    if "attachments" in body or uploads:
        payload["attachments"] = _attach(world, payload, files, body, uploads, path)
    if "embeds" in body:
        payload["embeds"] = [_embed(embed, files) for embed in body["embeds"] or ()]
    if "components" in body:
        payload["components"] = copy.deepcopy(body["components"] or [])
        _number(payload["components"])
        _unfurl(world, payload["components"], files)
    if v2 and (payload["content"] or payload["embeds"]):
        raise limits.invalid(
            (*path, "flags"),
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
            "The message still has content or embeds",
        )
    # A picture that an embed shows stands no longer in the list of attachments.
    shown = {_media(embed, key).get("url") for embed in payload["embeds"] for key in ("image", "thumbnail")}
    payload["attachments"] = [a for a in payload["attachments"] if a["url"] not in shown]
    something = ("content", "embeds", "attachments", "components")
    if not any(payload[key] for key in something) and not payload["flags"] & LOADING:
        raise Refused(400, 50006, "Cannot send an empty message")
    message.payload, message.files = payload, files


def mention(world: World, payload: Json) -> None:
    """Fill in whom the content of a message mentions."""
    ids = dict.fromkeys(re.findall(r"<@!?(\d+)>", payload["content"]))
    everybody = {world.bot_id: world.bot, **world.users}
    payload["mentions"] = [everybody[user_id] for user_id in ids if user_id in everybody]
    payload["mention_everyone"] = "@everyone" in payload["content"] or "@here" in payload["content"]


def _attach(
    world: World,
    payload: Json,
    files: dict[str, Json],
    body: Json,
    uploads: Mapping[int, Upload],
    path: limits.Path,
) -> list[Json]:
    """List the attachments: those to keep, in the order of the body, and those that came along."""
    old = {attachment["id"]: attachment for attachment in [*files.values(), *payload["attachments"]]}
    listed = body.get("attachments")
    if listed is None:
        listed = [*payload["attachments"], *({"id": index} for index in uploads)]
    result = []
    for number, entry in enumerate(listed):
        key = str(entry.get("id"))
        if key in old:
            result.append(old[key])
        elif key.isdecimal() and int(key) in uploads:
            upload = uploads[int(key)]
            named = Upload(entry.get("filename") or upload.filename, upload.data)
            description = entry.get("description")
            author = payload["author"]["id"]
            result.append(world.files.add(payload["channel_id"], author, named, description=description))
        else:
            raise limits.invalid(
                (*path, "attachments", number, "id"), "ATTACHMENT_NOT_FOUND", "Attachment data not found"
            )
    files.update({attachment["filename"]: attachment for attachment in result})
    return result


def _media(holder: Json, key: str) -> Json:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def _embed(embed: Json, files: Mapping[str, Json]) -> Json:
    """Return the embed as Discord gives it back, its pictures with address and size."""
    result = {key: value for key, value in copy.deepcopy(embed).items() if value is not None}
    result["type"] = "rich"
    for key in ("image", "thumbnail"):
        media = _media(result, key)
        attachment = _referenced(media.get("url"), files)
        if attachment:
            media.update(
                {k: attachment[k] for k in ("url", "proxy_url", "width", "height") if k in attachment}
            )
    for key in ("author", "footer"):
        media = _media(result, key)
        attachment = _referenced(media.get("icon_url"), files)
        if attachment:
            media["icon_url"] = media["proxy_icon_url"] = attachment["url"]
    return result


def _referenced(url: object, files: Mapping[str, Json]) -> Json | None:
    if not isinstance(url, str) or not url.startswith(REFERENCE):
        return None
    return files.get(safe_name(url.removeprefix(REFERENCE)))


def _number(components: list[Json]) -> None:
    """Give every component the id that Discord gives, counting from 1, and the defaults it fills in."""
    taken = {component.get("id") for component in limits.walk(components)}
    free = (number for number in count(1) if number not in taken)
    for component in limits.walk(components):
        component["id"] = component.get("id") or next(free)
        kind = component["type"]
        if kind in limits.SELECTS:
            component.setdefault("min_values", 1)
            component.setdefault("max_values", 1)
        elif kind == limits.SEPARATOR:
            component.setdefault("divider", True)
            component.setdefault("spacing", 1)
        elif kind == limits.CONTAINER:
            component.setdefault("accent_color", None)
            component.setdefault("spoiler", False)
        elif kind in (limits.FILE, limits.THUMBNAIL):
            component.setdefault("spoiler", False)


def _unfurl(world: World, components: list[Json], files: Mapping[str, Json]) -> None:
    """Turn ``attachment://`` references of components into addresses.

    Raises:
        Refused: the message has no such file (50035).
    """
    for holder, key in _media_items(components):
        media = _media(holder, key)
        url = media.get("url")
        media.setdefault("id", world.new_id())
        media.setdefault("proxy_url", url)
        attachment = _referenced(url, files)
        if attachment:
            media.update(
                {
                    k: attachment[k]
                    for k in ("url", "proxy_url", "width", "height", "content_type")
                    if k in attachment
                }
            )
            media["attachment_id"] = attachment["id"]
            if holder.get("type") == limits.FILE:
                holder.update(name=attachment["filename"], size=attachment["size"])
        elif str(url).startswith(REFERENCE):
            message = "The referenced attachment was not found"
            raise limits.invalid(("components",), "UNFURLED_MEDIA_REFERENCED_ATTACHMENT_NOT_FOUND", message)


def _media_items(components: list[Json]) -> Iterator[tuple[Json, str]]:
    for component in limits.walk(components):
        if component["type"] == limits.THUMBNAIL:
            component.setdefault("description", None)
            yield component, "media"
        elif component["type"] == limits.FILE:
            yield component, "file"
        elif component["type"] == limits.GALLERY:
            for item in component.get("items") or ():
                item.setdefault("description", None)
                item.setdefault("spoiler", False)
                yield item, "media"
