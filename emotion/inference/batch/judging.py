"""Judge many pictures with one run, as a job for another process. Keeps nothing on the disk."""

from __future__ import annotations

import contextlib
import hashlib
import io
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PIL import Image

from emotion.core.errors import PictureError, RunError
from emotion.core.prediction import Judged
from emotion.core.progress import Progress
from emotion.data.decoding import decoded
from emotion.data.limits import Limits
from emotion.data.sets import SavedSet
from emotion.inference.batch.result import Batch, Row
from emotion.runs.run import Run
from emotion.runs.split import load_split

if TYPE_CHECKING:
    from emotion.inference.batch.given import Item

# As many as ``Classifier`` scores at once, and as many pixels as find room: four pictures of a phone.
BATCH, BATCH_PIXELS = 8, 50_000_000
# Decoded while others are scored; each may be as large as the limits allow.
AHEAD = 3
THUMBNAIL_SIDE = 56


class Scorer(Protocol):
    """What judges: a ``Classifier``, or a test's stand-in."""

    classes: list[str]
    side: int  # to which it resizes pictures, in pixels

    @property
    def precision(self) -> str:
        """What it computes in."""

    def judge(self, pictures: Sequence[Path | Image.Image]) -> list[Judged | PictureError]:
        """Return what is said of each picture, in order, or the error that says why nothing is."""


@dataclass(frozen=True)
class Judging(Progress):
    """How far a batch is, and the batch itself without its rows: these come as ``rows``, each one once."""

    batch: Batch
    rows: tuple[Row, ...]
    seconds: float


@dataclass(frozen=True)
class JudgeMany:
    """Judge files as (path, the name it had where it came from): pictures, zips of pictures, folders.

    Of the first ones of them, as many as ``thumbnails``, a small copy comes with what is said.
    """

    run: Run
    files: Sequence[tuple[Path, str]]
    limits: Limits = field(default_factory=Limits)
    thumbnails: int = 0

    def carry_out(self) -> Generator[Progress, None, None]:
        """Yield what is said of the pictures while it is said, in the order in which they were given.

        Raises:
            PictureError: what was given cannot be opened safely, or is beyond the limits.
            RunError: the run has no checkpoint that can be read.
        """
        yield Progress(0, 0, "loading the run's model")
        # Only in the process that judges: the page that asks for it has no torch.
        from emotion.inference.classifier import Classifier

        yield from judge(self.run, Classifier(self.run), self.files, limits=self.limits, thumbnails=self.thumbnails)


def judge(
    run: Run, scorer: Scorer, files: Sequence[tuple[Path, str]], *, limits: Limits, thumbnails: int = 0
) -> Generator[Judging, None, None]:
    """Yield what a scorer says of files; everything else is as in ``JudgeMany``."""
    from emotion.inference.batch.given import opened

    with opened(files, classes=scorer.classes, limits=limits) as given:
        total = len(given.items)
        batch = Batch(run.name, tuple(scorer.classes), scorer.precision, total, time.time(), tuple(given.notes))
        doing = f"judging {total:,} pictures"
        began = time.monotonic()
        yield Judging(0, total, doing, batch, (), 0.0)
        done = 0
        for rows in _judged(scorer, given.items, limits, _known(run), thumbnails, deadline=began + limits.seconds):
            done += len(rows)
            yield Judging(done, total, doing, batch, rows, time.monotonic() - began)


def gathered(steps: Iterable[Progress]) -> Iterator[Batch | Progress]:
    """Turn a job's steps into what there is of the batch by then; steps before there is one come as they are."""
    rows: list[Row] = []
    for step in steps:
        if isinstance(step, Judging):
            rows += step.rows
            yield step.batch.with_more(rows, seconds=step.seconds)
        else:
            yield step


def _judged(
    scorer: Scorer, items: Sequence[Item], limits: Limits, known: frozenset[str], thumbnails: int, *, deadline: float
) -> Iterator[tuple[Row, ...]]:
    from emotion.backbones.pixels import in_background

    waiting: list[tuple[Row, Image.Image | None]] = []
    pixels = 0
    opened = in_background(lambda item: _opened(item, limits, known, scorer.side), items, ahead=AHEAD)
    for number, (row, image) in enumerate(opened):
        if time.monotonic() > deadline:
            yield _scored(scorer, waiting)
            reason = f"It was not judged: there are {limits.seconds:g} seconds for all. Give fewer pictures."
            yield tuple(Row(each.name, each.label, reason=reason) for each in items[number:])
            return
        small = _thumbnail(image) if image and number < thumbnails else b""
        waiting.append((replace(row, thumbnail=small), image))
        pixels += image.width * image.height if image else 0
        if len(waiting) == BATCH or pixels > BATCH_PIXELS:
            yield _scored(scorer, waiting)
            waiting, pixels = [], 0
    if waiting:
        yield _scored(scorer, waiting)


def _scored(scorer: Scorer, batch: Sequence[tuple[Row, Image.Image | None]]) -> tuple[Row, ...]:
    images = [image for _, image in batch if image is not None]
    said = iter(scorer.judge(images) if images else [])
    return tuple(row if image is None else _with(row, next(said)) for row, image in batch)


def _with(row: Row, said: Judged | PictureError) -> Row:
    if isinstance(said, PictureError):
        return replace(row, reason=str(said))
    return replace(row, scores=said.scores, is_unknown=said.novelty.is_unknown if said.novelty else None)


def _opened(item: Item, limits: Limits, known: frozenset[str], side: int) -> tuple[Row, Image.Image | None]:
    """Return the row of an item, and its picture unless the row says why there is none."""
    from emotion.data.kept import checked

    row = Row(item.name, item.label)
    try:
        content = item.read(limits)
        is_known = hashlib.sha256(content).hexdigest() in known
        with checked(content, limits) as image:
            return replace(row, is_known=is_known), decoded(image, side=side)
    except PictureError as error:
        return replace(row, reason=str(error)), None


def _thumbnail(image: Image.Image) -> bytes:
    small, buffer = image.copy(), io.BytesIO()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    small.save(buffer, "WEBP", quality=70)
    return buffer.getvalue()


def _known(run: Run) -> frozenset[str]:
    """Return the SHA-256 of what a run was trained and validated on, as it is kept in its set and as it came there."""
    try:
        used = {row.sha256 for row in load_split(run).rows}
    except RunError:
        return frozenset()
    with contextlib.suppress(PictureError):
        rows = SavedSet(Path(run.config().pictures)).manifest.pictures
        used |= {row.source_sha256 for row in rows if row.sha256 in used}
    return frozenset(used)
