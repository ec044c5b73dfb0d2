"""What a prediction and a comparison cost beside the bare forward. Imports no torch itself."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from PIL import Image

from emotion.bench.figure import Bound, Reading, Row, ratio
from emotion.bench.helper import Helper
from emotion.bench.workplace import Workplace
from emotion.pictures.decoding import open_picture
from emotion.pictures.folders import list_pictures
from emotion.run import Run

PREDICTION = Row(
    name="prediction",
    title="one prediction, model loaded, a 256-px JPEG's bytes to scores, over a bare forward of one picture",
    unit="times",
    bound=Bound(direction="at most", limit=1.3),
)
COMPARISON = Row(
    name="comparison",
    title="a comparison of 20 and 20 pictures, model loaded, over a bare forward of 40",
    unit="times",
    bound=Bound(direction="at most", limit=1.3),
)
SIDE, QUALITY = 256, 90
SAMPLE = 20
PER_CLASS = 40


def measure_prediction(workplace: Workplace) -> dict[str, Reading]:
    """Take predictions and bare forwards of one picture in turns."""
    first = next(iter(list_pictures(workplace.training_set).values()))[0]
    picture = workplace.folder / "picture.jpg"
    open_picture(first).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(picture, quality=QUALITY)
    run = workplace.default_run
    workplace.say("  predictions")
    with Helper(_scoring, run=run, backbone=workplace.backbone_folder) as scoring:
        taken = scoring.call("predictions", picture=picture)
    return {PREDICTION.name: _reading("prediction, s", taken)}


def measure_comparison(workplace: Workplace) -> dict[str, Reading]:
    """Take comparisons and bare forwards of as many pictures in turns."""
    sets, pictures = _two_sets(workplace)
    run = workplace.default_run
    workplace.say("  comparisons")
    with Helper(_scoring, run=run, backbone=workplace.backbone_folder) as scoring:
        taken = scoring.call("comparisons", sets=sets, pictures=pictures, size=SAMPLE)
    note = (
        f"Two sets of {PER_CLASS} training pictures a class stand in for two species: no evaluation set is looked at."
    )
    return {COMPARISON.name: _reading("comparison, s", taken, note)}


def _reading(name: str, taken: dict[str, Any], *notes: str) -> Reading:
    series = {name: taken["ours"], "bare forward, s": taken["bare"]}
    return Reading(value=ratio(*series.values()), series=series, notes=[*notes, taken["note"]])


def _two_sets(workplace: Workplace) -> tuple[dict[str, Path], list[Path]]:
    """Copy two sets without a common picture out of the training set; return them, and a sample of their pictures."""
    sets = {name: workplace.folder / "sets" / name for name in ("one", "other")}
    sample: list[Path] = []
    for number, folder in enumerate(sets.values()):
        for label, paths in list_pictures(workplace.training_set).items():
            part = paths[number * PER_CLASS : (number + 1) * PER_CLASS]
            (folder / label).mkdir(parents=True, exist_ok=True)
            for path in part:
                shutil.copyfile(path, folder / label / path.name)
            sample += part[:SAMPLE] if label == "happy" else []
    return sets, sample


def _scoring(run: Run, backbone: Path) -> Any:
    from emotion.bench.scoring import Scoring

    return Scoring(run, backbone)
