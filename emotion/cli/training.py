"""`train`: from the options to the finished run, in this process or in several that torchrun started."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from emotion.backbones.registry import DEFAULT, locate
from emotion.cli.codes import COULD_NOT, DONE, STOPPED, add_runs_and_json, add_use_aliases, note_drawn, print_json
from emotion.config import AUGMENTATIONS, PRECISIONS, PRESETS, SCHEDULES, TrainConfig, parse_depth, preset
from emotion.events import (
    EpochDone,
    Event,
    PicturesSkipped,
    RunFailed,
    RunFinished,
    RunStopped,
    StepDone,
    TrunkProgress,
)
from emotion.labels import alias_offer
from emotion.pictures.folders import list_pictures
from emotion.run import Run
from emotion.runs import create_run, find_run


def add_train(parser: argparse.ArgumentParser) -> None:
    plain = TrainConfig(pictures="-")
    parser.add_argument("--pictures", required=True, metavar="DIR", help="one folder of pictures per class")
    parser.add_argument("--preset", choices=list(PRESETS), default="Quick", help="settings to begin with")

    def setting(name: str, kind: Callable[[str], Any], text: str, choices: Sequence[str] | None = None) -> None:
        # No default here: what is not given is left to the preset.
        parser.add_argument(
            "--" + name.replace("_", "-"),
            type=kind,
            choices=choices,
            default=argparse.SUPPRESS,
            help=f"{text} (default of Quick: {getattr(plain, name)})",
        )

    setting("backbone", str, "a name of `backbones`, a Hub id, or a local folder")
    setting("epochs", int, "1 to 50")
    setting("batch_size", int, "1 to 128, over all processes")
    setting("depth", parse_depth, "what is trained: head, the number of last blocks, or all")
    setting("head_learning_rate", float, "of the classifier")
    setting("block_learning_rate", float, "of the blocks")
    setting("layer_decay", float, "learning rate of a block over that of the block above it, 0.1 to 1")
    setting("weight_decay", float, "0 to 1")
    setting("schedule", str, "how the learning rate goes on", SCHEDULES)
    setting("warmup_share", float, "share of the steps in which the learning rate rises")
    setting("label_smoothing", float, "0 to 0.5")
    setting("augmentation", str, "variations of the training pictures", AUGMENTATIONS)
    setting("image_size", int, "side in pixels")
    setting("validation_share", float, "share held back of every class")
    setting("early_stopping", int, "epochs without a better validation loss until it ends, 0 for never")
    setting("patch_dropout", float, "share of the patches that a step of the last blocks leaves out")
    setting("gradient_clipping", float, "largest norm of a step's gradient, 0 for any")
    setting("seed", int, "of the split, the order and the first weights")
    setting("precision", str, "what the backbone computes in", PRECISIONS)
    for name, text in (
        ("--weight-averaging", "judge and keep a moving average of the weights, as Quick does"),
        ("--class-weights", "let every class count alike in the training loss, however many pictures it has"),
    ):
        parser.add_argument(name, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=text)
    add_use_aliases(parser)
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
    names = set(asdict(TrainConfig(pictures="-")))
    given = {name: value for name, value in vars(options).items() if name in names}
    given["pictures"] = str(Path(options.pictures).absolute())
    config = TrainConfig.from_json({**preset(options.preset, pictures="-").to_json(), **given})
    if config.backbone != DEFAULT and Path(config.backbone).is_dir():
        # As with the pictures: the run may go on, or be looked at, from another folder.
        config = replace(config, backbone=str(Path(config.backbone).absolute()))
    # What can be seen to fail at once fails before the imports, and leaves no run behind.
    classes = list_pictures(Path(config.pictures), use_aliases=config.use_aliases)
    locate(config.backbone)
    offer = alias_offer(classes, how="give --use-aliases")
    if offer and _is_first_process():
        print(offer, file=sys.stderr)
    import emotion.training.preload  # noqa: F401  # imported before the clock starts

    return _finish(_shared_run(config, options.runs), began=began, as_json=options.json)


def _finish(run: Run, *, began: float, as_json: bool) -> int:
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
        _report_training(run, last, wall_seconds=time.time() - began, as_json=as_json)
    return DONE


def _report_training(run: Run, finished: RunFinished, *, wall_seconds: float, as_json: bool) -> None:
    scores = finished.validation
    if not as_json:
        print(
            f"{run.path}: epoch {finished.best_epoch} is best, validation accuracy {scores.accuracy:.3f}, "
            f"loss {scores.loss:.3f}, {finished.elapsed_seconds:.1f} s"
        )
        note_drawn([Path(run.config().pictures)])
        return
    split = json.loads((run.path / "split.json").read_text(encoding="utf-8"))
    print_json(
        run=str(run.path),
        seconds=round(finished.elapsed_seconds, 3),
        wall_seconds=round(wall_seconds, 3),
        train_pictures=len(split["train"]),
        validation_pictures=len(split["validation"]),
        best_epoch=finished.best_epoch,
        peak_memory_megabytes=round(finished.peak_memory_megabytes),
        validation=asdict(scores),
    )


def _shared_run(config: TrainConfig, root: Path) -> Run:
    """Make the run folder in the first process and tell the others its path."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return create_run(config, root=root)
    from accelerate.utils import broadcast_object_list

    from emotion.training.device import make_accelerator

    make_accelerator()  # It joins the processes, so that they can talk.
    shared = [create_run(config, root=root).path if _is_first_process() else Path()]
    broadcast_object_list(shared)
    return Run(shared[0])


def _part_from_others() -> None:
    """Leave the group of processes in order: one that exits while another still talks to it may take that one along."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        from emotion.training.device import make_accelerator

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
