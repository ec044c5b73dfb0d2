"""Views of pictures, and their features from the frozen layers, computed once and cached for later trainings."""

from __future__ import annotations

import contextlib
import hashlib
import math
import random
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import PIL
import torch
import transformers
from accelerate.utils import gather_object
from PIL import Image, ImageEnhance, ImageOps, ImageStat
from torch import Tensor

from emotion.backbones.network import Frozen
from emotion.backbones.pixels import in_background, side_of, to_pixels
from emotion.core.config import Augmentation, TrainConfig
from emotion.core.errors import PictureError
from emotion.core.events import TrunkProgress
from emotion.data.decoding import open_picture
from emotion.data.folders import Picture
from emotion.training.cache import Recipe, open_cache, read_rows
from emotion.training.context import Backbone, Context
from emotion.training.shipped import shipped_rows

BATCH, THROUGH_BATCH = 16, 32
# Raise this when decoding, variation or pooling gives different results: no cached row is found any more.
VERSION = 4
# The smallest share of the width that a crop leaves, and how far each colour factor may be from 1.
_STRENGTHS: dict[str, tuple[float, float]] = {
    "light": (0.85, 0.1),
    "zoom": (0.7, 0.2),
    "strong": (0.7, 0.3),
    "frame": (0.75, 0.2),
}
# The largest width of the frame, as a multiple of the picture's width.
_WIDEST_FRAME = 2.0
View = tuple[str, int]  # the picture's SHA-256, and which view of it: 0 for the unchanged picture


@dataclass(frozen=True)
class Features:
    """Rows by content and view, (F,) features or (T, D) tokens, which may be memory-mapped.

    ``unreadable`` maps the path of each unreadable picture to one sentence.
    """

    rows: Mapping[View, Tensor]
    unreadable: dict[Path, str]

    def take(self, pictures: Sequence[Picture], *, views: Sequence[int] | int = 0) -> Tensor:
        """Return (len(pictures), …) rows in float32, of the given view of each picture."""
        wanted = [views] * len(pictures) if isinstance(views, int) else views
        return torch.stack([self.rows[each.sha256, view] for each, view in zip(pictures, wanted, strict=True)]).float()

    def through(self, work: Callable[[Tensor], Tensor]) -> Features:
        """Return features (B, F) that ``work`` computes from these rows (B, …), held in memory."""
        views, rows = list(self.rows), dict[View, Tensor]()
        for start in range(0, len(views), THROUGH_BATCH):
            part = views[start : start + THROUGH_BATCH]
            rows |= zip(part, work(torch.stack([self.rows[view] for view in part]).float()), strict=True)
        return replace(self, rows=rows)


def recipe_of(backbone: Backbone, context: Context) -> Recipe:
    """Return all that determines a row, apart from the picture and its view.

    ``trained_blocks`` is the number of blocks after the row, 0 for features.
    """
    depth = context.config.depth
    return {
        "weights": backbone.sha256,
        "trained_blocks": depth if isinstance(depth, int) else 0,
        "image_size": side_of(backbone.processor),
        "precision": context.precision,
        "device": context.device.type,
        "processor": backbone.processor.to_json_string(),
        "packages": f"torch {torch.__version__}, transformers {transformers.__version__}, pillow {PIL.__version__}",
        "version": VERSION,
    }


def row_name(view: View, config: TrainConfig) -> str:
    """Return the name of a row in a file: a picture's content and its view."""
    sha256, number = view
    return f"{sha256}/{config.augmentation}-{number}" if number else f"{sha256}/plain"


def look(
    pictures: Sequence[Picture], backbone: Backbone, context: Context, *, varied: int = 0
) -> Generator[TrunkProgress, None, Features]:
    """Return the features of pictures, of the first ``varied`` in every view; several processes share the work.

    Rows that are neither cached nor shipped are computed. Those that do not fit in the cache last for this training.
    Raises Stopped on request between two batches (computed rows are cached); PictureError where no picture can be
    read; OSError where the disk is full.
    """
    config, recipe, cache = context.config, recipe_of(backbone, context), open_cache()
    blocks = config.depth if isinstance(config.depth, int) else 0
    wanted = {
        (picture.sha256, view): picture
        for index, picture in enumerate(pictures)
        for view in range(config.views if index < varied else 1)
    }
    names = {view: row_name(view, config) for view in wanted}
    asked = set(names.values())
    rows = cache.find(recipe, asked) | shipped_rows(recipe, asked)
    # Those that any process lacks.
    lacking = set(gather_object([view for view, name in names.items() if name not in rows]))
    rounds = _rounds([view for view in wanted if view in lacking], context.processes)
    size = math.prod(backbone.network.tokens) if blocks else backbone.network.width
    row_bytes = size * (2 if blocks and context.precision == "bfloat16" else 4)
    kept = len(lacking) * row_bytes <= cache.limit
    began, known, done = time.perf_counter(), len(wanted) - len(lacking), 0

    def progress() -> TrunkProgress:
        left = (time.perf_counter() - began) / max(1, done) * (len(lacking) - done)
        return TrunkProgress(done=known + done, total=len(wanted), remaining_seconds=left, known=known, kept=kept)

    def decode(parts: list[list[View]]) -> tuple[list[View], Tensor | None, dict[Path, str]]:
        """Return the views of this process that can be read, their pixels, and why other pictures cannot be."""
        images, reasons = dict[View, Image.Image](), dict[Path, str]()
        for sha256, views in groupby(parts[context.rank], key=lambda view: view[0]):
            path = wanted[sha256, 0].path
            try:
                image = open_picture(path, side=side_of(backbone.processor))
            except PictureError as error:
                reasons[path] = str(error)
                continue
            images |= {view: vary_view(image, view, config.augmentation) for view in views}
        return list(images), to_pixels([*images.values()], backbone.processor) if images else None, reasons

    yield progress()
    frozen: Frozen | None = None
    unreadable, files = dict[Path, str](), list[Path]()
    try:
        for parts, (readable, pixels, reasons) in zip(rounds, in_background(decode, rounds, ahead=3), strict=True):
            context.stop_if_asked()
            unreadable |= reasons
            if pixels is not None:
                # It may copy all weights, so not where every row is known.
                frozen = frozen or Frozen(backbone.network, trained_blocks=blocks, precision=context.precision)
                computed = zip((names[view] for view in readable), frozen(pixels).cpu().contiguous(), strict=True)
                files.append(cache.write(recipe, dict(computed)))
            done += sum(map(len, parts))
            yield progress()
        for path in gather_object(files):
            rows |= read_rows(path, asked)
        unreadable = dict(gather_object(list(unreadable.items())))
        context.accelerator.wait_for_everyone()
    finally:
        # Every process has its rows mapped by now; Windows deletes no mapped file.
        with contextlib.suppress(OSError):
            if files and kept:
                cache.trim()
            for path in [] if kept else files:
                path.unlink()
    found = {view: rows[name] for view, name in names.items() if name in rows}
    for picture in pictures:
        if (picture.sha256, 0) not in found:
            same = f"{picture.path} has the content of another picture that cannot be read."
            unreadable.setdefault(picture.path, same)
    if not found:
        raise PictureError(f"None of the {len(pictures)} pictures can be read: {next(iter(unreadable.values()))}")
    return Features(found, unreadable)


def _rounds(views: list[View], processes: int) -> list[list[list[View]]]:
    """Divide the views into rounds with one part for each process, of about equal size.

    The views of a picture stay together, so that it is decoded once.
    """
    parts: list[list[View]] = []
    for _, of_picture in groupby(views, key=lambda view: view[0]):
        some = list(of_picture)
        if not parts or len(parts[-1]) + len(some) > BATCH:
            parts.append([])
        parts[-1] += some
    parts += [[] for _ in range(-len(parts) % processes)]
    return [parts[start : start + processes] for start in range(0, len(parts), processes)]


def vary(image: Image.Image, *, augmentation: Augmentation, key: str, farther: bool | None = None) -> Image.Image:
    """Return a variation that depends only on ``key`` (the picture and its view or epoch), or the picture for ``off``.

    ``zoom`` and ``frame`` crop half of the pictures and shrink the others into a frame of their mean colour, since a
    face that fills a training picture may be small in other pictures; ``farther`` overrides the random choice.
    """
    if augmentation == "off":
        return image
    smallest, reach = _STRENGTHS[augmentation]
    rng = random.Random(hashlib.sha256(key.encode()).digest())
    if farther is None:
        farther = augmentation in ("zoom", "frame") and rng.random() < 0.5
    image = _framed(image, rng) if farther else _cropped(image, rng, smallest)
    if rng.random() < 0.5:
        image = ImageOps.mirror(image)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(rng.uniform(1 - reach, 1 + reach))
    return image


def vary_view(image: Image.Image, view: View, augmentation: Augmentation) -> Image.Image:
    """Return a view of a picture. It depends only on the content, so all seeds share it.

    View 1 of ``frame`` is the mirrored picture; the views of ``zoom`` alternate between closer and farther.
    """
    sha256, number = view
    if number == 0:
        return image
    if number == 1 and augmentation == "frame":
        return ImageOps.mirror(image)
    farther = number % 2 == 0 if augmentation == "zoom" else None
    return vary(image, augmentation=augmentation, key=f"{sha256}/view {number}", farther=farther)


def _cropped(image: Image.Image, rng: random.Random, smallest: float) -> Image.Image:
    side = rng.uniform(smallest, 1.0)
    width, height = max(1, round(image.width * side)), max(1, round(image.height * side))
    left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def _framed(image: Image.Image, rng: random.Random) -> Image.Image:
    scale = rng.uniform(1.0, _WIDEST_FRAME)
    width, height = round(image.width * scale), round(image.height * scale)
    colour = tuple(round(value) for value in ImageStat.Stat(image).mean)
    frame = Image.new("RGB", (width, height), colour)
    frame.paste(image, (rng.randint(0, width - image.width), rng.randint(0, height - image.height)))
    return frame
