"""What a prediction and a comparison cost beside the bare forward. Imports no torch itself."""

from __future__ import annotations

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
    run = workplace.plain_run
    workplace.say("  predictions")
    with Helper(_scoring, run=run, backbone=workplace.backbone_folder) as scoring:
        taken = scoring.call("predictions", picture=picture)
    return {PREDICTION.name: _reading("prediction, s", taken)}


def measure_comparison(workplace: Workplace) -> dict[str, Reading]:
    """Take comparisons and bare forwards of as many pictures in turns."""
    sets, pictures = two_sets(workplace)
    run = workplace.plain_run
    workplace.say("  comparisons")
    with Helper(_scoring, run=run, backbone=workplace.backbone_folder) as scoring:
        taken = scoring.call("comparisons", sets=sets, pictures=pictures, size=SAMPLE)
    note = (
        f"Crops of training pictures, two sets of {PER_CLASS} a class, stand in for two species: no evaluation set is "
        "looked at, and none of them is taken for a picture that was trained on."
    )
    return {COMPARISON.name: _reading("comparison, s", taken, note)}


def _reading(name: str, taken: dict[str, Any], *notes: str) -> Reading:
    series = {name: taken["ours"], "bare forward, s": taken["bare"]}
    return Reading(value=ratio(*series.values()), series=series, notes=[*notes, taken["note"]])


def two_sets(workplace: Workplace) -> tuple[dict[str, Path], list[Path]]:
    """Make two sets of crops without a common picture; return them, and a sample of their pictures.

    As they are, training pictures are known by their content: a comparison would be spared what every other one pays
    for, their fingerprints.
    """
    sets = {name: workplace.folder / "sets" / name for name in ("one", "other")}
    sample: list[Path] = []
    for number, folder in enumerate(sets.values()):
        for label, paths in list_pictures(workplace.training_set).items():
            part = paths[number * PER_CLASS : (number + 1) * PER_CLASS]
            (folder / label).mkdir(parents=True, exist_ok=True)
            crops = [_cropped(path, folder / label) for path in part]
            sample += crops[:SAMPLE] if label == "happy" else []
    return sets, sample


def _cropped(path: Path, folder: Path) -> Path:
    """Save a picture without a tenth of it on each side, of the size that it had; return the file."""
    picture = open_picture(path)
    frame = (picture.width // 10, picture.height // 10, picture.width * 9 // 10, picture.height * 9 // 10)
    file = folder / f"{path.stem}.jpg"
    picture.resize(picture.size, Image.Resampling.BICUBIC, box=frame).save(file, quality=QUALITY)
    return file


def _scoring(run: Run, backbone: Path) -> Any:
    from emotion.bench.scoring import Scoring

    return Scoring(run, backbone)
