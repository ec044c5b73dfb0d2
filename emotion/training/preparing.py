"""What happens between the look at the pictures and the first epoch: whitening, and a classifier to begin with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from emotion.backbones.anatomy import CutModel
from emotion.config import TrainConfig
from emotion.training.batches import batches, steps_in
from emotion.training.context import Context
from emotion.training.device import autocast
from emotion.training.inputs import ActivationInputs, Inputs
from emotion.training.optimizing import make_optimizer
from emotion.training.weighting import class_weights
from emotion.training.whitening import whitening

FEATURES_BATCH = 64


def prepare(
    parts: CutModel,
    inputs: Inputs,
    labels: Tensor,
    train: Sequence[int],
    *,
    context: Context,
    state: dict[str, Any] | None,
) -> tuple[Inputs, nn.Module]:
    """Return what the epochs are fed and the module that makes logits of it.

    Where a part is frozen, its features are whitened over the ``train`` pictures and the classifier begins undecided.
    Where blocks are trained on top of it, the classifier is trained first, on its own, so that the blocks are not
    bent to a classifier that knows nothing (Kumar et al. 2022, arXiv 2202.10054). ``state`` is a resumed training's.

    Raises:
        Stopped: somebody asked for it.
    """
    if not isinstance(inputs, ActivationInputs):
        return inputs, parts.top
    nn.init.zeros_(parts.top.classifier.weight)
    if parts.trunk_only:
        _whiten(parts, inputs, labels, train, views=context.config.views)
        # Nothing but the classifier changes, so its input is computed once and not in every step.
        return inputs.through(lambda rows: _seen(parts, rows, context)), parts.top.classifier
    if state is not None:
        parts.whiten(*state["whitening"])
        return inputs, parts.top
    features = inputs.through(lambda rows: _features(parts, rows, context))
    _whiten(parts, features, labels, train, views=context.config.views)
    _train_classifier(parts, features.through(lambda rows: _seen(parts, rows, context)), labels, train, context)
    return inputs, parts.top


@torch.inference_mode()
def _features(parts: CutModel, rows: Tensor, context: Context) -> Tensor:
    context.stop_if_asked()
    with autocast(context.device, context.precision):
        return parts.features(rows.to(context.device)).float().cpu()


@torch.no_grad()
def _seen(parts: CutModel, features: Tensor, context: Context) -> Tensor:
    """Return what the classifier sees of features, in the computer's own memory: a GPU's is for the batch in hand."""
    return parts.top.whitened(features.to(context.device)).cpu()


def _whiten(parts: CutModel, features: ActivationInputs, labels: Tensor, train: Sequence[int], *, views: int) -> None:
    def batched() -> Iterator[tuple[Tensor, Tensor]]:
        for view, start in product(range(views), range(0, len(train), FEATURES_BATCH)):
            indices = list(train[start : start + FEATURES_BATCH])
            yield features.view(view, indices), labels[indices]

    classifier = parts.top.classifier
    parts.whiten(*whitening(batched(), classes=classifier.out_features, width=classifier.in_features))


def _train_classifier(
    parts: CutModel, features: ActivationInputs, labels: Tensor, train: Sequence[int], context: Context
) -> None:
    """Train the classifier alone as the Quick preset does, on every view of the pictures."""
    config, classifier = context.config, parts.top.classifier
    quick = replace(TrainConfig(pictures=config.pictures), batch_size=config.batch_size)
    steps = steps_in(len(train), batch_size=quick.batch_size) * quick.epochs
    weights = class_weights(labels[list(train)], classes=classifier.out_features, on=config.class_weights)
    weights = weights.to(context.device) if weights is not None else None
    optimizer, scheduler = make_optimizer({"head": [list(classifier.parameters())]}, config=quick, steps=steps)
    for epoch in range(1, quick.epochs + 1):
        for batch in batches(len(train), batch_size=quick.batch_size, seed=config.seed, epoch=-epoch):
            context.stop_if_asked()
            indices = [train[place] for place in batch]
            logits = classifier(features.training(indices, epoch=epoch).to(context.device))
            target = labels[indices].to(context.device)
            losses = functional.cross_entropy(
                logits, target, weight=weights, reduction="none", label_smoothing=quick.label_smoothing
            )
            loss = losses.mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimizer.step()
            scheduler.step()
