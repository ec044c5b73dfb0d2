"""Training functions for studies: features of any pictures, and a run retrained with other seeds."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from emotion.backbones.network import Head
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
from emotion.training.context import Backbone, Context, Model, read_backbone, threads_for
from emotion.training.epochs import copy_in_order
from emotion.training.features import Features, look
from emotion.training.head import begin
from emotion.training.inputs import Examples


def features_of_backbone(pictures: Sequence[Path], config: TrainConfig) -> Generator[Progress, None, np.ndarray]:
    """Return (N, F) float32 features of pictures from the backbone of a configuration, and NaN for an unreadable one.

    They equal those of a training of the head alone before whitening, and are cached as such.
    Raises PictureError where no picture can be read; RunError where the disk has no room for the features;
    BackboneError where the backbone is missing or unsupported.
    """
    # Its head is not used, so any classes will do.
    backbone = read_backbone(locate(config.backbone), classes=EMOTIONS, image_size=config.image_size)
    return (yield from _plain(pictures, config, backbone))


def features_of_run(
    pictures: Sequence[Path], run: Run, classifier: Classifier
) -> Generator[Progress, None, np.ndarray]:
    """Return features of pictures as ``features_of_backbone``, from a run's loaded checkpoint."""
    return (yield from _plain(pictures, run.config(), _backbone_of(run, classifier)))


def retrain(
    run: Run, classifier: Classifier, seeds: Sequence[int], judged: np.ndarray
) -> Generator[Progress, None, np.ndarray]:
    """Retrain the head of a run with each seed; return the (seeds, N, C) probabilities for (N, F) features of pictures.

    Each training equals a run with that seed: another split, order and best epoch, all other settings the same. They
    share one look at the pictures that they learn from.
    Raises RunError where its pictures or backbone have changed, or the disk is full; EmotionError where the pictures or
    the backbone are missing.
    """
    config = run.config()
    root, backbone = Path(config.pictures), _backbone_of(run, classifier)
    learnt = find_pictures(root, use_aliases=config.use_aliases)
    parts = split(learnt, fraction=config.validation_share, seed=config.seed)
    require_unchanged(run, SplitRecord.of(parts, root), locate(config.backbone))
    shown = torch.from_numpy(judged)
    # The seed decides which pictures are varied, so every view of each picture is computed.
    features = yield from _looked(learnt, backbone, config, varied=len(learnt))
    said = []
    for number, seed in enumerate(seeds):
        done, total = number * config.epochs, len(seeds) * config.epochs
        step = Progress(done, total, f"training {number + 1} of {len(seeds)}, with seed {seed}")
        yield step
        context, parts = Context(replace(config, seed=seed)), split(learnt, fraction=config.validation_share, seed=seed)
        model = Model(backbone, Head(nn.Linear(backbone.network.width, len(parts.classes)).to(context.device)))
        nn.init.zeros_(model.head.linear.bias)
        with threads_for("head"):
            epochs = begin(model, features, Examples.of(parts, features.unreadable, context), context, state=None)
            for event in epochs.run():
                if isinstance(event, EpochDone):
                    yield replace(step, done=done + event.epoch)
        if epochs.best:
            copy_in_order(epochs.best.weights, into=model.weights())
        with torch.inference_mode():
            said.append(model.head(shown.to(context.device)).softmax(1).cpu().numpy())
    return np.stack(said)


def _backbone_of(run: Run, classifier: Classifier) -> Backbone:
    """Return what a run's features come from: the backbone as it was, unless its blocks were trained."""
    backbone = run.record().get("backbone", {}).get("sha256") if run.config().depth == "head" else None
    return Backbone(classifier.network, classifier.processor, backbone or hash_file(run.checkpoint / WEIGHTS))


def _plain(pictures: Sequence[Path], config: TrainConfig, backbone: Backbone) -> Generator[Progress, None, np.ndarray]:
    """Return the features of unchanged pictures, NaN for an unreadable one."""
    rows = np.full((len(pictures), backbone.network.width), np.nan, dtype=np.float32)
    found = {place: Picture(path, "") for place, path in enumerate(pictures) if os.access(path, os.R_OK)}
    if found:
        features = yield from _looked(list(found.values()), backbone, replace(config, depth="head"), varied=0)
        readable = {place: each for place, each in found.items() if each.path not in features.unreadable}
        rows[list(readable)] = features.take(list(readable.values())).numpy()
    return rows


def _looked(
    pictures: Sequence[Picture], backbone: Backbone, config: TrainConfig, *, varied: int
) -> Generator[Progress, None, Features]:
    """Look at pictures and yield the progress, if there is anything to compute; a full disk raises RunError."""
    steps = look(pictures, backbone, Context(config), varied=varied)
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
