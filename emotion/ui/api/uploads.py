"""A file as a caller sends it: uploaded to this server first, as the page does, and deleted after use."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, cast

from gradio.data_classes import FileData

from emotion.core.errors import PictureError
from emotion.ui.api.codes import Coded
from emotion.ui.picture_input import Upload, received

NO_FILE = "No uploaded file came with the call: upload one first, as handle_file of gradio_client does."


@contextlib.contextmanager
def uploaded(payload: FileData) -> Iterator[Upload]:
    """Return the uploaded file, and delete it afterwards.

    Raises:
        Coded: there is none, or it names another file of this machine.
    """
    # Gradio hands over what was sent, whatever the type says.
    sent = cast(Any, payload)
    try:
        upload = received(sent) if isinstance(sent, dict) else None
    except (PictureError, ValueError) as error:  # Of a path that cannot be one.
        raise Coded("upload_missing", NO_FILE) from error
    if upload is None:
        raise Coded("upload_missing", NO_FILE)
    try:
        yield upload
    finally:
        upload.delete()
