"""One run folder: append, read, what became of it. Standard library only, so that any process can look."""

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

# Some twenty events: enough to hold the last one, unless it lists many pictures.
ENDING_BYTES = 4096
MAX_TITLE, MAX_NOTE = 80, 2000
# Room for the last words of a training that fails because the disk is full; put aside while there is some.
RESERVE, RESERVE_BYTES = ".reserve", 16_384
# Begins the name of a folder of comparisons that a guest of the run made.
GUEST = "of-"
Status = Literal["queued", "running", "stopping", "finished", "stopped", "failed", "interrupted"]


@dataclass(frozen=True)
class About:
    """What a person wrote about a run: a name of its own, and a note."""

    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class Run:
    """A run folder. It holds no state of its own: every answer is read from the disk.

    ``guest`` is the hash of a visitor who uses somebody else's run: nothing of it can be changed then, and their
    comparisons are kept apart. Else it is empty.
    """

    path: Path
    guest: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The folder's name, which is unique among runs."""
        return self.path.name

    @property
    def checkpoint(self) -> Path:
        """Where the best epoch's model is, once there is one."""
        return self.path / "checkpoint"

    @property
    def comparisons(self) -> Path:
        """Where this run's comparisons are written."""
        return self.path / "comparisons" / f"{GUEST}{self.guest}" if self.guest else self.path / "comparisons"

    def record(self) -> dict[str, Any]:
        """Return what ``config.json`` holds: the settings and where the backbone came from.

        Raises:
            RunError: it is missing or cannot be read.
        """
        try:
            record: dict[str, Any] = json.loads((self.path / "config.json").read_text(encoding="utf-8"))
            record["config"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise RunError(f"{self.path} is not a run that can be read: its config.json is missing or torn.") from error
        return record

    def config(self) -> TrainConfig:
        """Return the settings this run was started with.

        Raises:
            RunError: they cannot be read.
            ConfigError: they are not of this version.
        """
        return TrainConfig.from_json(self.record()["config"])

    def sweep(self) -> SweepMember | None:
        """Return this run's place in a sweep; None for a run that was started alone, or by an older version.

        Raises:
            RunError: its record cannot be read.
        """
        return SweepMember.from_record(self.record().get("sweep"))

    def note(self, **values: Any) -> None:
        """Add values to ``config.json``, which is replaced whole or not at all."""
        write_json(self.path / "config.json", {**self.record(), **values})

    def about(self) -> About:
        """Return what a person wrote about the run; a file that is missing or torn says nothing."""
        try:
            values = json.loads((self.path / "about.json").read_text(encoding="utf-8"))
            return About(title=str(values["title"]), note=str(values["note"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return About()

    def describe(self, about: About) -> None:
        """Keep what a person wrote about the run.

        Raises:
            RunError: it is too long, or the folder cannot be written.
            RefusedError: it is somebody else's run.
        """
        self.require_own()
        if len(about.title) > MAX_TITLE or len(about.note) > MAX_NOTE:
            raise RunError(f"That is too long: use at most {MAX_TITLE} characters for a name, {MAX_NOTE} for a note.")
        try:
            write_json(self.path / "about.json", asdict(about))
        except OSError as error:
            raise RunError(f"{self.name} cannot be written ({error.strerror}): make room first.") from error

    def append(self, event: Event) -> None:
        """Write one event to the end of ``events.jsonl`` and flush it, in one write so that no line is shared.

        One that ends the run takes the room that was put aside for it.
        """
        if isinstance(event, RunFinished | RunStopped | RunFailed):
            (self.path / RESERVE).unlink(missing_ok=True)
        with (self.path / "events.jsonl").open("ab+") as file:
            # After a line that a crash has torn a new one begins, so that only the torn one is lost.
            is_torn = file.seek(0, os.SEEK_END) > 0 and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n"
            file.write((b"\n" if is_torn else b"") + to_line(event).encode("utf-8") + b"\n")

    def put_room_aside(self) -> None:
        """Keep a piece of the disk for the event that ends the run.

        Raises:
            OSError: there is none.
        """
        file = self.path / RESERVE
        if file.exists():
            return
        try:
            # Of zeros some file systems would keep nothing.
            file.write_bytes(os.urandom(RESERVE_BYTES))
        except OSError:
            file.unlink(missing_ok=True)
            raise

    def events(self) -> list[Event]:
        """Return every whole event so far, in order. A line that is torn or foreign is passed over."""
        return self.tail(0)[0]

    def tail(self, offset: int) -> tuple[list[Event], int]:
        """Return the whole events after byte ``offset`` and the offset to go on from."""
        try:
            with (self.path / "events.jsonl").open("rb") as file:
                file.seek(offset)
                text = file.read()
        except OSError:
            # Before the first event there is none; an odd folder has something else there.
            return [], offset
        whole = text[: text.rfind(b"\n") + 1]
        events = []
        for line in whole.splitlines():
            with contextlib.suppress(ValueError):
                events.append(from_line(line.decode("utf-8")))
        return events, offset + len(whole)

    def last_event(self) -> Event | None:
        """Return the last whole event, without reading all of a long run; None before the first."""
        try:
            size = (self.path / "events.jsonl").stat().st_size
        except OSError:
            return None
        # What the first line of the end holds is torn, and passed over as such.
        ending = self.tail(max(0, size - ENDING_BYTES))[0] or self.events()
        return ending[-1] if ending else None

    def status(self) -> Status:
        """Derive what became of the run from its last event and from whether a process holds its lock."""
        # A run may begin or end between a look at its lock and one at its events: nobody holds the lock of one whose
        # last event is the same before and after that was seen.
        while True:
            was_locked, last = self.is_locked(), self.last_event()
            if was_locked or (not self.is_locked() and self.last_event() == last):
                break
        if isinstance(last, RunFinished):
            return "finished"
        if isinstance(last, RunStopped):
            return "stopped"
        if isinstance(last, RunFailed):
            return "failed"
        if was_locked:
            return "stopping" if self.stop_requested() else "running"
        return "queued" if last is None or isinstance(last, RunQueued) else "interrupted"

    def can_resume(self) -> bool:
        """Whether the run ended before its last epoch, so that it can go on."""
        return self.status() in ("stopped", "failed", "interrupted")

    def request_stop(self) -> None:
        """Ask whoever trains this run to stop after the step in hand.

        Raises:
            RefusedError: it is somebody else's run.
        """
        self.require_own()
        (self.path / "stop").touch()

    def queue_again(self) -> None:
        """Let the run wait to go on after its last finished epoch.

        Raises:
            RunError: it is finished, or is being trained.
            RefusedError: it is somebody else's run.
        """
        self.require_own()
        if not self.can_resume():
            raise RunError(f"{self.name} is {self.status()}: only a run that was cut off can go on.")
        events = self.events()
        self.put_room_aside()
        (self.path / "stop").unlink(missing_ok=True)
        self.append(RunQueued(elapsed_seconds=events[-1].elapsed_seconds if events else 0.0))

    def require_own(self) -> None:
        """Let pass whoever may change the run.

        Raises:
            RefusedError: it is somebody else's.
        """
        if self.guest:
            raise RefusedError(
                f"{self.name} is not yours, so it can only be looked at and used: train one of your own."
            )

    def stop_requested(self) -> bool:
        """Whether somebody asked this run to stop."""
        return (self.path / "stop").exists()

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run for this process; the lock falls when the process ends, however it ends.

        Raises:
            RunError: another process holds it.
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
        """Whether a living process trains this run."""
        return locks.is_held(self.path / "lock")
