"""The runs of one sweep together, as the board sums them up. Reads no folder itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emotion.core.events import Event, RunStarted
from emotion.runs.run import Status
from emotion.runs.sweep import SweepMember, title_of
from emotion.ui.run_board import RunSummary
from emotion.ui.words import ENDED


@dataclass(frozen=True)
class Sweep:
    """A sweep and those of its runs that are still there, in the order of their values."""

    id: str
    setting: str
    runs: tuple[tuple[SweepMember, RunSummary], ...]

    @property
    def title(self) -> str:
        """What is swept, as a person says it."""
        return title_of(self.setting)

    @property
    def summaries(self) -> list[RunSummary]:
        """The runs alone."""
        return [summary for _, summary in self.runs]

    @property
    def is_going(self) -> bool:
        """Whether a run of it is trained or waits for its turn."""
        return any(each.status not in ENDED for each in self.summaries)

    @property
    def best(self) -> RunSummary | None:
        """The finished run with the lowest validation loss, which also chooses a run's best epoch."""
        scored = [(each.best.loss, each) for each in self.summaries if each.best and each.status == "finished"]
        return min(scored, key=lambda pair: pair[0])[1] if scored else None

    @property
    def started(self) -> list[RunStarted]:
        """How each run that has begun began."""
        return [event for each in self.summaries for event in each.curve if isinstance(event, RunStarted)]

    def curves(self) -> dict[str, Sequence[Event]]:
        """Return what each run's curve is drawn from, by setting and value."""
        return {member.title: summary.curve for member, summary in self.runs}

    def state(self) -> str:
        """Return a text that changes whenever anything that is shown of the sweep does."""
        return repr([(each.run.name, shown_status(each), each.seconds, each.best) for each in self.summaries])

    def drawn(self) -> str:
        """Return a text that changes whenever a curve does."""
        return repr([(each.run.name, len(each.curve)) for each in self.summaries])


def shown_status(summary: RunSummary) -> Status:
    """Return a run's status; a waiting one that is asked to stop is stopping until it is withdrawn."""
    is_leaving = summary.status == "queued" and summary.run.stop_requested()
    return "stopping" if is_leaving else summary.status


def find_sweep(summaries: Sequence[RunSummary], sweep_id: str | None) -> Sweep | None:
    """Return the sweep of an id; None where all of its runs are gone."""
    runs = [(each.sweep, each) for each in summaries if each.sweep and each.sweep.id == sweep_id]
    if not runs:
        return None
    ordered = sorted(runs, key=lambda pair: pair[0].place)
    return Sweep(ordered[0][0].id, ordered[0][0].setting, tuple(ordered))


def newest_sweep(summaries: Sequence[RunSummary]) -> Sweep | None:
    """Return the newest sweep that is going; where none is, the newest of all; None where there is none."""
    ids = dict.fromkeys(each.sweep.id for each in summaries if each.sweep)
    sweeps = [found for found in (find_sweep(summaries, each) for each in sorted(ids, reverse=True)) if found]
    return next((each for each in sweeps if each.is_going), sweeps[0] if sweeps else None)
