"""Whether the probabilities of a report mean what they say. Computes nothing that the statistics do not."""

from __future__ import annotations

from emotion.analysis.calibration import (
    Bin,
    Calibration,
    CalibrationError,
    Confidence,
    RunCalibration,
    calibrate,
)
from emotion.analysis.calibration_words import BIAS, ECE, FLATTERED, SHIFT, temperature_sentence
from emotion.core.format import capital, exact_percent, listed, percent, span
from emotion.core.labels import colour_of_set
from emotion.report.content import Block, Cell, Figure, Heading, Line, LineChart, Row, Source, Table, Text
from emotion.report.material import Material
from emotion.report.training import VALIDATION_COLOUR

# That of the page's section, so that both show the same intervals.
SEED = 0
VALIDATION = "validation"
GUO = Source("Guo et al. 2017", "https://arxiv.org/abs/1706.04599")
NIXON = Source("Nixon et al. 2019", "https://arxiv.org/abs/1904.01685")
OVADIA = Source("Ovadia et al. 2019", "https://arxiv.org/abs/1906.02530")


def calibration(material: Material) -> list[Block]:
    """Return the run's temperature and what it does to its validation pictures and to the compared sets.

    There is nothing to say of a run that kept no scores of its validation pictures.
    """
    validation, comparison = material.validation, material.comparison
    if validation is None or not validation.pictures or set(validation.classes) != set(comparison.classes):
        return []
    found = calibrate(validation, comparison, seed=SEED)
    parts = {VALIDATION: found.validation, **found.sets}
    lacking = [name for name, each in parts.items() if each.raw.error is None]
    blocks: list[Block] = [
        Heading("Calibration"),
        Text(_temperature(found, material.run.config().label_smoothing)),
        _table(found, parts),
    ]
    if lacking:
        shown = listed(comparison.emotions())
        blocks.append(
            Text(
                f"ECE is not given for {listed(lacking)}: of {shown} alone, a model that always says so is always "
                "right, however sure it is.",
                "note",
            )
        )
    if any(each.raw.error for each in parts.values()):
        blocks.append(_figure(found, parts))
    blocks.append(Text(_NOTE, "note", (GUO, NIXON, OVADIA)))
    return blocks


_NOTE = f"{ECE} {BIAS} {FLATTERED} {SHIFT}"


def _temperature(found: RunCalibration, label_smoothing: float) -> str:
    low, high = found.interval
    return (
        "A temperature softens or sharpens all probabilities without changing any answer. "
        f"{temperature_sentence(found, label_smoothing=label_smoothing)} "
        f"Fitted on {found.validation.n} validation pictures; 95 % interval of T {low:.2f} to {high:.2f}."
    )


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
