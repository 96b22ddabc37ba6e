"""The bodies of requests and answers: JSON, and multipart with files."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from aiohttp import BodyPartReader, web

from bot.playground.errors import Declined, Refused, too_large
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
    """Read JSON and files; refuses what is not JSON (50109) or over a limit (40005)."""
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
    left = REQUEST_BYTES
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise Refused(400, 50035, "Invalid Form Body")
        data = await _read_part(part)
        left -= len(data)
        if len(data) > FILE_BYTES or left < 0:
            raise too_large()
        name = part.name or ""
        if name == "payload_json":
            body = json.loads(data)
        elif name.startswith("files[") and name[6:-1].isdecimal():
            uploads[int(name[6:-1])] = Upload(part.filename or "unknown", data)
    return body, uploads


async def _read_part(part: BodyPartReader) -> bytes:
    """Read one part, not much further than a file may be long."""
    data = bytearray()
    while len(data) <= FILE_BYTES and (chunk := await part.read_chunk(1 << 16)):
        data += chunk
    return bytes(data)


async def read_upload(request: web.Request) -> Upload:
    """Read the one file that a page uploads; one that is too long is cut just above the limit."""
    with contextlib.suppress(ValueError):  # what claims to be multipart need not be
        if request.content_type == "multipart/form-data":
            part = await (await request.multipart()).next()
            if isinstance(part, BodyPartReader) and part.name == "file":
                return Upload(part.filename or "unknown", await _read_part(part))
    raise Declined("The file did not arrive.")
