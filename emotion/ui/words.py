"""The state of a run in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    last = events[-1] if events else None
    if isinstance(last, RunFinished | RunStopped | RunFailed):
        return _ended(events, last)
    if status == "queued":
        first = "" if not queue_place or queue_place == 1 else f" after {count(queue_place - 1, 'other training')}"
        return Progress(f"Waits for its turn{first}." + ("" if is_guests else " Stop withdraws it."))
    if status == "stopping":
        kept = "the best epoch so far is kept" if _last_epoch(events) else "no epoch is finished, so nothing is kept"
        return Progress(f"Stopping; {kept}.", _share(events))
    if status == "running":
        return _running(events)
    memory = "If memory ran out, a smaller batch or fewer trained blocks need less."
    return Progress(f"Interrupted: its process ended. {_resume(events)} {memory}")


def skipped(events: Sequence[Event]) -> str:
    """Return deviations from the request: settings the backbone lacks, pictures that were left out."""
    notes = [note for event in events if isinstance(event, RunStarted) for note in event.notes]
    reasons = [reason for event in events if isinstance(event, PicturesSkipped) for reason in event.reasons.values()]
    if reasons:
        was = "was" if len(reasons) == 1 else "were"
        notes.append(f"{count(len(reasons), 'picture')} {was} left out. The first: {reasons[0]}")
    return " ".join(notes)


def time_left(seconds: float) -> str:
    """Return the remaining time in words, in whole seconds."""
    whole = max(1, round(seconds))
    return f"{whole} s left" if whole < 60 else f"{duration(seconds)} left"


def _running(events: Sequence[Event]) -> Progress:
    last = next((event for event in reversed(events) if not isinstance(event, PicturesSkipped)), None)
    started = next((event for event in events if isinstance(event, RunStarted)), None)
    if last is None or started is None:
        return Progress("Loading the pictures and the backbone.")
    has_reading = any(isinstance(event, TrunkProgress) for event in events)
    if isinstance(last, TrunkProgress) and last.done < last.total:
        left = f", {time_left(last.remaining_seconds)}" if last.done > last.known else ""
        return Progress(f"1 of 2: reading {_read(last, started)}{left}.", last.done / max(1, last.total))
    step = "2 of 2: training" if has_reading else "Training"
    if isinstance(last, StepDone):
        left = time_left(last.remaining_seconds)
        return Progress(f"{step}, epoch {last.epoch} of {started.epochs}, {left}.", _share(events))
    if isinstance(last, EpochDone) and last.epoch:
        left = "saving the model" if last.epoch == started.epochs else time_left(last.remaining_seconds)
        return Progress(f"{step}, epoch {last.epoch} of {started.epochs} is done, {left}.", _share(events))
    return Progress(f"Getting ready: {count(started.train_pictures, 'picture')} to train on.")


def _read(look: TrunkProgress, started: RunStarted) -> str:
    """Return what the frozen part reads; several views of a picture mean more to read."""
    pictures = started.train_pictures + started.validation_pictures
    views = f" in {look.total:,} views" if look.total > pictures else ""
    known = f" ({look.known:,} known from earlier runs)" if look.known else ""
    return count(pictures, "picture") + views + known


def _ended(events: Sequence[Event], last: RunFinished | RunStopped | RunFailed) -> Progress:
    if isinstance(last, RunFinished):
        early = " It ended early, since nothing got better." if last.stopped_early else ""
        return Progress(f"Finished in {duration(last.elapsed_seconds)}: {_verdict(events, last)}{early}", 1.0)
    if isinstance(last, RunStopped):
        kept = f"epoch {last.best_epoch} is kept" if last.best_epoch else "no epoch was finished, so nothing is kept"
        return Progress(f"Stopped: {kept}. {_resume(events)}")
    return Progress(f"It could not go on. {last.message}")


def _verdict(events: Sequence[Event], end: RunFinished) -> str:
    """Return how many validation pictures are right, with the interval, and which epoch is saved."""
    started = next((event for event in reversed(events) if isinstance(event, RunStarted)), None)
    kept = f"Epoch {end.best_epoch}, with the lowest validation loss, is kept."
    if started is None:
        return f"{percent(end.validation.accuracy)} of the validation pictures right. {kept}"
    n = started.validation_pictures
    right = round(end.validation.accuracy * n)
    low, high = wilson_interval(right, n)
    chance = percent(chance_level(len(started.classes)))
    return (
        f"{right} of {n:,} validation pictures right = {percent(end.validation.accuracy)} "
        f"({low * 100:.0f}–{high * 100:.0f}), chance {chance}. {kept}"
    )


def _resume(events: Sequence[Event]) -> str:
    epoch = _last_epoch(events)
    return f"Resume goes on after epoch {epoch}." if epoch else "Resume begins it anew."


def _last_epoch(events: Sequence[Event]) -> int:
    """Return the number of the last finished epoch, 0 before the first one."""
    return next((event.epoch for event in reversed(events) if isinstance(event, EpochDone)), 0)


def _share(events: Sequence[Event]) -> float | None:
    started = next((event for event in events if isinstance(event, RunStarted)), None)
    step = next((event for event in reversed(events) if isinstance(event, StepDone)), None)
    if started is None or step is None:
        return None
    return min(1.0, step.step / max(1, started.steps_per_epoch * started.epochs))
