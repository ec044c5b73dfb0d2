"""A file as a language model's client can send it, made an upload like any other. Knows nothing of what is in it."""

from __future__ import annotations

import base64
import binascii
import contextlib
import mimetypes
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from gradio.utils import get_upload_folder

from emotion.data.folders import PICTURE_SUFFIXES
from emotion.errors import PictureError
from emotion.server.limits import public_limits
from emotion.ui.api.codes import Coded
from emotion.ui.mcp_tools.fetching import fetched
from emotion.ui.picture_input import received
from emotion.ui.uploads import note_upload
from emotion.ui.visitor import current_address, current_visitor

MOST_BYTES = 20_000_000
HOW = (
    "Give a data URL (data:image/jpeg;base64,... or data:application/zip;base64,...), the https address of a public "
    f"file, or the path that POST /gradio_api/upload returned; the first two hold {MOST_BYTES // 1_000_000} MB at most."
)
_UPLOADED = "/gradio_api/file="


async def content_of(sent: Any) -> bytes | None:
    """Return the content that came with a call or stands at the address it gives; None of an upload made before.

    Raises:
        Coded: there is none, or it may not be fetched.
    """
    text = sent if isinstance(sent, str) else ""
    try:
        if text.startswith("data:"):
            return _decoded(text)
        if text.startswith(("http://", "https://")) and _UPLOADED not in text:
            return await fetched(text, most_bytes=_most_bytes())
    except PictureError as error:
        raise Coded("upload_missing", str(error)) from error
    return None


@contextlib.contextmanager
def as_upload(sent: Any, content: bytes | None, *, name: str) -> Iterator[dict[str, Any]]:
    """Give what the endpoints take for an upload: a file of its own with that content, or the one made before.

    A file that was made here is gone afterwards, also where the endpoint never came to look at it.

    Raises:
        Coded: there is no content, and no upload of the visitor's own.
    """
    if content is None:
        yield _made_before(sent)
        return
    folder = Path(get_upload_folder()) / secrets.token_hex(16)
    folder.mkdir(parents=True)
    path = folder / f"{name}{_ending(sent)}"
    try:
        path.write_bytes(content)
        note_upload(path, current_visitor() or "", current_address())
        yield {"path": str(path), "orig_name": path.name}
    finally:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()


def _decoded(text: str) -> bytes:
    head, _, encoded = text.partition(",")
    if not head.endswith(";base64"):
        raise PictureError(f"That data URL is not in base64. {HOW}")
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureError(f"What stands in that data URL is not base64. {HOW}") from error
    if len(content) > _most_bytes():
        raise PictureError(f"That file is larger than {_most_bytes() // 1_000_000} MB: use a smaller one.")
    return content


def _most_bytes() -> int:
    limits = public_limits()
    return min(MOST_BYTES, limits.upload_megabytes * 1_000_000) if limits else MOST_BYTES


def _made_before(sent: Any) -> dict[str, Any]:
    """Return an upload by its path, or by the address of this server that Gradio's own uploader gives."""
    text = sent if isinstance(sent, str) else ""
    payload = {"path": unquote(text.partition(_UPLOADED)[2]) if text.startswith(("http://", "https://")) else text}
    try:
        found = received(payload)
    except (PictureError, ValueError) as error:  # Of a path that cannot be one.
        raise Coded("upload_missing", f"That names no file that you uploaded here. {HOW}") from error
    if found is None:
        raise Coded("upload_missing", f"No file came with the call. {HOW}")
    return payload


def _ending(sent: str) -> str:
    if sent.startswith("data:"):
        return mimetypes.guess_extension(sent[5:].partition(";")[0]) or ""
    ending = Path(urlsplit(sent).path).suffix
    return ending if ending in PICTURE_SUFFIXES | {".zip"} else ""
