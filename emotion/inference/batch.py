"""A run's predictions for many pictures: as values, in sentences, and as a CSV that is safe to open."""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from dataclasses import dataclass, field

from emotion.core.format import count, harmless, percent, span
from emotion.core.labels import in_order
from emotion.core.prediction import LEVEL
from emotion.core.scored import SampleResult, ScoredPicture, summarise
from emotion.data.names import shown


@dataclass(frozen=True)
class Row:
    """A picture by its name: the probability of every class (0 to 1, sums to 1), or the reason why there is none.

    ``label`` is the class given by its folder, or empty. ``is_known`` means that the run was trained or validated on
    this very picture, ``is_unknown`` that it is unlike all of those; None where the run cannot tell. ``thumbnail`` is
    a small copy as WebP, or empty.
    """

    picture: str
    label: str = ""
    scores: dict[str, float] | None = None
    reason: str = ""
    is_known: bool = False
    is_unknown: bool | None = None
    thumbnail: bytes = field(default=b"", repr=False)

    @property
    def predicted(self) -> str:
        """The class with the highest probability; empty without a prediction."""
        return max(self.scores, key=self.scores.__getitem__) if self.scores else ""

    @property
    def confidence(self) -> float:
        """The probability of that class; 0 without a prediction."""
        return self.scores[self.predicted] if self.scores else 0.0


@dataclass(frozen=True)
class Batch:
    """The predictions so far for ``total`` files, in their order.

    ``seconds`` is the time since the first picture was opened; ``created`` is a Unix time.
    """

    run: str
    classes: tuple[str, ...]
    precision: str
    total: int
    created: float
    notes: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    seconds: float = 0.0

    @property
    def judged(self) -> tuple[Row, ...]:
        """The rows with probabilities."""
        return tuple(row for row in self.rows if row.scores)

    @property
    def remaining_seconds(self) -> float | None:
        """The estimated time for the rest in seconds; None before the first row."""
        return self.seconds / len(self.rows) * (self.total - len(self.rows)) if self.rows else None

    def result(self) -> SampleResult | None:
        """Return the result on the labelled pictures that are new to the run; None without any."""
        new = [
            ScoredPicture(row.picture, "", row.label, row.scores)
            for row in self.rows
            if row.scores and row.label and not row.is_known
        ]
        return summarise(new, classes=self.classes) if new else None


def findings(batch: Batch) -> list[str]:
    """Return how many predictions are right, where labels are given; else how often each class was predicted."""
    result = batch.result()
    if result is None:
        said = Counter(row.predicted for row in batch.judged)
        parts = ", ".join(f"{said[label]:,} {label}" for label in in_order(list(batch.classes)) if said[label])
        return [f"{count(len(batch.judged), 'picture')} judged: {parts}." if parts else "No picture could be judged."]
    narrow = " This interval is too narrow: the probabilities lie against 0 or 1." if result.is_piled_up else ""
    return [
        f"{result.correct:,} of {result.n:,} right: accuracy {percent(result.accuracy)} "
        f"(95 % interval {span(result.accuracy_interval)} %).",
        f"Mean correct-class confidence {percent(result.correct_confidence)} "
        f"(95 % interval {span(result.correct_confidence_interval)} %).{narrow}",
    ]


def basis(batch: Batch) -> str:
    """Return the basis of the numbers: pictures, chance level, run, precision and speed."""
    chance = f"chance {percent(1 / len(batch.classes))}"
    pace = f"{len(batch.rows) / batch.seconds:.1f} files a second" if batch.seconds else ""
    parts = [count(len(batch.judged), "picture"), chance, f"run {batch.run}", batch.precision, pace]
    return f"{', '.join(filter(None, parts))}."


def left_out(batch: Batch, *, was_stopped: bool = False) -> list[str]:
    """Return which files were not predicted or not counted, and why."""
    said = []
    if was_stopped and len(batch.rows) < batch.total:
        said.append(f"Stopped after {len(batch.rows):,} of {batch.total:,} files; what is judged is kept.")
    if problems := [row for row in batch.rows if row.reason]:
        first = f"{shown(problems[0].picture)}: {problems[0].reason}"
        said.append(f"{count(len(problems), 'file')} not judged; the first is {first}")
    if known := sum(row.is_known for row in batch.judged):
        said.append(f"{count(known, 'picture')} of this run's own training: judged, but counted in no accuracy.")
    if unknown := sum(bool(row.is_unknown) for row in batch.judged):
        said.append(
            f"{count(unknown, 'picture')} of an unfamiliar kind: less like the training pictures than {percent(LEVEL)} "
            "of the validation pictures are. Counted all the same."
        )
    return [*said, *batch.notes]


def to_csv(batch: Batch) -> str:
    """Return one line per file, each with run, precision and time, so that any line can stand alone."""
    judged_at = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(batch.created))
    names = ["picture", "label", "predicted", "confidence", "correct", *(f"p_{label}" for label in batch.classes)]
    names += ["trained_on", "unknown", "problem", "run", "precision", "judged_at"]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    for row in batch.rows:
        cells: dict[str, str | float] = {"picture": row.picture, "label": row.label, "problem": row.reason}
        cells |= {"run": batch.run, "precision": batch.precision, "judged_at": judged_at}
        if row.scores:
            cells |= {f"p_{label}": row.scores[label] for label in batch.classes}
            cells |= {"predicted": row.predicted, "confidence": row.confidence, "trained_on": row.is_known}
            cells["correct"] = row.predicted == row.label if row.label else ""
            cells["unknown"] = "" if row.is_unknown is None else row.is_unknown
        writer.writerow({name: harmless(cell) for name, cell in cells.items()})
    return text.getvalue()


def file_name(batch: Batch) -> str:
    """Return the name of the CSV: the run and the time of prediction, in local time."""
    return f"{batch.run}-pictures-{time.strftime('%Y%m%d-%H%M%S', time.localtime(batch.created))}.csv"
