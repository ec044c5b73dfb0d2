"""One regularised logistic regression on features of labelled pictures, its strength chosen by folds within them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from emotion.core.errors import PictureError

# Inverse strengths of the regularisation; one is chosen for each set that is learnt from, by folds within it.
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
FOLDS, SEED = 5, 0


@dataclass(frozen=True)
class LabelledSet:
    """(N, F) features, their (N,) class indices, and (N,) groups of near-duplicates, which are never parted."""

    features: np.ndarray
    truth: np.ndarray
    groups: np.ndarray


def chosen(learnt: LabelledSet, *, classes: int) -> tuple[float, np.ndarray]:
    """Return the strength of least log loss over folds, and the (N, C) probabilities that its folds give.

    The choice among six by log loss flatters the folds' accuracy hardly at all.
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
    """Learn from (N, F) features, whitened within their classes; return what gives (S, M, C) probabilities of others.

    One regularised logistic regression a strength, the strongest first: each begins where the last one ended.
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
            # Of two classes there is one row, that of the second.
            said.append(softmax(logits if classes > 2 else np.hstack([np.zeros_like(logits), logits]), axis=1))
        return np.stack(said)

    return judge
