"""Folders of pictures as people have them."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from emotion.errors import PictureError
from emotion.pictures.folders import (
    Picture,
    count_labels,
    find_pictures,
    holds_pictures,
    list_pictures,
)
from emotion.pictures.sampling import draw_in_order, sample
from emotion.pictures.splitting import split


def test_the_order_of_paths_and_that_of_classes_hold_the_same_pictures(make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures(count=3)
    listed = {label: [path.absolute() for path in paths] for label, paths in list_pictures(folder).items()}
    read: dict[str, list[Path]] = {label: [] for label in listed}
    for picture in find_pictures(folder):
        read[picture.label].append(picture.path)
    assert read == listed
    assert list(listed) == ["happy", "sad", "angry", "tired"]


def test_odd_names_are_read_as_they_are(tmp_path: Path) -> None:
    for label, name in (
        ("happy", "test_1.png"),
        ("happy", "wow [1]*.png"),
        ("sad", "träne 😢.PNG"),
        ("sad", "train.png"),
    ):
        (tmp_path / label).mkdir(exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / label / name, format="PNG")
    Image.new("RGB", (4, 4)).save(tmp_path / "loose.png")
    (tmp_path / "happy" / ".hidden.png").write_bytes(b"")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "x.png").write_bytes(b"")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "read me.txt").write_text("no picture")
    found = find_pictures(tmp_path)
    assert count_labels(found) == {"happy": 2, "sad": 2}
    assert {picture.path.name for picture in found} == {"test_1.png", "wow [1]*.png", "träne 😢.PNG", "train.png"}


def test_a_path_with_dots_or_links_is_read(make_pictures: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_pictures(count=2)
    (tmp_path / "link").symlink_to(folder)
    for path in (folder / ".." / folder.name, tmp_path / "link"):
        assert len(find_pictures(path)) == 8


def test_folders_within_folders_take_the_innermost_name(tmp_path: Path) -> None:
    for part in ("a/happy", "b/happy", "b/sad"):
        (tmp_path / part).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / part / "1.png")
    assert count_labels(find_pictures(tmp_path)) == {"happy": 2, "sad": 1}


def test_other_names_of_the_emotions_are_read_as_these_when_asked_for(make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures(count=2)
    for name, other in (("happy", "Joy"), ("angry", "anger"), ("tired", "relaxed")):
        (folder / name).rename(folder / other)
    (folder / "Mad").mkdir()
    Image.new("RGB", (4, 4)).save(folder / "Mad" / "1.png")
    as_named = {"sad": 2, "Joy": 2, "Mad": 1, "anger": 2, "relaxed": 2}
    assert count_labels(find_pictures(folder)) == as_named
    assert {label: len(paths) for label, paths in list_pictures(folder).items()} == as_named
    as_meant = {"happy": 2, "sad": 2, "angry": 3, "relaxed": 2}
    assert count_labels(find_pictures(folder, use_aliases=True)) == as_meant
    listed = list_pictures(folder, use_aliases=True)
    assert {label: len(paths) for label, paths in listed.items()} == as_meant
    assert list(listed) == list(as_meant)


def test_a_missing_or_empty_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="There is no folder"):
        list_pictures(tmp_path / "nowhere")
    with pytest.raises(PictureError, match="No pictures in the class folders"):
        list_pictures(tmp_path)
    (tmp_path / "happy").mkdir()
    with pytest.raises(PictureError, match="No pictures in the class folders"):
        find_pictures(tmp_path)


def test_the_split_is_stratified_disjoint_and_depends_on_its_seed(make_pictures: Callable[..., Path]) -> None:
    pictures = find_pictures(make_pictures(count=20))
    parts = split(pictures, fraction=0.15, seed=1)
    assert count_labels(parts.validation) == {"happy": 3, "sad": 3, "angry": 3, "tired": 3}
    assert len(parts.train) == 68
    assert not set(parts.train) & set(parts.validation)
    assert split(pictures[::-1], fraction=0.15, seed=1) == parts
    assert split(pictures, fraction=0.15, seed=2).validation != parts.validation


def test_one_class_only_is_one_sentence(make_pictures: Callable[..., Path]) -> None:
    with pytest.raises(PictureError, match="Only one class, 'happy', has pictures"):
        split(find_pictures(make_pictures(classes=("happy",))), fraction=0.15, seed=1)


def test_a_class_with_one_picture_is_one_sentence(make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures()
    for path in list_pictures(folder)["tired"][1:]:
        path.unlink()
    with pytest.raises(PictureError, match="The class 'tired' has one picture"):
        split(find_pictures(folder), fraction=0.15, seed=1)


def test_every_class_is_validated_even_in_a_small_set(make_pictures: Callable[..., Path]) -> None:
    parts = split(find_pictures(make_pictures(count=2)), fraction=0.05, seed=1)
    assert (
        count_labels(parts.validation)
        == count_labels(parts.train)
        == dict.fromkeys(("happy", "sad", "angry", "tired"), 1)
    )


def test_a_sample_depends_on_seed_and_paths_alone(make_pictures: Callable[..., Path]) -> None:
    pictures = find_pictures(make_pictures(count=12))
    drawn = sample(pictures, label="happy", size=5, seed=3)
    assert drawn == sample(pictures[::-1], label="happy", size=5, seed=3)
    assert drawn != sample(pictures, label="happy", size=5, seed=4)
    assert len(set(drawn)) == 5
    assert len(sample(pictures, label="happy", size=None, seed=3)) == 12


def test_stand_ins_change_nothing_of_the_sample_itself(make_pictures: Callable[..., Path]) -> None:
    pictures = find_pictures(make_pictures(count=12))
    happy = [picture for picture in pictures if picture.label == "happy"]
    order = draw_in_order(pictures, label="happy", size=5, seed=3)
    assert order[:5] == sample(pictures, label="happy", size=5, seed=3) == random.Random(3).sample(happy, 5)
    assert sorted(order, key=str) == happy
    assert order == draw_in_order(pictures[::-1], label="happy", size=5, seed=3)
    assert order[5:] != draw_in_order(pictures, label="happy", size=5, seed=4)[5:]


def test_a_class_that_is_there_by_another_name_is_named(make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures(count=2)
    (folder / "angry").rename(folder / "Anger")
    with pytest.raises(PictureError) as caught:
        sample(find_pictures(folder), label="angry", size=1, seed=1)
    assert str(caught.value) == (
        "There are no pictures of 'angry' in this set: choose another emotion or another set. This set says 'Anger' "
        "for angry: switch on “Read other names of the four emotions” (--use-aliases) to read it as such."
    )
    assert sample(find_pictures(folder, use_aliases=True), label="angry", size=1, seed=1)


@pytest.mark.parametrize(("label", "size", "sentence"), [("happy", 13, "only 12 pictures"), ("calm", 1, "no pictures")])
def test_a_sample_that_cannot_be_drawn_is_one_sentence(
    make_pictures: Callable[..., Path], label: str, size: int, sentence: str
) -> None:
    with pytest.raises(PictureError, match=sentence):
        sample(find_pictures(make_pictures(count=12)), label=label, size=size, seed=1)


def test_the_imagefolder_reader_of_datasets_finds_the_same(make_pictures: Callable[..., Path], tmp_path: Path) -> None:
    import datasets

    root = make_pictures(count=3, classes=("happy", "sad"))
    (root / "Anger").mkdir()
    (root / "happy" / "happy_001.png").rename(root / "Anger" / "x.png")
    datasets.disable_progress_bars()
    rows = datasets.load_dataset(
        "imagefolder", data_dir=str(root), drop_labels=False, split="train", cache_dir=str(tmp_path / "cache")
    ).cast_column("image", datasets.Image(decode=False))
    names = rows.features["label"].names
    read = {(Path(row["image"]["path"]), names[row["label"]]) for row in rows}
    found = find_pictures(root)
    assert {(picture.path, picture.label) for picture in found} == read
    assert len(found) == 6
    assert {picture.label for picture in find_pictures(root, use_aliases=True)} == {"happy", "sad", "angry"}


def test_a_class_with_few_pictures_is_in_both_parts(tmp_path: Path) -> None:
    counts = {"happy": 300, "sad": 290, "angry": 3, "tired": 2}
    pictures = [
        Picture(tmp_path / label / f"{number:03}.png", label)
        for label, count in counts.items()
        for number in range(count)
    ]
    for seed in range(20):
        parts = split(pictures, fraction=0.15, seed=seed)
        assert {each.label for each in parts.train} == {each.label for each in parts.validation} == set(counts)
        assert sorted(str(each.path) for each in parts.train + parts.validation) == [
            str(each.path) for each in sorted(pictures, key=lambda picture: str(picture.path))
        ]


def test_whether_a_folder_holds_pictures_is_told_by_the_first_one(
    make_pictures: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_pictures(count=30)
    looked: list[object] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: looked.append(path) or scandir(path))
    assert holds_pictures(folder)
    # The set, and the first of its four classes.
    assert len(looked) == 2
    assert not holds_pictures(folder / "happy")
    assert not holds_pictures(folder / "gone")
