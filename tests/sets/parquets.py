"""Data sets in Parquet files for the tests of importing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from zips import picture

from emotion.sets.bringing import Bring
from emotion.sets.hub.bringing import FromDataSet
from emotion.sets.hub.description import Description, describe
from emotion.sets.hub.source import HubSource, open_source
from emotion.sets.saved import SavedSet, find_set

CLASSES = ("happy", "sad")
ENCODED = pa.struct({"bytes": pa.binary(), "path": pa.string()})


def faces(count: int = 3, *, labels: Sequence[Any] = (0, 1), seed: str = "") -> dict[str, Any]:
    """Return columns: a picture ``face`` and its ``mood``, ``count`` of each label in turn."""
    moods = [label for _ in range(count) for label in labels]
    shots = [
        {"bytes": picture((seed, row), "JPEG" if row % 2 else "PNG"), "path": f"shot {row}.jpg"}
        for row in range(len(moods))
    ]
    return {"face": pa.array(shots, ENCODED), "mood": moods}


def features(**types: Any) -> Any:
    """Return types of columns as datasets writes them into a Parquet file."""
    import datasets

    return datasets.Features(types)


def usual_features(names: Sequence[str] = CLASSES) -> Any:
    import datasets

    return features(face=datasets.Image(), mood=datasets.ClassLabel(names=list(names)))


def write(path: Path, columns: Mapping[str, Any], types: Any = None, **options: Any) -> Path:
    """Write columns into a Parquet file, with datasets' types beside Arrow's where they are given."""
    table = pa.table(dict(columns))
    if types is not None:
        table = table.cast(types.arrow_schema).replace_schema_metadata(types.arrow_schema.metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, **options)
    return path


def last(steps: Any) -> Any:
    """Carry something out to its end and return what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def opened(source: str | Path, *, split: str = "", config: str = "", **options: Any) -> HubSource:
    found: HubSource = last(open_source(describe(source, split=split, config=config), **options))
    return found


def brought(
    source: str | Path | Description,
    root: Path,
    *,
    name: str = "mine",
    split: str = "",
    picture_column: str = "",
    label_column: str = "",
    mapping: Mapping[str, str] | None = None,
    **options: Any,
) -> SavedSet:
    """Carry the import of a data set out to its end."""
    found = source if isinstance(source, Description) else describe(source, split=split)
    way = FromDataSet(found, picture_column, label_column, mapping or {})
    return find_set(last(Bring(way, name=name, root=root, **options).carry_out()).key, root=root)
