"""Nothing but the expression tells the label: a linear classifier on the bundled backbone's features is the judge."""

from itertools import islice
from math import sqrt
from pathlib import Path

import pytest

from emotion.faces.expression import NEUTRAL
from emotion.faces.faces_set import SETS, drawings_of
from emotion.faces.portrait import draw

BACKBONE = Path(__file__).resolve().parents[2] / "models" / "dinov2-small"
COUNT = 160


@pytest.mark.slow
@pytest.mark.skipif(not (BACKBONE / "config.json").exists(), reason="python -m emotion backbones pull dinov2-small")
def test_the_emotion_is_read_from_the_expression_and_from_nothing_else():
    import numpy as np
    import torch
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from transformers import AutoImageProcessor, Dinov2Model

    # As large as Quick shows them to the backbone.
    small = {"size": {"shortest_edge": 140}, "crop_size": {"height": 140, "width": 140}}
    processor = AutoImageProcessor.from_pretrained(BACKBONE, **small)
    model = Dinov2Model.from_pretrained(BACKBONE).eval()
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    # The very draws of the committed training set; the labels take turns, so the classes are even.
    drawings = list(islice(drawings_of(SETS[0]), COUNT))
    labels = [drawing.label for drawing in drawings]

    def accuracy(expressions):
        rows = []
        for drawing, expression in zip(drawings, expressions, strict=True):
            picture = draw(drawing.species, drawing.identity, expression, drawing.seed)
            with torch.inference_mode():
                [tokens] = model(**processor(images=picture, return_tensors="pt")).last_hidden_state
            rows.append(torch.cat([tokens[0], tokens[1:].mean(dim=0)]).numpy())
        judge = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
        return cross_val_score(judge, np.stack(rows), labels, cv=folds).mean()

    sampling_error = sqrt(0.25 * 0.75 / COUNT)
    neutral, expressive = accuracy([NEUTRAL] * COUNT), accuracy([drawing.expression for drawing in drawings])
    assert abs(neutral - 0.25) < 2.6 * sampling_error  # 99 in 100
    assert expressive > 0.25 + 10 * sampling_error
