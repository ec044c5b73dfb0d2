"""Pack the model: a run's checkpoint with its card as one zip, for use without this project."""

from __future__ import annotations

from typing import Any

import gradio as gr

from emotion.ui.guard import guarded
from emotion.ui.handlers import QUIET
from emotion.ui.run_board import RunBoard
from emotion.ui.uploads import new_download


class HandingOn:
    """Two buttons for the run that is chosen in ``run``: one packs, the other, there once it is packed, downloads."""

    def __init__(self, board: RunBoard, run: gr.Dropdown) -> None:
        self.board = board
        self.button = gr.Button("Pack the model", elem_id="pack-model", size="md")
        self.file = gr.DownloadButton("Download the model", visible=False, elem_id="model-file", size="md")
        # The run that is packed: what is told of a run chosen before must not take its file away.
        packed = gr.State("")
        outputs = [self.file, packed]
        self.button.click(guarded(self.pack), run, outputs, api_visibility="private", show_progress_on=[self.button])
        run.change(guarded(self.hide), [run, packed], self.file, **QUIET)

    def pack(self, name: str | None) -> Any:
        """Pack the run's checkpoint and hand out its file."""
        # Only now: a page that is opened does not wait for what writes cards.
        from emotion.server.publish import zip_run

        run = self.board.find(name)
        made = zip_run(run, new_download(f"{run.name}.zip"))
        # With its name: by now another run may be on the page.
        return gr.DownloadButton(f"Download {run.name}", value=str(made), visible=True), name

    def hide(self, name: str | None, packed: str) -> Any:
        """Hide the file of another run."""
        return gr.skip() if name == packed else gr.DownloadButton(visible=False)
