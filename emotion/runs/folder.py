"""The folder of runs: make a new one whole or not at all, list them, find one, throw one away and take it back."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from dataclasses import asdict
from pathlib import Path

from emotion.core.config import TrainConfig
from emotion.core.errors import RunError
from emotion.core.files import write_json
from emotion.core.owners import give, may_change
from emotion.data.sets import identity_of
from emotion.runs.run import Run
from emotion.runs.sweep import SweepMember

SCHEMA = 1


def runs_folder() -> Path:
    """Return where runs are kept: ``$EMOTION_RUNS``, else ``runs`` in the working directory."""
    return Path(os.environ.get("EMOTION_RUNS", "runs"))


def create_run(config: TrainConfig, *, root: Path, sweep: SweepMember | None = None, owner: str | None = None) -> Run:
    """Make the folder of a new run, whole or not at all, named by the time and the backbone.

    ``sweep`` is its place among runs that were started together, where there are any; ``owner`` the hash of the
    visitor whose it is, None on one's own machine.

    Raises:
        RunError: the folder cannot be written.
    """
    backbone = re.sub(r"[^a-z0-9]+", "-", Path(config.backbone).name.lower()).strip("-")[:40]
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{backbone or 'backbone'}"
    beside = root / f".new-{os.getpid()}-{time.monotonic_ns()}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        beside.mkdir()
        # Whatever is called like the set later is not what the run was made for.
        identity = identity_of(Path(config.pictures))
        record = {"schema": SCHEMA, "created": time.time(), "config": config.to_json(), "set": identity}
        if sweep is not None:
            record["sweep"] = asdict(sweep)
        write_json(beside / "config.json", record)
        give(beside, owner)
        Run(beside).put_room_aside()
        for number in range(1, 1000):
            path = root / (stem if number == 1 else f"{stem}-{number}")
            # A rename onto an existing run fails, since that folder is not empty.
            with contextlib.suppress(OSError):
                beside.rename(path)
                return Run(path)
    except OSError as error:
        raise RunError(
            f"A run cannot be written to {root} ({error.strerror}): choose another folder or free it."
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    raise RunError(f"Too many runs were started in one second in {root}: try again.")


def list_runs(root: Path) -> list[Run]:
    """Return the runs under ``root``, newest first."""
    if not root.is_dir():
        return []
    found = [path for path in root.iterdir() if not path.name.startswith(".") and (path / "config.json").is_file()]
    return [Run(path) for path in sorted(found, key=lambda path: path.name, reverse=True)]


def find_run(name: str, *, root: Path | None = None) -> Run:
    """Return the run that a path or a name under ``root`` (default: ``runs_folder()``) stands for.

    Raises:
        RunError: there is none.
    """
    folder = root if root is not None else runs_folder()
    for path in (Path(name), folder / name):
        if (path / "config.json").is_file():
            return Run(path)
    raise RunError(f"There is no run {name!r}: give the path that train printed, or a name under {folder}.")


# Its name begins with a dot, so that nothing in it is listed as a run.
FOLDER = ".trash"
KEPT_DAYS = 7
_GOING_ON = ("queued", "running", "stopping")


def throw_away(run: Run) -> None:
    """Move a run into the trash of its runs folder.

    Raises:
        RunError: it is waiting or being trained, or its folder cannot be moved.
        RefusedError: it is somebody else's.
    """
    run.require_own()
    status = run.status()
    if status in _GOING_ON:
        raise RunError(f"{run.name} is {status}: stop it first, then delete it.")
    trash = run.path.parent / FOLDER
    try:
        trash.mkdir(exist_ok=True)
        # One that was thrown away, taken back and thrown away again may stand there already.
        shutil.rmtree(trash / run.name, ignore_errors=True)
        run.path.rename(trash / run.name)
        (trash / run.name).touch()
    except OSError as error:
        raise RunError(f"{run.name} cannot be deleted ({error.strerror}): see to its folder's permissions.") from error


def take_back(name: str, *, root: Path, visitor: str | None = None) -> Run:
    """Move a visitor's run of that name out of the trash under ``root`` again.

    Raises:
        RunError: it is not there any more, or cannot be moved.
    """
    thrown = {path.name: path for path in (root / FOLDER).glob("*") if may_change(path, visitor)}
    if name not in thrown:
        raise RunError(f"{name} is not in the trash any more: it cannot be taken back.")
    try:
        thrown[name].rename(root / name)
    except OSError as error:
        raise RunError(f"{name} cannot be taken back ({error.strerror}): see to its folder's permissions.") from error
    return Run(root / name)


def empty_trash(root: Path, *, older_than_days: float = KEPT_DAYS) -> None:
    """Delete for good what was thrown away longer ago than that."""
    limit = time.time() - older_than_days * 86400
    for path in (root / FOLDER).glob("*"):
        if path.stat().st_mtime < limit:
            shutil.rmtree(path, ignore_errors=True)
