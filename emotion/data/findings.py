"""What to know of a set before using it: sentences on its balance, and pictures that may have a wrong label."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from emotion.core.files import write_json
from emotion.core.format import count as counted
from emotion.data.names import shown
from emotion.data.sets import Manifest, SavedSet

# A class dominates with more than this many times the pictures of the median of the other classes.
RULES_AT = 3.0
SWITCH = "With “Class weights”, a setting of the training, every class counts alike."
_TOLD = 5
_SUSPECTS_FILE = "suspects.json"


def balance_sentence(counts: Mapping[str, int]) -> str:
    """Return a sentence if one class dominates, with the accuracy of always predicting it; empty where none does."""
    if len(counts) < 2:
        return ""
    ruling = max(counts, key=counts.__getitem__)
    most, total = counts[ruling], sum(counts.values())
    others = statistics.median(count for label, count in counts.items() if label != ruling)
    if most <= RULES_AT * others:
        return ""
    return (
        f"{ruling!r} rules: {most:,} of {total:,} pictures, {most / others:.1f} times the median of the other classes "
        f"({others:g}). To say {ruling!r} of every picture is right {most / total:.0%} of the time. {SWITCH}"
    )


def findings(manifest: Manifest) -> list[str]:
    """Return sentences on how the set was read, what was left out, dominant classes and near-duplicates."""
    found, counts = list(manifest.notes), manifest.counts()
    if manifest.skipped:
        copies = f", {manifest.duplicates:,} of them as exact copies" if manifest.duplicates else ""
        found.append(f"{_are(len(manifest.skipped), 'file')} left out{copies}.")
    found += [
        f"A contradiction: the same picture is said to be {' and '.join(each.labels)} "
        f"({', '.join(map(shown, each.originals))}). It is left out: keep one and import again."
        for each in manifest.contradictions[:_TOLD]
    ]
    if len(manifest.contradictions) > _TOLD:
        found.append(f"There are {len(manifest.contradictions) - _TOLD:,} contradictions more.")
    if len(counts) == 1:
        found.append(f"There is one class only, {next(iter(counts))!r}: it can be compared, and not trained on.")
    found += filter(None, [balance_sentence(counts)])
    labels = {row.file: row.label for row in manifest.pictures}
    near = Counter(each.set for each in manifest.near_duplicates)
    if within := near.pop("", 0):
        pairs = [each for each in manifest.near_duplicates if not each.set]
        other = sum(labels.get(each.file) != labels.get(each.like) for each in pairs)
        found.append(
            f"{_are(within, 'picture')} nearly the same as another one of this set, {other:,} of them under another "
            "label. None is left out: where one is trained on and one judged, the score is too good."
        )
    return found + [
        f"{_are(count, 'picture')} nearly the same as one in the set {key!r}: do not train on one of these sets and "
        "judge with the other."
        for key, count in near.items()
    ]


def _are(number: int, noun: str) -> str:
    return f"{counted(number, noun)} {'is' if number == 1 else 'are'}"


@dataclass(frozen=True)
class Suspect:
    """What the features suggest about a picture's label."""

    label: str
    nearest: str
    # Log odds of the nearest other class against its own. They rank pictures, and are no probability to be shown.
    doubt: float

    @property
    def is_doubted(self) -> bool:
        """Whether another class is nearer than its own."""
        return self.nearest != self.label


def keep_suspects(found: SavedSet, suspects: Mapping[str, Suspect]) -> None:
    """Save the suspects in the set's folder, by the SHA-256 of each picture. Raises OSError where the disk is full."""
    write_json(found.folder / _SUSPECTS_FILE, {sha256: asdict(each) for sha256, each in suspects.items()})


def kept_suspects(found: SavedSet) -> dict[str, Suspect]:
    """Return the saved suspects whose label has not changed since; none where the file is damaged."""
    try:
        values = json.loads((found.folder / _SUSPECTS_FILE).read_text(encoding="utf-8"))
        known = {str(sha256): Suspect(**each) for sha256, each in values.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
    labels = {row.sha256: row.label for row in found.manifest.pictures}
    return {sha256: each for sha256, each in known.items() if labels.get(sha256) == each.label}
