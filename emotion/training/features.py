"""What a frozen backbone makes of pictures, pooled for a classifier; the cache of activations is asked first."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from transformers import BaseImageProcessor

from emotion.backbones.anatomy import CutModel, Trunk, cut, load_model, load_processor
from emotion.backbones.registry import locate
from emotion.cache.store import open_cache
from emotion.config import TrainConfig
from emotion.data.folders import Picture
from emotion.errors import RunError
from emotion.events import TrunkProgress
from emotion.job import Progress
from emotion.labels import EMOTIONS
from emotion.training.activations import Activations
from emotion.training.context import Context
from emotion.training.fit import never
from emotion.training.trunk import Look, make_recipe

VALUE_BYTES = 4  # pooled features are float32 always


def of_backbone(pictures: Sequence[Path], config: TrainConfig) -> Generator[Progress, None, np.ndarray]:
    """Return (N, F) float32 features of pictures by the backbone of a configuration, as ``pooled`` does.

    It is the look that a training of the classifier alone with that configuration begins with.

    Raises:
        BackboneError: the backbone is not here, or not of a kind that can be used.
        PictureError, RunError: as ``pooled``.
    """
    source = locate(config.backbone)
    # The classifier that comes with it is not asked: any number of classes will do.
    model = load_model(source.path, classes=list(EMOTIONS), image_size=config.image_size)
    processor = load_processor(source.path, image_size=config.image_size)
    return (yield from pooled(pictures, config, weights=source.sha256, parts=cut(model, 0), processor=processor))


def pooled(
    pictures: Sequence[Path], config: TrainConfig, *, weights: str, parts: CutModel, processor: BaseImageProcessor
) -> Generator[Progress, None, np.ndarray]:
    """Return (N, F) float32 features of pictures, before whitening; a row of NaN where one cannot be read.

    What the cache of activations knows is not computed, and what is computed is kept there. ``config`` is that of a
    training of the classifier alone, ``weights`` the SHA-256 of what ``parts``, cut before its classifier, was read of.

    Raises:
        PictureError: not one picture can be read.
        RunError: the disk has no room for the features.
    """
    context = Context(config, never, time.perf_counter())
    recipe = make_recipe(config, weights=weights, processor=processor, context=context)
    width = parts.top.classifier.in_features
    features = np.full((len(pictures), width), np.nan, dtype=np.float32)
    found = {place: picture for place, path in enumerate(pictures) if (picture := _found(path))}
    if found:
        look = Look(list(found.values()), 0, processor, recipe, open_cache(), context)
        with told_of_full_disk():
            activations = yield from _looking(look.take(cast(Trunk, parts.trunk), row_bytes=width * VALUE_BYTES))
        places = list(found)
        readable = [row for row in range(len(places)) if row not in activations.unreadable]
        features[[places[row] for row in readable]] = activations.take([0] * len(readable), readable).numpy()
        activations.close()
    return features


def _found(path: Path) -> Picture | None:
    """Return a picture with its content's hash known; None where its file is gone."""
    picture = Picture(path, "")
    try:
        return picture if picture.sha256 else None
    except OSError:
        return None


def _looking(steps: Generator[TrunkProgress, None, Activations]) -> Generator[Progress, None, Activations]:
    try:
        while True:
            yield from look_progress(next(steps))
    except StopIteration as end:
        activations: Activations = end.value
        return activations


def look_progress(event: TrunkProgress) -> Iterator[Progress]:
    """Yield how far a look is, unless there is nothing to look at."""
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
