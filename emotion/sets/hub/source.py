"""One split of a data set as a source of pictures, with its labels called as one wants. Holds no picture.

What is on the Hub is downloaded to a folder of its own, which ``close`` deletes.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from emotion.errors import PictureError
from emotion.job import Progress
from emotion.sets.entries import Entry, reason_of_size
from emotion.sets.hub.classes import find_classes, in_short
from emotion.sets.hub.columns import MAX_LABELS, may_hold_labels
from emotion.sets.hub.description import Description, looked_at
from emotion.sets.hub.places import Place, open_place
from emotion.sets.limits import Limits
from emotion.sets.manifest import Skipped, SourceKind
from emotion.sets.naming import class_label, kept_text, shown

if TYPE_CHECKING:
    from emotion.sets.hub.mapped import Row, Rows


class HubSource:
    """The rows of a split that have a picture and a label; ``calling`` gives the class of each label, empty for none.

    It takes over what is ``held`` open, such as ``rows``, until ``close``. ``notes`` are sentences on what was read.
    """

    kind: SourceKind = "data set"

    def __init__(
        self,
        title: str,
        rows: Rows,
        calling: Mapping[str, str],
        *,
        notes: Sequence[str],
        limits: Limits,
        held: ExitStack,
    ) -> None:
        self.title = title
        self.notes = notes
        self._rows = rows
        entries: list[Entry] = []
        skipped: list[Skipped] = []
        digits = max(6, len(str(len(rows))))
        for row in rows:
            name = _name(row, calling, digits)
            if reason := _reason_against(row, calling, limits):
                skipped.append(Skipped(name, reason))
            else:
                entries.append(Entry(name, row.size or 0, row.number))
        self.entries: Sequence[Entry] = entries
        self.skipped: Sequence[Skipped] = skipped
        self._held = held.pop_all()

    def read(self, entry: Entry) -> bytes:
        """Return one picture as it is encoded.

        Raises:
            PictureError: it cannot be read.
        """
        return self._rows.read(entry.handle)

    def close(self) -> None:
        """Delete what was downloaded and copied."""
        self._held.close()


def open_source(
    description: Description,
    *,
    picture_column: str = "",
    label_column: str = "",
    mapping: Mapping[str, str] | None = None,
    limits: Limits | None = None,
) -> Generator[Progress, None, HubSource]:
    """Download the described split, where it is on the Hub, and return it as a source; to close it is the caller's.

    Without columns, the likeliest ones are read. ``mapping`` gives labels other names, ``{theirs: ours}``; what is
    mapped to nothing is left out, and what is not in it keeps its name. Yields how far it is; to close the generator
    is to stop, and leaves nothing behind.

    Raises:
        PictureError: a column or a label is none, a label cannot be the name of a class, two labels would be one class
            without anybody's wish; there is more than the limits allow; as ``describe``.
    """
    within = limits or Limits()
    deadline = time.monotonic() + within.seconds
    calls = dict(mapping or {})
    picture = _picture_column(description, picture_column)
    label = _label_column(description, label_column)
    counts = description.labels.get(label, {})
    counted = bool(counts) and None not in counts.values()
    find_classes(
        [each for each in counts if counts[each] != 0], calls, description.title, known=counts if counted else None
    )
    _refuse_many(description, counts if counted else {}, calls, within)
    with ExitStack() as stack:
        where = description.source if description.on_hub else Path(description.source)
        place = open_place(where, on_hub=description.on_hub, commit=description.commit, limits=within)
        stack.callback(place.close)
        look = stack.enter_context(
            looked_at(place, config=description.config, split=description.split, limits=within, deadline=deadline)
        )
        _refuse_column(look.content.features, label, description)
        yield from place.fetch(look.parts.files[look.split], limits=within, deadline=deadline)
        copying = look.content.copy(picture, label, scratch=look.scratch, limits=within, deadline=deadline)
        rows = yield from _plain_steps(copying, place)
        stack.callback(rows.close)
        found = [each for each in dict.fromkeys(row.label for row in rows) if each]
        if len(found) > MAX_LABELS:
            raise PictureError(
                f"The column {shown(label)!r} of {description.title} holds {len(found):,} different values, which are "
                "no labels: choose another one."
            )
        calling = find_classes(found, calls, description.title, known=[*counts, *found])
        note = what_is_read(description, picture_column=picture, label_column=label)
        return HubSource(description.title, rows, calling, notes=[note], limits=within, held=stack)


def what_is_read(description: Description, *, picture_column: str = "", label_column: str = "") -> str:
    """Return the sentence that says which part of a data set ``open_source`` reads.

    Raises:
        PictureError: a column is none.
    """
    version = f" at {description.commit[:12]}" if description.commit else ""
    picture, label = _picture_column(description, picture_column), _label_column(description, label_column)
    return (
        f"Read from {description.title}{version}, configuration {shown(description.config)!r}, split "
        f"{shown(description.split)!r}: pictures from the column {shown(picture)!r}, labels from {shown(label)!r}."
    )


def _plain_steps(steps: Generator[Progress, None, Rows], place: Place) -> Generator[Progress, None, Rows]:
    from emotion.sets.hub.plain import plainly

    with closing(steps):
        while True:
            with plainly(place):
                try:
                    step = next(steps)
                except StopIteration as end:
                    return cast("Rows", end.value)
            yield step


def _picture_column(description: Description, wanted: str) -> str:
    offered = description.picture_columns
    if not offered:
        raise PictureError(
            f"{description.title} has no column of encoded pictures (it has {in_short(description.columns)}): choose "
            "another data set, or import the folder that its pictures lie in."
        )
    if wanted and wanted not in offered:
        holds = f"holds no encoded pictures ({description.columns[wanted]})" if wanted in description.columns else ""
        raise PictureError(
            f"The column {shown(wanted)!r} of {description.title} {holds or 'does not exist'}: choose one of "
            f"{in_short(offered)}."
        )
    return wanted or offered[0]


def _label_column(description: Description, wanted: str) -> str:
    if wanted and wanted not in description.columns:
        raise PictureError(
            f"The column {shown(wanted)!r} of {description.title} does not exist: choose one of "
            f"{in_short(description.columns)}."
        )
    if not wanted and not description.labels:
        raise PictureError(
            f"{description.title} has no column of labels (it has {in_short(description.columns)}): choose another one."
        )
    return wanted or next(iter(description.labels))


def _refuse_column(features: Mapping[str, Any], label: str, description: Description) -> None:
    if not may_hold_labels(features.get(label)):
        raise PictureError(
            f"The column {shown(label)!r} of {description.title} holds no labels ({description.columns[label]}): "
            f"choose one of {in_short(description.labels)}."
        )


def _refuse_many(
    description: Description, counts: Mapping[str, int | None], calls: Mapping[str, str], limits: Limits
) -> None:
    """Refuse what is known to be too much before anything of it is downloaded."""
    rows = description.splits[description.split] or 0
    kept = sum(count or 0 for label, count in counts.items() if calls.get(label, label))
    if rows > limits.files:
        raise PictureError(f"{description.title} has {rows:,} rows: the limit is {limits.files:,}.")
    if kept > limits.pictures or (not calls and rows > limits.pictures):
        raise PictureError(
            f"{description.title} holds {max(kept, 0 if calls else rows):,} pictures: the limit is "
            f"{limits.pictures:,} a set."
        )


def _reason_against(row: Row, calling: Mapping[str, str], limits: Limits) -> str:
    if not row.label:
        return "It has no label."
    if not calling[row.label]:
        return f"It is labelled {shown(row.label)!r}, which is mapped to nothing."
    if row.size is None:
        return "It is named and not in the data set." if row.path else "It has no picture in the data set."
    return reason_of_size(row.size, depth=1, limits=limits)


def _name(row: Row, calling: Mapping[str, str], digits: int) -> str:
    """Return a name for a row that leads nowhere: its class, its number, and what its picture was called."""
    original = PurePosixPath(row.path.replace("\\", "/")).name
    parts = [calling.get(row.label, ""), "-".join([f"{row.number:0{digits}}", *_plain(original)])]
    return kept_text("/".join(part for part in (parts[0] or "".join(_plain(row.label)), parts[1]) if part))


def _plain(name: str) -> list[str]:
    try:
        return [class_label(name)]
    except PictureError:
        return []
