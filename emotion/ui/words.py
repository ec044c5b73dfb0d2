"""What is going on in a run, in words. Knows nothing of widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emotion.events import (
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
from emotion.public import is_public
from emotion.report.naming import without_places
from emotion.run import Status
from emotion.words import count, duration, percent

NOTHING_YET = "No run is shown here yet. Press Start; the Quick preset is done after one look at the pictures."
WAITS_FOR_RUN = (
    "This waits for a first finished run: train one in the Train tab, or wait for one that is trained there now. It "
    "appears here by itself."
)
ENDED: frozenset[Status] = frozenset({"finished", "stopped", "failed", "interrupted"})


def public_words(said: str) -> str:
    """Return a sentence as a visitor may read it: on a public server without the server's folders."""
    return without_places(said, ()) if is_public() else said


@dataclass(frozen=True)
class Progress:
    """One sentence on a run, and how far it is (0 to 1; None where nobody can know)."""

    sentence: str
    share: float | None = None


def progress(
    events: Sequence[Event], status: Status, *, queue_place: int | None = None, is_guests: bool = False
) -> Progress:
    """Say how a run stands; ``queue_place`` is how many trainings go before a queued one, where that is known.

    ``is_guests`` says that whoever looks may not stop it.
    """
    if status == "queued" and is_guests:
        when = "as soon as the server is ready" if queue_place is None else "after those that wait before it"
        return Progress(f"Queued: it begins {when}.")
    if status == "queued":
        first = "the training before it goes" if queue_place is None else _going_first(queue_place)
        return Progress(f"Queued: {first} first. Stop withdraws it.")
    if status == "stopping":
        kept = "the best finished epoch is kept" if _last_epoch(events) else "no epoch is finished, so nothing is kept"
        return Progress(f"Stopping after the step in hand; {kept}.", _share(events))
    if status == "running":
        return _running(events)
    if status == "interrupted":
        memory = "If it was for want of memory, a smaller batch or fewer trained blocks need less."
        return Progress(f"Interrupted: its process ended without a word. {_resume(events)} {memory}")
    return _ended(events)


def skipped(events: Sequence[Event]) -> str:
    """Return what is otherwise than asked for: settings that the backbone has not, pictures that were left out."""
    notes = [note for event in events if isinstance(event, RunStarted) for note in event.notes]
    reasons = [reason for event in events if isinstance(event, PicturesSkipped) for reason in event.reasons.values()]
    if reasons:
        was = "was" if len(reasons) == 1 else "were"
        notes.append(f"{count(len(reasons), 'picture')} {was} left out. The first: {reasons[0]}")
    return " ".join(notes)


def replaying(seconds: float) -> str:
    """Return the sentence that stands by a curve which is drawn after the fact."""
    return f"Replay: the training itself took {duration(seconds)}."


def time_left(seconds: float) -> str:
    """Return an estimate in words; a tenth of a second would promise too much."""
    whole = max(1, round(seconds))
    return f"{whole} s left" if whole < 60 else f"{duration(seconds)} left"


def verdict(scores: dict[str, float], *, label: str) -> str:
    """Say what a prediction amounts to, and how sure of it one may be."""
    ranked = sorted(scores, key=scores.__getitem__, reverse=True)
    top, second = scores[label], scores[next(name for name in ranked if name != label)] if len(ranked) > 1 else 0.0
    runner_up = next((name for name in ranked if name != label), "")
    if runner_up and top - second < 0.1:
        return f"Undecided between {label} ({percent(top)}) and {runner_up} ({percent(second)})."
    if top < 0.5 and runner_up:
        return f"Perhaps {label}: {percent(top)}, ahead of {runner_up} with {percent(second)}."
    return f"Looks {label}: {percent(top)}."


def _running(events: Sequence[Event]) -> Progress:
    last = next((event for event in reversed(events) if not isinstance(event, PicturesSkipped)), None)
    started = next((event for event in events if isinstance(event, RunStarted)), None)
    if last is None or started is None:
        return Progress("Listing the pictures and loading the backbone.")
    if isinstance(last, TrunkProgress) and last.done < last.total:
        return Progress(_looking(last, started), last.done / max(1, last.total))
    if isinstance(last, StepDone):
        left = time_left(last.remaining_seconds)
        return Progress(f"Epoch {last.epoch} of {started.epochs}, {left}.", _share(events))
    if isinstance(last, EpochDone) and last.epoch:
        left = "writing the checkpoint" if last.epoch == started.epochs else time_left(last.remaining_seconds)
        return Progress(f"Epoch {last.epoch} of {started.epochs} is done, {left}.", _share(events))
    train, checked = count(started.train_pictures, "picture"), started.validation_pictures
    return Progress(f"Getting ready: {train} to train on, {checked:,} held back to check with.")


def _looking(look: TrunkProgress, started: RunStarted) -> str:
    pictures = count(started.train_pictures + started.validation_pictures, "picture")
    views = "" if look.total == started.train_pictures + started.validation_pictures else f" in {look.total:,} views"
    left = f", {time_left(look.remaining_seconds)}" if look.done > look.known else ""
    later = "later runs skip this" if look.kept else "there is no room to keep them, so later runs look again"
    known = f", {look.known:,} known from earlier runs" if look.known else ""
    return f"Looking once at {pictures}{views}{known}: {look.done:,} of {look.total:,}{left}; {later}."


def _ended(events: Sequence[Event]) -> Progress:
    last = events[-1]
    if isinstance(last, RunFinished):
        early = " It ended early, since nothing got better." if last.stopped_early else ""
        right = percent(last.validation.accuracy)
        done = f"Finished in {duration(last.elapsed_seconds)}: epoch {last.best_epoch} is best"
        return Progress(f"{done}, {right} of the validation pictures right.{early}{_skipped_look(events)}", 1.0)
    if isinstance(last, RunStopped):
        kept = f"epoch {last.best_epoch} is kept" if last.best_epoch else "no epoch was finished, so nothing is kept"
        return Progress(f"Stopped: {kept}. {_resume(events)}")
    if isinstance(last, RunFailed):
        return Progress(f"It could not go on. {last.message}")
    return Progress("It has ended.")


def _skipped_look(events: Sequence[Event]) -> str:
    look = next((event for event in reversed(events) if isinstance(event, TrunkProgress)), None)
    return " No picture had to be looked at: all are known already." if look and look.known == look.total else ""


def _going_first(place: int) -> str:
    return "the training in hand goes" if place <= 1 else f"{place} trainings go"


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
