"""The split of a run into training and validation pictures: ``split.json`` in its folder, written once."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from emotion.backbones.registry import BackboneSource
from emotion.core.errors import RunError
from emotion.core.files import write_json
from emotion.data.folders import Picture, count_labels
from emotion.data.sampling import Split
from emotion.runs.run import UNREADABLE, Run

FILE = "split.json"


@dataclass(frozen=True)
class SplitRow:
    """A picture: its path relative to the picture set, its class, and the SHA-256 of its content."""

    picture: str
    label: str
    sha256: str


@dataclass(frozen=True)
class SplitRecord:
    """The rows of both parts, in the order in which a training numbers its pictures."""

    train: list[SplitRow]
    validation: list[SplitRow]

    @property
    def rows(self) -> list[SplitRow]:
        """The rows of both parts."""
        return self.train + self.validation

    @classmethod
    def of(cls, parts: Split, root: Path) -> SplitRecord:
        """Return the record of pictures under ``root``; each file is read for its hash.
        Raises OSError where a picture is missing.
        """
        where = root.resolve()

        def rows(part: list[Picture]) -> list[SplitRow]:
            return [SplitRow(each.path.relative_to(where).as_posix(), each.label, each.sha256) for each in part]

        return cls(rows(parts.train), rows(parts.validation))

    def parts(self, root: Path) -> Split:
        """Return the recorded split, even if the files under ``root`` have changed since. Opens no picture."""
        where = root.resolve()
        pictures = [Picture(where / row.picture, row.label) for row in self.rows]
        count = len(self.train)
        return Split(list(count_labels(pictures)), pictures[:count], pictures[count:])

    def save(self, run: Run) -> None:
        """Write the record into the run's folder. Raises OSError where the disk is full or cannot be written."""
        write_json(run.path / FILE, asdict(self))


def load_split(run: Run) -> SplitRecord:
    """Read a run's split. Raises RunError where it is not recorded or cannot be read."""
    try:
        values = json.loads((run.path / FILE).read_text(encoding="utf-8"))
        train, validation = ([SplitRow(**row) for row in values[part]] for part in ("train", "validation"))
    except UNREADABLE as error:
        raise RunError("What this run was trained on is not known any more: train it anew.") from error
    return SplitRecord(train, validation)


def require_unchanged(run: Run, record: SplitRecord, source: BackboneSource) -> None:
    """Raise RunError where the pictures, split as in ``record``, or the backbone are others than the run began with.

    Otherwise it could validate on pictures that it was trained on.
    """
    if load_split(run) != record:
        raise RunError("The pictures have changed since this run began: use its settings again for a new one.")
    if source.sha256 != run.record().get("backbone", {}).get("sha256"):
        raise RunError(
            "The backbone's weights are others than when this run began: use its settings again for a new one."
        )
