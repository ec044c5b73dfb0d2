"""Folders, zips and data sets as other people lay them out: no class is lost, and none comes that nobody made."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.command import Emotion
from helpers.sets import Sets, plain_files, put, result_of, shot

from emotion.core.config import TrainConfig
from emotion.core.errors import PictureError
from emotion.core.events import RunFailed, RunFinished
from emotion.core.owners import share
from emotion.data.folders import list_folder
from emotion.data.importing import Bring, FromPath
from emotion.data.sets import SavedSet
from emotion.faces.controls import is_redrawable
from emotion.runs.folder import create_run
from emotion.runs.run import Run
from emotion.training.session import train_run


def pictures(*names: str) -> dict[str, bytes]:
    """Return a picture of its own for each name."""
    return {f"{name}.png": shot(name) for name in names}


def counts(folder: Path) -> dict[str, int]:
    """Return how many pictures of each class a listing finds."""
    return {label: len(names) for label, names in list_folder(folder).files.items()}


LAYOUTS = {
    "classes divided by source": ("happy/kaggle/1 happy/own/1 sad/kaggle/1 sad/own/2", {"happy": 2, "sad": 2}),
    "splits within the classes": ("happy/train/1 happy/val/2 sad/Training/1 sad/test_set/2", {"happy": 2, "sad": 2}),
    "splits around the classes": ("data/train/happy/1 data/valid/happy/2 data/test/sad/1", {"happy": 2, "sad": 1}),
    "people within the classes": ("happy/anna/1 happy/bert/1 sad/anna/1", {"happy": 2, "sad": 1}),
    "species around the classes": ("dogs/happy/1 cats/happy/1 cats/sad/1", {"happy": 2, "sad": 1}),
    "other classes beside the emotions": ("train/anger/1 train/fear/1 test/fear/2", {"anger": 1, "fear": 2}),
    "a divided class beside the emotions": ("happy/1 fear/own/1 fear/kaggle/2", {"happy": 1, "fear": 2}),
    "an emotion as the name of it all": ("mad/happy/1 mad/sad/1", {"happy": 1, "sad": 1}),
    "one emotion alone, divided": ("happy/anna/1 happy/bert/1", {"happy": 2}),
    "no emotion, in splits": ("train/Walk/1 val/walk/2 train/Sit/1", {"Sit": 1, "Walk": 2}),
    "no emotion, in a folder of its own": ("dogs/walk/1 dogs/sit/1", {"sit": 1, "walk": 1}),
    "no emotion, with more within": ("walk/1 walk/close/2 sit/1", {"sit": 1, "walk": 2}),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_fault_the_level_that_names_the_classes_is_found_by_what_it_holds(sets: Sets, tmp_path: Path, case: str):
    names, expected = LAYOUTS[case]
    folder = put(tmp_path / "photos", pictures(*names.split()))
    assert counts(folder) == expected
    assert sets.bring(folder).counts == expected


@pytest.mark.parametrize("names", ["anna/smile/1 bert/smile/1 bert/frown/1", "smile/anna/1 frown/anna/1 frown/2"])
def test_fault_classes_that_can_be_read_in_two_ways_are_asked_for_with_both(sets: Sets, tmp_path: Path, names: str):
    folder = put(tmp_path / "photos", pictures(*names.split()))
    with pytest.raises(PictureError, match=r"can be read in two ways, as .*smile.* or as .*frown|anna"):
        list_folder(folder)
    assert "can be read in two ways" in sets.refused(folder)


def test_fault_folders_of_splits_alone_hold_no_class(sets: Sets, tmp_path: Path):
    folder = put(tmp_path / "photos", pictures("train/1", "test/2"))
    assert "It lies in no class folder" in sets.refused(folder)


OF_ALL = "file_name{0}label\ntrain/1.png{0}happy\ntrain/2.png{0}sad\ntest/3.png{0}sad\n"
MOODS = zip(("train/1.png", "train/2.png", "test/3.png"), ("happy", "sad", "sad"), strict=True)
TABLES: dict[str, dict[str, bytes]] = {
    "a table for each split": {
        "train/metadata.csv": b"file_name,label\n1.png,happy\n2.png,sad\n",
        "test/metadata.csv": b"file_name,label\n3.png,sad\n",
    },
    "a table for all, beside folders of other names": {
        "metadata.jsonl": b"\n".join(
            json.dumps({"file_name": name, "mood": mood, "age": 3}).encode() for name, mood in MOODS
        ),
    },
    "another column first, and a mark of its encoding": {
        "metadata.csv": "\ufefffile_name,who,Emotion\ntrain\\1.png,anna,happy\ntrain/2.png,b,sad\n"
        "test/3.png,c,sad\n".encode(),
    },
    "semicolons": {"Metadata.csv": OF_ALL.format(";").encode()},
    "UTF-16": {"metadata.csv": OF_ALL.format(",").encode("utf-16")},
    "odd quotes": {
        "metadata.csv": b'file_name,note,label\ntrain/1.png,"a\nb",happy\ntrain/2.png,,sad\ntest/3.png,"",sad\n'
    },
}  # fmt: skip


@pytest.mark.parametrize("case", TABLES)
def test_fault_a_table_beside_the_pictures_says_the_class_of_each(sets: Sets, tmp_path: Path, case: str):
    folder = put(tmp_path / "photos", pictures("train/1", "train/2", "test/3"))
    put(folder, TABLES[case])
    made = sets.bring(folder)
    assert counts(folder) == made.counts == {"happy": 1, "sad": 2}
    assert "are read from" in " ".join(made.told["notes"])


def test_fault_what_a_table_names_elsewhere_is_never_opened_and_what_it_lacks_is_told(sets: Sets, tmp_path: Path):
    put(tmp_path, pictures("secret"))
    folder = put(tmp_path / "photos", pictures("1", "2", "3"))
    rows = f"file_name,label\n1.png,happy\n2.png,sad\n../secret.png,sad\n{tmp_path}/secret.png,sad\ngone.png,sad\n"
    put(folder, {"metadata.csv": rows.encode()})
    made = sets.bring(folder)
    assert made.counts == {"happy": 1, "sad": 1}
    absent = {"../secret.png", f"{tmp_path}/secret.png", "gone.png"}
    assert {
        name for name, why in made.left_out.items() if why == "It is named in metadata.csv and is not there."
    } == absent
    assert made.left_out["3.png"] == "It lies in no class folder."


def test_fault_a_file_that_a_table_calls_by_two_classes_is_in_neither_and_named(sets: Sets, tmp_path: Path):
    folder = put(tmp_path / "photos", pictures("happy/1", "happy/2", "sad/3"))
    rows = "file_name,label\nhappy/1.png,happy\nhappy/1.png,sad\nhappy/2.png,happy\nhappy/2.png,Happy\n"
    put(folder, {"metadata.csv": rows.encode()})
    made = sets.bring(folder)
    assert counts(folder) == made.counts == {"happy": 1, "sad": 1}
    assert made.left_out == {"happy/1.png": "It stands under several labels: happy, sad."}


def test_fault_a_table_without_classes_leaves_them_to_the_folders(tmp_path: Path):
    folder = put(tmp_path / "photos", plain_files(1))
    for text, why in (
        ("file_name,text\nhappy/0.png,a dog\n", "no column called label"),
        ("image,label\n0.png,x\n", "called file_name"),
        ('{"file_name"', "no column called"),
    ):  # fmt: skip
        put(folder, {"metadata.csv": text.encode()})
        assert why in " ".join(list_folder(folder).notes)
        assert counts(folder) == {"happy": 1, "sad": 1}


@pytest.mark.parametrize("name", ["urls.csv", "fer2013.csv"])
def test_fault_a_list_without_pictures_is_told_of(sets: Sets, tmp_path: Path, name: str):
    folder = put(tmp_path / "photos", {name: b"emotion,pixels\n0,70 80 82\n"})
    assert f"holds a list ({name}) and no pictures" in sets.refused(folder)


DIRT = {
    "thumbnails of a NAS": {"happy/@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg": shot("thumb")},
    "a bin of a NAS": {"#recycle/old/1.png": shot("old"), "happy/#recycle/1.png": shot("older")},
    "a Mac's shadows": {"__MACOSX/happy/._0.png": b"shadow", "happy/.DS_Store": b"x", "sad/._0.png": b"y"},
    "a Windows bin": {"$RECYCLE.BIN/S-1/1.jpg": shot("bin"), "System Volume Information/x.png": shot("volume")},
    "lists and notes": {"README.md": b"# Dogs", "happy/Thumbs.db": b"x", "notes/read me.txt": b"x"},
    "pictures of other kinds": {"happy/raw.CR2": b"x", "sad/page.svg": b"<svg/>"},
    "pictures of no kind": {"happy/photo": shot("photo"), "sad/photo.jpg_large": shot("large")},
    "archives": {"more.zip": b"PK", "sad/more.7z": b"7z"},
}


@pytest.mark.parametrize("case", DIRT)
def test_fault_what_is_no_picture_makes_no_class_and_is_named(sets: Sets, tmp_path: Path, case: str):
    folder = put(tmp_path / "photos", plain_files())
    put(folder, DIRT[case])
    made = sets.bring(folder)
    assert counts(folder) == made.counts == {"happy": 2, "sad": 2}
    # Of a folder that is hidden the folder is named.
    assert all(any(name.startswith(left) for left in made.left_out) for name in DIRT[case])


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JPG", ".dib", ".apng", ".tif"])
def test_fault_no_class_is_lost_by_its_suffix(sets: Sets, tmp_path: Path, suffix: str):
    kind = {".dib": "BMP", ".apng": "PNG", ".tif": "TIFF"}.get(suffix, "JPEG")
    folder = put(tmp_path / "photos", {**plain_files(), f"tired/1{suffix}": shot("tired", kind)})
    assert counts(folder) == sets.bring(folder).counts == {"happy": 2, "sad": 2, "tired": 1}


def test_fault_a_class_that_is_lost_is_told_of_by_train_and_compare(
    emotion: Emotion, run: Path, tiny_vit: Path, tiny_pictures: Path, tmp_path: Path
):
    folder = shutil.copytree(tiny_pictures / "dog_eval", tmp_path / "photos")
    shutil.move(folder / "tired", tmp_path / "elsewhere")
    (folder / "tired").symlink_to(tmp_path / "elsewhere")
    (folder / "calm").mkdir()
    (folder / "happy" / "photo.jpg_large").write_bytes(b"x")
    (folder / "sad" / os.fsdecode(b"caf\xe9.png")).write_bytes(shot("no text"))
    lost = [
        "Left out: calm. It is an empty folder.", "Left out: happy/photo.jpg_large. It is not a picture by its name.",
        "Left out: sad/caf\ufffd\ufffd\ufffd.png. Its name is no UTF-8: rename it.",
        "Left out: tired. It is a link to a folder: put the pictures themselves there.",
    ]  # fmt: skip
    said = emotion("compare", "--run", run, "--set", f"dog={folder}", "--size", 3, "--json")
    assert said.code == 0, said.err
    assert said.json["notes"]["dog"] == lost
    assert all(f"dog: {line}" in said.err for line in said.json["notes"]["dog"])
    words = ["--backbone", tiny_vit, "--epochs", 1, "--image-size", 32, "--json"]
    trained = emotion("train", "--pictures", folder, *words)
    assert trained.code == 0, trained.err
    assert trained.json["notes"] == said.json["notes"]["dog"]


def test_fault_a_folder_of_links_as_the_hubs_cache_is_can_be_imported(sets: Sets, tmp_path: Path):
    blobs = put(tmp_path / "blobs", {str(number): shot(number) for number in range(4)})
    snapshot = tmp_path / "snapshots" / "0123"
    for number in range(4):
        link = snapshot / "train" / ("happy", "sad")[number % 2] / f"{number}.png"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blobs / str(number))
    assert counts(snapshot) == sets.bring(snapshot).counts == {"happy": 2, "sad": 2}


CODE_PAGES = {
    "cp932": ("嬉しい/表情1 嬉しい/ソ能予2 怒り/ハッピー表3", {"嬉しい": 2, "怒り": 1}),
    "gbk": ("高兴/照片1 难过/我的照片2 生气/小狗3", {"高兴": 1, "难过": 1, "生气": 1}),
    "big5": ("開心/照片1 功課/許功蓋2", {"開心": 1, "功課": 1}),
    "cp949": ("행복/사진1 슬픔/강아지2 화남/얼굴3", {"행복": 1, "슬픔": 1, "화남": 1}),
    "cp866": ("радость/собака1 грусть/фото2", {"радость": 1, "грусть": 1}),
    "cp1251": ("радость/собака1 грусть/фото2", {"радость": 1, "грусть": 1}),
    "cp437": ("fröhlich/Bär1 müde/Größe2", {"fröhlich": 1, "müde": 1}),
    "cp1252": ("fröhlich/Bär1 müde/Größe2", {"fröhlich": 1, "müde": 1}),
}


@pytest.mark.parametrize("codec", CODE_PAGES)
def test_fault_a_zip_in_any_code_page_keeps_its_classes_and_their_names(sets: Sets, tmp_path: Path, codec: str):
    names, expected = CODE_PAGES[codec]

    class Unflagged(zipfile.ZipInfo):
        def _encodeFilenameFlags(self) -> tuple[bytes, int]:
            return self.filename.encode(codec), 0

    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as made:
        for name, content in pictures(*names.split()).items():
            made.writestr(Unflagged(name), content)
    assert sets.bring(tmp_path / "photos.zip").counts == expected


def outcome(run: Run) -> str:
    """Train a run and return the sentence with which it ended; empty where it finished."""
    *_, last = train_run(run)
    assert isinstance(last, RunFinished | RunFailed)
    return last.message if isinstance(last, RunFailed) else ""


def bring(folder: Path, sets: Sets, *, name: str, owner: str | None = None) -> Path:
    return sets.root / result_of(Bring(FromPath(folder), name=name, root=sets.root, owner=owner).carry_out()).key


def test_fault_a_run_trains_on_the_set_that_it_was_made_for_and_on_none_that_is_called_like_it(
    sets: Sets, tiny_config: TrainConfig, isolated: Path, tmp_path: Path
):
    folder = bring(Path(tiny_config.pictures), sets, name="mine")
    config = replace(tiny_config, pictures=str(folder))
    runs = [create_run(config, root=isolated / "runs") for _ in range(2)]
    assert outcome(runs[0]) == ""
    shutil.rmtree(folder)
    bring(put(tmp_path / "others", plain_files(4)), sets, name="mine")
    assert "The picture set of this run is gone, whatever is called like it now" in outcome(runs[1])


def test_fault_a_run_of_before_goes_by_the_hashes_of_what_it_was_trained_on(
    sets: Sets, tiny_config: TrainConfig, isolated: Path, tmp_path: Path
):
    folder = bring(Path(tiny_config.pictures), sets, name="mine")
    run = create_run(replace(tiny_config, pictures=str(folder)), root=isolated / "runs")
    assert outcome(run) == ""
    record = run.record()
    del record["set"]
    (run.path / "config.json").write_text(json.dumps(record))
    shutil.rmtree(folder)
    bring(put(tmp_path / "others", plain_files(4)), sets, name="mine")
    assert "The pictures have changed since this run began" in outcome(run)


def test_fault_a_visitors_run_trains_on_no_set_that_the_visitor_may_not_see(
    sets: Sets, tiny_config: TrainConfig, isolated: Path
):
    folder = bring(Path(tiny_config.pictures), sets, name="hers", owner="anna")
    config = replace(tiny_config, pictures=str(folder))
    hers, his = (create_run(config, root=isolated / "runs", owner=each) for each in ("anna", "bert"))
    assert "is not open to its owner any more" in outcome(his)
    assert outcome(hers) == ""
    share(folder, "anna", shared=True)
    assert outcome(create_run(config, root=isolated / "runs", owner="bert")) == ""


def test_fault_no_imported_set_counts_as_drawn(sets: Sets, tmp_path: Path):
    files = {**plain_files(), "manifest.json": b"[]"}
    made = sets.bring(put(tmp_path / "photos", files))
    assert not is_redrawable(made.folder)
    assert not is_redrawable(tmp_path / "photos")
    assert is_redrawable(Path(__file__).parents[2] / "assets" / "faces" / "dog_eval")


def test_a_set_of_before_is_read_where_nothing_can_be_written_and_has_its_identity_for_good(sets: Sets, old_set: Path):
    folder = old_set
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    identity, told = SavedSet(folder).manifest.identity, sets.show(folder.name).told
    assert {path: path.read_bytes() for path in before} == before
    sets.describe(told["name"], told["species"], name=folder.name)
    assert {path.name for path in folder.iterdir() if path.is_file()} >= {"set.json", "metadata.jsonl"}
    assert not (folder / "manifest.json").exists()
    assert (SavedSet(folder).manifest.identity, sets.show(folder.name).told) == (identity, told)
    assert len(identity) == 32
