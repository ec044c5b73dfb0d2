"""The state of a run in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from emotion.core.events import (
    EpochDone,
    Event,
    PicturesSkipped,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
    StepDone,
    TrunkProgress,
)
from emotion.core.format import count, duration, percent
from emotion.core.intervals import wilson_interval
from emotion.core.labels import chance_level
from emotion.report.material import without_places
from emotion.runs.run import Status
from emotion.server.limits import is_public

NOTHING_YET = "Nothing is trained yet. Press Start: the Quick preset takes seconds."
WAITS_FOR_RUN = "This waits for a first finished run: train one in the Train tab."
ENDED: frozenset[Status] = frozenset({"finished", "stopped", "failed", "interrupted"})
E = TypeVar("E")


def public_words(said: str) -> str:
    """Return a sentence without the server's paths on a public server."""
    return without_places(said, ()) if is_public() else said


@dataclass(frozen=True)
class Progress:
    """A run's state in one sentence, and its progress (0 to 1; None if unknown)."""

    sentence: str
    share: float | None = None


def progress(
    events: Sequence[Event], status: Status, *, queue_place: int | None = None, is_guests: bool = False
) -> Progress:
    """Return a run's state in words; ``queue_place`` is a queued run's place in the queue from 1, if known.

    ``is_guests`` means that the visitor may not stop it.
    """
    last, epoch = events[-1] if events else None, _last(events, EpochDone)
    resume = f"Resume goes on after epoch {epoch.epoch}." if epoch and epoch.epoch else "Resume begins it anew."
    if isinstance(last, RunFinished):
        early = " It ended early, since nothing got better." if last.stopped_early else ""
        return Progress(f"Finished in {duration(last.elapsed_seconds)}: {_verdict(events, last)}{early}", 1.0)
    if isinstance(last, RunStopped):
        kept = f"epoch {last.best_epoch} is kept" if last.best_epoch else "no epoch was finished, so nothing is kept"
        return Progress(f"Stopped: {kept}. {resume}")
    if isinstance(last, RunFailed):
        return Progress(f"It could not go on. {last.message}")
    if status == "queued":
        first = "" if not queue_place or queue_place == 1 else f" after {count(queue_place - 1, 'other training')}"
        return Progress(f"Waits for its turn{first}." + ("" if is_guests else " Stop withdraws it."))
    if status == "stopping":
        is_kept = epoch is not None and epoch.epoch > 0
        kept = "the best epoch so far is kept" if is_kept else "no epoch is finished, so nothing is kept"
        return Progress(f"Stopping; {kept}.", _share(events))
    if status == "running":
        return _running(events)
    memory = "If memory ran out, a smaller batch or fewer trained blocks need less."
    return Progress(f"Interrupted: its process ended. {resume} {memory}")


def skipped(events: Sequence[Event]) -> str:
    """Return deviations from the request: settings the backbone lacks, pictures that were left out."""
    notes = [note for event in events if isinstance(event, RunStarted) for note in event.notes]
    reasons = [reason for event in events if isinstance(event, PicturesSkipped) for reason in event.reasons.values()]
    if reasons:
        was = "was" if len(reasons) == 1 else "were"
        notes.append(f"{count(len(reasons), 'picture')} {was} left out. The first: {reasons[0]}")
    return " ".join(notes)


def _running(events: Sequence[Event]) -> Progress:
    last = next((event for event in reversed(events) if not isinstance(event, PicturesSkipped)), None)
    started, reading = _last(events, RunStarted), _last(events, TrunkProgress)
    if last is None or started is None:
        return Progress("Loading the pictures and the backbone.")
    if isinstance(last, TrunkProgress) and last.done < last.total:
        left = f", {_left(last.remaining_seconds)}" if last.done > last.known else ""
        return Progress(f"1 of 2: reading {_read(last, started)}{left}.", last.done / max(1, last.total))
    step = "2 of 2: training" if reading else "Training"
    if isinstance(last, StepDone):
        left = _left(last.remaining_seconds)
        return Progress(f"{step}, epoch {last.epoch} of {started.epochs}, {left}.", _share(events))
    if isinstance(last, EpochDone) and last.epoch:
        left = "saving the model" if last.epoch == started.epochs else _left(last.remaining_seconds)
        return Progress(f"{step}, epoch {last.epoch} of {started.epochs} is done, {left}.", _share(events))
    return Progress(f"Getting ready: {count(started.train_pictures, 'picture')} to train on.")


def _left(seconds: float) -> str:
    """Return the remaining time in words, in whole seconds."""
    whole = max(1, round(seconds))
    return f"{whole} s left" if whole < 60 else f"{duration(seconds)} left"


def _read(look: TrunkProgress, started: RunStarted) -> str:
    """Return what the frozen part reads; several views of a picture mean more to read."""
    pictures = started.train_pictures + started.validation_pictures
    views = f" in {look.total:,} views" if look.total > pictures else ""
    known = f" ({look.known:,} known from earlier runs)" if look.known else ""
    return count(pictures, "picture") + views + known


def _verdict(events: Sequence[Event], end: RunFinished) -> str:
    """Return how many validation pictures are right, with the interval, and which epoch is saved."""
    accuracy, started = percent(end.validation.accuracy), _last(events, RunStarted)
    kept = f"Epoch {end.best_epoch}, with the lowest validation loss, is kept."
    if started is None:
        return f"{accuracy} of the validation pictures right. {kept}"
    n = started.validation_pictures
    right = round(end.validation.accuracy * n)
    low, high = wilson_interval(right, n)
    shares = f"{accuracy} ({low * 100:.0f}–{high * 100:.0f}), chance {percent(chance_level(len(started.classes)))}"
    return f"{right} of {n:,} validation pictures right = {shares}. {kept}"


def _share(events: Sequence[Event]) -> float | None:
    started, step = _last(events, RunStarted), _last(events, StepDone)
    return min(1.0, step.step / max(1, started.steps_per_epoch * started.epochs)) if started and step else None


def _last(events: Sequence[Event], kind: type[E]) -> E | None:
    return next((event for event in reversed(events) if isinstance(event, kind)), None)
