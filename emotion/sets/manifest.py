"""What is written beside a set's pictures: where each came from, what was left out and why. Standard library only."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from emotion.errors import PictureError
from emotion.labels import in_order

FILE = "manifest.json"
SCHEMA = 1
SourceKind = Literal["zip", "folder", "files", "data set"]


@dataclass(frozen=True, slots=True)
class PictureRow:
    """A picture of a set: ``file`` within the set, and ``original``, its relative name where it came from.

    ``width`` and ``height`` are those of the upright picture in pixels; ``sha256`` is of the file as it lies here;
    ``fingerprint`` is the perceptual hash of ``emotion.pictures.duplicates``, 256 bits as hexadecimal digits.
    """

    file: str
    label: str
    sha256: str
    width: int
    height: int
    original: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out, by its relative name where it came from, and why: a sentence that begins with "It"."""

    original: str
    reason: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The same picture under several labels; since nobody can tell which is right, none of them is in the set."""

    originals: list[str]
    labels: list[str]


@dataclass(frozen=True, slots=True)
class Likeness:
    """A picture that looks like another one, mirrored or not; ``share`` (0 to 1) of their fingerprints' bits differ.

    ``set`` is the folder of the set that ``like`` is in; empty for the same one.
    """

    file: str
    like: str
    set: str
    share: float


@dataclass(frozen=True)
class Manifest:
    """A set's name and species as a person gave them, when and what it was imported from (a Unix time), and its rows.

    ``notes`` are sentences on how the source was read; ``duplicates`` counts exact copies, which are among ``skipped``.
    """

    name: str
    species: str
    created: float
    source: SourceKind
    pictures: list[PictureRow]
    skipped: list[Skipped]
    duplicates: int
    contradictions: list[Contradiction]
    near_duplicates: list[Likeness]
    notes: list[str]

    def counts(self) -> dict[str, int]:
        """Return how many pictures each class has, in the order they are shown."""
        counted = Counter(row.label for row in self.pictures)
        return {label: counted[label] for label in in_order(set(counted))}

    @classmethod
    def from_json(cls, value: Any) -> Manifest:
        """Return what ``write_manifest`` wrote.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: it is torn, or of another schema.
        """
        if value["schema"] != SCHEMA:
            raise ValueError(f"schema {value['schema']}")
        return cls(
            name=str(value["name"]),
            species=str(value["species"]),
            created=float(value["created"]),
            source=value["source"],
            pictures=[PictureRow(**row) for row in value["pictures"]],
            skipped=[Skipped(**row) for row in value["skipped"]],
            duplicates=int(value["duplicates"]),
            contradictions=[Contradiction(**row) for row in value["contradictions"]],
            near_duplicates=[Likeness(**row) for row in value["near_duplicates"]],
            notes=[str(note) for note in value["notes"]],
        )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into a set's folder, row by row, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    beside = folder / f".{FILE}"
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.writelines(_pieces(manifest))
        beside.replace(folder / FILE)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _pieces(manifest: Manifest) -> Iterator[str]:
    """Yield the file, each row of a list on a line of its own: indented all through it takes three times as long.

    What can be counted from its rows stands in it for readers.
    """
    values = {"schema": SCHEMA, "classes": manifest.counts()}
    values |= {each.name: getattr(manifest, each.name) for each in fields(manifest)}
    for number, (name, value) in enumerate(values.items()):
        yield f'{"," if number else "{"}\n "{name}": '
        if isinstance(value, list):
            yield "["
            for place, row in enumerate(value):
                yield f"{',' if place else ''}\n  {_encoded(row)}"
            yield "\n ]" if value else "]"
        else:
            yield _encoded(value)
    yield "\n}\n"


def _encoded(value: Any) -> str:
    # Faster than asdict, which copies: a set may have fifty thousand rows.
    names = [each.name for each in fields(value)] if is_dataclass(value) else None
    return json.dumps({name: getattr(value, name) for name in names} if names else value, ensure_ascii=False)


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a set's folder; one that has not changed since is not read again.

    Raises:
        PictureError: there is none, or it is torn.
    """
    try:
        stat = (folder / FILE).stat()
        return _read(folder.absolute(), (stat.st_mtime_ns, stat.st_size, stat.st_ino))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PictureError(
            f"{folder} is not a picture set that can be read: its {FILE} is missing, torn or of another version."
        ) from error


# A page asks for its sets at every click, and 50,000 rows take half a second to read.
@lru_cache(maxsize=16)
def _read(folder: Path, stamp: tuple[int, int, int]) -> Manifest:
    return Manifest.from_json(json.loads((folder / FILE).read_text(encoding="utf-8")))
