"""What a frozen part makes of pictures: each view of each content is computed once and kept for later trainings."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
import PIL
import torch
import transformers
from PIL import Image
from torch import Tensor
from transformers import BaseImageProcessor

from emotion.backbones.network import Frozen, Network, load_backbone
from emotion.backbones.pixels import in_background, load_processor, side_of, to_pixels
from emotion.backbones.registry import locate
from emotion.core.config import TrainConfig
from emotion.core.errors import PictureError, RunError
from emotion.core.events import TrunkProgress
from emotion.core.labels import EMOTIONS
from emotion.core.progress import Progress
from emotion.data.decoding import open_picture
from emotion.data.folders import Picture
from emotion.training.augmentation import vary_view
from emotion.training.cache import PRIVATE, Cache, Recipe, Rows, open_cache, open_rows, row_key
from emotion.training.context import Context
from emotion.training.shipped import shipped_rows

BATCH, THROUGH_BATCH = 16, 32
# As many are written at once, so that a training that is killed loses the last few at most.
FILE_ROWS, FILE_BYTES = 512, 64_000_000
_CHANGED = "{} has a twin that changed while it was read: train again to include it."
View = tuple[int, int]  # view, picture index


@dataclass(frozen=True)
class Features:
    """Rows by picture and view, (F,) features or (T, D) tokens, which may lie on disk.

    ``places`` is a (views, pictures, 2) tensor: which of ``values`` has a picture's view, and in which row; -1 where
    none has. ``unreadable`` maps the index of each picture that cannot be read to one sentence.
    """

    values: list[Tensor]
    places: Tensor
    unreadable: dict[int, str]
    private: tuple[Path, ...] = ()

    def take(self, indices: Sequence[int], *, views: Sequence[int] | int = 0) -> Tensor:
        """Return (len(indices), …) rows in float32, of the given view of each picture."""
        wanted = [views] * len(indices) if isinstance(views, int) else views
        places = self.places[torch.tensor(wanted), torch.tensor(indices)].tolist()
        return torch.stack([self.values[file][row] for file, row in places]).float()

    def through(self, work: Callable[[Tensor], Tensor]) -> Features:
        """Return what ``work`` makes of these pictures' rows, (B, …) to (B, F), held in memory."""
        values, places = [], self.places.clone()
        for number, rows in enumerate(self.values):
            here = self.places[..., 0] == number
            wanted, places[..., 1][here] = torch.unique(self.places[..., 1][here], return_inverse=True)
            parts = [work(rows[part].float()) for part in torch.split(wanted, THROUGH_BATCH) if len(part)]
            values.append(torch.cat(parts) if parts else torch.empty(0))
        return replace(self, values=values, places=places, private=())

    def close(self) -> None:
        """Delete what is for this training alone."""
        for path in self.private:
            with contextlib.suppress(OSError):
                path.unlink()


@dataclass(frozen=True)
class Look:
    """A pass of ``pictures`` through a frozen part, the first ``varied`` of them in every view of the settings."""

    pictures: Sequence[Picture]
    varied: int
    processor: BaseImageProcessor
    recipe: Recipe
    cache: Cache
    context: Context

    def take(self, frozen: Frozen, *, row_bytes: int) -> Generator[TrunkProgress, None, Features]:
        """Compute what is not known yet; several processes share the work.

        Where the rows, ``row_bytes`` each, find no room in the cache, they last for this training only.

        Raises:
            Stopped: somebody asked for it between two batches; what is computed is kept.
            PictureError: not one picture can be read.
            OSError: the disk has no room for the rows.
        """
        context, names = self.context, self.names()
        known = self.cache.find(self.recipe, names.values())
        known += shipped_rows(self.recipe, wanted=set(names.values()))
        lacking = self._lacking(names, known)
        total, before = len(names), len(names) - len(lacking)
        keep = context.of_first(len(lacking) * row_bytes <= self.cache.limit)
        files: list[Path] = []
        unreadable: dict[int, str] = {}
        began, done = time.perf_counter(), 0

        def progress(remaining_seconds: float = 0.0) -> TrunkProgress:
            return TrunkProgress(
                elapsed_seconds=context.elapsed_seconds,
                done=before + done,
                total=total,
                remaining_seconds=remaining_seconds,
                known=before,
                kept=keep,
            )

        yield progress()
        with contextlib.closing(_Writer(self.cache, self.recipe, keep, row_bytes, files)) as writer:
            for new, seen, reasons in self._pass(frozen, lacking):
                for view, row in seen:
                    writer.add(names[view], row)
                unreadable |= reasons
                done += new
                yield progress((time.perf_counter() - began) / done * (len(lacking) - done))
        unreadable = dict(context.gathered(list(unreadable.items())))
        files = context.gathered(files)
        rows = known + [open_rows(path, recipe=self.recipe, wanted=set(names.values())) for path in files]
        if not rows:
            first = next(iter(unreadable.values()), "")
            raise PictureError(f"None of the {len(self.pictures)} pictures can be read: {first}")
        places = self._places(rows, names)
        private = tuple(path for path in files if path.name.startswith(PRIVATE))
        return Features([each.values for each in rows], places, unreadable | self._twins(places, unreadable), private)

    def names(self) -> dict[View, str]:
        """Return the name of every picture's every view that is needed."""
        config = self.context.config
        return {
            (view, index): row_key(picture.sha256, view=view, augmentation=config.augmentation)
            for index, picture in enumerate(self.pictures)
            for view in range(config.views if index < self.varied else 1)
        }

    def _pass(
        self, frozen: Frozen, lacking: list[View]
    ) -> Iterator[tuple[int, list[tuple[View, Tensor]], dict[int, str]]]:
        """Compute what lacks, batch by batch; yield how many more are done, their rows, and what cannot be read."""
        context = self.context
        rounds = _rounds(lacking, context.processes)
        decoded = in_background(lambda parts: self._decode(parts[context.rank]), rounds, ahead=3)
        for parts, (views, pixels, reasons) in zip(rounds, decoded, strict=True):
            context.stop_if_asked()
            rows = list(frozen(pixels).cpu()) if pixels is not None else []
            yield sum(len(part) for part in parts), list(zip(views, rows, strict=True)), reasons

    def _decode(self, views: list[View]) -> tuple[list[View], Tensor | None, dict[int, str]]:
        images: list[Image.Image] = []
        readable: list[View] = []
        reasons: dict[int, str] = {}
        for index, of_picture in groupby(views, key=lambda view: view[1]):
            picture = self.pictures[index]
            try:
                image = open_picture(picture.path, side=side_of(self.processor))
            except PictureError as error:
                reasons[index] = str(error)
                continue
            for view, _ in of_picture:
                augmentation = self.context.config.augmentation
                images.append(vary_view(image, picture.sha256, view=view, augmentation=augmentation))
                readable.append((view, index))
        return readable, to_pixels(images, self.processor) if images else None, reasons

    def _lacking(self, names: dict[View, str], known: Sequence[Rows]) -> list[View]:
        """Return what has to be computed: each content once, and what any of the processes does not know."""
        have = {name for rows in known for name in rows.places}
        lacking = {name: view for view, name in names.items() if name not in have}
        return sorted(dict(self.context.gathered(list(lacking.items()))).values(), key=lambda view: (view[1], view[0]))

    def _places(self, rows: Sequence[Rows], names: dict[View, str]) -> Tensor:
        found = {name: (number, row) for number, each in enumerate(rows) for name, row in each.places.items()}
        places = torch.full((self.context.config.views, len(self.pictures), 2), -1)
        for (view, index), name in names.items():
            if name in found:
                places[view, index] = torch.tensor(found[name])
        return places

    def _twins(self, places: Tensor, unreadable: dict[int, str]) -> dict[int, str]:
        """Say of the pictures that have the content of an unreadable one, and were not opened, that they are as bad."""
        lacking = [index for index in (places[0, :, 0] < 0).nonzero().flatten().tolist() if index not in unreadable]
        _, _, reasons = self._decode([(0, index) for index in lacking])
        # One whose twin was gone when its turn came can be read, and yet nothing is known of it.
        return {index: reasons.get(index, _CHANGED.format(self.pictures[index].path)) for index in lacking}


class _Writer:
    """Gathers rows into files; ``files`` gets the path of each."""

    def __init__(self, cache: Cache, recipe: Recipe, keep: bool, row_bytes: int, files: list[Path]) -> None:
        self._cache, self._recipe, self._keep, self._files = cache, recipe, keep, files
        self._most = max(1, min(FILE_ROWS, FILE_BYTES // row_bytes))
        self._rows: dict[str, Tensor] = {}

    def add(self, name: str, row: Tensor) -> None:
        self._rows[name] = row
        if len(self._rows) == self._most:
            self.close()

    def close(self) -> None:
        rows, self._rows = self._rows, {}
        if rows:
            values = torch.stack(list(rows.values()))
            self._files.append(self._cache.write(self._recipe, list(rows), values, keep=self._keep))


def make_recipe(config: TrainConfig, *, weights: str, processor: BaseImageProcessor, context: Context) -> Recipe:
    """Return what, besides a picture and its view, decides its row; ``weights`` is the SHA-256 of their file."""
    return Recipe(
        weights=weights,
        trained_blocks=0 if config.depth == "head" else int(config.depth),
        image_size=side_of(processor),
        precision=context.precision,
        device=context.device.type,
        processor=processor.to_json_string(),
        packages=f"torch {torch.__version__}, transformers {transformers.__version__}, pillow {PIL.__version__}",
    )


def row_bytes_of(network: Network, *, trained_blocks: int, context: Context) -> int:
    """Return the bytes of one row: features in float32, or tokens in the precision that they are computed in."""
    tokens, width = network.tokens
    return tokens * width * (2 if context.precision == "bfloat16" else 4) if trained_blocks else network.width * 4


def of_backbone(pictures: Sequence[Path], config: TrainConfig) -> Generator[Progress, None, np.ndarray]:
    """Return (N, F) float32 features of pictures by the backbone of a configuration, as ``pooled`` does.

    Raises:
        BackboneError: the backbone is not here, or not of a kind that can be used.
        PictureError, RunError: as ``pooled``.
    """
    source = locate(config.backbone)
    # The head that comes with it is not asked: any number of classes will do.
    network = load_backbone(source.path, classes=list(EMOTIONS), image_size=config.image_size)
    processor = load_processor(source.path, image_size=network.image_size)
    return (yield from pooled(pictures, config, weights=source.sha256, network=network, processor=processor))


def pooled(
    pictures: Sequence[Path], config: TrainConfig, *, weights: str, network: Network, processor: BaseImageProcessor
) -> Generator[Progress, None, np.ndarray]:
    """Return (N, F) float32 features of pictures, before whitening; a row of NaN where one cannot be read.

    They are those of a training of the head alone, and are kept as such. ``weights`` is the SHA-256 of what the network
    was read of.

    Raises:
        PictureError: not one picture can be read.
        RunError: the disk has no room for the features.
    """
    context = Context(replace(config, depth="head"))
    recipe = make_recipe(context.config, weights=weights, processor=processor, context=context)
    features = np.full((len(pictures), network.width), np.nan, dtype=np.float32)
    found = {place: picture for place, path in enumerate(pictures) if (picture := _found(path))}
    if found:
        look = Look(list(found.values()), 0, processor, recipe, open_cache(), context)
        frozen = Frozen(network, trained_blocks=0, precision=context.precision)
        with told_of_full_disk():
            seen = yield from as_progress(look.take(frozen, row_bytes=network.width * 4))
        places = list(found)
        readable = [row for row in range(len(places)) if row not in seen.unreadable]
        features[[places[row] for row in readable]] = seen.take(readable).numpy()
        seen.close()
    return features


def look_progress(event: TrunkProgress) -> Iterator[Progress]:
    """Yield how far a pass is, unless there is nothing to compute."""
    new = event.total - event.known
    if new:
        yield Progress(event.done - event.known, new, f"looking once at {new} picture{'' if new == 1 else 's'}")


@contextlib.contextmanager
def told_of_full_disk() -> Iterator[None]:
    """Turn a disk that is full, or cannot be read, into a sentence.

    Raises:
        RunError: it is.
    """
    try:
        yield
    except OSError as error:
        raise RunError(
            f"A file could not be read or written ({error.strerror}): make room on the disk first."
        ) from error


def _found(path: Path) -> Picture | None:
    """Return a picture with its content's hash known; None where its file is gone."""
    picture = Picture(path, "")
    try:
        return picture if picture.sha256 else None
    except OSError:
        return None


def as_progress(steps: Generator[TrunkProgress, None, Features]) -> Generator[Progress, None, Features]:
    """Tell how far a pass is as progress; return its features."""
    try:
        while True:
            yield from look_progress(next(steps))
    except StopIteration as end:
        features: Features = end.value
        return features


def _rounds(views: list[View], processes: int) -> list[list[list[View]]]:
    """Cut the views into rounds with a part for each process, so that all of them take about equally many.

    The views of a picture stay together, so that it is decoded once for all of them.
    """
    parts: list[list[View]] = []
    for _, of_picture in groupby(views, key=lambda view: view[1]):
        some = list(of_picture)
        if not parts or len(parts[-1]) + len(some) > BATCH:
            parts.append([])
        parts[-1] += some
    parts += [[] for _ in range(-len(parts) % processes)]
    return [parts[start : start + processes] for start in range(0, len(parts), processes)]
