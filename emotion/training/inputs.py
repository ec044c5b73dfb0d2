"""What the trained part is fed: a frozen part's activations, computed once, or pictures decoded anew."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Protocol, TypeVar

import torch
from PIL import Image
from torch import Tensor
from transformers import BaseImageProcessor

from emotion.config import TrainConfig
from emotion.data.decoding import open_picture
from emotion.data.folders import Picture
from emotion.training.augmentation import vary
from emotion.training.batches import view_of

DECODING_THREADS = 2
T = TypeVar("T")
R = TypeVar("R")


class Inputs(Protocol):
    """Gives the trained part its input for pictures by their index."""

    def training(self, indices: Sequence[int], *, epoch: int) -> Tensor:
        """Return the (len(indices), …) input of an epoch, in that epoch's variation."""

    def plain(self, indices: Sequence[int]) -> Tensor:
        """Return the (len(indices), …) input of the pictures as they are."""

    def close(self) -> None:
        """Give back what was opened."""


def to_pixels(images: Sequence[Image.Image], processor: BaseImageProcessor) -> Tensor:
    """Return (len(images), 3, H, W) float32 pixels, normalised as the processor is told to."""
    pixels: Tensor = processor(list(images), return_tensors="pt")["pixel_values"]
    return pixels


def side_of(processor: BaseImageProcessor) -> int:
    """Return to how many pixels a side a processor resizes pictures: what ``open_picture`` is to be asked for."""
    sizes: dict[str, int] = dict(processor.size)
    return max(sizes.values())


def in_background(work: Callable[[T], R], items: Sequence[T], *, ahead: int) -> Iterator[R]:
    """Yield ``work(item)`` in order, done by threads at most ``ahead`` items ahead of the reader."""
    with ThreadPoolExecutor(DECODING_THREADS) as pool:
        remaining = iter(items)
        pending = [pool.submit(work, item) for item in islice(remaining, ahead)]
        try:
            while pending:
                result = pending.pop(0).result()
                pending += [pool.submit(work, item) for item in islice(remaining, 1)]
                yield result
        finally:
            for future in pending:
                future.cancel()


class Activations(Protocol):
    """What a frozen part made of the pictures, in each of their views."""

    def take(self, views: Sequence[int], indices: Sequence[int]) -> Tensor:
        """Return (len(indices), …) activations in float32, of the given view of each picture."""

    def through(self, work: Callable[[Tensor], Tensor]) -> Activations:
        """Return what ``work`` makes of them, held in memory."""

    def close(self) -> None:
        """Give back what was opened."""


class PictureInputs:
    """Decodes pictures whenever they are asked for; training pictures vary anew in every epoch."""

    def __init__(self, pictures: Sequence[Picture], processor: BaseImageProcessor, *, config: TrainConfig) -> None:
        self._pictures = pictures
        self._processor = processor
        self._config = config
        self._open = partial(open_picture, side=side_of(processor))

    def training(self, indices: Sequence[int], *, epoch: int) -> Tensor:
        """Return (len(indices), 3, H, W) pixels of varied pictures."""
        seed, augmentation = self._config.seed, self._config.augmentation

        def varied(index: int) -> Image.Image:
            picture = self._pictures[index]
            key = f"{seed}/{picture.sha256}/epoch {epoch}"
            return vary(self._open(picture.path), augmentation=augmentation, key=key)

        return to_pixels(list(in_background(varied, indices, ahead=len(indices))), self._processor)

    def plain(self, indices: Sequence[int]) -> Tensor:
        """Return (len(indices), 3, H, W) pixels."""
        paths = [self._pictures[index].path for index in indices]
        return to_pixels(list(in_background(self._open, paths, ahead=len(paths))), self._processor)

    def close(self) -> None:
        """Nothing is open between two calls."""


class ActivationInputs:
    """Reads the frozen part's activations, which may lie on disk.

    Rows of tokens begin with ``special_tokens``; of the patches after them a share is left out in training, others for
    each picture and epoch (PatchDropout: Liu et al. 2023, arXiv 2208.07220).
    """

    def __init__(self, activations: Activations, *, config: TrainConfig, special_tokens: int = 1) -> None:
        self._activations = activations
        self._config = config
        self._special_tokens = special_tokens

    def training(self, indices: Sequence[int], *, epoch: int) -> Tensor:
        """Return (len(indices), …) activations, each of the view that the epoch drew."""
        views = [view_of(index, views=self._config.views, seed=self._config.seed, epoch=epoch) for index in indices]
        rows = self._activations.take(views, indices)
        if not self._config.patch_dropout or rows.ndim == 2:
            return rows
        return torch.stack([row[self._kept(index, epoch, len(row))] for index, row in zip(indices, rows, strict=True)])

    def _kept(self, index: int, epoch: int, tokens: int) -> list[int]:
        patches = range(self._special_tokens, tokens)
        count = max(1, round(len(patches) * (1 - self._config.patch_dropout)))
        chosen = random.Random(f"{self._config.seed}/{epoch}/{index}/patches").sample(patches, count)
        return [*range(self._special_tokens), *sorted(chosen)]

    def through(self, work: Callable[[Tensor], Tensor]) -> ActivationInputs:
        """Return what ``work`` makes of them, held in memory."""
        return ActivationInputs(self._activations.through(work), config=self._config)

    def plain(self, indices: Sequence[int]) -> Tensor:
        """Return (len(indices), …) activations of the pictures as they are."""
        return self.view(0, indices)

    def view(self, view: int, indices: Sequence[int]) -> Tensor:
        """Return (len(indices), …) activations of one view of the pictures."""
        return self._activations.take([view] * len(indices), indices)

    def close(self) -> None:
        """Give back what was opened."""
        self._activations.close()
