"""A set that is changed after its import, here or by hand, holds what is said of it, whatever happens meanwhile."""

import contextlib
import json
import shutil
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.sets import Made, Sets, encoded, listed, put, result_of, shot, signalled, tree

from emotion.core.errors import PictureError
from emotion.data.decoding import open_picture
from emotion.data.folders import list_folder
from emotion.data.importing import Bring, FromFiles
from emotion.data.sets import SavedSet


def test_files_that_are_added_become_pictures_of_the_class_and_the_rest_stays(sets: Sets, made: Made):
    before = {path: path.read_bytes() for path in made.files()}
    added = sets.add("angry", {"a.png": shot("a"), "../b.png": shot("b"), "c.txt": b"no"})
    assert (added.pictures, [each.original for each in added.skipped]) == (2, ["c.txt"])
    sets.add("HAPPY", {"d.png": shot("d")})
    assert sets.show().counts == {"happy": 3, "sad": 2, "angry": 2}
    assert before.items() <= {path: path.read_bytes() for path in made.files()}.items()
    # A name of a file is never given twice.
    [gone, *rest] = sets.show().names("happy")
    sets.delete_pictures([gone])
    sets.add("happy", {"e.png": shot("e")})
    names = set(sets.show().names("happy"))
    assert set(rest) < names
    assert gone not in names


def test_what_the_set_holds_already_is_left_out_under_any_label_and_saved_otherwise(sets: Sets, made: Made):
    first, second = made.files("happy")
    otherwise = encoded(open_picture(second), "PNG", compress_level=9)
    added = sets.add("tired", {"a.png": first.read_bytes(), "b.png": otherwise, "new.png": shot("new")})
    assert [each.reason for each in added.skipped] == ["It is in the set already, as happy."] * 2
    assert sets.show().counts == {"happy": 2, "sad": 2, "tired": 1}


def test_near_duplicates_follow_the_pictures_that_are_added_moved_and_deleted(sets: Sets, made: Made):
    first = made.files("happy")[0]
    smaller = encoded(open_picture(first).resize((36, 32)))
    sets.add("sad", {"like.png": smaller})
    assert [like for _, like, _ in sets.show().near] == [f"happy/{first.name}"]
    assert sets.relabel([f"happy/{first.name}"], "tired") == 1
    [moved] = sets.show().names("tired")
    assert [like for _, like, _ in sets.show().near] == [moved]
    sets.delete_pictures([moved])
    assert sets.show().near == []
    sets.bring({"happy/x.png": shot("quite another")}, name="second")
    sets.add("happy", {"same.png": smaller}, name="second")
    assert [of for *_, of in sets.show("second").near] == ["mine"]


def test_a_relabelled_picture_is_the_same_file_in_another_class_and_an_empty_class_is_none(sets: Sets, made: Made):
    first, second = made.files("happy")
    content = first.read_bytes()
    assert sets.relabel([f"happy/{first.name}"], "Sad") == 1
    assert sets.show().counts == {"happy": 1, "sad": 3}
    assert content in [path.read_bytes() for path in made.files("sad")]
    assert sets.delete_pictures([f"happy/{second.name}"]) == 1
    with pytest.raises(PictureError, match="delete the whole set"):
        sets.delete_pictures(made.names())
    assert sets.show().counts == {"sad": 3}


@pytest.mark.parametrize("name", ["happy/9999.png", "../outside.png", "manifest.json"])
def test_what_is_not_in_the_set_is_neither_deleted_nor_moved(sets: Sets, made: Made, name: str):
    put(sets.root, {"outside.png": b"theirs"})
    before = tree(sets.root)
    for change in (sets.delete_pictures, lambda names: sets.relabel(names, "sad")):
        with pytest.raises(PictureError, match="not in the set"):
            change([name])
    assert tree(sets.root) == before


def test_no_class_leads_out_of_the_set(sets: Sets, made: Made):
    for label in ("", "../up", "x" * 61):
        with contextlib.suppress(PictureError):
            sets.relabel([made.names("sad")[0]], label)
    assert {path.name for path in sets.root.iterdir() if path.is_dir()} == {"mine"}
    assert sum(sets.show().counts.values()) == 4


def test_nothing_is_added_beyond_the_limit_or_where_nothing_can_be_used(sets: Sets, made: Made):
    before = tree(made.folder)
    with pytest.raises(PictureError, match="limit is 5"):
        sets.add("happy", {"a.png": shot("a"), "b.png": shot("b")}, pictures=5)
    with pytest.raises(PictureError, match="not a picture"):
        sets.add("happy", {"a.png": b"text"})
    assert tree(made.folder) == before


CHANGES: dict[str, tuple[Callable[[Sets], object], dict[str, int]]] = {
    "add": (lambda sets: sets.add("angry", {"a.png": shot("a")}), {"happy": 2, "sad": 2, "angry": 1}),
    "relabel": (lambda sets: sets.relabel([sets.show().names("happy")[0]], "sad"), {"happy": 1, "sad": 3}),
    "delete": (lambda sets: sets.delete_pictures([sets.show().names("happy")[0]]), {"happy": 1, "sad": 2}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_is_killed_at_any_moment_is_done_or_not(sets: Sets, made: Made, tmp_path: Path, change: str):
    act, after = CHANGES[change]
    shutil.copytree(made.folder, tmp_path / "before")
    for at in range(1, 60):
        done = signalled(lambda: act(sets) and 0, at=at)
        told = sets.show().told["classes"]
        assert told in ({"happy": 2, "sad": 2}, after)
        # A file too many may be left: nothing is trained on it, and no later change writes over it.
        assert listed(made.folder) == told
        [*_, label] = after
        sets.add(label, {"later.png": shot("later")})
        assert listed(made.folder) == told | {label: told.get(label, 0) + 1}
        if done is None:
            break
        assert done == -signal.SIGKILL
        shutil.rmtree(made.folder)
        shutil.copytree(tmp_path / "before", made.folder)
    assert 3 < at < 59
    assert told == after


@pytest.mark.parametrize("change", CHANGES)
def test_fault_no_change_deletes_a_file_that_it_did_not_make(sets: Sets, made: Made, tmp_path: Path, change: str):
    # Some of a person's own files are called as ours are.
    own = ["happy/12.png", "happy/2024.txt", "joy/0001.png"]
    put(made.folder, dict.fromkeys(own, shot("own")))
    (made.folder / "linked").symlink_to(put(tmp_path / "elsewhere", {"0001.jpg": shot("theirs")}))
    act, _ = CHANGES[change]
    act(sets)
    sets.describe("Mine", "cat")
    assert all((made.folder / name).exists() for name in [*own, "linked/0001.jpg"])


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


def test_a_file_that_was_put_into_a_set_by_hand_is_none_of_its_pictures_and_told_of(made: Made):
    put(made.folder, {"happy/own.png": shot("own")})
    assert listed(made.folder) == {"happy": 2, "sad": 2}
    lost = list_folder(made.folder).account()
    assert lost == ["Left out: happy/own.png. It is not among the pictures of the set."]


@pytest.mark.parametrize(
    "damage",
    [
        lambda row: {**row, "file_name": "../../../etc/hostname"}, lambda row: {**row, "file_name": 5},
        lambda row: {**row, "label": None}, lambda row: [row],
    ],
)  # fmt: skip
def test_fault_a_row_that_leads_out_of_its_set_is_not_believed(made: Made, damage: Callable[[object], object]):
    rows = made.folder / "metadata.jsonl"
    first, *others = rows.read_text().splitlines()
    rows.write_text("\n".join([json.dumps(damage(json.loads(first))), *others]))
    with pytest.raises(PictureError, match="is not a picture set that can be read"):
        _ = SavedSet(made.folder).manifest


def test_fault_what_others_add_to_the_files_of_a_set_or_cut_off_costs_no_picture(sets: Sets, made: Made):
    rows, about = made.folder / "metadata.jsonl", made.folder / "set.json"
    added = [json.dumps({**json.loads(line), "age": 3}) + "\n\n" for line in rows.read_text().splitlines()]
    rows.write_text("".join(added))
    about.write_bytes(b"\xef\xbb\xbf" + about.read_bytes())
    assert sets.show().counts == {"happy": 2, "sad": 2}
    rows.write_text("".join(added[:2]))
    sets.describe("Mine", "cat")
    assert len(made.files()) == 4


def test_fault_a_set_of_before_is_packed_with_its_classes_whatever_they_are_called(sets: Sets, old_set: Path):
    before = sets.show(old_set.name).told["classes"]
    label = next(iter(before))
    text = (old_set / "manifest.json").read_text().replace(f'"label": "{label}"', '"label": "test"')
    (old_set / "manifest.json").write_text(text.replace(f'"file": "{label}/', '"file": "test/'))
    (old_set / label).rename(old_set / "test")
    again = sets.bring(sets.pack(Path("old.zip"), name=old_set.name), name="again")
    assert again.told["classes"] == {"test" if name == label else name: count for name, count in before.items()}


@pytest.mark.parametrize("name", ["a\0b.png", "\udcff" * 100 + ".png", "x" * 300 + ".png"])
def test_fault_a_file_of_any_name_comes_into_a_class_and_one_that_is_gone_is_named(sets: Sets, made: Made, name: str):
    put(Path(), {"upload": shot("upload")})
    files = [(Path("upload"), name), (Path("gone"), "gone.png")]
    brought = result_of(Bring(FromFiles(files, "tired"), into="mine", root=sets.root).carry_out())
    assert (brought.pictures, [each.original for each in brought.skipped]) == (1, ["gone.png"])
