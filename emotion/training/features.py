"""Features from the frozen layers: each view of each picture is computed once and cached for later trainings."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Sequence
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
from emotion.training.cache import Recipe, open_cache, read_rows, row_key
from emotion.training.context import Context
from emotion.training.shipped import shipped_rows

BATCH, THROUGH_BATCH = 16, 32
View = tuple[int, int]  # view, picture index


@dataclass(frozen=True)
class Features:
    """Rows by view and picture, (F,) features or (T, D) tokens, which may be memory-mapped.

    ``unreadable`` maps the index of each unreadable picture to one sentence.
    """

    rows: dict[View, Tensor]
    unreadable: dict[int, str]

    def take(self, indices: Sequence[int], *, views: Sequence[int] | int = 0) -> Tensor:
        """Return (len(indices), …) rows in float32, of the given view of each picture."""
        wanted = [views] * len(indices) if isinstance(views, int) else views
        return torch.stack([self.rows[view] for view in zip(wanted, indices, strict=True)]).float()

    def through(self, work: Callable[[Tensor], Tensor]) -> Features:
        """Return features (B, F) that ``work`` computes from these rows (B, …), held in memory."""
        views, rows = sorted(self.rows, key=_by_picture), dict[View, Tensor]()
        for start in range(0, len(views), THROUGH_BATCH):
            part = views[start : start + THROUGH_BATCH]
            rows |= zip(part, work(torch.stack([self.rows[view] for view in part]).float()), strict=True)
        return replace(self, rows=rows)


@dataclass(frozen=True)
class FeaturePass:
    """A pass of pictures through the frozen layers, the first ``varied`` pictures in every view.

    ``weights`` is the SHA-256 of the network's weight file.
    """

    pictures: Sequence[Picture]
    varied: int
    network: Network
    processor: BaseImageProcessor
    weights: str
    context: Context

    def recipe(self) -> Recipe:
        """Return all that determines a row, apart from the picture and its view."""
        depth = self.context.config.depth
        return Recipe(
            weights=self.weights,
            trained_blocks=depth if isinstance(depth, int) else 0,
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

    def run(self) -> Generator[TrunkProgress, None, Features]:
        """Compute the missing rows; several processes share the work.

        Rows that do not fit in the cache last for this training only.
        Raises Stopped on request between two batches (computed rows are cached); PictureError where no picture can be
        read; OSError where the disk is full.
        """
        context, names, recipe, cache = self.context, self.names(), self.recipe(), open_cache()
        wanted = set(names.values())
        rows = cache.find(recipe, wanted) | shipped_rows(recipe, wanted)
        # Each content once, if any process lacks it.
        lacking = {name: view for view, name in names.items() if name not in rows}
        views = sorted(dict(context.gathered(list(lacking.items()))).values(), key=_by_picture)
        kept = len(views) * self._row_bytes(recipe) <= cache.limit
        unreadable, files = dict[int, str](), list[Path]()
        began, known, done = time.perf_counter(), len(names) - len(views), 0

        def progress() -> TrunkProgress:
            pace = (time.perf_counter() - began) / max(1, done)
            left = pace * (len(views) - done)
            return TrunkProgress(done=known + done, total=len(names), remaining_seconds=left, known=known, kept=kept)

        yield progress()
        frozen = Frozen(self.network, trained_blocks=recipe.trained_blocks, precision=context.precision)
        rounds = _rounds(views, context.processes)
        decoded = in_background(lambda parts: self._decode(parts[context.rank]), rounds, ahead=3)
        try:
            for parts, (readable, pixels, reasons) in zip(rounds, decoded, strict=True):
                context.stop_if_asked()
                unreadable |= reasons
                if pixels is not None:
                    computed = zip((names[view] for view in readable), frozen(pixels).cpu().contiguous(), strict=True)
                    files.append(cache.write(recipe, dict(computed)))
                done += sum(map(len, parts))
                yield progress()
            for path in context.gathered(files):
                rows |= read_rows(path, wanted)
            unreadable = dict(context.gathered(list(unreadable.items())))
            context.accelerator.wait_for_everyone()
        finally:
            # Every process has its rows mapped by now; Windows deletes no mapped file.
            with contextlib.suppress(OSError):
                if files and kept:
                    cache.trim()
                for path in [] if kept else files:
                    path.unlink()
        found = {view: rows[name] for view, name in names.items() if name in rows}
        for index, picture in enumerate(self.pictures):
            if (0, index) not in found and index not in unreadable:
                unreadable[index] = f"{picture.path} has the content of another picture that cannot be read."
        if not found:
            raise PictureError(f"None of the {len(self.pictures)} pictures can be read: {min(unreadable.items())[1]}")
        return Features(found, unreadable)

    def _row_bytes(self, recipe: Recipe) -> int:
        """Return the size of one row: float32 features, or tokens in the precision they are computed in."""
        tokens, width = self.network.tokens
        if not recipe.trained_blocks:
            return self.network.width * 4
        return tokens * width * (2 if recipe.precision == "bfloat16" else 4)

    def _decode(self, views: list[View]) -> tuple[list[View], Tensor | None, dict[int, str]]:
        """Return the views that can be read, their pixels, and the reasons for the pictures that cannot be."""
        images, readable, reasons = list[Image.Image](), list[View](), dict[int, str]()
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


def _by_picture(view: View) -> tuple[int, int]:
    return view[1], view[0]


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
