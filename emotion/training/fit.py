"""fit(): one training from the settings to the checkpoint, as a generator of events."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Collection, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import BaseImageProcessor

from emotion.backbones.network import Frozen, Head, Network, Trained, load_backbone
from emotion.backbones.pixels import in_background, load_processor, side_of
from emotion.backbones.registry import BackboneSource
from emotion.core.config import TrainConfig
from emotion.core.errors import BackboneError, PictureError
from emotion.core.events import EpochDone, Event, PicturesSkipped, RunFinished, RunStarted, RunStopped, TrunkProgress
from emotion.data.decoding import open_picture
from emotion.data.sampling import Split
from emotion.inference.novelty import chosen, see
from emotion.training.cache import Cache
from emotion.training.checkpoint import Best, keep_best, load_state, save_state
from emotion.training.context import Context, Stopped, never, threads_for
from emotion.training.epochs import Epochs, weights_of
from emotion.training.features import Features, Look, make_recipe, row_bytes_of
from emotion.training.head import class_weights, seen_by, train_head, whiten
from emotion.training.inputs import FeatureInputs, Inputs, PictureInputs
from emotion.training.order import steps_in

if sys.platform != "win32":
    import resource


@dataclass(frozen=True)
class _Parts:
    """A backbone as a training needs it; ``patches`` is how many tokens patch dropout may choose from, 0 for none."""

    network: Network
    head: Head
    processor: BaseImageProcessor
    patches: int
    notes: list[str]


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
        BackboneError: the backbone cannot be loaded, or trained as asked.
        PictureError: too few pictures can be read.
        OSError: the disk is full or cannot be written.
    """
    context = Context(config, should_stop, time.perf_counter() if started is None else started)
    # The head's first weights are drawn while the model loads.
    torch.manual_seed(config.seed)
    parts = _load(config, split.classes, backbone.path, context.device)
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
        notes=parts.notes,
    )
    epochs: Epochs | None = None
    features: Features | None = None
    trained: Trained | None = None
    unreadable: dict[int, str] = {}
    stopped = False
    try:
        if config.depth == "all":
            unreadable = _unreadable(split, parts, context)
        else:
            features = yield from _look(split, parts, backbone, cache, context)
            unreadable = features.unreadable
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
        with threads_for(config.depth):
            epochs, trained = _begin(parts, split, features, train, validation, state, context)
            for event in epochs.run():
                yield event
                # Saved once the event is out, so that no epoch is kept that its run does not know of.
                if isinstance(event, EpochDone) and event.epoch and context.rank == 0:
                    save_state(epochs.state(), folder=folder / "resume")
    except Stopped:
        stopped = True
    finally:
        if features is not None:
            features.close()
    best = epochs.best if epochs else _best_of(state, parts.head)
    if best is None:
        yield RunStopped(elapsed_seconds=context.elapsed_seconds, best_epoch=None, validation=None)
        return
    if context.rank == 0:
        left_out = [pictures[index].path for index in unreadable]
        _keep(best, parts, trained, split, config, folder, left_out)
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
    parts = _load(config, split.classes, backbone, torch.device("cpu"))
    best = _best_of(state, parts.head)
    if best is not None:
        _keep(best, parts, None, split, config, folder, unreadable)
    return best


def peak_memory_megabytes() -> float:
    """Return the most resident memory this process has had, in MB (10^6 bytes); 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _load(config: TrainConfig, classes: list[str], path: Path, device: torch.device) -> _Parts:
    """Load a backbone and see that it can be trained as asked; what it has not of a setting is a note."""
    network = load_backbone(path, classes=classes, image_size=config.image_size)
    processor = load_processor(path, image_size=network.image_size)
    network.model.to(device).requires_grad_(False)
    network.head.requires_grad_(True)
    notes, patches, blocks = list(network.notes), 0, len(network.blocks)
    if isinstance(config.depth, int):
        if not blocks:
            raise BackboneError("This backbone is no plain list of blocks: use the depth head or all.")
        if config.depth > blocks:
            raise BackboneError(
                f"Depth {config.depth} is more than this backbone's {blocks} blocks: use fewer, or all."
            )
        patches = network.patches if config.patch_dropout and _drops_patches(network, config.depth) else 0
        if config.patch_dropout and not patches:
            notes.append("This backbone needs all patches of a picture: none are left out.")
    elif config.layer_decay < 1 and config.depth == "all" and not blocks:
        notes.append("This backbone is no plain list of blocks: layer decay does nothing.")
    return _Parts(network, Head(network.head), processor, patches, notes)


def _drops_patches(network: Network, depth: int) -> bool:
    tokens, width = network.tokens
    try:
        with torch.no_grad():
            network.features_after(torch.zeros(1, tokens - 1, width, device=network.head.weight.device), blocks=depth)
    except Exception:  # noqa: BLE001  # whatever a foreign model raises of fewer tokens than it has positions for
        return False
    return True


def _look(
    split: Split, parts: _Parts, backbone: BackboneSource, cache: Cache, context: Context
) -> Generator[TrunkProgress, None, Features]:
    """Have what the frozen part makes of the pictures."""
    blocks = context.config.depth if isinstance(context.config.depth, int) else 0
    recipe = make_recipe(context.config, weights=backbone.sha256, processor=parts.processor, context=context)
    look = Look(split.train + split.validation, len(split.train), parts.processor, recipe, cache, context)
    frozen = Frozen(parts.network, trained_blocks=blocks, precision=context.precision)
    size = row_bytes_of(parts.network, trained_blocks=blocks, context=context)
    return (yield from look.take(frozen, row_bytes=size))


def _unreadable(split: Split, parts: _Parts, context: Context) -> dict[int, str]:
    """Return which pictures cannot be read, by their index, and why."""
    paths = [picture.path for picture in split.train + split.validation]
    work = partial(_why_unreadable, side=side_of(parts.processor))
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
    parts: _Parts,
    split: Split,
    features: Features | None,
    train: list[int],
    validation: list[int],
    state: dict[str, Any] | None,
    context: Context,
) -> tuple[Epochs, Trained | None]:
    """Return the epochs of a training, and what is trained besides the head, as far as they are.

    Where a part is frozen, its features are whitened over the ``train`` pictures; where blocks are trained on top of
    it, the head is trained first, on its own.
    """
    config, head = context.config, parts.head
    pictures = split.train + split.validation
    labels = torch.tensor([split.classes.index(picture.label) for picture in pictures])
    weights = class_weights(labels[train], classes=len(split.classes)) if config.class_weights else None
    weights = weights.to(context.device) if weights is not None else None
    trained: Trained | None = None
    seen = None
    inputs: Inputs
    if features is None:
        trained = Trained(parts.network, head, "all")
        inputs = PictureInputs(pictures, parts.processor, config=config)
    elif config.depth == "head":
        references = chosen(train, width=parts.network.width, seed=config.seed)
        seen = see(features.take(references).numpy(), features.take(validation).numpy())
        whiten(head, features, labels, train, views=config.views)
        # Nothing but the head changes, so what it sees is computed once and not in every step.
        inputs = FeatureInputs(seen_by(head, features, context), config=config)
    else:
        trained = Trained(parts.network, head, config.depth)
        inputs = FeatureInputs(features, config=config, patches=parts.patches)
        if state is None:
            pooled = _through(trained, features, context)
            whiten(head, pooled, labels, train, views=config.views)
            train_head(head, seen_by(head, pooled, context), labels, train, weights, context)
    if trained is not None and state is not None:
        head.whiten(*state["whitening"])
    epochs = Epochs(
        head, trained, inputs, labels, train=train, validation=validation, class_weights=weights, seen=seen,
        context=context,
    )  # fmt: skip
    if state is not None:
        epochs.resume_from(state)
    return epochs, trained


@torch.inference_mode()
def _through(trained: Trained, tokens: Features, context: Context) -> Features:
    """Return the features of kept tokens."""

    def work(rows: torch.Tensor) -> torch.Tensor:
        context.stop_if_asked()
        with context.autocast():
            _, features = trained(rows.to(context.device))
        seen: torch.Tensor = features.cpu()
        return seen

    return tokens.through(work)


def _best_of(state: dict[str, Any] | None, head: Head) -> Best | None:
    """Return a kept state's best epoch, and let ``head`` whiten features as it did."""
    if state is None or state["best"] is None:
        return None
    head.whiten(*state["whitening"])
    return Best.from_state(state["best"])


def _keep(
    best: Best,
    parts: _Parts,
    trained: Trained | None,
    split: Split,
    config: TrainConfig,
    folder: Path,
    unreadable: Collection[Path],
) -> None:
    if trained is None and config.depth != "head":
        trained = Trained(parts.network, parts.head, config.depth)
    weights = weights_of(parts.head, trained)
    keep_best(
        best, parts.network, parts.head, weights, parts.processor, split, config=config, folder=folder,
        unreadable=unreadable,
    )  # fmt: skip
