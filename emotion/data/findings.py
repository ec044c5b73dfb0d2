"""What a person should know of a set before using it, in sentences. Reads manifests only."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping

from emotion.data.names import shown
from emotion.data.sets import Manifest

# A class with more than this many times as many pictures as the middle one of the others is said to rule.
RULES_AT = 3.0
SWITCH = "With “Class weights”, a setting of the training, every class counts alike."
_TOLD = 5


def balance_sentence(counts: Mapping[str, int]) -> str:
    """Say where one class rules, with the share that always naming it gets right; empty where none does.

    Ruling is to have more than ``RULES_AT`` times as many pictures as the median of the other classes.
    """
    if len(counts) < 2:
        return ""
    ruling = max(counts, key=lambda label: counts[label])
    others = statistics.median(count for label, count in counts.items() if label != ruling)
    if counts[ruling] <= RULES_AT * others:
        return ""
    total = sum(counts.values())
    return (
        f"{ruling!r} rules: {counts[ruling]:,} of {total:,} pictures, {counts[ruling] / others:.1f} times the median "
        f"of the other classes ({others:g}). To say {ruling!r} of every picture is right "
        f"{counts[ruling] / total:.0%} of the time. {SWITCH}"
    )


def findings(manifest: Manifest) -> list[str]:
    """Return a sentence for each thing: how it was read, what was left out, what rules, what looks alike."""
    found = list(manifest.notes)
    if manifest.skipped:
        copies = f", {manifest.duplicates:,} of them as exact copies" if manifest.duplicates else ""
        found.append(f"{_counted(len(manifest.skipped), 'file')} left out{copies}.")
    for each in manifest.contradictions[:_TOLD]:
        found.append(
            f"A contradiction: the same picture is said to be {' and '.join(each.labels)} "
            f"({', '.join(shown(name) for name in each.originals)}). It is left out: keep one and import again."
        )
    if len(manifest.contradictions) > _TOLD:
        found.append(f"There are {len(manifest.contradictions) - _TOLD:,} contradictions more.")
    counts = manifest.counts()
    if len(counts) == 1:
        found.append(f"There is one class only, {next(iter(counts))!r}: it can be compared, and not trained on.")
    found.append(balance_sentence(counts))
    return [sentence for sentence in [*found, *_alike(manifest)] if sentence]


def _alike(manifest: Manifest) -> list[str]:
    labels = {row.file: row.label for row in manifest.pictures}
    within = [each for each in manifest.near_duplicates if not each.set]
    found = []
    if within:
        other = sum(labels.get(each.file) != labels.get(each.like) for each in within)
        found.append(
            f"{_counted(len(within), 'picture')} nearly the same as another one of this set, {other:,} of them under "
            "another label. None is left out: where one is trained on and one judged, the score is too good."
        )
    for key, count in Counter(each.set for each in manifest.near_duplicates if each.set).items():
        found.append(
            f"{_counted(count, 'picture')} nearly the same as one in the set {key!r}: do not train on one of these "
            "sets and judge with the other."
        )
    return found


def _counted(count: int, noun: str) -> str:
    return f"1 {noun} is" if count == 1 else f"{count:,} {noun}s are"
