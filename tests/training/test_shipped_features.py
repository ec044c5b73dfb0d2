"""A first training on the drawn people waits for no forward pass, and what comes with the project is as good as new."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.training import train

from emotion.core.config import preset
from emotion.core.errors import PictureError
from emotion.core.progress import result_of
from emotion.data.drawn import DRAWN_FOLDER
from emotion.data.folders import find_pictures
from emotion.training import shipped

BACKBONE = Path(__file__).parents[2] / "models" / "dinov2-small" / "model.safetensors"
needs_backbone = pytest.mark.skipif(not BACKBONE.is_file(), reason="dinov2-small is not in models/: run make run once")
PEOPLE = DRAWN_FOLDER / "human_train"


@needs_backbone
@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_fault_the_default_training_on_the_drawn_people_computes_nothing(isolated: Path, precision: str) -> None:
    told = train(replace(preset("Quick", pictures=str(PEOPLE)), precision=precision), isolated / "runs")
    look = told.of("TrunkProgress")[-1]
    assert look["done"] == look["total"] == 600 + 2 * 510
    assert told.computed == 0
    assert told.last["validation"]["accuracy"] > 0.6


@needs_backbone
def test_what_is_shipped_is_near_to_what_is_computed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from emotion.training.features import of_backbone

    config = replace(preset("Quick", pictures=str(PEOPLE)), precision="float32")
    paths = [each.path for name in ("human_train", "dog_eval") for each in find_pictures(DRAWN_FOLDER / name)[::60]]
    near = result_of(of_backbone(paths, config))
    monkeypatch.setattr(shipped, "FILE", tmp_path / "nothing")
    fresh = result_of(of_backbone(paths, config))
    assert not np.array_equal(near, fresh), "nothing was taken from what is shipped"
    apart = np.linalg.norm(near - fresh, axis=1) / np.linalg.norm(fresh, axis=1)
    assert apart.max() < 2e-2


@needs_backbone
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


@needs_backbone
def test_where_no_picture_can_be_read_that_is_one_sentence_as_before(tmp_path: Path) -> None:
    from emotion.training.features import of_backbone

    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(PictureError, match="None of the 1 pictures can be read"):
        result_of(of_backbone([tmp_path / "text.png"], preset("Quick", pictures=str(PEOPLE))))


def test_what_is_damaged_or_missing_is_not_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = shipped.shipped()
    assert found is not None
    assert len(found.features) == len(found.places) == 600 * 3 + 480
    assert len(found.fingerprints) == 600 + 480
    content = bytearray(shipped.FILE.read_bytes())
    content[-1000] ^= 1
    for damaged in (bytes(content), bytes(content[:50_000]), b"", b"\xff" * 100):
        (tmp_path / "damaged").write_bytes(damaged)
        monkeypatch.setattr(shipped, "FILE", tmp_path / "damaged")
        assert shipped.shipped() is None
    monkeypatch.setattr(shipped, "FILE", tmp_path / "missing")
    assert shipped.shipped() is None
