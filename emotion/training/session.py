"""Train a run folder: read its settings, run fit(), and write its events."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from emotion.backbones.registry import locate
from emotion.core.errors import EmotionError, RunError
from emotion.core.events import Event, RunFailed, RunStopped
from emotion.core.owners import may_see, owner_of
from emotion.data.folders import find_pictures
from emotion.data.sampling import split
from emotion.data.sets import identity_of
from emotion.runs.run import Run
from emotion.runs.split import FILE as SPLIT_FILE
from emotion.runs.split import SplitRecord, load_split, require_unchanged
from emotion.training.fit import STATE, fit

# Messages of torch, oneDNN, Python and the system where an allocation fails; most are RuntimeErrors. A primitive
# *descriptor* that could not be created is another kind of failure.
_OUT_OF_MEMORY = re.compile(
    r"can't allocate memory|Cannot allocate memory|out of memory|std::bad_alloc|unable to mmap|can't start new thread|"
    r"could not (create a (primitive|memory object)|execute a primitive)$"
)
PACKAGES = ("torch", "transformers", "datasets", "accelerate", "pillow", "numpy")


def train_run(run: Run, *, asked_to_stop: Callable[[], bool] | None = None) -> Iterator[Event]:
    """Train with the run's settings and yield each event once it is written; the last one is the outcome.

    Any failure becomes a RunFailed event with one sentence; an unexpected error also leaves its traceback in
    ``error.log`` of the run folder. With several processes only the first writes.
    Raises RunError where another process trains this run.
    """
    is_first = os.environ.get("RANK", "0") == "0"
    events = _events(run, asked_to_stop or run.stop_requested, writes=is_first)
    return _written(run, events) if is_first else events


def rescue_run(run: Run) -> None:
    """Save the best finished epoch of a run whose process died, and record that it was stopped.
    Raises RunError where another process trains this run.
    """
    for _ in _written(run, _events(run, lambda: True, is_rescue=True)):
        pass


def _events(
    run: Run, asked_to_stop: Callable[[], bool], *, writes: bool = True, is_rescue: bool = False
) -> Iterator[Event]:
    config = run.config()
    root, has_state = Path(config.pictures), (run.path / STATE).is_file()
    if is_rescue and not has_state:
        # The backbone is not fetched for nothing.
        yield RunStopped(best_epoch=None, validation=None)
        return
    record, owner = run.record(), owner_of(run.path).owner
    if record.get("set") and record["set"] != identity_of(root):
        raise RunError(
            "The picture set of this run is gone, whatever is called like it now: start a new training with a set that "
            "is there."
        )
    if owner and not may_see(root, owner):
        raise RunError("The picture set of this run is not open to its owner any more: choose another one.")
    source = locate(config.backbone)
    if is_rescue:
        # The recorded split: the set may hold other pictures by now.
        parts = load_split(run).parts(root)
    else:
        pictures = find_pictures(root, use_aliases=config.use_aliases)
        parts = split(pictures, fraction=config.validation_share, seed=config.seed)
    if writes and not is_rescue:
        rows = SplitRecord.of(parts, root)
        # Runs of an older version have no set in their record.
        if has_state or ("set" not in record and (run.path / SPLIT_FILE).is_file()):
            require_unchanged(run, rows, source)
        versions = {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in PACKAGES}
        run.note(classes=parts.classes, backbone=source.to_json(), versions=versions)
        rows.save(run)
    yield from fit(config, parts, backbone=source, folder=run.path, asked_to_stop=asked_to_stop)


def _written(run: Run, events: Iterator[Event]) -> Iterator[Event]:
    """Write each event into the run and yield it, failures too, while holding the run's lock."""
    earlier = run.last_event()
    # A resumed run adds to the time it had already taken.
    started = time.perf_counter() - (earlier.elapsed_seconds if earlier else 0.0)

    def write(event: Event) -> Event:
        stamped = replace(event, elapsed_seconds=time.perf_counter() - started)
        run.append(stamped)
        return stamped

    with run.lock():
        try:
            run.put_room_aside()
            for event in events:
                yield write(event)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the last place where it can be reported
            yield write(RunFailed(message=_sentence(error, run)))


def _sentence(error: BaseException, run: Run) -> str:
    if isinstance(error, EmotionError):
        return str(error)
    # Libraries turn some errors into their own: torch a full disk, accelerate a lack of memory.
    chain = [error]
    while cause := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(cause)
    if any("No space left" in str(each) for each in chain):
        return (
            f"The disk is full: make room in {run.path.parent.absolute()}, or with `python -m emotion cache clear`, "
            "then resume the run."
        )
    if any(isinstance(each, MemoryError) or _OUT_OF_MEMORY.search(str(each)) for each in chain):
        return "The memory did not suffice: lower the batch size or the number of trained blocks."
    if isinstance(error, OSError) and error.strerror:
        which = f" {error.filename}" if error.filename else ""
        return f"A file{which} could not be read or written ({error.strerror}): make room, or see to its permissions."
    (run.path / "error.log").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return f"The training broke off unexpectedly ({type(error).__name__}): error.log in its run folder has the details."
