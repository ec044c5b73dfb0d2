"""What Gradio has no switch for. Each patch says why it is there, and a test fails once it is needed no more."""

from __future__ import annotations

import secrets
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

NO_ADDRESS = "[upload_missing] This server fetches no file from an address: upload it first."
# A page that is open asks every second, so that only those go which nobody looks at any more. Every call of a program
# is a session of its own.
SESSIONS = 1_000
FIELD_BYTES = 64_000
_RANDOM_BYTES = 16


def patch() -> None:
    """Change Gradio in this process; the names are those that it looks up."""
    processing_utils.async_ssrf_protected_download = _refuse
    route_utils.GradioUploadFile = OwnUpload  # type: ignore[misc]
    route_utils.GradioMultiPartParser = OwnParser  # type: ignore[misc]
    state_holder.SessionState = LightSession  # type: ignore[misc]
    for module in (queueing, routes, route_utils, utils):
        vars(module)["traceback"] = SimpleNamespace(print_exc=_log_error, format_exc=traceback.format_exc)


async def _refuse(url: str, cache_dir: str) -> Never:
    """Refuse a file that is given as an address: it would be fetched whole before an endpoint is asked."""
    raise gr.Error(NO_ADDRESS, print_exception=False)


def _log_error() -> None:
    """Log what goes wrong inside of Gradio, which would print what the error says: it may name a visitor's file."""
    error = sys.exc_info()[1]
    if error is not None:
        log_unexpected(error, what="gradio")


class OwnUpload(route_utils.GradioUploadFile):
    """An upload whose folder no other one has.

    Otherwise two visitors who send the same picture share one file, which is deleted under the second one's hands once
    the first one's has been used.
    """

    def __init__(self, *values: Any, **named: Any) -> None:
        super().__init__(*values, **named)
        self.sha.update(secrets.token_bytes(_RANDOM_BYTES))


class OwnParser(route_utils.GradioMultiPartParser):
    """Takes files under the name that is answered, holds little else in memory, and leaves no half of one."""

    def on_headers_finished(self) -> None:
        """Refuse a file that nobody would ever hear of again."""
        super().on_headers_finished()
        file = self._current_part.file
        if file is not None and self._current_part.field_name != "files":
            raise MultiPartException("Send each file in a field called files.")
        # Gradio finds that there is no such name once everything has come, and leaves it all where it is.
        if file is not None and strip_invalid_filename_characters(Path(file.filename or "").name) == "..":
            raise MultiPartException("Give each file a name.")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Count what is no file, and goes to no progress bar."""
        part = self._current_part
        if part.file is not None:
            super().on_part_data(data, start, end)
        elif len(part.data) + end - start > FIELD_BYTES:
            raise MultiPartException(f"A field that is no file may have {FIELD_BYTES // 1000} KB: send it as a file.")
        else:
            part.data += data[start:end]

    async def parse(self) -> FormData:
        """Parse it; what is cut off is deleted."""
        try:
            return await super().parse()
        except BaseException:
            for file in self._files_to_close_on_error:
                file.close()
                Path(file.name).unlink(missing_ok=True)
            raise


class LightSession(state_holder.SessionState):
    """A session that describes a part of the page once it is used.

    Gradio's own begins with a copy of the whole page's description, more than half a megabyte, for links into the
    middle of a page, which this one has not.
    """

    def __init__(self, blocks: Any) -> None:
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks={}))  # type: ignore[arg-type]
