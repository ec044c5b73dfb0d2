"""A run's checkpoint, loaded, and what it says of pictures. Knows nothing of species."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from transformers import AutoImageProcessor, AutoModelForImageClassification

from emotion.backbones.anatomy import Trunk, cut
from emotion.backbones.quiet import quiet
from emotion.data.decoding import open_picture, reduced
from emotion.errors import PictureError, RunError
from emotion.familiarity import load_seen
from emotion.prediction import Judged, Prediction, Saliency
from emotion.run import Run
from emotion.saliency import relevance, shown_box
from emotion.training.device import computing_in, resolve_precision
from emotion.training.inputs import in_background, side_of, to_pixels

# As fast a picture as 16, and the first batch is decoded sooner.
SCORING_BATCH = 8


class Classifier:
    """The plain checkpoint of a run: no test-time augmentation, the run's own processor and precision."""

    def __init__(self, run: Run) -> None:
        """Load the checkpoint.

        Raises:
            RunError: the run has none, or it cannot be read.
        """
        if not (run.checkpoint / "config.json").is_file():
            raise RunError(f"The run {run.name} has no checkpoint yet: wait until it is finished or choose another.")
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            with quiet():
                model = AutoModelForImageClassification.from_pretrained(
                    run.checkpoint, use_safetensors=True, local_files_only=True, dtype=torch.float32
                )
                self.processor = AutoImageProcessor.from_pretrained(run.checkpoint, backend="pil")
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise RunError(f"The checkpoint of {run.name} cannot be read: train it again.") from error
        labels = model.config.id2label
        self.classes = [str(labels[index]) for index in range(len(labels))]
        self.precision = resolve_precision(run.config().precision, self._device)
        # In the same two parts and the same precision as in a training of the classifier: a validation picture has the
        # very scores here that it had there. Autocast takes a tenth longer and is hardly nearer to float32: the
        # probability that moves most lies 0.006 off in the mean of 320 drawn pictures, and 0.007 so; 0.04 at most.
        self.parts = cut(model.eval().to(self._device), 0)
        self._trunk, self._dtype = computing_in(cast(Trunk, self.parts.trunk), self.precision)
        self._top = self.parts.top
        self.side = side_of(self.processor)
        self._seen = load_seen(run.path, width=self._top.classifier.in_features)

    def predict(self, picture: Path, *, name: str = "") -> Prediction:
        """Return what the checkpoint says of one picture; ``seconds`` counts from its bytes to its scores.

        Raises:
            PictureError: it cannot be read.
        """
        began = time.perf_counter()
        [scores], features = self._look(to_pixels([open_picture(picture, name=name, side=self.side)], self.processor))
        label = max(scores, key=scores.__getitem__)
        familiarity = self._seen.familiarity(features)[0] if self._seen else None
        return Prediction(label, scores[label], scores, self.precision, time.perf_counter() - began, familiarity)

    def judge(self, pictures: Sequence[Path | Image.Image]) -> list[Judged | PictureError]:
        """Return what the checkpoint says of each picture, in order, or the error that says why it says nothing."""
        batches = [pictures[start : start + SCORING_BATCH] for start in range(0, len(pictures), SCORING_BATCH)]
        ready = in_background(self._decode, batches, ahead=2)
        return [said for errors, pixels in ready for said in self._judge_readable(errors, pixels)]

    def score(self, pictures: Sequence[Path | Image.Image]) -> list[dict[str, float] | PictureError]:
        """Return the probability of every class for each picture, in order, or the error that says why it has none."""
        return [each if isinstance(each, PictureError) else each.scores for each in self.judge(pictures)]

    def explain(self, picture: Path | Image.Image, *, label: str) -> Saliency:
        """Return which parts of a picture speak for a class, beside what ``score`` says of that class.

        Raises:
            PictureError: it cannot be read.
            RunError: the checkpoint knows no such class.
        """
        if label not in self.classes:
            raise RunError(f"The run knows no {label!r}: choose one of {', '.join(self.classes)}.")
        image = _read(picture, side=self.side)
        pixels = to_pixels([image], self.processor)
        [scores], _ = self._look(pixels)
        found = relevance(self.parts, pixels.to(self._device), index=self.classes.index(label))
        scaled = found / found.max().clamp(min=torch.finfo(found.dtype).tiny)
        box = shown_box(self.processor, width=image.width, height=image.height)
        return Saliency(label, scores[label], tuple(tuple(row) for row in scaled.tolist()), box)

    def _decode(self, batch: Sequence[Path | Image.Image]) -> tuple[list[PictureError | None], torch.Tensor | None]:
        """Return why each picture cannot be read, None where it can, and the pixels of those that can."""
        opened = [_open(picture, side=self.side) for picture in batch]
        images = [each for each in opened if isinstance(each, Image.Image)]
        errors = [each if isinstance(each, PictureError) else None for each in opened]
        return errors, to_pixels(images, self.processor) if images else None

    def _judge_readable(
        self, errors: Sequence[PictureError | None], pixels: torch.Tensor | None
    ) -> Iterator[Judged | PictureError]:
        scores, features = self._look(pixels) if pixels is not None else ([], None)
        known = self._seen.familiarity(features) if self._seen and features is not None else [None] * len(scores)
        said = map(Judged, scores, known)
        return (next(said) if error is None else error for error in errors)

    @torch.inference_mode()
    def _look(self, pixels: torch.Tensor) -> tuple[list[dict[str, float]], np.ndarray]:
        """Return the scores of (B, 3, H, W) pixels, and the (B, F) features that the classifier was given."""
        features = self._trunk(pixels.to(self._device, self._dtype)).float()
        rows = self._top(features).softmax(-1).tolist()
        return [dict(zip(self.classes, row, strict=True)) for row in rows], features.cpu().numpy()


def _open(picture: Path | Image.Image, *, side: int) -> Image.Image | PictureError:
    try:
        return _read(picture, side=side)
    except PictureError as error:
        return error


def _read(picture: Path | Image.Image, *, side: int) -> Image.Image:
    return reduced(picture, side=side) if isinstance(picture, Image.Image) else open_picture(picture, side=side)
