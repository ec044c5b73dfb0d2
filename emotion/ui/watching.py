"""Follow a run from its folder, or the runs of a sweep in turn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from emotion.core.events import EpochDone, Event, RunFinished, RunStarted, StepDone, without_void
from emotion.core.format import duration
from emotion.runs.run import Run, Status
from emotion.ui.html import sentence, status_box
from emotion.ui.words import ENDED, NOTHING_YET, Progress, progress, skipped

# No one can follow a curve that is drawn in less.
BLINK_SECONDS = 2.0


@dataclass(frozen=True, eq=False)
class Watch:
    """How far a page has read a run, with the run's ``title``. ``sweep`` is the id of a followed sweep.

    ``replay`` is the caption for a training too short to be seen; ``drawn`` is a signature of the charts, and
    ``offered`` of the runs that may be overlaid.
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
        """Whether the run has ended."""
        return self.run is None or self.status in ENDED

    def curve_length(self) -> int:
        """Return the number of events in the curve; the curve is unchanged while the number is."""
        return sum(isinstance(event, RunStarted | StepDone | EpochDone) for event in self.events)

    def progress(self) -> Progress | None:
        """Return the run's state in words."""
        if self.run is None or self.status is None:
            return None
        return progress(self.events, self.status, queue_place=self.queue_place, is_guests=bool(self.run.guest))

    def status_html(self, *, before: str = "") -> str:
        """Return the run's status as HTML: a chip, a sentence preceded by ``before``, and a bar."""
        said = self.progress()
        if said is None:
            return status_box("idle", "ready", NOTHING_YET, None)
        share = said.share if self.status != "finished" else None
        line = status_box(str(self.status), str(self.status), before + said.sentence, share, detail=self.title)
        return line + sentence(skipped(self.events))


def look(seen: Watch, *, queue_place: int | None = None) -> Watch:
    """Return the updated state, or the same object if nothing is new."""
    if seen.run is None:
        return seen
    if not seen.run.path.is_dir():
        return Watch()  # Deleted, perhaps by another visitor.
    news, offset = seen.run.tail(seen.offset)
    status = seen.run.status()
    if not news and (status, queue_place) == (seen.status, seen.queue_place):
        return seen
    # Read the events again: a status newer than the events would announce an end that they lack.
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
