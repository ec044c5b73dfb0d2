"""Whose an upload is, and where downloads lie: Gradio serves each to whoever knows its path."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import secrets
import shutil
import threading
from collections import Counter, OrderedDict
from pathlib import Path

from gradio.utils import get_upload_folder
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emotion.core.errors import RefusedError
from emotion.server.limits import is_public
from emotion.server.visitors import ADDRESS_SHARE, Room, size_of
from emotion.ui.visitor import address_of, visitor_of

# Uploads are deleted once they are used, so these are many days' worth.
MOST = 50_000
_FILE = re.compile(r"/file=(.*)", re.DOTALL)
_senders: OrderedDict[Path, set[str]] = OrderedDict()
_addresses: dict[Path, str] = {}
_lock = threading.Lock()


def uploads_folder() -> Path:
    """Return where uploads and downloads lie."""
    return Path(get_upload_folder())


def new_download(name: str) -> Path:
    """Return where a file may be written that is handed out; nobody guesses the folder, which is gone with the server.

    It lies among the uploads, so that Gradio hands it out without copying it.
    """
    folder = uploads_folder() / secrets.token_hex(16)
    folder.mkdir(parents=True)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder / name


def note_upload(path: Path, visitor: str, address: str) -> None:
    """Remember that a visitor sent a file from an address."""
    path = path.resolve()
    with _lock:
        _senders.setdefault(path, set()).add(visitor)
        _addresses[path] = address
        while len(_senders) > MOST:
            _addresses.pop(_senders.popitem(last=False)[0], None)


def forget_upload(path: Path) -> None:
    """Forget a file that has been used."""
    with _lock:
        _senders.pop(path, None)
        _addresses.pop(path, None)


def held_bytes(address: str, *, least: float) -> float:
    """Return how much of what came from an address lies here, each file as ``least`` bytes at least."""
    with _lock:
        paths = [path for path, whose in _addresses.items() if whose == address]
    return sum(max(size_of(path), least) for path in paths if path.exists())


class UploadCounter:
    """Counts uploads while they come: all of them in the room that there is, and those of an address in its share."""

    def __init__(self, room: Room | None) -> None:
        self._room = room
        self._coming: Counter[str] = Counter()
        self._most: dict[str, float] = {}

    def begin(self, address: str) -> None:
        """Let one more upload come; looks at the disk.

        Raises:
            RefusedError: there is no room for it.
        """
        if self._room:
            self._room.require()
            # Of the files that are known an address has its share too: whoever is forgotten may use none of theirs.
            held = held_bytes(address, least=self._room.limit / MOST)
            self._most[address] = self._room.limit * ADDRESS_SHARE - held
            try:
                self.count(address, 1)  # It goes on, even where nothing of it has come.
            except RefusedError:
                self.end(address, 0)
                raise

    def count(self, address: str, size: int) -> None:
        """Count bytes of it.

        Raises:
            RefusedError: they are too many.
        """
        if self._room:
            self._coming[address] += size
            self._room.note(size)
            if self._coming[address] > self._most[address]:
                raise RefusedError("More files came from your address than this public server keeps: try again later.")

    def end(self, address: str, size: int) -> None:
        """Forget an upload of so many bytes; what has come of it lies on the disk by now."""
        self._coming[address] -= size + 1
        if self._coming[address] <= 0:
            del self._coming[address]
            self._most.pop(address, None)


def may_use_upload(path: Path, visitor: str | None) -> bool:
    """Whether a visitor may use a file as their upload: none that nobody sent, no folder, and no other visitor's.

    One that came from a program without a cookie is told by its path.
    """
    if visitor is None:
        return path.is_file()
    with _lock:
        senders = _senders.get(path.resolve(), set())
    return path.is_file() and bool(senders & {visitor, ""})


def _may_fetch(path: Path, visitor: str) -> bool:
    with _lock:
        senders = _senders.get(path, {""})
    return bool(senders & {visitor, ""})


class UploadsOfVisitors:
    """Middleware that notes whose each upload is, and hands none out to anybody else. Runs within ``VisitorCookie``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not is_public():
            await self._app(scope, receive, send)
            return
        path, visitor, address = str(scope["path"]), visitor_of(scope), address_of(scope)
        file = _FILE.search(path)
        if file and not _may_be_served(file[1], visitor):
            await PlainTextResponse("That is no file of yours.", status_code=403)(scope, receive, send)
            return
        is_upload = scope["method"] == "POST" and path.rstrip("/").endswith("/upload")
        answer = bytearray()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.body":
                answer.extend(message.get("body", b""))
                if not message.get("more_body"):
                    _note_all(bytes(answer), visitor, address)
            await send(message)

        await self._app(scope, receive, noting if is_upload else send)


def _may_be_served(asked: str, visitor: str) -> bool:
    """Whether a file may go out as far as visitors are concerned; what lies elsewhere is for Gradio to judge."""
    folder = uploads_folder()
    try:
        written, real = Path(os.path.abspath(asked)), Path(asked).resolve()  # noqa: PTH100  # follows no link
    except (OSError, ValueError):
        return False
    if not (written.is_relative_to(folder.absolute()) or real.is_relative_to(folder.resolve())):
        return True
    # Downloads lie beside uploads. Gradio would follow a link out of there.
    return real.is_relative_to(folder.resolve()) and _may_fetch(real, visitor)


def _note_all(answer: bytes, visitor: str, address: str) -> None:
    # An error's answer is no list of paths.
    with contextlib.suppress(ValueError, TypeError):
        paths = json.loads(answer)
        for path in paths if isinstance(paths, list) else []:
            note_upload(Path(path), visitor, address)
