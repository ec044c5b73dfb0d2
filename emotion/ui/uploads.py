"""Whose an upload is. Gradio serves each to whoever knows its path; a public server, to whoever sent it alone."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import OrderedDict
from pathlib import Path
from urllib.parse import unquote

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emotion.public import is_public
from emotion.ui.visitor import visitor_of

# Uploads are deleted once they are used, so these are many days' worth.
MOST = 50_000
_senders: OrderedDict[Path, set[str]] = OrderedDict()
_lock = threading.Lock()


def note_upload(path: Path, visitor: str) -> None:
    """Remember that a visitor sent a file; the same content under the same name may come from several."""
    with _lock:
        _senders.setdefault(path.resolve(), set()).add(visitor)
        while len(_senders) > MOST:
            _senders.popitem(last=False)


def may_use_upload(path: Path, visitor: str | None) -> bool:
    """Whether a visitor may use an uploaded file. One that came from a program without a cookie is told by its path."""
    with _lock:
        senders = _senders.get(path.resolve(), {""})
    return visitor is None or visitor in senders or "" in senders


class UploadsOfVisitors:
    """Middleware that notes whose each upload is, and hands none out to anybody else. Runs within ``VisitorCookie``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not is_public():
            await self._app(scope, receive, send)
            return
        path, visitor = unquote(scope["path"]), visitor_of(scope)
        _, is_file, asked = path.partition("/file=")
        if is_file and not may_use_upload(Path(asked), visitor):
            await PlainTextResponse("That upload is somebody else's.", status_code=403)(scope, receive, send)
            return
        is_upload = scope["method"] == "POST" and path.rstrip("/").endswith("/upload")
        answer = bytearray()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.body":
                answer.extend(message.get("body", b""))
                if not message.get("more_body"):
                    _note_all(bytes(answer), visitor)
            await send(message)

        await self._app(scope, receive, noting if is_upload else send)


def _note_all(answer: bytes, visitor: str) -> None:
    # An error's answer is no list of paths.
    with contextlib.suppress(ValueError, TypeError):
        paths = json.loads(answer)
        for path in paths if isinstance(paths, list) else []:
            note_upload(Path(path), visitor)
