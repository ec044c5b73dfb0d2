"""Put a report together from a comparison's file: what is asked, found, doubted, and how to repeat it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from emotion.report.asking import asked, head
from emotion.report.checks import checks
from emotion.report.content import Report
from emotion.report.limits import limits
from emotion.report.material import Material
from emotion.report.repeating import repeating
from emotion.report.results import differences, results
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
    sections = [
        asked(material),
        model(material),
        results(material),
        differences(material),
        left_out(material),
        checks(material),
        shown(material, ticked),
        limits(material),
        repeating(material),
    ]
    return head(material, [section for section in sections if section is not None])
