"""A set that is changed after its import holds what is said of it, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import shutil
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.sets import Made, Sets, encoded, image, put, shot, signalled, tree

from emotion.core.errors import PictureError
from emotion.data.decoding import open_picture
from emotion.data.folders import list_folder


def test_files_that_are_added_become_pictures_of_the_class_and_the_rest_stays(sets: Sets, made: Made, tmp_path: Path):
    before = {path: path.read_bytes() for path in made.files()}
    added = sets.add(tmp_path, "angry", {"a.png": shot("a"), "../b.png": shot("b"), "c.txt": b"no"})
    assert (added.pictures, [each.original for each in added.skipped]) == (2, ["c.txt"])
    assert sets.show().counts == {"happy": 2, "sad": 2, "angry": 2}
    assert before.items() <= {path: path.read_bytes() for path in made.files()}.items()


def test_a_name_of_a_file_is_never_given_twice(sets: Sets, made: Made, tmp_path: Path):
    sets.add(tmp_path, "happy", {"a.png": shot("a")})
    [gone, *rest] = sets.show().names("happy")
    sets.delete_pictures([gone])
    sets.add(tmp_path, "happy", {"b.png": shot("b")})
    names = sets.show().names("happy")
    assert set(rest) < set(names)
    assert gone not in names


def test_near_duplicates_follow_the_pictures_that_are_added_moved_and_deleted(sets: Sets, made: Made, tmp_path: Path):
    first = made.files("happy")[0]
    smaller = encoded(open_picture(first).resize((36, 32)))
    sets.add(tmp_path, "sad", {"like.png": smaller})
    assert [like for _, like, _ in sets.show().near] == [f"happy/{first.name}"]
    assert sets.relabel([f"happy/{first.name}"], "tired") == 1
    [moved] = sets.show().names("tired")
    assert [like for _, like, _ in sets.show().near] == [moved]
    sets.delete_pictures([moved])
    assert sets.show().near == []
    sets.bring(put(tmp_path / "other", {"happy/x.png": encoded(image("quite another"))}), name="second")
    sets.add(tmp_path, "happy", {"same.png": smaller}, name="second")
    assert [of for *_, of in sets.show("second").near] == ["mine"]


def test_a_relabelled_picture_is_the_same_file_in_another_class_and_an_empty_class_is_none(sets: Sets, made: Made):
    first, second = made.files("happy")
    content = first.read_bytes()
    assert sets.relabel([f"happy/{first.name}"], "sad") == 1
    assert sets.show().counts == {"happy": 1, "sad": 3}
    assert content in [path.read_bytes() for path in made.files("sad")]
    assert sets.delete_pictures([f"happy/{second.name}"]) == 1
    assert sets.show().counts == {"sad": 3}
    with pytest.raises(PictureError, match="delete the whole set"):
        sets.delete_pictures(made.names())
    assert sets.show().counts == {"sad": 3}


@pytest.mark.parametrize("name", ["happy/9999.png", "../outside.png", "manifest.json"])
def test_what_is_not_in_the_set_is_neither_deleted_nor_moved(sets: Sets, made: Made, name: str):
    put(sets.root, {"outside.png": b"theirs"})
    before = tree(sets.root)
    with pytest.raises(PictureError, match="not in the set"):
        sets.delete_pictures([name])
    with pytest.raises(PictureError, match="not in the set"):
        sets.relabel([name], "sad")
    assert tree(sets.root) == before


@pytest.mark.parametrize("label", ["", "../up", "con", "x" * 61])
def test_no_class_leads_out_of_the_set(sets: Sets, made: Made, label: str):
    with contextlib.suppress(PictureError):
        sets.relabel([made.names("happy")[0]], label)
    assert {path.name for path in sets.root.iterdir() if path.is_dir()} == {"mine"}
    assert sum(sets.show().counts.values()) == 4


def test_nothing_is_added_beyond_the_limit_or_where_nothing_can_be_used(sets: Sets, made: Made, tmp_path: Path):
    before = tree(made.folder)
    with pytest.raises(PictureError, match="limit is 5"):
        sets.add(tmp_path, "happy", {"a.png": shot("a"), "b.png": shot("b")}, pictures=5)
    with pytest.raises(PictureError, match="not a picture"):
        sets.add(tmp_path, "happy", {"a.png": b"text"})
    assert tree(made.folder) == before


CHANGES: dict[str, tuple[Callable[[Sets, Path], object], dict[str, int]]] = {
    "add": (lambda sets, place: sets.add(place, "angry", {"a.png": shot("a")}), {"happy": 2, "sad": 2, "angry": 1}),
    "relabel": (lambda sets, _: sets.relabel([sets.show().names("happy")[0]], "sad"), {"happy": 1, "sad": 3}),
    "delete": (lambda sets, _: sets.delete_pictures([sets.show().names("happy")[0]]), {"happy": 1, "sad": 2}),
}


def listed(folder: Path) -> dict[str, int]:
    return {label: len(names) for label, names in list_folder(folder).files.items()}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_is_killed_at_any_moment_is_done_or_not(sets: Sets, made: Made, tmp_path: Path, change: str):
    act, after = CHANGES[change]
    shutil.copytree(made.folder, tmp_path / "before")
    (tmp_path / "given").mkdir()
    for at in range(1, 60):
        done = signalled(lambda: act(sets, tmp_path / "given") and 0, at=at)
        told = sets.show().told["classes"]
        assert told in ({"happy": 2, "sad": 2}, after)
        # A file too many may be left: nothing is trained on it, and no later change writes over it.
        assert listed(made.folder) == told
        [*_, label] = after
        sets.add(tmp_path / "given", label, {"later.png": shot("later")})
        assert listed(made.folder) == told | {label: told.get(label, 0) + 1}
        if done is None:
            break
        assert done == -signal.SIGKILL
        shutil.rmtree(made.folder)
        shutil.copytree(tmp_path / "before", made.folder)
    assert 3 < at < 59
    assert told == after


def test_a_name_and_a_species_can_be_changed_and_the_folder_stays(sets: Sets, made: Made):
    sets.describe("Rosa’s dogs", "Dog")
    told = sets.show().told
    assert (told["name"], told["species"], told["set"]) == ("Rosa’s dogs", "dog", str(made.folder))
    with pytest.raises(PictureError, match="no letter"):
        sets.describe("…", "")


def test_a_packed_set_comes_back_as_it_was(sets: Sets, made: Made, tmp_path: Path):
    packed = sets.pack(tmp_path / "mine.zip")
    with zipfile.ZipFile(packed) as opened:
        assert opened.testzip() is None
        assert all(name.startswith("mine/") for name in opened.namelist())
    again = sets.bring(packed, name="again")
    assert again.counts == made.counts
    assert again.contents == made.contents


def test_a_class_that_differs_in_case_only_is_the_one_that_is_there(sets: Sets, made: Made, tmp_path: Path):
    sets.add(tmp_path, "HAPPY", {"a.png": shot("a")})
    sets.relabel([made.names("sad")[0]], "Happy")
    assert sets.show().counts == {"happy": 4, "sad": 1}
