"""Show a classifier features in which the pictures of one class differ equally in every direction."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional

# Chosen by grouped cross-validation inside the training photographs; see the README.
SHRINKAGE = 0.5
SMALLEST = 1e-8


def whitening(batches: Iterable[tuple[Tensor, Tensor]], *, classes: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the mean (F,) and the projection (F, F) that whiten features of ``width`` F within their classes.

    ``batches`` yields (B, F) features with their (B,) class indices; only sums of them are held. Within-class
    covariance normalisation (Hatch, Kajarekar and Stolcke 2006, Interspeech) of standardised features, the covariance
    shrunk towards a multiple of the identity (Ledoit and Wolf 2004, doi 10.1016/S0047-259X(03)00096-4), the projection
    symmetric in them (ZCA). It is scaled to a mean standard deviation of 1, so that a learning rate keeps its meaning.
    """
    counts, sums, products = _sums(batches, classes=classes, width=width)
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
