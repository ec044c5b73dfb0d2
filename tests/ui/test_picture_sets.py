"""Which picture sets the page offers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from emotion.errors import PictureError
from emotion.labels import species_of
from emotion.pictures import drawn
from emotion.pictures.drawn import is_drawn
from emotion.ui.compare.form import ticked
from emotion.ui.picture_sets import (
    evaluation_sets,
    find_set,
    list_picture_sets,
    names_by_species,
    set_title,
    training_sets,
)


@pytest.fixture
def photos(faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of further sets, named by the environment; one of them is empty."""
    root = tmp_path / "photos"
    for name in ("human_train", "dog_eval", "goat_eval"):
        root.mkdir(exist_ok=True)
        shutil.copytree(faces / "dog_eval", root / name)
    (root / "empty_eval").mkdir()
    monkeypatch.setenv("EMOTION_PICTURES", str(root))
    return root


def test_the_drawn_sets_come_first_and_are_named_in_words():
    assert [each.title for each in list_picture_sets()] == [
        "Drawn humans (train)", "Drawn humans", "Drawn dogs", "Drawn cats",
    ]  # fmt: skip


def test_sets_under_the_environments_folder_follow_and_empty_ones_do_not(photos: Path):
    extra = [each for each in list_picture_sets() if not each.is_drawn]
    assert [each.title for each in extra] == ["photos/human_train", "photos/dog_eval", "photos/goat_eval"]
    assert [each.species for each in extra] == ["human", "dog", ""]


def test_missing_drawn_sets_leave_nothing_and_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drawn, "DRAWN_FOLDER", tmp_path / "nowhere")
    assert list_picture_sets() == []
    with pytest.raises(PictureError, match="There are no picture sets"):
        find_set(None, sets=[])


def test_sets_to_train_on_come_first_to_train_and_not_at_all_to_compare():
    assert training_sets(list_picture_sets())[0].is_for_training
    assert not any(each.is_for_training for each in evaluation_sets(list_picture_sets()))


def test_a_folder_is_drawn_or_not(faces: Path, tmp_path: Path):
    assert is_drawn(faces / "dog_eval" / "happy" / "a.webp")
    assert not is_drawn(tmp_path)
    assert set_title(faces / "dog_eval") == "Drawn dogs"


@pytest.mark.parametrize(("name", "species"), [("dog_eval", "dog"), ("Dogs", "dog"), ("drawn dogs", ""), ("doggy", "")])
def test_the_species_is_the_beginning_of_the_name(name: str, species: str):
    assert species_of(name) == species


def test_humans_and_dogs_are_ticked_and_cats_are_there():
    sets = evaluation_sets(list_picture_sets())
    assert ticked(sets, is_drawn=True) == ["drawn/human_eval", "drawn/dog_eval"]
    assert "drawn/cat_eval" in [each.key for each in sets]


def test_a_run_on_photographs_ticks_photographs(photos: Path):
    assert ticked(evaluation_sets(list_picture_sets()), is_drawn=False) == ["given/dog_eval"]


def test_two_sets_of_one_species_keep_apart(photos: Path, faces: Path):
    names = names_by_species([each for each in list_picture_sets() if each.folder.name == "dog_eval"])
    assert list(names) == ["dog (drawn)", "dog (photos)"]
    assert [species_of(name) for name in names] == ["dog", "dog"]
    assert list(names_by_species(evaluation_sets(list_picture_sets())[:2])) == ["human", "dog"]
