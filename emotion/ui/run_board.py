"""The runs that a visitor may see: summaries, titles and the table of runs."""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emotion.core.config import PRESETS, TrainConfig, preset
from emotion.core.errors import ConfigError, EmotionError, RunError
from emotion.core.events import (
    EpochDone,
    Event,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
    Scores,
    StepDone,
    TrunkProgress,
    without_void,
)
from emotion.core.format import percent
from emotion.core.owners import FILE, OF_THE_SERVER, Owner, may_see, owner_of
from emotion.data.drawn import is_drawn
from emotion.runs.folder import list_runs
from emotion.runs.run import About, Run, Status
from emotion.runs.sweep import SweepMember
from emotion.runs.validation import load_validation
from emotion.server.visitors import as_seen_by
from emotion.ui.picture_sets import set_title
from emotion.ui.visitor import current_visitor
from emotion.ui.words import ENDED, WAITS_FOR_RUN

TORN = "config.json is missing or torn"
# Errors from a folder among the runs that is no run.
NOT_A_RUN = (EmotionError, TypeError, ValueError, LookupError, AttributeError)
# Runs whose events are held in memory.
MOST_READ = 30
Stamp = tuple[tuple[float, int], tuple[float, int], tuple[float, int], bool, bool]


@dataclass(frozen=True)
class RunSummary:
    """A run at a glance; ``best`` are the scores of the saved epoch, or the best so far.

    ``curve`` are the events of its progress and its curve, without the steps; ``sweep`` is its place in a sweep;
    ``created`` and ``ended`` are Unix times; ``twin`` numbers runs of the same title.
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
    created: float = 0.0
    ended: float = 0.0
    twin: int = 0

    @property
    def title(self) -> str:
        """The run's title on the page: "Drawn people · Quick · batch 24 · 88 %"."""
        again = f" ({self.twin})" if self.twin else ""
        score = f" · {percent(self.best.accuracy)}" if self.best and self.status in ENDED else ""
        return self.name + again + score

    @property
    def name(self) -> str:
        """The name given to it, or one made from its data and settings; not always unique."""
        if self.about.title:
            return self.about.title
        config = self.config
        told = {"batch_size", self.sweep.setting} if self.sweep else {"batch_size"}
        chosen = preset_of(config, but=told) or "custom"
        parts = [trained_on(config.pictures), chosen]
        if chosen == "custom" or config.backbone != preset(chosen, pictures="-").backbone:
            parts.append(Path(config.backbone).name)
        parts.append(f"batch {config.batch_size}")
        if self.sweep and self.sweep.setting not in ("batch_size", "backbone"):
            parts.append(self.sweep.title)
        return " · ".join(parts)


class RunBoard:
    """Summaries of the runs under a folder that the visitor may see; an unchanged run is not read again.

    ``visitor`` returns the current visitor; None stands for one's own machine, where everything is visible.
    """

    def __init__(self, folder: Path, *, visitor: Callable[[], str | None] = current_visitor) -> None:
        self._folder = folder
        self.visitor = visitor
        self._known: dict[str, tuple[Stamp, RunSummary]] = {}
        self._unreadable: dict[str, str] = {}
        # The runs read last, the newest last: the stamp of their events, the offset read so far, and the events.
        self._read: dict[str, tuple[tuple[float, int], int, list[Event]]] = {}
        self._reading = threading.Lock()

    def summaries(self) -> list[RunSummary]:
        """Return all readable runs that the visitor may see, newest first, with unique titles."""
        visitor, count = self.visitor(), Counter[str]()
        told = []
        for each in reversed(self._of_everybody()):
            if each.owner.may_see(visitor):
                count[each.title] += 1
                run = as_seen_by(visitor, each.run, owner=each.owner)
                told.append(replace(each, run=run, twin=count[each.title] if count[each.title] > 1 else 0))
        return told[::-1]

    def mine(self) -> list[RunSummary]:
        """Return the runs that the visitor may change."""
        visitor = self.visitor()
        return [each for each in self.summaries() if each.owner.may_change(visitor)]

    def unreadable(self) -> dict[str, str]:
        """Return why a folder cannot be read as a run, by folder name, as far as the visitor may see it."""
        self._of_everybody()
        visitor, found = self.visitor(), dict(self._unreadable)
        return {name: why for name, why in found.items() if may_see(self._folder / name, visitor)}

    def _of_everybody(self) -> list[RunSummary]:
        """Return all readable runs of all visitors, newest first: never for display."""
        found, odd = [], {}
        for run in _folders(self._folder):
            stamp = _stamp(run)
            known = self._known.get(run.name)
            if known is None or known[0] != stamp:
                try:
                    known = (stamp, summarise(run, read=self._all_events, ended=stamp[0][0]))
                except NOT_A_RUN as error:
                    odd[run.name] = str(error) if isinstance(error, ConfigError) else TORN
                    continue
                self._known[run.name] = known
            found.append(known[1])
        self._unreadable = odd
        return found

    def events(self, run: Run) -> list[Event]:
        """Return the events of a run that are not void."""
        return without_void(self._all_events(run))

    def _all_events(self, run: Run) -> list[Event]:
        """Return every event of a run; what has been read of a live run is not read again."""
        stamp = _changed(run.path / "events.jsonl")
        with self._reading:
            known, offset, events = self._read.pop(run.name, ((0.0, 0), 0, []))
            if known != stamp:
                if events and isinstance(events[-1], RunFinished | RunStopped | RunFailed):
                    offset, events = 0, []
                news, offset = run.tail(offset)
                events = [*events, *news]
            self._read[run.name] = (stamp, offset, events)
            if len(self._read) > MOST_READ:
                del self._read[next(iter(self._read))]
            return events

    def usable(self) -> list[RunSummary]:
        """Return the runs that can predict, newest first."""
        return [summary for summary in self.summaries() if summary.has_checkpoint and summary.status in ENDED]

    def find(self, name: str | None) -> Run:
        """Return the run with a name that a page sent, which is never a path; another visitor's run comes as a guest's.

        Raises:
            RunError: there is none that the visitor may see.
        """
        for run in list_runs(self._folder):
            if run.name == name:
                return as_seen_by(self.visitor(), run)
        raise RunError("That run is gone: choose another one.")

    def choose(self, name: str | None) -> Run:
        """Return the run to use: the named one, or the newest that can predict if there is no name.

        Raises:
            RunError: the named one is gone, or there is none at all.
        """
        if name:
            return self.find(name)
        usable = self.usable()
        if not usable:
            raise RunError(WAITS_FOR_RUN)
        return usable[0].run

    def signature(self, visitor: str | None) -> str:
        """Return a short text that changes with every visible run; it starts with "1" while one is live, else with "0".

        Every event of a live run changes it.
        """
        runs = [each for each in self._of_everybody() if each.owner.may_see(visitor)]
        going = [each for each in runs if each.status not in ENDED]
        told = [(each.run.name, each.status, each.best, each.has_checkpoint, each.about, each.owner) for each in runs]
        text = repr((told, [_stamp(each.run) for each in going], sorted(self._unreadable)))
        return f"{int(bool(going))}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def summarise(run: Run, *, read: Callable[[Run], Sequence[Event]] = Run.events, ended: float = 0.0) -> RunSummary:
    """Summarise one run; ``ended`` is the Unix time of its last event.

    Raises:
        EmotionError: it cannot be read.
    """
    # The status is read first: a status newer than the events could announce an end that they lack.
    status = run.status()
    events = without_void(read(run))
    seconds = events[-1].elapsed_seconds if events else 0.0
    # The saved epoch counts, however the run ended: a stopped run predicts as well as a finished one.
    has_checkpoint = (run.checkpoint / "config.json").is_file()
    best_epoch, best = _best(events)
    if has_checkpoint and status in ("failed", "interrupted"):
        best_epoch, best = _kept(run, events) or (best_epoch, best)
    reading = next((event for event in reversed(events) if isinstance(event, TrunkProgress)), None)
    step = next((event for event in reversed(events) if isinstance(event, StepDone)), None)
    last = events[-1] if events else None
    told = [each for each in events if isinstance(each, RunStarted | EpochDone) or each in (reading, step, last)]
    record = run.record()
    created = record.get("created")
    return RunSummary(
        run, status, TrainConfig.from_json(record["config"]), best, seconds, has_checkpoint, run.about(), best_epoch,
        tuple(told), SweepMember.from_record(record.get("sweep")), owner_of(run.path),
        created=float(created) if isinstance(created, int | float) else 0.0, ended=ended,
    )  # fmt: skip


def trained_on(folder: str) -> str:
    """Return the title of a run's training pictures: Drawn people, or the set's own name."""
    title = set_title(folder).removesuffix(" (train)")
    return title.replace("humans", "people") if is_drawn(folder) else title


def preset_of(config: TrainConfig, *, but: Iterable[str] = ()) -> str | None:
    """Return the preset that equals the settings, except for those in ``but``; None for custom settings."""
    free = {name: getattr(config, name) for name in but}
    for name in PRESETS:
        if replace(preset(name, pictures=config.pictures, backbone=config.backbone), **free) == config:
            return name
    return None


def trained_on_drawn(run: Run) -> bool:
    """Whether a run was trained on drawn pictures."""
    try:
        return is_drawn(run.config().pictures)
    except EmotionError:
        return False


def _best(events: Sequence[Event]) -> tuple[int | None, Scores | None]:
    """Return the best epoch's number and scores; two Nones before there is one."""
    for event in reversed(events):
        if isinstance(event, RunFinished | RunStopped) and event.validation is not None:
            return event.best_epoch, event.validation
        if isinstance(event, EpochDone) and event.is_best:
            return event.epoch, event.validation
    return None, None


def _kept(run: Run, events: Sequence[Event]) -> tuple[int, Scores] | None:
    """Return the saved epoch and its scores after an abnormal end, where later epochs were not saved."""
    try:
        validation = load_validation(run)
    except EmotionError:
        return None
    epochs = {event.epoch: event.validation for event in events if isinstance(event, EpochDone)}
    return (validation.epoch, epochs[validation.epoch]) if validation and validation.epoch in epochs else None


def _folders(root: Path) -> list[Run]:
    """Return every folder among the runs, newest first, whatever it holds."""
    try:
        found = [path for path in root.iterdir() if not path.name.startswith(".") and path.is_dir()]
    except OSError:
        return []
    return [Run(path) for path in sorted(found, key=lambda path: path.name, reverse=True)]


def _stamp(run: Run) -> Stamp:
    events, about, owner = (_changed(run.path / name) for name in ("events.jsonl", "about.json", FILE))
    # The lock is checked for recent runs only: it costs a system call, and a crash changes nothing but the lock.
    is_fresh = time.time() - events[0] < 24 * 3600 or not events[1]
    return events, about, owner, is_fresh and run.is_locked(), run.stop_requested()


def _changed(path: Path) -> tuple[float, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0.0, 0
    return stat.st_mtime, stat.st_size
