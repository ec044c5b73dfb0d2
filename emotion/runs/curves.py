"""Read a training's curves and say in one sentence what they show. Knows nothing of charts."""

from __future__ import annotations

from collections.abc import Sequence

from emotion.core.events import EpochDone, Event, RunStarted
from emotion.core.intervals import wilson_interval
from emotion.core.labels import chance_level

# A validation loss that ends this much above its lowest has turned; below, it is level.
RISEN = 0.05
# What the last third of the epochs still took off the validation loss, to call it improving.
IMPROVING = 0.03


def reading(events: Sequence[Event]) -> str:
    """Return what the curves of a run show, in one sentence; empty before its second epoch.

    It speaks of over-fitting only where the validation loss rose while the training loss fell, and of learning
    only where the best epoch's validation accuracy cannot be chance (its Wilson interval lies above it).
    """
    started = next((event for event in reversed(events) if isinstance(event, RunStarted)), None)
    epochs = [event for event in events if isinstance(event, EpochDone) and event.epoch > 0]
    if started is None or len(epochs) < 2:
        return ""
    losses = [epoch.validation.loss for epoch in epochs]
    best = min(range(len(losses)), key=losses.__getitem__)
    n, accuracy = started.validation_pictures, epochs[best].validation.accuracy
    chance = chance_level(len(started.classes))
    low, high = wilson_interval(round(accuracy * n), n)
    if low <= chance:
        return (
            f"Nothing learned beyond chance: {round(accuracy * n)} of {n} validation pictures right = "
            f"{accuracy * 100:.0f} % ({low * 100:.0f}–{high * 100:.0f}), where guessing gets {chance * 100:.0f} %."
        )
    trained = [epoch.train_loss or 0.0 for epoch in epochs]
    risen = losses[-1] > losses[best] * (1 + RISEN)
    if risen and trained[-1] >= trained[best]:
        return (
            f"Unsteady: after epoch {epochs[best].epoch} training and validation loss rose together; lower the "
            "learning rates."
        )
    if risen:
        return (
            f"Over-fitting from epoch {epochs[best].epoch + 1}: the training loss went on falling, the validation "
            f"loss rose from {losses[best]:.2f} to {losses[-1]:.2f}; the checkpoint is that of epoch "
            f"{epochs[best].epoch}."
        )
    before = max(len(losses) * 2 // 3 - 1, 0)
    if best == len(losses) - 1 and losses[best] < losses[before] * (1 - IMPROVING):
        if epochs[-1].validation.accuracy > epochs[before].validation.accuracy:
            return f"Still improving at epoch {epochs[-1].epoch}: more epochs may help."
        return f"Surer, but not more often right, since epoch {epochs[before].epoch}: more epochs hardly help."
    return (
        f"Levelled off: the validation loss has been near its lowest ({losses[best]:.2f}) since epoch {_since(losses)}."
    )


def _since(losses: Sequence[float]) -> int:
    """Return the first epoch, from 1, from which on the loss stayed within ``RISEN`` of its lowest."""
    limit = min(losses) * (1 + RISEN)
    return next(first + 1 for first in range(len(losses)) if all(loss <= limit for loss in losses[first:]))
