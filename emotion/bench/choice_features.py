"""What the frozen backbone makes of each picture and of its mirror, after each of two ways to make it square."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor
from transformers import BaseImageProcessor

from emotion.backbones.anatomy import Trunk, cut, load_model, load_processor
from emotion.pictures.decoding import open_picture
from emotion.training.augmentation import mirrored
from emotion.training.device import ResolvedPrecision, computing_in, resolve_precision
from emotion.training.inputs import in_background, to_pixels

Crop = Literal["margin", "square"]
CROPS: tuple[Crop, ...] = ("margin", "square")
# The Hub's processor of DINOv2 resizes the shorter edge to 256 and keeps the middle 224 of both edges.
HUB_RESIZE, HUB_CROP = 256, 224
LOOK_BATCH = 16
SAID_EVERY_SECONDS = 10.0
PLAIN, MIRROR = 0, 1


def look(
    backbone: Path,
    paths: Sequence[Path],
    *,
    say: Callable[[str], None],
    crops: Sequence[Crop] = CROPS,
    image_size: int = HUB_CROP,
) -> dict[Crop, Tensor]:
    """Return, for each of ``crops``, (2, N, F) pooled features in float32: of the N pictures, then of their mirrors.

    ``margin`` is the Hub's own resize and crop, ``square`` the project's, which crops no more than makes a square.

    Raises:
        BackboneError: the backbone cannot be loaded.
        PictureError: a picture cannot be read.
    """
    processors = {crop: _processor(backbone, crop, image_size) for crop in crops}
    parts = cut(load_model(backbone, classes=("any", "other"), image_size=image_size), 0)
    trunk, dtype = computing_in(cast(Trunk, parts.trunk), features_precision())
    rows: dict[Crop, list[Tensor]] = {crop: [] for crop in crops}

    def decode(group: Sequence[Path]) -> dict[Crop, Tensor]:
        plain = [open_picture(path) for path in group]
        images = [*plain, *map(mirrored, plain)]
        return {crop: to_pixels(images, processor) for crop, processor in processors.items()}

    groups = [paths[start : start + LOOK_BATCH] for start in range(0, len(paths), LOOK_BATCH)]
    began = said = time.perf_counter()
    done = 0
    for group, pixels in zip(groups, in_background(decode, groups, ahead=2), strict=True):
        for crop in crops:
            with torch.inference_mode():
                seen = trunk(pixels[crop].to(dtype)).float()
            rows[crop].append(seen.unflatten(0, (2, len(group))))
        done += len(group)
        now = time.perf_counter()
        if now - said >= SAID_EVERY_SECONDS or done == len(paths):
            said, left = now, (now - began) / done * (len(paths) - done)
            say(f"  {done} of {len(paths)} pictures, {len(crops) * 2} views each; about {left:.0f} s left")
    # A plain tensor, for what is made in inference mode cannot be trained on.
    return {crop: torch.cat(parts, dim=1).clone() for crop, parts in rows.items()}


def features_precision() -> ResolvedPrecision:
    """Return the precision that the features are computed in on this machine's processor."""
    return resolve_precision("auto", torch.device("cpu"))


def _processor(backbone: Path, crop: Crop, image_size: int) -> BaseImageProcessor:
    processor = load_processor(backbone, image_size=image_size)
    if crop == "margin" and getattr(processor, "do_center_crop", False):
        processor.size = {"shortest_edge": round(image_size * HUB_RESIZE / HUB_CROP)}
    return processor
