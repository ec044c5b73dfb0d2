"""Throw runs away and take them back: a run is moved aside whole, and gone for good after a week."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from emotion.errors import RunError
from emotion.owners import may_change
from emotion.run import Run

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
