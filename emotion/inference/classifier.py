"""A run's checkpoint, loaded, and what it says of pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError

from emotion.backbones.device import resolve_precision
from emotion.backbones.network import Frozen, load_checkpoint
from emotion.backbones.pixels import in_background, read_processor, side_of, to_pixels
from emotion.core.errors import BackboneError, PictureError, RunError
from emotion.core.prediction import Judged, Prediction, Saliency
from emotion.data.decoding import open_picture, reduced
from emotion.inference.novelty import load_seen
from emotion.inference.saliency import relevance, shown_box
from emotion.runs.run import Run

# As fast a picture as 16, and the first batch is decoded sooner.
BATCH = 8


class Classifier:
    """The plain checkpoint of a run: no test-time augmentation, the run's own processor and precision."""

    def __init__(self, run: Run) -> None:
        """Load the checkpoint.

        Raises:
            RunError: the run has none, or it cannot be read.
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
        # Body and head in the same precisions as in a training: a validation picture has the very scores here that it
        # had there.
        self._frozen = Frozen(self.network, trained_blocks=0, precision=self.precision)
        self.side = side_of(self.processor)
        self._seen = load_seen(run.path, width=self.network.width)

    def predict(self, picture: Path | IO[bytes], *, name: str = "") -> Prediction:
        """Return what the checkpoint says of one picture; ``seconds`` counts from its bytes to its scores.

        Raises:
            PictureError: it cannot be read.
        """
        began = time.perf_counter()
        [scores], features = self._scores(to_pixels([open_picture(picture, name=name, side=self.side)], self.processor))
        label = max(scores, key=scores.__getitem__)
        novelty = self._seen.novelty(features)[0] if self._seen else None
        return Prediction(label, scores[label], scores, self.precision, time.perf_counter() - began, novelty)

    def judge(self, pictures: Sequence[Path | Image.Image]) -> list[Judged | PictureError]:
        """Return what the checkpoint says of each picture, in order, or the error that says why it says nothing."""
        batches = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
        ready = in_background(self._decode, batches, ahead=2)
        return [said for opened, pixels in ready for said in self._judge(opened, pixels)]

    def score(self, pictures: Sequence[Path | Image.Image]) -> list[dict[str, float] | PictureError]:
        """Return the probability of every class for each picture, in order, or the error that says why it has none."""
        return [each if isinstance(each, PictureError) else each.scores for each in self.judge(pictures)]

    @torch.inference_mode()
    def of_features(self, features: np.ndarray) -> np.ndarray:
        """Return the (N, C) probabilities of pictures by their (N, F) features; NaN where they are."""
        head = self.network.head
        said: np.ndarray = head(torch.from_numpy(features).to(head.weight.device)).softmax(-1).cpu().numpy()
        return said

    def explain(self, picture: Path | Image.Image, *, label: str) -> Saliency:
        """Return which parts of a picture speak for a class, beside what ``score`` says of that class.

        Raises:
            PictureError: it cannot be read.
            RunError: the checkpoint knows no such class, or has no attention to show.
        """
        if label not in self.classes:
            raise RunError(f"The run knows no {label!r}: choose one of {', '.join(self.classes)}.")
        image = self._open(picture)
        pixels = to_pixels([image], self.processor)
        [scores], _ = self._scores(pixels)
        found = relevance(self.network, pixels, index=self.classes.index(label))
        scaled = found / found.max().clamp(min=torch.finfo(found.dtype).tiny)
        box = shown_box(self.processor, width=image.width, height=image.height)
        return Saliency(label, scores[label], tuple(tuple(row) for row in scaled.tolist()), box)

    def _open(self, picture: Path | Image.Image) -> Image.Image:
        if isinstance(picture, Image.Image):
            return reduced(picture, side=self.side)
        return open_picture(picture, side=self.side)

    def _decode(
        self, batch: Sequence[Path | Image.Image]
    ) -> tuple[list[Image.Image | PictureError], torch.Tensor | None]:
        """Return each picture, or why it cannot be read, and the pixels of those that can."""
        opened: list[Image.Image | PictureError] = []
        for picture in batch:
            try:
                opened.append(self._open(picture))
            except PictureError as error:
                opened.append(error)
        images = [each for each in opened if isinstance(each, Image.Image)]
        return opened, to_pixels(images, self.processor) if images else None

    def _judge(
        self, opened: Sequence[Image.Image | PictureError], pixels: torch.Tensor | None
    ) -> Iterator[Judged | PictureError]:
        if pixels is None:
            return (each for each in opened if isinstance(each, PictureError))
        scores, features = self._scores(pixels)
        known = self._seen.novelty(features) if self._seen else [None] * len(scores)
        said = map(Judged, scores, known)
        return (each if isinstance(each, PictureError) else next(said) for each in opened)

    @torch.inference_mode()
    def _scores(self, pixels: torch.Tensor) -> tuple[list[dict[str, float]], np.ndarray]:
        """Return the scores of (B, 3, H, W) pixels, and the (B, F) features that the head was given."""
        features = self._frozen(pixels)
        rows = self.network.head(features).softmax(-1).tolist()
        return [dict(zip(self.classes, row, strict=True)) for row in rows], features.cpu().numpy()
