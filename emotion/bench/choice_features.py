"""What the frozen backbone makes of each picture, its mirror and views of it, after each way to make it square."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor
from transformers import BaseImageProcessor

from emotion.backbones.anatomy import Trunk, cut, load_model, load_processor
from emotion.config import TrainConfig, preset
from emotion.pictures.decoding import open_picture
from emotion.pictures.folders import Picture
from emotion.training.augmentation import mirrored
from emotion.training.device import ResolvedPrecision, computing_in, resolve_precision
from emotion.training.inputs import in_background, to_pixels
from emotion.training.trunk import view_of_picture

Crop = Literal["margin", "square", "small"]
CROPS: tuple[Crop, ...] = ("margin", "square", "small")
# The Hub's processor of DINOv2 resizes the shorter edge to 256 and keeps the middle 224 of both edges.
HUB_RESIZE, HUB_CROP = 256, 224
SMALL = preset("Quick", pictures="-").image_size
LOOK_BATCH = 16
SAID_EVERY_SECONDS = 10.0
# Rows of the features. The last two are judged on and never trained on.
PLAIN, MIRROR, CLOSER, FARTHER, OTHER_CLOSER, OTHER_FARTHER = range(6)
_ZOOM = TrainConfig(pictures="-", augmentation="zoom")


def look(
    backbone: Path,
    paths: Sequence[Path],
    *,
    say: Callable[[str], None],
    crops: Sequence[Crop] = CROPS,
    image_size: int = HUB_CROP,
    small: int = SMALL,
    zoomed: bool = True,
) -> dict[Crop, Tensor]:
    """Return, for each of ``crops``, (6, N, F) pooled features in float32; the rows are ``PLAIN`` to ``OTHER_FARTHER``.

    ``margin`` is the Hub's own resize and crop, ``square`` the project's, which crops no more than makes a square, and
    ``small`` the same at ``small`` pixels. Without ``zoomed`` there are the first two rows alone.

    Raises:
        BackboneError: the backbone cannot be loaded.
        PictureError: a picture cannot be read.
    """
    sides = {crop: small if crop == "small" else image_size for crop in crops}
    processors = {crop: _processor(backbone, crop, side) for crop, side in sides.items()}
    trunks = {side: _trunk(backbone, side) for side in set(sides.values())}
    views = 1 + OTHER_FARTHER if zoomed else 1 + MIRROR
    rows: dict[Crop, list[Tensor]] = {crop: [] for crop in crops}

    def decode(group: Sequence[Path]) -> dict[Crop, Tensor]:
        plain = [open_picture(path) for path in group]
        images = [*plain, *map(mirrored, plain)]
        for view in range(1, views - MIRROR):
            images += [view_of_picture(Picture(path, ""), view=view, config=_ZOOM) for path in group]
        return {crop: to_pixels(images, processor) for crop, processor in processors.items()}

    groups = [paths[start : start + LOOK_BATCH] for start in range(0, len(paths), LOOK_BATCH)]
    began = said = time.perf_counter()
    done = 0
    for group, pixels in zip(groups, in_background(decode, groups, ahead=2), strict=True):
        for crop in crops:
            trunk, dtype = trunks[sides[crop]]
            with torch.inference_mode():
                seen = trunk(pixels[crop].to(dtype)).float()
            rows[crop].append(seen.reshape(views, len(group), -1))
        done += len(group)
        now = time.perf_counter()
        if now - said >= SAID_EVERY_SECONDS or done == len(paths):
            said, left = now, (now - began) / done * (len(paths) - done)
            say(f"  {done} of {len(paths)} pictures, {len(crops) * views} views each; about {left:.0f} s left")
    # A plain tensor, for what is made in inference mode cannot be trained on.
    return {crop: torch.cat(parts, dim=1).clone() for crop, parts in rows.items()}


def features_precision() -> ResolvedPrecision:
    """Return the precision that the features are computed in on this machine's processor."""
    return resolve_precision("auto", torch.device("cpu"))


def _trunk(backbone: Path, image_size: int) -> tuple[Callable[[Tensor], Tensor], torch.dtype]:
    parts = cut(load_model(backbone, classes=("any", "other"), image_size=image_size), 0)
    return computing_in(cast(Trunk, parts.trunk), features_precision())


def _processor(backbone: Path, crop: Crop, image_size: int) -> BaseImageProcessor:
    processor = load_processor(backbone, image_size=image_size)
    if crop == "margin" and getattr(processor, "do_center_crop", False):
        processor.size = {"shortest_edge": round(image_size * HUB_RESIZE / HUB_CROP)}
    return processor
