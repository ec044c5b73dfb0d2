"""What a run says of many pictures, as plain values. Knows nothing of how it came about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from emotion.core.scored import SampleResult, ScoredPicture, summarise


@dataclass(frozen=True)
class Row:
    """A picture by its name: the probability of every class (0 to 1, sums to 1), or the reason why there is none.

    ``label`` is the class it shows, where the folder it lies in says so; else it is empty. ``is_known`` says that the
    run was trained or validated on this very picture, ``is_unknown`` that it is unlike all of those; None where the run
    cannot tell. ``thumbnail`` is a small copy of the picture as WebP, empty where none was asked for.
    """

    picture: str
    label: str = ""
    scores: dict[str, float] | None = None
    reason: str = ""
    is_known: bool = False
    is_unknown: bool | None = None
    thumbnail: bytes = field(default=b"", repr=False)

    @property
    def predicted(self) -> str:
        """The class with the highest probability; empty for what was not judged."""
        return max(self.scores, key=self.scores.__getitem__) if self.scores else ""

    @property
    def confidence(self) -> float:
        """The probability of that class; 0 for what was not judged."""
        return self.scores[self.predicted] if self.scores else 0.0


@dataclass(frozen=True)
class Batch:
    """What a run has said so far of ``total`` files, in the order in which they were given.

    ``seconds`` went by since the first picture was opened, with the model loaded; ``created`` is a Unix time.
    """

    run: str
    classes: tuple[str, ...]
    precision: str
    total: int
    created: float
    notes: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    seconds: float = 0.0

    def with_more(self, rows: Iterable[Row], *, seconds: float) -> Batch:
        """Return it with more rows, after so many seconds."""
        return replace(self, rows=(*self.rows, *rows), seconds=seconds)

    @property
    def judged(self) -> tuple[Row, ...]:
        """The rows that have probabilities."""
        return tuple(row for row in self.rows if row.scores)

    @property
    def remaining_seconds(self) -> float | None:
        """How long the rest takes at this pace; None before the first row."""
        return self.seconds / len(self.rows) * (self.total - len(self.rows)) if self.rows else None

    def result(self) -> SampleResult | None:
        """Return how the pictures came out whose class is given and which are new to the run; None without any."""
        new = [
            ScoredPicture(row.picture, "", row.label, row.scores)
            for row in self.rows
            if row.scores and row.label and not row.is_known
        ]
        return summarise(new, classes=self.classes) if new else None
