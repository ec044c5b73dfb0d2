"""What the trained part is fed: rows of a frozen part, computed once, or pictures decoded anew."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import torch
from PIL import Image
from torch import Tensor
from transformers import BaseImageProcessor

from emotion.backbones.pixels import in_background, side_of, to_pixels
from emotion.core.config import TrainConfig
from emotion.data.decoding import open_picture
from emotion.data.folders import Picture
from emotion.training.augmentation import vary
from emotion.training.features import Features
from emotion.training.order import kept_tokens, view_of


class Inputs(Protocol):
    """Gives the trained part its input for pictures by their index."""

    def training(self, indices: Sequence[int], *, epoch: int) -> Tensor:
        """Return the (len(indices), …) input of an epoch, in that epoch's variation."""

    def plain(self, indices: Sequence[int]) -> Tensor:
        """Return the (len(indices), …) input of the pictures as they are."""


class PictureInputs:
    """Decodes pictures whenever they are asked for; training pictures vary anew in every epoch."""

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
        """Return (len(indices), 3, H, W) pixels."""
        paths = [self._pictures[index].path for index in indices]
        return to_pixels(list(in_background(self._open, paths, ahead=len(paths))), self._processor)


class FeatureInputs:
    """Reads rows of a frozen part; of tokens, whose last ``patches`` are patches, a training may leave some out."""

    def __init__(self, features: Features, *, config: TrainConfig, patches: int = 0) -> None:
        self._features, self._config, self._patches = features, config, patches

    def training(self, indices: Sequence[int], *, epoch: int) -> Tensor:
        """Return (len(indices), …) rows, each of the view that the epoch drew."""
        seed, share = self._config.seed, self._config.patch_dropout
        views = [view_of(index, views=self._config.views, seed=seed, epoch=epoch) for index in indices]
        rows = self._features.take(indices, views=views)
        if not share or not self._patches:
            return rows
        keep = partial(kept_tokens, tokens=rows.shape[1], patches=self._patches, share=share, seed=seed, epoch=epoch)
        return torch.stack([row[keep(index)] for index, row in zip(indices, rows, strict=True)])

    def plain(self, indices: Sequence[int]) -> Tensor:
        """Return (len(indices), …) rows of the pictures as they are."""
        return self._features.take(indices)
