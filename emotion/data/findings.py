"""What a person should know of a set before using it: sentences, and which pictures may be labelled wrongly."""

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

# A class with more than this many times as many pictures as the middle one of the others is said to rule.
RULES_AT = 3.0
SWITCH = "With “Class weights”, a setting of the training, every class counts alike."
_TOLD = 5
_SUSPECTS_FILE = "suspects.json"


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
        found.append(f"{_are(len(manifest.skipped), 'file')} left out{copies}.")
    found += [
        f"A contradiction: the same picture is said to be {' and '.join(each.labels)} "
        f"({', '.join(map(shown, each.originals))}). It is left out: keep one and import again."
        for each in manifest.contradictions[:_TOLD]
    ]
    if len(manifest.contradictions) > _TOLD:
        found.append(f"There are {len(manifest.contradictions) - _TOLD:,} contradictions more.")
    counts = manifest.counts()
    if len(counts) == 1:
        found.append(f"There is one class only, {next(iter(counts))!r}: it can be compared, and not trained on.")
    if balance := balance_sentence(counts):
        found.append(balance)
    labels = {row.file: row.label for row in manifest.pictures}
    if within := [each for each in manifest.near_duplicates if not each.set]:
        other = sum(labels.get(each.file) != labels.get(each.like) for each in within)
        found.append(
            f"{_are(len(within), 'picture')} nearly the same as another one of this set, {other:,} of them under "
            "another label. None is left out: where one is trained on and one judged, the score is too good."
        )
    return found + [
        f"{_are(count, 'picture')} nearly the same as one in the set {key!r}: do not train on one of these sets and "
        "judge with the other."
        for key, count in Counter(each.set for each in manifest.near_duplicates if each.set).items()
    ]


def _are(number: int, noun: str) -> str:
    return f"{counted(number, noun)} {'is' if number == 1 else 'are'}"


@dataclass(frozen=True)
class Suspect:
    """What the features say of a picture's ``label``: the class it is ``nearest`` to, and by how much.

    ``doubt`` is the log odds of the nearest other class against its own: above 0, another one is nearer. They tell
    pictures apart; with few pictures and many features they are far too sure of themselves to be told as chances.
    """

    label: str
    nearest: str
    doubt: float

    @property
    def is_doubted(self) -> bool:
        """Whether another class is nearer than its own."""
        return self.nearest != self.label


def keep_suspects(found: SavedSet, suspects: Mapping[str, Suspect]) -> None:
    """Keep what was found beside the set, by the SHA-256 of each picture. Raises OSError where it is full."""
    write_json(found.folder / _SUSPECTS_FILE, {sha256: asdict(each) for sha256, each in suspects.items()})


def kept_suspects(found: SavedSet) -> dict[str, Suspect]:
    """Return what was found of the pictures that still have the label that was judged; nothing from a torn file."""
    try:
        values = json.loads((found.folder / _SUSPECTS_FILE).read_text(encoding="utf-8"))
        known = {str(sha256): Suspect(**each) for sha256, each in values.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
    labels = {row.sha256: row.label for row in found.manifest.pictures}
    return {sha256: each for sha256, each in known.items() if labels.get(sha256) == each.label}
