"""Each upload in a folder of its own. Gradio names the folder by what is in the file, seeded for the server."""

from __future__ import annotations

import secrets
from typing import Any

from gradio import route_utils

RANDOM_BYTES = 16


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
