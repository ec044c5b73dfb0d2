"""Regularised logistic regression on features, with its strength chosen by cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from emotion.core.errors import PictureError

# Inverse regularisation strengths; one is chosen for each training set, by folds within it.
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
FOLDS, SEED = 5, 0


@dataclass(frozen=True)
class LabelledSet:
    """(N, F) features, their (N,) class indices, and (N,) groups of near-duplicates, which stay in one fold."""

    features: np.ndarray
    truth: np.ndarray
    groups: np.ndarray


def chosen(learnt: LabelledSet, *, classes: int) -> tuple[float, np.ndarray]:
    """Return the strength with the lowest log loss over folds, and the folds' (N, C) probabilities.

    Choosing among six strengths by log loss inflates the folds' accuracy only slightly.
    """
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedGroupKFold

    said = np.zeros((len(STRENGTHS), len(learnt.truth), classes))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    for train, test in folds.split(learnt.features, learnt.truth, learnt.groups):
        if len(set(learnt.truth[train].tolist())) < classes:
            raise PictureError(
                "Nearly all pictures of an emotion look alike, so none can be judged by others: compare other sets."
            )
        judge = learn(learnt.features[train], learnt.truth[train], STRENGTHS, classes=classes)
        said[:, test] = judge(learnt.features[test])
    best = min(range(len(STRENGTHS)), key=lambda n: float(log_loss(learnt.truth, said[n], labels=range(classes))))
    return STRENGTHS[best], said[best]


def learn(
    features: np.ndarray, truth: np.ndarray, strengths: Sequence[float], *, classes: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Fit (N, F) features, whitened within their classes; return a function to (S, M, C) probabilities of others.

    One logistic regression per strength, the strongest regularisation first; each starts at the previous solution.
    """
    from scipy.special import softmax
    from sklearn.linear_model import LogisticRegression

    from emotion.training.head import whitening_of

    mean, projection = whitening_of(features, truth, classes=classes)
    seen, fitted = (features - mean) @ projection, []
    model = LogisticRegression(max_iter=1000, warm_start=True, tol=1e-3)
    for strength in strengths:
        model.set_params(C=strength).fit(seen, truth)
        fitted.append((model.coef_.copy(), model.intercept_.copy()))

    def judge(rows: np.ndarray) -> np.ndarray:
        whitened, said = ((rows - mean) @ projection).astype(np.float64), []
        for weight, bias in fitted:
            logits = whitened @ weight.T + bias
            # With two classes there is one row, that of the second.
            said.append(softmax(logits if classes > 2 else np.hstack([np.zeros_like(logits), logits]), axis=1))
        return np.stack(said)

    return judge
