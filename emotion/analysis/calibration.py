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
    Judged,
    calibration_error,
    fit_temperature,
    temperature_interval,
)
from emotion.analysis.study import Judge, Study
from emotion.core.errors import EmotionError, RunError
from emotion.core.format import capital, exact_percent, listed, percent, span
from emotion.core.intervals import Interval, mean_interval
from emotion.core.progress import Progress
from emotion.runs.run import Run
from emotion.runs.validation import load_validation

SEED = 0
VALIDATION, VALIDATION_COLOUR = "validation", "#6366F1"
GUO = Source("Guo et al. 2017", "https://arxiv.org/abs/1706.04599")
NIXON = Source("Nixon et al. 2019", "https://arxiv.org/abs/1904.01685")
OVADIA = Source("Ovadia et al. 2019", "https://arxiv.org/abs/1906.02530")
NOTE = (
    "ECE, the expected calibration error: how far the confidence in the most likely class and the share right lie "
    f"apart, on average over bins of equally many pictures. About {PER_BIN} make a bin, since fewer say little of a "
    "share; in brackets the 95 % interval. On few pictures ECE comes out too large, and never 0. “If calibrated” is "
    "what a perfectly calibrated model of the same confidences shows with as many pictures: on average, and at most in "
    "95 of 100 samples. The validation pictures chose the epoch and the temperature, so their row at T is a little too "
    "good. "
    "A calibration does not carry over a shift (Ovadia et al. 2019): the temperature was fitted on pictures of the "
    "kind that the run was trained on, and promises nothing for others."
)


@dataclass(frozen=True)
class Confidence:
    """A model's confidence in some pictures, and its calibration.

    ``top`` is the mean probability of the most likely class, ``correct`` that of the correct class with its Student-t
    interval, ``log_loss`` in nats. ``error`` is None unless the pictures show every class: otherwise the choice of the
    pictures would decide whether a predicted class is right.
    """

    top: float
    correct: float
    correct_interval: Interval
    log_loss: float
    error: CalibrationError | None

    @classmethod
    def of(cls, said: Judged, *, seed: int = SEED) -> Confidence:
        """Return the confidence in some pictures."""
        has_every_class = len(np.unique(said.truth)) == said.probabilities.shape[1]
        return cls(
            top=float(said.probabilities.max(1).mean()),
            correct=float(said.of_truth.mean()),
            correct_interval=mean_interval(said.of_truth.tolist()),
            log_loss=said.log_loss,
            error=calibration_error(said, seed=seed) if has_every_class else None,
        )


@dataclass(frozen=True)
class SetCalibration:
    """A set's calibration: its number correct, which scaling keeps, and confidence before and after scaling."""

    n: int
    correct: int
    raw: Confidence
    scaled: Confidence


@dataclass(frozen=True)
class RunCalibration:
    """A run's temperature with its 95 % interval, and its effect on the validation pictures and the compared sets.

    ``label_smoothing`` is the training's setting.
    """

    temperature: float
    interval: Interval
    sets: dict[str, SetCalibration]
    label_smoothing: float = 0.0

    @property
    def is_bounded(self) -> bool:
        """Whether the validation pictures bound the temperature; they do not if all of them are right."""
        return LOWEST * 1.01 < self.temperature < HIGHEST / 1.01


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
    said = {name: Judged.of(rows, classes=validation.classes) for name, rows in pictures.items()}
    temperature = fit_temperature(said[VALIDATION])
    sets = {
        name: SetCalibration(
            len(each.truth), int(each.is_right.sum()), Confidence.of(each), Confidence.of(each.at(temperature))
        )
        for name, each in said.items()
    }
    interval = temperature_interval(said[VALIDATION], temperature)
    return RunCalibration(temperature, interval, sets, run.config().label_smoothing)


def ask(judge: Judge, comparison: Comparison) -> Generator[Progress, None, RunCalibration]:
    """Compute the calibration; RunError as ``calibrate``."""
    yield Progress(0, 1, "fitting the temperature")
    return calibrate(judge.run, comparison)


def blocks(found: RunCalibration, comparison: Comparison) -> list[Block]:
    """Return the temperature and its effect on the validation pictures and the compared sets."""
    low, high = found.interval
    rows, charts, bins = [], [], []
    for name, each in found.sets.items():
        colour = VALIDATION_COLOUR if name == VALIDATION else comparison.colour(name)
        lines = []
        for said, confidence in (("as said", each.raw), (f"at T = {found.temperature:.2f}", each.scaled)):
            rows.append(_row(f"{name}, {said}", each, confidence, colour))
            parts = confidence.error.bins if confidence.error else []
            if parts:
                points, is_raw = [(part.confidence, part.accuracy) for part in parts], confidence is each.raw
                intervals = [] if is_raw else [part.interval for part in parts]
                lines.append(Line(said, colour, points, intervals, is_dashed=is_raw))
            for part in parts:
                share = percent(part.accuracy), span(part.interval)
                cells = percent(part.confidence), f"{part.right} of {part.n}", share
                bins.append(row(f"{name}, {said}", *cells, colour=colour))
        if lines:
            alt = f"Reliability of {name}: share right over confidence; the numbers stand below."
            across = "Confidence in the top class"
            charts.append(LineChart(alt, across, capital(name), lines, is_share=True, has_diagonal=True))
    head = ("Right", "Confidence in the top class", "Correct-class confidence", "Log loss", "ECE", "ECE if calibrated")
    shown: list[Block] = [
        Text(_sentence(found), "finding"),
        Text(
            "A temperature softens or sharpens all probabilities without changing any answer. Fitted on "
            f"{found.sets[VALIDATION].n} validation pictures; 95 % interval of T {low:.2f} to {high:.2f}."
        ),
        Table("Confidence and what is right", "Pictures", head, rows),
    ]
    lacking = [name for name, each in found.sets.items() if each.raw.error is None]
    if lacking:
        shown.append(
            Text(
                f"ECE is not given for {listed(lacking)}: of {listed(comparison.emotions())} alone, a model that "
                "always says so is always right, however sure it is. Compare all emotions to judge calibration.",
                "note",
            )
        )
    if charts:
        caption = (
            "Reliability: of pictures of like confidence, the share that is right. On the dotted line both are equal; "
            "bars are 95 % Wilson intervals, at the temperature."
        )
        table = Table("Reliability by bin", "Pictures", ("Confidence", "Right", "Share right"), bins)
        shown.append(Figure(caption, charts, table))
    return [*shown, Text(NOTE, "note", (GUO, NIXON, OVADIA))]


def _row(title: str, each: SetCalibration, confidence: Confidence, colour: str) -> Row:
    error = confidence.error
    return row(
        title,
        right_of(each.correct, each.n),
        exact_percent(confidence.top),
        (exact_percent(confidence.correct), span(confidence.correct_interval)),
        f"{confidence.log_loss:.2f}",
        (percent(error.value), span(error.interval)) if error else "–",
        (percent(error.if_calibrated), f"at most {percent(error.at_most_if_calibrated)}") if error else "–",
        colour=colour,
    )


def _sentence(found: RunCalibration) -> str:
    """Return what the fitted temperature means."""
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
