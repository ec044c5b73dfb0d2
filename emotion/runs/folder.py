"""The folder of runs: create, list and find runs, move them to the trash and restore them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from dataclasses import asdict
from itertools import count
from pathlib import Path

from emotion.core.config import TrainConfig
from emotion.core.errors import RunError
from emotion.core.files import write_json
from emotion.core.owners import give, may_change
from emotion.data.sets import identity_of
from emotion.runs.run import Run
from emotion.runs.sweep import SweepMember

SCHEMA = 1
# The trash. Its name begins with a dot, so that nothing in it is listed as a run.
FOLDER = ".trash"
KEPT_DAYS = 7


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
    stem = path = root / f"{time.strftime('%Y%m%d-%H%M%S')}-{backbone or 'backbone'}"
    # Of the set its identity too: another one may have the same name later.
    record = {"schema": SCHEMA, "created": time.time(), "config": config.to_json()}
    record |= {"sweep": asdict(sweep)} if sweep else {}
    try:
        root.mkdir(parents=True, exist_ok=True)
        for number in count(2):
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                break
            path = root / f"{stem.name}-{number}"
        give(path, owner)
        Run(path).put_room_aside()
        # Written last: only with it is the folder a run.
        write_json(path / "config.json", {**record, "set": identity_of(Path(config.pictures))})
    except OSError as error:
        shutil.rmtree(path, ignore_errors=True)
        raise RunError(
            f"A run cannot be written to {root} ({error.strerror}): choose another folder or free it."
        ) from error
    return Run(path)


def list_runs(root: Path) -> list[Run]:
    """Return the runs under ``root``, newest first."""
    found = [path.parent for path in root.glob("[!.]*/config.json") if path.is_file()]
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


def throw_away(run: Run) -> None:
    """Move a run into the trash of its runs folder.
    Raises RunError where it is queued, being trained or cannot be moved; RefusedError where it is another visitor's.
    """
    run.require_own()
    if (status := run.status()) in ("queued", "running", "stopping"):
        raise RunError(f"{run.name} is {status}: stop it first, then delete it.")
    thrown = run.path.parent / FOLDER / run.name
    try:
        thrown.parent.mkdir(exist_ok=True)
        # The trash may already hold a run of this name.
        shutil.rmtree(thrown, ignore_errors=True)
        run.path.rename(thrown)
        thrown.touch()
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
        return Run(thrown[name].rename(root / name))
    except OSError as error:
        raise RunError(f"{name} cannot be taken back ({error.strerror}): see to its folder's permissions.") from error


def empty_trash(root: Path, *, older_than_days: float = KEPT_DAYS) -> None:
    """Delete runs for good that were moved to the trash longer ago than that."""
    limit = time.time() - older_than_days * 86400
    for path in (root / FOLDER).glob("*"):
        if path.stat().st_mtime < limit:
            shutil.rmtree(path, ignore_errors=True)
