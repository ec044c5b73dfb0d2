"""Which folder names are classes: emotions first, never a split's name, and a question where it is unclear."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping

from emotion.data.names import alike, kept_text, plain_text, shown
from emotion.errors import PictureError
from emotion.labels import EMOTIONS, emotion_meant

Parts = tuple[str, ...]
_SPLIT = re.compile(
    r"(train|training|val|valid|validation|test|testing|dev|eval|evaluation)([ _-]?(set|data|images?|\d+))?",
    re.IGNORECASE,
)


def read_classes(folders: Collection[Parts], notes: list[str], *, title: str) -> dict[Parts, str]:
    """Return the class of each folder that holds pictures; none for those that lie outside of all classes."""
    ways = {folder: tuple(part for part in folder if not _SPLIT.fullmatch(part)) for folder in folders}
    shared: list[str] = []
    for level in zip(*[way[:-1] for way in ways.values() if way], strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    inner = {folder: way[len(shared) :] for folder, way in ways.items()}
    if not any(_emotions(way) for way in inner.values()) and any(_emotions(way) for way in ways.values()):
        inner = ways
    elif shared:
        notes.append(f"Everything lies in {shown('/'.join(shared))!r}: the class folders within are read.")
    is_of_emotions = any(_emotions(way) for way in inner.values())
    found = _beside_emotions(inner) if is_of_emotions else _one_level(inner, title=title)
    above: defaultdict[str, set[str]] = defaultdict(set)
    for folder, label in found.items():
        above[alike(label)].add("/".join(folder))
    several = next((sorted(each) for each in above.values() if len(each) > 1), [])
    if several:
        more = f" and {len(several) - 3} more" if len(several) > 3 else ""
        notes.append(
            f"Pictures of one class lie in several folders ({', '.join(map(shown, several[:3]))}{more}) and are read "
            "as one: a split into parts that the source brings along is not kept."
        )
    return found


def _emotions(way: Parts) -> list[int]:
    """Return the places of a way that are called after an emotion."""
    return [place for place, part in enumerate(way) if emotion_meant(plain_text(part)) in EMOTIONS]


def _beside_emotions(ways: Mapping[Parts, Parts]) -> dict[Parts, str]:
    """Return each folder's class where some are called after emotions: that name, or the one that stands beside one."""
    parents = {way[:place] for way in ways.values() for place in _emotions(way)[-1:]}
    found = {}
    for folder, way in ways.items():
        places = _emotions(way)[-1:] or [place for place in range(len(way)) if way[:place] in parents][-1:]
        if places:
            found[folder] = way[places[0]]
    # Elsewhere, what is a class beside an emotion is one too.
    known = {alike(label) for label in found.values()}
    for folder, way in ways.items():
        if folder not in found and (parts := [part for part in way if alike(part) in known]):
            found[folder] = parts[-1]
    return found


def _one_level(ways: Mapping[Parts, Parts], *, title: str) -> dict[Parts, str]:
    """Return each folder's class where no name is an emotion's.

    Raises:
        PictureError: folders lie within folders, and which of them are the classes cannot be told.
    """
    ways = {folder: way for folder, way in ways.items() if way}
    outer, inner = ({way[end] for way in ways.values()} for end in (0, -1))
    # Where each outer folder holds pictures itself, what lies within it is a part of it.
    if outer - {way[0] for way in ways.values() if len(way) == 1}:
        first, second = (", ".join(shown(each) for each in sorted(names)[:4]) for names in (outer, inner))
        raise PictureError(
            f"The classes of {title} can be read in two ways, as {first} (the outer folders) or as {second} (the inner "
            "ones): give a folder with one folder per class."
        )
    return {folder: way[0] for folder, way in ways.items()}


def one_spelling(counts: Mapping[str, int], notes: list[str], *, use_aliases: bool) -> dict[str, str]:
    """Return how each class is called: one name for those that differ only in how they are written."""
    meant = {label: plain_text(kept_text(label)) or label for label in counts}
    if use_aliases:
        meant = {label: emotion_meant(name) for label, name in meant.items()}
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for label, name in meant.items():
        spellings[alike(name)][name] += counts[label]
    chosen = {}
    for key, counted in spellings.items():
        chosen[key] = max(sorted(counted), key=lambda name: (name in EMOTIONS, counted[name]))
        if len(counted) > 1:
            written = " and ".join(repr(name) for name in sorted(counted))
            notes.append(f"{written} are read as one class, {chosen[key]!r}: they differ only in how they are written.")
    return {label: chosen[alike(name)] for label, name in meant.items()}
