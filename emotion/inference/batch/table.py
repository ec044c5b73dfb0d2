"""What a run said of many pictures as a CSV that is safe to open. Judges nothing."""

from __future__ import annotations

import csv
import io
import time

from emotion.core.format import harmless
from emotion.inference.batch.result import Batch, Row


def to_csv(batch: Batch) -> str:
    """Return one line a file, with run, precision and time in each, so that no line stands without them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["picture", "label", "predicted", "confidence", "correct"]
    rest = ["trained_on", "unknown", "problem", "run", "precision", "judged_at"]
    writer.writerow([*head, *(f"p_{label}" for label in batch.classes), *rest])
    judged_at = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(batch.created))
    for row in batch.rows:
        cells = [*_cells(row, batch.classes), batch.run, batch.precision, judged_at]
        writer.writerow([harmless(cell) for cell in cells])
    return text.getvalue()


def file_name(batch: Batch) -> str:
    """Return what the CSV is called: the run and when it judged, in local time."""
    return f"{batch.run}-pictures-{time.strftime('%Y%m%d-%H%M%S', time.localtime(batch.created))}.csv"


def _cells(row: Row, classes: tuple[str, ...]) -> list[str | float]:
    if not row.scores:
        return [row.picture, row.label, "", "", "", *[""] * len(classes), "", "", row.reason]
    correct = str(row.predicted == row.label) if row.label else ""
    unknown = "" if row.is_unknown is None else str(row.is_unknown)
    said: list[str | float] = [row.scores[label] for label in classes]
    return [row.picture, row.label, row.predicted, row.confidence, correct, *said, str(row.is_known), unknown, ""]
