"""Whether the probabilities of a run mean what they say, as blocks. Computes nothing."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from emotion.analysis.blocks import Block, Cell, Figure, Line, LineChart, Row, Source, Table, Text
from emotion.analysis.calibration import (
    PER_BIN,
    Bin,
    Calibration,
    CalibrationError,
    Confidence,
    RunCalibration,
    calibrate,
)
from emotion.analysis.comparison import Comparison
from emotion.analysis.kept import load_comparison, run_of
from emotion.analysis.study import Judge, Study
from emotion.core.errors import EmotionError, RunError
from emotion.core.format import capital, exact_percent, listed, percent, span
from emotion.core.labels import colour_of_set
from emotion.core.progress import Progress
from emotion.runs.run import Run
from emotion.runs.validation import load_validation

VALIDATION, VALIDATION_COLOUR = "validation", "#6366F1"
GUO = Source("Guo et al. 2017", "https://arxiv.org/abs/1706.04599")
NIXON = Source("Nixon et al. 2019", "https://arxiv.org/abs/1904.01685")
OVADIA = Source("Ovadia et al. 2019", "https://arxiv.org/abs/1906.02530")
ECE = (
    "ECE, the expected calibration error: how far the confidence in the most likely class and the share right lie "
    f"apart, on average over bins of equally many pictures. About {PER_BIN} make a bin, since fewer say little of a "
    "share; in brackets the 95 % interval."
)
BIAS = (
    "On few pictures ECE comes out too large, and never 0. “If calibrated” is what a perfectly calibrated model of the "
    "same confidences shows with as many pictures: on average, and at most in 95 of 100 samples."
)
SHIFT = (
    "A calibration does not carry over a shift (Ovadia et al. 2019): the temperature was fitted on pictures of the "
    "kind that the run was trained on, and promises nothing for others."
)
FLATTERED = "The validation pictures chose the epoch and the temperature, so their row at T is a little too good."


def blocks(found: RunCalibration, comparison: Comparison) -> list[Block]:
    """Return the run's temperature and what it does to its validation pictures and to the compared sets."""
    parts = {VALIDATION: found.validation, **found.sets}
    lacking = [name for name, each in parts.items() if each.raw.error is None]
    low, high = found.interval
    shown: list[Block] = [
        Text(temperature_sentence(found), "finding"),
        Text(
            "A temperature softens or sharpens all probabilities without changing any answer. Fitted on "
            f"{found.validation.n} validation pictures; 95 % interval of T {low:.2f} to {high:.2f}."
        ),
        _table(found, parts),
    ]
    if lacking:
        emotions = listed(comparison.emotions())
        shown.append(
            Text(
                f"ECE is not given for {listed(lacking)}: of {emotions} alone, a model that always says so is always "
                "right, however sure it is. Compare all emotions to judge calibration.",
                "note",
            )
        )
    if any(each.raw.error for each in parts.values()):
        shown.append(_figure(found, parts))
    return [*shown, Text(_NOTE, "note", (GUO, NIXON, OVADIA))]


def temperature_sentence(found: RunCalibration) -> str:
    """Say what the fitted temperature means."""
    t, (low, high) = f"Temperature T = {found.temperature:.2f}", found.interval
    if not found.is_bounded:
        why = "it is right of nearly all of them" if found.temperature < 1 else "it is no better than a guess"
        return f"{t}, the end of the range: the validation pictures bound no temperature, since {why}."
    if low <= 1 <= high:
        return f"{t}: the raw probabilities are about as sure as they should be; T cannot be told from 1."
    if found.temperature > 1:
        return f"{t}: the raw probabilities are too sure."
    smoothed = f" Label smoothing of {found.label_smoothing:g} trains that." if found.label_smoothing else ""
    return f"{t}: the raw probabilities are too timid.{smoothed}"


_NOTE = f"{ECE} {BIAS} {FLATTERED} {SHIFT}"


def _table(found: RunCalibration, parts: dict[str, Calibration]) -> Table:
    rows = []
    for name, each in parts.items():
        for said, confidence in (("as said", each.raw), (f"at T = {found.temperature:.2f}", each.scaled)):
            rows.append(Row(f"{name}, {said}", _cells(each, confidence), colour=_colour(name)))
    head = ("Right", "Confidence in the top class", "Correct-class confidence", "Log loss", "ECE", "ECE if calibrated")
    return Table("Confidence and what is right", "Pictures", head, tuple(rows))


def _cells(each: Calibration, confidence: Confidence) -> tuple[Cell, ...]:
    return (
        Cell(f"{each.correct} of {each.n}", f"{percent(each.accuracy)}: {span(each.accuracy_interval)}"),
        Cell(exact_percent(confidence.top)),
        Cell(exact_percent(confidence.correct), span(confidence.correct_interval)),
        Cell(f"{confidence.log_loss:.2f}"),
        *_error(confidence.error),
    )


def _error(error: CalibrationError | None) -> tuple[Cell, Cell]:
    if error is None:
        return Cell("–"), Cell("–")
    return (
        Cell(percent(error.value), span(error.interval)),
        Cell(percent(error.if_calibrated), f"at most {percent(error.at_most_if_calibrated)}"),
    )


def _figure(found: RunCalibration, parts: dict[str, Calibration]) -> Figure:
    charts, rows = [], []
    for name, each in parts.items():
        lines = []
        for said, confidence in (("as said", each.raw), (f"T = {found.temperature:.2f}", each.scaled)):
            if confidence.error is None:
                continue
            bins = confidence.error.bins
            rows += [_bin(f"{name}, {said}", part, _colour(name)) for part in bins]
            is_raw = confidence is each.raw
            lines.append(
                Line(
                    said,
                    _colour(name),
                    tuple((part.confidence, part.accuracy) for part in bins),
                    () if is_raw else tuple(part.interval for part in bins),
                    is_dashed=is_raw,
                )
            )
        if lines:
            charts.append(
                LineChart(
                    alt=f"Reliability of {name}: share right over confidence; the numbers stand below.",
                    x_axis="Confidence in the top class",
                    y_axis=capital(name),
                    lines=tuple(lines),
                    is_share=True,
                    has_diagonal=True,
                )
            )
    return Figure(
        "Reliability: of pictures of like confidence, the share that is right. On the dotted line both are equal; bars "
        "are 95 % Wilson intervals, at the temperature.",
        tuple(charts),
        Table("Reliability by bin", "Pictures", ("Confidence", "Right", "Share right"), tuple(rows)),
    )


def _bin(name: str, part: Bin, colour: str) -> Row:
    right = Cell(percent(part.accuracy), span(part.interval))
    return Row(name, (Cell(percent(part.confidence)), Cell(f"{part.right} of {part.n}"), right), colour=colour)


def _colour(name: str) -> str:
    return VALIDATION_COLOUR if name == VALIDATION else colour_of_set(name)


def of_run(run: Run, comparison: Comparison) -> RunCalibration:
    """Return the calibration of a run, on its validation pictures and on a comparison's sets.

    Raises:
        RunError: the run left no validation scores, or they are of other classes.
    """
    validation = load_validation(run)
    if validation is not None and set(validation.classes) != set(comparison.classes):
        raise RunError("The run has other classes by now: compare again.")
    return calibrate(validation, comparison, label_smoothing=run.config().label_smoothing)


def ask(judge: Judge, comparison: Comparison) -> Generator[Progress, None, RunCalibration]:
    """Compute it.

    Raises:
        RunError: as ``of_run``.
    """
    yield Progress(0, 1, "fitting the temperature")
    return of_run(judge.run, comparison)


def _load(comparison: Path) -> RunCalibration | None:
    try:
        return of_run(run_of(comparison), load_comparison(comparison))
    except EmotionError:
        return None


# Computed in a moment from what is kept anyway.
STUDY = Study(
    "calibration", "Calibration", "Is it right as often as it is sure?", RunCalibration, ask, blocks, load=_load,
    save=lambda *_: None,
)  # fmt: skip
