"""The model of a report: where it comes from, what was trained, on what, and how that went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from emotion.analysis.blocks import (
    Block,
    Cell,
    Facts,
    Figure,
    Folded,
    Guide,
    Heading,
    Line,
    LineChart,
    Row,
    Section,
    Table,
    Text,
)
from emotion.core.events import EpochDone, Event, PicturesSkipped, RunFinished, RunStarted, RunStopped
from emotion.core.format import count, duration, percent, span
from emotion.core.intervals import wilson_interval
from emotion.core.labels import chance_level, colour_of, in_order
from emotion.data.drawn import is_drawn
from emotion.report.material import Material
from emotion.report.naming import plain_name
from emotion.runs.curves import reading
from emotion.runs.validation import Validation

# Those of the page's charts.
TRAINING_COLOUR, VALIDATION_COLOUR = "#8795AB", "#6366F1"


def model(material: Material) -> Section:
    """Return what was trained and how, with its curves and its validation pictures."""
    blocks: list[Block] = [Text(_story(material))]
    if material.is_trained_further:
        blocks.append(Text(_FURTHER, "warning"))
    blocks.append(Facts(tuple(_facts(material))))
    epochs = [event for event in material.events if isinstance(event, EpochDone)]
    if len(epochs) > 1 and material.started:
        blocks += [_curves(epochs, material.started), *_said_of(material.events)]
    if material.validation is not None and material.validation.pictures:
        blocks += [Heading("Its validation pictures"), _confusion(material.validation), Text(_FLATTERED, "note")]
    blocks.append(Folded("All settings of the training", _settings(material)))
    return Section("The model", tuple(blocks))


_FURTHER = (
    "The run’s checkpoint is younger than this comparison: it was trained further since, or copied. What follows tells "
    "of the run as it is now."
)
_FLATTERED = (
    "Validation pictures come from the training pictures’ own source and chose the epoch: expect less of others."
)


def depth_in_words(depth: object) -> str:
    """Return what of the model was trained."""
    if depth == "head":
        return "the classifier alone; the backbone stayed as it was"
    if depth == "all":
        return "every weight of the backbone, and the classifier"
    return f"the last {'block' if depth == 1 else f'{depth} blocks'} of the backbone, and the classifier"


def outcome(material: Material) -> str:
    """Return in a sentence or two how the training ended, and how often it was cut off before."""
    started, last = material.started, material.events[-1] if material.events else None
    if started is None:
        return "What happened in its training is not recorded any more."
    done = max((event.epoch for event in material.events if isinstance(event, EpochDone)), default=0)
    of = f"{done} of {count(started.epochs, 'epoch')}"
    status = material.run.status()
    if isinstance(last, RunFinished):
        said = (
            f"It ended early, after {of}, since nothing got better."
            if last.stopped_early
            else f"It was trained to the end, {count(started.epochs, 'epoch')}."
        )
    elif isinstance(last, RunStopped):
        said = f"A person stopped it after {of}."
    elif status in ("running", "stopping", "queued"):
        said = f"It was still being trained when this was written, after {of}."
    else:
        said = f"It was cut off after {of} and did not go on."
    starts = [event.resumed_epochs for event in material.all_events if isinstance(event, RunStarted)]
    for kept in starts[1:]:
        said += f" It had been cut off before, and went on after epoch {kept}." if kept else " It had begun anew once."
    return said


def _story(material: Material) -> str:
    config = material.config
    return f"{plain_name(config.backbone)} was fine-tuned: {depth_in_words(config.depth)}. {outcome(material)}"


def _facts(material: Material) -> list[tuple[str, str]]:
    config, record, started = material.config, material.record, material.started
    title = material.run.about().title
    facts = [("Run", f"{title} ({material.run.name})" if title else material.run.name)]
    backbone = record.get("backbone") or {}
    if backbone:
        revision = f", revision {backbone['revision']}" if backbone.get("revision") else ""
        facts.append(("Backbone", f"{plain_name(str(backbone['name']))}, {_origin(str(backbone['source']))}{revision}"))
        facts.append(("Its weights", f"sha256 {backbone['sha256']}"))
    facts.append(("Trained on", _pictures(material, "train")))
    facts.append(("Validated on", _pictures(material, "validation")))
    skipped = sum(len(event.reasons) for event in material.events if isinstance(event, PicturesSkipped))
    if skipped:
        facts.append(("Left out", f"{count(skipped, 'picture')} that could not be read"))
    best = _best(material.events)
    if best and started:
        scores, n = best.validation, started.validation_pictures
        right = round(scores.accuracy * n)
        facts.append(
            ("Judged here", f"epoch {best.epoch}, the best by validation loss ({scores.loss:.3f}): {right} of {n} "
             f"validation pictures right, {percent(right / n)} (95 %: {span(wilson_interval(right, n))})")
        )  # fmt: skip
    if started:
        processes = "" if started.processes == 1 else f", in {started.processes} processes"
        seconds = material.all_events[-1].elapsed_seconds
        facts.append(("Computed", f"on {started.device} in {started.precision}{processes}, in {duration(seconds)}"))
    facts.append(("Seed", f"{config.seed}, of the split, the order and the first weights"))
    sweep = material.run.sweep()
    if sweep is not None:
        facts.append(("Sweep", f"one of several runs that differ in one setting; here {sweep.title}"))
    return facts


def _origin(source: str) -> str:
    return {
        "bundled": "the weights that come with the project",
        "hub": "from the Hugging Face Hub",
        "folder": "from a folder of its owner",
    }.get(source, source)


def _pictures(material: Material, part: str) -> str:
    rows = material.split.get(part)
    name = PurePath(material.config.pictures).name
    where = f" of “{name}”{', drawn by this project' if is_drawn(material.config.pictures) else ''}"
    where = where if part == "train" else ", held back from these"
    if rows:
        counts = Counter(row.label for row in rows)
        by_label = ", ".join(f"{counts[label]} {label}" for label in in_order(list(counts)))
        return f"{count(len(rows), 'picture')}{where}: {by_label}"
    if material.started is None:
        return f"not recorded{where}"
    started = material.started
    return f"{count(started.train_pictures if part == 'train' else started.validation_pictures, 'picture')}{where}"


def _best(events: Sequence[Event]) -> EpochDone | None:
    return next((event for event in reversed(events) if isinstance(event, EpochDone) and event.is_best), None)


def _said_of(events: Sequence[Event]) -> list[Block]:
    said = reading(events)
    return [Text(said)] if said else []


def _curves(epochs: Sequence[EpochDone], started: RunStarted) -> Figure:
    best, chance = _best(epochs), chance_level(len(started.classes))
    last = epochs[-1]
    charts = []
    for measure, title in (("loss", "Loss"), ("accuracy", "Accuracy")):
        trained = tuple(
            (each.epoch, value) for each in epochs if (value := getattr(each, f"train_{measure}")) is not None
        )
        validated = tuple((each.epoch, getattr(each.validation, measure)) for each in epochs)
        shown = percent if measure == "accuracy" else "{:.2f}".format
        charts.append(
            LineChart(
                alt=f"{title} by epoch. Validation goes from {shown(validated[0][1])} before the training to "
                f"{shown(getattr(last.validation, measure))} after epoch {last.epoch}.",
                x_axis="Epoch",
                y_axis=title,
                lines=(
                    Line("Training", TRAINING_COLOUR, trained, is_dashed=True),
                    Line("Validation", VALIDATION_COLOUR, validated),
                ),
                guide=Guide(chance, "chance") if measure == "accuracy" else None,
                is_share=measure == "accuracy",
                ring=(best.epoch, getattr(best.validation, measure)) if best else None,
            )
        )
    rows = [
        Row(
            str(each.epoch),
            (
                Cell("–" if each.train_loss is None else f"{each.train_loss:.3f}"),
                Cell(f"{each.validation.loss:.3f}"),
                Cell("–" if each.train_accuracy is None else percent(each.train_accuracy)),
                Cell(percent(each.validation.accuracy)),
            ),
        )
        for each in epochs
    ]
    head = ("Training loss", "Validation loss", "Training accuracy", "Validation accuracy")
    return Figure(
        "Loss and accuracy by epoch; epoch 0 is before any training. A ring marks the epoch that is judged here.",
        tuple(charts),
        Table("Loss and accuracy by epoch", "Epoch", head, tuple(rows)),
    )


def _confusion(validation: Validation) -> Table:
    counts = validation.confusion()
    rows = []
    for each in validation.per_class():
        said = counts[each.label]
        cells = [
            Cell(str(number), share=number / max(1, each.support), tone="right" if label == each.label else "wrong")
            for label, number in said.items()
        ]
        precision = "–" if each.precision is None else percent(each.precision)
        rows.append(
            Row(each.label, (*cells, Cell(precision), Cell(percent(each.recall)), Cell(f"{each.f1:.2f}")),
                colour=colour_of(each.label))
        )  # fmt: skip
    return Table(
        f"What epoch {validation.epoch} says of the {len(validation.pictures)} validation pictures",
        "shows ↓ said →",
        (*validation.classes, "Precision", "Recall", "F1"),
        tuple(rows),
    )


def _settings(material: Material) -> Table:
    values: dict[str, Any] = {
        **material.config.to_json(),
        "pictures": PurePath(material.config.pictures).name,
        "backbone": plain_name(material.config.backbone),
    }
    rows = [Row(name.replace("_", " "), (Cell(_setting(value)),)) for name, value in values.items()]
    return Table("All settings of the training", "Setting", ("Value",), tuple(rows), is_text=True)


def _setting(value: object) -> str:
    return (
        "yes" if value is True else "no" if value is False else f"{value:g}" if isinstance(value, float) else str(value)
    )
