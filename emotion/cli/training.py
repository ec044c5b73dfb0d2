"""`train`, `resume` and `reproduce`: from the options to finished runs, in this process or several of torchrun's."""

from __future__ import annotations

import inspect
import os
import signal
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
from emotion.core.config import SETTINGS, PresetName, TrainConfig, preset
from emotion.core.format import capital
from emotion.core.labels import alias_offer
from emotion.data.drawn import DRAWN_FOLDER
from emotion.data.folders import list_folder
from emotion.runs.folder import create_run, find_run
from emotion.runs.run import Run

Backbone = Annotated[str | None, typer.Option(help="A name of `backbones`, a Hub id, or a local folder.")]
IS_FIRST = os.environ.get("RANK", "0") == "0"
HAS_OTHERS = os.environ.get("WORLD_SIZE", "1") != "1"


def train(
    runs: Runs,
    pictures: Annotated[Path, typer.Option(help="One folder of pictures per class.")],
    preset_name: Annotated[PresetName, typer.Option("--preset", help="Settings to begin with.")] = "Quick",
    backbone: Backbone = None,
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
    locate(config.backbone)
    if IS_FIRST:
        tell(*notes, alias_offer(listing.paths(), how="give --use-aliases"))
    import emotion.training.preload  # noqa: F401  # imported before the clock starts

    return _finish(_shared_run(config, runs), as_json=as_json, more={"notes": notes})


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
    backbone: Backbone = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Run the report's whole experiment and write its page."""
    from emotion.cli.reproduce import reproduce

    began = time.perf_counter()
    page, run, files = reproduce(photos.absolute(), out, runs=runs, backbone=backbone or DEFAULT)
    seconds = time.perf_counter() - began
    values = {"run": str(run.path), "seconds": seconds, "files": [str(path) for path in files]}
    answer(as_json, values, [page.answer, f"{seconds:.0f} s, {files[0]} and {files[1]}", *drawn_note(photos)])


def _finish(run: Run, *, as_json: bool, more: dict[str, Any] | None = None) -> int:
    """Train ``run`` to its end in this process, say what became of it in the page's words, and return the exit code.

    ``more`` stands in the JSON of a finished run, too.
    """
    from emotion.training.session import train_run
    from emotion.ui.words import progress

    interrupted: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: interrupted.append(number))
    happened: list[events.Event] = []
    for event in train_run(run, asked_to_stop=lambda: bool(interrupted) or run.stop_requested()):
        happened.append(event)
        if IS_FIRST:
            _show(happened)
    if HAS_OTHERS:
        from emotion.training.context import make_accelerator

        # One that exits while another still talks to it may take that one along.
        make_accelerator().end_training()
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
        words = [f"{run.path}: {progress(happened, 'finished').sentence}", *drawn_note(Path(run.config().pictures))]
        answer(as_json, values | (more or {}), words)
    return 0


def _show(happened: Sequence[events.Event]) -> None:
    """Say what happened last. A step is shown on a terminal alone, and only where it can be read."""
    from emotion.ui.words import progress

    match happened[-1]:
        case events.TrunkProgress(kept=False, done=done, known=known) if done == known:
            tell("The cache has no room for these features: they last for this training only.")
        case events.TrunkProgress(remaining_seconds=left) | events.StepDone(remaining_seconds=left) if left >= 1:
            write_over(progress(happened, "running").sentence)
        case events.RunStarted(notes=notes):
            tell(*notes)
        case events.PicturesSkipped(reasons=reasons):
            tell(*(f"left out: {reason}" for reason in reasons.values()))
        case events.EpochDone(train_loss=loss, validation=scores) as event:
            trained = "" if loss is None else f"loss {loss:.3f}, "
            said = f"{trained}validation loss {scores.loss:.3f}, accuracy {scores.accuracy:.3f}"
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
