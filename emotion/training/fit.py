"""fit(): one training, from settings to checkpoint, as a generator of events; and what it saves, each atomically."""

from __future__ import annotations

import math
import os
import pickle
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from emotion.backbones.pixels import in_background, side_of
from emotion.backbones.registry import BackboneSource
from emotion.core.config import TrainConfig
from emotion.core.errors import PictureError
from emotion.core.events import EpochDone, Event, PicturesSkipped, RunFinished, RunStarted, RunStopped
from emotion.core.prediction import FEWEST
from emotion.core.scored import ScoredPicture
from emotion.data.decoding import open_picture
from emotion.data.folders import Picture
from emotion.data.sampling import Split
from emotion.inference.novelty import save_seen
from emotion.runs.card import model_card
from emotion.runs.validation import Validation, save_validation
from emotion.training.context import Context, Model, Stopped, load_model, threads_for
from emotion.training.epochs import Best, State, copy_in_order
from emotion.training.features import Features, look
from emotion.training.head import begin
from emotion.training.inputs import Examples

if sys.platform != "win32":
    import resource

# The file to resume from, in the run's folder.
STATE = "resume/state.pt"


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
    model = load_model(config, split.classes, backbone, context.device)
    pictures, state = split.train + split.validation, _load_state(folder / STATE)
    best: Best | None = None
    features: Features | None = None
    unreadable: dict[Path, str] = {}
    if state:
        # What the state knows is kept, however early the training is stopped.
        best = Best.from_state(state["best"])
        unreadable = {pictures[index].path: reason for index, reason in state.get("unreadable", {}).items()}
        model.head.whiten(*state["whitening"])
    stopped = stopped_early = False
    try:
        context.stop_if_asked()
        yield RunStarted(
            classes=split.classes,
            train_pictures=len(split.train),
            validation_pictures=len(split.validation),
            epochs=config.epochs,
            steps_per_epoch=math.ceil(len(split.train) / config.batch_size),
            device=str(context.device),
            precision=context.precision,
            processes=context.processes,
            resumed_epochs=state["epoch"] if state else 0,
            notes=model.notes,
        )
        if config.depth == "all":
            unreadable = _unreadable(pictures, side_of(model.backbone.processor), context)
        else:
            features = yield from look(pictures, model.backbone, context, varied=len(split.train))
            unreadable = features.unreadable
        examples = Examples.of(split, unreadable, context)
        by_index = {index: unreadable[each.path] for index, each in enumerate(pictures) if each.path in unreadable}
        if unreadable:
            yield PicturesSkipped(
                reasons={str(pictures[index].path): reason for index, reason in by_index.items()},
                train_pictures=len(examples.train),
                validation_pictures=len(examples.validation),
                steps_per_epoch=math.ceil(len(examples.train) / config.batch_size),
            )
        for part in (examples.train, examples.validation):
            if {picture.label for picture in examples.at(part)} != set(split.classes):
                raise PictureError(
                    f"{len(unreadable)} of {len(pictures)} pictures cannot be read, too many: add some to every class."
                )
        with threads_for(config.depth):
            epochs = begin(model, features, examples, context, state=state)
            for event in epochs.run():
                yield event
                best = epochs.best
                # Saved after the event is yielded, so that every saved epoch is in the run's events.
                if isinstance(event, EpochDone) and event.epoch and context.rank == 0:
                    _save_state(epochs.state() | {"unreadable": by_index}, folder / STATE)
        stopped_early = epochs.finished < config.epochs
    except Stopped:
        stopped = True
    if best is None:
        yield RunStopped(best_epoch=None, validation=None)
        return
    if context.rank == 0:
        _save(best, model, split, config=config, folder=folder, unreadable=unreadable)
        if not stopped:
            shutil.rmtree((folder / STATE).parent, ignore_errors=True)
    context.accelerator.wait_for_everyone()
    if stopped:
        yield RunStopped(best_epoch=best.epoch, validation=best.scores)
        return
    yield RunFinished(
        best_epoch=best.epoch,
        validation=best.scores,
        peak_memory_megabytes=_peak_memory_megabytes(),
        stopped_early=stopped_early,
    )


def _unreadable(pictures: Sequence[Picture], side: int, context: Context) -> dict[Path, str]:
    """Return the unreadable pictures, each with the reason."""

    def reason(picture: Picture) -> str:
        try:
            open_picture(picture.path, side=side)
        except PictureError as error:
            return str(error)
        return ""

    found: dict[Path, str] = {}
    for picture, said in zip(pictures, in_background(reason, pictures, ahead=16), strict=True):
        context.stop_if_asked()
        if said:
            found[picture.path] = said
    return found


def _save(
    best: Best, model: Model, split: Split, *, config: TrainConfig, folder: Path, unreadable: Collection[Path]
) -> None:
    """Load the ``best`` weights into the model and write ``checkpoint/``, ``validation.json`` and ``seen``.

    The whitening is folded into the checkpoint's head. Each file replaces that of an older checkpoint of the same run,
    the weights last, so that it stays loadable. The model card does not count ``unreadable`` pictures.
    """
    copy_in_order(best.weights, into=model.weights())
    pictures, root, rows = split.train + split.validation, Path(config.pictures).resolve(), list[ScoredPicture]()
    for index, probabilities in sorted(best.probabilities.items()):
        name = pictures[index].path.relative_to(root).as_posix()
        scores = dict(zip(split.classes, probabilities, strict=True))
        rows.append(ScoredPicture(name, "", pictures[index].label, scores))
    save_validation(Validation(best.epoch, split.classes, rows), folder)
    if best.seen is not None:
        save_seen(best.seen, folder)
    knows_unknown = best.seen is not None and len(best.seen.distances) >= FEWEST
    read = split.without(unreadable)
    card = model_card(config, read, best_epoch=best.epoch, scores=best.scores, knows_unknown=knows_unknown)
    checkpoint, beside, network = folder / "checkpoint", folder / f".checkpoint-{os.getpid()}", model.backbone.network
    state = {name: value.detach() for name, value in network.model.state_dict().items()}
    state[f"{network.head_name}.weight"], state[f"{network.head_name}.bias"] = model.head.folded()
    try:
        network.model.save_pretrained(beside, state_dict=state)
        model.backbone.processor.save_pretrained(beside)
        (beside / "README.md").write_text(card, encoding="utf-8")
        checkpoint.mkdir(exist_ok=True)
        # safetensors makes its files readable by their owner only.
        mode = (beside / "README.md").stat().st_mode
        for file in sorted(beside.iterdir(), key=lambda file: file.suffix == ".safetensors"):
            file.chmod(mode)
            file.replace(checkpoint / file.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _save_state(state: dict[str, Any], path: Path) -> None:
    """Write a training's state in one rename. Raises RuntimeError, of an OSError, on a full disk."""
    path.parent.mkdir(exist_ok=True)
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        # Given a path, torch would lose the cause of a failed write.
        with beside.open("wb") as file:
            torch.save(state, file)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _load_state(path: Path) -> State:
    """Return a training's state; None where it is missing or damaged, so that the training starts anew."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError):
        return None
    return state


def _peak_memory_megabytes() -> float:
    """Return this process's peak resident memory in MB (10^6 bytes); 0 where the system does not report it."""
    if sys.platform == "win32":
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
