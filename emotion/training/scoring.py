"""Scores of logits against labels, summed over batches and over processes."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn import functional

from emotion.events import Scores


class Tally:
    """Adds up loss, hits and probability of the correct class over weighted pictures."""

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._sums = torch.zeros(4, device=accelerator.device, dtype=torch.float64)

    def include(self, other: Tally) -> None:
        """Add what another tally has counted."""
        self._sums += other._sums

    def add(self, logits: Tensor, labels: Tensor, weights: Tensor) -> None:
        """Add a batch: (B, C) logits, (B,) class indices, (B,) weights of 0 or 1."""
        logits = logits.detach().float()
        loss = functional.cross_entropy(logits, labels, reduction="none")
        hits = (logits.argmax(1) == labels).float()
        confidence = logits.softmax(1).gather(1, labels[:, None]).squeeze(1)
        rows = torch.stack([loss * weights, hits * weights, confidence * weights, weights])
        self._sums += rows.sum(1).double()

    def scores(self) -> Scores:
        """Return the means over every picture that any process added."""
        sums = self._accelerator.reduce(self._sums.clone(), reduction="sum") if self._several else self._sums
        loss, hits, confidence, count = sums.tolist()
        return Scores(loss=loss / count, accuracy=hits / count, correct_confidence=confidence / count)

    @property
    def _several(self) -> bool:
        return bool(self._accelerator.num_processes > 1)
