"""Events of trainings, and probabilities that are the same for the same picture."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from emotion.config import TrainConfig
from emotion.events import EpochDone, Event, RunFinished, RunStarted, RunStopped, Scores
from emotion.labels import EMOTIONS
from emotion.run import Run


def training(config: TrainConfig, *, epochs: int | None = None) -> list[Event]:
    """Return the events of a training that goes well, up to an epoch."""
    events: list[Event] = [
        RunStarted(
            elapsed_seconds=0.5, classes=list(EMOTIONS), train_pictures=40, validation_pictures=8,
            epochs=config.epochs, steps_per_epoch=2, device="cpu", precision="float32", processes=1,
        )
    ]  # fmt: skip
    for epoch in range((config.epochs if epochs is None else epochs) + 1):
        scores = Scores(loss=1.386 * 0.8**epoch, accuracy=min(1.0, 0.25 + 0.125 * epoch), correct_confidence=0.4)
        trained = (None, None) if epoch == 0 else (1.3 * 0.7**epoch, 0.9)
        events.append(
            EpochDone(
                elapsed_seconds=1.0 + epoch, epoch=epoch, train_loss=trained[0], train_accuracy=trained[1],
                validation=scores, is_best=epoch > 0, remaining_seconds=0.0,
            )
        )  # fmt: skip
    return events


def finish(run: Run, events: Sequence[Event]) -> None:
    """Write events and the end of a training into a run."""
    last = [event for event in events if isinstance(event, EpochDone)][-1]
    for event in events:
        run.append(event)
    run.append(
        RunFinished(elapsed_seconds=9.0, best_epoch=last.epoch, validation=last.validation, peak_memory_megabytes=700)
    )


def stop(run: Run, events: Sequence[Event]) -> None:
    """Write events into a run, and that a person stopped it after them."""
    last = [event for event in events if isinstance(event, EpochDone)][-1]
    for event in events:
        run.append(event)
    run.append(RunStopped(elapsed_seconds=9.0, best_epoch=last.epoch, validation=last.validation))


def scores_of(path: Path, *, label: str, skill: float) -> dict[str, float]:
    """Return probabilities that are the same for the same picture; what is not known is called tired."""
    rng = random.Random(path.name)
    weights = {name: rng.uniform(0.2, 1.0) for name in EMOTIONS}
    weights[label if label in EMOTIONS and rng.random() < skill else "tired"] += rng.uniform(0.8, 3.0)
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}
