"""Put a report together from a comparison's file: what is asked, found, doubted, and how to repeat it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from emotion.analysis.blocks import Block, Heading, Report, Section, Text
from emotion.analysis.results import differences, results
from emotion.analysis.studies import STUDIES
from emotion.core.format import listed
from emotion.report.asking import asked, head
from emotion.report.limits import limits
from emotion.report.material import Material
from emotion.report.repeating import repeating
from emotion.report.sampling import left_out, shown
from emotion.report.training import model


def build_report(comparison_file: Path, *, ticked: Collection[str] = ()) -> Report:
    """Return the report of a saved comparison, with what is kept of its run and of its studies.

    ``ticked`` are the SHA-256s, or the paths, of the pictures of the comparison that may be shown; by default none is.
    The report names no place where folders lie.

    Raises:
        RunError: the comparison or its run cannot be read.
        ConfigError: the run's settings are not of this version.
    """
    material = Material.of(comparison_file)
    comparison = material.comparison
    sections = [
        asked(material),
        model(material),
        Section("Results", tuple(results(comparison, material.emotion))),
        Section("Differences between the sets", tuple(differences(comparison, material.emotion))),
        left_out(material),
        checks(material),
        shown(material, ticked),
        limits(material),
        repeating(material),
    ]
    return head(material, [section for section in sections if section is not None])


def checks(material: Material, *names: str) -> Section:
    """Return what the studies of a comparison came to, of all or of some, and which were not made."""
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
    return Section("Checks", tuple(blocks))
