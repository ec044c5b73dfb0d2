"""A first training on the drawn people waits for no forward pass, and what comes with the project is as good as new."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.training import train

from emotion.core.config import preset
from emotion.core.progress import result_of
from emotion.data.drawn import DRAWN_FOLDER
from emotion.data.folders import find_pictures
from emotion.training import shipped
from emotion.training.repeat import features_of_backbone

BACKBONE = Path(__file__).parents[2] / "models" / "dinov2-small" / "model.safetensors"
pytestmark = pytest.mark.skipif(not BACKBONE.is_file(), reason="dinov2-small is not in models/: run make run once")
PEOPLE = DRAWN_FOLDER / "human_train"


def test_fault_the_default_training_on_the_drawn_people_computes_nothing_in_any_precision(isolated: Path) -> None:
    told = train(replace(preset("Quick", pictures=str(PEOPLE)), precision="bfloat16"), isolated / "runs")
    # A closer and a farther view of those trained on.
    assert (told.of("TrunkProgress")[-1]["total"], told.computed) == (600 + 2 * 510, 0)


def test_what_is_shipped_is_near_to_what_is_computed_and_where_it_is_damaged_or_missing_that_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = replace(preset("Quick", pictures=str(PEOPLE)), precision="float32")
    paths = [each.path for name in ("human_train", "dog_eval") for each in find_pictures(DRAWN_FOLDER / name)[::60]]
    near, whole = result_of(features_of_backbone(paths, config)), shipped.FEATURES.read_bytes()
    monkeypatch.setattr(shipped, "FEATURES", tmp_path / "features")
    fresh = result_of(features_of_backbone(paths, config))
    assert not np.array_equal(near, fresh), "nothing was taken from what is shipped"
    apart = np.linalg.norm(near - fresh, axis=1) / np.linalg.norm(fresh, axis=1)
    assert apart.max() < 2e-2
    for damaged in (whole[:50_000], b"", b"\xff" * 100):
        shipped.FEATURES.write_bytes(damaged)
        assert np.array_equal(result_of(features_of_backbone(paths, config)), fresh)


def test_a_picture_of_another_content_is_computed_and_so_is_another_size(isolated: Path, tmp_path: Path) -> None:
    for path in (each for label in sorted(PEOPLE.iterdir()) if label.is_dir() for each in sorted(label.iterdir())[:5]):
        (tmp_path / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / path.parent.name)
    config = replace(preset("Quick", pictures=str(tmp_path)), epochs=1, augmentation="off")
    assert train(config, isolated / "runs").computed == 0
    changed = next((tmp_path / "sad").iterdir())
    changed.write_bytes(changed.read_bytes() + b"\0")
    assert train(config, isolated / "runs").computed == 1
    assert train(replace(config, image_size=28), isolated / "runs").computed == 20
