"""Rules that could tell a picture of no face, held against one another on the features of a run's classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from emotion.backbones.registry import WEIGHTS
from emotion.classifier import Classifier
from emotion.familiarity import load_seen
from emotion.job import result_of
from emotion.prediction import LEVEL
from emotion.run import Run
from emotion.split_record import load_split
from emotion.training.repeating import look_at

NEIGHBOURS = (1, 5, 10)
WITHIN = 5
SMALLEST = 1e-6
Rule = Callable[[np.ndarray], np.ndarray]
Found = dict[str, dict[str, tuple[float, float]]]


class Rules:
    """Asks runs about pictures; each picture is looked at once, whichever run is asked."""

    def outcomes(self, run: Path, sources: Mapping[str, Sequence[Path]]) -> Found:
        """Return, by rule and source, the AUROC against the run's validation pictures, and the share called unknown.

        A rule calls unknown what is stranger than 95 % of the validation pictures.
        """
        train, labels = self._part(Run(run), "train")
        validation, _ = self._part(Run(run), "validation")
        asked = {name: self._features(Run(run), pictures) for name, pictures in sources.items()}
        tensors = load_file(run / "checkpoint" / WEIGHTS)
        rules = make_rules(train, labels, tensors["classifier.weight"], tensors["classifier.bias"])
        found: Found = {name: _outcome(rule, validation, asked) for name, rule in rules.items()}
        found[f"standardised Euclidean, k = {WITHIN}, among validation pictures"] = _outcome_within(validation, asked)
        return found

    def unknown(self, run: Path, sources: Mapping[str, Sequence[Path]]) -> dict[str, tuple[int, int]]:
        """Return how many pictures of each source the run calls unknown, and of how many, by the rule that is used.

        Its own validation pictures stand under ``validation``.
        """
        rows = {name: self._features(Run(run), pictures) for name, pictures in sources.items()}
        rows["validation"], _ = self._part(Run(run), "validation")
        seen = load_seen(run, width=rows["validation"].shape[1])
        told = {name: seen.familiarity(features) for name, features in rows.items()} if seen else {}
        return {name: (sum(bool(each.is_unknown) for each in said), len(said)) for name, said in told.items()}

    def _part(self, run: Run, part: str) -> tuple[np.ndarray, list[str]]:
        parts = load_split(run).parts(Path(run.config().pictures))
        pictures = parts.train if part == "train" else parts.validation
        return self._features(run, [each.path for each in pictures]), [each.label for each in pictures]

    def _features(self, run: Run, pictures: Sequence[Path]) -> np.ndarray:
        """Return the features of the pictures that can be read."""
        classifier = Classifier(run)
        steps = look_at(pictures, run=run, parts=classifier.parts, processor=classifier.processor)
        features = result_of(steps)
        readable: np.ndarray = features[~np.isnan(features).any(axis=1)]
        return readable


def make_rules(train: np.ndarray, labels: Sequence[str], weight: np.ndarray, bias: np.ndarray) -> dict[str, Rule]:
    """Return each rule as a function from (N, F) features to (N,) scores, the strangest highest.

    ``train`` are (M, F) features of training pictures, ``weight`` (C, F) and ``bias`` (C,) the classifier's.
    """
    from scipy.special import logsumexp, softmax
    from sklearn.covariance import LedoitWolf

    def logits(features: np.ndarray) -> np.ndarray:
        out: np.ndarray = features @ weight.T + bias
        return out

    of = np.array(labels)
    means = [train[of == label].mean(axis=0) for label in sorted(set(labels))]
    within = np.concatenate([train[of == label] - mean for label, mean in zip(sorted(set(labels)), means, strict=True)])
    shared = LedoitWolf(assume_centered=True).fit(within).precision_
    everything = LedoitWolf().fit(train)

    def mahalanobis(features: np.ndarray) -> np.ndarray:
        nearest: np.ndarray = np.min([_squared(features - mean, shared) for mean in means], axis=0)
        return nearest

    def scaled(rows: np.ndarray) -> np.ndarray:
        scaled: np.ndarray = (rows - train.mean(axis=0)) / train.std(axis=0).clip(min=SMALLEST)
        return scaled

    def by_cosine(rows: np.ndarray, k: int) -> np.ndarray:
        return nearest(rows, train, k, metric="cosine")

    def by_distance(rows: np.ndarray, k: int) -> np.ndarray:
        return nearest(scaled(rows), scaled(train), k)

    rules: dict[str, Rule] = {
        "max softmax (Hendrycks and Gimpel 2017)": lambda rows: -softmax(logits(rows), axis=1).max(axis=1),
        "max logit": lambda rows: -logits(rows).max(axis=1),
        "energy (Liu et al. 2020)": lambda rows: -logsumexp(logits(rows), axis=1),
        "Mahalanobis (Lee et al. 2018)": mahalanobis,
        "relative Mahalanobis (Ren et al. 2021)": lambda rows: (
            mahalanobis(rows) - _squared(rows - everything.location_, everything.precision_)
        ),
    }
    for k in NEIGHBOURS:
        rules[f"cosine, k = {k} (Sun et al. 2022)"] = partial(by_cosine, k=k)
        rules[f"standardised Euclidean, k = {k}"] = partial(by_distance, k=k)
    return rules


def nearest(rows: np.ndarray, references: np.ndarray, k: int, *, metric: str = "euclidean") -> np.ndarray:
    """Return the distance of each row to the k-th nearest reference."""
    from sklearn.neighbors import NearestNeighbors

    found: np.ndarray = NearestNeighbors(n_neighbors=k, metric=metric).fit(references).kneighbors(rows)[0][:, -1]
    return found


def _outcome(rule: Rule, validation: np.ndarray, asked: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    return _held_against(rule(validation), {name: rule(rows) for name, rows in asked.items()})


def _outcome_within(validation: np.ndarray, asked: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    """Return what the validation pictures alone would tell, each held against the others."""
    mean, deviation = validation.mean(axis=0), validation.std(axis=0).clip(min=SMALLEST)
    own = (validation - mean) / deviation
    # The nearest of all is the picture itself.
    scores = nearest(own, own, 1 + WITHIN)
    return _held_against(
        scores, {name: nearest((rows - mean) / deviation, own, WITHIN) for name, rows in asked.items()}
    )


def _held_against(own: np.ndarray, others: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    from sklearn.metrics import roc_auc_score

    found = {}
    for name, scores in others.items():
        truth = [0] * len(own) + [1] * len(scores)
        nearer = np.searchsorted(np.sort(own), scores, side="left")
        found[name] = (
            float(roc_auc_score(truth, np.concatenate([own, scores]))),
            float(np.mean(nearer >= LEVEL * len(own))),
        )
    return found


def _squared(rows: np.ndarray, precision: np.ndarray) -> np.ndarray:
    squared: np.ndarray = ((rows @ precision) * rows).sum(axis=1)
    return squared
