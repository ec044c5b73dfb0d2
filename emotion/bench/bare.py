"""The bare backbone: pixels that lie in memory, through a loaded model. The floor under whatever uses it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModel

from emotion.backbones.anatomy import load_processor
from emotion.backbones.quiet import quiet
from emotion.bench.figure import take_turns
from emotion.pictures.decoding import open_picture
from emotion.training.inputs import to_pixels

BATCH = 16
CHOICE_ROUNDS = 3
# What is tried before one of them is taken.
WEIGHTS, AUTOCAST, FLOAT32 = "bfloat16 weights", "bfloat16 autocast", "float32"


class Bare:
    """The Hub's own class on pictures that are decoded already, in each precision."""

    def __init__(self, backbone: Path, pictures: Sequence[Path], *, image_size: int = 224) -> None:
        """Load the model and keep the pixels of ``pictures``, in batches."""
        with quiet():
            self._plain: Any = AutoModel.from_pretrained(backbone, local_files_only=True, dtype=torch.float32).eval()
            self._half: Any = AutoModel.from_pretrained(backbone, local_files_only=True, dtype=torch.bfloat16).eval()
        processor = load_processor(backbone, image_size=image_size)
        groups = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
        self._pixels = [to_pixels([open_picture(path) for path in group], processor) for group in groups]
        self.precision = WEIGHTS

    def choose(self, *, batches: int) -> str:
        """Take the fastest precision for the first ``batches`` from now on; return the remark that says which."""
        names, pixels = [WEIGHTS, AUTOCAST, FLOAT32], self._pixels[:batches]
        for name in names:
            self._forward(pixels[:1], name)
        tasks = {name: partial(self._forward, pixels, name) for name in names}
        series = take_turns(tasks, names * CHOICE_ROUNDS)
        medians = {name: statistics.median(values) for name, values in series.items()}
        self.precision = min(medians, key=medians.__getitem__)
        count = sum(len(part) for part in pixels)
        tried = ", ".join(f"{name} {seconds * 1000 / count:.1f} ms" for name, seconds in medians.items())
        return f"The bare forward used {self.precision}, the fastest of these for a picture: {tried}."

    def forward(self) -> float:
        """Pass every picture through once and return the seconds that took."""
        return self._forward(self._pixels, self.precision)

    @torch.inference_mode()
    def _forward(self, batches: list[Tensor], precision: str) -> float:
        model = self._half if precision == WEIGHTS else self._plain
        # Pixels of the weights' type are part of what is decoded already.
        ready = [pixels.to(torch.bfloat16) for pixels in batches] if precision == WEIGHTS else batches
        began = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == AUTOCAST):
            for pixels in ready:
                model(pixels)
        return time.perf_counter() - began
