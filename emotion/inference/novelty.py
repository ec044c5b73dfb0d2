"""What a run has seen, as features of its pictures, and whether another picture is like them. Knows nothing of models.

The rule is the distance to the k-th nearest training picture (Sun et al. 2022, arXiv 2204.06507), Euclidean between
standardised features: there pictures of no face lie further out than by the cosine, and a covariance, as Mahalanobis
distances want, grows with the square of the width. It was measured: docs/results/unknown.md.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from emotion.core.prediction import NEIGHBOURS, Novelty

FILE = "familiarity.safetensors"
# So many pictures, and so many bytes, stand for all that a run was trained on.
MOST_PICTURES, MOST_BYTES = 1000, 1_500_000
VALUE_BYTES = 2
BATCH = 256
SMALLEST = 1e-6


@dataclass(frozen=True)
class Seen:
    """What a run has seen.

    ``mean`` and ``deviation``, (F,) float32, standardise features; ``references`` are (M, F) float16 standardised
    features of training pictures; ``distances``, (n,) float32, say how far each validation picture is from them, the
    nearest first.
    """

    mean: np.ndarray
    deviation: np.ndarray
    references: np.ndarray
    distances: np.ndarray

    def novelty(self, features: np.ndarray) -> list[Novelty]:
        """Hold each of (B, F) features against the validation pictures."""
        found = distances((features - self.mean) / self.deviation, self.references)
        nearer = np.searchsorted(self.distances, found, side="left")
        return [Novelty(nearer=int(count), validation=len(self.distances)) for count in nearer]


def see(references: np.ndarray, validation: np.ndarray) -> Seen:
    """Return what is kept of (M, F) features of training pictures and (n, F) ones of validation pictures."""
    mean, deviation = references.mean(axis=0), references.std(axis=0)
    # A feature that never varies is only shifted.
    deviation = np.where(deviation > SMALLEST, deviation, 1.0).astype(np.float32)
    kept = ((references - mean) / deviation).astype(np.float16)
    return Seen(mean, deviation, kept, np.sort(distances((validation - mean) / deviation, kept)))


def distances(features: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Return the (N,) float32 Euclidean distances of (N, F) features to their k-th nearest of the references."""
    # Not by numpy's product: the threads of its BLAS wait in a loop for the next one, and take a core from the forward
    # pass that follows. Measured, a comparison took an eighth longer.
    import torch

    rank = min(NEIGHBOURS, len(references))
    against = torch.from_numpy(references.astype(np.float32, copy=False))
    parts = torch.split(torch.from_numpy(features.astype(np.float32, copy=False)), BATCH)
    found: np.ndarray = torch.cat([torch.cdist(part, against).kthvalue(rank, dim=1).values for part in parts]).numpy()
    return found


def chosen(pictures: Sequence[int], *, width: int, seed: int) -> list[int]:
    """Return which of the training pictures stand for all in features of ``width``: all, unless they are too many."""
    most = max(NEIGHBOURS, min(MOST_PICTURES, MOST_BYTES // (VALUE_BYTES * width)))
    if len(pictures) <= most:
        return list(pictures)
    return sorted(random.Random(f"{seed}/references").sample(list(pictures), most))


def save_seen(seen: Seen, folder: Path) -> None:
    """Write what a run has seen into its folder, whole or not at all.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    beside = folder / f".{FILE}-{os.getpid()}"
    try:
        beside.write_bytes(save(vars(seen)))
        beside.replace(folder / FILE)
    finally:
        beside.unlink(missing_ok=True)


def load_seen(folder: Path, *, width: int) -> Seen | None:
    """Return what ``save_seen`` wrote of features of ``width``; None where it is not there, torn or of another model.

    A run of before this was kept makes no claim, and neither does one whose file is damaged.
    """
    try:
        values = load((folder / FILE).read_bytes())
        seen = Seen(**values)
    except (OSError, TypeError, ValueError, SafetensorError):
        return None
    shapes = [seen.mean.shape, seen.deviation.shape, seen.references.shape[1:]]
    fits = shapes == [(width,)] * 3 and seen.distances.ndim == 1
    is_whole = fits and len(seen.references) > 0 and bool(np.isfinite(seen.distances).all())
    # Once, and not for every picture: it takes longer than all else.
    return replace(seen, references=seen.references.astype(np.float32)) if is_whole else None
