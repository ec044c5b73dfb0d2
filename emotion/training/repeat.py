"""Training functions for studies: features of any pictures, and a run retrained with other seeds."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import BaseImageProcessor

from emotion.backbones.loading import load_backbone
from emotion.backbones.network import Head, Network
from emotion.backbones.pixels import load_processor
from emotion.backbones.registry import WEIGHTS, locate
from emotion.core.config import TrainConfig
from emotion.core.errors import RunError
from emotion.core.events import EpochDone
from emotion.core.files import hash_file
from emotion.core.labels import EMOTIONS
from emotion.core.progress import Progress
from emotion.data.folders import Picture, find_pictures
from emotion.data.sampling import split
from emotion.runs.run import Run
from emotion.runs.split import load_split
from emotion.training.context import Context, threads_for
from emotion.training.epochs import head_epochs
from emotion.training.features import Features, Look
from emotion.training.inputs import Examples
from emotion.training.model import weights_of
from emotion.training.optimizer import copy_in_order


def of_backbone(pictures: Sequence[Path], config: TrainConfig) -> Generator[Progress, None, np.ndarray]:
    """Return ``pooled`` features of pictures from the backbone of a configuration.
    Raises as ``pooled``, and BackboneError where the backbone is missing or unsupported.
    """
    source = locate(config.backbone)
    # Its head is not used, so any classes will do.
    network = load_backbone(source.path, classes=list(EMOTIONS), image_size=config.image_size)
    processor = load_processor(source.path, image_size=network.image_size)
    return (yield from pooled(pictures, config, weights=source.sha256, network=network, processor=processor))


def look_at(
    pictures: Sequence[Path], *, run: Run, network: Network, processor: BaseImageProcessor
) -> Generator[Progress, None, np.ndarray]:
    """Return ``pooled`` features of pictures from a run's checkpoint, loaded as ``network``."""
    return (yield from pooled(pictures, run.config(), weights=_weights_of(run), network=network, processor=processor))


def pooled(
    pictures: Sequence[Path], config: TrainConfig, *, weights: str, network: Network, processor: BaseImageProcessor
) -> Generator[Progress, None, np.ndarray]:
    """Return (N, F) float32 features of pictures, before whitening; a row of NaN for an unreadable picture.

    They equal those of a training of the head alone, and are cached as such. ``weights`` is as in ``Look``.
    Raises PictureError where no picture can be read; RunError where the disk has no room for the features.
    """
    features = np.full((len(pictures), network.width), np.nan, dtype=np.float32)
    found = {place: picture for place, path in enumerate(pictures) if (picture := _found(path))}
    if found:
        context = Context(replace(config, depth="head"))
        seen = yield from _looked(Look(list(found.values()), 0, network, processor, weights, context))
        places = list(found)
        readable = [row for row in range(len(places)) if row not in seen.unreadable]
        features[[places[row] for row in readable]] = seen.take(readable).numpy()
    return features


def retrain(
    run: Run, seeds: Sequence[int], pictures: Sequence[Path], *, network: Network, processor: BaseImageProcessor
) -> Generator[Progress, None, np.ndarray]:
    """Retrain a run with each seed; return the (seeds, N, C) probabilities for ``pictures``.

    Each training equals a run with that seed: another split, order and best epoch, all other settings the same. They
    share one pass over the pictures. An unreadable picture has rows of NaN.
    Raises RunError where the run trained more than its classifier, its pictures or backbone have changed, or the disk
    is full; EmotionError where the pictures or the backbone are missing.
    """
    config = run.config()
    if config.depth != "head":
        blocks = "its last block" if config.depth == 1 else f"its last {config.depth} blocks"
        raise RunError(
            f"This run trained {'its whole backbone' if config.depth == 'all' else blocks}: repeating it takes as long "
            "as a training each time; sweep over seeds in Train instead."
        )
    learnt = find_pictures(Path(config.pictures), use_aliases=config.use_aliases)
    _check_unchanged(run, learnt)
    shown = torch.from_numpy((yield from look_at(pictures, run=run, network=network, processor=processor)))
    context = Context(config)
    # The seed decides which pictures are varied, so every view of each picture is computed.
    features = yield from _looked(Look(learnt, len(learnt), network, processor, _weights_of(run), context))
    said, total = [], len(seeds) * config.epochs
    for number, seed in enumerate(seeds):
        step = Progress(number * config.epochs, total, f"training {number + 1} of {len(seeds)}, with seed {seed}")
        yield step
        head = yield from _train(replace(config, seed=seed), learnt, features, step)
        with torch.inference_mode():
            said.append(head(shown.to(context.device)).softmax(1).cpu().numpy())
    return np.stack(said)


def _train(
    config: TrainConfig, learnt: Sequence[Picture], features: Features, step: Progress
) -> Generator[Progress, None, Head]:
    """Train a head as ``fit`` does, on features in the order of ``learnt``; return that of its best epoch."""
    context, parts = Context(config), split(learnt, fraction=config.validation_share, seed=config.seed)
    place = {picture.path: number for number, picture in enumerate(learnt)}
    order = [place[picture.path] for picture in parts.train + parts.validation]
    mine = replace(features, places=features.places[:, order])
    unreadable = {number for number, where in enumerate(order) if where in features.unreadable}
    examples = Examples.of(parts, unreadable, context)
    width = len(mine.take(examples.train[:1])[0])
    head = Head(nn.Linear(width, len(parts.classes)).to(context.device))
    nn.init.zeros_(head.linear.bias)
    with threads_for("head"):
        epochs = head_epochs(head, mine, examples, context)
        for event in epochs.run():
            if isinstance(event, EpochDone):
                yield replace(step, done=step.done + event.epoch)
    if epochs.best is not None:
        copy_in_order(epochs.best.weights, into=weights_of(head, None))
    return head


def _looked(look: Look) -> Generator[Progress, None, Features]:
    """Run a feature pass and yield its progress, if there is anything to compute; a full disk raises RunError."""
    steps = look.take()
    try:
        while True:
            step = next(steps)
            if new := step.total - step.known:
                yield Progress(step.done - step.known, new, f"looking once at {new} picture{'' if new == 1 else 's'}")
    except StopIteration as end:
        features: Features = end.value
        return features
    except OSError as error:
        raise RunError(
            f"A file could not be read or written ({error.strerror}): make room on the disk first."
        ) from error


def _found(path: Path) -> Picture | None:
    """Return a picture with the hash of its content; None where the file is missing."""
    picture = Picture(path, "")
    try:
        return picture if picture.sha256 else None
    except OSError:
        return None


def _check_unchanged(run: Run, pictures: Sequence[Picture]) -> None:
    """Raise RunError where a new training would start from other pictures or weights than the run did."""
    if locate(run.config().backbone).sha256 != run.record().get("backbone", {}).get("sha256"):
        raise RunError(
            "The backbone's weights are others than when this run was trained: train it anew, then repeat it."
        )
    before = sorted((row.label, row.sha256) for row in load_split(run).rows)
    if before != sorted((picture.label, picture.sha256) for picture in pictures):
        raise RunError("The pictures that this run was trained on have changed: train it anew, then repeat it.")


def _weights_of(run: Run) -> str:
    """Return the SHA-256 that identifies the run's body: the backbone's file, unless its blocks were trained."""
    backbone = run.record().get("backbone", {}).get("sha256")
    is_as_it_was = run.config().depth == "head" and backbone
    return str(backbone) if is_as_it_was else hash_file(run.checkpoint / WEIGHTS)
