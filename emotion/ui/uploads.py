"""Uploads and downloads of visitors: whose they are, and their size. Gradio serves a file to anyone with its path.

Each upload lies in a folder of its own, whose name says who sent it and from where.
"""

import atexit
import base64
import binascii
import contextlib
import hashlib
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from emotion.core.errors import PictureError, RefusedError
from emotion.server.visitors import ADDRESS_SHARE, Room, size_of
from emotion.ui.visitor import address_of, current_visitor, visitor_of

# An upload counts as at least this much: an empty file takes room on the disk too.
LEAST_BYTES = 80_000
# The sender of the request being handled, as the folder of an upload says it: visitor, address.
_sender: ContextVar[str] = ContextVar("sender", default="-")


def note_sender(scope: Mapping[str, Any]) -> None:
    """Note who sends the request being handled, for the folders of its uploads."""
    _sender.set(f"{visitor_of(scope)}-{_short(address_of(scope))}")


def folder_name() -> str:
    """Return the name of the folder of one more upload of the request being handled, which nobody can guess."""
    return f"{_sender.get()}-{secrets.token_hex(16)}"


def uploads_folder() -> Path:
    """Return the folder of uploads and downloads."""
    return Path(get_upload_folder())


def new_download(name: str) -> Path:
    """Return the path for a new download, in a folder with an unguessable name that is deleted with the server.

    It lies in the uploads folder, so that Gradio serves it without a copy.
    """
    folder = uploads_folder() / f"--{secrets.token_hex(16)}"
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
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()


def received(payload: dict[str, Any] | None) -> Upload | None:
    """Return the file that a widget sent; None if there is none.
    Raises PictureError if it is no upload of the visitor's: a client that is not the page can name any file.
    """
    if not payload or not payload.get("path") or str(payload.get("url") or "").startswith("data:"):
        return None
    path = Path(str(payload["path"])).resolve()
    if not _is_of(path, current_visitor()) or not path.is_file():
        raise PictureError("That is not a picture that you gave: drop it here again.")
    return Upload(path, Path(payload.get("orig_name") or path.name).name)


def content_of(payload: dict[str, Any] | None, *, missing: str) -> bytes:
    """Return the picture that a page sends inside the payload itself. Raises PictureError(missing) if there is none."""
    head, _, content = str((payload or {}).get("url") or "").partition(";base64,")
    try:
        if head.startswith("data:image/"):
            return base64.b64decode(content, validate=True)
    except binascii.Error:
        pass
    raise PictureError(missing)


def may_fetch(asked: str, visitor: str) -> bool:
    """Whether a visitor may fetch a file; Gradio decides on files outside the uploads folder."""
    folder = uploads_folder()
    try:
        written, real = Path(os.path.abspath(asked)), Path(asked).resolve()  # noqa: PTH100  # follows no link
    except (OSError, ValueError):
        return False
    if not (written.is_relative_to(folder.absolute()) or real.is_relative_to(folder.resolve())):
        return True
    # Of both, since Gradio would follow a link out of the folder.
    return _is_of(real, visitor)


def _is_of(path: Path, visitor: str | None) -> bool:
    """Whether a resolved path is that of an upload which a visitor may use; None stands for one's own machine.

    A download, or an upload from a program without a cookie, is open to any visitor who knows its path.
    """
    if path.parent.parent != uploads_folder().resolve():
        return False
    return visitor is None or path.parent.name.partition("-")[0] in (visitor, "")


class UploadCounter:
    """Counts uploads against the free room and against each address's share, also those that are still arriving."""

    def __init__(self, room: Room | None) -> None:
        self._room = room
        self._coming: Counter[str] = Counter()

    @contextmanager
    def reserved(self, address: str, size: int) -> Iterator[None]:
        """Reserve room for an upload of at most ``size`` bytes until it has arrived.
        Raises RefusedError if the disk has no room for it, or the address has used up its share.
        """
        if self._room is None:
            yield
            return
        held = sum(max(size_of(path), LEAST_BYTES) for path in uploads_folder().glob(f"*-{_short(address)}-*/*"))
        if held + self._coming[address] + size > ADDRESS_SHARE * self._room.limit:
            raise RefusedError("More files came from your address than this public server keeps: try again later.")
        with self._room.reserved(size):
            self._coming[address] += size
            try:
                yield
            finally:
                self._coming[address] -= size


def _short(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()[:16]
