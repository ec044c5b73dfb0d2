"""Who may come in to the MCP tools, and as which visitor. Knows nothing of the tools."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emotion.public import is_public
from emotion.ui.visitor import SECRET_LENGTH, become_visitor, visitor_of

SESSION = "mcp-session-id"
_OF_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
# A browser asks for it; a client of MCP that has none in its settings shows the sentence.
_ASKS = {"WWW-Authenticate": 'Basic realm="Emotion, across species", charset="UTF-8"'}
PASSWORD_ASKED = "This server asks for a password: send it in the header Authorization, as Bearer PASSWORD."
FROM_A_PAGE = "A page of another site may not use these tools: call them from a program."
NO_STREAM = "This server sends nothing unasked: POST each request."


class Door:
    """Wraps Gradio's endpoint of MCP. Gradio itself asks for no password there, and takes all callers for one.

    On a public server a caller is told by the cookie that it was set up with. One without a cookie is told by its MCP
    session: a secret that the first answer gives and that a client has to send from then on. Nothing of it is kept
    here, so that a session outlives a restart of the server.
    """

    def __init__(self, app: ASGIApp, *, is_right: Callable[[str, str], Awaitable[bool]] | None) -> None:
        self._app = app
        self._is_right = is_right

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answer = await self._refusal(scope["method"], headers)
        if answer is not None:
            await answer(scope, receive, send)
            return
        if is_public():
            session = headers.get(SESSION, "")
            if len(session) == SECRET_LENGTH:
                # Before any cookie: a client's jar may have caught one in between.
                become_visitor(scope, f"mcp {session}")
            elif not visitor_of(scope):
                send = _with_session(send)
        await self._app(scope, receive, send)

    async def _refusal(self, method: str, headers: Headers) -> Response | None:
        # What a page of another site sends, even one whose name was made to mean this machine.
        if "origin" in headers and urlsplit(headers["origin"]).hostname not in _OF_THIS_MACHINE:
            return PlainTextResponse(FROM_A_PAGE, HTTPStatus.FORBIDDEN)
        if self._is_right and not await self._is_right("", _password_in(headers.get("authorization", ""))):
            return PlainTextResponse(PASSWORD_ASKED, HTTPStatus.UNAUTHORIZED, headers=_ASKS)
        if method == "GET" and "text/event-stream" in headers.get("accept", ""):
            return PlainTextResponse(NO_STREAM, HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
        return None


def _password_in(authorization: str) -> str:
    kind, _, sent = authorization.partition(" ")
    if kind.lower() == "bearer":
        # What stands in a header comes as Latin-1, whatever it was written in.
        return sent.strip().encode("latin-1").decode("utf-8", "replace")
    if kind.lower() == "basic":
        try:
            return base64.b64decode(sent).decode("utf-8", "replace").partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    return ""


def _with_session(send: Send) -> Send:
    async def send_with_session(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)[SESSION] = secrets.token_urlsafe(32)
        await send(message)

    return send_with_session
