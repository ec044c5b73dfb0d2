"""The gate in front of Gradio: which routes exist, who may use them from where, and how large a request may be."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi.concurrency import contextmanager_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emotion.core.errors import RefusedError
from emotion.server.limits import is_public
from emotion.ui.uploads import UploadCounter, may_fetch, note_sender
from emotion.ui.visitor import address_of, recognise, visitor_of

if TYPE_CHECKING:
    from gradio.routes import App

HOSTS = "EMOTION_HOSTS"
KB, MB = 1_000, 1_000_000
# Limit of what one address has in Gradio's queue; an event counts once more for every BYTES_A_PLACE bytes it carries.
MOST_WAITING, BYTES_A_PLACE = 100, 20_000
DRAINED_SECONDS = 30
READ, SENT = ("GET", "HEAD"), ("POST",)
_API = "/gradio_api/"


@dataclass(frozen=True)
class Route:
    """A permitted route: ``path`` is a pattern; ``most_bytes`` the limit of the body, None for an upload.

    ``is_open`` marks a route that needs no password.
    """

    methods: tuple[str, ...]
    path: str
    most_bytes: int | None = 0
    is_open: bool = False


_READ = r"info|startup-events|heartbeat/[^/]+|queue/data|upload_progress|app_id|login_check|user|call/[^/]+/[^/]+"
_SENT = r"queue/join|run/[^/]+|call/[^/]+|cancel|reset"
# Without a scheme: Gradio would fetch a URL.
_FILE = rf"{_API}file=((?!/*[a-zA-Z][a-zA-Z0-9+.-]*:).+)"
_WAITS = rf"{_API}(?:queue/join|call/[^/]+)/?"
ROUTES: tuple[Route, ...] = (
    Route(READ, r"/|/assets/.+|/static/.+|/theme\.css|/favicon\.ico", is_open=True),
    Route(READ, rf"/config/?|/news|/logout|{_API}(?:{_READ})/?"),
    Route(READ, _FILE),
    Route(SENT, r"/login/?", 4 * KB, is_open=True),
    Route(SENT, rf"{_API}(?:{_SENT})/?", MB),
    Route(SENT, rf"{_API}stream/[^/]+(?:/close)?", 2 * MB),
    Route(SENT, rf"{_API}upload/?", None),
)
# Streamable HTTP only: Gradio's other transports are outdated.
MCP_METHODS, MCP_PATH = ("GET", "POST", "DELETE", "HEAD"), rf"{_API}mcp/?"
_PLACES = "emotion.places"


class Gate:
    """Refuses unknown, forbidden and too large requests with one sentence, and passes the others to ``app``.

    ``gradio`` holds the logins. ``upload_bytes`` is the limit of one upload, which ``counter`` counts; ``mcp_bytes`` is
    the limit of one MCP call, None without MCP tools. On a public server each new browser gets a secret in a cookie.
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
            self._routes += (Route(MCP_METHODS, MCP_PATH, mcp_bytes),)
        listed = os.environ.get(HOSTS, "").replace(",", " ").split()
        self._listed = {each.lower() for each in listed}
        self._names = {"localhost", socket.gethostname().lower(), host.lower(), *self._listed}
        self._guessing: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # A websocket, which this page does not use.
            await send({"type": "websocket.close", "code": 1008})
            return
        request, body = Request(scope), _Body(receive)
        cookie = recognise(request) if is_public() else ""
        send = _with_headers(send, cookie)
        try:
            await self._pass(self._admit(request), request, body, send)
            return
        except HTTPException as error:
            status, said = error.status_code, error.detail
        except RefusedError as error:
            status, said = 413, str(error)
        await body.drain()
        await PlainTextResponse(said, status, {"connection": "close"})(scope, body, send)

    def _admit(self, request: Request) -> Route:
        """Return the route of a request. Raises HTTPException if it may not be used."""
        path = request.scope["path"]
        route = next((each for each in self._routes if _matched(each.path, path)), None)
        if route is None or request.method not in route.methods:
            raise HTTPException(404, "There is nothing here.")
        self._require_ours(request)
        if not route.is_open and not self._is_known(request):
            raise HTTPException(401, "This page asks for a password: open it in a browser first.")
        file = _matched(_FILE, path)
        if file and is_public() and not may_fetch(file[1], visitor_of(request.scope)):
            raise HTTPException(403, "That is no file of yours.")
        return route

    async def _pass(self, route: Route, request: Request, body: _Body, send: Send) -> None:
        """Pass a request on by the way of its route. Raises HTTPException or RefusedError if it is too much."""
        scope, address = request.scope, address_of(request.scope)
        most = self._upload_bytes if route.most_bytes is None else route.most_bytes
        announced = _length(request)
        if announced is not None and announced > most:
            raise _too_large(most)
        size = most if announced is None else announced
        if route.most_bytes is None:
            note_sender(scope)
            async with contextmanager_in_threadpool(self._counter.reserved(address, size)):
                await self._send_on(scope, body, send, most)
        elif scope["path"].startswith("/login"):
            # One password from an address at a time.
            if address in self._guessing:
                raise HTTPException(429, "Too many passwords at a time: wait a moment and try again.")
            self._guessing.add(address)
            try:
                await self._send_on(scope, body, send, most)
            finally:
                self._guessing.discard(address)
        elif is_public() and _matched(_WAITS, scope["path"]) and self._places_of(address) >= MOST_WAITING:
            raise HTTPException(503, "Too much from your address waits here: try again in a moment.")
        else:
            scope[_PLACES] = 1 + size // BYTES_A_PLACE
            await self._send_on(scope, body, send, most)

    async def _send_on(self, scope: Scope, body: _Body, send: Send, most: int) -> None:
        """Let Gradio answer. Raises HTTPException as soon as the body is larger than ``most`` bytes."""

        async def limited() -> Message:
            message = await body()
            # Simulates a lost connection, so that nothing of it is kept.
            return {"type": "http.disconnect"} if body.size > most else message

        async def answered(message: Message) -> None:
            if body.size <= most:
                await send(message)

        try:
            await self._app(scope, limited, answered)
        except Exception:
            if body.size <= most:
                raise
        if body.size > most:
            raise _too_large(most)

    def _places_of(self, address: str) -> int:
        queues = self._gradio.get_blocks()._queue.event_queue_per_concurrency_id.values()
        waiting = [event.request.scope for queue in queues for event in queue.queue]
        return sum(scope.get(_PLACES, 1) for scope in waiting if address_of(scope) == address)

    def _is_known(self, request: Request) -> bool:
        """Whether a request carries a valid login, or none is needed."""
        if self._gradio.auth is None:
            return True
        names = (f"access-token-{self._gradio.cookie_id}", f"access-token-unsecure-{self._gradio.cookie_id}")
        return any(self._gradio.tokens.get(request.cookies.get(name, "")) is not None for name in names)

    def _require_ours(self, request: Request) -> None:
        """Raise HTTPException if a request has a wrong host name or comes from another site's page."""
        headers = request.headers
        host, origin = headers.get("host", "").lower(), headers.get("origin", "").lower()
        if not is_public() and not self._is_ours(_hostname(host)):
            said = f"This server does not go by the name {host[:100]!r}: whoever runs it adds it to {HOSTS}."
            raise HTTPException(403, said)
        hosts = {host}
        if is_public():
            hosts |= {headers.get("x-forwarded-host", "").lower(), os.environ.get("SPACE_HOST", "").lower()}
        is_navigation = headers.get("sec-fetch-mode") == "navigate" and request.method in READ
        if headers.get("sec-fetch-site") == "cross-site" and not is_navigation:
            raise HTTPException(403, "A page of another site may not ask this server: open it by itself.")
        if origin and not ((origin.partition("//")[2] or origin) in hosts or _hostname(origin) in self._listed):
            said = f"A page of {origin[:100]!r} may not ask this server: whoever runs it adds its name to {HOSTS}."
            raise HTTPException(403, said)

    def _is_ours(self, name: str) -> bool:
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return True


def _matched(pattern: str, path: str) -> re.Match[str] | None:
    return re.fullmatch(pattern, path, re.DOTALL)


def _hostname(host: str) -> str:
    try:
        return urlsplit(host if "//" in host else f"//{host}").hostname or ""
    except ValueError:
        return ""


def _length(request: Request) -> int | None:
    """Return the announced size of a body in bytes; None if its end alone tells it."""
    if "transfer-encoding" in request.headers:
        return None
    given = request.headers.get("content-length", "0")
    return int(given) if given.isdecimal() and len(given) < 19 else None


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"That is more than the {most / MB:,g} MB that may be sent here: send less, or in parts.")


class _Body:
    """A request's body as it arrives, with its ``size`` so far in bytes."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._is_whole = receive, False
        self.size = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self.size += len(message.get("body", b""))
        self._is_whole = not message.get("more_body")
        return message

    async def drain(self) -> None:
        """Read and drop the rest for a while: a client that is still sending reads no answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAINED_SECONDS):
                while not self._is_whole:
                    await self()


def _with_headers(send: Send, cookie: str) -> Send:
    """Add a cookie, and headers against guessing of file types and against framing by other sites."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["x-content-type-options"] = "nosniff"
            if not is_public():  # A Space shows the page in a frame.
                headers["x-frame-options"] = "SAMEORIGIN"
            if cookie:
                headers.append("set-cookie", cookie)
        await send(message)

    return sent
