"""A picture as a visitor gives it: an upload that is checked by us, not by the widget, and leaves no file behind."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData
from gradio.utils import get_upload_folder

from emotion.core.errors import PictureError
from emotion.ui.thumbnails import data_uri
from emotion.ui.uploads import forget_upload, may_use_upload
from emotion.ui.visitor import current_visitor

SHOWN_SIDE = 640
# Without the widget's own conversion. That opens the file before any handler runs, so that a text file called .jpg
# ends in an error nobody can put into words; and it puts what is shown into a cache that is public by address.
RAW: dict[str, Any] = {"preprocess": False, "postprocess": False}


@dataclass(frozen=True)
class Upload:
    """A file that a visitor gave, and what it was called there."""

    path: Path
    name: str

    def delete(self) -> None:
        """Remove the file, which has been used, and the folder that it had to itself."""
        self.path.unlink(missing_ok=True)
        forget_upload(self.path)
        if self.path.parent != Path(get_upload_folder()).resolve():
            with contextlib.suppress(OSError):
                self.path.parent.rmdir()


def picture_input(**options: Any) -> gr.Image:
    """Make the image widget; its events take ``RAW``, and their handlers ``received`` and ``preview``."""
    return gr.Image(sources=["upload", "webcam", "clipboard"], type="filepath", image_mode=None, **options)


def received(payload: dict[str, Any] | None) -> Upload | None:
    """Return the file that the widget sent, or nothing.

    Raises:
        PictureError: it is no upload, or somebody else's. Gradio lets a client that is not the page name any file of
            this machine.
    """
    if not payload or not payload.get("path") or str(payload.get("url") or "").startswith("data:"):
        return None
    path = Path(str(payload["path"])).resolve()
    is_upload = path.is_relative_to(Path(get_upload_folder()).resolve())
    if not is_upload or not may_use_upload(path, current_visitor()):
        raise PictureError("That is not a picture that you gave: drop it here again.")
    return Upload(path, Path(payload.get("orig_name") or path.name).name)


def preview(picture: Path) -> ImageData:
    """Return a picture as the widget shows it, which needs no file any more.

    Raises:
        PictureError: it cannot be read.
    """
    return ImageData(url=data_uri(picture, side=SHOWN_SIDE), orig_name="picture.webp")
