"""The hardest pictures of a set, by distance to the classes' centres; wrong labels are among them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emotion.core.config import preset
from emotion.core.errors import PictureError
from emotion.core.progress import Progress
from emotion.data.findings import Suspect, keep_suspects
from emotion.data.sets import SavedSet

FOLDS, SEED = 5, 0
# Fewer pictures do not locate a class, nor reach every fold.
LEAST = FOLDS
# As in a classifier's training. Of photographs with one label in ten changed on purpose, changed labels rank before
# the others in 93 of 100 pairs (mean of ten draws, at 224 and at 140 pixels).
SHRINKAGE = 0.5


@dataclass(frozen=True)
class FindHardest:
    """Compute missing features of a set's pictures, and save how hard each picture is.

    The features are those that a training of the classifier starts with, which can then reuse them.
    """

    folder: Path

    def carry_out(self) -> Generator[Progress, None, str]:
        """Yield the progress, and return the result in one sentence.

        Raises PictureError if there are too few classes or pictures, RunError if the disk has no room for the features.
        """
        from emotion.training.repeat import features_of_backbone

        found = SavedSet(self.folder)
        counts = found.manifest.counts()
        rows = [row for row in found.manifest.pictures if counts[row.label] >= LEAST]
        if len({row.label for row in rows}) < 2:
            raise PictureError(f"There are too few pictures to tell: add some, until two classes have {LEAST} or more.")
        paths = [self.folder / row.file for row in rows]
        features = yield from features_of_backbone(paths, preset("Quick", pictures=str(self.folder)))
        yield Progress(0, 0, "comparing the pictures with their classes")
        readable = np.flatnonzero(~np.isnan(features).any(1))
        seen = [rows[place] for place in readable]
        suspects = find_suspects(features[readable], [row.label for row in seen])
        keep_suspects(found, {row.sha256: suspect for row, suspect in zip(seen, suspects, strict=True)})
        doubted = sum(each.is_doubted for each in suspects)
        return (
            f"The hardest pictures come first: {doubted:,} of {len(suspects):,} lie nearer to another class than to "
            "their own. Most are labelled rightly: look before you relabel."
        )


def find_suspects(features: np.ndarray, labels: Sequence[str]) -> list[Suspect]:
    """Return how far (N, F) features contradict each label, by distances to class centres fitted without the picture.

    By cross-validated linear discriminant analysis with shrunk covariance and equal priors (scikit-learn): predictions
    for held-out pictures reveal wrong labels (Northcutt, Jiang and Chuang 2021, doi 10.1613/jair.1.12125).
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    classes = sorted(set(labels))
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE, priors=[1 / len(classes)] * len(classes))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    chances = cross_val_predict(model, features, list(labels), cv=folds, method="predict_log_proba")
    found = []
    for label, row in zip(labels, chances.tolist(), strict=True):
        by_class = dict(zip(classes, row, strict=True))
        own = by_class.pop(label)
        nearest = max(by_class, key=by_class.__getitem__)
        doubt = round(by_class[nearest] - own, 3)
        found.append(Suspect(label, nearest if doubt > 0 else label, doubt))
    return found
