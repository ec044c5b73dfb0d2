"""What a run said of many pictures as a CSV that is safe to open. Judges nothing."""

from __future__ import annotations

import csv
import io
import time

from emotion.batch.result import Batch, Row

# A spreadsheet takes a cell that begins with one of these for a formula, and a file's name may be one
# (https://owasp.org/www-community/attacks/CSV_Injection); the last four are their full-width forms.
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def to_csv(batch: Batch) -> str:
    """Return one line a file, with run, precision and time in each, so that no line stands without them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["picture", "label", "predicted", "confidence", "correct"]
    rest = ["trained_on", "problem", "run", "precision", "judged_at"]
    writer.writerow([*head, *(f"p_{label}" for label in batch.classes), *rest])
    judged_at = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(batch.created))
    for row in batch.rows:
        cells = [*_cells(row, batch.classes), batch.run, batch.precision, judged_at]
        writer.writerow([_harmless(cell) for cell in cells])
    return text.getvalue()


def file_name(batch: Batch) -> str:
    """Return what the CSV is called: the run and when it judged, in local time."""
    return f"{batch.run}-pictures-{time.strftime('%Y%m%d-%H%M%S', time.localtime(batch.created))}.csv"


def _cells(row: Row, classes: tuple[str, ...]) -> list[str | float]:
    if not row.scores:
        return [row.picture, row.label, "", "", "", *[""] * len(classes), "", row.reason]
    correct = str(row.predicted == row.label) if row.label else ""
    said: list[str | float] = [row.scores[label] for label in classes]
    return [row.picture, row.label, row.predicted, row.confidence, correct, *said, str(row.is_known), ""]


def _harmless(cell: str | float) -> str | float:
    """Return a cell that every spreadsheet shows as it stands: before a would-be formula stands an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_BEGINS_FORMULA) else cell
