"""A split of Parquet files: types, labels and an example by reading parts of them, then one Arrow file of it all.

A Parquet file can be read in order only, and its groups of rows may be larger than the memory. So what is wanted of it
is copied once, a few rows at a time, to an Arrow file, of which the system maps into memory what is looked at.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from emotion.job import Progress
from emotion.sets.hub.columns import MAX_LABELS, bytes_field, label_text, looks_encoded, may_hold_pictures
from emotion.sets.hub.mapped import SCHEMA, Mapped
from emotion.sets.hub.places import Place
from emotion.sets.limits import Limits
from emotion.sets.refusals import refuse_late

# What a look over the network may cost.
_FAR_FILES, _FAR_BYTES, _FAR_SECONDS = 16, 20_000_000, 10.0
_LABELS_AT_ONCE = 4096
_PICTURES_AT_ONCE = 32
_EXAMPLES = 64


class Tables:
    """The Parquet files of one split; ``declared`` are the types of columns that its card gives."""

    def __init__(self, place: Place, files: Sequence[str], declared: Mapping[str, Any]) -> None:
        self._place = place
        self._files = files
        with self._opened(files[0]) as first:
            self.features = _features(first.schema_arrow, declared)
        self._near = not place.far or len(files) <= _FAR_FILES

    def rows(self) -> int | None:
        """Return how many rows there are; None where to know it takes a look into too many files."""
        if not self._near:
            return None
        count = 0
        for file in self._files:
            with self._opened(file) as opened:
                count += opened.metadata.num_rows
        return count

    def encoded(self, column: str) -> bool:
        """Whether the first values of a column of bytes are pictures."""
        with self._opened(self._files[0]) as first:
            for batch in islice(first.iter_batches(batch_size=1, columns=[column]), _EXAMPLES):
                contents = _contents(batch.column(column), self.features[column])
                if (content := contents[0].as_py()) is not None:
                    return looks_encoded(content)
        return False

    def labels(self, columns: Sequence[str]) -> dict[str, dict[str, int | None]]:
        """Return how often each label stands in each of these columns, without those that have too many.

        Where to count them would take long, there is None for each, and only the first ones are found.
        """
        named = {name: list(getattr(self.features[name], "names", ())) for name in columns}
        counts: dict[str, Counter[str]] = {name: Counter() for name in columns}
        counted = self._count(counts, self._files if self._near else self._files[:1]) and self._near
        found: dict[str, dict[str, int | None]] = {}
        for name, counter in counts.items():
            labels = [*named[name], *sorted(counter.keys() - set(named[name]) - {""})]
            if 0 < len(labels) <= MAX_LABELS:
                found[name] = {label: counter[label] if counted else None for label in labels}
        return found

    def copy(
        self, picture: str, label: str, *, scratch: Path, limits: Limits, deadline: float
    ) -> Generator[Progress, None, Mapped]:
        """Copy two columns to an Arrow file in ``scratch`` and return it; a file that has been copied is spent.

        Raises:
            PictureError: it takes longer than the limit.
        """
        kept = scratch / "split.arrow"
        total = self.rows() or 0
        done = 0
        with pa.OSFile(str(kept), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
            for file in self._files:
                with self._opened(file) as opened:
                    for batch in opened.iter_batches(batch_size=_PICTURES_AT_ONCE, columns=[picture, label]):
                        writer.write_batch(self._plain(batch, picture, label))
                        done += batch.num_rows
                        yield Progress(done, total, f"reading {total:,} rows")
                        refuse_late(deadline, limits)
                self._place.spent(file)
        return Mapped(kept)

    def _plain(self, batch: Any, picture: str, label: str) -> Any:
        """Return rows as they are kept: encoded pictures, the names they came with, and labels as texts."""
        values = batch.column(picture)
        texts = [label_text(value, self.features[label]) for value in batch.column(label).to_pylist()]
        columns = [
            _contents(values, self.features[picture]).cast(pa.large_binary()),
            _paths(values).cast(pa.string()),
            pa.array(texts, pa.string()),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)

    def _count(self, counts: dict[str, Counter[str]], files: Sequence[str]) -> bool:
        """Count labels, and drop the columns that have too many of them; False where that would take long."""
        started = time.monotonic()
        for file in files:
            with self._opened(file) as opened:
                if self._place.far:
                    for name in [name for name in counts if _stored(opened, name) > _FAR_BYTES]:
                        del counts[name]
                if not counts:
                    break
                for batch in opened.iter_batches(batch_size=_LABELS_AT_ONCE, columns=list(counts)):
                    for name in list(counts):
                        for each in pc.value_counts(batch.column(name)):
                            text = label_text(each["values"].as_py(), self.features[name])
                            counts[name][text] += each["counts"].as_py()
                        if len(counts[name]) > MAX_LABELS + 1:
                            del counts[name]
                    if self._place.far and time.monotonic() - started > _FAR_SECONDS:
                        return False
        return True

    @contextmanager
    def _opened(self, file: str) -> Iterator[Any]:
        # With a buffer, one row of a large group is read without the rest of it.
        with self._place.opened(file) as raw, pq.ParquetFile(raw, buffer_size=1 << 20, pre_buffer=False) as opened:
            yield opened


def _features(schema: Any, declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the types of the columns that a file has, by its card, else as the file itself says, else as stored."""
    import datasets

    try:
        found = dict(datasets.Features.from_arrow_schema(schema))
    except (ValueError, TypeError, NotImplementedError):
        found = {}
        # One column of a type that datasets does not know: the others are read all the same.
        for field in schema:
            try:
                found.update(datasets.Features.from_arrow_schema(pa.schema([field])))
            except (ValueError, TypeError, NotImplementedError):
                found[field.name] = None
    return {name: declared.get(name, found.get(name)) for name in schema.names}


def _contents(values: Any, feature: Any) -> Any:
    """Return the encoded pictures of a column, None where there are none."""
    if pa.types.is_struct(values.type):
        fields = feature if isinstance(feature, dict) and may_hold_pictures(feature) else {}
        name = bytes_field(fields) or "bytes"
        return pc.struct_field(values, name) if values.type.get_field_index(name) >= 0 else pa.nulls(len(values))
    return values if not pa.types.is_string(values.type) else pa.nulls(len(values))


def _paths(values: Any) -> Any:
    """Return the names that the pictures of a column came with, None where there are none."""
    if pa.types.is_struct(values.type):
        at = values.type.get_field_index("path")
        if at >= 0 and pa.types.is_string(values.type.field(at).type):
            return pc.struct_field(values, "path")
    return values if pa.types.is_string(values.type) else pa.nulls(len(values), pa.string())


def _stored(opened: Any, column: str) -> int:
    groups = opened.metadata
    return sum(
        groups.row_group(group).column(at).total_compressed_size
        for group in range(groups.num_row_groups)
        for at in range(groups.num_columns)
        if groups.row_group(group).column(at).path_in_schema.split(".")[0] == column
    )
