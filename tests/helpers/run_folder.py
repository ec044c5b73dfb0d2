"""A run folder as any other program reads it: its events, whether somebody trains it, what became of it."""

import fcntl
import json
import shutil
from pathlib import Path
from typing import Any

ENDS = {"RunFinished": "finished", "RunStopped": "stopped", "RunFailed": "failed"}


def events_of(run: Path) -> list[dict[str, Any]]:
    """Return every whole event so far, in order."""
    found = []
    for line in (run / "events.jsonl").read_text("utf-8").splitlines() if (run / "events.jsonl").exists() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def epochs_of(run: Path) -> int:
    """Return the last epoch that is done; 0 where there is none."""
    return max((event["epoch"] for event in events_of(run) if event["event"] == "EpochDone"), default=0)


def is_trained(run: Path) -> bool:
    """Whether a living process holds the run's lock."""
    if not (run / "lock").exists():
        return False
    with (run / "lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def status_of(run: Path) -> str:
    """Return what became of a run, by its last event and its lock."""
    was_trained = is_trained(run)
    last = (events_of(run) or [{"event": ""}])[-1]["event"]
    if last in ENDS:
        return ENDS[last]
    if was_trained or is_trained(run):
        return "running"
    return "queued" if last in ("", "RunQueued") else "interrupted"


def runs_in(folder: Path) -> list[Path]:
    """Return the run folders under a folder, newest first."""
    found = [path for path in folder.glob("*") if not path.name.startswith(".") and (path / "config.json").is_file()]
    return sorted(found, key=lambda path: path.name, reverse=True)


def copy_run(
    template: Path,
    target: Path,
    *,
    title: str = "",
    sweep: dict[str, Any] | None = None,
    record: dict[str, Any] | None = None,
    **settings: Any,
) -> Path:
    """Copy a run under another name, whole at once as trainings make them, and return its folder.

    It may be given a title, a part in a sweep, other words in its ``record``, and other settings than those it was
    trained with.
    """
    made = Path(shutil.copytree(template, target.with_name(f".{target.name}")))
    known = json.loads((made / "config.json").read_text("utf-8"))
    known["config"] |= settings
    known |= {**({"sweep": sweep} if sweep else {}), **(record or {})}
    (made / "config.json").write_text(json.dumps(known), "utf-8")
    if title:
        (made / "about.json").write_text(json.dumps({"title": title, "note": ""}), "utf-8")
    return made.rename(target)


def drop_run(run: Path) -> None:
    """Take a run away, whole at once, though a server may be looking at it."""
    shutil.rmtree(run.rename(run.with_name(f".{run.name}")), ignore_errors=True)
