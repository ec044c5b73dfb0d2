"""Files come as uploads, each in a folder of its own. Gradio shares folders, and fetches what is an address."""

from __future__ import annotations

import secrets
from typing import Any, Never

import gradio as gr
from gradio import processing_utils, route_utils

RANDOM_BYTES = 16
NO_ADDRESS = "[upload_missing] This server fetches no file from an address: upload it first."


class OwnUpload(route_utils.GradioUploadFile):
    """An upload whose folder no other one has, whoever sends the same content again."""

    def __init__(self, *values: Any, **named: Any) -> None:
        super().__init__(*values, **named)
        self.sha.update(secrets.token_bytes(RANDOM_BYTES))


def keep_uploads_apart() -> None:
    """Let Gradio, in this process, give every upload a folder of its own.

    Otherwise two visitors who send the same picture share one file, which is deleted under the second one's hands
    once the first one's has been used.
    """
    route_utils.GradioUploadFile = OwnUpload  # type: ignore[misc]  # the name that its parser looks up


def fetch_nothing() -> None:
    """Let Gradio, in this process, refuse a file that is given as an address.

    Otherwise a call makes it fetch any public address whole, however large, before an endpoint is asked.
    """
    processing_utils.async_ssrf_protected_download = _refuse


async def _refuse(url: str, cache_dir: str) -> Never:
    raise gr.Error(NO_ADDRESS, print_exception=False)
