"""`train`: from the options to the finished run, in this process or in several that torchrun started."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

from emotion.backbones.registry import locate
from emotion.cli.codes import COULD_NOT, DONE, STOPPED, add_runs_and_json, note_drawn, print_json, tell
from emotion.cli.settings import add_settings, settings_of
from emotion.config import TrainConfig
from emotion.data.folders import list_folder
from emotion.events import (
    EpochDone,
    Event,
    PicturesSkipped,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
    StepDone,
    TrunkProgress,
    without_void,
)
from emotion.labels import alias_offer
from emotion.run import Run
from emotion.runs import create_run, find_run


def add_train(parser: argparse.ArgumentParser) -> None:
    add_settings(parser)
    add_runs_and_json(parser)
    parser.set_defaults(command=_train)


def add_resume(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", required=True, help="the path that train printed, or a name under the runs folder")
    add_runs_and_json(parser)
    parser.set_defaults(command=_resume)


def _resume(options: argparse.Namespace) -> int:
    began = _process_began()
    run = find_run(options.run, root=options.runs)
    if _is_first_process():
        run.queue_again()
    import emotion.training.preload  # noqa: F401  # imported before the clock starts

    return _finish(run, began=began, as_json=options.json)


def _train(options: argparse.Namespace) -> int:
    began = _process_began()
    config = settings_of(options)
    # What can be seen to fail at once fails before the imports, and leaves no run behind.
    listing = list_folder(Path(config.pictures), use_aliases=config.use_aliases)
    offer = alias_offer(listing.paths(), how="give --use-aliases")
    locate(config.backbone)
    notes = listing.account()
    if _is_first_process():
        tell([*notes, offer])
    import emotion.training.preload  # noqa: F401  # imported before the clock starts

    return _finish(_shared_run(config, options.runs), began=began, as_json=options.json, notes=notes)


def _finish(run: Run, *, began: float, as_json: bool, notes: list[str] | None = None) -> int:
    """Train ``run`` to its end in this process and say what became of it."""
    from emotion.training.session import train_run

    interrupted: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: interrupted.append(number))
    last: Event | None = None
    for last in train_run(run, asked_to_stop=lambda: bool(interrupted) or run.stop_requested()):
        _show(last)
    _part_from_others()
    if isinstance(last, RunFailed):
        print(last.message, file=sys.stderr)
        return COULD_NOT
    if isinstance(last, RunStopped):
        kept = f"epoch {last.best_epoch} is kept in {run.checkpoint}" if last.best_epoch else "no epoch was finished"
        print(f"stopped: {kept}", file=sys.stderr)
        return STOPPED
    if isinstance(last, RunFinished) and _is_first_process():
        _report_training(run, last, wall_seconds=time.time() - began, as_json=as_json, notes=notes)
    return DONE


def _report_training(
    run: Run, finished: RunFinished, *, wall_seconds: float, as_json: bool, notes: list[str] | None
) -> None:
    scores = finished.validation
    if not as_json:
        print(
            f"{run.path}: epoch {finished.best_epoch} is best, validation accuracy {scores.accuracy:.3f}, "
            f"loss {scores.loss:.3f}, {finished.elapsed_seconds:.1f} s"
        )
        note_drawn([Path(run.config().pictures)])
        return
    started = next(event for event in without_void(run.events()) if isinstance(event, RunStarted))
    print_json(
        run=str(run.path),
        seconds=round(finished.elapsed_seconds, 3),
        wall_seconds=round(wall_seconds, 3),
        train_pictures=started.train_pictures,
        validation_pictures=started.validation_pictures,
        best_epoch=finished.best_epoch,
        peak_memory_megabytes=round(finished.peak_memory_megabytes),
        validation=asdict(scores),
        **({} if notes is None else {"notes": notes}),
    )


def _shared_run(config: TrainConfig, root: Path) -> Run:
    """Make the run folder in the first process and tell the others its path."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return create_run(config, root=root)
    from accelerate.utils import broadcast_object_list

    from emotion.training.context import make_accelerator

    make_accelerator()  # It joins the processes, so that they can talk.
    shared = [create_run(config, root=root).path if _is_first_process() else Path()]
    broadcast_object_list(shared)
    return Run(shared[0])


def _part_from_others() -> None:
    """Leave the group of processes in order: one that exits while another still talks to it may take that one along."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        from emotion.training.context import make_accelerator

        make_accelerator().end_training()


def _is_first_process() -> bool:
    return int(os.environ.get("RANK", "0")) == 0


def _show(event: Event) -> None:
    if not _is_first_process():
        return
    if isinstance(event, StepDone):
        # One line that is written over; a log file would fill up with it, and a head trains faster than it is read.
        if sys.stderr.isatty() and event.remaining_seconds >= 1:
            text = (
                f"epoch {event.epoch}, step {event.step}: loss {event.loss:.3f}, {event.remaining_seconds:.0f} s left"
            )
            print(f"\r{text:<70}\r", end="", file=sys.stderr, flush=True)
        return
    if isinstance(event, TrunkProgress):
        if event.done == event.known and not event.kept:
            print("the cache has no room for these activations: they last for this training only", file=sys.stderr)
        end = "\n" if event.done == event.total else ""
        known = f", {event.known} known from earlier runs" if event.known else ""
        text = f"looking at the pictures: {event.done} of {event.total}{known}, {event.remaining_seconds:.0f} s left   "
        print(f"\r{text}", end=end, file=sys.stderr, flush=True)
    elif isinstance(event, RunStarted):
        tell(event.notes)
    elif isinstance(event, PicturesSkipped):
        for reason in event.reasons.values():
            print(f"left out: {reason}", file=sys.stderr)
    elif isinstance(event, EpochDone):
        scores = event.validation
        trained = "" if event.train_loss is None else f"loss {event.train_loss:.3f}, "
        print(
            f"epoch {event.epoch}: {trained}validation loss {scores.loss:.3f}, accuracy {scores.accuracy:.3f}, "
            f"{event.remaining_seconds:.0f} s left",
            file=sys.stderr,
        )


def _process_began() -> float:
    """Return when this process began, as a ``time.time()``; now, where the system does not tell."""
    try:
        ticks = float(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        up = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return time.time()
    return time.time() - (up - ticks / os.sysconf("SC_CLK_TCK"))
