"""Between the look at the pictures and the first epoch: whitening, and the head's initial training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from emotion.backbones.network import Head, Trained
from emotion.core.config import TrainConfig
from emotion.core.errors import BackboneError
from emotion.inference.novelty import chosen, see
from emotion.training.context import Context, Model
from emotion.training.epochs import NO_NUMBERS, Epochs, State, make_optimizer
from emotion.training.features import Features
from emotion.training.inputs import Examples, FeatureInputs, Inputs, PictureInputs, batches

BATCH = 64
# Chosen by grouped cross-validation inside the training photographs.
SHRINKAGE = 0.5
SMALLEST = 1e-8


def begin(model: Model, features: Features | None, examples: Examples, context: Context, *, state: State) -> Epochs:
    """Return the epochs of a training, resumed from ``state`` where there is one, whose whitening the model then has.

    ``features`` are those of the frozen layers, if any are frozen. They are whitened over the training pictures; where
    blocks are trained on top of them, the head is first trained alone.
    """
    config, head, trained, seen = context.config, model.head, model.trained, None
    inputs: Inputs

    def whitened(plain: Features) -> Features:
        """Return whitened features in main memory: the GPU's memory is for the current batch."""
        if state is None:
            _whiten(head, plain, examples, views=config.views)
        with torch.no_grad():
            return plain.through(lambda rows: head.whitened(rows.to(context.device)).cpu())

    if features is None:
        inputs = PictureInputs(examples, model.backbone.processor, config)
    elif trained is None:
        references = chosen(examples.train, width=head.linear.in_features, seed=config.seed)
        seen = see(*(features.take(examples.at(part)) for part in (references, examples.validation)))
        # Only the head changes, so its inputs are computed once.
        inputs = FeatureInputs(examples, whitened(features), config)
    else:
        if state is None:
            pooled = features.through(partial(_pooled, trained, context))
            _train_head(head, FeatureInputs(examples, whitened(pooled), config), examples, context)
        inputs = FeatureInputs(examples, features, config, model.patches)
    return Epochs(model, inputs, examples, context, seen=seen, state=state)


@torch.inference_mode()
def _pooled(trained: Trained, context: Context, tokens: Tensor) -> Tensor:
    """Return the features that the trained blocks compute from cached tokens."""
    context.stop_if_asked()
    with context.autocast():
        features: Tensor = trained(tokens.to(context.device))[1]
    return features.cpu()


def _whiten(head: Head, features: Features, examples: Examples, *, views: int) -> None:
    """Set the head's whitening from all views of the training pictures, and its weights to an undecided start."""

    def batched() -> Iterator[tuple[Tensor, Tensor]]:
        for view, start in product(range(views), range(0, len(examples.train), BATCH)):
            indices = examples.train[start : start + BATCH]
            yield features.take(examples.at(indices), views=view), examples.labels[indices]

    nn.init.zeros_(head.linear.weight)
    head.whiten(*whitening(batched(), classes=head.linear.out_features, width=head.linear.in_features))


def _train_head(head: Head, inputs: Inputs, examples: Examples, context: Context) -> None:
    """Train a head alone on whitened features with the plain settings, on every view of the pictures.

    A random head would distort the blocks trained after it (Kumar et al. 2022, arXiv 2202.10054).
    Raises Stopped on request.
    """
    config, train, linear = context.config, examples.train, head.linear
    plain = replace(TrainConfig(pictures=config.pictures), batch_size=config.batch_size)
    cost, steps = examples.cost(plain.label_smoothing), math.ceil(len(train) / plain.batch_size) * plain.epochs
    optimizer, scheduler = make_optimizer(list(linear.parameters()), [], config=plain, steps=steps)
    for epoch in range(1, plain.epochs + 1):
        for batch in batches(len(train), batch_size=plain.batch_size, seed=config.seed, epoch=-epoch):
            context.stop_if_asked()
            indices = [train[place] for place in batch]
            losses = cost(linear(inputs(indices, epoch).to(context.device)), examples.labels[indices])
            optimizer.zero_grad()
            losses.mean().backward()
            optimizer.step()
            scheduler.step()


def whitening(batches: Iterable[tuple[Tensor, Tensor]], *, classes: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the mean (F,) and the projection (F, F) that whiten features of ``width`` F within their classes.

    ``batches`` yields (B, F) features with their (B,) class indices; only their sums are held in memory. Within-class
    covariance normalisation (Hatch, Kajarekar and Stolcke 2006, Interspeech) of standardised features; the covariance
    is shrunk towards a multiple of the identity (Ledoit and Wolf 2004, doi 10.1016/S0047-259X(03)00096-4), and the
    projection is symmetric (ZCA), scaled to a mean standard deviation of 1 so that learning rates stay comparable.
    Raises BackboneError where a feature is not a number.
    """
    counts = torch.zeros(classes, dtype=torch.float64)
    sums = torch.zeros(classes, width, dtype=torch.float64)
    products = torch.zeros(width, width, dtype=torch.float64)
    for batch, labels in batches:
        features = batch.detach().cpu().double()
        belongs = functional.one_hot(labels.cpu(), classes).double()
        counts += belongs.sum(0)
        sums += belongs.T @ features
        products += features.T @ features
    if not products.isfinite().all():
        raise BackboneError(NO_NUMBERS)
    total = counts.sum()
    mean = sums.sum(0) / total
    scatter = products / total - torch.outer(mean, mean)
    deviation = scatter.diagonal().clamp_min(0).sqrt()
    # A constant feature is only shifted.
    deviation = torch.where(deviation > 1e-6, deviation, torch.ones_like(deviation))
    scale = torch.outer(deviation, deviation)
    means = sums / counts.clamp_min(1)[:, None]
    within = (products - means.T @ (means * counts[:, None])) / total / scale
    spread = within.diagonal().mean()
    shrunk = (1 - SHRINKAGE) * within + SHRINKAGE * spread * torch.eye(len(mean), dtype=within.dtype)
    # The sums need double precision, the root does not: after shrinking no eigenvalue is too small.
    values, vectors = torch.linalg.eigh(shrunk.float())
    whitened = (vectors * values.clamp_min(SMALLEST).rsqrt()) @ vectors.T
    variances = ((scatter / scale).float() @ whitened).mul(whitened).sum(0)
    whitened /= variances.clamp_min(0).sqrt().mean().clamp_min(SMALLEST)
    return mean.float(), whitened / deviation[:, None].float()


def whitening_of(features: np.ndarray, truth: np.ndarray, *, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ``whitening`` of (N, F) features with their (N,) class indices, as arrays."""
    batch = torch.from_numpy(features), torch.from_numpy(truth)
    mean, projection = whitening([batch], classes=classes, width=features.shape[1])
    return mean.numpy(), projection.numpy()
