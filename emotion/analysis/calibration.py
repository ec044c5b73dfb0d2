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
from emotion.core.intervals import mean_interval, wilson_interval
from emotion.core.progress import Progress
from emotion.runs.run import Run
from emotion.runs.validation import load_validation

SEED = 0
VALIDATION, VALIDATION_COLOUR = "validation", "#6366F1"
GUO: Source = ("Guo et al. 2017", "https://arxiv.org/abs/1706.04599")
NIXON: Source = ("Nixon et al. 2019", "https://arxiv.org/abs/1904.01685")
OVADIA: Source = ("Ovadia et al. 2019", "https://arxiv.org/abs/1906.02530")
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
class RunCalibration:
    """A run's temperature, its training's label smoothing, and the scores of its validation pictures and of each set.

    Computed quickly from saved scores, so never saved itself.
    """

    temperature: Estimate
    label_smoothing: float
    sets: dict[str, Scores]


def calibrate(run: Run, comparison: Comparison) -> RunCalibration:
    """Fit a run's temperature on its validation pictures.

    Raises RunError if the run has no validation scores, or they are of other classes.
    """
    validation = load_validation(run)
    if validation is None or not validation.pictures:
        raise RunError("This run kept no scores of its validation pictures: train it again to check its calibration.")
    if set(validation.classes) != set(comparison.classes):
        raise RunError("The run has other classes by now: compare again.")
    pictures = {VALIDATION: validation.pictures} | {name: comparison.pooled(name).pictures for name in comparison.sets}
    sets = {name: Scores.of(rows, classes=validation.classes) for name, rows in pictures.items()}
    return RunCalibration(fit_temperature(sets[VALIDATION]), run.config().label_smoothing, sets)


def ask(judge: Judge, comparison: Comparison) -> Generator[Progress, None, RunCalibration]:
    """Compute the calibration; RunError as ``calibrate``."""
    yield Progress(0, 1, "fitting the temperature")
    return calibrate(judge.run, comparison)


def blocks(found: RunCalibration, comparison: Comparison) -> list[Block]:
    """Return the temperature and its effect on the validation pictures and the compared sets.

    There is no calibration error of a set that lacks a class: the choice of the pictures would decide it.
    """
    t, rows, charts, bins, lacking = found.temperature, [], [], [], []
    for name, as_said in found.sets.items():
        colour = VALIDATION_COLOUR if name == VALIDATION else comparison.colour(name)
        has_every_class = len(np.unique(as_said.truth)) == as_said.probabilities.shape[1]
        lines = []
        for what, said in (("as said", as_said), (f"at T = {t.value:.2f}", as_said.at(t.value))):
            error = calibration_error(said, seed=SEED) if has_every_class else None
            rows.append(_row(f"{name}, {what}", said, error, colour))
            if error:
                points = [(each.confidence, each.right / each.n) for each in error.bins]
                bars = [wilson_interval(each.right, each.n) for each in error.bins] if said is not as_said else []
                lines.append(Line(what, colour, points, bars, is_dashed=said is as_said))
                bins += [
                    row(f"{name}, {what}", percent(each.confidence), right_of(each.right, each.n), colour=colour)
                    for each in error.bins
                ]
        if lines:
            alt = f"Reliability of {name}: share right over confidence; the numbers stand below."
            across = "Confidence in the top class"
            charts.append(LineChart(alt, across, capital(name), lines, is_share=True, has_diagonal=True))
        else:
            lacking.append(name)
    shown: list[Block] = [
        Text(_sentence(found), "finding"),
        Text(
            "A temperature softens or sharpens all probabilities without changing any answer. Fitted on "
            f"{len(found.sets[VALIDATION].truth)} validation pictures; 95 % interval of T {t.low:.2f} to {t.high:.2f}."
        ),
        Table("Confidence and what is right", "Pictures", HEAD, rows),
    ]
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


def _row(title: str, said: Scores, error: CalibrationError | None, colour: str) -> Row:
    return row(
        title,
        right_of(said.correct, len(said.truth)),
        exact_percent(said.top.mean()),
        (exact_percent(said.of_truth.mean()), span(mean_interval(said.of_truth.tolist()))),
        f"{said.log_loss:.2f}",
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


STUDY = Study(
    "calibration", "Calibration", "Is it right as often as it is sure?", RunCalibration, ask, blocks, load=_load,
    save=lambda *_: None,
)  # fmt: skip
