"""A set that is changed after its import holds what its manifest says, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from zips import encoded, image, imported, picture, plain_files, reasons, tree

from emotion.errors import PictureError
from emotion.pictures.folders import hash_file, list_pictures
from emotion.sets import adding, editing
from emotion.sets.adding import Added, add_from
from emotion.sets.editing import delete_pictures, describe_set, relabel_pictures
from emotion.sets.files import FileSource
from emotion.sets.limits import Limits
from emotion.sets.packing import pack
from emotion.sets.saved import SavedSet


@pytest.fixture
def found(tmp_path: Path) -> SavedSet:
    """A set of two happy and two sad pictures."""
    for name, content in plain_files().items():
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return imported(tmp_path / "photos", tmp_path / "sets", name="mine")


def give(found: SavedSet, folder: Path, label: str, contents: dict[str, bytes], **limits: Any) -> Added:
    """Add files to a class as a page does: under names of their own that lie elsewhere."""
    files = []
    for number, (name, content) in enumerate(contents.items()):
        path = folder / f"upload-{number}"
        path.write_bytes(content)
        files.append((path, name))
    bounds = Limits(**limits)
    return finish(add_from(found, FileSource(files, label=label, limits=bounds), limits=bounds))


def finish(steps: Generator[Any, None, Added]) -> Added:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # the generator's own


def agrees(found: SavedSet) -> bool:
    """Whether the folder holds what the manifest says, no more and no less."""
    manifest = SavedSet(found.folder).manifest
    listed = {
        path.relative_to(found.folder.resolve()).as_posix(): label
        for label, paths in list_pictures(found.folder.resolve()).items()
        for path in paths
    }
    assert all(hash_file(found.folder / row.file) == row.sha256 for row in manifest.pictures)
    return listed == {row.file: row.label for row in manifest.pictures}


def test_files_that_are_added_become_pictures_of_the_class_and_the_rest_stays(found: SavedSet, tmp_path: Path) -> None:
    before = found.manifest.pictures
    added = give(found, tmp_path, "angry", {"a.png": picture("a"), "../b.png": picture("b"), "c.txt": b"no"})
    after = SavedSet(found.folder).manifest
    assert (added.pictures, [each.original for each in added.skipped]) == (2, ["c.txt"])
    assert after.pictures[: len(before)] == before
    assert [(row.file, row.original) for row in after.pictures[len(before) :]] == [
        ("angry/0001.png", "angry/a.png"), ("angry/0002.png", "angry/b.png"),
    ]  # fmt: skip
    assert agrees(found)


def test_what_the_set_holds_already_is_left_out_under_any_label(found: SavedSet, tmp_path: Path) -> None:
    same = (found.folder / found.manifest.pictures[0].file).read_bytes()
    added = give(found, tmp_path, "tired", {"again.png": same, "new.png": picture("new")})
    assert added.pictures == 1
    assert [each.reason for each in added.skipped] == [
        f"It is in the set already, as {found.manifest.pictures[0].label}."
    ]
    assert agrees(found)


def test_a_number_is_never_given_twice(found: SavedSet, tmp_path: Path) -> None:
    give(found, tmp_path, "happy", {"a.png": picture("a")})
    delete_pictures(SavedSet(found.folder), ["happy/0001.png"])
    give(found, tmp_path, "happy", {"b.png": picture("b")})
    assert [row.file for row in SavedSet(found.folder).manifest.pictures if row.label == "happy"] == [
        "happy/0002.png", "happy/0003.png", "happy/0004.png",
    ]  # fmt: skip


def test_what_looks_alike_is_told_of_pictures_that_are_added(found: SavedSet, tmp_path: Path) -> None:
    first = found.manifest.pictures[0]
    from PIL import Image

    with Image.open(found.folder / first.file) as opened:
        smaller = encoded(opened.convert("RGB").resize((36, 32)))
    give(found, tmp_path, "sad", {"like.png": smaller})
    alike = SavedSet(found.folder).manifest.near_duplicates
    assert [(each.like, each.set) for each in alike] == [(first.file, "")]
    moved = relabel_pictures(SavedSet(found.folder), [first.file], "tired")
    assert moved == 1
    assert [each.like for each in SavedSet(found.folder).manifest.near_duplicates] == ["tired/0001.png"]
    delete_pictures(SavedSet(found.folder), ["tired/0001.png"])
    assert SavedSet(found.folder).manifest.near_duplicates == []
    assert agrees(found)


def test_a_relabelled_picture_is_the_same_file_in_another_class(found: SavedSet) -> None:
    row = found.manifest.pictures[0]
    assert relabel_pictures(found, [row.file], "sad") == 1
    after = SavedSet(found.folder).manifest
    moved = next(each for each in after.pictures if each.sha256 == row.sha256)
    assert (moved.label, moved.file) == ("sad", "sad/0003.png")
    assert not (found.folder / row.file).exists()
    assert after.counts() == {"happy": 1, "sad": 3}
    assert agrees(found)


def test_a_class_that_loses_its_last_picture_is_none_any_more(found: SavedSet) -> None:
    happy = [row.file for row in found.manifest.pictures if row.label == "happy"]
    assert delete_pictures(found, happy) == 2
    assert SavedSet(found.folder).manifest.counts() == {"sad": 2}
    assert not (found.folder / "happy").exists()
    with pytest.raises(PictureError, match="delete the whole set"):
        delete_pictures(SavedSet(found.folder), [row.file for row in SavedSet(found.folder).manifest.pictures])


@pytest.mark.parametrize("files", [["happy/9999.png"], ["../outside.png"], ["manifest.json"]])
def test_what_is_not_in_the_set_is_neither_deleted_nor_moved(found: SavedSet, tmp_path: Path, files: list[str]) -> None:
    (tmp_path / "sets" / "outside.png").write_bytes(b"theirs")
    before = tree(tmp_path)
    with pytest.raises(PictureError, match="not in the set"):
        delete_pictures(found, files)
    with pytest.raises(PictureError, match="not in the set"):
        relabel_pictures(found, files, "sad")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("label", ["", "../up", "con", "x" * 61])
def test_no_class_leads_out_of_the_set(found: SavedSet, tmp_path: Path, label: str) -> None:
    file = found.manifest.pictures[0].file
    with contextlib.suppress(PictureError):
        relabel_pictures(found, [file], label)
    assert {path.name for path in (tmp_path / "sets").iterdir()} <= {"mine", ".sets-lock"}
    assert agrees(found)


def test_nothing_is_added_beyond_the_limit_or_where_nothing_can_be_used(found: SavedSet, tmp_path: Path) -> None:
    before = tree(found.folder)
    with pytest.raises(PictureError, match="limit is 5 a set"):
        give(found, tmp_path, "happy", {"a.png": picture("a"), "b.png": picture("b")}, pictures=5)
    with pytest.raises(PictureError, match="not a picture"):
        give(found, tmp_path, "happy", {"a.png": b"text"})
    assert tree(found.folder) == before


class Killed(BaseException):
    """Stands for a kill: nothing that catches errors catches it."""


@pytest.mark.parametrize("change", ["add", "relabel", "delete"])
def test_a_change_that_is_cut_off_before_the_manifest_is_undone_by_the_next(
    found: SavedSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    before = found.manifest.pictures

    def cut_off(*_: object) -> None:
        raise Killed

    changes = {
        "add": lambda: give(found, tmp_path, "angry", {"a.png": picture("a")}),
        "relabel": lambda: relabel_pictures(found, [before[0].file], "angry"),
        "delete": lambda: delete_pictures(found, [before[0].file]),
    }
    for module in (adding, editing):
        monkeypatch.setattr(module, "write_manifest", cut_off)
    with pytest.raises(Killed):
        changes[change]()
    monkeypatch.undo()
    assert SavedSet(found.folder).manifest.pictures == before
    describe_set(SavedSet(found.folder), name="mine", species="cat")
    assert SavedSet(found.folder).manifest.pictures == before
    assert agrees(found)


def test_a_name_and_a_species_can_be_changed_and_the_folder_stays(found: SavedSet) -> None:
    describe_set(found, name="Rosa’s dogs", species="Dog")
    manifest = SavedSet(found.folder).manifest
    assert (manifest.name, manifest.species, found.folder.name) == ("Rosa’s dogs", "dog", "mine")
    with pytest.raises(PictureError, match="no letter"):
        describe_set(found, name="…", species="")


def test_a_packed_set_comes_back_as_it_was(found: SavedSet, tmp_path: Path) -> None:
    packed = pack(found, tmp_path / "mine.zip")
    with zipfile.ZipFile(packed) as opened:
        assert opened.testzip() is None
        assert f"{found.key}/manifest.json" in opened.namelist()
    again = imported(packed, tmp_path / "sets", name="again")
    assert [(row.file, row.sha256) for row in again.manifest.pictures] == [
        (row.file, row.sha256) for row in found.manifest.pictures
    ]
    assert reasons(again) == {"mine/manifest.json": "It is not a picture by its name."}
    assert not (tmp_path / ".mine.zip").exists()


def test_pictures_of_one_set_alike_to_another_are_told_with_its_name(found: SavedSet, tmp_path: Path) -> None:
    other = tmp_path / "other" / "happy"
    other.mkdir(parents=True)
    (other / "x.png").write_bytes(encoded(image("quite another")))
    second = imported(tmp_path / "other", tmp_path / "sets", name="second")
    same = (found.folder / found.manifest.pictures[0].file).read_bytes()
    give(second, tmp_path, "happy", {"same.png": same})
    alike = SavedSet(second.folder).manifest.near_duplicates
    assert [(each.like, each.set, each.share) for each in alike] == [(found.manifest.pictures[0].file, "mine", 0.0)]


def test_a_class_that_differs_in_case_only_is_the_one_that_is_there(found: SavedSet, tmp_path: Path) -> None:
    give(found, tmp_path, "HAPPY", {"a.png": picture("a")})
    relabel_pictures(SavedSet(found.folder), ["sad/0001.png"], "Happy")
    assert SavedSet(found.folder).manifest.counts() == {"happy": 4, "sad": 1}
    assert agrees(found)


def test_a_file_that_a_person_put_into_a_set_by_hand_is_left_alone(found: SavedSet, tmp_path: Path) -> None:
    own = found.folder / "happy" / "Rosa.png"
    own.write_bytes(picture("by hand"))
    delete_pictures(found, ["happy/0001.png"])
    assert own.exists()
