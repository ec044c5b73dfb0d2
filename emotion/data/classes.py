"""Which class a picture belongs to: by its folder, or by a table next to it. Opens no picture."""

from __future__ import annotations

import csv
import io
import json
import math
import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from emotion.core.labels import EMOTIONS, emotion_meant
from emotion.data.names import alike, plain_text, shown

Parts = tuple[str, ...]
# Tables in imagefolder's format. If several columns fit, the one with this name has precedence.
TABLES = ("metadata.csv", "metadata.jsonl")
_LABEL_NAMES = ("label", "labels", "emotion", "expression", "class", "mood", "category", "target")
UNCLEAR = "(the inner ones): give a folder with one folder per class."
_MAX_TABLE_BYTES = 50_000_000
_SPLIT = re.compile(
    r"(train|training|val|valid|validation|test|testing|dev|eval|evaluation)([ _-]?(set|data|images?|\d+))?",
    re.IGNORECASE,
)


def read_classes(folders: Collection[Parts], notes: list[str]) -> dict[Parts, str]:
    """Return the class of each folder that holds pictures; folders outside all classes are left out.

    Folders named after emotions come first; the names of splits are not classes. Where folders are nested and it is
    unclear which of them are the classes, none are, and a note that ends with ``UNCLEAR`` says so.
    """
    ways = {folder: tuple(part for part in folder if not _SPLIT.fullmatch(part)) for folder in folders}
    shared = PurePosixPath(posixpath.commonpath(["/".join(way[:-1]) for way in ways.values() if way] or [""])).parts
    inner = {folder: way[len(shared) :] for folder, way in ways.items()}
    if not any(map(_emotions, inner.values())) and any(map(_emotions, ways.values())):
        inner = ways
    elif shared:
        notes.append(f"Everything lies in {shown('/'.join(shared))!r}: the class folders within are read.")
    found = _beside_emotions(inner) if any(map(_emotions, inner.values())) else _one_level(inner, notes)
    if len({alike(label) for label in found.values()}) < len(found):
        notes.append(
            "Pictures of one class lie in several folders and are read as one: a split that the source brings along is "
            "not kept."
        )
    return found


def _emotions(way: Parts) -> list[int]:
    """Return the positions in a path that are named after an emotion."""
    return [place for place, part in enumerate(way) if emotion_meant(plain_text(part)) in EMOTIONS]


def _beside_emotions(ways: Mapping[Parts, Parts]) -> dict[Parts, str]:
    """Return each folder's class where some are named after emotions: that folder's name, or that of its sibling."""
    parents = {way[:place] for way in ways.values() for place in _emotions(way)[-1:]}
    found = {}
    for folder, way in ways.items():
        for place in _emotions(way)[-1:] or [place for place in range(len(way)) if way[:place] in parents][-1:]:
            found[folder] = way[place]
    # A class found next to an emotion is a class elsewhere too.
    known = {alike(label) for label in found.values()}
    elsewhere = {folder: [part for part in way if alike(part) in known] for folder, way in ways.items()}
    return {folder: parts[-1] for folder, parts in elsewhere.items() if parts} | found


def _one_level(ways: Mapping[Parts, Parts], notes: list[str]) -> dict[Parts, str]:
    """Return each folder's class where no folder is named after an emotion."""
    ways = {folder: way for folder, way in ways.items() if way}
    outer, inner = ({way[end] for way in ways.values()} for end in (0, -1))
    # If every outer folder holds pictures itself, its inner folders are parts of it.
    if outer - {way[0] for way in ways.values() if len(way) == 1}:
        first, second = (", ".join(shown(each) for each in sorted(names)[:4]) for names in (outer, inner))
        notes.append(f"The folders can be read in two ways, as {first} (the outer ones) or as {second} {UNCLEAR}")
        return {}
    return {folder: way[0] for folder, way in ways.items()}


def one_spelling(counts: Mapping[str, int], notes: list[str], *, use_aliases: bool) -> dict[str, str]:
    """Return each class's name: one name for classes that differ only in spelling."""
    meant = {label: plain_text(label) or label for label in counts}
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


def read_table(path: Path) -> tuple[dict[str, list[str]], str]:
    """Return the classes of each file in a table (usually one per file), or the reason why it cannot be read.

    File names (``file_name``) are relative to the table's folder.
    """
    try:
        if path.stat().st_size > _MAX_TABLE_BYTES:
            return {}, "is too large to be read"
        content = path.read_bytes()
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        if path.suffix.lower() == ".csv":
            head = text.partition("\n")[0]
            comma = ";" if head.count(";") > head.count(",") else ","
            rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=comma))
        else:
            rows = [json.loads(line) for line in text.split("\n") if line.strip()]
        columns = list(rows[0]) if rows else []
        label = next((each for name in _LABEL_NAMES for each in columns if each.casefold() == name), "")
        if "file_name" not in columns or not label:
            return {}, f"has no column called {'label' if 'file_name' in columns else 'file_name'}"
        found: dict[str, list[str]] = {}
        for row in rows:
            if row["file_name"]:
                labels = found.setdefault(str(PurePosixPath(row["file_name"].replace("\\", "/"))), [])
                text = label_text(row.get(label))
                labels += [text] if text and alike(text) not in map(alike, labels) else []
    except (OSError, ValueError, csv.Error, TypeError, KeyError, AttributeError, RecursionError) as error:
        return {}, f"cannot be read ({type(error).__name__})"
    return found, ""


def label_text(value: Any) -> str:
    """Return the text of a label; empty where there is none. Whole numbers have no decimals."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()
