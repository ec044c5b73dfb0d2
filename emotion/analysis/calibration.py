"""Calibration: whether a run's confidence matches its accuracy, as predicted and after temperature scaling."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emotion.analysis.blocks import Block, Figure, Line, LineChart, Row, Source, Table, Text, right_of, row
from emotion.analysis.comparison import Comparison, load_comparison, run_of
from emotion.analysis.probabilities import (
    HIGHEST,
    LOWEST,
    PER_BIN,
    CalibrationError,
    Scores,
    calibration_error,
    fit_temperature,
)
from emotion.analysis.statistics import Estimate
from emotion.analysis.study import Judge, Study
from emotion.core.errors import EmotionError, RunError
from emotion.core.format import capital, exact_percent, listed, percent, span
from emotion.core.intervals import Interval, mean_interval, wilson_interval
from emotion.core.progress import Progress
from emotion.runs.run import Run
from emotion.runs.validation import load_validation

SEED = 0
VALIDATION, VALIDATION_COLOUR = "validation", "#6366F1"
GUO = Source("Guo et al. 2017", "https://arxiv.org/abs/1706.04599")
NIXON = Source("Nixon et al. 2019", "https://arxiv.org/abs/1904.01685")
OVADIA = Source("Ovadia et al. 2019", "https://arxiv.org/abs/1906.02530")
HEAD = ("Right", "Confidence in the top class", "Correct-class confidence", "Log loss", "ECE", "ECE if calibrated")
NOTE = (
    "ECE, the expected calibration error: how far the confidence in the most likely class and the share right lie "
    f"apart, on average over bins of about {PER_BIN} pictures; in brackets the 95 % interval. On few pictures it is "
    "never 0: “if calibrated” is what a perfectly calibrated model shows with as many, on average and at most in 95 of "
    "100 samples. The validation pictures chose the temperature, so their row at T is a little too good. A calibration "
    "does not carry over a shift (Ovadia et al. 2019): it promises nothing for pictures of another kind."
)
RELIABILITY = (
    "Reliability: of pictures of like confidence, the share that is right. On the dotted line both are equal; bars are "
    "95 % Wilson intervals, at the temperature."
)


@dataclass(frozen=True)
class Confidence:
    """A model's confidence in ``n`` pictures, of which ``correct`` are right, and its calibration.

    ``top`` is the mean probability of the most likely class, ``of_truth`` that of the correct class with its Student-t
    interval, ``log_loss`` in nats. ``error`` is None unless the pictures show every class: otherwise the choice of the
    pictures would decide whether a predicted class is right.
    """

    n: int
    correct: int
    top: float
    of_truth: float
    of_truth_interval: Interval
    log_loss: float
    error: CalibrationError | None

    @classmethod
    def of(cls, said: Scores) -> Confidence:
        """Return the confidence in some pictures."""
        has_every_class = len(np.unique(said.truth)) == said.probabilities.shape[1]
        return cls(
            n=len(said.truth),
            correct=said.correct,
            top=float(said.probabilities.max(1).mean()),
            of_truth=float(said.of_truth.mean()),
            of_truth_interval=mean_interval(said.of_truth.tolist()),
            log_loss=said.log_loss,
            error=calibration_error(said, seed=SEED) if has_every_class else None,
        )


@dataclass(frozen=True)
class RunCalibration:
    """A run's temperature, and the training's label smoothing.

    ``sets`` has the confidence in the validation pictures and in each compared set, raw and at the temperature.
    """

    temperature: Estimate
    sets: dict[str, tuple[Confidence, Confidence]]
    label_smoothing: float


def calibrate(run: Run, comparison: Comparison) -> RunCalibration:
    """Fit a run's temperature on its validation pictures; return its effect on them and on the compared sets.

    Raises RunError if the run has no validation scores, or they are of other classes.
    """
    validation = load_validation(run)
    if validation is None or not validation.pictures:
        raise RunError("This run kept no scores of its validation pictures: train it again to check its calibration.")
    if set(validation.classes) != set(comparison.classes):
        raise RunError("The run has other classes by now: compare again.")
    pictures = {VALIDATION: validation.pictures}
    pictures |= {name: comparison.pooled(name).pictures for name in comparison.sets}
    said = {name: Scores.of(rows, classes=validation.classes) for name, rows in pictures.items()}
    temperature = fit_temperature(said[VALIDATION])
    sets = {name: (Confidence.of(each), Confidence.of(each.at(temperature.value))) for name, each in said.items()}
    return RunCalibration(temperature, sets, run.config().label_smoothing)


def ask(judge: Judge, comparison: Comparison) -> Generator[Progress, None, RunCalibration]:
    """Compute the calibration; RunError as ``calibrate``."""
    yield Progress(0, 1, "fitting the temperature")
    return calibrate(judge.run, comparison)


def blocks(found: RunCalibration, comparison: Comparison) -> list[Block]:
    """Return the temperature and its effect on the validation pictures and the compared sets."""
    t, rows, charts, bins = found.temperature, [], [], []
    for name, (raw, scaled) in found.sets.items():
        colour = VALIDATION_COLOUR if name == VALIDATION else comparison.colour(name)
        lines = []
        for what, each in (("as said", raw), (f"at T = {t.value:.2f}", scaled)):
            rows.append(_row(f"{name}, {what}", each, colour))
            if each.error is None:
                continue
            points, intervals = [], []
            for part in each.error.bins:
                points.append((part.confidence, part.right / part.n))
                intervals.append(wilson_interval(part.right, part.n))
                cells = percent(part.confidence), right_of(part.right, part.n)
                bins.append(row(f"{name}, {what}", *cells, colour=colour))
            lines.append(Line(what, colour, points, intervals if each is scaled else [], is_dashed=each is raw))
        if lines:
            alt = f"Reliability of {name}: share right over confidence; the numbers stand below."
            across = "Confidence in the top class"
            charts.append(LineChart(alt, across, capital(name), lines, is_share=True, has_diagonal=True))
    shown: list[Block] = [
        Text(_sentence(found), "finding"),
        Text(
            "A temperature softens or sharpens all probabilities without changing any answer. Fitted on "
            f"{found.sets[VALIDATION][0].n} validation pictures; 95 % interval of T {t.low:.2f} to {t.high:.2f}."
        ),
        Table("Confidence and what is right", "Pictures", HEAD, rows),
    ]
    lacking = [name for name, (raw, _) in found.sets.items() if raw.error is None]
    if lacking:
        why = (
            f"ECE is not given for {listed(lacking)}: of {listed(comparison.emotions())} alone, a model that always "
            "says so is always right, however sure it is. Compare all emotions to judge calibration."
        )
        shown.append(Text(why, "note"))
    if charts:
        table = Table("Reliability by bin", "Pictures", ("Confidence", "Right"), bins)
        shown.append(Figure(RELIABILITY, charts, table))
    return [*shown, Text(NOTE, "note", (GUO, NIXON, OVADIA))]


def _row(title: str, each: Confidence, colour: str) -> Row:
    error = each.error
    return row(
        title,
        right_of(each.correct, each.n),
        exact_percent(each.top),
        (exact_percent(each.of_truth), span(each.of_truth_interval)),
        f"{each.log_loss:.2f}",
        (percent(error.value), span(error.interval)) if error else "–",
        (percent(error.if_calibrated), f"at most {percent(error.at_most_if_calibrated)}") if error else "–",
        colour=colour,
    )


def _sentence(found: RunCalibration) -> str:
    """Return what the fitted temperature means."""
    t, said = found.temperature, f"Temperature T = {found.temperature.value:.2f}"
    if not LOWEST * 1.01 < t.value < HIGHEST / 1.01:
        why = "it is right of nearly all of them" if t.value < 1 else "it is no better than a guess"
        return f"{said}, the end of the range: the validation pictures bound no temperature, since {why}."
    if t.low <= 1 <= t.high:
        return f"{said}: the raw probabilities are about as sure as they should be; T cannot be told from 1."
    if t.value > 1:
        return f"{said}: the raw probabilities are too sure."
    smoothed = f" Label smoothing of {found.label_smoothing:g} trains that." if found.label_smoothing else ""
    return f"{said}: the raw probabilities are too timid.{smoothed}"


def _load(comparison: Path) -> RunCalibration | None:
    try:
        return calibrate(run_of(comparison), load_comparison(comparison))
    except EmotionError:
        return None


# Computed quickly from saved scores, so never saved itself.
STUDY = Study(
    "calibration", "Calibration", "Is it right as often as it is sure?", RunCalibration, ask, blocks, load=_load,
    save=lambda *_: None,
)  # fmt: skip
