"""Changes to Gradio that it has no setting for. A test for each patch fails once Gradio no longer needs it."""

import sys
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Never

import gradio as gr
from gradio import processing_utils, queueing, route_utils, routes, state_holder, utils
from gradio_client.utils import strip_invalid_filename_characters  # type: ignore[import-untyped]
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException

from emotion.server.logs import log_unexpected
from emotion.ui.uploads import folder_name

NO_ADDRESS = "[upload_missing] This server fetches no file from an address: upload it first."
# An open page polls every second, so only abandoned sessions are evicted. Every call of a program is a session of its
# own.
SESSIONS = 1_000
FIELD_BYTES = 64_000


def patch() -> None:
    """Patch Gradio in this process, under the names by which it finds its parts."""
    processing_utils.async_ssrf_protected_download = _refuse
    route_utils.GradioUploadFile = OwnUpload  # type: ignore[misc]
    route_utils.GradioMultiPartParser = OwnParser  # type: ignore[misc]
    state_holder.SessionState = LightSession  # type: ignore[misc]
    for module in (queueing, routes, route_utils, utils):
        vars(module)["traceback"] = SimpleNamespace(print_exc=_log_error, format_exc=traceback.format_exc)


async def _refuse(url: str, cache_dir: str) -> Never:
    """Refuse a file given as a URL: Gradio would download all of it before it calls an endpoint."""
    raise gr.Error(NO_ADDRESS, print_exception=False)


def _log_error() -> None:
    """Log an error inside Gradio, which would print its message: that may name a visitor's file."""
    error = sys.exc_info()[1]
    if error is not None:
        log_unexpected(error, what="gradio")


class OwnUpload(route_utils.GradioUploadFile):
    """An upload with a folder of its own, whose name says whose it is; Gradio names the folder by the file's content.

    Otherwise two visitors who send the same picture share one file, which is deleted for both once one of them has used
    it.
    """

    def __init__(self, *values: Any, **named: Any) -> None:
        super().__init__(*values, **named)
        name = folder_name()
        self.sha: Any = SimpleNamespace(update=lambda data: None, hexdigest=lambda: name)


class OwnParser(route_utils.GradioMultiPartParser):
    """Accepts files in the field ``files`` only, limits the size of other fields, and deletes incomplete uploads."""

    def on_headers_finished(self) -> None:
        """Refuse a file in another field, which would never be deleted, or without a usable name."""
        super().on_headers_finished()
        file = self._current_part.file
        if file is not None and self._current_part.field_name != "files":
            raise MultiPartException("Send each file in a field called files.")
        # Gradio rejects such a name only after the whole upload, and leaves its files on the disk.
        if file is not None and strip_invalid_filename_characters(Path(file.filename or "").name) == "..":
            raise MultiPartException("Give each file a name.")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Pass on a file's data; collect any other field up to its limit."""
        part = self._current_part
        if part.file is not None:
            super().on_part_data(data, start, end)
        elif len(part.data) + end - start > FIELD_BYTES:
            raise MultiPartException(f"A field that is no file may have {FIELD_BYTES // 1000} KB: send it as a file.")
        else:
            part.data += data[start:end]

    async def parse(self) -> FormData:
        """Parse the request; delete its files if it is cut off."""
        try:
            return await super().parse()
        except BaseException:
            for file in self._files_to_close_on_error:
                file.close()
                Path(file.name).unlink(missing_ok=True)
            raise


class LightSession(state_holder.SessionState):
    """A session that copies a widget's configuration only when it is used.

    Gradio's own starts with a copy of the whole page's configuration, over half a megabyte, for deep links, which this
    page does not have.
    """

    def __init__(self, blocks: Any) -> None:
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks={}))  # type: ignore[arg-type]
