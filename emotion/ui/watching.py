"""Follow a run from its folder, or the runs of a sweep one after the other: what is known, and what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from emotion.core.events import EpochDone, Event, RunFinished, RunStarted, StepDone, without_void
from emotion.core.format import duration
from emotion.runs.run import Run, Status
from emotion.ui.status import sentence, status_box
from emotion.ui.words import ENDED, NOTHING_YET, Progress, progress, skipped

# An end whose epochs went by in less was seen by nobody.
BLINK_SECONDS = 2.0


@dataclass(frozen=True, eq=False)
class Watch:
    """How far a page has read a run, whose ``title`` people know. ``sweep`` is the id of its sweep, if it is followed.

    ``replay`` says that a short training ended before its curve could be seen; ``drawn`` what the charts show, and
    ``offered`` which runs may be laid over it.
    """

    run: Run | None = None
    title: str = ""
    sweep: str = ""
    events: tuple[Event, ...] = ()
    offset: int = 0
    status: Status | None = None
    is_live: bool = False
    replay: str = ""
    queue_place: int | None = None
    drawn: str = ""
    offered: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come."""
        return self.run is None or self.status in ENDED

    def curve_length(self) -> int:
        """Return how many events a curve shows: where it is the same, so is the curve."""
        return sum(isinstance(event, RunStarted | StepDone | EpochDone) for event in self.events)

    def progress(self) -> Progress | None:
        """Return the run's state in words."""
        if self.run is None or self.status is None:
            return None
        return progress(self.events, self.status, queue_place=self.queue_place, is_guests=bool(self.run.guest))

    def status_html(self, *, before: str = "") -> str:
        """Return how the run stands: a chip, a sentence with words ``before`` it, a bar."""
        said = self.progress()
        if said is None:
            return status_box("idle", "ready", NOTHING_YET, None)
        share = said.share if self.status != "finished" else None
        line = status_box(str(self.status), str(self.status), before + said.sentence, share, detail=self.title)
        return line + sentence(skipped(self.events))


def look(seen: Watch, *, queue_place: int | None = None) -> Watch:
    """Return what is known by now, or the very same object if nothing is new."""
    if seen.run is None:
        return seen
    if not seen.run.path.is_dir():
        return Watch()  # Deleted, perhaps by another visitor.
    news, offset = seen.run.tail(seen.offset)
    status = seen.run.status()
    if not news and (status, queue_place) == (seen.status, seen.queue_place):
        return seen
    # A status that is newer than the events read would announce an end that is not here yet.
    if status in ENDED:
        more, offset = seen.run.tail(offset)
        news = [*news, *more]
    events = tuple(without_void([*seen.events, *news]))
    seconds = _drawn_seconds(events)
    is_blink = any(isinstance(each, RunFinished) for each in news) and 0 < seconds < BLINK_SECONDS
    replay = f"replay of {duration(seconds)}" if seen.is_live and is_blink else ""
    return replace(seen, events=events, offset=offset, status=status, queue_place=queue_place, replay=replay)


def _drawn_seconds(events: Sequence[Event]) -> float:
    times = [event.elapsed_seconds for event in events if isinstance(event, StepDone | EpochDone)]
    return times[-1] - times[0] if times else 0.0
