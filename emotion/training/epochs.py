"""The epochs: optimizer steps over the training pictures, each epoch followed by a validation."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from accelerate.utils import gather_object
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR

from emotion.core.config import TrainConfig
from emotion.core.errors import BackboneError, ConfigError
from emotion.core.events import EpochDone, Scores, StepDone
from emotion.inference.novelty import Seen, chosen, see
from emotion.training.context import Context, Model
from emotion.training.inputs import Examples, Inputs, batches, shard

VALIDATION_BATCH = 64
# The weight of recent steps: the average covers about the last quarter of all steps so far.
AVERAGE_DECAY = 3
# What a training continues from, tensors and plain values; None where it begins.
State = dict[str, Any] | None
NO_NUMBERS = "This backbone makes no numbers of these pictures: its weights are damaged, choose another one."


@dataclass(frozen=True)
class Best:
    """The epoch with the lowest validation loss; ``probabilities`` maps each validation picture's index among all
    pictures of the split to its (C,) probabilities. ``seen`` lets the run recognise familiar pictures.
    """

    epoch: int
    scores: Scores
    probabilities: dict[int, list[float]]
    weights: dict[str, Tensor]
    seen: Seen | None = None

    def to_state(self) -> dict[str, Any]:
        return {**vars(self), "scores": asdict(self.scores), "seen": self.seen and vars(self.seen)}

    @classmethod
    def from_state(cls, state: State) -> Best | None:
        """Rebuild what ``to_state`` returned, if anything. The state of an older version has no ``seen``."""
        if state is None:
            return None
        seen = state.get("seen")
        return cls(**{**state, "scores": Scores(**state["scores"]), "seen": Seen(**seen) if seen else None})


class Epochs:
    """Trains a model's head, and its body where that is trained; ``best`` is the epoch of lowest validation loss.

    ``seen`` are the features by which the run recognises familiar pictures. Where a body is trained, they change with
    it: ``seen`` is then None, and they are collected during each epoch, from training pictures with that epoch's
    variations and current weights, and from validation pictures with the weights that are saved. With a ``state``, the
    next epoch goes on from it: the order and the variations of the pictures depend only on the epoch.
    """

    def __init__(
        self, model: Model, inputs: Inputs, examples: Examples, context: Context, *, seen: Seen | None, state: State
    ) -> None:
        self.best: Best | None = None
        self.finished = 0
        self._context, self._config, self._head, self._step = context, context.config, model.head, 0
        self._inputs, self._examples, self._seen = inputs, examples, seen
        self._steps = math.ceil(len(examples.train) / self._config.batch_size) * self._config.epochs
        layers = model.trained.layers() if model.trained else []
        heads = list(model.head.linear.parameters())
        self._optimizer, self._scheduler = make_optimizer(heads, layers, config=self._config, steps=self._steps)
        self._cost = examples.cost(self._config.label_smoothing)
        self._top: nn.Module = model.trained or model.head.linear
        if context.processes > 1:
            self._top = context.accelerator.prepare_model(self._top)
        self._weights = model.weights()
        is_averaged = self._config.weight_averaging
        self._averages = {name: value.clone() for name, value in self._weights.items()} if is_averaged else {}
        self._references = set(chosen(examples.train, width=model.head.linear.in_features, seed=self._config.seed))
        self._passed: dict[int, Tensor] = {}
        if state is not None:
            copy_in_order(state["weights"], into=self._weights)
            averages = {name: value for name, value in state["average"].items() if name != "steps"}
            copy_in_order(averages, into=self._averages)
            self._optimizer.load_state_dict(state["optimizer"])
            self._scheduler.load_state_dict(state["scheduler"])
            self.finished, self._step, self.best = state["epoch"], state["step"], Best.from_state(state["best"])

    def run(self) -> Iterator[StepDone | EpochDone]:
        """Validate, then train and validate epoch by epoch.
        Raises Stopped on request; BackboneError or ConfigError where the loss is not a number.
        """
        self._began, self._resumed, self._pictures = time.perf_counter(), self._step, 0
        if self.finished == 0:
            yield self._validate(0, None)
            self._began = time.perf_counter()
        for epoch in range(self.finished + 1, self._config.epochs + 1):
            # Checked before an epoch, so that a run interrupted after its last epoch does not continue.
            waited = self.finished - self.best.epoch if self.best else 0
            if 0 < self._config.early_stopping <= waited:
                return
            sums = torch.zeros(4, dtype=torch.float64, device=self._context.device)
            yield from self._train(epoch, sums)
            done = self._validate(epoch, self._scores(sums))
            self.finished = epoch
            yield done

    def state(self) -> dict[str, Any]:
        """Return what is needed to continue after the last finished epoch."""
        return {
            "epoch": self.finished,
            "step": self._step,
            "weights": self._weights,
            "average": {"steps": self._step, **self._averages},
            "whitening": (self._head.mean, self._head.projection),
            "optimizer": self._optimizer.state_dict(),
            "scheduler": self._scheduler.state_dict(),
            "best": self.best and self.best.to_state(),
        }

    def _train(self, epoch: int, sums: Tensor) -> Iterator[StepDone]:
        """Train on every picture once and add to the epoch's ``sums``."""
        config, train = self._config, self._examples.train
        self._top.train()
        for batch in batches(len(train), batch_size=config.batch_size, seed=config.seed, epoch=epoch):
            self._context.stop_if_asked()
            rate = float(self._scheduler.get_last_lr()[0])
            indices, counts, logits = self._forward([train[place] for place in batch], epoch)
            labels = self._examples.labels[indices]
            # Gradients are averaged over the processes, so each process scales its loss by their number.
            loss = (self._cost(logits, labels) * counts).sum() * self._context.processes / len(batch)
            self._optimizer.zero_grad()
            loss.backward()
            if config.gradient_clipping:
                nn.utils.clip_grad_norm_(self._top.parameters(), config.gradient_clipping)
            self._optimizer.step()
            self._scheduler.step()
            self._step, self._pictures = self._step + 1, self._pictures + len(batch)
            self._update_averages()
            of_batch = _sums(logits, labels, counts)
            sums += of_batch
            scores = self._scores(of_batch)
            if not math.isfinite(scores.loss):
                raise ConfigError(f"The loss is not a number any more in epoch {epoch}: lower the learning rate.")
            yield StepDone(
                epoch=epoch,
                step=self._step,
                loss=scores.loss,
                accuracy=scores.accuracy,
                learning_rate=rate,
                pictures_per_second=self._pictures / (time.perf_counter() - self._began),
                remaining_seconds=self._remaining_seconds(),
            )

    def _validate(self, epoch: int, trained: Scores | None) -> EpochDone:
        """Validate the averaged weights, which become the best if they are, and return the event of the epoch."""
        validation, rows = self._examples.validation, list[tuple[int, list[float]]]()
        sums = torch.zeros(4, dtype=torch.float64, device=self._context.device)
        self._top.eval()
        self._exchange_averages()
        for start in range(0, len(validation), VALIDATION_BATCH):
            with torch.inference_mode():
                indices, counts, logits = self._forward(validation[start : start + VALIDATION_BATCH], None)
                sums += _sums(logits, self._examples.labels[indices], counts)
                rows += zip(indices, logits.softmax(1).tolist(), strict=True)
        scores, probabilities = self._scores(sums), dict(gather_object(rows))
        if epoch == 0 and not math.isfinite(scores.loss):
            raise BackboneError(NO_NUMBERS)
        is_best = epoch > 0 and (self.best is None or scores.loss < self.best.scores.loss)
        if is_best:
            weights = {name: value.clone() for name, value in self._weights.items()}
            self.best = Best(epoch, scores, probabilities, weights, self._seen or self._see())
        self._exchange_averages()
        return EpochDone(
            epoch=epoch,
            train_loss=trained.loss if trained else None,
            train_accuracy=trained.accuracy if trained else None,
            validation=scores,
            is_best=is_best,
            remaining_seconds=self._remaining_seconds(),
        )

    def _forward(self, batch: Sequence[int], epoch: int | None) -> tuple[list[int], Tensor, Tensor]:
        """Return this process's indices of a batch, how often each counts (padding does not), and their logits.

        Where a body is trained, features are collected for ``seen``. Logits are float32, a head alone computes in it.
        """
        indices, weights = shard(batch, rank=self._context.rank, processes=self._context.processes)
        counts = torch.tensor(weights, device=self._context.device)
        inputs = self._inputs(indices, epoch).to(self._context.device)
        if self._config.depth == "head":
            return indices, counts, self._top(inputs)
        with self._context.autocast():
            logits, features = self._top(inputs)
        for index, row in zip(indices, features.detach(), strict=True):
            if epoch is None or index in self._references:
                # Copied: a view would hold the whole batch in memory.
                self._passed[index] = row.clone()
        return indices, counts, logits.float()

    @torch.no_grad()
    def _update_averages(self) -> None:
        """Average the weights by polynomial decay (Shamir and Zhang 2013, arXiv 1212.1824)."""
        for name, average in self._averages.items():
            average.lerp_(self._weights[name], AVERAGE_DECAY / (self._step + AVERAGE_DECAY))

    @torch.no_grad()
    def _exchange_averages(self) -> None:
        """Give the model the averaged weights, or take them back."""
        for name, average in self._averages.items():
            live = self._weights[name].clone()
            self._weights[name].copy_(average)
            average.copy_(live)

    def _see(self) -> Seen:
        """Return the features collected in the epoch that was just validated."""
        found = dict(gather_object([(index, row.float().cpu()) for index, row in self._passed.items()]))
        references = [found[index] for index in sorted(self._references) if index in found]
        return see(torch.stack(references), torch.stack([found[index] for index in self._examples.validation]))

    def _remaining_seconds(self) -> float:
        """Return the estimated time for the remaining steps, at the pace so far, which includes the validations."""
        taken = self._step - self._resumed
        return (time.perf_counter() - self._began) / taken * (self._steps - self._step) if taken else 0.0

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


def make_optimizer(
    head: Sequence[nn.Parameter], layers: Sequence[Sequence[nn.Parameter]], *, config: TrainConfig, steps: int
) -> tuple[torch.optim.Optimizer, LambdaLR]:
    """Return AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) and its schedule: a linear warm-up, then down to 0.

    ``layers`` are the body's weights, lowest first; lower layers have smaller rates (layer-wise decay: Howard and Ruder
    2018, arXiv 1801.06146; for vision transformers Bao et al. 2022, arXiv 2106.08254). Biases and normalisation layers
    have no weight decay; without decay AdamW is Adam.
    """
    rates = [(head, config.head_learning_rate)]
    for above, layer in zip(reversed(range(len(layers))), layers, strict=True):
        rates.append((layer, config.block_learning_rate * config.layer_decay**above))
    # Layers with the same rate share a group: fewer calls, and trainings of an older version can resume.
    groups: defaultdict[tuple[bool, float, bool], list[nn.Parameter]] = defaultdict(list)
    for parameters, rate in rates:
        for decays in (True, False):
            groups[parameters is head, rate, decays] += [each for each in parameters if (each.ndim > 1) is decays]
    options = [
        {"params": parameters, "lr": rate, "weight_decay": config.weight_decay if decays else 0.0}
        for (_, rate, decays), parameters in groups.items()
        if parameters
    ]
    warmup = round(steps * config.warmup_share)

    def share_of_rate(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        share = (step - warmup) / max(1, steps - warmup)
        shares = {"constant": 1.0, "linear": 1 - share, "cosine": (1 + math.cos(math.pi * share)) / 2}
        return shares[config.schedule]

    # One fused call for all weights saves a third of the time of a head's small steps.
    optimizer = torch.optim.AdamW(options, fused=True)
    return optimizer, LambdaLR(optimizer, share_of_rate)


@torch.no_grad()
def copy_in_order(values: Mapping[str, Tensor], *, into: Mapping[str, Tensor]) -> None:
    """Copy weights into others in the same order; their names may differ between versions."""
    for value, target in zip(values.values(), into.values(), strict=True):
        target.copy_(value)
