"""Download report: the comparison on screen as one file, with the pictures that were ticked and no others."""

from __future__ import annotations

from typing import Any

import gradio as gr

from emotion.core.format import count
from emotion.ui.compare.shown import shown_comparison
from emotion.ui.guard import guarded
from emotion.ui.handlers import EVERY_PRESS, QUIET
from emotion.ui.run_board import RunBoard
from emotion.ui.ticks import ticked
from emotion.ui.uploads import new_download

NOTE = "No picture is in it, unless you tick some above."


class ReportPanel:
    """Two buttons, and a button for each file once it is written. ``pictures`` are what can be ticked."""

    def __init__(self, board: RunBoard, run: gr.Dropdown, saved: gr.Dropdown, pictures: gr.HTML) -> None:
        self.board = board
        self.ticked = gr.State(())
        self.note = gr.HTML(_note(()), elem_id="report-note", apply_default_css=False)
        self.files: list[gr.DownloadButton] = []
        for kind, title in (("html", "Write report"), ("md", "Write report as Markdown")):
            button = gr.Button(title, elem_id=f"report-{kind}", size="md", min_width=150)
            file = gr.DownloadButton(
                "Download report", visible=False, elem_id=f"report-{kind}-file", size="md", min_width=150
            )
            self.files.append(file)
            button.click(
                guarded(lambda *values, kind=kind: self.write(kind, *values)), [run, saved, self.ticked], file,
                api_visibility="private", show_progress_on=[self.note],
            )  # fmt: skip
        self.view: list[Any] = [self.ticked, self.note, *self.files]
        pictures.select(guarded(self.tick), None, self.view, trigger_mode=EVERY_PRESS, **QUIET)

    def reopen(self, name: str | None, saved: str | None) -> list[Any]:
        """Tick no picture of another comparison, and hand out no report of it."""
        return [(), _note(()), *[gr.DownloadButton(visible=False)] * len(self.files)]

    def tick(self, event: gr.EventData) -> list[Any]:
        """Keep which pictures are ticked; the page sends their hashes."""
        chosen = ticked(event)
        # A report that is written already has other pictures.
        return [chosen, _note(chosen), *[gr.DownloadButton(visible=False)] * len(self.files)]

    def write(self, kind: str, run: str | None, saved: str | None, ticked: tuple[str, ...]) -> Any:
        """Write the report of the comparison on screen and hand out its file."""
        # Only now: a page that is opened does not wait for what writes reports.
        from emotion.report import build_report, to_html, to_markdown

        _, path = shown_comparison(self.board, run, saved)
        target = new_download(f"{run}-{path.stem}.{kind}")
        as_text = {"html": to_html, "md": to_markdown}[kind]
        target.write_text(as_text(build_report(path, ticked=ticked)), encoding="utf-8")
        return gr.DownloadButton(value=str(target), visible=True)


def _note(ticked: tuple[str, ...]) -> str:
    said = f"{count(len(ticked), 'ticked picture')} will be in it." if ticked else NOTE
    return f'<p class="note" role="status">{said}</p>'
