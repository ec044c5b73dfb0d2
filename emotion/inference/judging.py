"""Predict many pictures with one run, as a job for another process. Leaves nothing on the disk."""

from __future__ import annotations

import contextlib
import hashlib
import io
import tempfile
import time
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath

from PIL import Image

from emotion.core.errors import PictureError, RunError
from emotion.core.format import listed
from emotion.core.prediction import Prediction
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
        from emotion.backbones.pixels import in_background
        from emotion.inference.classifier import Classifier

        classifier, known = Classifier(self.run), _known(self.run)
        with tempfile.TemporaryDirectory(prefix="emotion-batch-") as work:
            items, notes = _listed(self.files, Path(work), classes=classifier.classes, limits=self.limits)
            total, doing, began = len(items), f"judging {len(items):,} pictures", time.monotonic()
            batch = Batch(
                self.run.name, tuple(classifier.classes), classifier.precision, total, time.time(), tuple(notes)
            )
            yield Judging(0, total, doing, batch)
            decoding = in_background(partial(_decoded, self.limits, known, classifier.side), items, ahead=AHEAD)
            for start in range(0, total, BATCH):
                part = list(islice(decoding, BATCH))
                if is_late := time.monotonic() > began + self.limits.seconds:
                    why = f"It was not judged: there are {self.limits.seconds:g} seconds for all. Give fewer pictures."
                    rows = [Row(row.picture, row.label, reason=why) for row, _ in items[start:]]
                else:
                    said = iter(classifier.judge([image for _, image in part if image]))
                    rows = [
                        _judged(row, next(said), image, has_thumbnail=place < self.thumbnails) if image else row
                        for place, (row, image) in enumerate(part, start)
                    ]
                seconds = time.monotonic() - began
                yield Judging(start + len(rows), total, doing, replace(batch, rows=tuple(rows), seconds=seconds))
                if is_late:
                    return


def gathered(steps: Iterable[Progress]) -> Iterator[Batch | Progress]:
    """Turn a job's steps into the batch so far; steps before the first batch pass unchanged."""
    rows: list[Row] = []
    for step in steps:
        if isinstance(step, Judging):
            rows += step.batch.rows
            yield replace(step.batch, rows=tuple(rows))
        else:
            yield step


def _decoded(limits: Limits, known: Collection[str], side: int, item: Item) -> tuple[Row, Image.Image | None]:
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


def _judged(row: Row, said: Prediction | PictureError, image: Image.Image, *, has_thumbnail: bool) -> Row:
    if isinstance(said, PictureError):
        return replace(row, reason=str(said))
    buffer = io.BytesIO()
    if has_thumbnail:
        small = image.copy()
        small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        small.save(buffer, "WEBP", quality=70)
    return replace(row, scores=said.scores, is_unknown=said.is_unknown, thumbnail=buffer.getvalue())


def _known(run: Run) -> set[str]:
    """Return the SHA-256 of each picture the run was trained and validated on, as stored and as imported."""
    try:
        used = {row.sha256 for row in load_split(run).rows}
    except RunError:
        return set()
    with contextlib.suppress(PictureError):
        rows = SavedSet(Path(run.config().pictures)).manifest.pictures
        used |= {row.source_sha256 for row in rows if row.sha256 in used}
    return used


def _listed(
    files: Sequence[tuple[Path, str]], work: Path, *, classes: Sequence[str], limits: Limits
) -> tuple[list[Item], list[str]]:
    """Return the items of files given as (path, original name), zips unpacked into ``work``, and how they were read.

    Raises PictureError where a zip or a folder cannot be read safely, there is no file, or there are more than the
    limits allow.
    """
    items: list[Item] = []
    notes: list[str] = []
    for number, (path, name) in enumerate(files):
        title, folder, skipped = kept_text(PurePosixPath(name.replace("\\", "/")).name), path, list[Skipped]()
        if title.lower().endswith(".zip") and not path.is_dir():
            folder = work / str(number)
            skipped = result_of(unpack(path, folder, limits))
        if folder.is_dir():
            within, note = _within(folder, skipped, classes=classes, limits=limits)
            # Two zips may hold files with the same name.
            before = f"{shown(title)}/" if len(files) > 1 else ""
            items += [(replace(row, picture=before + row.picture), file) for row, file in within]
            notes += [f"{shown(title)}: {note}"] if note else []
        else:
            reason = reason_against(title) if path.is_file() else "It is not there: check its path."
            items.append((Row(title, reason=reason), None if reason else path))
    if not items:
        raise PictureError("There is no picture in what you gave: give .jpg, .png or .webp files, or a zip of them.")
    size = sum(path.stat().st_size for _, path in items if path and path.is_file())
    limits.check("What you gave", pictures=len(items), size=size)
    return items, notes


def _within(
    folder: Path, skipped: Sequence[Skipped], *, classes: Sequence[str], limits: Limits
) -> tuple[list[Item], str]:
    """Return a folder's items by name; a sentence where only some of its folders are classes of the run.

    Where all pictures lie in folders of the run's ``classes``, those are their labels; case does not matter. Hidden
    files are skipped.
    """
    listing, known = list_folder(folder, limits=limits), {alike(each): each for each in classes}
    labels = {name: known.get(alike(label), "") for label, names in listing.files.items() for name in names}
    loose = {each.original: "" for each in listing.left_out if each.reason == LOOSE}
    foreign = [repr(shown(label)) for label in listing.files if alike(label) not in known]
    note = ""
    if any(labels.values()) and (foreign or loose):
        odd = foreign[:5] or ["what lies outside its folders"]
        verb = "belongs" if len(odd) == 1 else "belong"
        note = (
            f"{listed(odd)} {verb} to no class of this run, so its folders give no labels and no accuracy is counted."
        )
    items: list[Item] = [(Row(name, "" if note else label), folder / name) for name, label in (labels | loose).items()]
    reasons = [each for each in [*skipped, *listing.left_out] if each.reason not in (HIDDEN, LOOSE)]
    items += [(Row(each.original, reason=each.reason), None) for each in reasons]
    return sorted(items, key=lambda item: item[0].picture), note
