"""Train a run folder: read its settings, run fit(), and write its events."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from emotion.backbones.registry import BackboneSource, locate
from emotion.core.errors import EmotionError, RunError
from emotion.core.events import Event, PicturesSkipped, RunFailed, RunStopped, without_void
from emotion.core.owners import may_see, owner_of
from emotion.data.folders import find_pictures
from emotion.data.sampling import split
from emotion.data.sets import identity_of
from emotion.runs.run import Run
from emotion.runs.split import FILE as SPLIT_FILE
from emotion.runs.split import SplitRecord, load_split
from emotion.training.checkpoint import Best, best_of, has_state, keep_best, load_state
from emotion.training.fit import fit
from emotion.training.model import load_model

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
    earlier, should_stop = run.events(), asked_to_stop or run.stop_requested
    # A resumed run adds to the time it had already taken.
    started = time.perf_counter() - (earlier[-1].elapsed_seconds if earlier else 0.0)
    if int(os.environ.get("RANK", "0")) > 0:
        yield from _events(run, should_stop, started, writes=False)
        return
    with run.lock():
        try:
            run.put_room_aside()
            for event in _events(run, should_stop, started, writes=True):
                run.append(event)
                yield event
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the last place where it can be reported
            failed = RunFailed(elapsed_seconds=time.perf_counter() - started, message=_sentence(error, run))
            run.append(failed)
            yield failed


def rescue_run(run: Run) -> None:
    """Save the best finished epoch of a run whose process died, and record that it was stopped.
    Raises RunError where another process trains this run.
    """
    with run.lock():
        best, events = None, run.events()
        try:
            best = _rescued(run)
        except Exception as error:  # noqa: BLE001  # whatever it is, the stop has to be recorded
            print(f"{run.name}: its best epoch could not be kept: {error}", file=sys.stderr)
        run.append(
            RunStopped(
                elapsed_seconds=events[-1].elapsed_seconds if events else 0.0,
                best_epoch=best.epoch if best else None,
                validation=best.scores if best else None,
            )
        )


def _rescued(run: Run) -> Best | None:
    """Write the checkpoint of the best finished epoch and return it; if there is none, the backbone is not fetched."""
    state = load_state(run.path / "resume")
    if state is None:
        return None
    _require_its_set(run)
    config = run.config()
    # The recorded split: the set may hold other pictures by now.
    parts = load_split(run).parts(Path(config.pictures))
    skipped = [event for event in without_void(run.events()) if isinstance(event, PicturesSkipped)]
    model = load_model(config, parts.classes, locate(config.backbone).path, torch.device("cpu"))
    best = best_of(state, model.head)
    if best is not None:
        left_out = {Path(path) for event in skipped for path in event.reasons}
        keep_best(best, model, parts, config=config, folder=run.path, unreadable=left_out)
    return best


def _events(run: Run, should_stop: Callable[[], bool], started: float, *, writes: bool) -> Iterator[Event]:
    config = run.config()
    root = Path(config.pictures)
    _require_its_set(run)
    source = locate(config.backbone)
    pictures = find_pictures(root, use_aliases=config.use_aliases)
    parts = split(pictures, fraction=config.validation_share, seed=config.seed)
    record = SplitRecord.of(parts, root) if writes else None
    if record:
        is_of_before = "set" not in run.record() and (run.path / SPLIT_FILE).is_file()
        if is_of_before or has_state(run.path / "resume"):
            _require_unchanged(run, record, source)
        versions = {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in PACKAGES}
        run.note(classes=parts.classes, backbone=source.to_json(), versions=versions)
        record.save(run)
    yield from fit(config, parts, backbone=source, folder=run.path, should_stop=should_stop, started=started)


def _require_its_set(run: Run) -> None:
    """Raise RunError where another set has taken the place of the run's, or its owner may no longer see it."""
    folder, owner = Path(run.config().pictures), owner_of(run.path).owner
    known = run.record().get("set")
    if known and known != identity_of(folder):
        raise RunError(
            "The picture set of this run is gone, whatever is called like it now: start a new training with a set that "
            "is there."
        )
    if owner and not may_see(folder, owner):
        raise RunError("The picture set of this run is not open to its owner any more: choose another one.")


def _require_unchanged(run: Run, record: SplitRecord, source: BackboneSource) -> None:
    """Raise RunError where the pictures or the backbone changed: the run could validate on training pictures."""
    if load_split(run) != record:
        raise RunError(
            "The pictures have changed since this run began, so it cannot go on: use its settings again for a new one."
        )
    if source.sha256 != run.record().get("backbone", {}).get("sha256"):
        raise RunError(
            "The backbone's weights are others than when this run began, so it cannot go on: use its settings again "
            "for a new one."
        )


def _sentence(error: BaseException, run: Run) -> str:
    if isinstance(error, EmotionError):
        return str(error)
    if "No space left" in str(error):
        # An OSError, or the error into which safetensors turns it.
        return (
            f"The disk is full: make room in {run.path.parent.absolute()}, or with `python -m emotion cache clear`, "
            "then resume the run."
        )
    if _is_of_memory(error):
        return "The memory did not suffice: lower the batch size or the number of trained blocks."
    if isinstance(error, OSError) and error.strerror:
        which = f" {error.filename}" if error.filename else ""
        return f"A file{which} could not be read or written ({error.strerror}): make room, or see to its permissions."
    (run.path / "error.log").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return f"The training broke off unexpectedly ({type(error).__name__}): error.log in its run folder has the details."


def _is_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or its cause, reports a failed allocation."""
    return error is not None and (
        isinstance(error, MemoryError)
        or _OUT_OF_MEMORY.search(str(error)) is not None
        or _is_of_memory(error.__cause__)
    )
