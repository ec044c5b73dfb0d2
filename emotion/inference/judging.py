"""Predict many pictures with one run, as a job for another process. Leaves nothing on the disk."""

from __future__ import annotations

import contextlib
import hashlib
import io
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from PIL import Image

from emotion.core.errors import PictureError, RunError
from emotion.core.format import listed
from emotion.core.prediction import Judged
from emotion.core.progress import Progress, result_of
from emotion.data.archive import unpack
from emotion.data.decoding import decoded, opened, read_file
from emotion.data.folders import LOOSE, Skipped, list_folder
from emotion.data.limits import Limits
from emotion.data.names import HIDDEN, alike, kept_text, reason_against, shown
from emotion.data.sets import SavedSet
from emotion.inference.batch import Batch, Row
from emotion.runs.run import Run
from emotion.runs.split import load_split

if TYPE_CHECKING:
    from emotion.inference.classifier import Classifier

# As many as ``Classifier`` scores at once, and how many more are decoded meanwhile.
BATCH, AHEAD = 8, 3
THUMBNAIL_SIDE = 56
# What is known of a file before it is opened, and its path; None where the row says why it is not read.
Item = tuple[Row, Path | None]


@dataclass(frozen=True)
class Judging(Progress):
    """The progress of a batch, and the batch with its new rows alone: each row is sent once."""

    batch: Batch


@dataclass(frozen=True)
class JudgeMany:
    """Predict files given as (path, original name): pictures, zips of pictures, folders.

    The first ``thumbnails`` rows come with a small copy of the picture.
    """

    run: Run
    files: Sequence[tuple[Path, str]]
    limits: Limits = field(default_factory=Limits)
    thumbnails: int = 0

    def carry_out(self) -> Generator[Progress, None, None]:
        """Yield the predictions as they are made, in the order of the files.
        Raises PictureError where the files cannot be opened safely or exceed the limits; RunError where the run has no
        readable checkpoint.
        """
        yield Progress(0, 0, "loading the run's model")
        # Imported only in the worker process: the page's process has no torch.
        from emotion.inference.classifier import Classifier

        classifier = Classifier(self.run)
        with _opened(self.files, classes=classifier.classes, limits=self.limits) as (items, notes):
            total, began = len(items), time.monotonic()
            batch = Batch(
                self.run.name, tuple(classifier.classes), classifier.precision, total, time.time(), tuple(notes)
            )
            done, doing = 0, f"judging {total:,} pictures"
            yield Judging(done, total, doing, batch)
            for rows in self._judged(classifier, items, deadline=began + self.limits.seconds):
                done += len(rows)
                yield Judging(done, total, doing, replace(batch, rows=rows, seconds=time.monotonic() - began))

    def _judged(self, classifier: Classifier, items: Sequence[Item], *, deadline: float) -> Iterator[tuple[Row, ...]]:
        from emotion.backbones.pixels import in_background

        known = _known(self.run)
        decoding = in_background(lambda item: _decoded(item, self.limits, known, classifier.side), items, ahead=AHEAD)
        for start in range(0, len(items), BATCH):
            batch = list(islice(decoding, BATCH))
            if time.monotonic() > deadline:
                reason = f"It was not judged: there are {self.limits.seconds:g} seconds for all. Give fewer pictures."
                yield tuple(Row(row.picture, row.label, reason=reason) for row, _ in items[start:])
                return
            said = iter(classifier.judge([image for _, image in batch if image]))
            yield tuple(
                _with(row, next(said), _thumbnail(image) if place < self.thumbnails else b"") if image else row
                for place, (row, image) in enumerate(batch, start)
            )


def gathered(steps: Iterable[Progress]) -> Iterator[Batch | Progress]:
    """Turn a job's steps into the batch so far; steps before the first batch pass unchanged."""
    rows: list[Row] = []
    for step in steps:
        if isinstance(step, Judging):
            rows += step.batch.rows
            yield replace(step.batch, rows=tuple(rows))
        else:
            yield step


def _with(row: Row, said: Judged | PictureError, thumbnail: bytes) -> Row:
    if isinstance(said, PictureError):
        return replace(row, reason=str(said))
    unknown = said.novelty.is_unknown if said.novelty else None
    return replace(row, scores=said.scores, is_unknown=unknown, thumbnail=thumbnail)


def _decoded(item: Item, limits: Limits, known: frozenset[str], side: int) -> tuple[Row, Image.Image | None]:
    """Return the row of an item, and its picture; None where the row says why it cannot be read."""
    row, path = item
    if path is None:
        return row, None
    try:
        content = read_file(path, name="It", most=limits.picture_bytes)
        is_known = hashlib.sha256(content).hexdigest() in known
        with opened(io.BytesIO(content), name="It") as image:
            return replace(row, is_known=is_known), decoded(image, side=side)
    except PictureError as error:
        return replace(row, reason=str(error)), None


def _thumbnail(image: Image.Image) -> bytes:
    small, buffer = image.copy(), io.BytesIO()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    small.save(buffer, "WEBP", quality=70)
    return buffer.getvalue()


def _known(run: Run) -> frozenset[str]:
    """Return the SHA-256 of each picture the run was trained and validated on, as stored and as imported."""
    try:
        used = {row.sha256 for row in load_split(run).rows}
    except RunError:
        return frozenset()
    with contextlib.suppress(PictureError):
        rows = SavedSet(Path(run.config().pictures)).manifest.pictures
        used |= {row.source_sha256 for row in rows if row.sha256 in used}
    return frozenset(used)


@contextmanager
def _opened(
    files: Sequence[tuple[Path, str]], *, classes: Sequence[str], limits: Limits
) -> Iterator[tuple[list[Item], list[str]]]:
    """Open files given as (path, original name); yield items, and sentences on how they were read.

    In a zip or a folder, class folders give each picture its class if all pictures lie in folders of the run's
    ``classes``; case does not matter. Hidden files are skipped.
    Raises PictureError where a zip or a folder cannot be read safely, there is no file, or there are more than the
    limits allow.
    """
    with tempfile.TemporaryDirectory(prefix="emotion-batch-") as work:
        items: list[Item] = []
        notes: list[str] = []
        for number, (path, name) in enumerate(files):
            title = shown(PurePosixPath(name).name)
            skipped: list[Skipped] = []
            folder = path
            if PurePosixPath(name).suffix.lower() == ".zip" and not path.is_dir():
                folder = Path(work, str(number))
                skipped = result_of(unpack(path, folder, limits))
            if folder.is_dir():
                # Two zips may hold files with the same name.
                before = f"{title}/" if len(files) > 1 else ""
                within, note = _within(folder, skipped, classes=classes, limits=limits, before=before)
                items += within
                notes += [f"{title}: {note}"] if note else []
            else:
                title = kept_text(PurePosixPath(name.replace("\\", "/")).name)
                reason = reason_against(title) if path.is_file() else "It is not there: check its path."
                items.append((Row(title, reason=reason), None if reason else path))
        if not items:
            raise PictureError(
                "There is no picture in what you gave: give .jpg, .png or .webp files, or a zip of them."
            )
        size = sum(path.stat().st_size for _, path in items if path and path.is_file())
        limits.check("What you gave", pictures=len(items), size=size)
        yield items, notes


def _within(
    folder: Path, skipped: Sequence[Skipped], *, classes: Sequence[str], limits: Limits, before: str
) -> tuple[list[Item], str]:
    """Return a folder's items by name, and a sentence where only some of its folders are classes of the run."""
    listing = list_folder(folder, limits=limits)
    loose = [each.original for each in listing.left_out if each.reason == LOOSE]
    labels, note = _labels(listing.files, loose, classes=classes)
    names = [*(name for names in listing.files.values() for name in names), *loose]
    items: list[Item] = [(Row(before + name, labels.get(name, "")), folder / name) for name in names]
    items += [
        (Row(before + each.original, reason=each.reason), None)
        for each in [*skipped, *listing.left_out]
        if each.reason not in (HIDDEN, LOOSE)
    ]
    return sorted(items, key=lambda item: item[0].picture), note


def _labels(
    files: Mapping[str, Sequence[str]], loose: Sequence[str], *, classes: Sequence[str]
) -> tuple[dict[str, str], str]:
    """Return the class of each file if all folders are the run's classes, and a sentence if only some are."""
    known = {alike(each): each for each in classes}
    foreign = [label for label in files if alike(label) not in known]
    if len(foreign) == len(files):
        return {}, ""
    if foreign or loose:
        lacking = listed([repr(shown(each)) for each in foreign[:5]]) if foreign else "pictures outside its folders"
        verb = "are" if len(foreign) != 1 else "is"
        why = f"{lacking} {verb} no class of this run" if foreign else f"it holds {lacking}"
        return {}, f"{why}, so its folders are not taken for classes and no accuracy is counted."
    return {name: known[alike(label)] for label, names in files.items() for name in names}, ""
