"""The gate before all of Gradio: which routes there are, from where, who may, and how much a request may carry."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import re
import socket
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emotion.core.errors import RefusedError
from emotion.server.limits import is_public
from emotion.ui.uploads import UploadCounter
from emotion.ui.visitor import address_of

if TYPE_CHECKING:
    from gradio.routes import App

HOSTS = "EMOTION_HOSTS"
KB, MB = 1_000, 1_000_000
# Guesses of a password that wait behind the one that is looked at, from one address.
WAITING_GUESSES = 4
# What of an address may wait in Gradio's queue for everybody, an event counting once for each so many bytes it carries.
MOST_WAITING, BYTES_A_PLACE = 100, 20_000
DRAINED_SECONDS = 30
READ, SENT = ("GET", "HEAD"), ("POST",)
_API = "/gradio_api/"


@dataclass(frozen=True)
class Route:
    """An address that is needed: ``most_bytes`` is the limit of a body, None that of an upload, which streams in.

    ``is_open`` says that it answers without the password.
    """

    methods: tuple[str, ...]
    path: re.Pattern[str]
    most_bytes: int | None = 0
    is_open: bool = False


def _route(methods: tuple[str, ...], path: str, most_bytes: int | None = 0, *, is_open: bool = False) -> Route:
    return Route(methods, re.compile(path, re.DOTALL), most_bytes, is_open)


_READ = r"info|startup-events|heartbeat/[^/]+|queue/data|upload_progress|app_id|login_check|user|call/[^/]+/[^/]+"
_SENT = r"queue/join|run/[^/]+|call/[^/]+|cancel|reset"
ROUTES: tuple[Route, ...] = (
    _route(READ, r"/|/assets/.+|/static/.+|/theme\.css|/favicon\.ico", is_open=True),
    _route(READ, rf"/config/?|/news|/logout|{_API}(?:{_READ})/?"),
    # Without a scheme: Gradio fetches what is an address.
    _route(READ, rf"{_API}file=(?!/*[a-zA-Z][a-zA-Z0-9+.-]*:).+"),
    _route(SENT, r"/login/?", 4 * KB, is_open=True),
    _route(SENT, rf"{_API}(?:{_SENT})/?", MB),
    _route(SENT, rf"{_API}stream/[^/]+(?:/close)?", 2 * MB),
    _route(SENT, rf"{_API}upload/?", None),
)
_WAITS = re.compile(rf"{_API}(?:queue/join|call/[^/]+)/?", re.DOTALL)
_PLACES = "emotion.places"
# Streamable HTTP alone: Gradio's other transports are outdated.
MCP = _route(("GET", "POST", "DELETE", "HEAD"), rf"{_API}mcp/?")


class Gate:
    """Answers what is not needed, not allowed or too large with one sentence, and lets the rest through to ``app``.

    ``gradio`` knows who gave the password. ``upload_bytes`` is the limit of one upload, which ``counter`` counts;
    ``mcp_bytes`` is the limit of a call of the MCP tools, None where there are none.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        gradio: App,
        host: str,
        upload_bytes: int,
        counter: UploadCounter,
        mcp_bytes: int | None,
    ) -> None:
        self._app, self._gradio = app, gradio
        self._upload_bytes, self._counter = upload_bytes, counter
        self._routes = ROUTES
        if mcp_bytes is not None:
            self._routes += (replace(MCP, most_bytes=mcp_bytes),)
        listed = os.environ.get(HOSTS, "").replace(",", " ").split()
        self._listed = {each.lower() for each in listed}
        self._names = {"localhost", socket.gethostname().lower(), host.lower(), *self._listed}
        self._guesses: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: defaultdict[str, int] = defaultdict(int)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # A websocket, of which nothing here makes use.
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        receive = _Body(receive)
        route = next((each for each in self._routes if each.path.fullmatch(scope["path"])), None)
        send = _plainly_typed(send)
        if route is None or scope["method"] not in route.methods:
            await _refuse(404, "There is nothing here.", scope, receive, send)
        elif said := self._foreign(headers, scope["method"]):
            await _refuse(403, said, scope, receive, send)
        elif not route.is_open and not self._is_known(headers):
            await _refuse(401, "This page asks for a password: open it in a browser first.", scope, receive, send)
        elif route.most_bytes is None:
            await self._pass_upload(scope, receive, send)
        else:
            await self._pass(route.most_bytes, scope, receive, send)

    async def _pass(self, most_bytes: int, scope: Scope, receive: _Body, send: Send) -> None:
        """Read a body up to its limit before anybody else does."""
        body = None if _length(scope) > most_bytes else await receive.read(most_bytes)
        if body is None:
            said = f"That is more than the {most_bytes / MB:g} MB that may be sent here: send less."
            await _refuse(413, said, scope, receive, send)
        elif scope["path"].startswith("/login"):
            await self._pass_guess(scope, body, receive, send)
        elif is_public() and _WAITS.fullmatch(scope["path"]) and self._places_of(address_of(scope)) >= MOST_WAITING:
            await _refuse(503, "Too much from your address waits here: try again in a moment.", scope, receive, send)
        else:
            scope[_PLACES] = 1 + len(body) // BYTES_A_PLACE
            await self._app(scope, _replaying(body, receive), send)

    def _places_of(self, address: str) -> int:
        queues = self._gradio.get_blocks()._queue.event_queue_per_concurrency_id.values()
        waiting = [event.request.scope for queue in queues for event in queue.queue]
        return sum(scope.get(_PLACES, 1) for scope in waiting if address_of(scope) == address)

    async def _pass_guess(self, scope: Scope, body: bytes, receive: _Body, send: Send) -> None:
        """Let guesses of a password from one address wait for one another."""
        address = address_of(scope)
        if self._waiting[address] >= WAITING_GUESSES:
            await _refuse(429, "Too many passwords at a time: wait a moment and try again.", scope, receive, send)
            return
        self._waiting[address] += 1
        try:
            async with self._guesses[address]:
                await self._app(scope, _replaying(body, receive), send)
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address], self._guesses[address]

    async def _pass_upload(self, scope: Scope, receive: _Body, send: Send) -> None:
        """Count an upload while it comes; beyond its limit it is cut off, and the sender told why."""
        address, came, said = address_of(scope), 0, ""
        try:
            if _length(scope) > self._upload_bytes:
                raise RefusedError(self._too_large())
            await run_in_threadpool(self._counter.begin, address)
        except RefusedError as error:
            await _refuse(413, str(error), scope, receive, send)
            return

        async def counting() -> Message:
            nonlocal came, said
            message = await receive()
            more = len(message.get("body", b""))
            came += more
            try:
                self._counter.count(address, more)
            except RefusedError as error:
                said = str(error)
            said = self._too_large() if came > self._upload_bytes else said
            # As if the sender had gone: whoever parses it deletes what it has.
            return {"type": "http.disconnect"} if said else message

        async def telling(message: Message) -> None:
            if not said:
                await send(message)

        try:
            await self._app(scope, counting, telling)
        except Exception:
            if not said:
                raise
        finally:
            self._counter.end(address, came)
        if said:
            await _refuse(413, said, scope, receive, send)

    def _too_large(self) -> str:
        return f"That is more than the {self._upload_bytes / MB:,.0f} MB of one upload: send it in parts."

    def _is_known(self, headers: Headers) -> bool:
        """Whether a request comes from somebody who gave the password, where one is asked for."""
        if self._gradio.auth is None:
            return True
        jar = cookie_parser("; ".join(headers.getlist("cookie")))
        names = (f"access-token-{self._gradio.cookie_id}", f"access-token-unsecure-{self._gradio.cookie_id}")
        return any(self._gradio.tokens.get(jar.get(name, "")) is not None for name in names)

    def _foreign(self, headers: Headers, method: str) -> str:
        """Return why a request is not for this server, or made by another site's page; empty where it is neither."""
        host, origin = headers.get("host", "").lower(), headers.get("origin", "").lower()
        if not is_public() and not self._is_ours(_hostname(host)):
            return f"This server does not go by the name {host[:100]!r}: whoever runs it adds it to {HOSTS}."
        hosts = {host}
        if is_public():
            hosts |= {headers.get("x-forwarded-host", "").lower(), os.environ.get("SPACE_HOST", "").lower()}
        is_navigation = headers.get("sec-fetch-mode") == "navigate" and method in READ
        if headers.get("sec-fetch-site") == "cross-site" and not is_navigation:
            return "A page of another site may not ask this server: open it by itself."
        if origin and not ((origin.partition("//")[2] or origin) in hosts or _hostname(origin) in self._listed):
            return f"A page of {origin[:100]!r} may not ask this server: whoever runs it adds its name to {HOSTS}."
        return ""

    def _is_ours(self, name: str) -> bool:
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return True


def _hostname(host: str) -> str:
    try:
        return urlsplit(host if "//" in host else f"//{host}").hostname or ""
    except ValueError:
        return ""


def _length(scope: Scope) -> int:
    given = Headers(scope=scope).get("content-length", "")
    return int(given) if given.isdecimal() and len(given) < 19 else 0


class _Body:
    """A request's body as it comes; ``is_whole`` says that nothing more of it is due."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self.is_whole = receive, False

    async def __call__(self) -> Message:
        message = await self._receive()
        self.is_whole = not message.get("more_body")
        return message

    async def read(self, most_bytes: int) -> bytes | None:
        """Return all of it, or None as soon as it is larger than its limit."""
        body = bytearray()
        while not self.is_whole:
            body += (await self()).get("body", b"")
            if len(body) > most_bytes:
                return None
        return bytes(body)


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Return what gives out a body that has been read, and then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _plainly_typed(send: Send) -> Send:
    """Keep browsers from guessing what a file is, and other sites from laying one's own page under theirs."""

    async def typed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["x-content-type-options"] = "nosniff"
            if not is_public():  # A Space is a frame.
                headers["x-frame-options"] = "SAMEORIGIN"
        await send(message)

    return typed


async def _refuse(status: int, said: str, scope: Scope, receive: _Body, send: Send) -> None:
    # Whoever is still sending does not read an answer, so that what comes is taken and dropped for a while.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAINED_SECONDS):
            while not receive.is_whole:
                await receive()
    await PlainTextResponse(said, status, {"connection": "close"})(scope, receive, send)
