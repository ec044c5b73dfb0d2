"""Many pictures at once: dropped together or as a zip, judged into a growing table, with a CSV for download."""

import base64
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from typing import Any

import gradio as gr

from emotion.analysis.blocks import Block, Cell, Table, Text, Tone
from emotion.analysis.blocks import Row as TableRow
from emotion.core.errors import PictureError
from emotion.core.format import count, duration, exact_percent, percent
from emotion.core.labels import in_order
from emotion.data.names import shown
from emotion.inference.batch import Batch, Row, basis, file_name, findings, left_out, to_csv
from emotion.inference.judging import JudgeMany, gathered
from emotion.runs.validation import MOST_CLASSES
from emotion.server.services import Services
from emotion.ui.events import Steps, Stoppable, Values, on, widgets
from emotion.ui.html import put, sentence, slot, status_box
from emotion.ui.picture_sets import import_limits
from emotion.ui.rendering import rendered
from emotion.ui.run_board import RunBoard
from emotion.ui.uploads import Upload, new_download, received

NOTHING = "Nothing is given yet: drop pictures, or a zip of them."
NOTE = (
    "Put them in class folders (happy/1.jpg, sad/2.jpg …) to see how many are right. The files are deleted once judged."
)
STOPPED = "Stopped: nothing more is judged."
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
                    label="Pictures, or a zip of them", file_count="multiple", height=150,
                    file_types=["image", ".heic", ".heif", ".zip"],
                )  # fmt: skip
                put(sentence(NOTE))
            with gr.Column(scale=3, min_width=320):
                with gr.Row(elem_classes="actions"):
                    self.go = gr.Button("Judge them all", variant="primary", elem_id="batch", min_width=140)
                    self.stop = gr.Button("Stop", variant="stop", visible=False, min_width=90)
                    self.csv = gr.DownloadButton("Download CSV", visible=False, min_width=140)
                self.status = slot("batch-status")
        self.result = slot("batch-result")
        # The pictures judged so far.
        self.batch = gr.State(None)
        view = widgets(self)
        on(self.go.click, self.clear, None, view)
        [judging] = Stoppable([self.go], self.stop, self.status, STOPPED).connect(
            [self.judge], [run, self.files], view, preprocess=False, concurrency_limit=1, concurrency_id="batch"
        )
        on(self.stop.click, self.delete, self.files, self.status, preprocess=False)
        on(judging.then, self.end, self.batch, view)

    def clear(self) -> Values:
        """Remove the last batch's result."""
        return {self.batch: None, self.result: "", self.csv: gr.DownloadButton(visible=False)}

    def judge(self, name: str | None, payload: Sequence[dict[str, Any]] | None) -> Steps:
        """Judge the uploaded pictures and delete them; yield the results so far, once a second and at the end."""
        uploads, due = list(_uploads(payload)), 0.0
        try:
            if not uploads:
                raise PictureError(NOTHING)
            given = [(each.path, each.name) for each in uploads]
            job = JudgeMany(self.board.choose(name), given, limits=import_limits(), thumbnails=MAX_SHOWN)
            yield {self.status: status_box("running", "running", "Loading the run's model.", None)}
            with closing(self.services.do(job)) as steps:
                for step in gathered(steps):
                    if not isinstance(step, Batch) or not step.rows:
                        continue
                    if time.monotonic() >= due or len(step.rows) == step.total:
                        yield self._going_on(step)
                        due = time.monotonic() + PACE_SECONDS
        finally:
            for upload in uploads:
                upload.delete()

    def delete(self, payload: Sequence[dict[str, Any]] | None) -> Values:
        """Delete the files of a batch that is stopped, perhaps while it waits."""
        with suppress(PictureError):
            for upload in _uploads(payload):
                upload.delete()
        return {}

    def end(self, batch: Batch | None) -> Values:
        """Show what was judged, however the batch ended."""
        if batch is None:
            return {self.files: None}
        file = new_download(file_name(batch))
        file.write_text(to_csv(batch), encoding="utf-8")
        first, *others = findings(batch)
        blocks: list[Block] = [Text(first, "finding"), *map(Text, others), Text(basis(batch), "note")]
        blocks += [Text(each, "note") for each in left_out(batch, was_stopped=True)]
        return {
            self.files: None,
            self.csv: gr.DownloadButton(value=str(file), visible=True),
            self.result: rendered([*blocks, batch_table(batch)], name="batch"),
        }

    def _going_on(self, batch: Batch) -> Values:
        done, total, left = len(batch.rows), batch.total, batch.remaining_seconds
        remaining = f", {duration(left)} left" if left is not None else ""
        line = status_box("running", "running", f"{done:,} of {total:,}{remaining}.", done / total)
        # A full table no longer changes, so it is not sent again.
        table = {} if done > MAX_SHOWN + 100 else {self.result: rendered([batch_table(batch)], name="batch")}
        return {self.batch: batch, self.status: line, **table}


def batch_table(batch: Batch) -> Table:
    """Return the table's first rows, one per file in the given order."""
    # Of many classes, the most often predicted ones.
    often = Counter(row.predicted for row in batch.rows if row.scores)
    classes = in_order(sorted(batch.classes, key=lambda name: -often[name])[:MOST_CLASSES])
    has_labels = any(row.label for row in batch.rows)
    head = [*(["Correct class"] if has_labels else []), "Said", "Confidence", *classes]
    rows = [_row(row, classes, has_labels=has_labels) for row in batch.rows[:MAX_SHOWN]]
    hidden = len(batch.rows) - MAX_SHOWN
    more = f"{count(hidden, 'more row')} in the CSV." if hidden > 0 else ""
    return Table("What the run said of each picture", "Picture", head, rows, note=more, is_text=True)


def _row(row: Row, classes: list[str], *, has_labels: bool) -> TableRow:
    cells = [Cell(row.label or "–")] if has_labels else []
    if row.scores is None:
        cells += [Cell(row.reason, share=0.3, tone="wrong"), *[Cell("–")] * (len(classes) + 1)]
    else:
        # Worded like a single picture's verdict.
        is_right, said = row.predicted == row.label, f"{'leans to ' if row.is_unknown else ''}{row.predicted}"
        details = ["trained on"] if row.label and row.is_known else []
        details += ["unfamiliar kind of picture"] if row.is_unknown else []
        if row.label and not row.is_known:
            said += " ✓" if is_right else " ✗"
        tone: Tone = "plain" if not row.label else "right" if is_right else "wrong"
        cells += [Cell(said, ", ".join(details), share=row.confidence, tone=tone), Cell(percent(row.confidence))]
        cells += [Cell(exact_percent(row.scores[each])) for each in classes]
    small = base64.b64encode(row.thumbnail).decode("ascii")
    return TableRow(shown(row.picture), tuple(cells), picture=f"data:image/webp;base64,{small}" if small else "")


def _uploads(payload: Sequence[dict[str, Any]] | None) -> Iterator[Upload]:
    return (upload for each in payload or [] if (upload := received(each)) is not None)
