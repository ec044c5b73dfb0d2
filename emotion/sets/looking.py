"""The first look at all pictures of a source: which can be kept, and which are the same. Writes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from dataclasses import dataclass, field

from emotion.errors import PictureError
from emotion.job import Progress
from emotion.sets.checking import kept_form, looks
from emotion.sets.entries import Entry, Source
from emotion.sets.layout import Layout
from emotion.sets.limits import Limits
from emotion.sets.manifest import Contradiction, Skipped
from emotion.sets.naming import shown
from emotion.sets.refusals import refuse_late


@dataclass(frozen=True, slots=True)
class Seen:
    """What is noted of a picture at the first look; ``size`` is in bytes, as it will be kept."""

    entry: Entry
    label: str
    digest: bytes
    suffix: str
    size: int
    width: int
    height: int
    bits: bytes
    mirrored: bytes


@dataclass
class Found:
    """What the first look at all pictures found."""

    seen: list[Seen] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    duplicates: int = 0
    contradictions: list[Contradiction] = field(default_factory=list)


def look(source: Source, laid: Layout, limits: Limits, deadline: float) -> Generator[Progress, None, Found]:
    """Look at every labelled picture, one in memory at a time, and note what is needed to write it.

    Raises:
        PictureError: it takes longer than the limit.
    """
    found = Found()
    same: dict[bytes, list[Seen]] = {}
    for number, (entry, label) in enumerate(laid.labelled):
        yield Progress(number, len(laid.labelled), f"checking {len(laid.labelled):,} pictures")
        refuse_late(deadline, limits)
        try:
            kept = kept_form(source.read(entry), limits=limits)
            bits, mirrored = looks(kept.content)
        except PictureError as error:
            found.skipped.append(Skipped(entry.name, str(error)))
            continue
        seen = Seen(
            entry, label, hashlib.sha256(kept.content).digest(), kept.suffix, len(kept.content), kept.width,
            kept.height, bits, mirrored,
        )  # fmt: skip
        before = same.setdefault(seen.digest, [])
        if any(each.label == label for each in before):
            found.duplicates += 1
            first = shown(next(each.entry.name for each in before if each.label == label))
            found.skipped.append(Skipped(entry.name, f"It is the same picture as {first}."))
        else:
            before.append(seen)
    for each in same.values():
        if len(each) == 1:
            found.seen.append(each[0])
            continue
        labels = [seen.label for seen in each]
        found.contradictions.append(Contradiction([seen.entry.name for seen in each], labels))
        reason = f"It stands under several labels: {', '.join(labels)}."
        found.skipped.extend(Skipped(seen.entry.name, reason) for seen in each)
    return found
