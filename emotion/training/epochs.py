"""The epochs: optimizer steps over the training pictures, and a validation after each."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from accelerate.utils import gather_object
from torch import Tensor, nn
from torch.nn import functional

from emotion.backbones.anatomy import CutModel
from emotion.errors import ConfigError
from emotion.events import EpochDone, Scores, StepDone
from emotion.training.averaging import WeightAverage
from emotion.training.batches import batches, shard, steps_in
from emotion.training.context import Context
from emotion.training.device import autocast
from emotion.training.inputs import Inputs
from emotion.training.keeping import Best, trained_weights
from emotion.training.optimizing import make_optimizer
from emotion.training.remembering import Memory
from emotion.training.scoring import Tally
from emotion.training.weighting import class_weights

VALIDATION_BATCH = 64


class Epochs:
    """Trains the part of a model that is to be trained, and remembers the epoch with the lowest validation loss.

    ``top`` makes logits of ``inputs``: the top of ``cut``, or a part of it that has all the weights to train.
    ``train`` and ``validation`` are indices into ``inputs`` and into ``labels``, the (pictures,) class indices.
    ``memory`` notes what is seen, where that is to be known later.
    """

    def __init__(
        self,
        cut: CutModel,
        top: nn.Module,
        inputs: Inputs,
        labels: Tensor,
        *,
        train: Sequence[int],
        validation: Sequence[int],
        context: Context,
        memory: Memory | None = None,
    ) -> None:
        self.best: Best | None = None
        self.stopped_early = False
        self.finished_epochs = 0
        self._validation_seconds = 0.0
        self._cut = cut
        self._inputs = inputs
        self._memory = memory
        self._labels = labels.to(context.device)
        self._train, self._validation = train, validation
        self._class_weights = class_weights(
            self._labels[list(train)], classes=int(self._labels.max()) + 1, on=context.config.class_weights
        )
        self._context = context
        self._config = context.config
        self._steps_per_epoch = steps_in(len(train), batch_size=self._config.batch_size)
        self._optimizer, self._scheduler = make_optimizer(
            cut.trainable_groups(), config=self._config, steps=self._steps_per_epoch * self._config.epochs
        )
        self._top = context.accelerator.prepare_model(top) if context.processes > 1 else top
        self._average = WeightAverage(trained_weights(cut), on=self._config.weight_averaging)
        self._step = 0

    def run(self) -> Iterator[StepDone | EpochDone]:
        """Validate, then train and validate epoch by epoch; after ``resume_from`` go on with the next epoch.

        Raises:
            Stopped: somebody asked for it between two steps.
        """
        if self.finished_epochs == 0:
            began = time.perf_counter()
            scores, _ = self._validate()
            self._validation_seconds = time.perf_counter() - began
            yield self._epoch_done(0, None, scores, is_best=False, remaining_seconds=0.0)
        self._began, resumed_epochs = time.perf_counter(), self.finished_epochs
        self._resumed_steps, self._pictures = self._step, 0
        for epoch in range(self.finished_epochs + 1, self._config.epochs + 1):
            # Asked before an epoch, so that a run that was cut off after its last one does not go on.
            self.stopped_early = self._has_waited_enough()
            if self.stopped_early:
                return
            tally = Tally(self._context.accelerator)
            yield from self._train_epoch(epoch, tally)
            with self._average.in_place():
                scores, probabilities = self._validate()
                is_best = self.best is None or scores.loss < self.best.scores.loss
                if is_best:
                    weights = {name: value.clone() for name, value in trained_weights(self._cut).items()}
                    seen = self._memory.seen() if self._memory else None
                    self.best = Best(epoch, scores, probabilities, weights, seen)
            self.finished_epochs = epoch
            pace = (time.perf_counter() - self._began) / (epoch - resumed_epochs)
            remaining = pace * (self._config.epochs - epoch)
            yield self._epoch_done(epoch, tally.scores(), scores, is_best=is_best, remaining_seconds=remaining)

    def _has_waited_enough(self) -> bool:
        waited = self.finished_epochs - self.best.epoch if self.best else 0
        return 0 < self._config.early_stopping <= waited

    def state(self) -> dict[str, Any]:
        """Return what ``resume_from`` needs to go on after the last finished epoch: tensors and plain values."""
        return {
            "epoch": self.finished_epochs,
            "step": self._step,
            "weights": trained_weights(self._cut),
            "average": self._average.state(),
            "whitening": (self._cut.top.mean, self._cut.top.projection),
            "optimizer": self._optimizer.state_dict(),
            "scheduler": self._scheduler.state_dict(),
            "best": self.best.to_state() if self.best else None,
        }

    def resume_from(self, state: dict[str, Any]) -> None:
        """Go on from ``state``. The order and the variations of the pictures depend on the epoch alone."""
        with torch.no_grad():
            for name, value in trained_weights(self._cut).items():
                value.copy_(state["weights"][name])
        self._average.resume_from(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._scheduler.load_state_dict(state["scheduler"])
        self.finished_epochs, self._step = state["epoch"], state["step"]
        self.best = Best.from_state(state["best"]) if state["best"] else None

    def _train_epoch(self, epoch: int, tally: Tally) -> Iterator[StepDone]:
        config, context = self._config, self._context
        self._top.train()
        for batch in batches(len(self._train), batch_size=config.batch_size, seed=config.seed, epoch=epoch):
            context.stop_if_asked()
            places, weights = shard(batch, rank=context.rank, processes=context.processes)
            indices = [self._train[place] for place in places]
            rate = float(self._scheduler.get_last_lr()[0])
            counts = torch.tensor(weights, device=context.device)
            scores = self._take_step(indices, counts, len(batch), epoch, tally)
            if not math.isfinite(scores.loss):
                raise ConfigError(f"The loss is not a number any more in epoch {epoch}: lower the learning rate.")
            self._pictures += len(batch)
            elapsed = time.perf_counter() - self._began
            pace = elapsed / (self._step - self._resumed_steps)
            steps_left = self._steps_per_epoch * config.epochs - self._step
            yield StepDone(
                elapsed_seconds=context.elapsed_seconds,
                epoch=epoch,
                step=self._step,
                loss=scores.loss,
                accuracy=scores.accuracy,
                learning_rate=rate,
                pictures_per_second=self._pictures / elapsed,
                # Validations so far are in the pace already, but for the first epoch's.
                remaining_seconds=pace * steps_left + self._validation_seconds * (1 if epoch > 1 else config.epochs),
            )

    def _take_step(self, indices: list[int], weights: Tensor, size: int, epoch: int, tally: Tally) -> Scores:
        context = self._context
        target = self._labels[indices]
        logits = self._logits(self._inputs.training(indices, epoch=epoch))
        if self._memory:
            self._memory.trained_on(indices)
        losses = functional.cross_entropy(
            logits,
            target,
            weight=self._class_weights,
            reduction="none",
            label_smoothing=self._config.label_smoothing,
        )
        # Processes average their gradients, so each counts its part as if the batch had as many times more.
        loss = (losses * weights).sum() * context.processes / size
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        if self._config.gradient_clipping:
            nn.utils.clip_grad_norm_(self._top.parameters(), self._config.gradient_clipping)
        self._optimizer.step()
        self._scheduler.step()
        self._average.update()
        self._step += 1
        batch_tally = Tally(context.accelerator)
        batch_tally.add(logits, target, weights)
        tally.include(batch_tally)
        return batch_tally.scores()

    @torch.inference_mode()
    def _validate(self) -> tuple[Scores, dict[int, list[float]]]:
        """Return the scores, and each validation picture's probabilities by its index."""
        context = self._context
        rows: list[tuple[int, list[float]]] = []
        tally = Tally(context.accelerator)
        self._top.eval()
        for start in range(0, len(self._validation), VALIDATION_BATCH):
            batch = list(self._validation[start : start + VALIDATION_BATCH])
            places, weights = shard(range(len(batch)), rank=context.rank, processes=context.processes)
            indices = [batch[place] for place in places]
            logits = self._logits(self._inputs.plain(indices))
            if self._memory:
                self._memory.validated(indices)
            tally.add(logits, self._labels[indices], torch.tensor(weights, device=context.device))
            rows += [
                (index, row)
                for index, row, weight in zip(indices, logits.softmax(1).tolist(), weights, strict=True)
                if weight
            ]
        return tally.scores(), dict(gather_object(rows) if context.processes > 1 else rows)

    def _logits(self, inputs: Tensor) -> Tensor:
        # A head on its own is computed in float32: it costs nothing, and bfloat16 would blur its steps.
        precision = "float32" if self._config.depth == "head" else self._context.precision
        with autocast(self._context.device, precision):
            logits: Tensor = self._top(inputs.to(self._context.device))
        return logits.float()

    def _epoch_done(
        self, epoch: int, trained: Scores | None, scores: Scores, *, is_best: bool, remaining_seconds: float
    ) -> EpochDone:
        return EpochDone(
            elapsed_seconds=self._context.elapsed_seconds,
            epoch=epoch,
            train_loss=trained.loss if trained else None,
            train_accuracy=trained.accuracy if trained else None,
            validation=scores,
            is_best=is_best,
            remaining_seconds=remaining_seconds,
        )
