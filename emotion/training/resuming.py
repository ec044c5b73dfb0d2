"""Keep the last finished epoch's state, so that a training that was cut off can go on. Whole or not at all."""

from __future__ import annotations

import os
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import torch

_FILE = "state.pt"


def save_state(state: dict[str, Any], *, folder: Path) -> None:
    """Write a training's state into ``folder`` in one rename.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{_FILE}-{os.getpid()}"
    try:
        with beside.open("wb") as file:
            torch.save(state, file)
        beside.replace(folder / _FILE)
    except RuntimeError as error:
        # What torch makes of a write that failed into a file of ours; into one of its own it would lose the reason.
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise
    finally:
        beside.unlink(missing_ok=True)


def has_state(folder: Path) -> bool:
    """Whether there is a state in ``folder``; it is not looked into."""
    return zipfile.is_zipfile(folder / _FILE)


def load_state(folder: Path) -> dict[str, Any] | None:
    """Return the state in ``folder``; None where there is none, or none that is whole: then all begins anew."""
    if not has_state(folder):
        return None
    try:
        state: dict[str, Any] = torch.load(folder / _FILE, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError):
        return None
    return state


def drop_state(folder: Path) -> None:
    """Delete the state: the training is finished."""
    shutil.rmtree(folder, ignore_errors=True)
