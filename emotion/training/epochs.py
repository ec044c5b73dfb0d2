"""The epochs: optimizer steps over the training pictures, each epoch followed by a validation."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from emotion.core.errors import BackboneError, ConfigError
from emotion.core.events import EpochDone, Scores, StepDone
from emotion.inference.novelty import Seen, chosen, see
from emotion.training.checkpoint import Best
from emotion.training.context import Context
from emotion.training.inputs import Examples, Inputs, batches, shard, steps_in
from emotion.training.model import Model
from emotion.training.optimizer import WeightAverage, copy_in_order, make_optimizer

VALIDATION_BATCH = 64
NO_NUMBERS = "This backbone makes no numbers of these pictures: its weights are damaged, choose another one."


class Epochs:
    """Trains a model's head, and its body where that is trained, and remembers the epoch of lowest validation loss.

    ``seen`` are the features by which the run recognises familiar pictures. Where a body is trained, they change with
    it: ``seen`` is then None, and they are collected during each epoch, from training pictures with that epoch's
    variations and current weights, and from validation pictures with the weights that are saved.
    """

    def __init__(
        self, model: Model, inputs: Inputs, examples: Examples, *, seen: Seen | None, context: Context
    ) -> None:
        self.best: Best | None = None
        self.stopped_early = False
        self.finished_epochs = 0
        self._context, self._config = context, context.config
        self._head, self._inputs, self._examples, self._seen = model.head, inputs, examples, seen
        self._train, self._validation = examples.train, examples.validation
        self._steps_per_epoch = steps_in(len(self._train), batch_size=self._config.batch_size)
        self._optimizer, self._scheduler = make_optimizer(
            list(model.head.linear.parameters()),
            model.trained.layers() if model.trained else [],
            config=self._config,
            steps=self._steps_per_epoch * self._config.epochs,
        )
        self._top: nn.Module = model.trained or model.head.linear
        if context.processes > 1:
            self._top = context.accelerator.prepare_model(self._top)
        self._weights = model.weights()
        self._average = WeightAverage(self._weights, on=self._config.weight_averaging)
        self._step = 0
        self._references = set(chosen(self._train, width=model.head.linear.in_features, seed=self._config.seed))
        self._passed: dict[int, Tensor] = {}

    def run(self) -> Iterator[StepDone | EpochDone]:
        """Validate, then train and validate epoch by epoch; after ``resume_from``, continue with the next epoch.
        Raises Stopped on request; BackboneError or ConfigError where the loss is not a number.
        """
        if self.finished_epochs == 0:
            scores, _ = self._validate()
            if not math.isfinite(scores.loss):
                raise BackboneError(NO_NUMBERS)
            yield EpochDone(
                epoch=0,
                train_loss=None,
                train_accuracy=None,
                validation=scores,
                is_best=False,
                remaining_seconds=0.0,
            )
        self._began, self._resumed_step, self._pictures = time.perf_counter(), self._step, 0
        for epoch in range(self.finished_epochs + 1, self._config.epochs + 1):
            # Checked before an epoch, so that a run interrupted after its last epoch does not continue.
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
            trained = self._scores(sums)
            yield EpochDone(
                epoch=epoch,
                train_loss=trained.loss,
                train_accuracy=trained.accuracy,
                validation=scores,
                is_best=is_best,
                remaining_seconds=self._remaining_seconds(),
            )

    def state(self) -> dict[str, Any]:
        """Return what ``resume_from`` needs to continue after the last finished epoch: tensors and plain values."""
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
        """Continue from ``state``. The order and the variations of the pictures depend only on the epoch."""
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
            yield StepDone(
                epoch=epoch,
                step=self._step,
                loss=scores.loss,
                accuracy=scores.accuracy,
                learning_rate=rate,
                pictures_per_second=self._pictures / (time.perf_counter() - self._began),
                remaining_seconds=self._remaining_seconds(),
            )

    def _remaining_seconds(self) -> float:
        """Return the estimated time for the remaining steps, at the pace so far, which includes the validations."""
        pace = (time.perf_counter() - self._began) / (self._step - self._resumed_step)
        return pace * (self._steps_per_epoch * self._config.epochs - self._step)

    def _take_step(self, indices: list[int], counts: Tensor, size: int, epoch: int) -> Tensor:
        """Train on this process's part of a batch of ``size`` and return its sums."""
        config, target = self._config, self._examples.labels[indices]
        logits, features = self._forward(self._inputs.training(indices, epoch=epoch))
        if features is not None:
            self._note(indices, features, only=self._references)
        losses = functional.cross_entropy(
            logits,
            target,
            weight=self._examples.class_weights,
            reduction="none",
            label_smoothing=config.label_smoothing,
        )
        # Gradients are averaged over the processes, so each process scales its loss by their number.
        loss = (losses * counts).sum() * self._context.processes / size
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        if config.gradient_clipping:
            nn.utils.clip_grad_norm_(self._top.parameters(), config.gradient_clipping)
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
            batch = self._validation[start : start + VALIDATION_BATCH]
            places, weights = shard(range(len(batch)), rank=context.rank, processes=context.processes)
            indices = [batch[place] for place in places]
            logits, features = self._forward(self._inputs.plain(indices))
            if features is not None:
                self._note(indices, features)
            sums += _sums(logits, self._examples.labels[indices], torch.tensor(weights, device=context.device))
            said = zip(indices, logits.softmax(1).tolist(), weights, strict=True)
            rows += [(index, row) for index, row, weight in said if weight]
        return self._scores(sums), dict(context.gathered(rows))

    def _forward(self, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return logits, and features where a body is trained. A head alone is computed in float32."""
        inputs = inputs.to(self._context.device)
        if self._config.depth == "head":
            return self._top(inputs), None
        with self._context.autocast():
            logits, features = self._top(inputs)
        return logits.float(), features.detach()

    def _note(self, indices: Sequence[int], features: Tensor, *, only: set[int] | None = None) -> None:
        # Copied: a view would hold the whole batch in memory.
        rows = zip(indices, features, strict=True)
        self._passed |= {index: row.clone() for index, row in rows if only is None or index in only}

    def _see(self) -> Seen:
        """Return the features collected in the epoch that was just validated."""
        rows = [(index, row.float().cpu().numpy()) for index, row in self._passed.items()]
        found = dict(self._context.gathered(rows))
        references = [found[index] for index in sorted(self._references) if index in found]
        return see(np.stack(references), np.stack([found[index] for index in self._validation]))

    def _scores(self, sums: Tensor) -> Scores:
        """Return the means over the pictures of all processes."""
        loss, hits, confidence, count = self._context.accelerator.reduce(sums, reduction="sum").tolist()
        return Scores(loss=loss / count, accuracy=hits / count, correct_confidence=confidence / count)


def _sums(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Return (4,) sums of loss, hits, probability of the label, and count, of (B, C) logits weighted by (B,)."""
    logits = logits.detach().float()
    loss = functional.cross_entropy(logits, labels, reduction="none")
    hits = (logits.argmax(1) == labels).float()
    confidence = logits.softmax(1).gather(1, labels[:, None]).squeeze(1)
    return torch.stack([loss * weights, hits * weights, confidence * weights, weights]).sum(1).double()
