"""From pictures that were seen to rows of a manifest: file names, and what looks like what. Opens no picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from emotion.errors import PictureError
from emotion.owners import may_see
from emotion.sets import likeness
from emotion.sets.looking import Seen
from emotion.sets.manifest import Likeness, PictureRow
from emotion.sets.naming import DIGITS, number_of
from emotion.sets.saved import list_sets


def name_rows(seen: Sequence[Seen], *, after: Iterable[PictureRow] = ()) -> list[PictureRow]:
    """Name the files of a set by class and number: no name from outside becomes a path.

    Numbers go on after those of the rows ``after``, so that a file never takes the name of one that was deleted.
    """
    last: Counter[str] = Counter()
    for row in after:
        last[row.label] = max(last[row.label], number_of(row.file))
    digits = max(DIGITS, len(str(len(seen) + max(last.values(), default=0))))
    rows = []
    for each in seen:
        last[each.label] += 1
        file = f"{each.label}/{last[each.label]:0{digits}}{each.suffix}"
        rows.append(
            PictureRow(file, each.label, each.digest.hex(), each.width, each.height, each.entry.name, each.bits.hex())
        )
    return rows


def find_likenesses(
    seen: Sequence[Seen],
    rows: Sequence[PictureRow],
    *,
    root: Path,
    own: Sequence[PictureRow] = (),
    key: str = "",
    visitor: str | None = None,
) -> list[Likeness]:
    """Return which of the rows look like an earlier one, one of their ``own`` set, or one of another set in ``root``.

    ``key`` is the folder of their own set, if there is one already; ``visitor`` the hash of whose it is, who learns
    nothing of sets that they may not see.
    """
    prints = likeness.as_words([each.bits for each in seen])
    mirrored = likeness.as_words([each.mirrored for each in seen])
    found = [
        Likeness(rows[row].file, rows[like].file, "", round(share, 3))
        for row, like, share in likeness.nearest_before(prints, mirrored)
    ]
    others: list[tuple[str, Sequence[PictureRow]]] = [("", own)]
    for other in list_sets(root):
        try:
            if other.key != key and may_see(other.folder, visitor):
                others.append((other.key, other.manifest.pictures))
        except PictureError:
            continue  # A damaged set is told of where sets are listed.
    for name, theirs in others:
        try:
            words = likeness.as_words([bytes.fromhex(row.fingerprint) for row in theirs])
        except (ValueError, TypeError):
            continue
        found += [
            Likeness(rows[row].file, theirs[like].file, name, round(share, 3))
            for row, like, share in likeness.nearest_of(prints, mirrored, words)
        ]
    return found
