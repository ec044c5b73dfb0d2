"""Train a run folder: read its settings, drain fit() into its events, and leave the truth behind."""

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
from emotion.training.cache import open_cache
from emotion.training.checkpoint import has_state
from emotion.training.fit import fit, rescue

# What torch, its oneDNN, Python and the system say where an allocation fails; most are RuntimeErrors. A primitive
# *descriptor* that could not be created is no want of memory.
_OUT_OF_MEMORY = re.compile(
    r"can't allocate memory|Cannot allocate memory|out of memory|std::bad_alloc|unable to mmap|can't start new thread|"
    r"could not (create a (primitive|memory object)|execute a primitive)$"
)
PACKAGES = ("torch", "transformers", "datasets", "accelerate", "pillow", "numpy")


def train_run(run: Run, *, asked_to_stop: Callable[[], bool] | None = None) -> Iterator[Event]:
    """Train the run's settings, yield each event once it is written, and end with what became of it.

    Whatever goes wrong becomes a RunFailed event with one sentence; an unforeseen error also leaves its
    traceback in ``error.log`` of the run folder. Of several processes only the first one writes.

    Raises:
        RunError: another process trains this run.
    """
    earlier = run.events()
    # A run that goes on counts on from where it was cut off.
    started = time.perf_counter() - (earlier[-1].elapsed_seconds if earlier else 0.0)
    writes = int(os.environ.get("RANK", "0")) == 0
    if not writes:
        yield from _events(run, asked_to_stop or run.stop_requested, started, writes=False)
        return
    with run.lock():
        try:
            run.put_room_aside()
            for event in _events(run, asked_to_stop or run.stop_requested, started, writes=True):
                run.append(event)
                yield event
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the last place that can tell the page
            failed = RunFailed(elapsed_seconds=time.perf_counter() - started, message=_sentence(error, run))
            run.append(failed)
            yield failed


def rescue_run(run: Run) -> None:
    """Keep the best finished epoch of a run whose process died, and write down that it was stopped.

    Raises:
        RunError: another process trains this run.
    """
    with run.lock():
        config, best = run.config(), None
        events = run.events()
        try:
            # Without a finished epoch there is nothing to keep, and no reason to fetch the backbone.
            if has_state(run.path / "resume"):
                _require_its_set(run)
                # As it was divided then: by now there may be other pictures in the set.
                parts = load_split(run).parts(Path(config.pictures))
                skipped = [event for event in without_void(events) if isinstance(event, PicturesSkipped)]
                best = rescue(
                    config, parts, backbone=locate(config.backbone).path, folder=run.path,
                    unreadable={Path(path) for event in skipped for path in event.reasons},
                )  # fmt: skip
        except Exception as error:  # noqa: BLE001  # whatever it is, the run has to be told that it was stopped
            print(f"{run.name}: its best epoch could not be kept: {error}", file=sys.stderr)
        run.append(
            RunStopped(
                elapsed_seconds=events[-1].elapsed_seconds if events else 0.0,
                best_epoch=best.epoch if best else None,
                validation=best.scores if best else None,
            )
        )


def _events(run: Run, asked_to_stop: Callable[[], bool], started: float, *, writes: bool) -> Iterator[Event]:
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
        run.note(classes=parts.classes, backbone=source.to_json(), versions=_versions())
        record.save(run)
    yield from fit(
        config, parts, backbone=source, folder=run.path, cache=open_cache(), should_stop=asked_to_stop, started=started
    )


def _require_its_set(run: Run) -> None:
    """See that a run trains on the set that it was made for, and that whoever it belongs to may see that set.

    Raises:
        RunError: another set lies in its place, or it is somebody else's by now.
    """
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
    """See that a run would go on with what it began with: else it would validate on what it was trained on.

    Raises:
        RunError: its pictures or its backbone are others by now.
    """
    if load_split(run) != record:
        raise RunError(
            "The pictures have changed since this run began, so it cannot go on: use its settings again for a new one."
        )
    if source.sha256 != run.record().get("backbone", {}).get("sha256"):
        raise RunError(
            "The backbone's weights are others than when this run began, so it cannot go on: use its settings again "
            "for a new one."
        )


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in PACKAGES}


def _sentence(error: BaseException, run: Run) -> str:
    if isinstance(error, EmotionError):
        return str(error)
    if "No space left" in str(error):
        # An OSError, or what safetensors makes of one.
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
    """Whether an error, or the one that it was made of, says that an allocation failed."""
    return error is not None and (
        isinstance(error, MemoryError)
        or _OUT_OF_MEMORY.search(str(error)) is not None
        or _is_of_memory(error.__cause__)
    )
