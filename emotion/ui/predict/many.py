"""Many pictures at once: dropped together or as a zip, judged while a table fills, and a CSV to keep."""

from __future__ import annotations

import base64
import html
import secrets
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

import gradio as gr

from emotion.core.errors import EmotionError, PictureError
from emotion.core.format import count, duration, exact_percent, percent
from emotion.core.labels import colour_of, in_order
from emotion.data.names import shown
from emotion.inference.batch.findings import basis, findings, left_out
from emotion.inference.batch.judging import JudgeMany, gathered
from emotion.inference.batch.result import Batch, Row
from emotion.inference.batch.table import file_name, to_csv
from emotion.runs.validation import MOST_CLASSES
from emotion.server.services import Services
from emotion.ui.guard import guarded, guarded_stream
from emotion.ui.handlers import QUIET
from emotion.ui.picture_input import received
from emotion.ui.pictures.mine import import_limits
from emotion.ui.run_board import RunBoard
from emotion.ui.status import sentence, status_box
from emotion.ui.tables import column_head, scrolled
from emotion.ui.uploads import new_download

NOTHING = "Nothing is given yet: drop pictures, or a zip of them."
NOTE = (
    "In class folders (happy/1.jpg, sad/2.jpg …) it is counted how many are right. The files are deleted once judged."
)
WAITING = "Waiting for its turn: one batch goes on at a time."
# So many rows are on the page, all of them in the CSV.
MAX_SHOWN = 200
# How often the page is told: a table of some hundred kilobytes each time.
PACE_SECONDS = 1.0
TURN_SECONDS = 0.5
Answer = dict[Any, Any]


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
        view = [self.token, self.files, self.go, self.stop, self.csv, self.status, self.finding, self.table]
        self.go.click(
            guarded_stream(self.judge), [run, self.files], view,
            # Each waits for its turn where it is seen to wait, not in Gradio's queue.
            concurrency_limit=8, concurrency_id="batch", preprocess=False, **QUIET,
        )  # fmt: skip
        self.stop.click(guarded(self.end), self.token, self.stop, **QUIET)

    def judge(self, name: str | None, payload: Sequence[dict[str, Any]] | None) -> Generator[Answer, None, None]:
        """Judge what was given and delete it; yield what there is by then."""
        uploads = [upload for each in payload or [] if (upload := received(each)) is not None]
        token = secrets.token_urlsafe()
        stopping = self._stopping[token] = threading.Event()
        batch, problem = None, ""
        try:
            if not uploads:
                raise PictureError(NOTHING)
            given = [(each.path, each.name) for each in uploads]
            job = JudgeMany(self.board.choose(name), given, limits=import_limits(), thumbnails=MAX_SHOWN)
            yield {
                self.token: token,
                self.go: gr.Button(interactive=False),
                self.stop: gr.Button(visible=True, interactive=True),
                self.csv: gr.DownloadButton(visible=False),
                self.status: status_box("running", "running", "Loading the run's model.", None),
                self.finding: "",
                self.table: "",
            }
            with closing(self._batches(job, stopping)) as batches:
                for batch in batches:
                    yield self._going_on(batch)
        except EmotionError as error:
            # Beside what was given, and not only in a toast that goes.
            problem = str(error)
        finally:
            del self._stopping[token]
            for upload in uploads:
                upload.delete()
        yield self._over(batch, was_stopped=stopping.is_set() and not problem, problem=problem)

    def end(self, token: str) -> Answer:
        """Let the batch end after the pictures in hand."""
        if token in self._stopping:
            self._stopping[token].set()
        return {self.stop: gr.Button(interactive=False)}

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

    def _going_on(self, batch: Batch | None) -> Answer:
        if batch is None:
            return {self.status: status_box("queued", "waiting", WAITING, None)}
        done, total, left = len(batch.rows), batch.total, batch.remaining_seconds
        remaining = f", {duration(left)} left" if left is not None else ""
        line = status_box("running", "running", f"{done:,} of {total:,}{remaining}.", done / total)
        # What is full does not change any more, and is not sent again.
        return {self.status: line} | ({} if done > MAX_SHOWN + 100 else {self.table: batch_table(batch)})

    def _over(self, batch: Batch | None, *, was_stopped: bool, problem: str) -> Answer:
        answer: Answer = {
            self.token: "",
            self.files: None,
            self.go: gr.Button(interactive=True),
            self.stop: gr.Button(visible=False),
            self.status: sentence(problem, kind="problem"),
        }
        if batch is None or not batch.rows:
            stopped = sentence("Stopped before the first picture was judged.") if was_stopped else ""
            return answer | {self.status: sentence(problem, kind="problem") or stopped}
        file = new_download(file_name(batch))
        file.write_text(to_csv(batch), encoding="utf-8")
        return answer | {
            self.csv: gr.DownloadButton(value=str(file), visible=True),
            self.finding: finding_html(batch, was_stopped=was_stopped),
            self.table: batch_table(batch),
        }


def finding_html(batch: Batch, *, was_stopped: bool) -> str:
    """Return what came out in sentences, with what it rests on."""
    first, *others = (html.escape(each) for each in findings(batch))
    more = "".join(f"<p>{each}</p>" for each in others)
    rest = "".join(sentence(each) for each in left_out(batch, was_stopped=was_stopped))
    return (
        f'<div class="headline"><p class="finding">{first}</p>{more}'
        f'<p class="basis">{html.escape(basis(batch))}</p></div>{rest}'
    )


def batch_table(batch: Batch) -> str:
    """Return a row for each file in the order in which they were given, the first ones of many."""
    if not batch.rows:
        return ""
    # Of many classes those that are said most often.
    often = Counter(row.predicted for row in batch.rows if row.scores)
    classes = in_order(sorted(batch.classes, key=lambda name: -often[name])[:MOST_CLASSES])
    has_labels = any(row.label for row in batch.rows)
    names = ["Picture", *(["Correct class"] if has_labels else []), "Said", "Confidence"]
    head = "".join(map(column_head, names)) + "".join(column_head(each, colour_of(each)) for each in classes)
    rows = "".join(_row(row, classes, has_labels=has_labels) for row in batch.rows[:MAX_SHOWN])
    hidden = len(batch.rows) - MAX_SHOWN
    more = f'<p class="note">{count(hidden, "more row")} in the CSV.</p>' if hidden > 0 else ""
    table = f'<table class="measures batch"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f"{scrolled(table, label='What the run said of each picture')}{more}"


def _row(row: Row, classes: list[str], *, has_labels: bool) -> str:
    called, small = html.escape(shown(row.picture)), base64.b64encode(row.thumbnail).decode("ascii")
    picture = f'<img src="data:image/webp;base64,{small}" alt="">' if small else ""
    name = f'<th scope="row" title="{called}">{picture}{called}</th>'
    label = f"<td>{html.escape(row.label or '–')}</td>" if has_labels else ""
    if not row.scores:
        return f'<tr>{name}{label}<td colspan="{len(classes) + 2}" class="reason">{html.escape(row.reason)}</td></tr>'
    # In the words of a single picture's verdict.
    leaning = "leans to " if row.is_unknown else ""
    mark = " ✓" if row.predicted == row.label else " ✗"
    said = f'<i style="background:{colour_of(row.predicted)}"></i>{leaning}{html.escape(row.predicted)}'
    said += " <span>trained on</span>" if row.label and row.is_known else mark if row.label else ""
    said += " <span>unfamiliar kind of picture</span>" if row.is_unknown else ""
    scores = "".join(f"<td>{exact_percent(row.scores[each])}</td>" for each in classes)
    return f"<tr>{name}{label}<td>{said}</td><td><b>{percent(row.confidence)}</b></td>{scores}</tr>"
