"""From pictures to the pixels that a network takes: its own image processor, and threads that decode ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, cast

from PIL import Image
from torch import Tensor
from transformers import AutoImageProcessor, BaseImageProcessor

from emotion.backbones.device import quiet
from emotion.core.errors import BackboneError

DECODING_THREADS = 2
T = TypeVar("T")
R = TypeVar("R")


def load_processor(path: Path, *, image_size: int) -> BaseImageProcessor:
    """Load a backbone's own image processor (Pillow), set to give square pictures of ``image_size``.

    Where it resizes and then crops, it crops no more than makes a square: a margin of an eighth would cut off the chin
    or the brows of a face that fills its picture.

    Raises:
        BackboneError: the folder has none.
    """
    try:
        processor: Any = read_processor(path)
    except (OSError, ValueError, KeyError) as error:
        raise BackboneError(
            f"{path} has no preprocessor_config.json that can be read: add the one of its model."
        ) from error
    square = {"height": image_size, "width": image_size}
    # LeViT's always cuts off an eighth of a shortest edge.
    by_edge = "shortest_edge" in dict(processor.size) and "Levit" not in type(processor).__name__
    processor.size = {"shortest_edge": image_size} if by_edge else square
    if getattr(processor, "crop_pct", None) is not None:
        processor.crop_pct = 1.0
    elif by_edge:
        processor.do_center_crop = True
    if getattr(processor, "do_center_crop", False):
        processor.crop_size = square
    return cast(BaseImageProcessor, processor)


def read_processor(path: Path) -> BaseImageProcessor:
    """Load the image processor in a folder as it stands there.

    Raises:
        OSError, ValueError, KeyError: there is none that can be read.
    """
    with quiet():
        return cast(BaseImageProcessor, AutoImageProcessor.from_pretrained(path, backend="pil", local_files_only=True))


def to_pixels(images: Sequence[Image.Image], processor: BaseImageProcessor) -> Tensor:
    """Return (len(images), 3, H, W) float32 pixels, normalised as the processor is told to."""
    pixels: Tensor = processor(list(images), return_tensors="pt")["pixel_values"]
    return pixels


def side_of(processor: BaseImageProcessor) -> int:
    """Return to how many pixels a side a processor resizes pictures: what ``open_picture`` is to be asked for."""
    return int(max(dict(processor.size).values()))


def square_of(processor: BaseImageProcessor) -> int:
    """Return the side in pixels of what a processor gives."""
    cropped = dict(processor.crop_size) if getattr(processor, "do_center_crop", False) else dict(processor.size)
    return int(max(cropped.values()))


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
