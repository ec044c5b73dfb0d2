"""What a run's frozen part makes of pictures, and the run's training with other seeds on it. Leaves nothing behind."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import BaseImageProcessor

from emotion.backbones.network import Frozen, Head, Network
from emotion.backbones.registry import WEIGHTS, locate
from emotion.core.config import Depth, TrainConfig
from emotion.core.errors import RunError
from emotion.core.events import EpochDone
from emotion.core.files import hash_file
from emotion.core.progress import Progress
from emotion.data.folders import Picture, find_pictures
from emotion.data.sampling import split
from emotion.inference.novelty import chosen, see
from emotion.runs.run import Run
from emotion.runs.split import load_split
from emotion.training.cache import open_cache
from emotion.training.context import Context, threads_for
from emotion.training.epochs import Epochs, weights_of
from emotion.training.features import Features, Look, as_progress, make_recipe, pooled, told_of_full_disk
from emotion.training.head import class_weights, seen_by, whiten
from emotion.training.inputs import FeatureInputs
from emotion.training.optimizer import copy_in_order


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
    run: Run, seeds: Sequence[int], pictures: Sequence[Path], *, network: Network, processor: BaseImageProcessor
) -> Generator[Progress, None, np.ndarray]:
    """Train a run anew with each seed; return the (seeds, N, C) probabilities that each gives to ``pictures``.

    Each is the training that a run with this seed is: another split, order and best epoch, all other settings as they
    are. All of them share one pass over the pictures, and what of it is known is not computed. A run that a person
    stopped is repeated to its end. A picture that cannot be read has rows of NaN.

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
    learnt = find_pictures(Path(config.pictures), use_aliases=config.use_aliases)
    _check_unchanged(run, learnt)
    shown = torch.from_numpy((yield from look_at(pictures, run=run, network=network, processor=processor)))
    context = Context(config)
    recipe = make_recipe(config, weights=_weights_of(run), processor=processor, context=context)
    # Which pictures are varied depends on the seed: every view of each is had.
    look = Look(learnt, len(learnt), processor, recipe, open_cache(), context)
    frozen = Frozen(network, trained_blocks=0, precision=context.precision)
    with told_of_full_disk():
        features = yield from as_progress(look.take(frozen, row_bytes=network.width * 4))
    said, total = [], len(seeds) * config.epochs
    try:
        for number, seed in enumerate(seeds):
            what = f"training {number + 1} of {len(seeds)}, with seed {seed}"
            yield Progress(number * config.epochs, total, what)
            head = yield from _train(replace(config, seed=seed), learnt, features, number * config.epochs, total, what)
            with torch.inference_mode():
                said.append(head(shown.to(context.device)).softmax(1).cpu().numpy())
    finally:
        features.close()
    return np.stack(said)


def _train(
    config: TrainConfig, learnt: Sequence[Picture], features: Features, before: int, total: int, what: str
) -> Generator[Progress, None, Head]:
    """Train a head as ``fit`` does, on features of the pictures in the order of ``learnt``; return its best epoch."""
    context, parts = Context(config), split(learnt, fraction=config.validation_share, seed=config.seed)
    pictures = parts.train + parts.validation
    place = {picture.path: number for number, picture in enumerate(learnt)}
    order = [place[picture.path] for picture in pictures]
    mine = replace(features, places=features.places[:, order])
    usable = [number for number, where in enumerate(order) if where not in features.unreadable]
    train = [number for number in usable if number < len(parts.train)]
    validation = [number for number in usable if number >= len(parts.train)]
    labels = torch.tensor([parts.classes.index(picture.label) for picture in pictures])
    weights = class_weights(labels[train], classes=len(parts.classes)) if config.class_weights else None
    width = len(mine.take(train[:1])[0])
    head = Head(nn.Linear(width, len(parts.classes)).to(context.device))
    nn.init.zeros_(head.linear.bias)
    references = chosen(train, width=width, seed=config.seed)
    seen = see(mine.take(references).numpy(), mine.take(validation).numpy())
    with threads_for("head"):
        whiten(head, mine, labels, train, views=config.views)
        epochs = Epochs(
            head, None, FeatureInputs(seen_by(head, mine, context), config=config), labels, train=train,
            validation=validation, class_weights=weights.to(context.device) if weights is not None else None, seen=seen,
            context=context,
        )  # fmt: skip
        for event in epochs.run():
            if isinstance(event, EpochDone):
                yield Progress(before + event.epoch, total, what)
    if epochs.best is not None:
        copy_in_order(epochs.best.weights, into=weights_of(head, None))
    return head


def _check_unchanged(run: Run, pictures: Sequence[Picture]) -> None:
    """See that a training would begin with what the run began with.

    Raises:
        RunError: it would not.
    """
    config = run.config()
    if locate(config.backbone).sha256 != run.record().get("backbone", {}).get("sha256"):
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
