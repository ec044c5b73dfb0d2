"""A run's calibration in words and as a table: its temperature, and what that does to each set."""

from __future__ import annotations

import html
import math

from emotion.analysis import Comparison
from emotion.analysis.calibration import Calibration, CalibrationError, Confidence, RunCalibration
from emotion.analysis.calibration_words import BIAS, ECE, FLATTERED, SHIFT, temperature_sentence
from emotion.core.format import count, percent
from emotion.core.labels import chance_level
from emotion.data.drawn import is_drawn
from emotion.runs.run import Run
from emotion.ui.status import drawn_note

HEADERS = (
    "Set", "Pictures", "Right", "Probabilities", "Mean correct-class confidence", "Mean top confidence", "Log loss",
    "ECE", "ECE if calibrated",
)  # fmt: skip


def finding_html(found: RunCalibration, run: Run, comparison: Comparison | None) -> str:
    """Return what the temperature says in one sentence, and what it rests on."""
    low, high = found.interval
    compared = "no comparison" if comparison is None else f"compared: {_title(comparison)}"
    basis = (
        f"95 % interval of T {low:.2f} to {high:.2f}, fitted on {count(found.validation.n, 'validation picture')} of "
        f"run {run.name}; {compared}; chance {percent(chance_level(len(found.classes)))}, "
        f"log loss of an even guess {math.log(len(found.classes)):.2f}."
    )
    drawn = is_drawn(run.config().pictures) or any(map(is_drawn, comparison.folders.values() if comparison else ()))
    said = temperature_sentence(found, label_smoothing=run.config().label_smoothing)
    return (
        f'<div class="headline"><p class="finding">{html.escape(said)}</p>'
        f'<p class="basis">{html.escape(basis)}</p></div>{drawn_note(shown=drawn)}'
    )


def reading_html(found: RunCalibration, comparison: Comparison | None) -> str:
    """Return what the diagrams and the table say, and what a temperature does not do."""
    verdicts = [
        f"<b>{html.escape(name)}</b>: {_verdict(each, each.scaled.error)}"
        for name, each in _all(found).items()
        if each.scaled.error
    ]
    notes = [html.escape(note) for note in (_lacking(found, comparison), _unmoved(found), _shifted(found)) if note]
    return f'<ul class="calibration-notes">{"".join(f"<li>{each}</li>" for each in [*verdicts, *notes])}</ul>'


def table_html(found: RunCalibration) -> str:
    """Return two rows a set: as the run says it, and at its temperature; what stays the same stands once."""
    head = "".join(f'<th scope="col"{"" if name == HEADERS[0] else _NUMBER}>{name}</th>' for name in HEADERS)
    rows = "".join(_rows(name, each, found.temperature) for name, each in _all(found).items())
    notes = "".join(f'<p class="note">{note}</p>' for note in (ECE, BIAS, FLATTERED))
    return (
        '<div class="runs" tabindex="0" role="region" aria-label="Calibration of each set">'
        f'<table class="calibration"><thead><tr>{head}</tr></thead>{rows}</table></div>'
        f'<details class="calibration-method"><summary>How calibration is measured</summary>{notes}</details>'
    )


_NUMBER = ' class="number"'


def _all(found: RunCalibration) -> dict[str, Calibration]:
    return {"validation": found.validation, **found.sets}


def _verdict(each: Calibration, error: CalibrationError) -> str:
    sure, right = each.scaled.top, each.accuracy
    averages = f"at T {percent(sure)} sure on average, {percent(right)} right"
    if not error.is_told:
        return f"{averages}, no further off than a calibrated model may be by luck."
    if abs(sure - right) < error.value / 2:
        return f"{averages}, too sure on one part of the scale and too timid on another."
    return f"{averages}, too {'sure' if sure > right else 'timid'}."


def _lacking(found: RunCalibration, comparison: Comparison | None) -> str:
    if comparison is None or all(each.raw.error for each in found.sets.values()):
        return ""
    shown = " and ".join(comparison.emotions())
    return (
        f"This comparison shows {shown} alone, so its sets have no diagram and no ECE: in such a sample a model that "
        f"always says {shown} is always right, however sure it is. Compare all emotions to judge calibration."
    )


def _shifted(found: RunCalibration) -> str:
    moved = ", ".join(
        f"of {name} from {each.raw.log_loss:.2f} to {each.scaled.log_loss:.2f}" for name, each in found.sets.items()
    )
    return f"{SHIFT} Here it takes the log loss {moved}." if moved else SHIFT


def _unmoved(found: RunCalibration) -> str:
    name, each = next(iter(found.sets.items()), ("validation", found.validation))
    raw, scaled = percent(each.raw.correct), percent(each.scaled.correct)
    moved = f"goes from {raw} to {scaled}" if raw != scaled else f"stays at {raw} this time"
    return (
        "Mean confidence moves with the temperature without any change of skill: "
        f"for {name} it {moved}, and {each.correct} of {each.n} are right either way."
    )


def _rows(name: str, each: Calibration, temperature: float) -> str:
    once = "".join(
        f'<td rowspan="2"{_NUMBER}>{text}</td>'
        for text in (f"{each.n:,}", f"{each.correct:,} ({_span(each.accuracy_interval)} %)")
    )
    raw, scaled = _cells("raw", each.raw), _cells(f"at T = {temperature:.2f}", each.scaled)
    return (
        f'<tbody><tr><th scope="rowgroup" rowspan="2">{html.escape(name)}</th>{once}{raw}</tr><tr>{scaled}</tr></tbody>'
    )


def _cells(title: str, confidence: Confidence) -> str:
    texts = (
        f"{percent(confidence.correct)} ({_span(confidence.correct_interval)})",
        percent(confidence.top),
        f"{confidence.log_loss:.3f}",
        *_error_texts(confidence.error),
    )
    return f"<td{_NUMBER}>{title}</td>" + "".join(f"<td{_NUMBER}>{text}</td>" for text in texts)


def _error_texts(error: CalibrationError | None) -> tuple[str, str]:
    if error is None:
        return "–", "–"
    value = f"{percent(error.value)} ({_span(error.interval)})"
    expected = f"{percent(error.if_calibrated)}, at most {percent(error.at_most_if_calibrated)}"
    return (f"<b>{value}</b>" if error.is_told else value), expected


def _span(interval: tuple[float, float]) -> str:
    return f"{interval[0] * 100:.0f}–{interval[1] * 100:.0f}"


def _title(comparison: Comparison) -> str:
    emotions = comparison.emotions()
    shown = "all emotions" if len(emotions) == len(comparison.classes) else " and ".join(emotions)
    return f"{', '.join(comparison.sets)}, {shown}, seed {comparison.seed}"
