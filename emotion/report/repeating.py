"""How to repeat what a report tells of: the commands, the versions, and what was in the sample."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from emotion.analysis.blocks import Block, Cell, Command, Facts, Folded, Row, Section, Table, Text
from emotion.core.config import command_line
from emotion.core.format import count, exact_percent
from emotion.core.labels import colour_of_set
from emotion.data.folders import within
from emotion.report.material import Material
from emotion.report.naming import place_of
from emotion.runs.split import SplitRow


def repeating(material: Material) -> Section:
    """Return the exact commands, with stand-ins for where folders lie, and what to hold a repetition against."""
    kept = shlex.join(["--run", material.run.name, "--comparison", material.file.name])
    blocks: list[Block] = [
        Text("In the project’s folder. Where “path/to” stands, put where the pictures lie."),
        Command("Train the model anew; the run’s name is printed, and is new.", _train(material)),
        Command("Compare: draw the same samples from the same sets, and judge them.", _compare(material)),
        Command("Write this report.", f"python -m emotion report {kept} --to report.html"),
        Facts(tuple(_facts(material))),
        Folded(f"The sample: {count(_sampled(material), 'picture')} with their hashes", _sample(material)),
    ]
    return Section("How to repeat it", tuple(blocks))


def fingerprint(rows: Sequence[SplitRow]) -> str:
    """Return the SHA-256 of the sorted SHA-256s of some pictures, one a line: the same for the same pictures."""
    return hashlib.sha256("\n".join(sorted(row.sha256 for row in rows)).encode("ascii")).hexdigest()


def _train(material: Material) -> str:
    config = material.config
    backbone = config.backbone
    if PurePath(backbone).is_absolute():
        backbone = f"path/to/{PurePath(backbone).name}"
    line = command_line(replace(config, pictures=place_of(config.pictures), backbone=backbone))
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


def _facts(material: Material) -> list[tuple[str, str]]:
    comparison, versions = material.comparison, material.record.get("versions") or {}
    facts = [
        ("Seeds", f"{material.config.seed} of the training, {comparison.seed} of the samples"),
        ("Precision", f"{comparison.precision}; in another one, or on another machine, expect small differences"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items()) or "not recorded"),
    ]
    for part, title in (("train", "Trained on"), ("validation", "Validated on")):
        rows = material.split.get(part) or []
        if rows:
            facts.append((title, f"{count(len(rows), 'picture')}, together sha256 {fingerprint(rows)}"))
    if material.split:
        facts.append(("Together", "the SHA-256 of the pictures’ sorted SHA-256s, one a line"))
    return facts


def _sampled(material: Material) -> int:
    return sum(each.n for results in material.comparison.sets.values() for each in results.values())


def _sample(material: Material) -> Table:
    rows = [
        Row(
            name,
            (
                Cell(within(each.picture, material.comparison.folders[name])),
                Cell(each.label),
                Cell(each.predicted),
                Cell(exact_percent(each.correct_confidence)),
                Cell(each.sha256),
            ),
            colour=colour_of_set(name),
        )
        for name, results in material.comparison.sets.items()
        for result in results.values()
        for each in result.pictures
    ]
    head = ("Picture", "Shows", "Said", "Correct class", "SHA-256")
    return Table("Every picture that was judged", "Set", head, tuple(rows), is_text=True)
