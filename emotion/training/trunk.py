"""The frozen part's look at the pictures, at no view of one twice: what it made of them is kept for later trainings."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import PIL
import torch
import transformers
from accelerate.utils import broadcast_object_list, gather_object
from PIL import Image
from torch import Tensor, nn
from transformers import BaseImageProcessor

from emotion.cache.collector import Collector
from emotion.cache.recipe import Recipe, row_key
from emotion.cache.shard import Shard, open_shard
from emotion.cache.shipped import Shipped, features_for
from emotion.cache.store import Cache
from emotion.config import Augmentation, TrainConfig
from emotion.data.decoding import open_picture
from emotion.data.folders import Picture
from emotion.errors import PictureError
from emotion.events import TrunkProgress
from emotion.training.activations import Activations, Job, place_rows, rows_of
from emotion.training.augmentation import mirrored, vary
from emotion.training.context import Context
from emotion.training.device import computing_in
from emotion.training.inputs import in_background, side_of, to_pixels

LOOK_BATCH = 16
_CHANGED = "{} has a twin that changed while it was looked at: train again to include it."


@dataclass(frozen=True)
class Look:
    """A look at ``pictures``, of which the first ``varied`` are looked at in every view of the settings."""

    pictures: Sequence[Picture]
    varied: int
    processor: BaseImageProcessor
    recipe: Recipe
    cache: Cache
    context: Context

    def take(self, trunk: nn.Module, *, row_bytes: int) -> Generator[TrunkProgress, None, Activations]:
        """Pass what is not known yet through the frozen part; several processes share the work.

        Where the activations, ``row_bytes`` each, find no room in the cache, they last for this training only.

        Raises:
            Stopped: somebody asked for it between two batches; what is computed is kept.
            PictureError: not one picture can be read.
            OSError: the disk has no room for the activations.
        """
        context, names = self.context, self.names()
        total = len(names)
        with contextlib.ExitStack() as opened:
            known = self.cache.find(self.recipe, names.values())
            _close_later(known, opened)
            shipped = features_for(self.recipe)
            if shipped and not any(name in shipped.rows for name in names.values()):
                shipped = None
            lacking = self._lacking(names, [*known, *([shipped] if shipped else [])])
            before = total - len(lacking)
            keeps = self._agree(self.cache.has_room(len(lacking) * row_bytes))
            yield self._progress(before, total, known=before, keeps=keeps)
            collector = Collector(self.cache, self.recipe, keeps=keeps)
            unreadable: dict[int, str] = {}
            began, done = time.perf_counter(), 0
            try:
                for new, reasons in self._pass(trunk, lacking, names, collector):
                    unreadable |= reasons
                    done += new
                    left = (time.perf_counter() - began) / done * (len(lacking) - done)
                    yield self._progress(before + done, total, known=before, keeps=keeps, remaining_seconds=left)
            finally:
                try:
                    collector.finish()
                finally:
                    _close_later(collector.shards, opened)
            if context.processes > 1:
                unreadable = dict(gather_object(list(unreadable.items())))
            others = self._of_other_processes(collector.shards)
            _close_later(others, opened)
            shards = [*known, *collector.shards, *others]
            if not shards and not shipped:
                first = next(iter(unreadable.values()), "")
                raise PictureError(f"None of the {len(self.pictures)} pictures can be read: {first}")
            rows = [(rows_of(shard), shard.rows) for shard in shards]
            rows += [(torch.from_numpy(shipped.features), shipped.rows)] if shipped else []
            maps, places = place_rows(rows, names, (context.config.views, len(self.pictures)))
            return Activations(maps, places, unreadable | self._twins(places, unreadable), opened.pop_all())

    def _pass(
        self, trunk: nn.Module, lacking: list[Job], names: dict[Job, str], collector: Collector
    ) -> Iterator[tuple[int, dict[int, str]]]:
        """Compute what lacks, batch by batch; yield how many more are done, and what could not be read."""
        if not lacking:
            return
        context = self.context
        rounds = _rounds(lacking, context.processes)
        module, dtype = computing_in(trunk, context.precision)
        decoded = in_background(lambda parts: self._decode(parts[context.rank]), rounds, ahead=3)
        for parts, (batch, pixels, reasons) in zip(rounds, decoded, strict=True):
            context.stop_if_asked()
            if pixels is not None:
                with torch.inference_mode():
                    seen = module(pixels.to(context.device, dtype)).cpu()
                for job, row in zip(batch, seen, strict=True):
                    collector.add(names[job], _bytes(row), dtype=_dtype(row), shape=tuple(row.shape))
            yield sum(len(part) for part in parts), reasons

    def _twins(self, places: Tensor, unreadable: dict[int, str]) -> dict[int, str]:
        """Say of the pictures that have the content of an unreadable one, and were not opened, that they are as bad."""
        lacking = [index for index in (places[0, :, 0] < 0).nonzero().flatten().tolist() if index not in unreadable]
        _, _, reasons = self._decode([(0, index) for index in lacking])
        # One whose twin was gone when its turn came can be read, and yet nobody has looked at it.
        return {index: reasons.get(index, _CHANGED.format(self.pictures[index].path)) for index in lacking}

    def names(self) -> dict[Job, str]:
        """Return the name of every picture's every view that is needed."""
        config = self.context.config
        return {
            (view, index): row_key(picture.sha256, view=view, augmentation=config.augmentation)
            for index, picture in enumerate(self.pictures)
            for view in range(config.views if index < self.varied else 1)
        }

    def _lacking(self, names: dict[Job, str], known: Sequence[Shard | Shipped]) -> list[Job]:
        """Return what has to be computed: each content once, and what any of the processes does not know."""
        have = {name for shard in known for name in shard.rows}
        lacking = {name: job for job, name in names.items() if name not in have}
        if self.context.processes > 1:
            lacking = dict(gather_object(list(lacking.items())))
        return sorted(lacking.values(), key=lambda job: (job[1], job[0]))

    def _agree(self, answer: bool) -> bool:
        answers = [answer]
        if self.context.processes > 1:
            broadcast_object_list(answers)
        return answers[0]

    def _of_other_processes(self, mine: list[Shard]) -> list[Shard]:
        if self.context.processes == 1:
            return []
        rows = gather_object([(shard.folder, list(shard.rows)) for shard in mine])
        own = {shard.folder for shard in mine}
        others = [open_shard(folder, recipe=self.recipe, wanted=names) for folder, names in rows if folder not in own]
        return [shard for shard in others if shard is not None]

    def _progress(
        self, done: int, total: int, *, known: int, keeps: bool, remaining_seconds: float = 0.0
    ) -> TrunkProgress:
        return TrunkProgress(
            elapsed_seconds=self.context.elapsed_seconds,
            done=done,
            total=total,
            remaining_seconds=remaining_seconds,
            known=known,
            kept=keeps,
        )

    def _decode(self, batch: list[Job]) -> tuple[list[Job], Tensor | None, dict[int, str]]:
        config, side = self.context.config, side_of(self.processor)
        images: list[Image.Image] = []
        readable: list[Job] = []
        reasons: dict[int, str] = {}
        for index, jobs in groupby(batch, key=lambda job: job[1]):
            picture = self.pictures[index]
            try:
                image = open_picture(picture.path, side=side)
            except PictureError as error:
                reasons[index] = str(error)
                continue
            for view, _ in jobs:
                images.append(vary_view(image, picture.sha256, view=view, augmentation=config.augmentation))
                readable.append((view, index))
        return readable, to_pixels(images, self.processor) if images else None, reasons


def make_recipe(config: TrainConfig, *, weights: str, processor: BaseImageProcessor, context: Context) -> Recipe:
    """Return what, besides a picture and its view, decides its activation; ``weights`` is the SHA-256 of their file."""
    return Recipe(
        weights=weights,
        trained_blocks=0 if config.depth == "head" else int(config.depth),
        image_size=config.image_size,
        precision=context.precision,
        device=context.device.type,
        processor=processor.to_json_string(),
        packages=f"torch {torch.__version__}, transformers {transformers.__version__}, pillow {PIL.__version__}",
    )


def vary_view(image: Image.Image, sha256: str, *, view: int, augmentation: Augmentation) -> Image.Image:
    """Return a view of a picture, which depends on the picture's content alone, so that every seed shares it.

    The first further view of ``frame`` is the mirrored picture: it changes no proportion. Those of ``zoom`` are closer
    and farther by turns.
    """
    if view == 0:
        return image
    if view == 1 and augmentation == "frame":
        return mirrored(image)
    farther = view % 2 == 0 if augmentation == "zoom" else None
    return vary(image, augmentation=augmentation, key=f"{sha256}/view {view}", farther=farther)


def _close_later(shards: Sequence[Shard], stack: contextlib.ExitStack) -> None:
    for shard in shards:
        stack.callback(shard.close)


def _rounds(jobs: list[Job], processes: int) -> list[list[list[Job]]]:
    """Cut the jobs into rounds with a part for each process, so that all of them take about equally many.

    The views of a picture stay together, so that it is decoded once for all of them.
    """
    parts: list[list[Job]] = []
    for _, views in groupby(jobs, key=lambda job: job[1]):
        some = list(views)
        if not parts or len(parts[-1]) + len(some) > LOOK_BATCH:
            parts.append([])
        parts[-1] += some
    parts += [[] for _ in range(-len(parts) % processes)]
    return [parts[start : start + processes] for start in range(0, len(parts), processes)]


def _bytes(row: Tensor) -> bytes:
    return row.contiguous().view(torch.uint8).numpy().tobytes()


def _dtype(row: Tensor) -> str:
    return str(row.dtype).removeprefix("torch.")
