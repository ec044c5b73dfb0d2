"""A batch as the page shows it: how far it is, what came out, and the table. Judges nothing."""

from __future__ import annotations

import html
from collections import Counter

from emotion.core.format import count, duration, exact_percent, percent
from emotion.core.labels import colour_of, in_order
from emotion.data.names import shown
from emotion.inference.batch.findings import basis, findings, left_out
from emotion.inference.batch.result import Batch, Row
from emotion.runs.validation import MOST_CLASSES
from emotion.ui.status import sentence, status_box
from emotion.ui.tables import column_head, scrolled

# A table of a hundred kilobytes. All rows are in the CSV.
MAX_SHOWN = 200


def going_on(batch: Batch) -> str:
    """Return the line that says how far a batch is and how long the rest takes."""
    done, total, left = len(batch.rows), batch.total, batch.remaining_seconds
    remaining = f", {duration(left)} left" if left is not None else ""
    return status_box("running", "running", f"{done:,} of {total:,}{remaining}.", done / total)


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
    head = "".join(column_head(name) for name in names) + "".join(
        column_head(each, colour_of(each)) for each in classes
    )
    rows = "".join(_row(row, classes, has_labels=has_labels) for row in batch.rows[:MAX_SHOWN])
    hidden = len(batch.rows) - MAX_SHOWN
    more = f'<p class="note">{count(hidden, "more row")} in the CSV.</p>' if hidden > 0 else ""
    table = f'<table class="measures batch"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f"{scrolled(table, label='What the run said of each picture')}{more}"


def _row(row: Row, classes: list[str], *, has_labels: bool) -> str:
    name = f'<th scope="row" title="{html.escape(shown(row.picture))}">{html.escape(shown(row.picture))}</th>'
    label = f"<td>{html.escape(row.label or '–')}</td>" if has_labels else ""
    if not row.scores:
        return f'<tr>{name}{label}<td colspan="{len(classes) + 2}" class="reason">{html.escape(row.reason)}</td></tr>'
    said = f'<i style="background:{colour_of(row.predicted)}"></i>{html.escape(row.predicted)}'
    scores = "".join(f"<td>{exact_percent(row.scores[each])}</td>" for each in classes)
    said += _mark(row) + _unknown(row)
    return f"<tr>{name}{label}<td>{said}</td><td><b>{percent(row.confidence)}</b></td>{scores}</tr>"


def _mark(row: Row) -> str:
    if not row.label:
        return ""
    if row.is_known:
        return " <span>trained on</span>"
    return " ✓" if row.predicted == row.label else " ✗"


def _unknown(row: Row) -> str:
    return " <span>unfamiliar</span>" if row.is_unknown else ""
