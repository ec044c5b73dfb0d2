"""The folder of runs: create, list and find runs, move them to the trash and restore them."""

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
    """Return the folder of runs: ``$EMOTION_RUNS``, else ``runs`` in the working directory."""
    return Path(os.environ.get("EMOTION_RUNS", "runs"))


def create_run(config: TrainConfig, *, root: Path, sweep: SweepMember | None = None, owner: str | None = None) -> Run:
    """Create the folder of a new run, named by the time and the backbone.

    ``sweep`` is the run's place in a sweep, if any; ``owner`` is the hash of the visitor who owns it, None on a local
    machine.
    Raises RunError where the folder cannot be written.
    """
    backbone = re.sub(r"[^a-z0-9]+", "-", Path(config.backbone).name.lower()).strip("-")[:40]
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{backbone or 'backbone'}"
    path = root / stem
    try:
        root.mkdir(parents=True, exist_ok=True)
        for number in range(2, 1000):
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                break
            path = root / f"{stem}-{number}"
        give(path, owner)
        # Recorded because another set may have the same name later.
        record = {"schema": SCHEMA, "created": time.time(), "config": config.to_json()}
        record["set"] = identity_of(Path(config.pictures))
        if sweep is not None:
            record["sweep"] = asdict(sweep)
        Run(path).put_room_aside()
        # Written last: only with it is the folder a run.
        write_json(path / "config.json", record)
    except OSError as error:
        shutil.rmtree(path, ignore_errors=True)
        raise RunError(
            f"A run cannot be written to {root} ({error.strerror}): choose another folder or free it."
        ) from error
    return Run(path)


def list_runs(root: Path) -> list[Run]:
    """Return the runs under ``root``, newest first."""
    if not root.is_dir():
        return []
    found = [path for path in root.iterdir() if not path.name.startswith(".") and (path / "config.json").is_file()]
    return [Run(path) for path in sorted(found, key=lambda path: path.name, reverse=True)]


def find_run(name: str, *, root: Path | None = None) -> Run:
    """Return the run at a path or with a name under ``root`` (default: ``runs_folder()``).
    Raises RunError where there is none.
    """
    folder = root if root is not None else runs_folder()
    for path in (Path(name), folder / name):
        if (path / "config.json").is_file():
            return Run(path)
    raise RunError(f"There is no run {name!r}: give the path that train printed, or a name under {folder}.")


# The name begins with a dot, so that nothing in it is listed as a run.
FOLDER = ".trash"
KEPT_DAYS = 7
_GOING_ON = ("queued", "running", "stopping")


def throw_away(run: Run) -> None:
    """Move a run into the trash of its runs folder.
    Raises RunError where it is queued, being trained or cannot be moved; RefusedError where it is another visitor's.
    """
    run.require_own()
    status = run.status()
    if status in _GOING_ON:
        raise RunError(f"{run.name} is {status}: stop it first, then delete it.")
    trash = run.path.parent / FOLDER
    try:
        trash.mkdir(exist_ok=True)
        # The trash may already hold a run of this name.
        shutil.rmtree(trash / run.name, ignore_errors=True)
        run.path.rename(trash / run.name)
        (trash / run.name).touch()
    except OSError as error:
        raise RunError(f"{run.name} cannot be deleted ({error.strerror}): see to its folder's permissions.") from error


def take_back(name: str, *, root: Path, visitor: str | None = None) -> Run:
    """Restore a visitor's run of that name from the trash under ``root``.
    Raises RunError where it is no longer there, or cannot be moved.
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
    """Delete runs for good that were moved to the trash longer ago than that."""
    limit = time.time() - older_than_days * 86400
    for path in (root / FOLDER).glob("*"):
        if path.stat().st_mtime < limit:
            shutil.rmtree(path, ignore_errors=True)
