"""The events of a training, as plain values that are written and read as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Scores:
    """A model's scores on labelled pictures: mean cross-entropy, top-1 accuracy, mean probability of the label."""

    loss: float
    accuracy: float
    correct_confidence: float


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event, ``elapsed_seconds`` after the configuration was accepted; stamped when it is written."""

    elapsed_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """The pictures are listed and split, the backbone is loaded; ``precision`` is the one in use.

    ``notes`` are sentences on settings that this backbone does not support. A run that resumes writes this event again
    and retains its first ``resumed_epochs`` epochs; earlier events of later ones are void (``without_void``).
    """

    classes: list[str]
    train_pictures: int
    validation_pictures: int
    epochs: int
    steps_per_epoch: int
    device: str
    precision: str
    processes: int
    resumed_epochs: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class RunQueued(Event):
    """An ended or interrupted run waits to resume. (A new run waits without any event.)"""


@dataclass(frozen=True, kw_only=True)
class TrunkProgress(Event):
    """The frozen layers have processed ``done`` of ``total`` picture views.

    ``known`` of them were cached by an earlier training; ``kept`` is true if the others are cached for later ones.
    """

    done: int
    total: int
    remaining_seconds: float
    known: int = 0
    kept: bool = True


@dataclass(frozen=True, kw_only=True)
class PicturesSkipped(Event):
    """Unreadable pictures that are left out; ``reasons`` maps each file's path to one sentence.

    The counts are those of the remaining pictures and their steps; None for a run of an older version.
    """

    reasons: dict[str, str]
    train_pictures: int | None = None
    validation_pictures: int | None = None
    steps_per_epoch: int | None = None


@dataclass(frozen=True, kw_only=True)
class StepDone(Event):
    """One optimizer step; ``step`` counts from 1 over the whole run, loss and accuracy are those of its batch."""

    epoch: int
    step: int
    loss: float
    accuracy: float
    learning_rate: float
    pictures_per_second: float
    remaining_seconds: float


@dataclass(frozen=True, kw_only=True)
class EpochDone(Event):
    """An epoch and its validation; epoch 0 is the model before training and has no training scores."""

    epoch: int
    train_loss: float | None
    train_accuracy: float | None
    validation: Scores
    is_best: bool
    remaining_seconds: float


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """The checkpoint of the best epoch is written; ``validation`` are its scores."""

    best_epoch: int
    validation: Scores
    peak_memory_megabytes: float
    stopped_early: bool = False


@dataclass(frozen=True, kw_only=True)
class RunStopped(Event):
    """The run was stopped on request; ``best_epoch`` is None where no epoch was finished and nothing is saved."""

    best_epoch: int | None
    validation: Scores | None


@dataclass(frozen=True, kw_only=True)
class RunFailed(Event):
    """The run could not continue; ``message`` is one sentence for a person."""

    message: str


def without_void(events: Sequence[Event]) -> list[Event]:
    """Return the valid events: for a resumed run, the retained epochs and all that came after.

    RunStarted gets the number of readable pictures and their steps, once known.
    """
    kept: list[Event] = []
    for event in events:
        if isinstance(event, PicturesSkipped):
            names = ("train_pictures", "validation_pictures", "steps_per_epoch")
            counts = {name: value for name in names if (value := getattr(event, name)) is not None}
            kept = [replace(old, **counts) if isinstance(old, RunStarted) else old for old in kept]
        if isinstance(event, RunStarted):
            epochs = event.resumed_epochs
            kept = [old for old in kept if isinstance(old, StepDone | EpochDone) and old.epoch <= epochs > 0]
        kept.append(event)
    return kept


_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in Event.__subclasses__()}


def to_line(event: Event) -> str:
    """Return an event as one line of JSON, without the newline."""
    return json.dumps({"event": type(event).__name__, **asdict(event)}, ensure_ascii=False, allow_nan=True)


def from_line(line: str) -> Event:
    """Parse an event from a line. Raises ValueError where this version knows no such event."""
    try:
        values: dict[str, Any] = json.loads(line)
        kind = _KINDS[values.pop("event")]
        if values.get("validation") is not None:
            values["validation"] = Scores(**_known(values["validation"], Scores))
        return kind(**_known(values, kind))
    except (AttributeError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not an event: {line[:80]}") from error


def _known(values: dict[str, Any], kind: type[Event] | type[Scores]) -> dict[str, Any]:
    """Return the fields known to this version: a newer version may add others, which can be ignored."""
    return {field.name: values[field.name] for field in fields(kind) if field.name in values}
