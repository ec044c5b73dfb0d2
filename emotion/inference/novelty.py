"""The pictures a run has seen, as features, and whether another picture is like them.

The score is the distance to the k-th nearest training picture (Sun et al. 2022, arXiv 2204.06507), Euclidean between
standardised features: it separates pictures without a face better than the cosine does, and it needs no covariance, as
Mahalanobis distances do, whose size grows with the square of the width. Measured in docs/results/unknown.md.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from emotion.core.files import write_files
from emotion.core.prediction import NEIGHBOURS, Novelty

FILE = "familiarity.safetensors"
# At most so many pictures and bytes represent a run's training pictures.
MOST_PICTURES, MOST_BYTES = 1000, 1_500_000
VALUE_BYTES = 2
BATCH = 256
SMALLEST = 1e-6


@dataclass(frozen=True)
class Seen:
    """The pictures a run has seen: ``mean`` and ``deviation``, (F,) float32, standardise features; ``references``,
    (M, F) float16, are standardised features of training pictures; ``distances``, (n,) float32, are those of the
    validation pictures to them, in ascending order.
    """

    mean: Tensor
    deviation: Tensor
    references: Tensor
    distances: Tensor

    def novelty(self, features: Tensor) -> list[Novelty]:
        """Compare each of (B, F) features with the validation pictures."""
        found = _distances((features - self.mean) / self.deviation, self.references)
        return [Novelty(count, len(self.distances)) for count in torch.searchsorted(self.distances, found).tolist()]


def see(references: Tensor, validation: Tensor) -> Seen:
    """Return ``Seen`` from (M, F) features of training pictures and (n, F) features of validation pictures."""
    deviation, mean = torch.std_mean(references, dim=0, correction=0)
    # A constant feature is only shifted.
    deviation = torch.where(deviation > SMALLEST, deviation, torch.ones_like(deviation))
    kept = ((references - mean) / deviation).half()
    return Seen(mean, deviation, kept, _distances((validation - mean) / deviation, kept).sort().values)


def _distances(features: Tensor, references: Tensor) -> Tensor:
    """Return the (N,) float32 Euclidean distances of (N, F) features to their k-th nearest of the references."""
    rank, against = min(NEIGHBOURS, len(references)), references.float()
    return torch.cat([torch.cdist(part, against).kthvalue(rank, dim=1).values for part in torch.split(features, BATCH)])


def chosen(pictures: Sequence[int], *, width: int, seed: int) -> list[int]:
    """Return which training pictures serve as references for features of ``width``: all, unless there are too many."""
    most = max(NEIGHBOURS, min(MOST_PICTURES, MOST_BYTES // (VALUE_BYTES * width)))
    if len(pictures) <= most:
        return list(pictures)
    return sorted(random.Random(f"{seed}/references").sample(list(pictures), most))


def save_seen(seen: Seen, folder: Path) -> None:
    """Write what a run has seen into its folder, atomically.
    Raises OSError where the disk is full or cannot be written.
    """
    write_files(folder, {FILE: save(vars(seen))})


def load_seen(folder: Path, *, width: int) -> Seen | None:
    """Return what ``save_seen`` wrote for features of ``width``; None where it is missing, damaged or does not fit."""
    try:
        seen = Seen(**load((folder / FILE).read_bytes()))
    except (OSError, TypeError, ValueError, SafetensorError):
        return None
    shapes = [seen.mean.shape, seen.deviation.shape, seen.references.shape[1:]]
    fits = shapes == [(width,)] * 3 and seen.distances.ndim == 1
    is_whole = fits and len(seen.references) > 0 and bool(seen.distances.isfinite().all())
    # Converted once, not for every picture: it takes longer than all other steps.
    return replace(seen, references=seen.references.float()) if is_whole else None
