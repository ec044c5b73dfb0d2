"""Visitors of a public server, identified by a random secret in a cookie; one's own machine has none."""

import ipaddress
import os
import secrets
from collections.abc import Mapping
from typing import Any

from gradio.context import LocalContext
from starlette.datastructures import Headers
from starlette.requests import Request

from emotion.core.owners import hashed
from emotion.server.limits import is_public

COOKIE = "emotion-visitor"
_KEY = "emotion.visitor"
_YEAR_SECONDS = 365 * 86400
# The length of token_urlsafe(32).
SECRET_LENGTH = 43


def recognise(request: Request) -> str:
    """Note the visitor of a request, for ``visitor_of``; return the cookie to set for a new browser, else an empty one.

    A Space shows the page in a frame of another site, so over https the cookie is a partitioned third-party cookie. A
    request made by another site's script has no visitor.
    """
    headers = request.headers
    if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
        return ""
    secret = request.cookies.get(COOKIE, "")
    if len(secret) == SECRET_LENGTH:
        request.scope[_KEY] = hashed(secret)
        return ""
    if request.method != "GET":
        return ""
    is_https = headers.get("x-forwarded-proto", request.scope["scheme"]).startswith("https")
    rest = "SameSite=None; Secure; Partitioned" if is_https else "SameSite=Lax"
    return f"{COOKIE}={secrets.token_urlsafe(32)}; Path=/; Max-Age={_YEAR_SECONDS}; HttpOnly; {rest}"


def current_visitor() -> str | None:
    """Return the hash of the current visitor; None on one's own machine, where everything is open.

    A browser without cookies, or a program, is identified by its page's session until that ends; without a session it
    is anonymous ("").
    """
    if not is_public():
        return None
    request = LocalContext.request.get(None)
    if request is None:
        return ""
    scope, session = getattr(request.request, "scope", {}), request.session_hash
    if "/call/" in scope.get("path", ""):
        session = ""  # Gradio makes one for each call, never used again.
    return visitor_of(scope) or (hashed(f"session {session}") if session else "")


def visitor_of(scope: Mapping[str, Any]) -> str:
    """Return the hash of the visitor whose cookie came with a request; empty without one."""
    return str(scope.get(_KEY, ""))


def current_address() -> str:
    """Return the address of the current event's sender; empty if there is none."""
    request = LocalContext.request.get(None)  # Starlette's own for an MCP call.
    return address_of(getattr(getattr(request, "request", request), "scope", {}))


def address_of(scope: Mapping[str, Any]) -> str:
    """Return the address of a request, an IPv6 one by its /64: on a Space from the proxy's header, else the peer's.

    The last address in ``X-Forwarded-For`` is written by the proxy; the earlier ones can be forged.
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
