"""The run of a report: the model's origin, data, training and validation, and the commands that repeat it all."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from emotion.analysis.blocks import (
    Block,
    Command,
    Facts,
    Figure,
    Heading,
    Line,
    LineChart,
    Section,
    Table,
    Text,
    row,
    shaded,
)
from emotion.core.config import TrainConfig, command_line
from emotion.core.events import EpochDone, PicturesSkipped, RunStarted
from emotion.core.format import count, duration, exact_percent, percent, span
from emotion.core.intervals import wilson_interval
from emotion.core.labels import chance_level, colour_of
from emotion.data.drawn import is_drawn
from emotion.data.folders import within
from emotion.report.material import Material, place_of, plain_name
from emotion.runs.curves import reading
from emotion.runs.validation import Validation, load_validation, most_confused

# As in the page's charts.
TRAINING_COLOUR, VALIDATION_COLOUR = "#8795AB", "#6366F1"
ORIGINS = {
    "bundled": "the weights that come with the project",
    "hub": "from the Hugging Face Hub",
    "folder": "from a folder of its owner",
}
ENDS = {
    "finished": "was finished",
    "stopped": "was stopped by a person",
    "failed": "failed",
    "interrupted": "was cut off",
}
FURTHER = (
    "The run’s checkpoint is younger than this comparison: it was trained further since, or copied. What follows tells "
    "of the run as it is now."
)
FLATTERED = (
    "Validation pictures come from the training pictures’ own source and chose the epoch: expect less of others."
)


def model(material: Material) -> Section:
    """Return the model's facts, with its curves and its validation results."""
    name, depth = plain_name(material.config.backbone), _depth(material.config.depth)
    blocks: list[Block] = [Text(f"{name} was fine-tuned: {depth}. {_outcome(material)}")]
    weights = material.run.checkpoint / "model.safetensors"
    if weights.is_file() and weights.stat().st_mtime > material.comparison.created:
        blocks.append(Text(FURTHER, "warning"))
    blocks.append(Facts(_facts(material)))
    epochs = [event for event in material.events if isinstance(event, EpochDone)]
    if len(epochs) > 1 and material.started:
        blocks.append(_curves(epochs, chance_level(len(material.started.classes))))
        said = reading(material.events)
        blocks += [Text(said)] if said else []
    validation = load_validation(material.run)
    if validation is not None and validation.pictures:
        blocks += [Heading("Its validation pictures"), confusion_table(validation), Text(FLATTERED, "note")]
    return Section("The model", [*blocks, settings_table(material.config)])


def _depth(depth: object) -> str:
    """Return the trained part of the model, in words."""
    if depth == "head":
        return "the classifier alone; the backbone stayed as it was"
    if depth == "all":
        return "every weight of the backbone, and the classifier"
    return f"the last {'block' if depth == 1 else f'{depth} blocks'} of the backbone, and the classifier"


def _outcome(material: Material) -> str:
    """Return how the training ended, and its earlier interruptions, in sentences."""
    started = material.started
    if started is None:
        return "What happened in its training is not recorded any more."
    done = max((event.epoch for event in material.events if isinstance(event, EpochDone)), default=0)
    end = ENDS.get(material.run.status(), "was still being trained when this was written,")
    said = f"It {end} after {done} of {count(started.epochs, 'epoch')}."
    starts = [event.resumed_epochs for event in material.told if isinstance(event, RunStarted)]
    for kept in starts[1:]:
        said += f" It had been cut off before, and went on after epoch {kept}."
    return said


def _facts(material: Material) -> list[tuple[str, str]]:
    backbone, started = material.run.record().get("backbone") or {}, material.started
    title, sweep = material.run.about().title, material.run.sweep()
    facts = [("Run", f"{title} ({material.run.name})" if title else material.run.name)]
    if backbone:
        revision = f", revision {backbone['revision']}" if backbone.get("revision") else ""
        origin = ORIGINS.get(str(backbone["source"]), str(backbone["source"]))
        facts.append(("Backbone", f"{plain_name(str(backbone['name']))}, {origin}{revision}"))
        facts.append(("Its weights", f"sha256 {backbone['sha256']}"))
    if started:
        drawn = ", drawn by this project" if is_drawn(material.config.pictures) else ""
        of = f" of “{PurePath(material.config.pictures).name}”{drawn}"
        facts.append(("Trained on", f"{count(started.train_pictures, 'picture')}{of}"))
        facts.append(("Validated on", f"{count(started.validation_pictures, 'picture')}, held back from these"))
    skipped = sum(len(event.reasons) for event in material.events if isinstance(event, PicturesSkipped))
    if skipped:
        facts.append(("Left out", f"{count(skipped, 'picture')} that could not be read"))
    best = next((event for event in reversed(material.events) if isinstance(event, EpochDone) and event.is_best), None)
    if best and started:
        n = started.validation_pictures
        right = round(best.validation.accuracy * n)
        said = (
            f"epoch {best.epoch}, the best by validation loss ({best.validation.loss:.3f}): {right} of {n} validation "
            f"pictures right, {percent(right / n)} (95 %: {span(wilson_interval(right, n))})"
        )
        facts.append(("Judged here", said))
    if started:
        processes = "" if started.processes == 1 else f", in {started.processes} processes"
        seconds = duration(material.told[-1].elapsed_seconds)
        facts.append(("Computed", f"on {started.device} in {started.precision}{processes}, in {seconds}"))
    facts.append(("Seed", f"{material.config.seed}, of the split, the order and the first weights"))
    if sweep is not None:
        facts.append(("Sweep", f"one of several runs that differ in one setting; here {sweep.title}"))
    return facts


def _curves(epochs: Sequence[EpochDone], chance: float) -> Figure:
    best = next((each for each in reversed(epochs) if each.is_best), None)
    charts = []
    for measure, title, shown in (("loss", "Loss", "{:.2f}".format), ("accuracy", "Accuracy", percent)):
        is_share = measure == "accuracy"
        trained = [(each.epoch, value) for each in epochs if (value := getattr(each, f"train_{measure}")) is not None]
        validated = [(each.epoch, getattr(each.validation, measure)) for each in epochs]
        (_, before), (last, after) = validated[0], validated[-1]
        lines = [
            Line("Training", TRAINING_COLOUR, trained, is_dashed=True),
            Line("Validation", VALIDATION_COLOUR, validated),
        ]
        alt = f"{title} by epoch. Validation goes from {shown(before)} to {shown(after)} after epoch {last}."
        ring = (best.epoch, getattr(best.validation, measure)) if best else None
        charts.append(LineChart(alt, "Epoch", title, lines, chance if is_share else None, is_share, ring))
    rows = [
        row(
            str(each.epoch),
            "–" if each.train_loss is None else f"{each.train_loss:.3f}",
            f"{each.validation.loss:.3f}",
            "–" if each.train_accuracy is None else percent(each.train_accuracy),
            percent(each.validation.accuracy),
        )
        for each in epochs
    ]
    head = ("Training loss", "Validation loss", "Training accuracy", "Validation accuracy")
    return Figure(
        "Loss and accuracy by epoch; epoch 0 is before any training. A ring marks the epoch that is judged here.",
        charts,
        Table("Loss and accuracy by epoch", "Epoch", head, rows),
    )


def confusion_table(validation: Validation, *, opens: bool = False) -> Table:
    """Return the confusion matrix with precision and recall; with ``opens`` a press on a number opens its pictures.

    Of many classes it has those that are confused most often.
    """
    counts, rows = validation.confusion(), []
    classes = most_confused(counts)
    for each in (each for each in validation.per_class() if each.label in classes):
        cells = shaded({said: counts[each.label][said] for said in classes}, right=each.label)
        if opens:
            cells = [
                cell if cell.text == "0" else replace(cell, opens=(each.label, said))
                for said, cell in zip(classes, cells, strict=True)
            ]
        precision = "–" if each.precision is None else percent(each.precision)
        scores = precision, percent(each.recall), f"{each.f1:.2f}", f"{each.support:,}"
        rows.append(row(each.label, *cells, *scores, colour=colour_of(each.label)))
    caption = f"What epoch {validation.epoch} says of the {len(validation.pictures)} validation pictures"
    note = "Press a number to see its pictures." if opens else ""
    if len(classes) < len(validation.classes):
        note += f" Of its {len(validation.classes):,} classes the {len(classes)} that are confused most often."
    return Table(
        caption, "shows ↓ said →", (*classes, "Precision", "Recall", "F1", "Pictures"), rows, note=note.strip()
    )


def settings_table(config: TrainConfig) -> Table:
    """Return all settings of a training, without places."""
    named = {"pictures": PurePath(config.pictures).name, "backbone": plain_name(config.backbone)}
    values = {**config.to_json(), **named}
    rows = [row(name.replace("_", " "), _setting(value)) for name, value in values.items()]
    return Table("All settings of the training", "Setting", ("Value",), rows, is_text=True, is_folded=True)


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def repeating(material: Material) -> Section:
    """Return the exact commands, with placeholders for folders, and the hashes to check a repetition against."""
    comparison, versions = material.comparison, material.run.record().get("versions") or {}
    report = ["--run", material.run.name, "--comparison", material.file.name, "--to", "report.html"]
    facts = [
        ("Seeds", f"{material.config.seed} of the training, {comparison.seed} of the samples"),
        ("Precision", f"{comparison.precision}; in another one, or on another machine, expect small differences"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items()) or "not recorded"),
    ]
    return Section(
        "How to repeat it",
        [
            Text("In the project’s folder. Where “path/to” stands, put where the pictures lie."),
            Command("Train the model anew; the run’s name is printed, and is new.", _train(material)),
            Command("Compare: draw the same samples from the same sets, and judge them.", _compare(material)),
            Command("Write this report.", f"python -m emotion report {shlex.join(report)}"),
            Facts(facts),
            _sample(material),
        ],
    )


def _train(material: Material) -> str:
    config, backbone = material.config, PurePath(material.config.backbone)
    named = f"path/to/{backbone.name}" if backbone.is_absolute() else config.backbone
    line = command_line(replace(config, pictures=place_of(config.pictures), backbone=named))
    processes = material.started.processes if material.started else 1
    return line if processes == 1 else line.replace("python", f"torchrun --nproc-per-node {processes}", 1)


def _compare(material: Material) -> str:
    comparison = material.comparison
    words = ["python", "-m", "emotion", "compare", "--run", material.run.name]
    for name, folder in comparison.folders.items():
        words += ["--set", f"{name}={place_of(folder)}"]
    words += ["--emotion", material.emotion or "all"]
    words += ["--size", "all" if comparison.size is None else str(comparison.size), "--seed", str(comparison.seed)]
    words += ["--use-aliases"] if comparison.use_aliases else []
    words += ["--relaxed-as-tired"] if comparison.relaxed_as_tired else []
    return shlex.join(words)


def _sample(material: Material) -> Table:
    rows = []
    for name, folder in material.comparison.folders.items():
        for each in material.comparison.pooled(name).pictures:
            confidence = exact_percent(each.correct_confidence)
            cells = within(each.picture, folder), each.label, each.predicted, confidence, each.sha256
            rows.append(row(name, *cells, colour=material.comparison.colour(name)))
    head = ("Picture", "Shows", "Said", "Correct class", "SHA-256")
    caption = f"The sample: {count(len(rows), 'picture')} with their hashes"
    return Table(caption, "Set", head, rows, is_text=True, is_folded=True)
