"""The bodies of requests and answers: JSON, and multipart with files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import BodyPartReader, web

from bot.playground.errors import Refused, too_large
from bot.playground.files import FILE_BYTES, REQUEST_BYTES, Upload

if TYPE_CHECKING:
    from collections.abc import Mapping


def reply(payload: object, status: int, headers: Mapping[str, str]) -> web.Response:
    """Answer a bot; an answer of None has no body."""
    # Without Via discord.py takes a 429 for a ban by Cloudflare; and it reads JSON only where the type is
    # exactly application/json, without the charset that aiohttp's json_response adds.
    always = {"Via": "1.1 playground", **headers}
    if status == 204:
        return web.Response(status=204, headers=always)
    body = json.dumps(payload).encode()
    return web.Response(body=body, status=status, headers={**always, "Content-Type": "application/json"})


async def read_body(request: web.Request) -> tuple[Any, dict[int, Upload]]:
    """Read the body as JSON, and the files of a multipart request.

    Raises:
        Refused: not JSON (50109), or over a limit (40005).
    """
    if not request.can_read_body:
        return None, {}
    try:
        if request.content_type == "multipart/form-data":
            return await _read_multipart(request)
        text = await request.text()
        return (json.loads(text) if text else None), {}
    except web.HTTPRequestEntityTooLarge:
        raise too_large() from None
    except ValueError:
        raise Refused(400, 50109, "The request body contains invalid JSON.") from None


async def _read_multipart(request: web.Request) -> tuple[Any, dict[int, Upload]]:
    body: Any = None
    uploads: dict[int, Upload] = {}
    total = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise Refused(400, 50035, "Invalid Form Body")
        data = await read_part(part, min(FILE_BYTES, REQUEST_BYTES - total))
        if data is None:
            raise too_large()
        total += len(data)
        name = part.name or ""
        if name == "payload_json":
            body = json.loads(data)
        elif name.startswith("files[") and name[6:-1].isdecimal():
            uploads[int(name[6:-1])] = Upload(part.filename or "unknown", data)
    return body, uploads


async def read_part(part: BodyPartReader, most: int) -> bytes | None:
    """Read the bytes of one part; None when there are more than allowed."""
    data = bytearray()
    while chunk := await part.read_chunk(1 << 16):
        data += chunk
        if len(data) > most:
            return None
    return bytes(data)
