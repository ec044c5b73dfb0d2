"""A run's checkpoint, loaded, and its predictions."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError

from emotion.backbones.loading import load_checkpoint
from emotion.backbones.network import Frozen, resolve_precision
from emotion.backbones.pixels import in_background, read_processor, side_of, to_pixels
from emotion.core.errors import BackboneError, PictureError, RunError
from emotion.core.prediction import Prediction, Saliency
from emotion.data.decoding import open_picture, reduced
from emotion.inference.novelty import load_seen
from emotion.inference.saliency import relevance, shown_box
from emotion.runs.run import Run

# As fast per picture as 16, and the first batch is decoded sooner.
BATCH = 8


class Classifier:
    """The plain checkpoint of a run: no test-time augmentation, the run's own processor and precision."""

    def __init__(self, run: Run) -> None:
        """Load the checkpoint.
        Raises RunError where it is missing or cannot be read.
        """
        if not (run.checkpoint / "config.json").is_file():
            raise RunError(f"The run {run.name} has no checkpoint yet: wait until it is finished or choose another.")
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            self.network = load_checkpoint(run.checkpoint)
            self.processor = read_processor(run.checkpoint)
        except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError, BackboneError) as error:
            raise RunError(f"The checkpoint of {run.name} cannot be read: train it again.") from error
        self.network.model.to(device)
        labels = self.network.model.config.id2label
        self.classes = [str(labels[index]) for index in range(len(labels))]
        self.precision = resolve_precision(run.config().precision, device)
        # In the precision of the training, so that validation pictures get the same scores as in it.
        self._frozen = Frozen(self.network, trained_blocks=0, precision=self.precision)
        self.side = side_of(self.processor)
        self._seen = load_seen(run.path, width=self.network.width)

    @staticmethod
    def leave_a_core() -> None:
        """Leave one core to other processes from now on: the threads of a step wait for the one that has none."""
        torch.set_num_threads(max(1, (os.cpu_count() or 1) - 1))

    def predict(self, picture: Path | IO[bytes], *, name: str = "") -> Prediction:
        """Return the prediction for one picture; ``seconds`` is the time from reading its bytes to its scores.
        Raises PictureError where it cannot be read.
        """
        began = time.perf_counter()
        [said] = self._judged(to_pixels([open_picture(picture, name=name, side=self.side)], self.processor))
        return replace(said, seconds=time.perf_counter() - began)

    def judge(self, pictures: Sequence[Path | Image.Image]) -> list[Prediction | PictureError]:
        """Return the prediction for each picture, in order, or the error that explains why there is none."""
        batches = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
        said: list[Prediction | PictureError] = []
        for opened, pixels in in_background(self._decode, batches, ahead=2):
            judged = iter(self._judged(pixels) if pixels is not None else [])
            said += [each if isinstance(each, PictureError) else next(judged) for each in opened]
        return said

    def score(self, pictures: Sequence[Path | Image.Image]) -> list[dict[str, float] | PictureError]:
        """Return the probability of every class for each picture, in order, or the error that explains the failure."""
        return [each if isinstance(each, PictureError) else each.scores for each in self.judge(pictures)]

    @torch.inference_mode()
    def of_features(self, features: np.ndarray) -> np.ndarray:
        """Return the (N, C) probabilities of pictures from their (N, F) features; NaN features give NaN."""
        head = self.network.head
        said: np.ndarray = head(torch.from_numpy(features).to(head.weight.device)).softmax(-1).cpu().numpy()
        return said

    def explain(self, picture: Path | Image.Image, *, label: str) -> Saliency:
        """Return which parts of a picture support a class, along with the class's probability from ``score``.
        Raises PictureError where it cannot be read; RunError where the checkpoint has no such class or no attention.
        """
        if label not in self.classes:
            raise RunError(f"The run knows no {label!r}: choose one of {', '.join(self.classes)}.")
        image = self._open(picture)
        pixels = to_pixels([image], self.processor)
        [said] = self._judged(pixels)
        found = relevance(self.network, pixels, index=self.classes.index(label))
        scaled = found / found.max().clamp(min=torch.finfo(found.dtype).tiny)
        box = shown_box(self.processor, width=image.width, height=image.height)
        return Saliency(label, said.scores[label], tuple(tuple(row) for row in scaled.tolist()), box)

    def _open(self, picture: Path | Image.Image) -> Image.Image:
        if isinstance(picture, Image.Image):
            return reduced(picture, side=self.side)
        return open_picture(picture, side=self.side)

    def _decode(
        self, batch: Sequence[Path | Image.Image]
    ) -> tuple[list[Image.Image | PictureError], torch.Tensor | None]:
        """Return each picture, or why it cannot be read, and the pixels of the readable ones."""
        opened: list[Image.Image | PictureError] = []
        for picture in batch:
            try:
                opened.append(self._open(picture))
            except PictureError as error:
                opened.append(error)
        images = [each for each in opened if isinstance(each, Image.Image)]
        return opened, to_pixels(images, self.processor) if images else None

    @torch.inference_mode()
    def _judged(self, pixels: torch.Tensor) -> list[Prediction]:
        """Return the predictions for (B, 3, H, W) pixels."""
        features = self._frozen(pixels)
        rows = self.network.head(features).softmax(-1).tolist()
        known = self._seen.novelty(features.cpu()) if self._seen else [None] * len(rows)
        said = []
        for row, novelty in zip(rows, known, strict=True):
            scores = dict(zip(self.classes, row, strict=True))
            label = max(scores, key=scores.__getitem__)
            said.append(Prediction(label, scores[label], scores, self.precision, 0.0, novelty))
        return said
