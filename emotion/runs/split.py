"""What a run trains on and validates on: ``split.json`` of its folder, written once and read by whoever asks."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from emotion.core.errors import RunError
from emotion.core.files import write_json
from emotion.data.folders import Picture, class_names
from emotion.data.sampling import Split
from emotion.runs.run import Run

FILE = "split.json"


@dataclass(frozen=True)
class SplitRow:
    """A picture by its path below the picture set, its class, and the SHA-256 of its content."""

    picture: str
    label: str
    sha256: str


@dataclass(frozen=True)
class SplitRecord:
    """The rows of both parts, in the order in which a training counts its pictures."""

    train: list[SplitRow]
    validation: list[SplitRow]

    @property
    def rows(self) -> list[SplitRow]:
        """Those of both parts."""
        return self.train + self.validation

    @classmethod
    def of(cls, parts: Split, root: Path) -> SplitRecord:
        """Return the record of pictures that lie below ``root``; each file is read for its hash.

        Raises:
            OSError: a picture is gone.
        """
        where = root.resolve()

        def rows(pictures: list[Picture]) -> list[SplitRow]:
            return [
                SplitRow(picture.path.relative_to(where).as_posix(), picture.label, picture.sha256)
                for picture in pictures
            ]

        return cls(rows(parts.train), rows(parts.validation))

    def parts(self, root: Path) -> Split:
        """Return the split whose record this is, whatever lies below ``root`` by now. Opens no picture."""
        where = root.resolve()

        def pictures(rows: list[SplitRow]) -> list[Picture]:
            return [Picture(where / row.picture, row.label) for row in rows]

        train, validation = pictures(self.train), pictures(self.validation)
        return Split(class_names(train + validation), train, validation)

    def save(self, run: Run) -> None:
        """Write it into the run's folder.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        write_json(run.path / FILE, asdict(self))


def load_split(run: Run) -> SplitRecord:
    """Read what a run trains on.

    Raises:
        RunError: it is not recorded, or cannot be read.
    """
    try:
        values = json.loads((run.path / FILE).read_text(encoding="utf-8"))
        train, validation = ([SplitRow(**row) for row in values[part]] for part in ("train", "validation"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError("What this run was trained on is not known any more: train it anew.") from error
    return SplitRecord(train, validation)
