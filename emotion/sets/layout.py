"""Which class each picture of a source is of, by the folders it lies in, and what a person should know of that."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from emotion.labels import EMOTIONS, emotion_meant, in_order
from emotion.sets.entries import Entry
from emotion.sets.manifest import Skipped
from emotion.sets.naming import alike, class_label, plain_text, shown

_NAMED = 3


@dataclass(frozen=True)
class Layout:
    """Entries with their labels, those that lie in no class folder, and sentences on how the folders were read."""

    labelled: list[tuple[Entry, str]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def lay_out(entries: Sequence[Entry], *, use_aliases: bool) -> Layout:
    """Give each entry the name of its innermost folder as its label, as ``list_pictures`` does.

    A folder that holds everything, class folders and loose pictures, is no class. Names that differ only in case or in
    their Unicode form are one class, since a file system may take them for one. With ``use_aliases``, a name that means
    an emotion is that emotion.

    Raises:
        PictureError: a class folder has a name that cannot be kept.
    """
    laid = Layout()
    wrapping = _wrapping(entries)
    if wrapping:
        laid.notes.append(f"Everything lies in {shown('/'.join(wrapping))!r}: the class folders within are read.")
    folders: Counter[str] = Counter()
    above: defaultdict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if len(entry.parts) - len(wrapping) > 1:
            folders[entry.parts[-2]] += 1
    labels = _labels(folders, laid.notes, use_aliases=use_aliases)
    for entry in entries:
        *way, _ = entry.parts[len(wrapping) :]
        if not way:
            laid.skipped.append(Skipped(entry.name, "It lies in no class folder."))
            continue
        label = labels[way[-1]]
        above[label].add("/".join(way))
        laid.labelled.append((entry, label))
    laid.notes.extend(_gathered(above))
    return laid


def _wrapping(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return the folders that all entries lie in, as far as these hold several folders of pictures."""
    folders = {entry.parts[:-1] for entry in entries}
    shared: list[str] = []
    for level in zip(*folders, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    while shared and len({folder[len(shared)] for folder in folders if len(folder) > len(shared)}) < 2:
        shared.pop()
    return tuple(shared)


def _labels(folders: Counter[str], notes: list[str], *, use_aliases: bool) -> dict[str, str]:
    """Return the label of each class folder's name."""
    plain = {folder: class_label(folder) for folder in sorted(folders)}
    for folder, label in plain.items():
        if alike(plain_text(folder)) != alike(label):
            notes.append(f"The class folder {shown(folder)!r} is called {label!r}, which every file system can hold.")
    if use_aliases:
        plain = {folder: emotion_meant(label) for folder, label in plain.items()}
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for folder, label in plain.items():
        spellings[alike(label)][label] += folders[folder]
    chosen = {}
    for key, counted in spellings.items():
        chosen[key] = max(sorted(counted), key=lambda label: (label in EMOTIONS, spellings[alike(label)][label]))
        if len(counted) > 1:
            names = " and ".join(repr(label) for label in sorted(counted))
            notes.append(f"{names} are read as one class, {chosen[key]!r}: they differ only in how they are written.")
    return {folder: chosen[alike(label)] for folder, label in plain.items()}


def _gathered(above: dict[str, set[str]]) -> list[str]:
    several = {label: sorted(ways) for label, ways in above.items() if len(ways) > 1}
    if not several:
        return []
    first = in_order(set(several))[0]
    ways = [shown(way) for way in several[first]]
    more = f" and {len(ways) - _NAMED} more" if len(ways) > _NAMED else ""
    return [
        f"Pictures of one class lie in several folders ({', '.join(ways[:_NAMED])}{more}) and are read as one: "
        "a split into parts that the source brings along is not kept."
    ]
