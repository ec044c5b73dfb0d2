"""The head of a report and what was asked: the title, the answer in one sentence, the sets and the sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from emotion.analysis.blocks import Block, Cell, Facts, Report, Row, Section, Table, Text
from emotion.analysis.comparison import REFERENCE, Comparison
from emotion.analysis.findings import caveats, headline, plural, reference_of
from emotion.core.format import count, in_words, listed, moment, percent
from emotion.core.labels import DRAWN_NOTE, colour_of_set
from emotion.data.drawn import is_drawn
from emotion.report.material import Material
from emotion.report.naming import plain_name


def head(material: Material, sections: Sequence[Section]) -> Report:
    """Return a report of some sections with its title, its answer and what belongs beside it."""
    comparison = material.comparison
    warnings = [*([DRAWN_NOTE] if material.is_drawn else []), *caveats(comparison, material.emotion)]
    return Report(
        title=_title(comparison, material.emotion),
        dateline=f"Report card of a comparison, {moment(comparison.created)}",
        answer=" ".join(headline(comparison, material.emotion)),
        basis=_basis(material),
        warnings=tuple(warnings),
        sections=tuple(sections),
    )


def asked(material: Material) -> Section:
    """Return what was asked: of which model, with which pictures, and what chance alone would do."""
    comparison, classes = material.comparison, material.comparison.classes
    emotions = comparison.emotions()
    shown = f"“{emotions[0]}” alone" if len(emotions) == 1 else f"each of {listed(emotions)}"
    size = "every picture of" if comparison.size is None else f"{count(comparison.size, 'picture')} of"
    each = "each set" if len(emotions) == 1 else "each emotion of each set"
    drawing = "" if comparison.size is None else f", drawn in the order of seed {comparison.seed}"
    number, looks = material.looks()
    blocks: list[Block] = [
        Text(
            f"A classifier of pictures learned {listed(classes)} from the pictures of "
            f"“{PurePath(material.config.pictures).name}”. Here it is shown pictures of other sets, each with the "
            "emotion that people say it shows. The question is whether what it learned carries over."
        ),
        Text(
            "The measure is the mean correct-class confidence: the probability that the model gives to the correct "
            "class, averaged over pictures. Beside it stands how many pictures are right, which is to say that their "
            f"correct class is the most likely one. An even guess among {in_words(len(classes))} classes gets "
            f"{percent(comparison.chance)} of either; that is chance."
        ),
        Facts(
            (
                ("Emotion shown", shown),
                ("Sample", f"{size} {each}{drawing}"),
                ("Chance", f"{percent(comparison.chance)}, one of {in_words(len(classes))} classes"),
                ("Looks", f"comparison {number} of {looks} that are kept of this run"),
            )
        ),
        _sets_table(comparison),
    ]
    return Section("What was asked", tuple(blocks))


def _sets_table(comparison: Comparison) -> Table:
    rows = []
    for name, folder in comparison.folders.items():
        mapping = comparison.mapping.get(name, {})
        kind = "drawn by this project" if is_drawn(folder) else ""
        pictures = comparison.pooled(name).n
        rows.append(
            Row(name, (Cell(PurePath(folder).name, kind), Cell(f"{pictures:,}"), Cell(_read_as(mapping))),
                colour=colour_of_set(name))
        )  # fmt: skip
    return Table(
        "The sets, and what their class folders were read as", "Set",
        ("Folder", "Pictures", "Classes"), tuple(rows), is_text=True,
    )  # fmt: skip


def _read_as(mapping: dict[str, str | None]) -> str:
    if not mapping:
        return "not recorded"
    renamed = [f"{folder} read as {label}" for folder, label in mapping.items() if label and label != folder]
    unused = [f"{folder} not used" for folder, label in mapping.items() if not label]
    same = [folder for folder, label in mapping.items() if label == folder]
    return "; ".join([*([f"{listed(same)} as named"] if same else []), *renamed, *unused])


def _title(comparison: Comparison, emotion: str | None) -> str:
    # That it reads people is what it was made for, where it was shown any.
    reference = reference_of(comparison)
    known = reference if reference.startswith(REFERENCE) else None
    others = [plural(name) for name in comparison.sets if name != known] or [plural(reference)]
    return f"Does this model read {f'{emotion} ' if emotion else 'the emotions of '}{listed(others)}?"


def _basis(material: Material) -> str:
    comparison = material.comparison
    sizes = {result.n for result in comparison.results(material.emotion).values()}
    pictures = f"{count(sizes.pop(), 'picture')} a set" if len(sizes) == 1 else "sets of different sizes"
    return (
        "Right: the correct class is the most likely one. In brackets 95 % intervals. "
        f"{pictures[:1].upper()}{pictures[1:]}, seed {comparison.seed}, judged at 95 %, computed in "
        f"{comparison.precision}. Run {material.run.name}, {plain_name(material.config.backbone)}."
    )
