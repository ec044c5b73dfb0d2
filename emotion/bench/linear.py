"""The yardstick of a log loss: a plain linear classifier on the backbone's features as they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from emotion.backbones.anatomy import Trunk, cut, load_model, load_processor
from emotion.pictures.decoding import open_picture
from emotion.training.device import computing_in, resolve_precision
from emotion.training.inputs import to_pixels

LEARNING_RATE = 3e-3
EPOCHS, BATCH = 8, 24
LOOK_BATCH = 16
Labelled = Sequence[tuple[Path, str]]


class LinearHeads:
    """Trains heads with Adam on features of one view, without whitening, smoothing, decay or schedule."""

    def __init__(self, backbone: Path, classes: Sequence[str], *, image_size: int = 224) -> None:
        self._classes = list(classes)
        device = torch.device("cpu")
        parts = cut(load_model(backbone, classes=classes, image_size=image_size), 0)
        self._trunk, self._dtype = computing_in(cast(Trunk, parts.trunk), resolve_precision("auto", device))
        self._processor = load_processor(backbone, image_size=image_size)
        self._features: dict[Path, Tensor] = {}

    def probabilities(
        self, train: Labelled, validation: Labelled, judged: Sequence[Path], *, seed: int
    ) -> list[list[float]]:
        """Return what the epoch of least validation loss says of the ``judged`` pictures, a row of classes each."""
        self._look([*(path for path, _ in [*train, *validation]), *judged])
        inputs, labels = self._tensors(train)
        held_back, held_labels = self._tensors(validation)
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        head = nn.Linear(inputs.shape[1], len(self._classes))
        optimizer = torch.optim.Adam(head.parameters(), lr=LEARNING_RATE)
        features = torch.stack([self._features[path] for path in judged])
        best, said = float("inf"), features
        for _ in range(EPOCHS):
            for batch in torch.split(torch.randperm(len(inputs), generator=generator), BATCH):
                optimizer.zero_grad()
                functional.cross_entropy(head(inputs[batch]), labels[batch]).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            with torch.inference_mode():
                loss = float(functional.cross_entropy(head(held_back), held_labels))
                if loss < best:
                    best, said = loss, head(features).softmax(1)
        rows: list[list[float]] = said.tolist()
        return rows

    def _tensors(self, pictures: Labelled) -> tuple[Tensor, Tensor]:
        features = torch.stack([self._features[path] for path, _ in pictures])
        return features, torch.tensor([self._classes.index(label) for _, label in pictures])

    @torch.no_grad()
    def _look(self, pictures: Sequence[Path]) -> None:
        """Keep the features of pictures that are not known yet."""
        new = list(dict.fromkeys(path for path in pictures if path not in self._features))
        for start in range(0, len(new), LOOK_BATCH):
            paths = new[start : start + LOOK_BATCH]
            pixels = to_pixels([open_picture(path) for path in paths], self._processor).to(self._dtype)
            self._features |= dict(zip(paths, self._trunk(pixels).float(), strict=True))
