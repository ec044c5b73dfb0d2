"""A split of picture files, labelled by the folders they lie in or by a list beside them. Opens no picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from emotion.job import Progress
from emotion.sets.hub.columns import MAX_LABELS, label_text
from emotion.sets.hub.mapped import Listed
from emotion.sets.hub.parts import Parts
from emotion.sets.hub.places import Place
from emotion.sets.limits import Limits

_LISTS = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


class Listing:
    """The picture files of one split, as datasets lists them."""

    def __init__(self, place: Place, parts: Parts, split: str, *, limits: Limits, deadline: float) -> None:
        import datasets

        self._place = place
        self._known = set(parts.files[split])
        lists = [file for file in parts.files[split] if PurePosixPath(file).name in _LISTS]
        for _ in place.fetch(lists, limits=limits, deadline=deadline):
            pass
        builder = parts.builder
        wanted = {each: files for each, files in builder.config.data_files.items() if str(each) == split}
        builder.config.data_files = datasets.data_files.DataFilesDict(wanted)
        builder.download_and_prepare(verification_mode="no_checks")
        self._rows = builder.as_dataset(split=split)
        self.features: dict[str, Any] = dict(self._rows.features)

    def rows(self) -> int:
        """Return how many rows there are."""
        return len(self._rows)

    def encoded(self, column: str) -> bool:
        """Say no: what bytes a list holds are no pictures."""
        return False

    def labels(self, columns: Sequence[str]) -> dict[str, dict[str, int | None]]:
        """Return how often each label stands in each of these columns, without those that have too many."""
        found: dict[str, dict[str, int | None]] = {}
        for name in columns:
            counter = Counter(label_text(value, self.features[name]) for value in self._rows[name])
            named = list(getattr(self.features[name], "names", ()))
            labels = [*named, *sorted(counter.keys() - set(named) - {""})]
            if 0 < len(labels) <= MAX_LABELS:
                found[name] = {label: counter[label] for label in labels}
        return found

    def copy(
        self, picture: str, label: str, *, scratch: Path, limits: Limits, deadline: float
    ) -> Generator[Progress, None, Listed]:
        """Return the rows; nothing has to be copied."""
        import datasets

        yield Progress(0, 0, "reading the list of pictures")
        rows = self._rows.select_columns([picture, label]).cast_column(picture, datasets.Image(decode=False))
        return Listed(
            [(self._inside(row[picture]), label_text(row[label], self.features[label])) for row in rows],
        )

    def _inside(self, value: dict[str, Any] | None) -> Path | None:
        """Return the file of a picture if it is one of this split: a list may name others, anywhere."""
        path = Path(str((value or {}).get("path") or ""))
        inside = path.is_relative_to(self._place.folder) and ".." not in path.parts
        return path if inside and path.relative_to(self._place.folder).as_posix() in self._known else None
