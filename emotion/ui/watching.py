"""Follow one run from its folder: what is known of it, what is new, and how a short one is replayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from emotion.core.events import EpochDone, Event, RunFinished, RunStarted, StepDone, without_void
from emotion.runs.run import Run, Status
from emotion.ui.words import ENDED, Progress, progress, replaying

REPLAY_SECONDS = 2.0


@dataclass(frozen=True, eq=False)
class Watch:
    """How far a page has read a run. ``replay_began`` is the clock's time while a finished curve draws itself."""

    run: Run | None = None
    events: tuple[Event, ...] = ()
    offset: int = 0
    status: Status | None = None
    is_live: bool = False
    replay_began: float | None = None
    replay_share: float = 1.0
    queue_place: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come: the run has ended and its replay too."""
        return self.run is None or (self.status in ENDED and self.replay_began is None)

    def visible_events(self) -> Sequence[Event]:
        """Return the events to draw: all of them, or as many as a replay has reached."""
        if self.replay_began is None:
            return self.events
        first, last = _drawn_span(self.events)
        until = first + (last - first) * self.replay_share
        return [event for event in self.events if event.elapsed_seconds <= until]

    def curve_length(self) -> int:
        """Return how many events that a curve shows are visible: where it is the same, so is the curve."""
        return sum(isinstance(event, RunStarted | StepDone | EpochDone) for event in self.visible_events())

    def progress(self) -> Progress | None:
        """Return the run's state in words."""
        if self.run is None or self.status is None:
            return None
        is_guests = bool(self.run.guest)
        said = progress(self.events, self.status, queue_place=self.queue_place, is_guests=is_guests)
        if self.replay_began is not None:
            first, last = _drawn_span(self.events)
            return Progress(replaying(last - first), self.replay_share)
        return said


def watch(run: Run, *, is_live: bool, now: float = 0.0) -> Watch:
    """Begin to follow a run; one that is ``live`` is replayed from ``now`` if it is over before it could be seen."""
    return look(Watch(run=run, is_live=is_live), now=now)


def look(seen: Watch, *, now: float, queue_place: int | None = None) -> Watch:
    """Return what is known by now, or the very same object if nothing is new. ``now`` is a monotonic clock's time."""
    if seen.run is None or seen.is_over:
        return seen
    if not seen.run.path.is_dir():
        return Watch()  # Deleted, perhaps by another visitor.
    if seen.replay_began is not None:
        share = min(1.0, (now - seen.replay_began) / REPLAY_SECONDS)
        return replace(seen, replay_share=share, replay_began=seen.replay_began if share < 1 else None)
    news, offset = seen.run.tail(seen.offset)
    status = seen.run.status()
    if not news and (status, queue_place) == (seen.status, seen.queue_place):
        return seen
    # A status that is newer than the events read would announce an end that is not here yet.
    if status in ENDED:
        more, offset = seen.run.tail(offset)
        news = [*news, *more]
    known = replace(
        seen, events=tuple(without_void([*seen.events, *news])), offset=offset, status=status, queue_place=queue_place
    )
    if seen.is_live and _is_too_short_to_see(known, news):
        return replace(known, replay_began=now, replay_share=0.0)
    return known


def _is_too_short_to_see(known: Watch, news: Sequence[Event]) -> bool:
    """Whether a run has just finished whose epochs went by within one replay's time."""
    if not any(isinstance(event, RunFinished) for event in news):
        return False
    first, last = _drawn_span(known.events)
    return 0 < last - first < REPLAY_SECONDS


def _drawn_span(events: Sequence[Event]) -> tuple[float, float]:
    """Return when the first and the last event that a curve shows happened."""
    times = [event.elapsed_seconds for event in events if isinstance(event, StepDone | EpochDone)]
    return (times[0], times[-1]) if times else (0.0, 0.0)
