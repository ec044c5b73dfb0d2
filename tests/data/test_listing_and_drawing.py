"""Folders of pictures as people have them: listed, split, sampled, and checked against those that were trained on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.command import Emotion
from helpers.pictures import EMOTIONS
from helpers.sets import COPIES, Sets, put, shot
from PIL import ImageOps

from emotion.core.errors import PictureError
from emotion.data.decoding import open_picture
from emotion.data.drawn import DRAWN_FOLDER
from emotion.data.duplicates import NEAR_SHARE, fingerprint
from emotion.data.folders import Picture, count_labels, find_pictures, holds_pictures, list_folder
from emotion.data.sampling import draw_in_order, split

Make = Callable[..., Path]


def counts(folder: Path, **options: bool) -> dict[str, int]:
    """Return how many pictures each class has, which every way to list them tells alike."""
    listed = {label: len(paths) for label, paths in list_folder(folder, **options).files.items()}
    assert count_labels(find_pictures(folder, **options)) == listed
    return listed


def test_classes_stand_in_the_order_of_the_emotions_whatever_the_path(make_pictures: Make, tmp_path: Path):
    folder = make_pictures(count=2)
    (tmp_path / "link").symlink_to(folder)
    for path in (folder, folder / ".." / folder.name, tmp_path / "link"):
        assert list(counts(path).items()) == [(label, 2) for label in EMOTIONS]


def test_other_names_of_the_emotions_are_read_as_these_when_asked_for(make_pictures: Make):
    folder = make_pictures(count=2)
    for name, other in (("happy", "Joy"), ("angry", "anger"), ("tired", "relaxed")):
        (folder / name).rename(folder / other)
    put(folder, {"Mad/1.png": shot(1)})
    assert counts(folder) == {"sad": 2, "Joy": 2, "Mad": 1, "anger": 2, "relaxed": 2}
    as_meant = counts(folder, use_aliases=True)
    assert list(as_meant.items()) == [("happy", 2), ("sad", 2), ("angry", 3), ("relaxed", 2)]


def test_a_missing_or_empty_folder_is_one_sentence(make_pictures: Make, tmp_path: Path):
    with pytest.raises(PictureError, match="There is no folder"):
        list_folder(tmp_path / "nowhere")
    (tmp_path / "empty" / "happy").mkdir(parents=True)
    with pytest.raises(PictureError, match="no pictures in class folders"):
        find_pictures(tmp_path / "empty")
    assert holds_pictures(make_pictures(count=1))
    assert not any(holds_pictures(tmp_path / name) for name in ("empty", "gone", "pictures/happy"))


def test_the_imagefolder_reader_of_datasets_finds_the_same_in_a_folder_and_in_a_set(
    sets: Sets, make_pictures: Make, tmp_path: Path
):
    import datasets

    datasets.disable_progress_bars()
    folder = make_pictures(count=3, classes=("happy", "sad"))
    (folder / "happy").rename(folder / "Anger")
    for root, options in ((folder, {"drop_labels": False}), (sets.bring(folder).folder, {})):
        rows = datasets.load_dataset(
            "imagefolder", data_dir=str(root), split="train", cache_dir=str(tmp_path / "cache"), **options
        ).cast_column("image", datasets.Image(decode=False))
        # A table says labels as texts.
        name = rows.features["label"].int2str if options else str
        read = {(Path(row["image"]["path"]), name(row["label"])) for row in rows}
        assert {(picture.path, picture.label) for picture in find_pictures(root)} == read


def so_many(sizes: dict[str, int]) -> list[Picture]:
    return [Picture(Path(label, str(row)), label) for label, size in sizes.items() for row in range(size)]


def test_the_split_is_stratified_disjoint_and_depends_on_its_seed(make_pictures: Make):
    pictures = find_pictures(make_pictures(count=20))
    parts = split(pictures, fraction=0.15, seed=1)
    assert count_labels(parts.validation) == dict.fromkeys(EMOTIONS, 3)
    assert sorted(map(str, parts.train + parts.validation)) == sorted(map(str, pictures))
    assert split(pictures[::-1], fraction=0.15, seed=1) == parts
    assert split(pictures, fraction=0.15, seed=2).validation != parts.validation


@pytest.mark.parametrize("sizes", [(300, 290, 3, 2), (2, 2, 2, 2), (1000, 2, 2, 2)])
def test_every_class_is_trained_on_and_validated_however_few_pictures_it_has(sizes: tuple[int, ...]):
    pictures = so_many(dict(zip(EMOTIONS, sizes, strict=True)))
    for seed in range(10):
        parts = split(pictures, fraction=0.05, seed=seed)
        assert set(count_labels(parts.train)) == set(count_labels(parts.validation)) == set(EMOTIONS)
        assert len(set(parts.train) | set(parts.validation)) == len(parts.train) + len(parts.validation) == sum(sizes)


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [({"happy": 9}, "Only one class, 'happy'"), ({"happy": 9, "tired": 1}, "The class 'tired' has one picture")],
)
def test_what_cannot_be_split_is_one_sentence(sizes: dict[str, int], sentence: str):
    with pytest.raises(PictureError, match=sentence):
        split(so_many(sizes), fraction=0.15, seed=1)


def test_a_sample_depends_on_seed_and_paths_alone(make_pictures: Make):
    pictures = find_pictures(make_pictures(count=12))
    drawn = draw_in_order(pictures, label="happy", size=5, seed=3)
    assert drawn == draw_in_order(pictures[::-1], label="happy", size=5, seed=3)
    assert drawn != draw_in_order(pictures, label="happy", size=5, seed=4)
    # As written in saved comparisons: which pictures a seed draws never changes.
    assert [each.path.stem[-3:] for each in drawn[:5]] == ["003", "009", "008", "002", "005"]
    assert len(set(drawn)) == len(draw_in_order(pictures, label="happy", size=None, seed=3)) == 12


@pytest.mark.parametrize(("label", "size", "sentence"), [("happy", 13, "only 12 pictures"), ("calm", 1, "no pictures")])
def test_a_sample_that_cannot_be_drawn_is_a_sentence(make_pictures: Make, label: str, size: int, sentence: str):
    with pytest.raises(PictureError, match=sentence):
        draw_in_order(find_pictures(make_pictures(count=12)), label=label, size=size, seed=1)


def test_copies_lie_within_the_bound_and_strangers_beyond_it():
    faces = [open_picture(each.path) for each in find_pictures(DRAWN_FOLDER / "human_eval")[::8]]
    prints = [fingerprint(face) for face in faces]
    for name, change in COPIES.items():
        again = [fingerprint(ImageOps.mirror(change(face)) if name == "mirrored" else change(face)) for face in faces]
        apart = [(one != other).mean() for one, other in zip(prints, again, strict=True)]
        assert sum(share <= NEAR_SHARE for share in apart) >= 0.95 * len(faces)
    strangers = [(one != other).mean() for row, one in enumerate(prints) for other in prints[:row]]
    assert min(strangers) > NEAR_SHARE


def test_copies_of_what_a_run_was_trained_on_are_found_whatever_they_are_called_and_strangers_are_not(
    emotion: Emotion, run: Path, isolated: Path, tiny_pictures: Path, tmp_path: Path
):
    originals = sorted((tiny_pictures / "human_train" / "happy").iterdir())
    dogs = shutil.copytree(tiny_pictures / "dog_eval" / "happy", tmp_path / "dogs" / "happy")
    for original, change in zip(originals, (COPIES["grey"], COPIES["mirrored"]), strict=False):
        change(open_picture(original)).convert("RGB").save(dogs / f"changed_{original.stem}.webp", lossless=True)
    shutil.copy(originals[5], dogs / "renamed.png")
    (dogs / "bad.jpg").write_text("no picture")

    def judged() -> tuple[int, int, int]:
        words = ["--set", f"dog={dogs.parent}", "--emotion", "happy", "--size", "all", "--json"]
        result = emotion("compare", "--run", run, *words).json["sets"]["dog"]["happy"]
        return result["near_duplicates"], result["n"], result["unreadable"]

    assert judged() == (3, 6, 1)
    for kept in filter(Path.is_file, (isolated / "cache").rglob("fingerprints.json")):
        kept.write_bytes(kept.read_bytes()[:-20] + b'\n{"sha256": 3}\n[]\n')
    assert judged() == (3, 6, 1)
    # Where the originals are gone, the hashes of their content are still known.
    shutil.rmtree(isolated / "cache")
    record = json.loads((run / "config.json").read_text())
    record["config"]["pictures"] = str(tmp_path / "gone")
    (run / "config.json").write_text(json.dumps(record))
    assert judged() == (1, 8, 1)
