"""The run that a server begins with, so that whoever comes first finds one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from emotion.core import files as locks
from emotion.core.config import preset
from emotion.core.errors import ConfigError, EmotionError, RunError
from emotion.core.owners import OF_THE_SERVER, owner_of
from emotion.data.drawn import DRAWN_FOLDER
from emotion.runs.folder import create_run, list_runs
from emotion.runs.run import About, Run
from emotion.server.queue import TrainingQueue
from emotion.server.visitors import GOING_ON

VARIABLE = "EMOTION_FIRST_RUN"
ABOUT = About(note="Trained by this server itself when it started without a run.")
LOCK = ".first-run"


def is_wanted() -> bool:
    """Whether this server begins with a run of its own: it does, unless ``EMOTION_FIRST_RUN=0``.

    Raises:
        ConfigError: the variable is neither 0 nor 1.
    """
    given = os.environ.get(VARIABLE, "1")
    if given not in ("0", "1"):
        raise ConfigError(f"{VARIABLE} is {given!r}: set it to 0 for a server without a first run.")
    return given == "1"


def begin_first_run(queue: TrainingQueue, root: Path) -> None:
    """Queue the first run, unless the server has a run of its own that predicts, or will.

    One that failed or was cut off goes on: a start without a network leaves one failed run, the next start with one
    tries it again, and however many starts fail there is no second folder. Of several servers that share a runs folder
    one begins it.

    Raises:
        RunError: the runs folder cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        with locks.hold(root / LOCK):
            run = _first_run(root)
            if run is not None:
                queue.add(run)
    except BlockingIOError:
        return  # Another server is at it this moment.
    except OSError as error:
        raise RunError(f"A run cannot be written to {root} ({error.strerror}): make room, then start again.") from error


def _first_run(root: Path) -> Run | None:
    """Return the run to train, new or begun earlier; None where none is needed."""
    wanted = preset("Quick", pictures=str(DRAWN_FOLDER / "human_train"))
    own = [run for run in list_runs(root) if owner_of(run.path) == OF_THE_SERVER]
    if any(run.status() in GOING_ON or (run.checkpoint / "config.json").is_file() for run in own):
        return None
    for run in own:
        with contextlib.suppress(EmotionError):  # One of another version, perhaps: a new one is made.
            if run.can_resume() and run.config() == wanted:
                run.queue_again()
                return run
    run = create_run(wanted, root=root)
    run.describe(ABOUT)
    return run
