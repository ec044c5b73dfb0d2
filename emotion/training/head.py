"""What happens between the pass over the pictures and the first epoch: whitening, and a head to begin with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from emotion.backbones.network import Head
from emotion.core.config import TrainConfig
from emotion.core.errors import BackboneError
from emotion.training.context import Context
from emotion.training.features import Features
from emotion.training.optimizer import make_optimizer
from emotion.training.order import batches, steps_in, view_of

BATCH = 64
# Chosen by grouped cross-validation inside the training photographs.
SHRINKAGE = 0.5
SMALLEST = 1e-8
NO_NUMBERS = "This backbone makes no numbers of these pictures: its weights are damaged, choose another one."


def whiten(head: Head, features: Features, labels: Tensor, train: Sequence[int], *, views: int) -> None:
    """Let a head see features that are whitened over all views of the ``train`` pictures, and begin undecided."""

    def batched() -> Iterator[tuple[Tensor, Tensor]]:
        for view, start in product(range(views), range(0, len(train), BATCH)):
            indices = list(train[start : start + BATCH])
            yield features.take(indices, views=view), labels[indices]

    nn.init.zeros_(head.linear.weight)
    head.whiten(*whitening(batched(), classes=head.linear.out_features, width=head.linear.in_features))


@torch.no_grad()
def seen_by(head: Head, features: Features, context: Context) -> Features:
    """Return what a head sees of features, in the computer's own memory: a GPU's is for the batch in hand."""
    return features.through(lambda rows: head.whitened(rows.to(context.device)).cpu())


def train_head(
    head: Head, features: Features, labels: Tensor, train: Sequence[int], weights: Tensor | None, context: Context
) -> None:
    """Train a head alone on what it sees, as the plain settings do, on every view of the pictures.

    So the blocks that are trained after it are not bent to a head that knows nothing (Kumar et al. 2022, arXiv
    2202.10054).

    Raises:
        Stopped: somebody asked for it.
    """
    config, linear = context.config, head.linear
    plain = replace(TrainConfig(pictures=config.pictures), batch_size=config.batch_size)
    steps = steps_in(len(train), batch_size=plain.batch_size) * plain.epochs
    optimizer, scheduler = make_optimizer(list(linear.parameters()), [], config=plain, steps=steps)
    for epoch in range(1, plain.epochs + 1):
        for batch in batches(len(train), batch_size=plain.batch_size, seed=config.seed, epoch=-epoch):
            context.stop_if_asked()
            indices = [train[place] for place in batch]
            views = [view_of(index, views=config.views, seed=config.seed, epoch=epoch) for index in indices]
            logits = linear(features.take(indices, views=views).to(context.device))
            losses = functional.cross_entropy(
                logits,
                labels[indices].to(context.device),
                weight=weights,
                reduction="none",
                label_smoothing=plain.label_smoothing,
            )
            optimizer.zero_grad()
            losses.mean().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimizer.step()
            scheduler.step()


def class_weights(targets: Tensor, *, classes: int) -> Tensor:
    """Return the (classes,) weights that let every class of the (N,) class indices count alike.

    N / (classes x pictures of the class), so that they are 1 on average over the pictures and a learning rate keeps
    its meaning (King and Zeng 2001, doi 10.1093/oxfordjournals.pan.a004868; scikit-learn's "balanced").
    """
    counts = torch.bincount(targets, minlength=classes).clamp_min(1).float()
    return len(targets) / (classes * counts)


def whitening(batches: Iterable[tuple[Tensor, Tensor]], *, classes: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the mean (F,) and the projection (F, F) that whiten features of ``width`` F within their classes.

    ``batches`` yields (B, F) features with their (B,) class indices; only sums of them are held. Within-class
    covariance normalisation (Hatch, Kajarekar and Stolcke 2006, Interspeech) of standardised features, the covariance
    shrunk towards a multiple of the identity (Ledoit and Wolf 2004, doi 10.1016/S0047-259X(03)00096-4), the projection
    symmetric in them (ZCA). It is scaled to a mean standard deviation of 1, so that a learning rate keeps its meaning.

    Raises:
        BackboneError: a feature is no number.
    """
    counts, sums, products = _sums(batches, classes=classes, width=width)
    if not products.isfinite().all():
        raise BackboneError(NO_NUMBERS)
    total = counts.sum()
    mean = sums.sum(0) / total
    scatter = products / total - torch.outer(mean, mean)
    deviation = scatter.diagonal().clamp_min(0).sqrt()
    # A feature that never varies is only shifted.
    deviation = torch.where(deviation > 1e-6, deviation, torch.ones_like(deviation))
    scale = torch.outer(deviation, deviation)
    means = sums / counts.clamp_min(1)[:, None]
    within = (products - means.T @ (means * counts[:, None])) / total / scale
    spread = within.diagonal().mean()
    shrunk = (1 - SHRINKAGE) * within + SHRINKAGE * spread * torch.eye(len(mean), dtype=within.dtype)
    # The sums need double precision, their root does not: it is shrunk, so that no eigenvalue is lost beside others.
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


def _sums(batches: Iterable[tuple[Tensor, Tensor]], *, classes: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return how many pictures each class has, the sums of their features, and the sums of all products."""
    counts = torch.zeros(classes, dtype=torch.float64)
    sums = torch.zeros(classes, width, dtype=torch.float64)
    products = torch.zeros(width, width, dtype=torch.float64)
    for batch, labels in batches:
        features = batch.detach().cpu().double()
        belongs = functional.one_hot(labels.cpu(), classes).double()
        counts += belongs.sum(0)
        sums += belongs.T @ features
        products += features.T @ features
    return counts, sums, products
