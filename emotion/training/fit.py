"""fit(): one training from the settings to the checkpoint, as a generator of events."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import BaseImageProcessor

from emotion.backbones.anatomy import CutModel, cut, load_model, load_processor
from emotion.backbones.registry import BackboneSource
from emotion.cache.recipe import row_bytes
from emotion.cache.shard import VALUE_BYTES
from emotion.cache.store import Cache
from emotion.config import Depth, TrainConfig
from emotion.data.decoding import open_picture
from emotion.data.sampling import Split
from emotion.errors import PictureError
from emotion.events import EpochDone, Event, PicturesSkipped, RunFinished, RunStarted, RunStopped, TrunkProgress
from emotion.training.batches import steps_in
from emotion.training.context import Context, Stopped
from emotion.training.device import threads_for
from emotion.training.epochs import Epochs
from emotion.training.inputs import ActivationInputs, Inputs, PictureInputs, in_background, side_of
from emotion.training.keeping import Best, keep_best
from emotion.training.preparing import prepare
from emotion.training.remembering import remember
from emotion.training.resuming import drop_state, load_state, save_state
from emotion.training.trunk import Look, make_recipe

if sys.platform != "win32":
    import resource


def never() -> bool:
    """Say that nobody wants to stop."""
    return False


def fit(
    config: TrainConfig,
    split: Split,
    *,
    backbone: BackboneSource,
    folder: Path,
    cache: Cache,
    should_stop: Callable[[], bool] = never,
    started: float | None = None,
) -> Iterator[Event]:
    """Train as ``config`` says and yield what happens; the last event is RunFinished or RunStopped.

    ``folder`` receives ``checkpoint/`` (the best epoch by validation loss), ``cache`` what the backbone's frozen part
    makes of the pictures. ``should_stop`` is asked at every batch. ``started`` is the
    ``time.perf_counter()`` of the accepted configuration. The same seed, machine and number of threads give
    the same numbers. Every process of a group runs it; the first one writes. A training of this folder that was
    cut off goes on after its last finished epoch, to the same numbers as if it had not been.

    Raises:
        BackboneError: the backbone cannot be loaded or cut as asked.
        PictureError: too few pictures can be read.
        OSError: the disk is full or cannot be written.
    """
    context = Context(config, should_stop, time.perf_counter() if started is None else started)
    # The classifier's first weights are drawn while the model loads.
    torch.manual_seed(config.seed)
    model = load_model(backbone.path, classes=split.classes, image_size=config.image_size).to(context.device)
    processor = load_processor(backbone.path, image_size=config.image_size)
    parts = cut(model, _blocks(config.depth))
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
    )
    epochs: Epochs | None = None
    inputs: Inputs | None = None
    unreadable: dict[int, str] = {}
    stopped = False
    try:
        inputs, unreadable = yield from _look_or_check(parts, split, processor, backbone, cache, context)
        readable = [index for index in range(len(pictures)) if index not in unreadable]
        train = [index for index in readable if index < len(split.train)]
        validation = [index for index in readable if index >= len(split.train)]
        if unreadable:
            yield PicturesSkipped(
                elapsed_seconds=context.elapsed_seconds,
                reasons={str(pictures[index].path): reason for index, reason in sorted(unreadable.items())},
                train_pictures=len(train),
                validation_pictures=len(validation),
                steps_per_epoch=steps_in(len(train), batch_size=config.batch_size),
            )
        for indices in (train, validation):
            if {pictures[index].label for index in indices} != set(split.classes):
                raise PictureError(
                    f"{len(unreadable)} of {len(pictures)} pictures cannot be read, too many: add some to every class."
                )
        labels = torch.tensor([split.classes.index(picture.label) for picture in pictures])
        with threads_for(config.depth):
            memory = remember(parts, inputs, train, validation, context=context)
            inputs, top = prepare(parts, inputs, labels, train, context=context, state=state)
            epochs = Epochs(
                parts, top, inputs, labels, train=train, validation=validation, context=context, memory=memory
            )
            if state:
                epochs.resume_from(state)
            for event in epochs.run():
                yield event
                # Saved once the event is out, so that no epoch is kept that its run does not know of.
                if isinstance(event, EpochDone) and event.epoch and context.rank == 0:
                    save_state(epochs.state(), folder=folder / "resume")
    except Stopped:
        stopped = True
    finally:
        if inputs is not None:
            inputs.close()
    best = epochs.best if epochs else best_of(state, parts)
    if best is None:
        yield RunStopped(elapsed_seconds=context.elapsed_seconds, best_epoch=None, validation=None)
        return
    if context.rank == 0:
        left_out = [pictures[index].path for index in unreadable]
        keep_best(best, parts, processor, split, config=config, folder=folder, unreadable=left_out)
        if not stopped:
            drop_state(folder / "resume")
    context.accelerator.wait_for_everyone()
    if stopped:
        yield RunStopped(elapsed_seconds=context.elapsed_seconds, best_epoch=best.epoch, validation=best.scores)
    else:
        yield RunFinished(
            elapsed_seconds=context.elapsed_seconds,
            best_epoch=best.epoch,
            validation=best.scores,
            peak_memory_megabytes=peak_memory_megabytes(),
            stopped_early=epochs.stopped_early if epochs else False,
        )


def rescue(
    config: TrainConfig, split: Split, *, backbone: Path, folder: Path, unreadable: Collection[Path] = ()
) -> Best | None:
    """Write the checkpoint of a training that died with finished epochs; None where it had finished none.

    ``unreadable`` are pictures of the split that it could not read.

    Raises:
        BackboneError: the backbone cannot be loaded.
        OSError: the disk is full or cannot be written.
    """
    state = load_state(folder / "resume")
    if state is None:
        return None
    model = load_model(backbone, classes=split.classes, image_size=config.image_size)
    processor = load_processor(backbone, image_size=config.image_size)
    parts = cut(model, _blocks(config.depth))
    best = best_of(state, parts)
    if best is not None:
        keep_best(best, parts, processor, split, config=config, folder=folder, unreadable=unreadable)
    return best


def best_of(state: dict[str, Any] | None, parts: CutModel) -> Best | None:
    """Return a kept state's best epoch, and let ``parts`` whiten features as it did."""
    if state is None or state["best"] is None:
        return None
    parts.whiten(*state["whitening"])
    return Best.from_state(state["best"])


def peak_memory_megabytes() -> float:
    """Return the most resident memory this process has had, in MB (10^6 bytes); 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _blocks(depth: Depth) -> int | None:
    if depth == "head":
        return 0
    return None if depth == "all" else depth


def _look_or_check(
    parts: CutModel,
    split: Split,
    processor: BaseImageProcessor,
    backbone: BackboneSource,
    cache: Cache,
    context: Context,
) -> Generator[TrunkProgress, None, tuple[Inputs, dict[int, str]]]:
    """Have the frozen part's activations; where nothing is frozen, only see which pictures can be read."""
    config, pictures = context.config, split.train + split.validation
    if parts.trunk is not None:
        recipe = make_recipe(config, weights=backbone.sha256, processor=processor, context=context)
        look = Look(pictures, len(split.train), processor, recipe, cache, context)
        size = row_bytes(
            parts.model.config.to_dict(),
            depth=config.depth,
            image_size=config.image_size,
            value_bytes=VALUE_BYTES[context.precision],
        )
        activations = yield from look.take(parts.trunk, row_bytes=size)
        inputs = ActivationInputs(activations, config=config, special_tokens=parts.special_tokens)
        return inputs, activations.unreadable
    paths = [picture.path for picture in pictures]
    unreadable: dict[int, str] = {}
    for index, reason in enumerate(in_background(partial(_why_unreadable, side=side_of(processor)), paths, ahead=16)):
        context.stop_if_asked()
        if reason:
            unreadable[index] = reason
    return PictureInputs(pictures, processor, config=config), unreadable


def _why_unreadable(path: Path, *, side: int) -> str | None:
    try:
        open_picture(path, side=side)
    except PictureError as error:
        return str(error)
    return None
