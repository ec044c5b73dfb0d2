"""Build a report from a comparison's file: question, results, checks, limits, and how to repeat it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path, PurePath

from emotion.analysis.blocks import Block, Facts, Heading, Report, Section, Table, Text, row
from emotion.analysis.comparison import REFERENCE, Comparison
from emotion.analysis.findings import caveats, headline, plural
from emotion.analysis.results import differences, results
from emotion.analysis.studies import STUDIES
from emotion.core.format import capital, count, in_words, listed, moment, percent
from emotion.core.labels import DRAWN_NOTE
from emotion.data.drawn import is_drawn
from emotion.report.limits import limits
from emotion.report.material import Material, plain_name
from emotion.report.sample import left_out, repeating, shown
from emotion.report.training import model


def build_report(comparison_file: Path, *, ticked: Collection[str] = ()) -> Report:
    """Return the report of a saved comparison, with its run and its saved studies.

    ``ticked`` are the SHA-256s or the paths of the pictures to show; by default none. The report contains no paths of
    folders. Raises RunError or ConfigError if the comparison or its run cannot be read.
    """
    material = Material.of(comparison_file)
    comparison, emotion = material.comparison, material.emotion
    sizes = {result.n for result in comparison.results(emotion).values()}
    pictures = f"{capital(count(sizes.pop(), 'picture'))} a set" if len(sizes) == 1 else "Sets of different sizes"
    sections = [
        asked(material),
        model(material),
        Section("Results", results(comparison, emotion)),
        Section("Differences between the sets", differences(comparison, emotion)),
        left_out(material),
        checks(material),
        shown(material, ticked),
        limits(material),
        repeating(material),
    ]
    return Report(
        title=_title(comparison, emotion),
        dateline=f"Report card of a comparison, {moment(comparison.created)}",
        answer=" ".join(headline(comparison, emotion)),
        basis="Right: the correct class is the most likely one. In brackets 95 % intervals. "
        f"{pictures}, seed {comparison.seed}, judged at 95 %, computed in {comparison.precision}. "
        f"Run {material.run.name}, {plain_name(material.config.backbone)}.",
        warnings=[*([DRAWN_NOTE] if material.is_drawn else []), *caveats(comparison, emotion)],
        sections=[section for section in sections if section is not None],
    )


def asked(material: Material) -> Section:
    """Return the question: the model, the pictures and the level of chance."""
    comparison, classes = material.comparison, material.comparison.classes
    emotions = comparison.emotions()
    chance, of = percent(comparison.chance), in_words(len(classes))
    size = "every picture" if comparison.size is None else count(comparison.size, "picture")
    each = "each set" if len(emotions) == 1 else "each emotion of each set"
    drawing = "" if comparison.size is None else f", drawn in the order of seed {comparison.seed}"
    looks = sorted({material.file.name, *(path.name for path in material.file.parent.glob("*.json"))})
    look = looks.index(material.file.name) + 1
    return Section(
        "What was asked",
        [
            Text(
                f"A classifier of pictures learned {listed(classes)} from the pictures of "
                f"“{PurePath(material.config.pictures).name}”. Here it is shown pictures of other sets, each with the "
                "emotion that people say it shows. The question is whether what it learned carries over."
            ),
            Text(
                "The measure is the mean correct-class confidence: the probability that the model gives to the correct "
                "class, averaged over pictures. Beside it stands how many pictures are right: their correct class is "
                f"the most likely one. Guessing among {of} classes gets {chance} of either; that is chance."
            ),
            Facts(
                [
                    (
                        "Emotion shown",
                        f"“{emotions[0]}” alone" if len(emotions) == 1 else f"each of {listed(emotions)}",
                    ),
                    ("Sample", f"{size} of {each}{drawing}"),
                    ("Chance", f"{chance}, one of {of} classes"),
                    ("Looks", f"comparison {look} of {len(looks)} that are kept of this run"),
                ]
            ),
            sets_table(comparison),
        ],
    )


def checks(material: Material, *names: str) -> Section:
    """Return the results of a comparison's studies, or of the named ones, and which were not made."""
    blocks: list[Block] = []
    lacking = []
    for study in STUDIES:
        if not study.is_reported or (names and study.name not in names):
            continue
        found = study.kept(material.file)
        if found is None:
            lacking.append(study.title.lower())
        else:
            blocks += [Heading(study.title), *study.blocks(found, material.comparison)]
    if lacking:
        blocks.append(Text(f"Not checked: {listed(lacking)}.", "note"))
    return Section("Checks", blocks)


def _title(comparison: Comparison, emotion: str | None) -> str:
    # A model of people is asked about the other species.
    reference = comparison.reference
    known = reference if reference.startswith(REFERENCE) else None
    others = [plural(name) for name in comparison.sets if name != known] or [plural(reference)]
    return f"Does this model read {f'{emotion} ' if emotion else 'the emotions of '}{listed(others)}?"


def sets_table(comparison: Comparison) -> Table:
    """Return the sets of a comparison, and the class that each class folder was read as."""
    rows = []
    for name, folder in comparison.folders.items():
        place = PurePath(folder).name, "drawn by this project" if is_drawn(folder) else ""
        classes = _read_as(comparison.mapping.get(name, {}))
        rows.append(row(name, place, f"{comparison.pooled(name).n:,}", classes, colour=comparison.colour(name)))
    caption = "The sets, and what their class folders were read as"
    return Table(caption, "Set", ("Folder", "Pictures", "Classes"), rows, is_text=True)


def _read_as(mapping: Mapping[str, str | None]) -> str:
    same = [folder for folder, label in mapping.items() if label == folder]
    parts = [f"{listed(same)} as named"] if same else []
    parts += [f"{folder} read as {label}" for folder, label in mapping.items() if label and label != folder]
    parts += [f"{folder} not used" for folder, label in mapping.items() if not label]
    return "; ".join(parts) or "not recorded"
