"""Many pictures at once: dropped together or as a zip, judged into a growing table, with a CSV for download."""

import base64
import html
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any

import gradio as gr

from emotion.core.errors import EmotionError, PictureError
from emotion.core.format import count, duration, exact_percent, percent
from emotion.core.labels import colour_of, in_order
from emotion.data.names import shown
from emotion.inference.batch import Batch, Row, basis, file_name, findings, left_out, to_csv
from emotion.inference.judging import JudgeMany, gathered
from emotion.runs.validation import MOST_CLASSES
from emotion.server.services import Services
from emotion.ui.events import Steps, Values, on, widgets
from emotion.ui.html import head_cell, put, scrolled, sentence, slot, status_box
from emotion.ui.picture_sets import import_limits
from emotion.ui.run_board import RunBoard
from emotion.ui.uploads import new_download, received

NOTHING = "Nothing is given yet: drop pictures, or a zip of them."
NOTE = (
    "Put them in class folders (happy/1.jpg, sad/2.jpg …) to see how many are right. The files are deleted once judged."
)
WAITING = "Waiting for its turn: one batch goes on at a time."
STOPPED = "Stopped before the first picture was judged."
# Rows shown on the page; the CSV has all of them.
MAX_SHOWN = 200
# Seconds between updates of the page: the table has some hundred kilobytes.
PACE_SECONDS = 1.0


class ManyPictures:
    """The widgets for many pictures and their handlers; ``run`` is the picker of the run in use.

    One batch runs at a time, in its own process: each has a model in memory, and single predictions do not wait for it.
    Closing the page ends the batch; Stop ends it and keeps the judged pictures.
    """

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown) -> None:
        self.services, self.board = services, board
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=2, min_width=320):
                self.files = gr.File(
                    label="Pictures, or a zip of them", file_count="multiple", height=150, elem_id="batch-files",
                    file_types=["image", ".heic", ".heif", ".zip"],
                )  # fmt: skip
                put(f'<p class="note">{NOTE}</p>')
            with gr.Column(scale=3, min_width=320):
                with gr.Row(elem_classes="actions"):
                    self.go = gr.Button("Judge them all", variant="primary", elem_id="batch", min_width=140)
                    self.stop = gr.Button("Stop", variant="stop", visible=False, elem_id="batch-stop", min_width=90)
                    self.csv = gr.DownloadButton("Download CSV", visible=False, elem_id="batch-csv", min_width=140)
                self.status = slot("batch-status")
        self.finding, self.table = slot("batch-finding"), slot("batch-table")
        # The pictures judged so far.
        self.batch = gr.State(None)
        view = widgets(self)
        asked = on(self.go.click, self.begin, None, view)
        judging = on(
            asked.then, self.judge, [run, self.files], view, preprocess=False, concurrency_limit=1,
            concurrency_id="batch",
        )  # fmt: skip
        on(judging.then, self.end, self.batch, view)
        on(self.stop.click, self.stopped, [self.files, self.batch], self.status, preprocess=False, cancels=judging)

    def begin(self) -> Values:
        """Show that the batch waits for its turn."""
        return {
            self.batch: None,
            self.go: gr.Button(interactive=False),
            self.stop: gr.Button(visible=True),
            self.csv: gr.DownloadButton(visible=False),
            self.status: status_box("queued", "waiting", WAITING, None),
            self.finding: "",
            self.table: "",
        }

    def judge(self, name: str | None, payload: Sequence[dict[str, Any]] | None) -> Steps:
        """Judge the uploaded pictures and delete them; yield the results so far, once a second and at the end."""
        uploads = [upload for each in payload or [] if (upload := received(each)) is not None]
        try:
            if not uploads:
                raise PictureError(NOTHING)
            given = [(each.path, each.name) for each in uploads]
            job = JudgeMany(self.board.choose(name), given, limits=import_limits(), thumbnails=MAX_SHOWN)
            yield {self.status: status_box("running", "running", "Loading the run's model.", None)}
            due = 0.0
            with closing(self.services.do(job)) as steps:
                for step in gathered(steps):
                    if not isinstance(step, Batch) or not step.rows:
                        continue
                    if time.monotonic() >= due or len(step.rows) == step.total:
                        yield self._going_on(step)
                        due = time.monotonic() + PACE_SECONDS
            yield {self.status: ""}
        except EmotionError as error:
            # Next to the fields, where it stays visible, unlike a toast.
            yield {self.status: sentence(str(error), kind="problem")}
        finally:
            for upload in uploads:
                upload.delete()

    def end(self, batch: Batch | None) -> Values:
        """Show what was judged, however the batch ended."""
        idle: Values = {
            self.files: None,
            self.go: gr.Button(interactive=True),
            self.stop: gr.Button(visible=False),
        }
        if batch is None:
            return idle
        file = new_download(file_name(batch))
        file.write_text(to_csv(batch), encoding="utf-8")
        return idle | {
            self.csv: gr.DownloadButton(value=str(file), visible=True),
            self.finding: finding_html(batch),
            self.table: batch_table(batch),
        }

    def stopped(self, payload: Sequence[dict[str, Any]] | None, batch: Batch | None) -> Values:
        """Replace the progress, and delete the files of a batch that still waited; ``end`` shows what was judged."""
        for each in payload or []:
            with suppress(PictureError):
                if upload := received(each):
                    upload.delete()
        return {self.status: "" if batch else sentence(STOPPED)}

    def _going_on(self, batch: Batch) -> Values:
        done, total, left = len(batch.rows), batch.total, batch.remaining_seconds
        remaining = f", {duration(left)} left" if left is not None else ""
        line = status_box("running", "running", f"{done:,} of {total:,}{remaining}.", done / total)
        # A full table no longer changes, so it is not sent again.
        table = {} if done > MAX_SHOWN + 100 else {self.table: batch_table(batch)}
        return {self.batch: batch, self.status: line, **table}


def finding_html(batch: Batch) -> str:
    """Return the result of a batch in sentences, with what it rests on."""
    first, *others = (html.escape(each) for each in findings(batch))
    more = "".join(f"<p>{each}</p>" for each in others)
    rest = "".join(sentence(each) for each in left_out(batch, was_stopped=True))
    return (
        f'<div class="headline"><p class="finding">{first}</p>{more}'
        f'<p class="basis">{html.escape(basis(batch))}</p></div>{rest}'
    )


def batch_table(batch: Batch) -> str:
    """Return the table's first rows, one per file in the given order."""
    # Of many classes, the most often predicted ones.
    often = Counter(row.predicted for row in batch.rows if row.scores)
    classes = in_order(sorted(batch.classes, key=lambda name: -often[name])[:MOST_CLASSES])
    has_labels = any(row.label for row in batch.rows)
    names = ["Picture", *(["Correct class"] if has_labels else []), "Said", "Confidence"]
    head = "".join(map(head_cell, names)) + "".join(head_cell(each, colour=colour_of(each)) for each in classes)
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
    # Worded like a single picture's verdict.
    leaning = "leans to " if row.is_unknown else ""
    mark = " ✓" if row.predicted == row.label else " ✗"
    said = f'<i style="background:{colour_of(row.predicted)}"></i>{leaning}{html.escape(row.predicted)}'
    said += " <span>trained on</span>" if row.label and row.is_known else mark if row.label else ""
    said += " <span>unfamiliar kind of picture</span>" if row.is_unknown else ""
    scores = "".join(f"<td>{exact_percent(row.scores[each])}</td>" for each in classes)
    return f"<tr>{name}{label}<td>{said}</td><td><b>{percent(row.confidence)}</b></td>{scores}</tr>"
