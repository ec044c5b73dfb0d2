"""`train`, `resume` and `reproduce`: from the options to finished runs, in this process or several of torchrun's."""

from __future__ import annotations

import inspect
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import psutil
import typer

from emotion.backbones.registry import DEFAULT, locate
from emotion.cli.options import AsJson, RunName, Runs, answer, drawn_note, tell, write_over
from emotion.core import events
from emotion.core.config import PRESETS, SETTINGS, TrainConfig, preset
from emotion.core.format import capital
from emotion.core.labels import alias_offer
from emotion.data.drawn import DRAWN_FOLDER
from emotion.data.folders import list_folder
from emotion.runs.folder import create_run, find_run
from emotion.runs.run import Run

BACKBONE = "A name of `backbones`, a Hub id, or a local folder."
IS_FIRST = int(os.environ.get("RANK", "0")) == 0
HAS_OTHERS = int(os.environ.get("WORLD_SIZE", "1")) > 1


def _known(name: str) -> str:
    if name not in PRESETS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(map(repr, PRESETS))}.")
    return name


def train(
    runs: Runs,
    pictures: Annotated[Path, typer.Option(help="One folder of pictures per class.")],
    preset_name: Annotated[str, typer.Option("--preset", parser=_known, help="Settings to begin with.")] = "Quick",
    backbone: Annotated[str | None, typer.Option(help=BACKBONE)] = None,
    as_json: AsJson = False,
    **settings: Any,
) -> int:
    """Train on a folder that holds one folder of pictures per class."""
    given = {name: value for name, value in settings.items() if value is not None}
    # Folders by their absolute path: the run may go on, or be looked at, from another folder.
    config = replace(preset(preset_name, pictures=str(pictures.absolute()), backbone=backbone), **given)
    if config.backbone != DEFAULT and Path(config.backbone).is_dir():
        config = replace(config, backbone=str(Path(config.backbone).absolute()))
    # What can be seen to fail at once fails before the imports, and leaves no run behind.
    listing = list_folder(Path(config.pictures), use_aliases=config.use_aliases)
    notes = listing.account()
    offer = alias_offer(listing.paths(), how="give --use-aliases")
    locate(config.backbone)
    if IS_FIRST:
        tell(*notes, offer)
    import emotion.training.preload  # noqa: F401  # imported before the clock starts

    return _finish(_shared_run(config, runs), as_json=as_json, notes=notes)


def _settings() -> Iterator[inspect.Parameter]:
    """Yield an option for each setting; one that is not given is None, and left to the preset."""
    types, quick = get_type_hints(TrainConfig), preset("Quick", pictures="-")
    for name, setting in SETTINGS.items():
        is_depth = name == "depth"
        bounds = f", {setting.low:g} to {setting.high:g}" if setting.low is not None else ""
        option = typer.Option(
            None,
            *(["--use-aliases"] if name == "use_aliases" else []),
            parser=setting.read if is_depth else None,
            metavar="N|head|all" if is_depth else None,
            help=f"{capital(setting.help or setting.label)}{bounds}.",
            show_default=f"{getattr(quick, name)} in Quick",
        )
        annotation = str if is_depth else types[name]
        yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=annotation)


_named = list(inspect.signature(train, eval_str=True).parameters.values())[:-1]
train.__signature__ = inspect.Signature([*_named, *_settings()])  # type: ignore[attr-defined]  # typer reads it


def resume(run: RunName, runs: Runs, as_json: AsJson = False) -> int:
    """Go on with a training that was cut off."""
    found = find_run(run, root=runs)
    if IS_FIRST:
        found.queue_again()
    import emotion.training.preload  # noqa: F401  # imported before the clock starts

    return _finish(found, as_json=as_json)


def reproduce(
    runs: Runs,
    photos: Annotated[
        Path, typer.Option(help="A folder that holds human_train, human_eval, dog_eval and cat_eval.")
    ] = DRAWN_FOLDER,
    out: Annotated[Path, typer.Option(help="Where the files go.")] = Path("docs/results"),
    backbone: Annotated[str, typer.Option(help=BACKBONE)] = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Run the report's whole experiment and write its page."""
    from emotion.cli.reproduce import reproduce

    began = time.perf_counter()

    def say(what: str) -> None:
        tell(f"{time.perf_counter() - began:5.0f} s  {what}")

    page, run, files = reproduce(photos.absolute(), out, runs=runs, backbone=backbone, say=say)
    seconds = time.perf_counter() - began
    values = {"run": str(run.path), "seconds": seconds, "files": [str(path) for path in files]}
    answer(as_json, values, [page.answer, f"{seconds:.0f} s, {files[0]} and {files[1]}", *drawn_note(photos)])


def _finish(run: Run, *, as_json: bool, notes: list[str] | None = None) -> int:
    """Train ``run`` to its end in this process and say what became of it, in the page's words."""
    from emotion.training.session import train_run
    from emotion.ui.words import progress

    interrupted: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: interrupted.append(number))
    happened: list[events.Event] = []
    for event in train_run(run, asked_to_stop=lambda: bool(interrupted) or run.stop_requested()):
        happened.append(event)
        if IS_FIRST:
            _show(happened)
    _part_from_others()
    if isinstance(last := happened[-1], events.RunFailed):
        tell(last.message)
        return 1
    happened = events.without_void(run.events())
    if isinstance(last, events.RunStopped):
        tell(progress(happened, "stopped").sentence)
        return 130
    if isinstance(last, events.RunFinished) and IS_FIRST:
        started = next(event for event in happened if isinstance(event, events.RunStarted))
        values = {
            "run": str(run.path),
            "seconds": round(happened[-1].elapsed_seconds, 3),
            "wall_seconds": round(time.time() - psutil.Process().create_time(), 3),
            "train_pictures": started.train_pictures,
            "validation_pictures": started.validation_pictures,
            "best_epoch": last.best_epoch,
            "peak_memory_megabytes": round(last.peak_memory_megabytes),
            "validation": asdict(last.validation),
        }
        answer(as_json, values if notes is None else {**values, "notes": notes}, _told(run, happened))
    return 0


def _told(run: Run, happened: Sequence[events.Event]) -> Iterator[str]:
    from emotion.ui.words import progress

    yield f"{run.path}: {progress(happened, 'finished').sentence}"
    yield from drawn_note(Path(run.config().pictures))


def _show(happened: Sequence[events.Event]) -> None:
    from emotion.ui.words import progress

    event = happened[-1]
    if isinstance(event, events.TrunkProgress | events.StepDone) and event.remaining_seconds >= 1:
        # A log file would fill up with steps, and a head trains faster than they are read.
        if sys.stderr.isatty():
            write_over(progress(happened, "running").sentence)
    elif isinstance(event, events.TrunkProgress) and event.done == event.known and not event.kept:
        tell("The cache has no room for these features: they last for this training only.")
    elif isinstance(event, events.RunStarted):
        tell(*event.notes)
    elif isinstance(event, events.PicturesSkipped):
        tell(*(f"left out: {reason}" for reason in event.reasons.values()))
    elif isinstance(event, events.EpochDone):
        trained = "" if event.train_loss is None else f"loss {event.train_loss:.3f}, "
        said = f"{trained}validation loss {event.validation.loss:.3f}, accuracy {event.validation.accuracy:.3f}"
        tell(f"epoch {event.epoch}: {said}, {event.remaining_seconds:.0f} s left")


def _shared_run(config: TrainConfig, root: Path) -> Run:
    """Make the run folder in the first process and tell the others its path."""
    if not HAS_OTHERS:
        return create_run(config, root=root)
    from accelerate.utils import broadcast_object_list

    from emotion.training.context import make_accelerator

    make_accelerator()  # It joins the processes, so that they can talk.
    shared = [create_run(config, root=root).path if IS_FIRST else Path()]
    broadcast_object_list(shared)
    return Run(shared[0])


def _part_from_others() -> None:
    """Leave the group of processes in order: one that exits while another still talks to it may take that one along."""
    if HAS_OTHERS:
        from emotion.training.context import make_accelerator

        make_accelerator().end_training()
