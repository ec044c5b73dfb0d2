"""The run of a report: the model's origin, data, training and validation, and the commands that repeat it all."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from emotion.analysis.blocks import Block, Command, Facts, Figure, Line, LineChart, Section, Table, Text, row, shaded
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
DEPTHS: dict[object, str] = {
    "head": "the classifier alone; the backbone stayed as it was",
    "all": "every weight of the backbone, and the classifier",
    1: "the last block of the backbone, and the classifier",
}
FURTHER = (
    "The run’s checkpoint is younger than this comparison: it was trained further since, or copied. What follows tells "
    "of the run as it is now."
)
FLATTERED = (
    "Validation pictures come from the training pictures’ own source and chose the epoch: expect less of others."
)


def model(material: Material) -> Section:
    """Return the model's facts, with its curves, its validation results and its settings."""
    config, epochs = material.config, material.epochs
    depth = DEPTHS.get(config.depth, f"the last {config.depth} blocks of the backbone, and the classifier")
    blocks: list[Block] = [Text(f"{plain_name(config.backbone)} was fine-tuned: {depth}. {_outcome(material)}")]
    weights = material.run.checkpoint / "model.safetensors"
    if weights.is_file() and weights.stat().st_mtime > material.comparison.created:
        blocks.append(Text(FURTHER, "warning"))
    blocks.append(Facts(list(_facts(material).items())))
    if len(epochs) > 1 and material.started:
        blocks.append(_curves(epochs, chance_level(len(material.started.classes))))
        if said := reading(material.events):
            blocks.append(Text(said))
    validation = load_validation(material.run)
    if validation is not None and validation.pictures:
        heading = Text("Its validation pictures", "heading")
        blocks += [heading, confusion_table(validation), Text(FLATTERED, "note")]
    return Section("The model", [*blocks, settings_table(config)])


def _outcome(material: Material) -> str:
    """Return how the training ended, and its earlier interruptions, in sentences."""
    if material.started is None:
        return "What happened in its training is not recorded any more."
    done = max((each.epoch for each in material.epochs), default=0)
    end = ENDS.get(material.run.status(), "was still being trained when this was written,")
    said = f"It {end} after {done} of {count(material.started.epochs, 'epoch')}."
    _, *resumed = [event.resumed_epochs for event in material.told if isinstance(event, RunStarted)]
    return said + "".join(f" It had been cut off before, and went on after epoch {kept}." for kept in resumed)


def _facts(material: Material) -> dict[str, str]:
    run, config, started = material.run, material.config, material.started
    backbone, title = run.record().get("backbone") or {}, run.about().title
    facts = {"Run": f"{title} ({run.name})" if title else run.name}
    if backbone:
        revision = f", revision {backbone['revision']}" if backbone.get("revision") else ""
        origin = ORIGINS.get(backbone["source"], backbone["source"])
        facts["Backbone"] = f"{plain_name(backbone['name'])}, {origin}{revision}"
        facts["Its weights"] = f"sha256 {backbone['sha256']}"
    if started:
        drawn = ", drawn by this project" if is_drawn(config.pictures) else ""
        of = f"“{PurePath(config.pictures).name}”{drawn}"
        facts["Trained on"] = f"{count(started.train_pictures, 'picture')} of {of}"
        facts["Validated on"] = f"{count(started.validation_pictures, 'picture')}, held back from these"
    if skipped := sum(len(event.reasons) for event in material.events if isinstance(event, PicturesSkipped)):
        facts["Left out"] = f"{count(skipped, 'picture')} that could not be read"
    if started:
        if best := next((each for each in reversed(material.epochs) if each.is_best), None):
            n = started.validation_pictures
            right = round(best.validation.accuracy * n)
            facts["Judged here"] = (
                f"epoch {best.epoch}, the best by validation loss ({best.validation.loss:.3f}): {right} of {n} "
                f"validation pictures right, {percent(right / n)} (95 %: {span(wilson_interval(right, n))})"
            )
        processes = "" if started.processes == 1 else f", in {started.processes} processes"
        seconds = duration(material.told[-1].elapsed_seconds)
        facts["Computed"] = f"on {started.device} in {started.precision}{processes}, in {seconds}"
    facts["Seed"] = f"{config.seed}, of the split, the order and the first weights"
    return facts


def _curves(epochs: Sequence[EpochDone], chance: float) -> Figure:
    best = next((each for each in reversed(epochs) if each.is_best), None)
    numbers, charts, columns = [each.epoch for each in epochs], [], {}
    for measure, shown in (("loss", "{:.3f}".format), ("accuracy", percent)):
        trained = [getattr(each, f"train_{measure}") for each in epochs]
        validated = [getattr(each.validation, measure) for each in epochs]
        columns[f"Training {measure}"] = ["–" if value is None else shown(value) for value in trained]
        columns[f"Validation {measure}"] = ended = [shown(value) for value in validated]
        points = [(at, value) for at, value in zip(numbers, trained, strict=True) if value is not None]
        lines = [
            Line("Training", TRAINING_COLOUR, points, is_dashed=True),
            Line("Validation", VALIDATION_COLOUR, list(zip(numbers, validated, strict=True))),
        ]
        title, is_share = measure.capitalize(), measure == "accuracy"
        alt = f"{title} by epoch. Validation goes from {ended[0]} to {ended[-1]} after epoch {numbers[-1]}."
        ring = (best.epoch, getattr(best.validation, measure)) if best else None
        charts.append(LineChart(alt, "Epoch", title, lines, chance if is_share else None, is_share, ring))
    rows = [row(str(at), *cells) for at, *cells in zip(numbers, *columns.values(), strict=True)]
    return Figure(
        "Loss and accuracy by epoch; epoch 0 is before any training. A ring marks the epoch that is judged here.",
        charts,
        Table("Loss and accuracy by epoch", "Epoch", list(columns), rows),
    )


def confusion_table(validation: Validation, *, opens: bool = False) -> Table:
    """Return the confusion matrix with precision and recall; with ``opens`` a press on a number opens its pictures.

    Of many classes it has those that are confused most often.
    """
    counts, rows = validation.confusion(), []
    classes = most_confused(counts)
    for each in (each for each in validation.per_class() if each.label in classes):
        said = {other: counts[each.label][other] for other in classes}
        cells = shaded(said, right=each.label)
        if opens:
            pairs = zip(cells, said.items(), strict=True)
            cells = [replace(cell, opens=(each.label, other)) if n else cell for cell, (other, n) in pairs]
        precision = "–" if each.precision is None else percent(each.precision)
        scores = precision, percent(each.recall), f"{each.f1:.2f}", f"{each.support:,}"
        rows.append(row(each.label, *cells, *scores, colour=colour_of(each.label)))
    caption = f"What epoch {validation.epoch} says of the {len(validation.pictures)} validation pictures"
    note = "Press a number to see its pictures." if opens else ""
    if len(classes) < len(validation.classes):
        note += f" Of its {len(validation.classes):,} classes the {len(classes)} that are confused most often."
    head = (*classes, "Precision", "Recall", "F1", "Pictures")
    return Table(caption, "shows ↓ said →", head, rows, note=note.strip())


def settings_table(config: TrainConfig) -> Table:
    """Return all settings of a training, without places."""
    named = {"pictures": PurePath(config.pictures).name, "backbone": plain_name(config.backbone)}
    rows = [row(name.replace("_", " "), _setting(value)) for name, value in {**config.to_json(), **named}.items()]
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
    rows = []
    for name, folder in comparison.folders.items():
        for each in comparison.pooled(name).pictures:
            confidence = exact_percent(each.correct_confidence)
            cells = within(each.picture, folder), each.label, each.predicted, confidence, each.sha256
            rows.append(row(name, *cells, colour=comparison.colour(name)))
    caption = f"The sample: {count(len(rows), 'picture')} with their hashes"
    head = ("Picture", "Shows", "Said", "Correct class", "SHA-256")
    blocks: list[Block] = [
        Text("In the project’s folder. Where “path/to” stands, put where the pictures lie."),
        Command("Train the model anew; the run’s name is printed, and is new.", _train(material)),
        Command("Compare: draw the same samples from the same sets, and judge them.", _compare(material)),
        Command("Write this report.", f"python -m emotion report {shlex.join(report)}"),
        Facts(facts),
        Table(caption, "Set", head, rows, is_text=True, is_folded=True),
    ]
    return Section("How to repeat it", blocks)


def _train(material: Material) -> str:
    config, backbone = material.config, PurePath(material.config.backbone)
    named = f"path/to/{backbone.name}" if backbone.is_absolute() else config.backbone
    line = command_line(replace(config, pictures=place_of(config.pictures), backbone=named))
    processes = material.started.processes if material.started else 1
    return line if processes == 1 else line.replace("python", f"torchrun --nproc-per-node {processes}", 1)


def _compare(material: Material) -> str:
    comparison, size = material.comparison, material.comparison.size
    words = ["python", "-m", "emotion", "compare", "--run", material.run.name]
    for name, folder in comparison.folders.items():
        words += ["--set", f"{name}={place_of(folder)}"]
    words += ["--emotion", material.emotion or "all", "--size", "all" if size is None else str(size)]
    words += ["--seed", str(comparison.seed)]
    words += ["--use-aliases"] if comparison.use_aliases else []
    words += ["--relaxed-as-tired"] if comparison.relaxed_as_tired else []
    return shlex.join(words)
