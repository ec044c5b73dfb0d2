"""What other sites show beside a link to the page: its own title and card, in the place of Gradio's."""

from __future__ import annotations

import html
import re
from pathlib import Path

from starlette.datastructures import URL, Headers, MutableHeaders
from starlette.responses import FileResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASSETS = Path(__file__).resolve().parents[2] / "assets"
ICON, CARD = ASSETS / "favicon.png", ASSETS / "social-card.png"
CARD_PATH = "/social-card.png"
CARD_SIZE = (1200, 630)
DESCRIPTION = "Teach an image classifier four human emotions, then find out whether it can read a dog."
_THEIRS = re.compile(rb"<meta\s+(?:property=\"og:|name=\"twitter:)[^>]*>\s*")


class LinkPreview:
    """Middleware that puts ours for Gradio's ``og:`` and ``twitter:`` lines into the page, and serves the card."""

    def __init__(self, app: ASGIApp, *, title: str) -> None:
        self._app = app
        self._title = title

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and scope["path"] == CARD_PATH and CARD.is_file():
            await FileResponse(CARD)(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == "/" and scope["method"] == "GET":
            await self._app(scope, receive, self._rewriting(address_of(scope), send))
        else:
            await self._app(scope, receive, send)

    def _rewriting(self, address: str, send: Send) -> Send:
        started: list[Message] = []
        page = bytearray()

        async def rewrite(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                return
            page.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            body, headers = bytes(page), MutableHeaders(scope=started[0])
            if headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers:
                body = with_preview(body, title=self._title, address=address)
                headers["content-length"] = str(len(body))
            await send(started[0])
            await send({"type": "http.response.body", "body": body})

        return rewrite


def with_preview(page: bytes, *, title: str, address: str) -> bytes:
    """Return a page whose head describes it to other sites; ``address`` is where it is served, without a last slash."""
    width, height = CARD_SIZE
    ours = {
        'property="og:type"': "website",
        'property="og:title"': title,
        'property="og:description"': DESCRIPTION,
        'property="og:url"': f"{address}/",
        'property="og:image"': f"{address}{CARD_PATH}",
        'property="og:image:width"': str(width),
        'property="og:image:height"': str(height),
        'name="twitter:card"': "summary_large_image",
        'name="description"': DESCRIPTION,
    }
    lines = "".join(f'<meta {key} content="{html.escape(value)}">\n' for key, value in ours.items())
    head, end, rest = page.partition(b"</head>")
    return _THEIRS.sub(b"", head).replace(b"<head>", b"<head>\n" + lines.encode("utf-8"), 1) + end + rest


def address_of(scope: Scope) -> str:
    """Return where a request found the page, as whoever sent it sees it; behind a proxy its headers say so."""
    url, headers = URL(scope=scope), Headers(scope=scope)
    scheme = headers.get("x-forwarded-proto", url.scheme).split(",")[0].strip()
    host = headers.get("x-forwarded-host", url.netloc).split(",")[0].strip()
    return f"{scheme}://{host}{scope.get('root_path', '').rstrip('/')}"
