"""Describe a training's curves in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from emotion.core.events import EpochDone, Event, RunStarted
from emotion.core.intervals import wilson_interval
from emotion.core.labels import chance_level

# The loss has risen if it ends this much above its lowest value; below that it is level.
RISEN = 0.05
# The loss is improving if the last third of the epochs lowered it by at least this much.
IMPROVING = 0.03


def reading(events: Sequence[Event]) -> str:
    """Return one sentence on a run's curves; empty before the second epoch.

    It mentions over-fitting only if the validation loss rose while the training loss fell, and learning only if the
    best epoch's validation accuracy is above chance (its Wilson interval lies above it).
    """
    started = next((event for event in reversed(events) if isinstance(event, RunStarted)), None)
    epochs = [event for event in events if isinstance(event, EpochDone) and event.epoch > 0]
    if started is None or len(epochs) < 2:
        return ""
    last, best = epochs[-1], min(epochs, key=lambda epoch: epoch.validation.loss)
    lowest, ending = best.validation.loss, last.validation.loss
    n, accuracy, chance = started.validation_pictures, best.validation.accuracy, chance_level(len(started.classes))
    low, high = wilson_interval(round(accuracy * n), n)
    if low <= chance:
        return (
            f"Nothing learned beyond chance: {round(accuracy * n)} of {n} validation pictures right = "
            f"{accuracy * 100:.0f} % ({low * 100:.0f}–{high * 100:.0f}), where guessing gets {chance * 100:.0f} %."
        )
    if ending > lowest * (1 + RISEN):
        if (last.train_loss or 0.0) >= (best.train_loss or 0.0):
            return (
                f"Unsteady: after epoch {best.epoch} training and validation loss rose together; lower the learning "
                "rates."
            )
        return (
            f"Over-fitting from epoch {best.epoch + 1}: the training loss went on falling, the validation loss rose "
            f"from {lowest:.2f} to {ending:.2f}; the checkpoint is that of epoch {best.epoch}."
        )
    before = epochs[max(len(epochs) * 2 // 3 - 1, 0)]
    if best is last and lowest < before.validation.loss * (1 - IMPROVING):
        if last.validation.accuracy > before.validation.accuracy:
            return f"Still improving at epoch {last.epoch}: more epochs may help."
        return f"Surer, but not more often right, since epoch {before.epoch}: more epochs hardly help."
    above = [place for place, epoch in enumerate(epochs, 1) if epoch.validation.loss > lowest * (1 + RISEN)]
    since = max(above, default=0) + 1
    return f"Levelled off: the validation loss has been near its lowest ({lowest:.2f}) since epoch {since}."
