"""Many pictures at once: dropped together or as a zip, judged while a table fills, and a CSV to keep."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

import gradio as gr

from emotion.core.errors import EmotionError, PictureError
from emotion.inference.batch.judging import JudgeMany, gathered
from emotion.inference.batch.result import Batch
from emotion.inference.batch.table import file_name, to_csv
from emotion.server.services import Services
from emotion.ui.guard import guarded, guarded_stream
from emotion.ui.handlers import QUIET
from emotion.ui.picture_input import Upload, received
from emotion.ui.pictures.mine import import_limits
from emotion.ui.predict.batch_view import MAX_SHOWN, batch_table, finding_html, going_on
from emotion.ui.run_board import RunBoard
from emotion.ui.status import sentence, status_box
from emotion.ui.uploads import new_download

NOTHING = "Nothing is given yet: drop pictures, or a zip of them."
NOTE = (
    "Many pictures, or a zip of them. In class folders (happy/1.jpg, sad/2.jpg …) it is counted how many are right. "
    "Nothing is kept here: the files are deleted once they are judged."
)
WAITING = "Waiting for its turn: one batch goes on at a time."
LOADING = "Loading the run's model."
# How often the page is told: a table of a hundred kilobytes each time.
PACE_SECONDS = 1.0
TURN_SECONDS = 0.5
Steps = Generator[list[Any], None, None]


class ManyPictures:
    """Widgets for many pictures and what they do; ``run`` is where the run in use is chosen.

    One batch goes on at a time, in a process of its own: each has a model in memory, and single predictions do not
    wait for it. Whoever closes the page ends it; Stop ends it and keeps what is judged.
    """

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown) -> None:
        self.services, self.board = services, board
        self._turn = threading.Lock()
        self._stopping: dict[str, threading.Event] = {}
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=320):
                self.files = gr.File(
                    label="Pictures, or a zip of them", file_count="multiple", height=150, elem_id="batch-files",
                    file_types=["image", ".heic", ".heif", ".zip"],
                )  # fmt: skip
                gr.HTML(f'<p class="note">{NOTE}</p>', apply_default_css=False)
            with gr.Column(scale=3, min_width=320):
                with gr.Row(elem_classes="actions"):
                    self.go = gr.Button("Judge them all", variant="primary", elem_id="batch", min_width=140)
                    self.stop = gr.Button("Stop", variant="stop", visible=False, elem_id="batch-stop", min_width=90)
                    self.csv = gr.DownloadButton("Download CSV", visible=False, elem_id="batch-csv", min_width=140)
                self.status = gr.HTML("", elem_id="batch-status", apply_default_css=False)
        self.finding = gr.HTML("", elem_id="batch-finding", apply_default_css=False)
        self.table = gr.HTML("", elem_id="batch-table", apply_default_css=False)
        self.token = gr.State("")
        self._connect(run)

    def _connect(self, run: gr.Dropdown) -> None:
        view = [self.token, self.files, self.go, self.stop, self.csv, self.status, self.finding, self.table]
        self.go.click(
            guarded_stream(self.judge), [run, self.files], view,
            # Each waits for its turn where it is seen to wait, not in Gradio's queue.
            concurrency_limit=8, concurrency_id="batch", preprocess=False, **QUIET,
        )  # fmt: skip
        self.stop.click(guarded(self.end), self.token, self.stop, **QUIET)

    def judge(self, name: str | None, payload: Sequence[dict[str, Any]] | None) -> Steps:
        """Judge what was given and delete it; yield what there is by then."""
        uploads = [upload for each in payload or [] if (upload := received(each)) is not None]
        token = secrets.token_urlsafe()
        stopping = self._stopping[token] = threading.Event()
        batch: Batch | None = None
        try:
            if not uploads:
                raise PictureError(NOTHING)
            job = JudgeMany(
                self.board.choose(name), [(each.path, each.name) for each in uploads], limits=import_limits()
            )
            yield self._begun(token)
            with closing(self._batches(job, stopping)) as batches:
                for batch in batches:
                    yield self._going_on(batch)
        except EmotionError as error:
            # Beside what was given, and not only in a toast that goes.
            yield self._over(batch, problem=str(error))
            return
        finally:
            del self._stopping[token]
            _delete(uploads)
        yield self._over(batch, was_stopped=stopping.is_set())

    def end(self, token: str) -> Any:
        """Let the batch end after the pictures in hand."""
        if token in self._stopping:
            self._stopping[token].set()
        return gr.Button(interactive=False)

    def _batches(self, job: JudgeMany, stopping: threading.Event) -> Generator[Batch | None, None, None]:
        """Yield the batch as it grows, at a page's pace and once at its end; None while it waits for its turn."""
        while not self._turn.acquire(timeout=TURN_SECONDS):
            if stopping.is_set():
                return
            yield None
        steps = self.services.do(job)
        try:
            batch, due = None, 0.0
            for step in gathered(steps):
                batch = step if isinstance(step, Batch) else None
                if stopping.is_set():
                    break
                if batch and time.monotonic() >= due:
                    yield batch
                    due = time.monotonic() + PACE_SECONDS
            if batch:
                yield batch
        finally:
            steps.close()
            self._turn.release()

    def _begun(self, token: str) -> list[Any]:
        line = status_box("running", "running", LOADING, None)
        buttons = [gr.Button(interactive=False), gr.Button(visible=True, interactive=True), gr.Button(visible=False)]
        return [token, gr.skip(), *buttons, line, "", ""]

    def _going_on(self, batch: Batch | None) -> list[Any]:
        if batch is None:
            return [*[gr.skip()] * 5, status_box("queued", "waiting", WAITING, None), gr.skip(), gr.skip()]
        # What is full does not change any more, and is not sent again.
        is_full = len(batch.rows) > MAX_SHOWN + 100
        return [*[gr.skip()] * 5, going_on(batch), gr.skip(), gr.skip() if is_full else batch_table(batch)]

    def _over(self, batch: Batch | None, *, was_stopped: bool = False, problem: str = "") -> list[Any]:
        buttons = [gr.Button(interactive=True), gr.Button(visible=False)]
        said = sentence(problem, kind="problem")
        if batch is None or not batch.rows:
            stopped = sentence("Stopped before the first picture was judged.") if was_stopped else ""
            return ["", None, *buttons, gr.DownloadButton(visible=False), said or stopped, "", ""]
        file = new_download(file_name(batch))
        file.write_text(to_csv(batch), encoding="utf-8")
        csv = gr.DownloadButton(value=str(file), visible=True)
        return ["", None, *buttons, csv, said, finding_html(batch, was_stopped=was_stopped), batch_table(batch)]


def _delete(uploads: Sequence[Upload]) -> None:
    for upload in uploads:
        upload.delete()
