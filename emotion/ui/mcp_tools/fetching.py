"""Fetch a file from a public address of the web, and from nowhere inside. Knows nothing of pictures."""

from __future__ import annotations

import ipaddress
import socket

import anyio
import httpx
from safehttpx import AsyncSecureTransport

from emotion.errors import PictureError

SECONDS = 20.0
REDIRECTS = 3
# What a web server is asked at: others of this machine's own public address are nobody's business.
PORTS = (80, 443)
# NAT64 (RFC 6052 and 8215).
_TRANSLATED = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48")))
_NOT_PUBLIC = "is no public address of the web: use one that starts with https://, or send the file itself."


async def fetched(url: str, *, most_bytes: int) -> bytes:
    """Return what is found at an http or https address; each redirect is checked like the first address.

    Raises:
        PictureError: it is not public, not there, too large, or takes too long.
    """
    try:
        with anyio.fail_after(SECONDS):
            for _ in range(REDIRECTS + 1):
                found = await _at(httpx.URL(url), most_bytes=most_bytes)
                if isinstance(found, bytes):
                    return found
                url = found
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise PictureError("Nothing could be fetched from that address: check it, or send the file itself.") from error
    raise PictureError(f"That address leads on more than {REDIRECTS} times: use the one it ends at.")


async def _at(url: httpx.URL, *, most_bytes: int) -> bytes | str:
    """Return the content, or the address that it leads on to."""
    if url.scheme not in ("http", "https") or (url.port or PORTS[0]) not in PORTS:
        raise PictureError(f"That {_NOT_PUBLIC}")
    # The address that was checked is the one that is asked: a name may mean another machine a moment later.
    transport = AsyncSecureTransport(await public_address(url.host))
    async with (
        httpx.AsyncClient(transport=transport, trust_env=False, timeout=SECONDS) as client,
        client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
    ):
        if answer.has_redirect_location:
            return str(url.join(answer.headers["location"]))
        answer.raise_for_status()
        content = bytearray()
        async for chunk in answer.aiter_bytes():
            content += chunk
            if len(content) > most_bytes:
                raise PictureError(f"That file is larger than {most_bytes // 1_000_000} MB: use a smaller one.")
        return bytes(content)


async def public_address(host: str) -> str:
    """Return the IP address of a host, all of whose addresses are public.

    Raises:
        PictureError: one is not.
        OSError: it has none.
    """
    found = await anyio.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in found]
    if not addresses or not all(_is_public(each) for each in addresses):
        raise PictureError(f"That {_NOT_PUBLIC}")
    return addresses[0]


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    if found.version == 6 and (found.sixtofour or found.teredo or any(found in each for each in _TRANSLATED)):
        return False  # It leads to an IPv4 address, which may be any.
    return found.is_global and not found.is_multicast
