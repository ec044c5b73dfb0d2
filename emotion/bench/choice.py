"""The choice of the Quick recipe: recipes of a head compared by grouped cross-validation, and the report of it.

It looks at training pictures only: whoever chooses on the evaluation sets has nothing left to judge with.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from emotion.bench.choice_folds import CLUSTERS, DISTANCE, FOLDS, Indices, divide, group
from emotion.bench.machine import Machine, this_machine
from emotion.bench.report import write_pair
from emotion.errors import PictureError
from emotion.labels import DRAWN_NOTE
from emotion.pictures.drawn import is_drawn
from emotion.pictures.folders import Picture, class_names, count_labels, find_pictures

if TYPE_CHECKING:
    from torch import Tensor

    from emotion.bench.choice_features import Crop
    from emotion.bench.choice_recipes import Recipe

SCHEMA = 1
SEEDS = 3
MARKDOWN, JSON = "choice.md", "choice.json"
REFRAMED = ", reframed"


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The score over all pictures, pooled over the folds, a value for each seed; log loss in nats."""

    accuracy: list[float]
    log_loss: list[float]

    def to_json(self) -> dict[str, Any]:
        """Return plain values, with mean and standard deviation (of n - 1) over the seeds."""
        return {
            measure: {"seeds": values, "mean": mean(values), "standard_deviation": _deviation(values)}
            for measure, values in asdict(self).items()
        }

    def cells(self) -> str:
        """Return two cells of the table."""
        accuracy = f"{mean(self.accuracy):.3f} ± {_deviation(self.accuracy):.3f}"
        return f"{accuracy} | {mean(self.log_loss):.3f} ± {_deviation(self.log_loss):.3f}"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Every recipe's scores by kind of folds. ``created`` is a Unix time, ``pictures`` how many each class has."""

    created: float
    seconds: float
    machine: Machine
    picture_set: str
    pictures: dict[str, int]
    backbone: str
    precision: str
    seeds: int
    groups: Mapping[str, Indices]
    # By kind of folds; f"{kind}, reframed" for closer and farther views of the same pictures.
    scores: Sequence[tuple[Recipe, Mapping[str, Scores]]]
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return plain values: figures and settings, no picture's name."""
        sizes = {kind: group_sizes(groups) for kind, groups in self.groups.items()}
        recipes = [
            {**_settings(recipe), "scores": {kind: scores.to_json() for kind, scores in by_kind.items()}}
            for recipe, by_kind in self.scores
        ]
        plain = ("created", "seconds", "picture_set", "pictures", "backbone", "precision", "seeds", "notes")
        return {
            "schema": SCHEMA,
            **{name: getattr(self, name) for name in plain},
            "machine": self.machine.to_json(),
            "folds": FOLDS,
            "distance": DISTANCE,
            "clusters": CLUSTERS,
            "groups": {kind: {"count": count, "largest": largest} for kind, (count, largest) in sizes.items()},
            "recipes": recipes,
        }

    def to_markdown(self) -> str:
        """Return how it was measured, then the table."""
        total = sum(self.pictures.values())
        classes = ", ".join(f"{label} {count}" for label, count in self.pictures.items())
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.created))
        near, hard = group_sizes(self.groups["near-duplicates"]), group_sizes(self.groups["hard"])
        error = math.sqrt(0.8 * 0.2 / total)
        lines = [
            "# The choice of the Quick recipe",
            f"{day}, {self.seconds / 60:.0f} minutes, `python -m emotion choose`. {self.machine.sentence()}",
            f"{total} training pictures of `{self.picture_set}` ({classes}); features of {self.backbone} in "
            f"{self.precision}. The evaluation sets are not opened.",
            *self.notes,
            f"{FOLDS}-fold cross-validation (scikit-learn's StratifiedGroupKFold), so that no near-duplicates are on "
            "both sides. Of each training part 15 % is held back at random to choose the epoch, as in every "
            f"training. Mean ± standard deviation over seeds 0 to {self.seeds - 1} of the score "
            "pooled over the folds; the seed draws the folds, what is held back, the order and the first weights.",
            f"- near-duplicates: {near[0]} groups, the largest of {near[1]} pictures (average "
            f"cosine distance of features, a mirror counted as the picture, up to {DISTANCE})\n"
            f"- hard: {hard[0]} groups, the largest of {hard[1]} pictures (at most {CLUSTERS} "
            "clusters of Ward's method, near-duplicates kept whole)",
            "- reframed: the same pictures judged closer (cropped to at least 70 %) and farther (in a frame up to "
            "twice as wide), other draws than any recipe was trained on, yet of the kind that Quick trains on",
            "\n".join(self._table()),
            f"Every seed has the same pictures: for {total} independent ones the standard error of an accuracy near "
            f"0.8 is {error:.3f}. Recipes share pictures and folds, so their differences are "
            "surer than that. Rates, smoothing and shrinkage were tried on these pictures too, so that the later rows "
            f"are a little optimistic. Settings and every seed's score: `{JSON}`.",
        ]
        return "\n\n".join(lines) + "\n"

    def _table(self) -> list[str]:
        kinds = [said for kind in self.groups for said in (kind, f"{kind}{REFRAMED}")]
        head = " | ".join(f"{kind}: accuracy | log loss, nats" for kind in kinds)
        rows = [
            f"| {recipe.title} | {' | '.join(by_kind[kind].cells() for kind in kinds)} |"
            for recipe, by_kind in self.scores
        ]
        return [f"| recipe | {head} |", "|---" * (1 + 2 * len(kinds)) + "|", *rows]

    def write(self, folder: Path) -> None:
        """Write both files into ``folder``.

        Raises:
            RunError: the folder cannot be written.
        """
        write_pair(folder, {JSON: self.to_json()}, {MARKDOWN: self.to_markdown()})


def require_training_set(picture_set: Path) -> None:
    """Refuse pictures that are there to judge by.

    Raises:
        PictureError: they are an evaluation set.
    """
    if picture_set.resolve().name.endswith("_eval"):
        raise PictureError(f"{picture_set} is an evaluation set: choose on the pictures that are trained on.")


def choose(
    picture_set: Path,
    *,
    backbone: str,
    say: Callable[[str], None],
    seeds: int = SEEDS,
    sides: tuple[int, int] | None = None,
) -> Choice:
    """Look at the pictures once, then compare all recipes over ``seeds`` seeds; ``say`` is told what is done now.

    ``sides`` are the great and the small image size, those of the recipes unless given.

    Raises:
        BackboneError: the backbone cannot be loaded.
        PictureError: a picture cannot be read, there are too few, or they are an evaluation set.
    """
    require_training_set(picture_set)
    from emotion.backbones.registry import locate
    from emotion.bench.choice_features import HUB_CROP, MIRROR, PLAIN, SMALL, features_precision, look

    began, machine = time.time(), this_machine()
    source, pictures = locate(backbone), find_pictures(picture_set)
    say("features")
    great, small = sides or (HUB_CROP, SMALL)
    paths = [picture.path for picture in pictures]
    features = look(source.path, paths, say=say, image_size=great, small=small)
    # Grouped by what the Hub's own crop shows, the same whichever crop a recipe takes.
    groups = group(features["margin"][PLAIN].numpy(), features["margin"][MIRROR].numpy())
    for kind, made in groups.items():
        say("groups, {}: {}, the largest of {} pictures".format(kind, *group_sizes(made)))
    scores = compare(features, pictures, groups, seeds=seeds, say=say)
    return Choice(
        created=began,
        seconds=time.time() - began,
        machine=machine,
        picture_set=picture_set.resolve().name,
        pictures=count_labels(pictures),
        backbone=source.name,
        precision=features_precision(),
        seeds=seeds,
        groups=groups,
        scores=scores,
        notes=[DRAWN_NOTE] if is_drawn(picture_set) else [],
    )


def compare(
    features: Mapping[Crop, Tensor],
    pictures: Sequence[Picture],
    groups: Mapping[str, Indices],
    *,
    seeds: int,
    say: Callable[[str], None],
    recipes: Sequence[Recipe] | None = None,
) -> list[tuple[Recipe, dict[str, Scores]]]:
    """Return the scores of each recipe (all, unless ``recipes`` are given), by kind of groups. Each seed has its folds.

    Raises:
        PictureError: too few groups, or too few pictures of a class.
    """
    from torch import tensor

    from emotion.bench.choice_recipes import RECIPES, predict_out_of_fold
    from emotion.training.device import threads_for

    classes = class_names(list(pictures))
    labels = tensor([classes.index(picture.label) for picture in pictures])
    folds = {kind: [divide(made, labels.numpy(), seed=seed) for seed in range(seeds)] for kind, made in groups.items()}
    compared = []
    for recipe in recipes or RECIPES:
        by_kind: dict[str, Scores] = {}
        with threads_for("head"):
            for kind, made in folds.items():
                logits = [
                    predict_out_of_fold(recipe, features, pictures, division, seed=seed)
                    for seed, division in enumerate(made)
                ]
                by_kind[kind] = _scores([said[:1] for said in logits], labels)
                by_kind[f"{kind}{REFRAMED}"] = _scores([said[1:] for said in logits], labels)
        say(f"{recipe.title}: " + ", ".join(f"{kind} {s.cells().replace(' | ', ' / ')}" for kind, s in by_kind.items()))
        compared.append((recipe, by_kind))
    return compared


def _scores(logits: Sequence[Tensor], labels: Tensor) -> Scores:
    """Return the scores of (views, N, C) logits for each seed, all views counted alike."""
    from torch.nn import functional

    return Scores(
        accuracy=[float((said.argmax(2) == labels).double().mean()) for said in logits],
        log_loss=[
            float(functional.cross_entropy(said.double().flatten(0, 1), labels.repeat(len(said)))) for said in logits
        ],
    )


def _settings(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe's plain values, without settings that play no part in a head on kept features."""
    config = recipe.config.to_json()
    for name in ("pictures", "backbone", "depth", "block_learning_rate", "augmentation", "seed", "use_aliases"):
        del config[name]
    return {**asdict(recipe), "config": config}


def group_sizes(groups: Indices) -> tuple[int, int]:
    """Return how many groups there are, and how many pictures the largest has."""
    sizes = Counter(groups.tolist()).values()
    return len(sizes), max(sizes)


def _deviation(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0
