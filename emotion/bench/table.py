"""The table: which measurements there are, and how each one's outcome becomes figures."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from emotion.bench import accuracy, large, memory, page, predictions, scale, trainings, unknown
from emotion.bench.figure import Figure, NotMeasured, Reading, Row
from emotion.bench.machine import load, this_machine
from emotion.bench.report import Report, bound, reached
from emotion.bench.workplace import Workplace
from emotion.errors import EmotionError
from emotion.pictures.drawn import is_drawn

Measure = Callable[[Workplace], Mapping[str, Reading | str]]
DRAWN_NOTE = (
    "The photographs are absent: the drawn set of assets/faces stands in for them. The bounds were set for photographs."
)
PEER_NOTE = "The peer is absent: what is measured against it is left out."


@dataclass(frozen=True)
class Measurement:
    """Something that is measured in one go; it gives a reading, or a sentence that says why not, for each row."""

    name: str
    rows: tuple[Row, ...]
    measure: Measure


MEASUREMENTS: tuple[Measurement, ...] = (
    Measurement("first-run", (trainings.FIRST_RUN, trainings.FIRST_QUICK), trainings.measure_first_run),
    Measurement("peer-speed", (trainings.PEER_SPEED, trainings.PEER_SPEED_QUICK), trainings.measure_peer_speed),
    Measurement("peer-accuracy", (accuracy.PEER_ACCURACY,), accuracy.measure_peer_accuracy),
    Measurement("further-run", (trainings.FURTHER_RUN,), trainings.measure_further_run),
    Measurement("sweep", (trainings.SWEEP,), trainings.measure_sweep),
    Measurement(
        "last-blocks", (trainings.LAST_BLOCKS, trainings.LAST_BLOCKS_BF16), trainings.measure_last_blocks
    ),
    Measurement("prediction", (predictions.PREDICTION,), predictions.measure_prediction),
    Measurement("comparison", (predictions.COMPARISON,), predictions.measure_comparison),
    Measurement("page", (page.PAGE,), page.measure_page),
    Measurement("memory", (memory.MEMORY,), memory.measure_memory),
    Measurement("scale", (scale.SCALE_TIME, scale.SCALE_MEMORY), scale.measure_scale),
    Measurement("large", large.ROWS, large.measure_large),
    Measurement("unknown", unknown.ROWS, unknown.measure_unknown),
    Measurement(
        "accuracy",
        tuple(row for name in accuracy.PRESET_NAMES for row in accuracy.accuracy_rows(name)),
        accuracy.measure_accuracy,
    ),
)  # fmt: skip


def run_bench(workplace: Workplace, measurements: Sequence[Measurement] = MEASUREMENTS) -> Report:
    """Take the measurements one after the other; what cannot be measured is said, and the rest goes on."""
    began, machine = time.time(), this_machine()
    figures: list[Figure] = []
    for number, measurement in enumerate(measurements, start=1):
        workplace.say(f"{measurement.name} ({number} of {len(measurements)})")
        for figure in take(measurement, workplace):
            workplace.say(f"  {figure.row.name}: {sentence(figure)}")
            figures.append(figure)
    notes = [DRAWN_NOTE] if is_drawn(workplace.pictures) else []
    notes += [] if workplace.peer.is_file() else [PEER_NOTE]
    return Report(
        created=began,
        seconds=time.time() - began,
        is_full=workplace.is_full,
        machine=replace(machine, load_after=load()),
        notes=notes,
        figures=figures,
    )


def take(measurement: Measurement, workplace: Workplace) -> list[Figure]:
    """Return the figures of one measurement, each with its reading or the reason why it has none."""
    readings: Mapping[str, Reading | str] = {}
    reason = "it was left out."
    try:
        readings = measurement.measure(workplace)
    except (NotMeasured, EmotionError) as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001  # an hour of other figures must outlive any one of them
        traceback.print_exception(error)
        reason = f"it went wrong unexpectedly ({type(error).__name__}: {error})."
    figures = []
    for row in measurement.rows:
        found = readings.get(row.name, reason)
        if isinstance(found, Reading):
            figures.append(Figure(row=row, reading=found))
        else:
            figures.append(Figure(row=row, reason=found))
    return figures


def sentence(figure: Figure) -> str:
    """Return what became of a figure in a few words."""
    if figure.reading is None:
        return f"not measured, {figure.reason}"
    limit = bound(figure.row.bound, figure.row.unit)
    return f"{reached(figure)}, {limit}: {figure.verdict}" if limit else reached(figure)
