"""Training functions for studies: features of any pictures, and a run retrained with other seeds."""

from __future__ import annotations

import os
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
from emotion.inference.classifier import Classifier
from emotion.runs.run import Run
from emotion.runs.split import SplitRecord, require_unchanged
from emotion.training.context import Context, threads_for
from emotion.training.features import FeaturePass, Features
from emotion.training.head import begin
from emotion.training.inputs import Examples
from emotion.training.model import Model
from emotion.training.optimizer import copy_in_order


def features_of_backbone(pictures: Sequence[Path], config: TrainConfig) -> Generator[Progress, None, np.ndarray]:
    """Return (N, F) float32 features of pictures from the backbone of a configuration, and NaN for an unreadable one.

    They equal those of a training of the head alone before whitening, and are cached as such.
    Raises PictureError where no picture can be read; RunError where the disk has no room for the features;
    BackboneError where the backbone is missing or unsupported.
    """
    source = locate(config.backbone)
    # Its head is not used, so any classes will do.
    network = load_backbone(source.path, classes=list(EMOTIONS), image_size=config.image_size)
    processor = load_processor(source.path, image_size=network.image_size)
    return (yield from _pooled(pictures, config, network, processor, source.sha256))


def features_of_run(
    pictures: Sequence[Path], run: Run, classifier: Classifier
) -> Generator[Progress, None, np.ndarray]:
    """Return features of pictures as ``features_of_backbone``, from a run's loaded checkpoint."""
    network, processor = classifier.network, classifier.processor
    return (yield from _pooled(pictures, run.config(), network, processor, _weights_of(run)))


def retrain(
    run: Run, classifier: Classifier, seeds: Sequence[int], judged: np.ndarray
) -> Generator[Progress, None, np.ndarray]:
    """Retrain a run with each seed; return the (seeds, N, C) probabilities for (N, F) features of pictures.

    Each training equals a run with that seed: another split, order and best epoch, all other settings the same. They
    share one pass over the pictures that they learn from.
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
    root = Path(config.pictures)
    learnt = find_pictures(root, use_aliases=config.use_aliases)
    parts = split(learnt, fraction=config.validation_share, seed=config.seed)
    require_unchanged(run, SplitRecord.of(parts, root), locate(config.backbone))
    shown = torch.from_numpy(judged)
    # The seed decides which pictures are varied, so every view of each picture is computed.
    network, processor = classifier.network, classifier.processor
    one_pass = FeaturePass(learnt, len(learnt), network, processor, _weights_of(run), Context(config))
    features = yield from _told(one_pass)
    said, total = [], len(seeds) * config.epochs
    for number, seed in enumerate(seeds):
        step = Progress(number * config.epochs, total, f"training {number + 1} of {len(seeds)}, with seed {seed}")
        yield step
        head = yield from _train(Context(replace(config, seed=seed)), one_pass, features, step)
        with torch.inference_mode():
            said.append(head(shown.to(one_pass.context.device)).softmax(1).cpu().numpy())
    return np.stack(said)


def _train(
    context: Context, one_pass: FeaturePass, features: Features, step: Progress
) -> Generator[Progress, None, Head]:
    """Train a head as ``fit`` does, on features of all pictures of a pass; return that of its best epoch."""
    config = context.config
    parts = split(one_pass.pictures, fraction=config.validation_share, seed=config.seed)
    pictures = parts.train + parts.validation
    place = {picture.path: number for number, picture in enumerate(one_pass.pictures)}
    order = {place[picture.path]: number for number, picture in enumerate(pictures)}
    rows = {(view, order[index]): row for (view, index), row in features.rows.items()}
    mine = Features(rows, {order[index]: reason for index, reason in features.unreadable.items()})
    head = Head(nn.Linear(one_pass.network.width, len(parts.classes)).to(context.device))
    nn.init.zeros_(head.linear.bias)
    model = Model(one_pass.network, head, None, one_pass.processor, 0, [])
    with threads_for("head"):
        epochs = begin(model, mine, Examples.of(parts, mine.unreadable, context), context, pictures=pictures)
        for event in epochs.run():
            if isinstance(event, EpochDone):
                yield replace(step, done=step.done + event.epoch)
    if epochs.best is not None:
        copy_in_order(epochs.best.weights, into=model.weights())
    return head


def _pooled(
    pictures: Sequence[Path], config: TrainConfig, network: Network, processor: BaseImageProcessor, weights: str
) -> Generator[Progress, None, np.ndarray]:
    features = np.full((len(pictures), network.width), np.nan, dtype=np.float32)
    found = {place: Picture(path, "") for place, path in enumerate(pictures) if os.access(path, os.R_OK)}
    if found:
        context = Context(replace(config, depth="head"))
        seen = yield from _told(FeaturePass(list(found.values()), 0, network, processor, weights, context))
        places = list(found)
        readable = [row for row in range(len(places)) if row not in seen.unreadable]
        features[[places[row] for row in readable]] = seen.take(readable).numpy()
    return features


def _told(one_pass: FeaturePass) -> Generator[Progress, None, Features]:
    """Run a feature pass and yield its progress, if there is anything to compute; a full disk raises RunError."""
    steps = one_pass.run()
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


def _weights_of(run: Run) -> str:
    """Return the SHA-256 that identifies the run's body: the backbone's file, unless its blocks were trained."""
    backbone = run.record().get("backbone", {}).get("sha256")
    is_as_it_was = run.config().depth == "head" and backbone
    return str(backbone) if is_as_it_was else hash_file(run.checkpoint / WEIGHTS)
