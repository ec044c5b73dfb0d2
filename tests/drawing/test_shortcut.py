"""Nothing but the expression tells the label: a linear classifier on the bundled backbone's features is the judge."""

from collections.abc import Iterable
from itertools import islice
from math import sqrt
from pathlib import Path

import pytest
from PIL import Image

from emotion.drawing.expression import NEUTRAL
from emotion.drawing.faces_set import SETS, drawings_of
from emotion.drawing.portrait import draw
from emotion.labels import EMOTIONS, chance_level

BACKBONE = Path(__file__).resolve().parents[2] / "models" / "dinov2-small"
COUNT = 240


@pytest.mark.slow
@pytest.mark.skipif(
    not (BACKBONE / "config.json").exists(),
    reason="The bundled backbone is not in models/dinov2-small: run `python -m emotion backbones pull dinov2-small`.",
)
def test_the_label_is_read_from_the_expression_and_from_nothing_else():
    # The very draws of the committed training set; the labels take turns, so the classes are even.
    drawings = list(islice(drawings_of(SETS[0]), COUNT))
    labels = [drawing.label for drawing in drawings]
    neutral = _accuracy((draw(d.species, d.identity, NEUTRAL, d.seed) for d in drawings), labels)
    expressive = _accuracy((draw(d.species, d.identity, d.expression, d.seed) for d in drawings), labels)
    chance = chance_level(len(EMOTIONS))
    sampling_error = sqrt(chance * (1 - chance) / COUNT)
    print(f"\nneutral {neutral:.3f}, with expression {expressive:.3f}, chance {chance:.2f} ± {sampling_error:.3f}")
    assert abs(neutral - chance) < 2.6 * sampling_error  # 99 in 100
    assert expressive > chance + 10 * sampling_error


def _accuracy(pictures: Iterable[Image.Image], labels: list[str]) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return float(cross_val_score(classifier, _features(list(pictures)), labels, cv=folds).mean())


def _features(pictures: list[Image.Image]):
    """Return class token and mean patch token of each picture, (n, 768)."""
    import numpy as np
    import torch
    from transformers import AutoImageProcessor, Dinov2Model

    from emotion.training.device import autocast, resolve_precision

    # Without bfloat16 instructions, bfloat16 takes ten times as long as float32.
    device = torch.device("cpu")
    precision = resolve_precision("auto", device)
    processor = AutoImageProcessor.from_pretrained(BACKBONE)
    model = Dinov2Model.from_pretrained(BACKBONE).eval()
    rows = []
    for start in range(0, len(pictures), 16):
        pixels = processor(images=pictures[start : start + 16], return_tensors="pt")["pixel_values"]
        with torch.inference_mode(), autocast(device, precision):
            tokens = model(pixel_values=pixels).last_hidden_state
        rows.append(torch.cat([tokens[:, 0], tokens[:, 1:].mean(dim=1)], dim=1).float().numpy())
    return np.concatenate(rows)
