"""A batch in sentences: what came out, what it rests on, what was left out. Knows nothing of pages."""

from __future__ import annotations

from emotion.core.format import count, percent, span
from emotion.core.labels import in_order
from emotion.core.prediction import LEVEL
from emotion.core.scored import SampleResult
from emotion.data.names import shown
from emotion.inference.batch.result import Batch


def findings(batch: Batch) -> list[str]:
    """Return what came out: how many are right, where that is known; else how often each class was said."""
    result = batch.result()
    return [_counted(batch)] if result is None else [_accuracy(result), _confidence(result)]


def basis(batch: Batch) -> str:
    """Return what the numbers rest on: pictures, chance, run, precision, and how fast it went."""
    chance = f"chance {percent(1 / len(batch.classes))}"
    pace = f"{len(batch.rows) / batch.seconds:.1f} files a second" if batch.seconds else ""
    parts = (count(len(batch.judged), "picture"), chance, f"run {batch.run}", batch.precision, pace)
    return f"{', '.join(part for part in parts if part)}."


def left_out(batch: Batch, *, was_stopped: bool = False) -> list[str]:
    """Return what was not judged or not counted, and why."""
    said = []
    if was_stopped and len(batch.rows) < batch.total:
        said.append(f"Stopped after {len(batch.rows):,} of {batch.total:,} files; what is judged is kept.")
    if problems := [row for row in batch.rows if row.reason]:
        first = problems[0]
        which = f"{shown(first.picture)}: {first.reason}"
        said.append(f"{count(len(problems), 'file')} not judged; the first is {which}")
    if known := sum(row.is_known for row in batch.judged):
        which = "picture was" if known == 1 else "pictures were"
        said.append(f"{known:,} {which} trained or validated on by this run: judged, but counted in no accuracy.")
    if unknown := sum(bool(row.is_unknown) for row in batch.judged):
        which = "picture is" if unknown == 1 else "pictures are"
        said.append(
            f"{unknown:,} {which} of an unfamiliar kind: less like the training pictures than {percent(LEVEL)} of the "
            "validation pictures are. Counted all the same."
        )
    return [*said, *batch.notes]


def _counted(batch: Batch) -> str:
    said = [(sum(row.predicted == each for row in batch.judged), each) for each in in_order(list(batch.classes))]
    parts = ", ".join(f"{number:,} {label}" for number, label in said if number)
    return f"{count(len(batch.judged), 'picture')} judged: {parts}." if parts else "No picture could be judged."


def _accuracy(result: SampleResult) -> str:
    right = f"{result.correct:,} of {result.n:,} right"
    return f"{right}: accuracy {percent(result.accuracy)} (95 % interval {span(result.accuracy_interval)} %)."


def _confidence(result: SampleResult) -> str:
    interval = span(result.correct_confidence_interval)
    narrow = " This interval is too narrow: the probabilities lie against 0 or 1." if result.is_piled_up else ""
    mean = percent(result.correct_confidence)
    return f"Mean correct-class confidence {mean} (95 % interval {interval} %).{narrow}"
