"""Data sets of the Hugging Face Hub, or laid out as there: what one offers, and its pictures as class folders."""

from __future__ import annotations

import random
import re
import time
from bisect import bisect_left
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from emotion.core.errors import PictureError
from emotion.core.format import megabytes
from emotion.core.progress import Progress
from emotion.data.folders import PICTURE_SUFFIXES, Listing, Skipped, list_folder
from emotion.data.hub_split import MAX_LABELS, opened_split
from emotion.data.limits import Limits, refuse_full, refuse_late
from emotion.data.names import MAX_NAME, alike, class_label, in_short, kept_text, plain_text, refuse_other, shown

_AT_ONCE = 4
# Where several columns would do, one that is called like this goes first; none has to be.
_LIKELY = re.compile("image|img|picture|photo|face|label|emotion|expression|class|mood|category|target", re.I)


@dataclass(frozen=True)
class Description:
    """What one split of a data set holds; texts in it are as strangers wrote them.

    ``source`` is an id on the Hub (``on_hub``) or a path, ``splits`` gives the rows of each, ``columns`` what each
    holds in words, ``labels`` for each column how often each label stands in it; None is what it takes long to count.
    Columns that are likelier to be meant come first. ``bytes`` is the size of the split's files.
    """

    source: str
    on_hub: bool
    commit: str
    config: str
    configs: tuple[str, ...]
    split: str
    splits: Mapping[str, int | None]
    columns: Mapping[str, str]
    picture_columns: tuple[str, ...]
    labels: Mapping[str, Mapping[str, int | None]] = field(default_factory=dict)
    bytes: int = 0

    @property
    def title(self) -> str:
        """How sentences call it."""
        return self.source if self.on_hub else shown(Path(self.source).name)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


def describe(
    source: str | Path, *, config: str = "", split: str = "", on_hub: bool = False, limits: Limits | None = None
) -> Description:
    """Look at a data set: what is here under that path (a folder, a Parquet file), else what the Hub has of that id.

    Of the Hub it reads the card, the list of files and parts of some of them. Without ``config`` and ``split``, the
    usual ones are looked at. With ``on_hub``, nothing of this machine is meant, with a ``Path`` nothing else.
    Raises PictureError where it is not there, cannot be read or wants to run a script, or the Hub does not give it.
    """
    with opened_split(source, config, split, on_hub=on_hub, limits=limits or Limits()) as opened:
        pictures = [name for name in opened.types if opened.holds_pictures(name)]
        labels = {name: found for name in opened.types if (found := opened.counts(name))}
        # Declared ones first. A column of which each value is another one is not likely to be of labels.
        pictures.sort(key=lambda name: (name not in opened.images, not _LIKELY.search(name)))
        ranks = {
            name: (name not in opened.names, not _LIKELY.search(name), {1} == {*counts.values()})
            for name, counts in labels.items()
        }
        held = {name: shown(str(kind)) for name, kind in opened.types.items()}
        held |= {name: f"{len(names):,} labels" for name, names in opened.names.items()}
        return Description(
            str(source), opened.is_far, opened.commit, opened.config, opened.configs, opened.split, opened.rows,
            held | dict.fromkeys(opened.images, "pictures"), tuple(pictures),
            {name: labels[name] for name in sorted(labels, key=ranks.__getitem__)}, opened.bytes,
        )  # fmt: skip


def what_is_read(description: Description, *, picture_column: str = "", label_column: str = "") -> str:
    """Say which part of a data set ``FromDataSet`` reads. Raises PictureError where a column is none."""
    picture, label = _columns(description, picture_column, label_column)
    version = f" at {description.commit[:12]}" if description.commit else ""
    return (
        f"Read from {description.title}{version}, configuration {shown(description.config)!r}, split "
        f"{shown(description.split)!r}: pictures from the column {shown(picture)!r}, labels from {shown(label)!r}."
    )


@dataclass(frozen=True)
class FromDataSet:
    """A split as a way into a set: which columns of it are read, and what its labels are called.

    ``mapping`` gives labels other names, ``{theirs: ours}``, empty for what is left out. Of more pictures than the
    limit, ``seed`` draws as many, as evenly over the classes as they allow, and only groups of rows with some are read;
    with ``per_class`` so many of each class from few groups of rows, so that the rest is not downloaded.
    """

    description: Description
    picture_column: str = ""
    label_column: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    per_class: int = 0

    def steps(self, work: Path, limits: Limits, *, use_aliases: bool) -> Generator[Progress, None, Listing]:
        """Write the pictures into class folders, and list these. Raises PictureError at a limit, or as ``describe``."""
        described, title, to = self.description, self.description.title, work / "fetched"
        deadline = time.monotonic() + limits.seconds
        picture, label = _columns(described, self.picture_column, self.label_column)
        notes = [what_is_read(described, picture_column=picture, label_column=label)]
        where = described.source if described.on_hub else Path(described.source)
        with opened_split(
            where, described.config, described.split, on_hub=described.on_hub, commit=described.commit, limits=limits,
            within=work,
        ) as opened:  # fmt: skip
            texts, groups = list[str](), list[tuple[int, int]]()
            for start, ends, group in opened.groups():
                groups.append((start, ends))
                texts += opened.labels(group, label)
                yield Progress(len(texts), 0, "reading the labels")
                refuse_late(deadline, limits)
            calling = _classes([*filter(None, dict.fromkeys(texts))], self.mapping, title, opened.names.get(label, []))
            by_class, skipped = dict[str, list[int]](), list[Skipped]()
            for row, text in enumerate(texts):
                if calling.get(text):
                    by_class.setdefault(calling[text], []).append(row)
                elif not self.per_class:  # Of a small sample nobody asks where the others are.
                    reason = f"It is labelled {shown(text)!r}, which is mapped to nothing."
                    skipped.append(Skipped(f"{row:06}", reason if text else "It has no label."))
            count, most = sum(map(len, by_class.values())), limits.pictures
            if self.per_class:
                per_class = min(self.per_class, most // len(by_class))
                rows = _from_few_groups(by_class, groups, per_class, self.seed)
            else:
                rows = _drawn(by_class, most, self.seed)
            if len(rows) < count:
                notes.append(f"Of {count:,} pictures {len(rows):,} are drawn, evenly by class (seed {self.seed}).")
            size = opened.size(picture, rows)
            if len(texts) > limits.files or size > limits.bytes:
                limit = f"the limits are {limits.files:,} rows and {megabytes(limits.bytes)} a set"
                raise PictureError(f"{title} has {len(texts):,} rows and {megabytes(size)} to read: {limit}.")
            for name in by_class:
                (to / name).mkdir(parents=True, exist_ok=True)
            refuse_full(to, size)
            written = 0

            def keep(found: tuple[int, bytes | None, str]) -> Skipped | None:
                nonlocal written
                row, content, path = found
                name = f"{calling[texts[row]]}/{_name(row, path)}"
                content = opened.content(opened.beside[path]) if path in opened.beside else content
                if content is None:
                    return Skipped(name, f"It {'is named and not' if path else 'has no picture'} in the data set.")
                (to / name).write_bytes(content)
                # What a file says of its size may be untrue.
                written += len(content)
                if written > limits.bytes:
                    raise PictureError(f"{title} holds more than {megabytes(limits.bytes)}, the limit of a set.")
                return None

            pool = ThreadPoolExecutor(_AT_ONCE)
            try:
                # A few picture files at a time, but rows of Parquet one by one: a pool would take all of them at once.
                found = opened.pictures(picture, rows)
                for done, left_out in enumerate((pool.map if opened.beside else map)(keep, found), 1):
                    skipped += [left_out] if left_out else []
                    yield Progress(done, len(rows), f"reading {len(rows):,} pictures")
                    refuse_late(deadline, limits)
            finally:
                pool.shutdown(cancel_futures=True)
        listing = list_folder(to, use_aliases=use_aliases, limits=limits, is_verbatim=True)
        skipped, notes = [*skipped, *listing.left_out], [*notes, *listing.notes]
        return replace(listing, title=title, kind="data set", left_out=skipped, notes=notes)


def _columns(described: Description, picture: str, label: str) -> tuple[str, str]:
    """Return the columns that are meant, the likeliest where none is named; PictureError where there is none."""
    pictures, labels, has = described.picture_columns, tuple(described.labels), in_short(described.columns)
    for wanted, offered, what in ((picture, pictures, "encoded pictures"), (label, labels, "labels")):
        if not offered:
            raise PictureError(f"{described.title} has no column of {what} (it has {has}): choose another data set.")
        refuse_other(wanted, offered, f"{described.title} has no column of {what}")
    return picture or pictures[0], label or labels[0]


def _classes(found: Sequence[str], calls: Mapping[str, str], title: str, declared: Sequence[str]) -> dict[str, str]:
    """Return the class of each label, empty for what is left out; PictureError where it cannot be one."""
    for theirs in calls:
        refuse_other(theirs, [*declared, *found], f"{title} has no label")
    calling, meant = dict[str, str](), dict[str, str]()
    for theirs in found:
        if ours := plain_text(calls.get(theirs, theirs)):
            with suppress(PictureError):
                calling[theirs] = class_label(ours)
            # Those that differ only in how they are written are one class, as folders are.
            other = meant.setdefault(alike(calling.get(theirs, "")), ours)
            if theirs not in calling or alike(other) != alike(ours):
                as_well = f" beside {shown(other)!r}" if theirs in calling else ""
                raise PictureError(
                    f"The label {shown(ours)!r} cannot be the name of a class{as_well}: map it to a plain one of at "
                    f"most {MAX_NAME} letters, or to nothing."
                )
    if not calling:
        raise PictureError(f"All labels of {title} are mapped to nothing: map one to a name.")
    if len(calling) > MAX_LABELS:
        raise PictureError(f"{title} has {len(calling):,} labels: map all but {MAX_LABELS} to nothing.")
    return calling


def _drawn(by_class: Mapping[str, Sequence[int]], most: int, seed: int) -> list[int]:
    """Return at most so many rows, in order: as many of each class as of the others, as far as it has them."""
    chance, drawn = random.Random(seed), list[int]()
    for place, label in enumerate(sorted(by_class, key=lambda label: (len(by_class[label]), label))):
        share = (most - len(drawn)) // (len(by_class) - place)
        drawn += chance.sample(by_class[label], min(share, len(by_class[label])))
    return sorted(drawn)


def _from_few_groups(
    by_class: Mapping[str, Sequence[int]], groups: Sequence[tuple[int, int]], per_class: int, seed: int
) -> list[int]:
    """Return so many rows of each class, as far as it has them, in order.

    They come from a quarter of the groups of rows where that is enough, and from up to ten where there are many, since
    rows that lie together often look alike.
    """
    chance, order = random.Random(seed), list(groups)
    chance.shuffle(order)
    most = -(-per_class // min(10, max(1, len(groups) // 4)))
    taken = dict.fromkeys(by_class, frozenset[int]())
    for share in (most, per_class):
        for start, ends in order:
            for label, rows in by_class.items():
                here = [
                    row for row in rows[bisect_left(rows, start) : bisect_left(rows, ends)] if row not in taken[label]
                ]
                taken[label] |= {*chance.sample(here, min(share, len(here), per_class - len(taken[label])))}
    return sorted(row for rows in taken.values() for row in rows)


def _name(row: int, path: str) -> str:
    """Return a name for a row's picture that leads nowhere: its number, and what the picture was called."""
    name = f"{row:06}"
    with suppress(PictureError):
        name += f"-{class_label(PurePosixPath(path.replace(chr(92), '/')).name)}"
    return kept_text(name if PurePosixPath(name).suffix.lower() in PICTURE_SUFFIXES else f"{name}.jpg")


@dataclass(frozen=True)
class Describe:
    """Look at what a data set offers, as a job for another process."""

    source: str
    config: str = ""
    split: str = ""
    on_hub: bool = False
    limits: Limits = field(default_factory=Limits)

    def carry_out(self) -> Generator[Progress, None, Description]:
        """Say that it is looked at, and return what was found, as ``describe``."""
        yield Progress(0, 0, "asking what the data set holds")
        return describe(self.source, config=self.config, split=self.split, on_hub=self.on_hub, limits=self.limits)
