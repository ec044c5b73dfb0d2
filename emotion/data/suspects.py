"""Which pictures of a set may be labelled wrongly, as was found last: a file beside them. Knows no features."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from emotion.data.sets import SavedSet
from emotion.writing import write_json

FILE = "suspects.json"


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
    """Keep what was found, by the SHA-256 of each picture.

    Raises:
        OSError: the folder is full or cannot be written.
    """
    write_json(found.folder / FILE, {sha256: asdict(each) for sha256, each in suspects.items()})


def kept_suspects(found: SavedSet) -> dict[str, Suspect]:
    """Return what was found of the pictures that still have the label that was judged; nothing from a torn file."""
    try:
        values = json.loads((found.folder / FILE).read_text(encoding="utf-8"))
        known = {str(sha256): Suspect(**each) for sha256, each in values.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
    labels = {row.sha256: row.label for row in found.manifest.pictures}
    return {sha256: each for sha256, each in known.items() if labels.get(sha256) == each.label}
