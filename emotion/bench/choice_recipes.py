"""The recipes of a head that are compared, each one part more than the last, and the training of one of them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from emotion.backbones.anatomy import CutModel, Top
from emotion.bench.choice_features import CLOSER, FARTHER, MIRROR, OTHER_CLOSER, OTHER_FARTHER, PLAIN, Crop
from emotion.bench.choice_folds import FOLDS, Indices
from emotion.config import TrainConfig, preset
from emotion.pictures.folders import Picture, class_names
from emotion.pictures.splitting import split
from emotion.training.context import Context
from emotion.training.epochs import Epochs
from emotion.training.fit import never
from emotion.training.inputs import ActivationInputs
from emotion.training.keeping import trained_weights
from emotion.training.whitening import whitening

# What a head is judged on: the pictures, and views of them that it was not trained on.
JUDGED = (PLAIN, OTHER_CLOSER, OTHER_FARTHER)
Scaling = Literal["none", "standard", "within"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a head is trained: the settings, and what the engine no longer offers a choice of.

    ``scaling`` is what is done to features: nothing, a mean of 0 and a standard deviation of 1 for each, or whitening
    within classes. ``starts_at_zero`` is about the classifier's weights, else drawn as the engine draws them.
    ``views`` are the rows of the features that are trained on, as many as ``config`` has views.
    """

    name: str
    title: str
    config: TrainConfig
    crop: Crop = "square"
    views: tuple[int, ...] = (PLAIN,)
    scaling: Scaling = "within"
    starts_at_zero: bool = True


# The settings name a picture folder, which plays no part here.
QUICK = preset("Quick", pictures="-")
DEFAULT = TrainConfig(pictures="-")
_UNAVERAGED = replace(DEFAULT, weight_averaging=False)
_UNCLIPPED = replace(_UNAVERAGED, gradient_clipping=0.0)
_FORMER = replace(_UNCLIPPED, head_learning_rate=3e-3)
_PLAIN = replace(_FORMER, label_smoothing=0.0, schedule="constant", warmup_share=0.0, weight_decay=0.0)
# A head's inputs have two views with this setting; the second one is the mirror here.
_TWO_VIEWS = replace(QUICK, augmentation="light")
_ZOOMED = (PLAIN, CLOSER, FARTHER)

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="plain", title="plain linear head: raw features, the Hub's resize and crop, Adam at 3e-3, constant",
        config=_PLAIN, crop="margin", scaling="none", starts_at_zero=False,
    ),
    Recipe(
        name="standardised", title="standardised features, smoothing 0.05, weight decay 0.01, cosine with warm-up",
        config=_FORMER, crop="margin", scaling="standard", starts_at_zero=False,
    ),
    Recipe(
        name="square", title="+ a crop that makes a square only",
        config=_FORMER, scaling="standard", starts_at_zero=False,
    ),
    Recipe(name="zero", title="+ a classifier that begins at zero", config=_FORMER, scaling="standard"),
    Recipe(name="whitened", title="+ whitening within classes, rate 1.5e-3", config=_UNCLIPPED),
    Recipe(name="clipped", title="+ gradients clipped at 1", config=_UNAVERAGED),
    Recipe(name="averaged", title="+ averaged weights", config=DEFAULT),
    Recipe(
        name="small", title=f"+ pictures of {QUICK.image_size} px in place of {DEFAULT.image_size}",
        config=replace(DEFAULT, image_size=QUICK.image_size), crop="small",
    ),
    Recipe(name="quick", title="+ a closer and a farther view: Quick", config=QUICK, crop="small", views=_ZOOMED),
    Recipe(
        name="great", title=f"Quick at {DEFAULT.image_size} px",
        config=replace(QUICK, image_size=DEFAULT.image_size), views=_ZOOMED,
    ),
    Recipe(
        name="mirrored", title="Quick with the mirror in place of both views",
        config=_TWO_VIEWS, crop="small", views=(PLAIN, MIRROR),
    ),
    Recipe(
        name="unsmoothed", title="Quick without label smoothing",
        config=replace(QUICK, label_smoothing=0.0), crop="small", views=_ZOOMED,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class _Held:
    """Activations (views, N, F) that lie in memory."""

    features: Tensor

    def take(self, views: Sequence[int], indices: Sequence[int]) -> Tensor:
        return self.features[list(views), list(indices)]

    def through(self, work: Callable[[Tensor], Tensor]) -> _Held:
        return _Held(torch.stack([work(view) for view in self.features]))

    def close(self) -> None:
        """Nothing is open."""


def predict_out_of_fold(
    recipe: Recipe, features: Mapping[Crop, Tensor], pictures: Sequence[Picture], folds: Indices, *, seed: int
) -> Tensor:
    """Return (3, N, C) logits, each picture's from a head that was trained on the other (N,) ``folds``.

    They are of the pictures as they are, then of a closer and of a farther view that no head was trained on.
    ``seed`` draws the pictures held back to choose the epoch, their order in training and the first weights.

    Raises:
        PictureError: a class has too few pictures in some training part.
    """
    classes = class_names(list(pictures))
    labels = torch.tensor([classes.index(picture.label) for picture in pictures])
    numbers = {picture.path: number for number, picture in enumerate(pictures)}
    logits = torch.full((len(JUDGED), len(pictures), len(classes)), torch.nan)
    for fold in range(FOLDS):
        rest = [pictures[number] for number in (folds != fold).nonzero()[0]]
        parts = split(rest, fraction=recipe.config.validation_share, seed=seed)
        train, validation = ([numbers[picture.path] for picture in part] for part in (parts.train, parts.validation))
        top = train_head(recipe, features[recipe.crop], labels, train, validation, seed=seed)
        tested = (folds == fold).nonzero()[0]
        with torch.inference_mode():
            for row, view in enumerate(JUDGED):
                logits[row, tested] = top(features[recipe.crop][view, tested].to(top.mean.device)).cpu()
    return logits


def train_head(
    recipe: Recipe, features: Tensor, labels: Tensor, train: Sequence[int], validation: Sequence[int], *, seed: int
) -> Top:
    """Return features (B, F) to logits (B, C), trained by the engine, at its epoch of least validation loss.

    ``features`` is (V, N, F), ``labels`` (N,); of its N, ``train`` and ``validation`` alone are read.
    """
    config = replace(recipe.config, seed=seed)
    context = Context(config, never, time.perf_counter())
    rows = features[list(recipe.views)]
    torch.manual_seed(seed)
    classifier = nn.Linear(rows.shape[2], int(labels.max()) + 1)
    nn.init.zeros_(classifier.bias)
    if recipe.starts_at_zero:
        nn.init.zeros_(classifier.weight)
    else:
        nn.init.trunc_normal_(classifier.weight, std=0.02)
    # The backbone has done its part: nothing of the engine's asks for it here.
    parts = CutModel(None, None, Top(nn.Identity(), classifier.to(context.device)), special_tokens=0)
    parts.whiten(*_scale(recipe.scaling, rows[:, train], labels[train]))
    inputs = ActivationInputs(_Held(rows), config=config)
    seen = inputs.through(lambda view: parts.top.whitened(view.to(context.device)))
    epochs = Epochs(parts, classifier, seen, labels, train=train, validation=validation, context=context)
    deque(epochs.run(), maxlen=0)
    if epochs.best is None:
        raise RuntimeError("No epoch had a validation loss that is a number.")
    with torch.no_grad():
        for name, weight in trained_weights(parts).items():
            weight.copy_(epochs.best.weights[name])
    return parts.top


def _scale(scaling: Scaling, rows: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean (F,) and the projection (F, F) of the training pictures' (views, n, F) features."""
    width = rows.shape[2]
    if scaling == "within":
        return whitening(((view, labels) for view in rows), classes=int(labels.max()) + 1, width=width)
    if scaling == "none":
        return torch.zeros(width), torch.eye(width)
    flat = rows.flatten(0, 1)
    deviation = flat.std(0, correction=0)
    # A feature that never varies is only shifted.
    return flat.mean(0), torch.where(deviation > 1e-6, 1 / deviation, torch.ones_like(deviation)).diag()
