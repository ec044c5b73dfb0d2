"""The frozen part's one look at the pictures. What it saw is kept in a memory-mapped file."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate.utils import gather_object
from PIL import Image
from torch import Tensor, nn
from transformers import BaseImageProcessor

from emotion.config import TrainConfig
from emotion.errors import PictureError
from emotion.events import TrunkProgress
from emotion.pictures.decoding import open_picture
from emotion.training.augmentation import vary
from emotion.training.context import Context
from emotion.training.device import autocast
from emotion.training.inputs import in_background, to_pixels

LOOK_BATCH = 16
Job = tuple[int, int]  # view, picture index


@dataclass(frozen=True)
class Activations:
    """What the frozen part made of the pictures.

    ``rows`` is a (views, pictures, …) tensor, in bfloat16 where it holds tokens computed in it; ``unreadable``
    maps the index of each picture that could not be read to one sentence, and its rows are zero.
    """

    rows: Tensor
    unreadable: dict[int, str]


def look(
    trunk: nn.Module,
    paths: Sequence[Path],
    processor: BaseImageProcessor,
    *,
    varied: int,
    file: Path,
    context: Context,
) -> Generator[TrunkProgress, None, Activations]:
    """Pass every picture through the frozen part once, and its first ``varied`` pictures once more per further view.

    Processes share the work and the file, which therefore lies where all of them see it.

    Raises:
        Stopped: somebody asked for it between two batches.
        PictureError: not one picture can be read.
        OSError: the disk has no room for the activations.
    """
    config = context.config
    jobs = [(0, index) for index in range(len(paths))]
    jobs += [(view, index) for view in range(1, config.views) for index in range(varied)]
    rounds = _rounds(jobs, context.processes)
    rows: Tensor | None = None
    unreadable: dict[int, str] = {}
    began, done = time.perf_counter(), 0
    decoded = in_background(lambda parts: _decode(parts[context.rank], paths, processor, config), rounds, ahead=3)
    for parts, (batch, pixels, reasons) in zip(rounds, decoded, strict=True):
        context.stop_if_asked()
        unreadable |= reasons
        if pixels is not None:
            with torch.inference_mode(), autocast(context.device, context.precision):
                seen = trunk(pixels.to(context.device)).cpu()
            if rows is None:
                rows = _open_file(file, (config.views, len(paths), *seen.shape[1:]), context)
            views, indices = zip(*batch, strict=True)
            rows[torch.tensor(views), torch.tensor(indices)] = seen.to(rows.dtype)
        done += sum(len(part) for part in parts)
        pace = (time.perf_counter() - began) / done
        yield TrunkProgress(
            elapsed_seconds=context.elapsed_seconds,
            done=done,
            total=len(jobs),
            remaining_seconds=pace * (len(jobs) - done),
        )
    if context.processes > 1:
        unreadable = dict(gather_object(list(unreadable.items())))
    if rows is None:
        raise PictureError(f"None of the {len(paths)} pictures can be read: {next(iter(unreadable.values()), '')}")
    return Activations(rows, unreadable)


def _rounds(jobs: list[Job], processes: int) -> list[list[list[Job]]]:
    """Cut the jobs into rounds with a part for each process, so that all of them take equally many."""
    width = LOOK_BATCH * processes
    return [
        [jobs[start + LOOK_BATCH * rank : start + LOOK_BATCH * (rank + 1)] for rank in range(processes)]
        for start in range(0, len(jobs), width)
    ]


def _decode(
    batch: list[Job], paths: Sequence[Path], processor: BaseImageProcessor, config: TrainConfig
) -> tuple[list[Job], Tensor | None, dict[int, str]]:
    images: list[Image.Image] = []
    readable: list[Job] = []
    reasons: dict[int, str] = {}
    for view, index in batch:
        try:
            image = open_picture(paths[index])
        except PictureError as error:
            reasons[index] = str(error)
            continue
        if view:
            key = f"{config.seed}/{paths[index].name}/view {view}"
            image = vary(image, augmentation=config.augmentation, key=key)
        images.append(image)
        readable.append((view, index))
    return readable, to_pixels(images, processor) if images else None, reasons


def _open_file(file: Path, shape: tuple[int, ...], context: Context) -> Tensor:
    # Pooled features are small and feed a float32 classifier; tokens are 200 KB a picture even in bfloat16.
    dtype = torch.bfloat16 if context.precision == "bfloat16" and len(shape) > 3 else torch.float32
    size = math.prod(shape)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as handle:
        # Reserved at once: a disk that fills up under a memory map kills the process without a word.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle.fileno(), 0, size * dtype.itemsize)
    rows = torch.from_file(str(file), shared=True, size=size, dtype=dtype).view(shape)
    if context.processes == 1 and sys.platform != "win32":
        # The map keeps it alive: without a name it is gone with this process, however that ends.
        file.unlink()
    return rows
