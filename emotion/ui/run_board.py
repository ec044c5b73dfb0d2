"""The runs that a visitor may see, as the page lists them: summaries, titles and the table. Changes no run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emotion.core.config import TrainConfig
from emotion.core.errors import EmotionError, RunError
from emotion.core.events import EpochDone, Event, RunFinished, RunStarted, RunStopped, Scores, without_void
from emotion.core.format import duration, percent
from emotion.core.owners import FILE, OF_THE_SERVER, Owner, owner_of
from emotion.data.drawn import is_drawn
from emotion.runs.folder import list_runs
from emotion.runs.run import About, Run, Status
from emotion.runs.sweep import SweepMember
from emotion.runs.validation import load_validation
from emotion.server.visitors import as_seen_by
from emotion.ui.picture_sets import set_title
from emotion.ui.visitor import current_visitor
from emotion.ui.words import ENDED, WAITS_FOR_RUN

HEADERS = [
    "Run", "Status", "Pictures", "Backbone", "Trained", "Epochs", "Batch",
    "Validation loss", "Validation accuracy", "Time",
]  # fmt: skip
NUMBERS = frozenset({"Epochs", "Batch", "Validation loss", "Validation accuracy", "Time"})
Stamp = tuple[float, int, float, float, bool, bool]


@dataclass(frozen=True)
class RunSummary:
    """What the page shows of a run at a glance; ``best`` are the scores of what it kept or has so far.

    ``curve`` are the events that its curve is drawn from, without the steps; ``sweep`` its place in a sweep.
    """

    run: Run
    status: Status
    config: TrainConfig
    best: Scores | None
    seconds: float
    has_checkpoint: bool
    about: About
    best_epoch: int | None = None
    curve: tuple[Event, ...] = ()
    sweep: SweepMember | None = None
    owner: Owner = OF_THE_SERVER

    @property
    def title(self) -> str:
        """A short name that tells runs apart: its own, or when, which backbone, batch size; and how good."""
        day, _, clock = self.run.name.partition("-")
        when = f"{day[6:8]}.{day[4:6]}. {clock[:2]}:{clock[2:4]}:{clock[4:6]}" if day.isdecimal() else self.run.name
        score = f", {percent(self.best.accuracy)} right" if self.best else ""
        if self.about.title:
            return f"{self.about.title} · {when}{score}"
        is_told_by_sweep = self.sweep is not None and self.sweep.setting != "batch_size"
        what = self.sweep.title if self.sweep and is_told_by_sweep else f"batch {self.config.batch_size}"
        return f"{when} · {Path(self.config.backbone).name} · {what}{score}"

    @property
    def searched(self) -> str:
        """What a filter looks at, in lower case."""
        sweep = f"sweep {self.sweep.title}" if self.sweep else ""
        return " ".join([self.run.name, self.about.note, sweep, *self.row()]).lower()

    def row(self) -> list[str]:
        """Return the cells of the table, as ``HEADERS`` names them."""
        loss, accuracy = (f"{self.best.loss:.3f}", percent(self.best.accuracy)) if self.best else ("–", "–")
        config = self.config
        return [
            self.about.title or self.run.name, self.status, set_title(config.pictures), Path(config.backbone).name,
            depth_words(config.depth), str(config.epochs), str(config.batch_size), loss, accuracy,
            duration(self.seconds) if self.seconds else "–",
        ]  # fmt: skip


class RunBoard:
    """Summaries of the runs under a folder that the visitor may see; one that has not changed is not read again.

    ``visitor`` says whose event is being handled; None stands for one's own machine, where everybody sees everything.
    """

    def __init__(self, folder: Path, *, visitor: Callable[[], str | None] = current_visitor) -> None:
        self._folder = folder
        self.visitor = visitor
        self._known: dict[str, tuple[Stamp, RunSummary]] = {}

    def summaries(self) -> list[RunSummary]:
        """Return all runs that can be read and that the visitor may see, newest first."""
        visitor = self.visitor()
        return [_seen_by(each, visitor) for each in self._of_everybody() if each.owner.may_see(visitor)]

    def mine(self) -> list[RunSummary]:
        """Return those that the visitor may change."""
        visitor = self.visitor()
        return [each for each in self._of_everybody() if each.owner.may_change(visitor)]

    def _of_everybody(self) -> list[RunSummary]:
        """Return all runs that can be read, newest first, whoever asks: never for the screen."""
        found = []
        for run in list_runs(self._folder):
            stamp = _stamp(run)
            known = self._known.get(run.name)
            if known is None or known[0] != stamp:
                try:
                    known = (stamp, summarise(run))
                except EmotionError:
                    continue  # A folder that is no run of this version is not the page's business.
                self._known[run.name] = known
            found.append(known[1])
        return found

    def usable(self) -> list[RunSummary]:
        """Return the runs that can predict, newest first."""
        return [summary for summary in self.summaries() if summary.has_checkpoint and summary.status in ENDED]

    def find(self, name: str | None) -> Run:
        """Return the run of a name that a page sent; a path is no name. Somebody else's comes as a guest's.

        Raises:
            RunError: there is none that the visitor may see.
        """
        for run in list_runs(self._folder):
            if run.name == name:
                return self.as_visitor(run)
        raise RunError("That run is gone: choose another one.")

    def as_visitor(self, run: Run) -> Run:
        """Return a run as whoever asks now may use it: as its own, or as a guest.

        Raises:
            RunError: the visitor may not see it.
        """
        return as_seen_by(self.visitor(), run)

    def choose(self, name: str | None) -> Run:
        """Return the run to use: the named one; where a page has no name yet, the newest that can predict.

        Raises:
            RunError: the named one is gone, or there is none at all.
        """
        if name:
            return self.find(name)
        usable = self.usable()
        if not usable:
            raise RunError(WAITS_FOR_RUN)
        return usable[0].run

    def signature(self) -> str:
        """Return a text that changes when anything in the table would."""
        return repr(
            [
                (each.run.name, each.status, each.best, each.has_checkpoint, each.about, each.owner)
                for each in self.summaries()
            ]
        )


def summarise(run: Run) -> RunSummary:
    """Read one run.

    Raises:
        EmotionError: it cannot be read.
    """
    # A status that is newer than the events read would announce an end that is not here yet.
    status = run.status()
    events = without_void(run.events())
    seconds = events[-1].elapsed_seconds if events else 0.0
    # The best epoch's folder counts, whatever the end was: a stopped run predicts as well as a finished one.
    has_checkpoint = (run.checkpoint / "config.json").is_file()
    best_epoch, best = _best(events)
    if has_checkpoint and status in ("failed", "interrupted"):
        best_epoch, best = _kept(run, events) or (best_epoch, best)
    curve = tuple(event for event in events if isinstance(event, RunStarted | EpochDone))
    return RunSummary(
        run, status, run.config(), best, seconds, has_checkpoint, run.about(), best_epoch, curve, run.sweep(),
        owner_of(run.path),
    )  # fmt: skip


def trained_on_drawn(run: Run) -> bool:
    """Whether a run was trained on drawn pictures."""
    try:
        return is_drawn(run.config().pictures)
    except EmotionError:
        return False


def depth_words(depth: object) -> str:
    """Return what of the model was trained, in words."""
    if depth == "head":
        return "classifier"
    return "everything" if depth == "all" else f"last {depth} block{'' if depth == 1 else 's'}"


def _best(events: Sequence[Event]) -> tuple[int | None, Scores | None]:
    """Return the best epoch's number and scores; two times None before there is one."""
    for event in reversed(events):
        if isinstance(event, RunFinished | RunStopped) and event.validation is not None:
            return event.best_epoch, event.validation
        if isinstance(event, EpochDone) and event.is_best:
            return event.epoch, event.validation
    return None, None


def _kept(run: Run, events: Sequence[Event]) -> tuple[int, Scores] | None:
    """Return the epoch of the checkpoint, which an earlier stop left: what came after it until the end is not kept."""
    try:
        validation = load_validation(run)
    except EmotionError:
        return None
    epochs = {event.epoch: event.validation for event in events if isinstance(event, EpochDone)}
    return (validation.epoch, epochs[validation.epoch]) if validation and validation.epoch in epochs else None


def _seen_by(summary: RunSummary, visitor: str | None) -> RunSummary:
    run = as_seen_by(visitor, summary.run, owner=summary.owner)
    return replace(summary, run=run) if run.guest else summary


def _stamp(run: Run) -> Stamp:
    try:
        stat = (run.path / "events.jsonl").stat()
        modified, size = stat.st_mtime, stat.st_size
    except OSError:
        modified, size = 0.0, 0
    described, owned = _modified(run.path / "about.json"), _modified(run.path / FILE)
    # An ended run is not locked; asking costs a system call, and a death changes nothing but the lock.
    is_fresh = time.time() - modified < 24 * 3600 or not size
    return modified, size, described, owned, is_fresh and run.is_locked(), run.stop_requested()


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
