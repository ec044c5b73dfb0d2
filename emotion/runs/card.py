"""The model card that lies beside a checkpoint. Its text is what the run can vouch for."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import ModelCard, ModelCardData

from emotion.core.config import TrainConfig
from emotion.core.events import Scores
from emotion.core.format import escaped
from emotion.core.labels import DRAWN_NOTE, chance_level
from emotion.core.prediction import LEVEL, NEIGHBOURS
from emotion.data.drawn import is_drawn
from emotion.data.folders import count_labels
from emotion.data.sampling import Split


def model_card(
    config: TrainConfig, split: Split, *, best_epoch: int, scores: Scores, knows_unknown: bool = False
) -> str:
    """Return the README of a checkpoint: what it was trained on, how it does on validation pictures, its limits.

    ``knows_unknown`` says that its run can tell what it has never seen.
    """
    data = ModelCardData(
        library_name="transformers",
        pipeline_tag="image-classification",
        tags=["image-classification", "emotion-recognition"],
    )
    counts = ", ".join(f"{count} {escaped(label)}" for label, count in count_labels(split.train).items())
    note = f"{DRAWN_NOTE} These were drawn.\n\n" if is_drawn(config.pictures) else ""
    unknown = (
        f"Its run calls a picture unknown that is less like the training pictures than {LEVEL * 100:.0f} % of the "
        f"{len(split.validation)} validation pictures are\n(distance of standardised features to the {NEIGHBOURS}th "
        "nearest, Sun et al. 2022, arXiv 2204.06507). The checkpoint alone always names a class.\n\n"
    )
    note = unknown + note if knows_unknown else note
    backbone = Path(config.backbone).name if Path(config.backbone).is_absolute() else config.backbone
    body = f"""
# Emotions from pictures: {", ".join(map(escaped, split.classes))}

A {escaped(backbone)} fine-tuned with depth `{config.depth}` for up to {config.epochs} epochs of batch
{config.batch_size}, seed {config.seed}. The weights are those of epoch {best_epoch}, the best by validation loss.

Trained on {len(split.train)} pictures ({counts}), validated on {len(split.validation)} pictures held back from them:
accuracy {scores.accuracy:.3f}, mean correct-class confidence {scores.correct_confidence:.3f}, loss {scores.loss:.3f};
chance is {chance_level(len(split.classes)):.2f}. Validation pictures come from the same source as the training
pictures and chose the epoch, so expect less on others.

```python
from transformers import pipeline

pipeline("image-classification", model="path/to/checkpoint")("picture.jpg")
```

{note}A facial expression is not a feeling, and a model of human faces knows nothing of animals until that is measured.
"""
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n{body}"))
