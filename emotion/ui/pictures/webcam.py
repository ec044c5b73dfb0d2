"""The webcam: hold the button and a burst of pictures goes into the class. The page takes them, nothing else does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from emotion.core.errors import PictureError
from emotion.ui.picture_input import Upload, received

FRAMES_A_SECOND, SIDE, MOST = 8, 480, 80
_HTML = f"""
<div class="webcam" data-side="{SIDE}" data-most="{MOST}" data-rate="{FRAMES_A_SECOND}">
  <video muted playsinline hidden></video>
  <p class="webcam-idle">The webcam is off. Its pictures go nowhere but into this set.</p>
  <div class="webcam-buttons">
    <button type="button" class="webcam-switch">Switch the webcam on</button>
    <button type="button" class="webcam-hold" disabled>Hold to record</button>
  </div>
  <p class="note" role="status"></p>
</div>
"""
_SCRIPT = Path(__file__).with_name("webcam.js")


def webcam(**options: Any) -> gr.HTML:
    """Make the widget; its ``submit`` event says that a burst was taken, and ``burst`` reads it."""
    return gr.HTML(_HTML, js_on_load=_SCRIPT.read_text(encoding="utf-8"), apply_default_css=False, **options)


def burst(event: gr.EventData) -> list[Upload]:
    """Return the pictures of a burst, which the page has uploaded.

    Raises:
        PictureError: what came is none of this page's uploads, or more than a burst has.
    """
    paths = event._data.get("paths")
    if not isinstance(paths, list) or not 0 < len(paths) <= MOST:
        raise PictureError("No picture came from the webcam: hold its button a little longer.")
    uploads = [
        received({"path": str(path), "orig_name": f"webcam-{number}.jpg"}) for number, path in enumerate(paths, 1)
    ]
    return [upload for upload in uploads if upload is not None]
