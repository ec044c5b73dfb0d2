"""Training inputs: the readable pictures of a split, their order, and the tensor for each."""

from __future__ import annotations

import random
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn
from transformers import BaseImageProcessor

from emotion.backbones.pixels import in_background, side_of, to_pixels
from emotion.core.config import TrainConfig
from emotion.data.decoding import open_picture
from emotion.data.folders import Picture
from emotion.data.sampling import Split
from emotion.training.context import Context
from emotion.training.features import Features, vary

# The (B, …) inputs of pictures, by their indices: for an epoch's training, or unchanged where the epoch is None.
Inputs = Callable[[Sequence[int], int | None], Tensor]


@dataclass(frozen=True)
class Examples:
    """The pictures of a split with their (pictures,) class indices, and which are readable, for training or validation.

    ``class_weights``, (classes,), give every class the same weight; None where every picture has the same weight.
    """

    pictures: list[Picture]
    labels: Tensor
    train: list[int]
    validation: list[int]
    class_weights: Tensor | None

    @classmethod
    def of(cls, split: Split, unreadable: Container[Path], context: Context) -> Examples:
        """Return the examples of a split without the files that are ``unreadable``."""
        pictures, count = split.train + split.validation, len(split.train)
        labels = torch.tensor([split.classes.index(picture.label) for picture in pictures])
        readable = [index for index, picture in enumerate(pictures) if picture.path not in unreadable]
        train = [index for index in readable if index < count]
        weights = None
        if context.config.class_weights:
            # Averages 1 over the pictures, so that learning rates stay comparable (King and Zeng 2001, doi
            # 10.1093/oxfordjournals.pan.a004868; scikit-learn's "balanced").
            counts = torch.bincount(labels[train], minlength=len(split.classes)).clamp_min(1).float()
            weights = (len(train) / (len(split.classes) * counts)).to(context.device)
        return cls(pictures, labels.to(context.device), train, readable[len(train) :], weights)

    def cost(self, label_smoothing: float) -> nn.CrossEntropyLoss:
        """Return the training loss of (B, C) logits and (B,) labels, (B,)."""
        return nn.CrossEntropyLoss(self.class_weights, reduction="none", label_smoothing=label_smoothing)

    def at(self, indices: Sequence[int]) -> list[Picture]:
        return [self.pictures[index] for index in indices]


def batches(count: int, *, batch_size: int, seed: int, epoch: int) -> Iterator[list[int]]:
    """Yield the indices 0 … ``count`` - 1 in global batches, in an order that depends only on seed and epoch."""
    order = list(range(count))
    random.Random(f"{seed}/{epoch}").shuffle(order)
    for start in range(0, count, batch_size):
        yield order[start : start + batch_size]


def shard(batch: Sequence[int], *, rank: int, processes: int) -> tuple[list[int], list[float]]:
    """Return a process's part of a global batch and a weight for each of its indices.

    Every process gets the same number, padded with the batch's first picture at weight 0, so that the averaged
    gradients are those of the whole batch.
    """
    share = -(-len(batch) // processes)
    mine = list(batch[rank * share : (rank + 1) * share])
    padding = share - len(mine)
    return mine + [batch[0]] * padding, [1.0] * len(mine) + [0.0] * padding


@dataclass(frozen=True)
class PictureInputs:
    """Decodes pictures on demand, (B, 3, H, W); those of a training are varied differently in every epoch."""

    examples: Examples
    processor: BaseImageProcessor
    config: TrainConfig

    def __call__(self, indices: Sequence[int], epoch: int | None) -> Tensor:
        def opened(picture: Picture) -> Image.Image:
            image = open_picture(picture.path, side=side_of(self.processor))
            if epoch is None:
                return image
            key = f"{self.config.seed}/{picture.sha256}/epoch {epoch}"
            return vary(image, augmentation=self.config.augmentation, key=key)

        images = in_background(opened, self.examples.at(indices), ahead=len(indices))
        return to_pixels(list(images), self.processor)


@dataclass(frozen=True)
class FeatureInputs:
    """Reads rows (B, …), for a training in the view drawn for the epoch.

    Where the last ``patches`` tokens stand for patches, a training may drop some of them (PatchDropout: Liu et al.
    2023, arXiv 2208.07220).
    """

    examples: Examples
    features: Features
    config: TrainConfig
    patches: int = 0

    def __call__(self, indices: Sequence[int], epoch: int | None) -> Tensor:
        config, pictures = self.config, self.examples.at(indices)
        if epoch is None:
            return self.features.take(pictures)
        draws = [random.Random(f"{config.seed}/{epoch}/{index}") for index in indices] if config.views > 1 else []
        rows = self.features.take(pictures, views=[draw.randrange(config.views) for draw in draws] or 0)
        if not config.patch_dropout or not self.patches:
            return rows
        first, count = rows.shape[1] - self.patches, max(1, round(self.patches * (1 - config.patch_dropout)))
        draws = [random.Random(f"{config.seed}/{epoch}/{index}/patches") for index in indices]
        kept = [[*range(first), *sorted(draw.sample(range(first, rows.shape[1]), count))] for draw in draws]
        return torch.stack([row[tokens] for row, tokens in zip(rows, kept, strict=True)])
