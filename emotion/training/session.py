"""Train a run folder: read its settings, drain fit() into its events, and leave the truth behind."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from emotion.backbones.registry import locate
from emotion.cache.store import open_cache
from emotion.errors import EmotionError
from emotion.events import Event, RunFailed, RunStopped
from emotion.pictures.folders import Picture, find_pictures
from emotion.pictures.splitting import Split, split
from emotion.run import Run
from emotion.training.fit import fit, rescue
from emotion.writing import write_json

# What torch says where an allocation fails, on the CPU and on a GPU; its exceptions are RuntimeErrors.
_OUT_OF_MEMORY = ("can't allocate memory", "out of memory")
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
            if (run.path / "resume").is_dir():
                pictures = find_pictures(Path(config.pictures), use_aliases=config.use_aliases)
                parts = split(pictures, fraction=config.validation_share, seed=config.seed)
                best = rescue(config, parts, backbone=locate(config.backbone).path, folder=run.path)
        except (EmotionError, OSError) as error:
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
    source = locate(config.backbone)
    pictures = find_pictures(root, use_aliases=config.use_aliases)
    parts = split(pictures, fraction=config.validation_share, seed=config.seed)
    if writes:
        run.note(classes=parts.classes, backbone=source.to_json(), versions=_versions())
        write_json(run.path / "split.json", _split_record(parts, root))
    yield from fit(
        config, parts, backbone=source, folder=run.path, cache=open_cache(), should_stop=asked_to_stop, started=started
    )


def _split_record(parts: Split, root: Path) -> dict[str, list[dict[str, str]]]:
    where = root.resolve()

    def rows(pictures: list[Picture]) -> list[dict[str, str]]:
        return [
            {
                "picture": picture.path.relative_to(where).as_posix(),
                "label": picture.label,
                "sha256": picture.sha256,
            }
            for picture in pictures
        ]

    return {"train": rows(parts.train), "validation": rows(parts.validation)}


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
    if isinstance(error, OSError) and error.strerror:
        which = f" {error.filename}" if error.filename else ""
        return f"A file{which} could not be read or written ({error.strerror}): make room, or see to its permissions."
    if _is_of_memory(error):
        return "The memory did not suffice: lower the batch size or the number of trained blocks."
    (run.path / "error.log").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return f"The training broke off unexpectedly ({type(error).__name__}): error.log in its run folder has the details."


def _is_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or the one that it was made of, says that an allocation failed."""
    return error is not None and (
        isinstance(error, MemoryError)
        or any(sign in str(error) for sign in _OUT_OF_MEMORY)
        or _is_of_memory(error.__cause__)
    )
