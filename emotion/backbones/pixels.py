"""From pictures to a network's input pixels: its own image processor, and threads that decode ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, cast

from PIL import Image
from torch import Tensor
from transformers import AutoImageProcessor, BaseImageProcessor

from emotion.core.errors import BackboneError

DECODING_THREADS = 2
T = TypeVar("T")
R = TypeVar("R")


def load_processor(path: Path, *, image_size: int) -> BaseImageProcessor:
    """Load a backbone's own image processor (Pillow), set to produce square pictures of ``image_size``.

    A processor that crops is set to crop only to a square: a margin of an eighth would cut off the chin or the brows of
    a face that fills its picture.
    Raises BackboneError where the folder has none.
    """
    try:
        processor: Any = read_processor(path)
    except (OSError, ValueError, KeyError) as error:
        raise BackboneError(
            f"{path} has no preprocessor_config.json that can be read: add the one of its model."
        ) from error
    square = {"height": image_size, "width": image_size}
    # LeViT's processor always cuts off an eighth of the shortest edge.
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
    """Load the image processor in a folder unchanged.
    Raises OSError, ValueError, KeyError where there is none, or it cannot be read.
    """
    return cast(BaseImageProcessor, AutoImageProcessor.from_pretrained(path, backend="pil", local_files_only=True))


def to_pixels(images: Sequence[Image.Image], processor: BaseImageProcessor) -> Tensor:
    """Return (len(images), 3, H, W) float32 pixels, normalised by the processor's settings."""
    pixels: Tensor = processor(list(images), return_tensors="pt")["pixel_values"]
    return pixels


def side_of(processor: BaseImageProcessor) -> int:
    """Return the side in pixels to which a processor resizes pictures: the argument for ``open_picture``."""
    return int(max(dict(processor.size).values()))


def square_of(processor: BaseImageProcessor) -> int:
    """Return the side in pixels of a processor's output."""
    is_cropped = getattr(processor, "do_center_crop", False)
    return int(max(dict(processor.crop_size).values())) if is_cropped else side_of(processor)


def in_background(work: Callable[[T], R], items: Sequence[T], *, ahead: int) -> Iterator[R]:
    """Yield ``work(item)`` in order, computed by threads at most ``ahead`` items in advance."""
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
