"""The experiment's document: the report's numbers beside ours, the grid, and what the checks say. Computes nothing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time

from emotion.comparison import SampleResult, load_comparison
from emotion.labels import DRAWN_NOTE, colour_of_set
from emotion.pictures.drawn import is_drawn
from emotion.report.asking import asked
from emotion.report.calibrating import calibration
from emotion.report.checks import controls, cues, features, luck
from emotion.report.content import Block, Cell, Command, Figure, Line, LineChart, Report, Row, Section, Table, Text
from emotion.report.limits import limits
from emotion.report.material import Material
from emotion.report.results import differences, results
from emotion.report.training import model
from emotion.reproduction.experiment import REPORT_EMOTION, Outcome, Trained
from emotion.statistics.intervals import wilson_interval
from emotion.words import exact_percent, moment, percent, span

# What the report gives: mean probability of the correct class, right of 20, second of 20. No interval of its means.
REPORT = {"human": (0.395, 19, None), "dog": (0.227, 0, 18)}
REPORT_N = 20
# One for each batch size, apart from one another also for colour-blind eyes.
COLOURS = ("#6366F1", "#EC3089", "#0FA2AC", "#AB925A")


def document(outcome: Outcome, *, seconds: float) -> Report:
    """Return the whole experiment as a report; it took ``seconds``.

    Raises:
        RunError: a comparison or its run cannot be read.
    """
    twenty, grid, pair = (Material.of(file) for file in (outcome.twenty, outcome.grid, outcome.pair))
    drawn = is_drawn(outcome.pictures)
    what = "drawn pictures" if drawn else "photographs"
    answer = _answer(load_comparison(outcome.twenty).results(REPORT_EMOTION))
    return Report(
        title=f"The report’s experiment, on {what}",
        dateline=f"{moment(time.time())}, {seconds / 60:.1f} minutes. {_machine()}",
        answer=answer,
        basis=f"Run {outcome.run.name}; every number from `python -m emotion reproduce`.",
        warnings=(DRAWN_NOTE,) if drawn else (),
        sections=(
            Section("Twenty and twenty, as in the report", (_beside(twenty), *luck(twenty))),
            Section("Four batch sizes", (_batches(outcome), _curves(outcome))),
            asked(grid),
            model(grid),
            results(grid),
            differences(grid),
            Section("Controls", (Text(pair_sentence(pair), "note"), *controls(pair))),
            Section("Cues, features and calibration", (*cues(grid), *features(grid), *calibration(grid))),
            limits(grid),
            _repeating(drawn=drawn),
        ),
    )


def pair_sentence(pair: Material) -> str:
    """Say which pictures the controls were done on."""
    sizes = {name: pair.comparison.pooled(name).n for name in pair.comparison.sets}
    shown = " and ".join(f"{n} of {name}" for name, n in sizes.items())
    return f"On a sample of all emotions: {shown}, seed {pair.comparison.seed}."


def _machine() -> str:
    """Return what the times depend on, in one sentence."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "transformers", "gradio"))
    return f"{platform.machine()}, {os.cpu_count()} cores; python {platform.python_version()}, {versions}."


def _answer(results: dict[str, SampleResult]) -> str:
    said = [
        f"{result.correct} of {result.n} {REPORT_EMOTION} {name} pictures right, mean correct-class confidence "
        f"{exact_percent(result.correct_confidence)}"
        for name, result in results.items()
    ]
    return f"{'; '.join(said)}. The report: 19 of 20 people, 39.5 %; 0 of 20 dogs, 22.7 %."


def _beside(twenty: Material) -> Table:
    """Return the report's two samples and ours, row by row."""
    rows = []
    for name, ours in twenty.comparison.results(REPORT_EMOTION).items():
        mean, right, second = REPORT[name]
        theirs = (
            Cell(exact_percent(mean), "no interval given"),
            Cell(f"{right} of {REPORT_N}", span(wilson_interval(right, REPORT_N))),
            Cell("not given" if second is None else f"{second} of {REPORT_N}"),
        )
        rows.append(Row(f"{name}, report", theirs, is_reference=True))
        cells = (
            Cell(exact_percent(ours.correct_confidence), span(ours.correct_confidence_interval)),
            Cell(f"{ours.correct} of {ours.n}", span(ours.accuracy_interval)),
            Cell(f"{ours.runner_up} of {ours.n}"),
        )
        rows.append(Row(f"{name}, ours", cells, colour=colour_of_set(name)))
    head = ("Mean correct-class confidence", "Right", "Second")
    note = (
        "The report calls the first one accuracy. Its model is a ViT-B/16, every weight trained; its pictures are not "
        "ours."
    )
    return Table(f"Twenty {REPORT_EMOTION} pictures each", "Sample", head, tuple(rows), note=note)


def _batches(outcome: Outcome) -> Table:
    rows = [Row(f"batch {each.batch_size}", _batch_cells(each)) for each in outcome.trained]
    head = ("Validation loss", "Right", "Best epoch", "Seconds")
    note = (
        "In the report's order. The first one looks at the pictures, the others know them. With so few validation "
        "pictures these accuracies cannot be told apart unless their intervals part."
    )
    return Table("The same training with four batch sizes", "Training", head, tuple(rows), note=note)


def _batch_cells(trained: Trained) -> tuple[Cell, ...]:
    scores, epochs = trained.finished.validation, trained.finished.best_epoch
    n = trained.validation_pictures
    right = round(scores.accuracy * n)
    return (
        Cell(f"{scores.loss:.3f}"),
        Cell(f"{right} of {n}", f"{percent(right / n)}: {span(wilson_interval(right, n))}"),
        Cell(str(epochs)),
        Cell(f"{trained.finished.elapsed_seconds:.1f}"),
    )


def _curves(outcome: Outcome) -> Figure:
    lines = tuple(
        Line(f"batch {each.batch_size}", colour, tuple(each.validation_losses))
        for each, colour in zip(outcome.trained, COLOURS, strict=True)
    )
    chart = LineChart(
        alt="Validation loss by epoch for four batch sizes", x_axis="Epoch", y_axis="Validation loss, nats", lines=lines
    )
    return Figure("Validation loss by epoch, epoch 0 before any training.", (chart,))


def _repeating(*, drawn: bool) -> Section:
    where = "" if drawn else " PHOTOS=path/to/photos"
    blocks: tuple[Block, ...] = (
        Command("Everything above, every table as CSV and every figure as SVG.", f"make reproduce{where}"),
        Text("Seeds, versions and hashes are in the run folders that it leaves under runs/."),
    )
    return Section("How to repeat it", blocks)
