"""The run that a public server begins with, so that whoever comes first finds one. Knows nothing of who visits."""

from __future__ import annotations

import os
from collections.abc import Mapping

from emotion import locks
from emotion.config import TrainConfig, preset
from emotion.data.drawn import DRAWN_FOLDER
from emotion.errors import ConfigError, EmotionError, RunError
from emotion.owners import OF_THE_SERVER, owner_of
from emotion.run import About, Run
from emotion.runs import list_runs
from emotion.server.limits import is_public
from emotion.worker import Workers

VARIABLE = "EMOTION_FIRST_RUN"
ABOUT = About(
    title="First run",
    note="Trained by this server itself when it started without a run, on the drawn people with the Quick settings.",
)
LOCK = ".first-run"
GOING_ON = ("queued", "running", "stopping")


def is_wanted(environment: Mapping[str, str] | None = None) -> bool:
    """Whether this server begins with a run of its own: a public one does, unless ``EMOTION_FIRST_RUN=0``.

    Raises:
        ConfigError: the variable is neither 0 nor 1.
    """
    given = os.environ if environment is None else environment
    if given.get(VARIABLE, "1") not in ("0", "1"):
        raise ConfigError(f"{VARIABLE} is {given[VARIABLE]!r}: set it to 0 for a public server without a first run.")
    return is_public(given) and given.get(VARIABLE, "1") == "1"


def default_config() -> TrainConfig:
    """Return the settings of the first run: Quick, on the drawn people."""
    return preset("Quick", pictures=str(DRAWN_FOLDER / "human_train"))


def begin_first_run(workers: Workers, *, config: TrainConfig | None = None) -> Run | None:
    """Queue the first run and return it; None where the server has a run of its own that predicts, or will.

    One that failed or was cut off goes on: a start without a network leaves one failed run, the next start with one
    tries it again, and however many starts fail there is no second folder. Of several servers that share a runs folder
    one begins it.

    Raises:
        RunError: the runs folder cannot be written.
    """
    wanted, root = config or default_config(), workers.runs_folder
    try:
        root.mkdir(parents=True, exist_ok=True)
        with locks.hold(root / LOCK):
            return _begin(workers, wanted)
    except BlockingIOError:
        return None  # Another server is at it this moment.
    except OSError as error:
        raise RunError(f"A run cannot be written to {root} ({error.strerror}): make room, then start again.") from error


def _begin(workers: Workers, wanted: TrainConfig) -> Run | None:
    own = [run for run in list_runs(workers.runs_folder) if owner_of(run.path) == OF_THE_SERVER]
    if any(run.status() in GOING_ON or (run.checkpoint / "config.json").is_file() for run in own):
        return None
    begun = next((run for run in own if run.can_resume() and _config_of(run) == wanted), None)
    if begun is not None:
        workers.resume_training(begun)
        return begun
    run = workers.start_training(wanted)
    run.describe(ABOUT)
    return run


def _config_of(run: Run) -> TrainConfig | None:
    try:
        return run.config()
    except EmotionError:
        return None  # Of another version, perhaps: a new one is made.
