"""The runs that a visitor may see, each at a glance; an unchanged run is not read again."""

import hashlib
import threading
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
    RunStopped,
    Scores,
    StepDone,
    TrunkProgress,
    without_void,
)
from emotion.core.format import percent
from emotion.core.owners import FILE, Owner, may_see, owner_of
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
FileStamp = tuple[float, int]
Stamp = tuple[FileStamp, FileStamp, FileStamp, bool, bool]


@dataclass(frozen=True)
class RunSummary:
    """A run at a glance; ``best`` are the scores of the saved epoch, or the best so far.

    ``curve`` are its events, with the last step and the last reading only; ``created`` and ``ended`` are Unix times;
    ``twin`` numbers runs of the same title.
    """

    run: Run
    status: Status
    config: TrainConfig
    about: About
    sweep: SweepMember | None
    owner: Owner
    has_checkpoint: bool
    best_epoch: int | None
    best: Scores | None
    curve: tuple[Event, ...]
    created: float
    ended: float
    twin: int = 0

    @property
    def seconds(self) -> float:
        """How long it has been trained."""
        return self.curve[-1].elapsed_seconds if self.curve else 0.0

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
        swept = {self.sweep.setting} if self.sweep else set()
        chosen = preset_of(config, but={"batch_size", *swept})
        parts = [trained_on(config.pictures), chosen or "custom"]
        if chosen is None or config.backbone != preset(chosen, pictures="-").backbone:
            parts.append(Path(config.backbone).name)
        parts.append(f"batch {config.batch_size}")
        if self.sweep and not swept & {"batch_size", "backbone"}:
            parts.append(self.sweep.title)
        return " · ".join(parts)


class RunBoard:
    """The runs under a folder. ``visitor`` returns the current visitor; None is one's own machine, and sees all."""

    def __init__(self, folder: Path, *, visitor: Callable[[], str | None] = current_visitor) -> None:
        self._folder = folder
        self.visitor = visitor
        self._known: dict[str, tuple[Stamp, RunSummary]] = {}
        self._unreadable: dict[str, str] = {}
        # The runs read last, the newest last: the stamp of their events, the offset read so far, and the events.
        self._read: dict[str, tuple[FileStamp, int, list[Event]]] = {}
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

    def usable(self) -> list[RunSummary]:
        """Return the runs that can predict, newest first."""
        return [each for each in self.summaries() if each.has_checkpoint and each.status in ENDED]

    def unreadable(self) -> dict[str, str]:
        """Return why a folder cannot be read as a run, by folder name, as far as the visitor may see it."""
        self._of_everybody()
        visitor, found = self.visitor(), dict(self._unreadable)
        return {name: why for name, why in found.items() if may_see(self._folder / name, visitor)}

    def find(self, name: str | None) -> Run:
        """Return the run with a name that a page sent, which is never a path; another visitor's comes as a guest's.
        Raises RunError where there is none that the visitor may see.
        """
        for run in list_runs(self._folder):
            if run.name == name:
                return as_seen_by(self.visitor(), run)
        raise RunError("That run is gone: choose another one.")

    def choose(self, name: str | None) -> Run:
        """Return the named run, or the newest that can predict if there is no name.
        Raises RunError where the named one is gone, or there is none at all.
        """
        if name:
            return self.find(name)
        for each in self.usable():
            return each.run
        raise RunError(WAITS_FOR_RUN)

    def events(self, run: Run) -> list[Event]:
        """Return the events of a run that are not void."""
        return without_void(self._all_events(run))

    def signature(self, visitor: str | None) -> str:
        """Return a short text that changes with every visible run; it starts with "1" while one is live, else with "0".

        Every event of a live run changes it.
        """
        runs = [each for each in self._of_everybody() if each.owner.may_see(visitor)]
        going = [each for each in runs if each.status not in ENDED]
        told = [(each.run.name, each.status, each.best, each.has_checkpoint, each.about, each.owner) for each in runs]
        text = repr((told, [_stamp(each.run) for each in going], sorted(self._unreadable)))
        return f"{int(bool(going))}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def _of_everybody(self) -> list[RunSummary]:
        """Return all readable runs of all visitors, newest first: never for display."""
        found, odd = [], {}
        for run in _folders(self._folder):
            stamp = _stamp(run)
            known = self._known.get(run.name)
            if known is None or known[0] != stamp:
                try:
                    known = (stamp, summarise(run, read=self._all_events))
                except NOT_A_RUN as error:
                    odd[run.name] = str(error) if isinstance(error, ConfigError) else TORN
                    continue
                self._known[run.name] = known
            found.append(known[1])
        self._unreadable = odd
        return found

    def _all_events(self, run: Run) -> list[Event]:
        """Return every event of a run; of a live one only the new lines are read."""
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


def summarise(run: Run, *, read: Callable[[Run], Sequence[Event]] = Run.events) -> RunSummary:
    """Summarise one run. Raises EmotionError where it cannot be read."""
    # The status is read first: a status newer than the events could announce an end that they lack.
    status = run.status()
    events = without_void(read(run))
    record = run.record()
    has_checkpoint = (run.checkpoint / "config.json").is_file()
    # The saved epoch counts, however the run ended: a stopped run predicts as well as a finished one.
    was_cut = has_checkpoint and status in ("failed", "interrupted")
    best_epoch, best = (_saved(run, events) if was_cut else None) or _best(events)
    newest = {type(event): event for event in events}
    created = record.get("created")
    return RunSummary(
        run=run,
        status=status,
        config=TrainConfig.from_json(record["config"]),
        about=run.about(),
        sweep=SweepMember.from_record(record.get("sweep")),
        owner=owner_of(run.path),
        has_checkpoint=has_checkpoint,
        best_epoch=best_epoch,
        best=best,
        curve=tuple(
            each for each in events if not isinstance(each, StepDone | TrunkProgress) or each is newest[type(each)]
        ),
        created=float(created) if isinstance(created, int | float) else 0.0,
        ended=_changed(run.path / "events.jsonl")[0],
    )


def trained_on(folder: str) -> str:
    """Return the title of a run's training pictures: Drawn people, or the set's own name."""
    title = set_title(folder).removesuffix(" (train)")
    return title.replace("humans", "people") if is_drawn(folder) else title


def trained_on_drawn(run: Run) -> bool:
    """Whether a run was trained on drawn pictures."""
    try:
        return is_drawn(run.config().pictures)
    except EmotionError:
        return False


def preset_of(config: TrainConfig, *, but: Iterable[str] = ()) -> str | None:
    """Return the preset that equals the settings, except for those in ``but``; None for custom settings."""
    free = {name: getattr(config, name) for name in but}
    for name in PRESETS:
        if replace(preset(name, pictures=config.pictures, backbone=config.backbone), **free) == config:
            return name
    return None


def _best(events: Sequence[Event]) -> tuple[int | None, Scores | None]:
    """Return the best epoch's number and scores; two Nones before there is one."""
    for event in reversed(events):
        if isinstance(event, RunFinished | RunStopped) and event.validation is not None:
            return event.best_epoch, event.validation
        if isinstance(event, EpochDone) and event.is_best:
            return event.epoch, event.validation
    return None, None


def _saved(run: Run, events: Sequence[Event]) -> tuple[int, Scores] | None:
    """Return the saved epoch of a run that was cut off, which may be older than its best one."""
    try:
        saved = load_validation(run)
    except EmotionError:
        return None
    scores = {event.epoch: event.validation for event in events if isinstance(event, EpochDone)}
    return (saved.epoch, scores[saved.epoch]) if saved and saved.epoch in scores else None


def _folders(root: Path) -> list[Run]:
    """Return every folder among the runs, newest first, whatever it holds."""
    found = [path for path in root.glob("[!.]*") if path.is_dir()]
    return [Run(path) for path in sorted(found, key=lambda path: path.name, reverse=True)]


def _stamp(run: Run) -> Stamp:
    events, about, owner = (_changed(run.path / name) for name in ("events.jsonl", "about.json", FILE))
    return events, about, owner, run.is_locked(), run.stop_requested()


def _changed(path: Path) -> FileStamp:
    try:
        stat = path.stat()
    except OSError:
        return 0.0, 0
    return stat.st_mtime, stat.st_size
