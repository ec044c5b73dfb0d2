"""Repeat a run's training with other seeds, on features that are computed once. Leaves no run folder behind."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor
from transformers import BaseImageProcessor

from emotion.backbones.network import Network
from emotion.backbones.registry import WEIGHTS, BackboneSource, locate
from emotion.core.config import Depth, TrainConfig
from emotion.core.errors import RunError
from emotion.core.events import EpochDone, Event, TrunkProgress
from emotion.core.files import hash_file
from emotion.core.progress import Progress
from emotion.data.folders import Picture, find_pictures
from emotion.data.sampling import split
from emotion.runs.run import Run
from emotion.runs.split import load_split
from emotion.training.cache import open_cache
from emotion.training.features import look_progress, pooled, told_of_full_disk
from emotion.training.fit import fit


def look_at(
    pictures: Sequence[Path], *, run: Run, network: Network, processor: BaseImageProcessor
) -> Generator[Progress, None, np.ndarray]:
    """Return (N, F) float32 features of pictures, before whitening; a row of NaN where one cannot be read.

    What the cache of activations knows is not computed, and what is computed is kept there. ``network`` is the run's
    checkpoint. Where only its head was trained, the rest is the backbone as it was, and what the
    training looked at is known; otherwise the checkpoint's own hash tells its features from all others.

    Raises:
        PictureError: not one picture can be read.
        RunError: the disk has no room for the features.
    """
    return (yield from pooled(pictures, run.config(), weights=_weights_of(run), network=network, processor=processor))


def retrain(
    run: Run, seeds: Sequence[int], look: Generator[Progress, None, np.ndarray], *, head: str
) -> Generator[Progress, None, np.ndarray]:
    """Train a run anew with each seed; return the (seeds, N, C) probabilities of the pictures of a ``look_at``.

    Each is the training that a run with this seed is: another split, order and best epoch, all other settings as they
    are. ``head`` names its linear layer. A run that a person stopped is repeated to its end. Nothing is computed where
    it cannot be repeated. A picture that cannot be read has rows of NaN.

    Raises:
        RunError: the run trained more than its classifier, its pictures or its backbone are others by now, or the disk
            is full.
        EmotionError: the pictures or the backbone are gone.
    """
    config = run.config()
    if config.depth != "head":
        raise RunError(
            f"This run trained {_trained(config.depth)}: repeating it takes as long as a training each time; sweep "
            "over seeds in Train instead."
        )
    source = locate(config.backbone)
    pictures = find_pictures(Path(config.pictures), use_aliases=config.use_aliases)
    _check_unchanged(run, pictures, source)
    features = yield from look
    total = len(seeds) * config.epochs
    said = []
    for number, seed in enumerate(seeds):
        before, what = number * config.epochs, f"training {number + 1} of {len(seeds)}, with seed {seed}"
        yield Progress(before, total, what)
        with told_of_full_disk(), tempfile.TemporaryDirectory(prefix="emotion-repeat-") as folder:
            for event in _fit(replace(config, seed=seed), pictures, source, folder=Path(folder)):
                if isinstance(event, TrunkProgress):
                    yield from look_progress(event)
                elif isinstance(event, EpochDone):
                    yield Progress(before + event.epoch, total, what)
            said.append(_judge(features, Path(folder) / "checkpoint" / WEIGHTS, head=head))
    return np.stack(said)


def classify(features: np.ndarray, weight: Tensor, bias: Tensor) -> np.ndarray:
    """Return the (N, C) probabilities that a linear classifier, (C, F) and (C,), gives to (N, F) features."""
    probabilities: np.ndarray = (torch.from_numpy(features) @ weight.T + bias).softmax(1).numpy()
    return probabilities


def _fit(config: TrainConfig, pictures: list[Picture], source: BackboneSource, *, folder: Path) -> Iterator[Event]:
    parts = split(pictures, fraction=config.validation_share, seed=config.seed)
    return fit(config, parts, backbone=source, folder=folder, cache=open_cache())


def _judge(features: np.ndarray, weights: Path, *, head: str) -> np.ndarray:
    """Return the (N, C) probabilities that a checkpoint's file gives to features; its whitening is folded in."""
    with safe_open(weights, framework="pt") as tensors:
        return classify(features, tensors.get_tensor(f"{head}.weight"), tensors.get_tensor(f"{head}.bias"))


def _check_unchanged(run: Run, pictures: Sequence[Picture], source: BackboneSource) -> None:
    """See that a training would begin with what the run began with.

    Raises:
        RunError: it would not.
    """
    if source.sha256 != run.record().get("backbone", {}).get("sha256"):
        raise RunError(
            "The backbone's weights are others than when this run was trained: train it anew, then repeat it."
        )
    before = sorted((row.label, row.sha256) for row in load_split(run).rows)
    if before != sorted((picture.label, picture.sha256) for picture in pictures):
        raise RunError("The pictures that this run was trained on have changed: train it anew, then repeat it.")


def _weights_of(run: Run) -> str:
    """Return the SHA-256 that stands for the run's body: the backbone's file, unless its blocks were trained."""
    backbone = run.record().get("backbone", {}).get("sha256")
    is_as_it_was = run.config().depth == "head" and backbone
    return str(backbone) if is_as_it_was else hash_file(run.checkpoint / WEIGHTS)


def _trained(depth: Depth) -> str:
    if depth == "all":
        return "its whole backbone"
    return "its last block" if depth == 1 else f"its last {depth} blocks"
