"""The bare backbone: pixels that lie in memory, through a loaded model. The floor under whatever uses it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from benchmarks.figures import take_turns
from PIL import Image
from torch import Tensor
from transformers import AutoModel
from transformers.utils.logging import disable_progress_bar

BATCH, SIDE = 16, 224
HALF, FULL = "bfloat16", "float32"


class Bare:
    """The Hub's own class on pictures that are decoded already, in the precision that is fastest here."""

    def __init__(self, backbone: Path, pictures: Sequence[Path], *, side: int = SIDE) -> None:
        """Load the model, keep ``side`` x ``side`` pixels of ``pictures``, and choose the precision by the first."""
        disable_progress_bar()
        self._models = {
            name: AutoModel.from_pretrained(backbone, local_files_only=True, dtype=getattr(torch, name)).eval()
            for name in (HALF, FULL)
        }
        groups = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
        self._batches = [torch.stack([_pixels(path, side) for path in group]) for group in groups]
        few = self._batches[:2]
        tasks = {HALF: lambda: self._forward(few, HALF), FULL: lambda: self._forward(few, FULL)}
        take_turns(tasks, list(tasks))
        medians = {name: statistics.median(each) for name, each in take_turns(tasks, list(tasks) * 3).items()}
        self._precision = min(medians, key=medians.__getitem__)
        count = sum(map(len, few))
        tried = ", ".join(f"{name} {seconds * 1000 / count:.1f} ms" for name, seconds in medians.items())
        self.note = f"The bare forward used {self._precision}, the faster for a picture: {tried}."

    def forward(self) -> float:
        """Pass every picture through once and return the seconds that took."""
        return self._forward(self._batches, self._precision)

    @torch.inference_mode()
    def _forward(self, batches: Sequence[Tensor], precision: str) -> float:
        # Pixels of the weights' type are part of what is decoded already.
        ready = [pixels.to(getattr(torch, precision)) for pixels in batches]
        began = time.perf_counter()
        for pixels in ready:
            self._models[precision](pixels)
        return time.perf_counter() - began


def _pixels(path: Path, side: int) -> Tensor:
    """Return a (3, side, side) tensor, near mean 0 and deviation 1."""
    with Image.open(path) as picture:
        values = np.asarray(picture.convert("RGB").resize((side, side)), dtype=np.float32)
    return torch.from_numpy((values / 255 - 0.45) / 0.225).permute(2, 0, 1).contiguous()
