"""Features from the frozen layers: each view of each picture is computed once and cached for later trainings."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import PIL
import torch
import transformers
from PIL import Image
from torch import Tensor
from transformers import BaseImageProcessor

from emotion.backbones.network import Frozen, Network
from emotion.backbones.pixels import in_background, side_of, to_pixels
from emotion.core.errors import PictureError
from emotion.core.events import TrunkProgress
from emotion.data.decoding import open_picture
from emotion.data.folders import Picture
from emotion.training.augmentation import vary_view
from emotion.training.cache import PRIVATE, Cache, Recipe, Rows, open_cache, open_rows, row_key
from emotion.training.context import Context
from emotion.training.shipped import shipped_rows

BATCH, THROUGH_BATCH = 16, 32
# The size of one file: a training that is killed loses no more rows than these.
FILE_ROWS, FILE_BYTES = 512, 64_000_000
_CHANGED = "{} has a twin that changed while it was read: train again to include it."
View = tuple[int, int]  # view, picture index


@dataclass(frozen=True)
class Features:
    """Rows by picture and view, (F,) features or (T, D) tokens, which may be memory-mapped.

    ``places`` is a (views, pictures, 2) tensor: which of ``values`` holds a picture's view, and in which row; -1 where
    none does. ``unreadable`` maps the index of each unreadable picture to one sentence.
    """

    values: list[Tensor]
    places: Tensor
    unreadable: dict[int, str]

    def take(self, indices: Sequence[int], *, views: Sequence[int] | int = 0) -> Tensor:
        """Return (len(indices), …) rows in float32, of the given view of each picture."""
        wanted = [views] * len(indices) if isinstance(views, int) else views
        places = self.places[torch.tensor(wanted), torch.tensor(indices)].tolist()
        return torch.stack([self.values[file][row] for file, row in places]).float()

    def through(self, work: Callable[[Tensor], Tensor]) -> Features:
        """Return features (B, F) that ``work`` computes from these rows (B, …), held in memory."""
        values, places = [], self.places.clone()
        for number, rows in enumerate(self.values):
            here = self.places[..., 0] == number
            wanted, places[..., 1][here] = torch.unique(self.places[..., 1][here], return_inverse=True)
            parts = [work(rows[part].float()) for part in torch.split(wanted, THROUGH_BATCH) if len(part)]
            values.append(torch.cat(parts) if parts else torch.empty(0))
        return replace(self, values=values, places=places)


@dataclass(frozen=True)
class Look:
    """A pass of pictures through the frozen layers, the first ``varied`` pictures in every view.

    ``weights`` is the SHA-256 of the network's weight file.
    """

    pictures: Sequence[Picture]
    varied: int
    network: Network
    processor: BaseImageProcessor
    weights: str
    context: Context

    @property
    def trained_blocks(self) -> int:
        """The number of blocks after the rows: 0 for features."""
        depth = self.context.config.depth
        return depth if isinstance(depth, int) else 0

    def recipe(self) -> Recipe:
        """Return all that determines a row, apart from the picture and its view."""
        return Recipe(
            weights=self.weights,
            trained_blocks=self.trained_blocks,
            image_size=side_of(self.processor),
            precision=self.context.precision,
            device=self.context.device.type,
            processor=self.processor.to_json_string(),
            packages=f"torch {torch.__version__}, transformers {transformers.__version__}, pillow {PIL.__version__}",
        )

    def names(self) -> dict[View, str]:
        """Return the name of each needed view of each picture."""
        config = self.context.config
        return {
            (view, index): row_key(picture.sha256, view=view, augmentation=config.augmentation)
            for index, picture in enumerate(self.pictures)
            for view in range(config.views if index < self.varied else 1)
        }

    def take(self) -> Generator[TrunkProgress, None, Features]:
        """Compute the missing rows; several processes share the work.

        Rows that do not fit in the cache last for this training only.
        Raises Stopped on request between two batches (computed rows are saved); PictureError where no picture can be
        read; OSError where the disk is full.
        """
        context, names, recipe, cache = self.context, self.names(), self.recipe(), open_cache()
        wanted = set(names.values())
        known = cache.find(recipe, wanted) + shipped_rows(recipe, wanted=wanted)
        lacking = self._lacking(names, known)
        total, before = len(names), len(names) - len(lacking)
        keep = context.of_first(len(lacking) * self._row_bytes <= cache.limit)
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
        with contextlib.closing(_Writer(cache, recipe, keep, self._row_bytes)) as writer:
            for new, seen, reasons in self._pass(lacking):
                for view, row in seen:
                    writer.add(names[view], row)
                unreadable |= reasons
                done += new
                yield progress((time.perf_counter() - began) / done * (len(lacking) - done))
        unreadable = dict(context.gathered(list(unreadable.items())))
        files = context.gathered(writer.files)
        rows = known + [open_rows(path, recipe=recipe, wanted=wanted) for path in files]
        context.accelerator.wait_for_everyone()
        # Private files are deleted once every process has them mapped.
        for path in files:
            if path.name.startswith(PRIVATE):
                with contextlib.suppress(OSError):
                    path.unlink()
        if not rows:
            first = next(iter(unreadable.values()), "")
            raise PictureError(f"None of the {len(self.pictures)} pictures can be read: {first}")
        places = self._places(rows, names)
        return Features([each.values for each in rows], places, unreadable | self._twins(places, unreadable))

    @property
    def _row_bytes(self) -> int:
        """Return the size of one row: float32 features, or tokens in the precision they are computed in."""
        tokens, width = self.network.tokens
        if not self.trained_blocks:
            return self.network.width * 4
        return tokens * width * (2 if self.context.precision == "bfloat16" else 4)

    def _lacking(self, names: dict[View, str], known: Sequence[Rows]) -> list[View]:
        """Return the views to compute: each content once, if any process lacks it."""
        have = {name for rows in known for name in rows.places}
        lacking = {name: view for view, name in names.items() if name not in have}
        return sorted(dict(self.context.gathered(list(lacking.items()))).values(), key=lambda view: (view[1], view[0]))

    def _pass(self, lacking: list[View]) -> Iterator[tuple[int, list[tuple[View, Tensor]], dict[int, str]]]:
        """Compute the missing views in batches; yield the number of new ones, their rows, and unreadable pictures."""
        context = self.context
        frozen = Frozen(self.network, trained_blocks=self.trained_blocks, precision=context.precision)
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

    def _places(self, rows: Sequence[Rows], names: dict[View, str]) -> Tensor:
        found = {name: (number, row) for number, each in enumerate(rows) for name, row in each.places.items()}
        places = torch.full((self.context.config.views, len(self.pictures), 2), -1)
        for (view, index), name in names.items():
            if name in found:
                places[view, index] = torch.tensor(found[name])
        return places

    def _twins(self, places: Tensor, unreadable: dict[int, str]) -> dict[int, str]:
        """Return reasons for pictures that were not opened because another with the same content is unreadable."""
        lacking = [index for index in (places[0, :, 0] < 0).nonzero().flatten().tolist() if index not in unreadable]
        _, _, reasons = self._decode([(0, index) for index in lacking])
        # If that other file was gone when its turn came, this picture is readable but has no row.
        return {index: reasons.get(index, _CHANGED.format(self.pictures[index].path)) for index in lacking}


class _Writer:
    """Gathers rows into files of the cache."""

    def __init__(self, cache: Cache, recipe: Recipe, keep: bool, row_bytes: int) -> None:
        self.files: list[Path] = []
        self._cache, self._recipe, self._keep = cache, recipe, keep
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
            self.files.append(self._cache.write(self._recipe, list(rows), values, keep=self._keep))


def _rounds(views: list[View], processes: int) -> list[list[list[View]]]:
    """Divide the views into rounds with one part for each process, of about equal size.

    The views of a picture stay together, so that it is decoded once.
    """
    parts: list[list[View]] = []
    for _, of_picture in groupby(views, key=lambda view: view[1]):
        some = list(of_picture)
        if not parts or len(parts[-1]) + len(some) > BATCH:
            parts.append([])
        parts[-1] += some
    parts += [[] for _ in range(-len(parts) % processes)]
    return [parts[start : start + processes] for start in range(0, len(parts), processes)]
