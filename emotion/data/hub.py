"""Data sets on the Hugging Face Hub, or in its layout: describe one, and write its pictures as class folders."""

from __future__ import annotations

import random
import re
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emotion.core.errors import PictureError
from emotion.core.progress import Progress
from emotion.data.folders import Listing, Skipped
from emotion.data.hub_split import opened_split
from emotion.data.limits import Limits, refuse_late
from emotion.data.names import class_label, in_short, plain_text, refuse_other, shown

FETCHED = "fetched"  # Gets the pictures of a data set, of one on the Hub in a folder called by its id.
# If several columns fit, those with such a name have precedence.
_LIKELY = re.compile("image|img|picture|photo|face|label|emotion|expression|class|mood|category|target", re.I)


@dataclass(frozen=True)
class Description:
    """What one split of a data set holds; its texts come from strangers. The most likely columns come first."""

    source: str  # an id on the Hub, or a path
    on_hub: bool
    commit: str
    config: str
    configs: tuple[str, ...]
    split: str
    splits: Mapping[str, int | None]  # rows of each; None where counting takes long
    columns: Mapping[str, str]  # what each holds, in words
    picture_columns: tuple[str, ...]
    labels: Mapping[str, Mapping[str, int | None]] = field(default_factory=dict)  # counts by column
    bytes: int = 0  # of the split's files

    @property
    def title(self) -> str:
        """The name used in sentences."""
        return self.source if self.on_hub else shown(Path(self.source).name)


def describe(
    source: str | Path, *, config: str = "", split: str = "", on_hub: bool = False, limits: Limits | None = None
) -> Description:
    """Describe a data set: a local path (a folder, a Parquet file) if it exists, else a Hub id.

    From the Hub it reads the card, the list of files and parts of some files. Without ``config`` and ``split`` it uses
    the defaults. With ``on_hub`` it ignores local paths; with a ``Path`` it ignores the Hub.
    Raises PictureError where it is missing, cannot be read, needs to run a script, or the Hub denies access.
    """
    with opened_split(source, config, split, on_hub=on_hub, limits=limits or Limits()) as opened:
        pictures = [name for name in opened.types if opened.holds_pictures(name)]
        labels = {name: found for name in opened.types if (found := opened.counts(name))}
        # Declared columns first. A column with a different value in every row is unlikely to hold labels.
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
    """Return a sentence on what ``FromDataSet`` reads. Raises PictureError where a column does not exist."""
    picture, label = _columns(description, picture_column, label_column)
    version = f" at {description.commit[:12]}" if description.commit else ""
    return (
        f"Read from {description.title}{version}, configuration {shown(description.config)!r}, split "
        f"{shown(description.split)!r}: pictures from the column {shown(picture)!r}, labels from {shown(label)!r}."
    )


@dataclass(frozen=True)
class Describe:
    """Describe a data set, as a job for another process."""

    source: str
    config: str = ""
    split: str = ""
    on_hub: bool = False
    limits: Limits = field(default_factory=Limits)

    def carry_out(self) -> Generator[Progress, None, Description]:
        """Yield one progress step, and return the description, as ``describe``."""
        yield Progress(0, 0, "asking what the data set holds")
        return describe(self.source, config=self.config, split=self.split, on_hub=self.on_hub, limits=self.limits)


@dataclass(frozen=True)
class FromDataSet:
    """A split as the source of a set: which columns are read, and how its labels are renamed.

    Of more pictures than the limit, or than ``per_class`` of each class, a sample is drawn by ``seed``, as evenly over
    the classes as possible, from few groups of rows, so that the rest is not downloaded.
    """

    description: Description
    picture_column: str = ""
    label_column: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)  # {theirs: ours}; an empty name leaves a label out
    seed: int = 0
    per_class: int = 0

    def steps(self, work: Path, limits: Limits) -> Generator[Progress, None, Listing]:
        """Write the pictures into a folder, and list them. Raises PictureError at a limit, or as ``describe``."""
        described, title = self.description, self.description.title
        to = work / FETCHED / (described.source if described.on_hub else "")
        deadline = time.monotonic() + limits.seconds
        picture, label = _columns(described, self.picture_column, self.label_column)
        notes = [what_is_read(described, picture_column=picture, label_column=label)]
        listing = Listing(to, {}, title=title, kind="data set", notes=notes)
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
            calling = self._classes([*filter(None, dict.fromkeys(texts))], opened.names.get(label, []))
            by_class: defaultdict[str, list[int]] = defaultdict(list)
            for row, text in enumerate(texts):
                if text in calling:
                    by_class[calling[text]].append(row)
                elif not self.per_class:  # In a small sample the others need no explanation.
                    reason = (
                        f"It is labelled {shown(text)!r}, which is mapped to nothing." if text else "It has no label."
                    )
                    listing.left_out.append(Skipped(f"{row:06}", reason))
            rows = self._drawn(by_class, groups, limits.pictures)
            if len(rows) < (count := sum(map(len, by_class.values()))):
                drawn = f"Of {count:,} pictures {len(rows):,} are drawn, evenly by class (seed {self.seed})."
                listing.notes.append(drawn)
            limits.check(title, files=len(texts), size=opened.size(picture, rows))
            written = 0
            to.mkdir(parents=True)
            for done, (row, content, path) in enumerate(opened.pictures(picture, rows), 1):
                yield Progress(done, len(rows), f"reading {len(rows):,} pictures")
                refuse_late(deadline, limits)
                name = f"{row:06}"
                if content is None:
                    why = f"It {'is named and not' if path else 'has no picture'} in the data set."
                    listing.left_out.append(Skipped(name, why))
                    continue
                (to / name).write_bytes(content)
                listing.files.setdefault(calling[texts[row]], []).append(name)
                written += len(content)
                limits.check(title, size=written)  # What a file says of its size may be wrong.
        return listing

    def _classes(self, found: Sequence[str], declared: Sequence[str]) -> dict[str, str]:
        """Return the class of each label that is not left out; PictureError where one cannot be a class."""
        for theirs in self.mapping:
            refuse_other(theirs, [*declared, *found], f"{self.description.title} has no label")
        calling = {theirs: ours for theirs in found if (ours := plain_text(self.mapping.get(theirs, theirs)))}
        if not calling:
            raise PictureError(f"All labels of {self.description.title} are mapped to nothing: map one to a name.")
        for ours in calling.values():
            class_label(ours)  # Before anything is read: raises where it cannot be the name of a class.
        return calling

    def _drawn(self, by_class: Mapping[str, Sequence[int]], groups: Sequence[tuple[int, int]], most: int) -> list[int]:
        """Return ``per_class`` rows of each class (0: all), at most ``most``, as evenly as the classes allow, in order.

        They come from a quarter of the row groups where that is enough, and from up to ten where there are many, since
        neighbouring rows are often similar.
        """
        wanted = dict[str, int]()
        for place, label in enumerate(sorted(by_class, key=lambda label: (len(by_class[label]), label))):
            share = (most - sum(wanted.values())) // (len(by_class) - place)
            wanted[label] = min(share, self.per_class or share, len(by_class[label]))
        chance, order = random.Random(self.seed), list(groups)
        chance.shuffle(order)
        at_once = min(10, max(1, len(groups) // 4))
        taken = dict.fromkeys(by_class, frozenset[int]())
        for parts in (at_once, 1):
            for start, ends in order:
                for label, rows in by_class.items():
                    here = rows[bisect_left(rows, start) : bisect_left(rows, ends)]
                    here = [row for row in here if row not in taken[label]]
                    share = min(-(-wanted[label] // parts), len(here), wanted[label] - len(taken[label]))
                    taken[label] |= {*chance.sample(here, share)}
        return sorted(row for rows in taken.values() for row in rows)


def _columns(described: Description, picture: str, label: str) -> tuple[str, str]:
    """Return the chosen columns, or the most likely ones; PictureError where there are none."""
    pictures, labels = described.picture_columns, tuple(described.labels)
    for wanted, offered, what in ((picture, pictures, "encoded pictures"), (label, labels, "labels")):
        lacks = f"{described.title} has no column of {what}"
        if not offered:
            raise PictureError(f"{lacks} (it has {in_short(described.columns)}): choose another data set.")
        refuse_other(wanted, offered, lacks)
    return picture or pictures[0], label or labels[0]
