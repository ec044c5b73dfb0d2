"""The epochs: optimizer steps over the training pictures, and a validation after each."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from emotion.backbones.network import Head, Trained
from emotion.core.errors import BackboneError, ConfigError
from emotion.core.events import EpochDone, Scores, StepDone
from emotion.inference.novelty import Seen, chosen, see
from emotion.training.checkpoint import Best
from emotion.training.context import Context
from emotion.training.head import NO_NUMBERS
from emotion.training.inputs import Inputs
from emotion.training.optimizer import WeightAverage, copy_in_order, make_optimizer
from emotion.training.order import batches, shard, steps_in

VALIDATION_BATCH = 64


class Epochs:
    """Trains a head, or ``trained`` with the head that it has, and remembers the best epoch by validation loss.

    ``train`` and ``validation`` are indices into ``inputs`` and ``labels``, the (pictures,) class indices.
    ``seen`` is what the pictures will be known by. Where a body is trained, which changes that, it is None and taken
    from the features as they pass: those of training pictures in the epoch's variations and with the weights of that
    moment, those of validation pictures with the weights that are kept.
    """

    def __init__(
        self,
        head: Head,
        trained: Trained | None,
        inputs: Inputs,
        labels: Tensor,
        *,
        train: Sequence[int],
        validation: Sequence[int],
        class_weights: Tensor | None,
        seen: Seen | None,
        context: Context,
    ) -> None:
        self.best: Best | None = None
        self.stopped_early = False
        self.finished_epochs = 0
        self._context, self._config = context, context.config
        self._head, self._inputs, self._seen = head, inputs, seen
        self._labels = labels.to(context.device)
        self._train, self._validation = train, validation
        self._class_weights = class_weights
        self._steps_per_epoch = steps_in(len(train), batch_size=self._config.batch_size)
        self._optimizer, self._scheduler = make_optimizer(
            list(head.linear.parameters()),
            trained.layers() if trained else [],
            config=self._config,
            steps=self._steps_per_epoch * self._config.epochs,
        )
        top: nn.Module = trained or head.linear
        self._top = context.accelerator.prepare_model(top) if context.processes > 1 else top
        self._weights = weights_of(head, trained)
        self._average = WeightAverage(self._weights, on=self._config.weight_averaging)
        self._step, self._validation_seconds = 0, 0.0
        self._references = set(chosen(train, width=head.linear.in_features, seed=self._config.seed))
        self._passed: dict[int, Tensor] = {}

    def run(self) -> Iterator[StepDone | EpochDone]:
        """Validate, then train and validate epoch by epoch; after ``resume_from`` go on with the next epoch.

        Raises:
            Stopped: somebody asked for it between two steps.
            BackboneError, ConfigError: the loss is no number, or not any more.
        """
        if self.finished_epochs == 0:
            began = time.perf_counter()
            scores, _ = self._validate()
            self._validation_seconds = time.perf_counter() - began
            if not math.isfinite(scores.loss):
                raise BackboneError(NO_NUMBERS)
            yield self._epoch_done(0, None, scores, is_best=False, remaining_seconds=0.0)
        self._began, resumed_epochs = time.perf_counter(), self.finished_epochs
        self._resumed_steps, self._pictures = self._step, 0
        for epoch in range(self.finished_epochs + 1, self._config.epochs + 1):
            # Asked before an epoch, so that a run that was cut off after its last one does not go on.
            waited = self.finished_epochs - self.best.epoch if self.best else 0
            self.stopped_early = 0 < self._config.early_stopping <= waited
            if self.stopped_early:
                return
            sums = torch.zeros(4, dtype=torch.float64, device=self._context.device)
            yield from self._train_epoch(epoch, sums)
            with self._average.in_place():
                scores, probabilities = self._validate()
                is_best = self.best is None or scores.loss < self.best.scores.loss
                if is_best:
                    weights = {name: value.clone() for name, value in self._weights.items()}
                    self.best = Best(epoch, scores, probabilities, weights, self._seen or self._see())
            self.finished_epochs = epoch
            pace = (time.perf_counter() - self._began) / (epoch - resumed_epochs)
            remaining = pace * (self._config.epochs - epoch)
            yield self._epoch_done(epoch, self._scores(sums), scores, is_best=is_best, remaining_seconds=remaining)

    def state(self) -> dict[str, Any]:
        """Return what ``resume_from`` needs to go on after the last finished epoch: tensors and plain values."""
        return {
            "epoch": self.finished_epochs,
            "step": self._step,
            "weights": self._weights,
            "average": self._average.state(),
            "whitening": (self._head.mean, self._head.projection),
            "optimizer": self._optimizer.state_dict(),
            "scheduler": self._scheduler.state_dict(),
            "best": self.best.to_state() if self.best else None,
        }

    def resume_from(self, state: dict[str, Any]) -> None:
        """Go on from ``state``. The order and the variations of the pictures depend on the epoch alone."""
        copy_in_order(state["weights"], into=self._weights)
        self._average.resume_from(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._scheduler.load_state_dict(state["scheduler"])
        self.finished_epochs, self._step = state["epoch"], state["step"]
        self.best = Best.from_state(state["best"]) if state["best"] else None

    def _train_epoch(self, epoch: int, sums: Tensor) -> Iterator[StepDone]:
        config, context = self._config, self._context
        self._top.train()
        for batch in batches(len(self._train), batch_size=config.batch_size, seed=config.seed, epoch=epoch):
            context.stop_if_asked()
            places, weights = shard(batch, rank=context.rank, processes=context.processes)
            rate = float(self._scheduler.get_last_lr()[0])
            counts = torch.tensor(weights, device=context.device)
            of_batch = self._take_step([self._train[place] for place in places], counts, len(batch), epoch)
            sums += of_batch
            scores = self._scores(of_batch)
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

    def _take_step(self, indices: list[int], counts: Tensor, size: int, epoch: int) -> Tensor:
        """Train on a process's part of a batch of ``size`` and return its sums."""
        target = self._labels[indices]
        logits, features = self._forward(self._inputs.training(indices, epoch=epoch))
        if features is not None:
            self._note(indices, features, only=self._references)
        losses = functional.cross_entropy(
            logits, target, weight=self._class_weights, reduction="none", label_smoothing=self._config.label_smoothing
        )
        # Processes average their gradients, so each counts its part as if the batch had as many times more.
        loss = (losses * counts).sum() * self._context.processes / size
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        if self._config.gradient_clipping:
            nn.utils.clip_grad_norm_(self._top.parameters(), self._config.gradient_clipping)
        self._optimizer.step()
        self._scheduler.step()
        self._average.update()
        self._step += 1
        return _sums(logits, target, counts)

    @torch.inference_mode()
    def _validate(self) -> tuple[Scores, dict[int, list[float]]]:
        """Return the scores, and each validation picture's probabilities by its index."""
        context, rows = self._context, list[tuple[int, list[float]]]()
        sums = torch.zeros(4, dtype=torch.float64, device=context.device)
        self._top.eval()
        for start in range(0, len(self._validation), VALIDATION_BATCH):
            batch = list(self._validation[start : start + VALIDATION_BATCH])
            places, weights = shard(range(len(batch)), rank=context.rank, processes=context.processes)
            indices = [batch[place] for place in places]
            logits, features = self._forward(self._inputs.plain(indices))
            if features is not None:
                self._note(indices, features)
            sums += _sums(logits, self._labels[indices], torch.tensor(weights, device=context.device))
            said = zip(indices, logits.softmax(1).tolist(), weights, strict=True)
            rows += [(index, row) for index, row, weight in said if weight]
        return self._scores(sums), dict(context.gathered(rows))

    def _forward(self, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return logits, and features where a body is trained. A head on its own is computed in float32."""
        inputs = inputs.to(self._context.device)
        if self._config.depth == "head":
            return self._top(inputs), None
        with self._context.autocast():
            logits, features = self._top(inputs)
        return logits.float(), features.detach()

    def _note(self, indices: Sequence[int], features: Tensor, *, only: set[int] | None = None) -> None:
        # Each a copy: a part of a batch would keep all of it in memory.
        rows = zip(indices, features, strict=True)
        self._passed |= {index: row.clone() for index, row in rows if only is None or index in only}

    def _see(self) -> Seen:
        """Return what passed in the epoch that has just been validated."""
        rows = [(index, row.float().cpu().numpy()) for index, row in self._passed.items()]
        found = dict(self._context.gathered(rows))
        references = [found[index] for index in sorted(self._references) if index in found]
        return see(np.stack(references), np.stack([found[index] for index in self._validation]))

    def _scores(self, sums: Tensor) -> Scores:
        """Return the means over every picture that any process counted."""
        accelerator = self._context.accelerator
        sums = accelerator.reduce(sums.clone(), reduction="sum") if self._context.processes > 1 else sums
        loss, hits, confidence, count = sums.tolist()
        return Scores(loss=loss / count, accuracy=hits / count, correct_confidence=confidence / count)

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


def weights_of(head: Head, trained: Trained | None) -> dict[str, Tensor]:
    """Return the weights that are trained, by name, the head's last; writing into them changes the model."""
    layers = [value for layer in trained.layers() for value in layer] if trained else []
    return {str(place): value.data for place, value in enumerate([*layers, *head.linear.parameters()])}


def _sums(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Return (4,) sums of loss, hits, probability of the label, and number of (B, C) logits by (B,) weights."""
    logits = logits.detach().float()
    loss = functional.cross_entropy(logits, labels, reduction="none")
    hits = (logits.argmax(1) == labels).float()
    confidence = logits.softmax(1).gather(1, labels[:, None]).squeeze(1)
    return torch.stack([loss * weights, hits * weights, confidence * weights, weights]).sum(1).double()
