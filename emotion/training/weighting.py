"""How much a picture of each class counts in the training loss. Knows nothing of batches."""

from __future__ import annotations

import torch
from torch import Tensor


def class_weights(targets: Tensor, *, classes: int, on: bool) -> Tensor | None:
    """Return the (classes,) weights that let every class of the (N,) class indices count alike; None where off.

    N / (classes x pictures of the class), so that they are 1 on average over the pictures and a learning rate keeps
    its meaning (King and Zeng 2001, doi 10.1093/oxfordjournals.pan.a004868; scikit-learn's "balanced").
    """
    if not on:
        return None
    counts = torch.bincount(targets, minlength=classes).clamp_min(1).float()
    return len(targets) / (classes * counts)
