"""fit(): one training, from settings to checkpoint, as a generator of events."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from emotion.backbones.pixels import in_background, side_of
from emotion.backbones.registry import BackboneSource
from emotion.core.config import TrainConfig
from emotion.core.errors import PictureError
from emotion.core.events import EpochDone, Event, PicturesSkipped, RunFinished, RunStarted, RunStopped
from emotion.data.decoding import open_picture
from emotion.data.folders import Picture
from emotion.data.sampling import Split
from emotion.training.checkpoint import Best, keep_best, load_state, save_state
from emotion.training.context import Context, Stopped, threads_for
from emotion.training.features import FeaturePass, Features
from emotion.training.head import begin
from emotion.training.inputs import Examples, steps_in
from emotion.training.model import load_model

if sys.platform != "win32":
    import resource


def fit(
    config: TrainConfig, split: Split, *, backbone: BackboneSource, folder: Path, asked_to_stop: Callable[[], bool]
) -> Iterator[Event]:
    """Train according to ``config`` and yield events; the last is RunFinished or RunStopped.

    ``folder`` receives ``checkpoint/``, the best epoch by validation loss. ``asked_to_stop`` is called at every batch.
    The same seed, machine and number of threads give the same numbers. Every process of a group calls this; only the
    first writes. An interrupted training in this folder continues after its last finished epoch, with the same results.
    Raises BackboneError where the backbone cannot be loaded, or trained as asked; PictureError where too few pictures
    can be read; OSError where the disk is full or cannot be written.
    """
    context = Context(config, asked_to_stop)
    # Seeds the head's first weights, which are drawn while the model loads.
    torch.manual_seed(config.seed)
    model = load_model(config, split.classes, backbone.path, context.device)
    pictures, state = split.train + split.validation, load_state(folder / "resume")
    features: Features | None = None
    # What the state knows is kept, however early the training is stopped.
    unreadable: dict[int, str] = state.get("unreadable", {}) if state else {}
    best = Best.from_state(state["best"]) if state and state["best"] else None
    if state:
        model.head.whiten(*state["whitening"])
    stopped = stopped_early = False
    try:
        context.stop_if_asked()
        yield RunStarted(
            classes=split.classes,
            train_pictures=len(split.train),
            validation_pictures=len(split.validation),
            epochs=config.epochs,
            steps_per_epoch=steps_in(len(split.train), batch_size=config.batch_size),
            device=str(context.device),
            precision=context.precision,
            processes=context.processes,
            resumed_epochs=state["epoch"] if state else 0,
            notes=model.notes,
        )
        if config.depth == "all":
            unreadable = _unreadable(pictures, side_of(model.processor), context)
        else:
            one_pass = FeaturePass(pictures, len(split.train), model.network, model.processor, backbone.sha256, context)
            features = yield from one_pass.run()
            unreadable = features.unreadable
        examples = Examples.of(split, unreadable, context)
        if unreadable:
            yield PicturesSkipped(
                reasons={str(pictures[index].path): reason for index, reason in sorted(unreadable.items())},
                train_pictures=len(examples.train),
                validation_pictures=len(examples.validation),
                steps_per_epoch=steps_in(len(examples.train), batch_size=config.batch_size),
            )
        for indices in (examples.train, examples.validation):
            if {pictures[index].label for index in indices} != set(split.classes):
                raise PictureError(
                    f"{len(unreadable)} of {len(pictures)} pictures cannot be read, too many: add some to every class."
                )
        with threads_for(config.depth):
            epochs = begin(model, features, examples, context, pictures=pictures, state=state)
            for event in epochs.run():
                yield event
                best = epochs.best
                # Saved after the event is yielded, so that every saved epoch is in the run's events.
                if isinstance(event, EpochDone) and event.epoch and context.rank == 0:
                    save_state(epochs.state() | {"unreadable": unreadable}, folder=folder / "resume")
            stopped_early = epochs.stopped_early
    except Stopped:
        stopped = True
    if best is None:
        yield RunStopped(best_epoch=None, validation=None)
        return
    if context.rank == 0:
        left_out = [pictures[index].path for index in unreadable]
        keep_best(best, model, split, config=config, folder=folder, unreadable=left_out)
        if not stopped:
            shutil.rmtree(folder / "resume", ignore_errors=True)
    context.accelerator.wait_for_everyone()
    if stopped:
        yield RunStopped(best_epoch=best.epoch, validation=best.scores)
    else:
        yield RunFinished(
            best_epoch=best.epoch,
            validation=best.scores,
            peak_memory_megabytes=_peak_memory_megabytes(),
            stopped_early=stopped_early,
        )


def _unreadable(pictures: Sequence[Picture], side: int, context: Context) -> dict[int, str]:
    """Return the unreadable pictures by their index, each with the reason."""

    def reason(picture: Picture) -> str:
        try:
            open_picture(picture.path, side=side)
        except PictureError as error:
            return str(error)
        return ""

    found: dict[int, str] = {}
    for index, said in enumerate(in_background(reason, pictures, ahead=16)):
        context.stop_if_asked()
        if said:
            found[index] = said
    return found


def _peak_memory_megabytes() -> float:
    """Return this process's peak resident memory in MB (10^6 bytes); 0 where the system does not report it."""
    if sys.platform == "win32":
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
