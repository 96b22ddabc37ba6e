"""The embedded Discord as a whole: the aiohttp application, its guards, start and stop."""

from __future__ import annotations

import contextlib
import errno
import logging
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import yarl
from aiohttp import web
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.playground.bodies import read_upload
from bot.playground.errors import Declined
from bot.playground.files import FILE_BYTES, INLINE_TYPES, REQUEST_BYTES
from bot.playground.gateway import Gateway
from bot.playground.interactions import Interactions
from bot.playground.pages import Pages, Welcome
from bot.playground.person import Person
from bot.playground.ratelimits import RateLimits
from bot.playground.rest import Rest
from bot.playground.world import MEMBERS, World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

log = logging.getLogger(__name__)

PAGE = Path(__file__).with_name("page")
SAMPLES = PAGE / "samples"
"""Photographs to try commands with; see CREDITS.md among them."""
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
"""Names under which the page and the samples are served: no folders, nothing hidden."""
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self' {socket}; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
FILE_POLICY = "default-src 'none'; sandbox"
"""For uploads: even if a browser took one of them for a page, nothing in it would run."""


class Playground:
    """A small Discord of our own on loopback.

    Args:
        bot_name: the display name of the bot's user.
        welcome: what the page shows to somebody who is here for the first time.
        samples: a folder whose files are served at ``/samples/NAME``.
        members: display names of the people in the server, beside its administrator.
        clock: seconds since 1970; tests let it jump.
    """

    def __init__(
        self,
        *,
        bot_name: str = "Bot",
        welcome: Welcome | None = None,
        samples: Path | None = None,
        members: Sequence[str] = MEMBERS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.world = World(bot_name=bot_name, members=members, clock=clock)
        self.gateway = Gateway(self.world)
        self.ratelimits = RateLimits(clock)
        self.interactions = Interactions(self.world, self.gateway)
        self.pages = Pages(self.world, self.gateway, self.interactions, welcome)
        # The bot hears of a message before the people do, as the answer to its own request comes later still.
        self.world.listeners += [self.gateway.tell, self.pages.tell]
        self.fail_next = self.ratelimits.fail_next
        self.drop_gateways = self.gateway.lines.cut
        self.url = ""
        self._samples = samples
        self._runner: web.AppRunner | None = None
        self._hosts: frozenset[str] = frozenset()

    # Start and stop

    async def start(self, host: str = "127.0.0.1", port: int = 0, *, fall_back: bool = False) -> str:
        """Listen, and return the address of the page.

        Args:
            host: an address of this machine.
            port: 0 for any free one.
            fall_back: take any free port when the wanted one is taken.

        Raises:
            OSError: the port is taken.
        """
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        self._runner = runner
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not fall_back:
                await self.stop()
                raise
            log.warning("Port %d is taken: the playground takes a free one", port)
            await web.TCPSite(runner, host, 0).start()
        port = runner.addresses[0][1]
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self.url = f"http://127.0.0.1:{port}"
        self.world.files.base_url = self.url
        self.gateway.url = f"ws://127.0.0.1:{port}/gateway"
        return self.url

    async def stop(self) -> None:
        """Close all lines, then the server. Takes no longer than a moment."""
        await self.pages.lines.close()
        await self.gateway.lines.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @contextlib.contextmanager
    def point_discord_py_here(self) -> Iterator[None]:
        """Let discord.py talk to this server instead of Discord, as long as the block runs."""
        before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
        Route.BASE = f"{self.url}/api/v10"
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self.gateway.url)
        try:
            yield
        finally:
            Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before

    def person(self, name: str) -> Person:
        """Return somebody who can be told what to do, by name ("ada").

        Raises:
            KeyError: there is nobody of this name.
        """
        users = self.world.users.values()
        ids = {user[key]: user["id"] for user in users for key in ("username", "global_name")}
        return Person(self.pages, ids[name])

    # The application

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=REQUEST_BYTES, middlewares=[self._guard])
        rest = Rest(self.world, self.gateway, self.interactions, self.pages, self.ratelimits)
        application.add_subapp("/api/v10", rest.application())
        application.add_routes(
            [
                web.get("/gateway", self.gateway.connect),
                web.get("/gateway/", self.gateway.connect),
                web.get("/ui", self.pages.connect),
                web.post("/ui/upload", self._upload),
                web.get("/cdn/attachments/{channel}/{file}/{name}", self._attachment),
                web.get("/samples/{name}", self._serve(self._samples)),
                web.get("/page/{name}", self._serve(PAGE)),
                web.get("/", self._serve(PAGE, "index.html")),
            ]
        )
        return application

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Let in only who knows that this is a local server.

        A foreign website could otherwise reach it through its visitor's browser: by a name that it points to
        127.0.0.1 (DNS rebinding; hence Host), or by a request or WebSocket across sites (hence Origin).
        """
        if request.host not in self._hosts:
            raise web.HTTPForbidden(text="This server answers to 127.0.0.1 and localhost only.")
        origin = request.headers.get("Origin")
        if origin is not None and origin not in {f"http://{host}" for host in self._hosts}:
            raise web.HTTPForbidden(text="This server answers to its own page only.")
        response = await handler(request)
        if not response.prepared:
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
            response.headers["Referrer-Policy"] = "no-referrer"
        return response

    # Files

    def _serve(
        self, folder: Path | None, name: str = ""
    ) -> Callable[[web.Request], Awaitable[web.FileResponse]]:
        """Make a handler for the files of a folder, or for one of them."""

        async def respond(request: web.Request) -> web.FileResponse:
            wanted = name or request.match_info["name"]
            if folder is None or not FILE_NAME.fullmatch(wanted) or not (folder / wanted).is_file():
                raise web.HTTPNotFound
            policy = PAGE_POLICY.format(socket=f"ws://{request.host}")
            headers = {"Content-Security-Policy": policy, "Cache-Control": "no-cache"}
            return web.FileResponse(folder / wanted, headers=headers)

        return respond

    async def _attachment(self, request: web.Request) -> web.StreamResponse:
        stored = self.world.files.get(request.match_info["file"])
        if stored is None or stored.attachment["filename"] != request.match_info["name"]:
            raise web.HTTPNotFound
        headers = {"Content-Security-Policy": FILE_POLICY}
        kind = stored.attachment["content_type"]
        if kind not in INLINE_TYPES:
            # HTML and SVG could run scripts with the rights of our page: they are downloads, nothing else.
            headers["Content-Disposition"] = f'attachment; filename="{stored.attachment["filename"]}"'
            kind = "application/octet-stream"
        return web.Response(body=stored.data, content_type=kind, headers=headers)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        status, code = 400, 50035
        try:
            upload = await read_upload(request)
            if len(upload.data) > FILE_BYTES:
                status, code = 413, 40005
            user_id = request.query.get("user") or next(iter(self.world.users))
            return web.json_response(self.pages.upload(user_id, upload))
        except Declined as declined:
            return web.json_response({"code": code, "message": str(declined)}, status=status)
