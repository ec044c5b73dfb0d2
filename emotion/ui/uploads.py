"""Uploads and downloads of visitors: their owners and their size. Gradio serves a file to anyone with its path."""

import atexit
import contextlib
import json
import os
import re
import secrets
import shutil
import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emotion.core.errors import PictureError, RefusedError
from emotion.server.limits import is_public
from emotion.server.visitors import ADDRESS_SHARE, Room, size_of
from emotion.ui.visitor import address_of, current_visitor, visitor_of

# Uploads are deleted after use, so this covers many days.
MOST = 50_000
_FILE = re.compile(r"/file=(.*)", re.DOTALL)
_senders: OrderedDict[Path, set[str]] = OrderedDict()
_addresses: dict[Path, str] = {}
_lock = threading.Lock()


def uploads_folder() -> Path:
    """Return the folder of uploads and downloads."""
    return Path(get_upload_folder())


def new_download(name: str) -> Path:
    """Return the path for a new download, in a folder with an unguessable name that is deleted with the server.

    It lies in the uploads folder, so that Gradio serves it without a copy.
    """
    folder = uploads_folder() / secrets.token_hex(16)
    folder.mkdir(parents=True)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder / name


@dataclass(frozen=True)
class Upload:
    """A visitor's uploaded file, and its original name."""

    path: Path
    name: str

    def delete(self) -> None:
        """Delete the file and the folder that it had to itself."""
        self.path.unlink(missing_ok=True)
        with _lock:
            _senders.pop(self.path, None)
            _addresses.pop(self.path, None)
        if self.path.parent != uploads_folder().resolve():
            with contextlib.suppress(OSError):
                self.path.parent.rmdir()


def received(payload: dict[str, Any] | None) -> Upload | None:
    """Return the file that a widget sent; None if there is none.

    Raises:
        PictureError: it is no upload, or another visitor's. A client other than the page can name any file of this
            machine.
    """
    if not payload or not payload.get("path") or str(payload.get("url") or "").startswith("data:"):
        return None
    path = Path(str(payload["path"])).resolve()
    if not path.is_relative_to(uploads_folder().resolve()) or not _may_use(path, current_visitor()):
        raise PictureError("That is not a picture that you gave: drop it here again.")
    return Upload(path, Path(payload.get("orig_name") or path.name).name)


def note_upload(path: Path, visitor: str, address: str) -> None:
    """Record that a visitor sent a file from an address."""
    path = path.resolve()
    with _lock:
        _senders.setdefault(path, set()).add(visitor)
        _addresses[path] = address
        while len(_senders) > MOST:
            _addresses.pop(_senders.popitem(last=False)[0], None)


def held_bytes(address: str, *, least: float) -> float:
    """Return the size of the files from an address, in bytes; each counts at least ``least`` bytes."""
    with _lock:
        paths = [path for path, whose in _addresses.items() if whose == address]
    return sum(max(size_of(path), least) for path in paths if path.exists())


class UploadCounter:
    """Counts uploads as they arrive, against the free room and against each address's share."""

    def __init__(self, room: Room | None) -> None:
        self._room = room
        self._coming: Counter[str] = Counter()
        self._most: dict[str, float] = {}

    def begin(self, address: str) -> None:
        """Start one more upload. Raises RefusedError if the disk has no room for it."""
        if self._room:
            self._room.require()
            # Each file counts at least limit / MOST, so that no address fills the record: unrecorded files are useless.
            held = held_bytes(address, least=self._room.limit / MOST)
            self._most[address] = self._room.limit * ADDRESS_SHARE - held
            try:
                self.count(address, 1)  # Marks it as running before any data arrives.
            except RefusedError:
                self.end(address, 0)
                raise

    def count(self, address: str, size: int) -> None:
        """Count received bytes. Raises RefusedError if they exceed the share or the room."""
        if self._room:
            self._coming[address] += size
            self._room.note(size)
            if self._coming[address] > self._most[address]:
                raise RefusedError("More files came from your address than this public server keeps: try again later.")

    def end(self, address: str, size: int) -> None:
        """End an upload of ``size`` bytes, which now count as files on the disk."""
        self._coming[address] -= size + 1
        if self._coming[address] <= 0:
            del self._coming[address]
            self._most.pop(address, None)


def _may_use(path: Path, visitor: str | None) -> bool:
    """Whether a visitor may use a file as their upload: a recorded upload, and no other visitor's.

    An upload from a program without a cookie is open to any visitor who knows its path.
    """
    if visitor is None:
        return path.is_file()
    with _lock:
        senders = _senders.get(path, set())
    return path.is_file() and bool(senders & {visitor, ""})


def _may_fetch(path: Path, visitor: str) -> bool:
    with _lock:
        senders = _senders.get(path, {""})
    return bool(senders & {visitor, ""})


class UploadsOfVisitors:
    """Middleware that records each upload's owner and serves it to no one else. Runs within ``VisitorCookie``."""

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
    """Whether a visitor may fetch a file; Gradio decides on files outside the uploads folder."""
    folder = uploads_folder()
    try:
        written, real = Path(os.path.abspath(asked)), Path(asked).resolve()  # noqa: PTH100  # follows no link
    except (OSError, ValueError):
        return False
    if not (written.is_relative_to(folder.absolute()) or real.is_relative_to(folder.resolve())):
        return True
    # Downloads lie in the same folder. Gradio would follow a link out of it.
    return real.is_relative_to(folder.resolve()) and _may_fetch(real, visitor)


def _note_all(answer: bytes, visitor: str, address: str) -> None:
    # The answer to a failed upload is no list of paths.
    with contextlib.suppress(ValueError, TypeError):
        paths = json.loads(answer)
        for path in paths if isinstance(paths, list) else []:
            note_upload(Path(path), visitor, address)
