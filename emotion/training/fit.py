"""fit(): one training, from settings to checkpoint, as a generator of events."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from emotion.backbones.network import Trained
from emotion.backbones.pixels import in_background, side_of
from emotion.backbones.registry import BackboneSource
from emotion.core.config import TrainConfig
from emotion.core.errors import PictureError
from emotion.core.events import EpochDone, Event, PicturesSkipped, RunFinished, RunStarted, RunStopped
from emotion.data.decoding import open_picture
from emotion.data.sampling import Split
from emotion.training.checkpoint import best_of, keep_best, load_state, save_state
from emotion.training.context import Context, Stopped, threads_for
from emotion.training.epochs import Epochs, head_epochs
from emotion.training.features import Features, Look
from emotion.training.head import seen_by, train_head, whiten
from emotion.training.inputs import Examples, FeatureInputs, Inputs, PictureInputs, steps_in
from emotion.training.model import Model, load_model

if sys.platform != "win32":
    import resource


def fit(
    config: TrainConfig,
    split: Split,
    *,
    backbone: BackboneSource,
    folder: Path,
    should_stop: Callable[[], bool],
    started: float,
) -> Iterator[Event]:
    """Train according to ``config`` and yield events; the last is RunFinished or RunStopped.

    ``folder`` receives ``checkpoint/``, the best epoch by validation loss. ``should_stop`` is called at every batch.
    ``started`` is the ``time.perf_counter()`` at which the configuration was accepted. The same seed, machine and
    number of threads give the same numbers. Every process of a group calls this; only the first writes. An interrupted
    training in this folder continues after its last finished epoch, with the same results.
    Raises BackboneError where the backbone cannot be loaded, or trained as asked; PictureError where too few pictures
    can be read; OSError where the disk is full or cannot be written.
    """
    context = Context(config, should_stop, started)
    # Seeds the head's first weights, which are drawn while the model loads.
    torch.manual_seed(config.seed)
    model = load_model(config, split.classes, backbone.path, context.device)
    state = load_state(folder / "resume")
    pictures = split.train + split.validation
    yield RunStarted(
        elapsed_seconds=context.elapsed_seconds,
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
    epochs: Epochs | None = None
    features: Features | None = None
    unreadable: dict[int, str] = {}
    stopped = False
    try:
        if config.depth == "all":
            unreadable = _unreadable(split, model, context)
        else:
            look = Look(pictures, len(split.train), model.network, model.processor, backbone.sha256, context)
            features = yield from look.take()
            unreadable = features.unreadable
        examples = Examples.of(split, unreadable, context)
        if unreadable:
            yield PicturesSkipped(
                elapsed_seconds=context.elapsed_seconds,
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
            epochs = _begin(model, split, features, examples, state, context)
            for event in epochs.run():
                yield event
                # Saved after the event is yielded, so that every saved epoch is in the run's events.
                if isinstance(event, EpochDone) and event.epoch and context.rank == 0:
                    save_state(epochs.state(), folder=folder / "resume")
    except Stopped:
        stopped = True
    best = epochs.best if epochs else best_of(state, model.head)
    if best is None:
        yield RunStopped(elapsed_seconds=context.elapsed_seconds, best_epoch=None, validation=None)
        return
    if context.rank == 0:
        left_out = [pictures[index].path for index in unreadable]
        keep_best(best, model, split, config=config, folder=folder, unreadable=left_out)
        if not stopped:
            shutil.rmtree(folder / "resume", ignore_errors=True)
    context.accelerator.wait_for_everyone()
    if stopped:
        yield RunStopped(elapsed_seconds=context.elapsed_seconds, best_epoch=best.epoch, validation=best.scores)
    else:
        yield RunFinished(
            elapsed_seconds=context.elapsed_seconds,
            best_epoch=best.epoch,
            validation=best.scores,
            peak_memory_megabytes=_peak_memory_megabytes(),
            stopped_early=epochs.stopped_early if epochs else False,
        )


def _unreadable(split: Split, model: Model, context: Context) -> dict[int, str]:
    """Return the unreadable pictures by their index, each with the reason."""
    paths = [picture.path for picture in split.train + split.validation]
    work = partial(_why_unreadable, side=side_of(model.processor))
    found: dict[int, str] = {}
    for index, reason in enumerate(in_background(work, paths, ahead=16)):
        context.stop_if_asked()
        if reason:
            found[index] = reason
    return found


def _why_unreadable(path: Path, *, side: int) -> str | None:
    try:
        open_picture(path, side=side)
    except PictureError as error:
        return str(error)
    return None


def _begin(
    model: Model,
    split: Split,
    features: Features | None,
    examples: Examples,
    state: dict[str, Any] | None,
    context: Context,
) -> Epochs:
    """Return the epochs of a training, resumed from ``state`` where there is one.

    Where layers are frozen, their features are whitened over the training pictures; where blocks are trained on top of
    them, the head is first trained alone.
    """
    config, head, trained = context.config, model.head, model.trained
    if features is not None and trained is None:
        epochs = head_epochs(head, features, examples, context)
    else:
        inputs: Inputs
        if features is None:
            inputs = PictureInputs(split.train + split.validation, model.processor, config=config)
        else:
            inputs = FeatureInputs(features, config=config, patches=model.patches)
        if state is not None:
            head.whiten(*state["whitening"])
        elif features is not None and trained is not None:
            pooled = _through(trained, features, context)
            whiten(head, pooled, examples, views=config.views)
            train_head(head, seen_by(head, pooled, context), examples, context)
        epochs = Epochs(head, trained, inputs, examples, seen=None, context=context)
    if state is not None:
        epochs.resume_from(state)
    return epochs


@torch.inference_mode()
def _through(trained: Trained, tokens: Features, context: Context) -> Features:
    """Return the features that the trained blocks compute from cached tokens."""

    def work(rows: torch.Tensor) -> torch.Tensor:
        context.stop_if_asked()
        with context.autocast():
            _, features = trained(rows.to(context.device))
        seen: torch.Tensor = features.cpu()
        return seen

    return tokens.through(work)


def _peak_memory_megabytes() -> float:
    """Return this process's peak resident memory in MB (10^6 bytes); 0 where the system does not report it."""
    if sys.platform == "win32":
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
