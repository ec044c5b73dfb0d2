"""Who visits a public server: a random secret in a cookie. On one's own machine nobody is told from anybody."""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping
from typing import Any

from gradio.context import LocalContext
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emotion.core.owners import hashed
from emotion.server.limits import is_public

COOKIE = "emotion-visitor"
_KEY = "emotion.visitor"
_YEAR_SECONDS = 365 * 86400
# What token_urlsafe makes of 32 bytes.
SECRET_LENGTH = 43


def current_visitor() -> str | None:
    """Return the hash of whoever's event is being handled; None on one's own machine, to whom all is open.

    A browser that keeps no cookie, or a program, is told by the session of its page until that is closed. Without
    even that it is nobody ("").
    """
    if not is_public():
        return None
    request = LocalContext.request.get(None)
    if request is None:
        return ""
    scope, session = getattr(request.request, "scope", {}), request.session_hash
    if "/call/" in scope.get("path", ""):
        session = ""  # Gradio makes up one for each call, and nobody comes back to it.
    return visitor_of(scope) or (hashed(f"session {session}") if session else "")


def visitor_of(scope: Mapping[str, Any]) -> str:
    """Return the hash of the visitor whose cookie came with a request; empty where none did."""
    return str(scope.get(_KEY, ""))


def current_address() -> str:
    """Return where the event that is being handled comes from; empty where nobody sent it."""
    request = LocalContext.request.get(None)  # Of MCP it is Starlette's own.
    return address_of(getattr(getattr(request, "request", request), "scope", {}))


def address_of(scope: Mapping[str, Any]) -> str:
    """Return where a request comes from, an IPv6 address by its /64: on a Space its proxy says so, else it is the peer.

    Of the addresses in ``X-Forwarded-For`` the last one is the proxy's own word; those before it are anybody's.
    """
    peer = str((scope.get("client") or ("",))[0])
    if os.environ.get("SPACE_ID"):
        said = Headers(raw=scope.get("headers", [])).getlist("x-forwarded-for") or [peer]
        peer = said[-1].rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv6Address) and not address.ipv4_mapped:
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(getattr(address, "ipv4_mapped", None) or address)


class VisitorCookie:
    """Middleware that gives each new browser a secret, and tells the events behind it whose secret came.

    A Space shows the page inside a frame of another site, so over https the cookie is one of a third party, in a jar of
    that site's own. A request that another site's script makes is nobody's.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not is_public():
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_foreign = headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate"
        secret = "" if is_foreign else _secret_in(headers.getlist("cookie"))
        if secret:
            scope[_KEY] = hashed(secret)
        if secret or is_foreign or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        cookie = _new_cookie(is_https=headers.get("x-forwarded-proto", scope["scheme"]).startswith("https"))

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def _secret_in(cookies: list[str]) -> str:
    found = cookie_parser("; ".join(cookies)).get(COOKIE, "")
    return found if len(found) == SECRET_LENGTH else ""


def _new_cookie(*, is_https: bool) -> str:
    rest = "SameSite=None; Secure; Partitioned" if is_https else "SameSite=Lax"
    return f"{COOKIE}={secrets.token_urlsafe(32)}; Path=/; Max-Age={_YEAR_SECONDS}; HttpOnly; {rest}"
