"""Training inputs: the readable pictures of a split, their order, and the tensor for each."""

from __future__ import annotations

import random
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from PIL import Image
from torch import Tensor
from transformers import BaseImageProcessor

from emotion.backbones.pixels import in_background, side_of, to_pixels
from emotion.core.config import TrainConfig
from emotion.data.decoding import open_picture
from emotion.data.folders import Picture
from emotion.data.sampling import Split
from emotion.training.augmentation import vary
from emotion.training.context import Context
from emotion.training.features import Features


@dataclass(frozen=True)
class Examples:
    """The (pictures,) class indices of a split, and the indices of its training and validation pictures.

    ``class_weights``, (classes,), give every class the same weight; None where every picture has the same weight.
    """

    labels: Tensor
    train: list[int]
    validation: list[int]
    class_weights: Tensor | None

    @classmethod
    def of(cls, split: Split, unreadable: Container[int], context: Context) -> Examples:
        """Return the examples of a split without the ``unreadable`` indices (among all its pictures)."""
        count, pictures = len(split.train), split.train + split.validation
        labels = torch.tensor([split.classes.index(picture.label) for picture in pictures])
        train = [index for index in range(count) if index not in unreadable]
        validation = [index for index in range(count, len(pictures)) if index not in unreadable]
        weights = None
        if context.config.class_weights:
            # Averages 1 over the pictures, so that learning rates stay comparable (King and Zeng 2001, doi
            # 10.1093/oxfordjournals.pan.a004868; scikit-learn's "balanced").
            counts = torch.bincount(labels[train], minlength=len(split.classes)).clamp_min(1).float()
            weights = (len(train) / (len(split.classes) * counts)).to(context.device)
        return cls(labels.to(context.device), train, validation, weights)


def batches(count: int, *, batch_size: int, seed: int, epoch: int) -> Iterator[list[int]]:
    """Yield the indices 0 … ``count`` - 1 in global batches, in an order that depends only on seed and epoch."""
    order = list(range(count))
    random.Random(f"{seed}/{epoch}").shuffle(order)
    for start in range(0, count, batch_size):
        yield order[start : start + batch_size]


def steps_in(count: int, *, batch_size: int) -> int:
    """Return the number of optimizer steps in an epoch of ``count`` pictures."""
    return -(-count // batch_size)


def shard(batch: Sequence[int], *, rank: int, processes: int) -> tuple[list[int], list[float]]:
    """Return a process's indices of a global batch and a weight for each.

    Every process gets the same number, padded with the batch's first picture at weight 0, so that the averaged
    gradients are those of the whole batch.
    """
    share = -(-len(batch) // processes)
    mine = list(batch[rank * share : (rank + 1) * share])
    padding = share - len(mine)
    return mine + [batch[0]] * padding, [1.0] * len(mine) + [0.0] * padding


def view_of(index: int, *, views: int, seed: int, epoch: int) -> int:
    """Return which fixed view of a picture is used in an epoch."""
    return random.Random(f"{seed}/{epoch}/{index}").randrange(views) if views > 1 else 0


class PictureInputs:
    """Decodes pictures on demand; training pictures are varied differently in every epoch."""

    def __init__(self, pictures: Sequence[Picture], processor: BaseImageProcessor, *, config: TrainConfig) -> None:
        self._pictures, self._processor, self._config = pictures, processor, config
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
        """Return (len(indices), 3, H, W) pixels of the unchanged pictures."""
        paths = [self._pictures[index].path for index in indices]
        return to_pixels(list(in_background(self._open, paths, ahead=len(paths))), self._processor)


class FeatureInputs:
    """Reads cached rows; where the last ``patches`` tokens stand for patches, a training may drop some of them."""

    def __init__(self, features: Features, *, config: TrainConfig, patches: int = 0) -> None:
        self._features, self._config, self._patches = features, config, patches

    def training(self, indices: Sequence[int], *, epoch: int) -> Tensor:
        """Return (len(indices), …) rows, each in the view drawn for the epoch."""
        views = [view_of(index, views=self._config.views, seed=self._config.seed, epoch=epoch) for index in indices]
        rows = self._features.take(indices, views=views)
        if not self._config.patch_dropout or not self._patches:
            return rows
        kept = [self._kept(index, tokens=rows.shape[1], epoch=epoch) for index in indices]
        return torch.stack([row[tokens] for row, tokens in zip(rows, kept, strict=True)])

    def plain(self, indices: Sequence[int]) -> Tensor:
        """Return (len(indices), …) rows of the unchanged pictures."""
        return self._features.take(indices)

    def _kept(self, index: int, *, tokens: int, epoch: int) -> list[int]:
        """Return the tokens of a picture that an epoch trains on (PatchDropout: Liu et al. 2023, arXiv 2208.07220)."""
        special = tokens - self._patches
        count = max(1, round(self._patches * (1 - self._config.patch_dropout)))
        draw = random.Random(f"{self._config.seed}/{epoch}/{index}/patches")
        return [*range(special), *sorted(draw.sample(range(special, tokens), count))]


Inputs = PictureInputs | FeatureInputs
