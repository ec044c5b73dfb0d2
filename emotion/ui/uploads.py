"""Whose an upload is. Gradio serves each to whoever knows its path; a public server, to whoever sent it alone."""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections import OrderedDict
from pathlib import Path

from gradio.utils import get_upload_folder
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emotion.public import is_public
from emotion.ui.visitor import visitor_of

# Uploads are deleted once they are used, so these are many days' worth.
MOST = 50_000
# Both of Gradio's addresses of files; the first slash that follows the older one belongs to it.
_FILE = re.compile(r"/file[=/](.*)", re.DOTALL)
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
        path, visitor = str(scope["path"]), visitor_of(scope)
        file = _FILE.search(path)
        # The proxy is for pages that load others, and this one does not.
        if "/proxy=" in path or (file and not _may_be_served(file[1], visitor)):
            await PlainTextResponse("That is no file of yours.", status_code=403)(scope, receive, send)
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


def _may_be_served(asked: str, visitor: str) -> bool:
    """Whether a file may go out as far as visitors are concerned; what lies elsewhere is for Gradio to judge."""
    folder = Path(get_upload_folder())
    try:
        written, real = Path(os.path.abspath(asked)), Path(asked).resolve()  # noqa: PTH100  # follows no link
    except (OSError, ValueError):
        return False
    if not (written.is_relative_to(folder.absolute()) or real.is_relative_to(folder.resolve())):
        return True
    # Downloads lie beside uploads. Gradio would follow a link out of there.
    return real.is_relative_to(folder.resolve()) and may_use_upload(real, visitor)


def _note_all(answer: bytes, visitor: str) -> None:
    # An error's answer is no list of paths.
    with contextlib.suppress(ValueError, TypeError):
        paths = json.loads(answer)
        for path in paths if isinstance(paths, list) else []:
            note_upload(Path(path), visitor)
