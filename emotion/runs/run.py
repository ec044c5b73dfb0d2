"""One run folder: append and read events, derive the status. Standard library only, so that any process can use it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from emotion.core import files as locks
from emotion.core.config import TrainConfig
from emotion.core.errors import RefusedError, RunError
from emotion.core.events import Event, RunFailed, RunFinished, RunQueued, RunStopped, from_line, to_line
from emotion.core.files import write_json
from emotion.runs.sweep import SweepMember

# About twenty events: enough to hold the last one, unless it lists many pictures.
ENDING_BYTES = 4096
MAX_TITLE, MAX_NOTE = 80, 2000
# Space reserved for the last event of a training that fails because the disk is full.
RESERVE, RESERVE_BYTES = ".reserve", 16_384
# Prefix of a folder with the comparisons of a guest of the run.
GUEST = "of-"
Status = Literal["queued", "running", "stopping", "finished", "stopped", "failed", "interrupted"]
_ENDS: dict[type[Event], Status] = {RunFinished: "finished", RunStopped: "stopped", RunFailed: "failed"}
# What reading a file of JSON that may be anything can raise.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, RecursionError)


@dataclass(frozen=True)
class About:
    """A person's name and note for a run."""

    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class Run:
    """A run folder. It holds no state of its own: everything is read from the disk.

    ``guest`` is the hash of a visitor who uses another's run, else empty: a guest cannot change the run, and their
    comparisons are stored separately.
    """

    path: Path
    guest: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The folder's name, unique among runs."""
        return self.path.name

    @property
    def checkpoint(self) -> Path:
        """The path of the best epoch's model, which may not exist yet."""
        return self.path / "checkpoint"

    @property
    def comparisons(self) -> Path:
        """The folder of this run's comparisons."""
        return self.path / "comparisons" / (f"{GUEST}{self.guest}" if self.guest else "")

    def record(self) -> dict[str, Any]:
        """Return the content of ``config.json``: the settings and where the backbone came from.
        Raises RunError where it is missing or cannot be read.
        """
        try:
            record: dict[str, Any] = json.loads((self.path / "config.json").read_text(encoding="utf-8"))
            record["config"]
        except UNREADABLE as error:
            raise RunError(f"{self.path} is not a run that can be read: its config.json is missing or torn.") from error
        return record

    def config(self) -> TrainConfig:
        """Return this run's settings.
        Raises RunError where they cannot be read; ConfigError where they are of another version.
        """
        return TrainConfig.from_json(self.record()["config"])

    def sweep(self) -> SweepMember | None:
        """Return this run's place in a sweep, if it has one. Raises RunError where its record cannot be read."""
        return SweepMember.from_record(self.record().get("sweep"))

    def note(self, **values: Any) -> None:
        """Add values to ``config.json``, which is replaced atomically."""
        write_json(self.path / "config.json", {**self.record(), **values})

    def about(self) -> About:
        """Return a person's name and note for the run; empty where the file is missing or damaged."""
        try:
            values = json.loads((self.path / "about.json").read_text(encoding="utf-8"))
            return About(title=str(values["title"]), note=str(values["note"]))
        except UNREADABLE:
            return About()

    def describe(self, about: About) -> None:
        """Save a person's name and note for the run.
        Raises RunError where one is too long, or the disk is full; RefusedError where it is another visitor's run.
        """
        self.require_own()
        if len(about.title) > MAX_TITLE or len(about.note) > MAX_NOTE:
            raise RunError(f"That is too long: use at most {MAX_TITLE} characters for a name, {MAX_NOTE} for a note.")
        try:
            write_json(self.path / "about.json", asdict(about))
        except OSError as error:
            raise RunError(f"{self.name} cannot be written ({error.strerror}): make room first.") from error

    def append(self, event: Event) -> None:
        """Append one event to ``events.jsonl``, in a single write so that lines never mix.

        An event that ends the run uses the reserved space.
        """
        if type(event) in _ENDS:
            (self.path / RESERVE).unlink(missing_ok=True)
        with (self.path / "events.jsonl").open("ab+") as file:
            # After a line that a crash cut short a new one begins, so that only that line is lost.
            is_torn = file.seek(0, os.SEEK_END) > 0 and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n"
            file.write((b"\n" if is_torn else b"") + to_line(event).encode("utf-8") + b"\n")

    def put_room_aside(self) -> None:
        """Reserve disk space for the event that ends the run. Raises OSError where the disk is full."""
        file = self.path / RESERVE
        if file.exists():
            return
        try:
            # Random bytes: some file systems store no blocks for zeros.
            file.write_bytes(os.urandom(RESERVE_BYTES))
        except OSError:
            file.unlink(missing_ok=True)
            raise

    def events(self) -> list[Event]:
        """Return every complete event so far, in order. Damaged and unknown lines are skipped."""
        return self.tail(0)[0]

    def tail(self, offset: int) -> tuple[list[Event], int]:
        """Return the complete events after byte ``offset``, and the offset to continue from."""
        try:
            with (self.path / "events.jsonl").open("rb") as file:
                file.seek(offset)
                text = file.read()
        except OSError:
            # Before the first event the file does not exist; in a damaged folder it may be something else.
            return [], offset
        whole = text[: text.rfind(b"\n") + 1]
        events = []
        for line in whole.splitlines():
            with contextlib.suppress(ValueError):
                events.append(from_line(line.decode("utf-8")))
        return events, offset + len(whole)

    def last_event(self) -> Event | None:
        """Return the last complete event, without reading the whole of a long run; None before the first."""
        try:
            size = (self.path / "events.jsonl").stat().st_size
        except OSError:
            return None
        # The first line read is usually incomplete, and is skipped as such.
        ending = self.tail(max(0, size - ENDING_BYTES))[0] or self.events()
        return ending[-1] if ending else None

    def status(self) -> Status:
        """Derive the run's status from its last event and from whether a process holds its lock."""
        # A run may begin or end between reading its lock and its events: if the last event stays the same while the
        # lock is free, no process holds it.
        while True:
            was_locked, last = self.is_locked(), self.last_event()
            if was_locked or (not self.is_locked() and self.last_event() == last):
                break
        if last and type(last) in _ENDS:
            return _ENDS[type(last)]
        if was_locked:
            return "stopping" if self.stop_requested() else "running"
        return "queued" if last is None or isinstance(last, RunQueued) else "interrupted"

    def can_resume(self) -> bool:
        """Whether the run ended before its last epoch, so that it can be resumed."""
        return self.status() in ("stopped", "failed", "interrupted")

    def request_stop(self) -> None:
        """Ask the process that trains this run to stop after the current step.
        Raises RefusedError where it is another visitor's run.
        """
        self.require_own()
        (self.path / "stop").touch()

    def stop_requested(self) -> bool:
        """Whether this run was asked to stop."""
        return (self.path / "stop").exists()

    def queue_again(self) -> None:
        """Queue the run to continue after its last finished epoch.
        Raises RunError where it is finished or being trained; RefusedError where it is another visitor's run.
        """
        self.require_own()
        if not self.can_resume():
            raise RunError(f"{self.name} is {self.status()}: only a run that was cut off can go on.")
        last = self.last_event()
        self.put_room_aside()
        (self.path / "stop").unlink(missing_ok=True)
        self.append(RunQueued(elapsed_seconds=last.elapsed_seconds if last else 0.0))

    def require_own(self) -> None:
        """Raise RefusedError where the run is another visitor's."""
        if self.guest:
            raise RefusedError(
                f"{self.name} is not yours, so it can only be looked at and used: train one of your own."
            )

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run's lock for this process; the system releases it when the process ends.
        Raises RunError where another process holds it.
        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locks.hold(self.path / "lock"))
            except BlockingIOError as error:
                raise RunError(
                    f"Another process is training {self.name}: watch that one or start a new run."
                ) from error
            yield

    def is_locked(self) -> bool:
        """Whether a running process trains this run."""
        return locks.is_held(self.path / "lock")
