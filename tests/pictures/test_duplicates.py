"""Near-duplicates: what is found, what is not mistaken for one, and that nothing is hashed twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from emotion.config import TrainConfig
from emotion.pictures import duplicates
from emotion.pictures.decoding import open_picture
from emotion.pictures.drawn import DRAWN_FOLDER
from emotion.pictures.duplicates import NEAR_SHARE, TrainedOn, fingerprint
from emotion.pictures.folders import Picture, find_pictures
from emotion.run import Run
from emotion.runs import create_run

PHOTOS = Path(__file__).parents[3] / "shared" / "photos"


def run_on(folder: Path, runs: Path) -> Run:
    """Return a run whose split holds every picture of a folder."""
    run = create_run(TrainConfig(pictures=str(folder)), root=runs)
    rows = [
        {"picture": str(each.path.relative_to(folder.resolve())), "label": each.label, "sha256": each.sha256}
        for each in find_pictures(folder)
    ]
    (run.path / "split.json").write_text(json.dumps({"train": rows[::2], "validation": rows[1::2]}))
    return run


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Forty drawn people of the training set."""
    for each in find_pictures(DRAWN_FOLDER / "human_train")[::15]:
        path = tmp_path / "faces" / each.label / each.path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(each.path.read_bytes())
    return tmp_path / "faces"


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize((112, 112)),
        lambda image: image.convert("L"),
        ImageOps.mirror,
        lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    ],
    ids=["half the size", "grey", "mirrored", "brighter"],
)
def test_a_changed_copy_is_found_and_its_original_named(
    faces: Path, tmp_path: Path, change: Callable[[Image.Image], Image.Image]
) -> None:
    run = run_on(faces, tmp_path / "runs")
    originals = find_pictures(faces)
    copies = []
    for number, each in enumerate(originals):
        path = tmp_path / f"copy_{number}.jpg"
        change(open_picture(each.path)).convert("RGB").save(path, quality=80)
        copies.append(Picture(path, each.label))
    found = TrainedOn.of_run(run).twins(copies)
    right = sum(found.get(copy.path) == str(original.path) for copy, original in zip(copies, originals, strict=True))
    assert right >= 0.95 * len(originals)


def test_other_drawn_people_and_animals_are_no_duplicates(tmp_path: Path) -> None:
    trained = TrainedOn.of_run(run_on(DRAWN_FOLDER / "human_train", tmp_path / "runs"))
    assert trained.checked == 600
    for name in ("human_eval", "dog_eval", "cat_eval"):
        assert trained.twins(find_pictures(DRAWN_FOLDER / name)) == {}


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the photographs are not here: measured where they are")
def test_no_evaluation_photograph_is_taken_for_a_training_one(tmp_path: Path) -> None:
    trained = TrainedOn.of_run(run_on(PHOTOS / "human_train", tmp_path / "runs"))
    for name in ("human_eval", "dog_eval", "cat_eval"):
        assert trained.twins(find_pictures(PHOTOS / name)) == {}


def test_the_same_content_under_another_name_is_found_even_where_the_originals_are_gone(
    faces: Path, tmp_path: Path
) -> None:
    run = run_on(faces, tmp_path / "runs")
    copy = tmp_path / "copy.webp"
    original = find_pictures(faces)[3].path
    copy.write_bytes(original.read_bytes())
    faces.rename(tmp_path / "moved")
    trained = TrainedOn.of_run(run)
    assert trained.checked == 0
    assert trained.twins([Picture(copy, "happy")]) == {copy: str(original)}


def test_fingerprints_are_computed_once_for_all_runs_on_the_same_pictures(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = TrainedOn.of_run(run_on(faces, tmp_path / "runs"))
    monkeypatch.setattr(duplicates, "fingerprint", lambda image: pytest.fail("hashed again"))
    second = TrainedOn.of_run(run_on(faces, tmp_path / "others"))
    assert np.array_equal(first.bits, second.bits)


def test_a_torn_line_of_the_kept_fingerprints_is_computed_anew(faces: Path, tmp_path: Path, own_cache: Path) -> None:
    run = run_on(faces, tmp_path / "runs")
    before = TrainedOn.of_run(run)
    file = own_cache / duplicates.FILE
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], lines[1][:40], *lines[2:], '{"sha256": 3}', "[]"]))
    after = TrainedOn.of_run(run)
    assert np.array_equal(before.bits, after.bits)
    assert len(TrainedOn.of_run(run).bits) == before.checked


def test_a_picture_that_cannot_be_read_has_no_twin(faces: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"text")
    assert TrainedOn.of_run(run_on(faces, tmp_path / "runs")).twins([Picture(bad, "happy")]) == {}


def test_a_run_without_a_split_holds_nothing_up(tmp_path: Path) -> None:
    run = create_run(TrainConfig(pictures="nowhere"), root=tmp_path / "runs")
    trained = TrainedOn.of_run(run)
    assert (trained.checked, trained.twins([])) == (0, {})


def test_the_bound_lies_between_copies_and_strangers() -> None:
    pictures = [open_picture(each.path) for each in find_pictures(DRAWN_FOLDER / "human_eval")[::8]]
    prints = np.array([fingerprint(picture) for picture in pictures])
    again = np.array([fingerprint(picture.resize((112, 112))) for picture in pictures])
    assert (prints != again).mean(1).max() < NEAR_SHARE / 2
    apart = (prints[:, None] != prints[None]).mean(-1) + np.eye(len(pictures))
    assert apart.min() > NEAR_SHARE
