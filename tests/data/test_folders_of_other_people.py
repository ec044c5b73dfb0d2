"""Folders, zips and data sets as other people lay them out: no class is lost, and none comes that nobody made."""

import json
import os
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.command import Emotion
from helpers.sets import Made, Sets, listed, plain_files, put, shot, shots, zipped
from helpers.training import go_on

from emotion.core.config import TrainConfig
from emotion.core.errors import PictureError
from emotion.core.owners import share
from emotion.data.folders import list_folder
from emotion.data.sets import SavedSet
from emotion.faces.controls import is_redrawable
from emotion.runs.folder import create_run
from emotion.runs.run import Run


def brought(sets: Sets, source: Path | dict[str, bytes], expected: dict[str, int]) -> Made:
    """Import a folder whose classes a training and an import have to find alike."""
    folder = sets.given(source)
    assert listed(folder) == expected
    made = sets.bring(folder)
    assert made.counts == expected
    return made


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
    "odd names": ("happy/test_1 happy/wow␣[1]* sad/träne␣😢 sad/train a/b/sad/1", {"happy": 2, "sad": 3}),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_fault_the_level_that_names_the_classes_is_found_by_what_it_holds(sets: Sets, case: str):
    names, expected = LAYOUTS[case]
    brought(sets, shots(*[name.replace("␣", " ") for name in names.split()]), expected)


UNCLEAR = {
    "anna/smile/1 bert/smile/1 bert/frown/1": "can be read in two ways, as anna, bert (the outer ones) or as frown",
    "smile/anna/1 frown/anna/1 frown/2": "can be read in two ways, as frown, smile (the outer ones) or as anna",
    "train/1 test/2": "It lies in no class folder",
}


@pytest.mark.parametrize("names", UNCLEAR)
def test_fault_classes_that_can_be_read_in_two_ways_are_asked_for_with_both(sets: Sets, names: str):
    folder = sets.given(shots(*names.split()))
    assert UNCLEAR[names] in sets.refused(folder)
    with pytest.raises(PictureError, match=re.escape(UNCLEAR[names])):
        list_folder(folder).paths()


OF_ALL = "file_name{0}label\ntrain/1.png{0}happy\ntrain/2.png{0}sad\ntest/3.png{0}sad\n"
MOODS = {"train/1.png": "happy", "train/2.png": "sad", "test/3.png": "sad"}
JSON_LINES = "\n".join(json.dumps({"file_name": name, "mood": mood, "age": 3}) for name, mood in MOODS.items())
TABLES: dict[str, dict[str, bytes]] = {
    "a table for each split": {
        "train/metadata.csv": b"file_name,label\n1.png,happy\n2.png,sad\n",
        "test/metadata.csv": b"file_name,label\n3.png,sad\n",
    },
    "a table for all, beside folders of other names": {"metadata.jsonl": JSON_LINES.encode()},
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
def test_fault_a_table_beside_the_pictures_says_the_class_of_each(sets: Sets, case: str):
    made = brought(sets, shots("train/1", "train/2", "test/3") | TABLES[case], {"happy": 1, "sad": 2})
    assert "are read from" in " ".join(made.told["notes"])


def test_fault_what_a_table_names_elsewhere_or_twice_is_not_taken_and_what_it_lacks_is_told(sets: Sets, tmp_path: Path):
    put(tmp_path, shots("secret"))
    rows = f"1.png,happy\n1.png,Happy\n2.png,sad\n4.png,happy\n4.png,sad\n../secret.png,sad\n{tmp_path}/secret.png,sad"
    files = shots("1", "2", "3", "4") | {"metadata.csv": f"file_name,label\n{rows}\n".encode()}
    absent = "It is named in metadata.csv and is not there."
    assert brought(sets, files, {"happy": 1, "sad": 1}).left_out == {
        "../secret.png": absent, f"{tmp_path}/secret.png": absent, "3.png": "It lies in no class folder.",
        "4.png": "It stands under several labels: happy, sad.",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("file_name,text\nhappy/0.png,a dog\n", "no column called label"), ("image,label\n0.png,x\n", "file_name"),
        ('{"file_name"', "no column called"),
    ],
)  # fmt: skip
def test_fault_a_table_without_classes_leaves_them_to_the_folders(sets: Sets, text: str, why: str):
    made = brought(sets, plain_files(1) | {"metadata.csv": text.encode()}, {"happy": 1, "sad": 1})
    assert why in " ".join(made.told["notes"])


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"urls.csv": b"emotion,url\n0,x\n"}, "holds a list (urls.csv) and no pictures"),
        ({"1.png": shot(1), "metadata.csv": b"\x80\x81"}, "metadata.csv cannot be read"),
    ],
)
def test_fault_a_list_that_leads_to_no_picture_is_told_of(sets: Sets, files: dict[str, bytes], sentence: str):
    assert sentence in sets.refused(files)


@pytest.mark.parametrize("label", ["Recycled", "lost+found", "set.json", "owner.json", "@eaDir"])
def test_fault_no_class_hides_by_its_name_or_takes_a_files_place(sets: Sets, label: str):
    table = f"file_name,label\n1.png,{label}\n2.png,happy\n".encode()
    made = sets.bring(shots("1", "2") | {"metadata.csv": table})
    assert sum(made.counts.values()) == 2
    assert listed(made.folder) == made.counts


HIDDEN, OTHERWISE = "It is hidden, or belongs to a system.", "save it as .jpg or .png"
NO_PICTURE = "It is not a picture by its name."
DIRT: dict[str, tuple[dict[str, bytes], str]] = {
    "thumbnails of a NAS": ({"happy/@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg": shot("thumb")}, HIDDEN),
    "a bin of a NAS": ({"#recycle/old/1.png": shot("old"), "happy/#recycle/1.png": shot("older")}, HIDDEN),
    "a Mac's shadows": ({"__MACOSX/happy/._0.png": b"x", "happy/.DS_Store": b"x", "sad/._0.png": b"x"}, HIDDEN),
    "a Windows bin": ({"$RECYCLE.BIN/S-1/1.jpg": shot("bin"), "System Volume Information/x.png": shot("x")}, HIDDEN),
    "a Windows cache": ({"happy/Thumbs.db": b"x", "sad/desktop.ini": b"x", ".git/x/1.png": shot("git")}, HIDDEN),
    "lists and notes": ({"README.md": b"# Dogs", "notes/read me.txt": b"x"}, NO_PICTURE),
    "pictures of no kind": ({"happy/photo": shot("photo"), "sad/photo.jpg_large": shot("large")}, NO_PICTURE),
    "pictures of other kinds": ({"happy/raw.CR2": b"x", "sad/page.svg": b"<svg/>"}, OTHERWISE),
    "pictures of no class": ({"loose.png": shot("loose")}, "It lies in no class folder."),
    "archives": ({"more.zip": b"PK", "sad/more.7z": b"7z"}, "It is an archive within: unpack it first."),
}


@pytest.mark.parametrize("case", DIRT)
def test_fault_what_is_no_picture_makes_no_class_and_is_named_with_the_reason(sets: Sets, case: str):
    files, reason = DIRT[case]
    packed = sets.bring(zipped(plain_files() | files), name="packed")
    for made in (packed, brought(sets, plain_files() | files, packed.counts)):
        assert made.counts == {"happy": 2, "sad": 2}
        # Of a folder that is hidden the folder is named.
        assert all(any(name.startswith(left) for left in made.left_out) for name in files)
        assert all(reason in why for why in made.left_out.values())


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JPG", ".dib", ".apng", ".tif"])
def test_fault_no_class_is_lost_by_its_suffix(sets: Sets, suffix: str):
    kind = {".dib": "BMP", ".apng": "PNG", ".tif": "TIFF"}.get(suffix, "JPEG")
    brought(sets, plain_files() | {f"tired/1{suffix}": shot(1, kind)}, {"happy": 2, "sad": 2, "tired": 1})


def test_fault_a_class_that_is_lost_is_told_of_by_train_and_compare(
    emotion: Emotion, run: Path, tiny_vit: Path, tiny_pictures: Path, tmp_path: Path
):
    folder = shutil.copytree(tiny_pictures / "dog_eval", tmp_path / "photos")
    shutil.move(folder / "tired", tmp_path / "elsewhere")
    (folder / "tired").symlink_to(tmp_path / "elsewhere")
    (folder / "calm").mkdir()
    (folder / "happy" / "photo.jpg_large").write_bytes(b"x")
    (folder / "sad" / os.fsdecode(b"caf\xe9.png")).write_bytes(shot("no text"))
    left_out = [
        "Left out: calm. It is an empty folder.", "Left out: happy/photo.jpg_large. It is not a picture by its name.",
        "Left out: sad/caf\ufffd\ufffd\ufffd.png. Its name is no UTF-8: rename it.",
        "Left out: tired. It is a link to a folder: put the pictures themselves there.",
    ]  # fmt: skip
    said = emotion("compare", "--run", run, "--set", f"dog={folder}", "--size", 3, "--json")
    assert said.json["notes"]["dog"] == left_out
    assert all(f"dog: {line}" in said.err for line in left_out)
    words = ["--backbone", tiny_vit, "--epochs", 1, "--image-size", 32, "--json"]
    assert emotion("train", "--pictures", folder, *words).json["notes"] == left_out


def test_fault_a_folder_of_links_as_the_hubs_cache_is_can_be_imported(sets: Sets, tmp_path: Path):
    snapshot = put(tmp_path / "snapshots" / "0123", plain_files())
    for number, file in enumerate(sorted(snapshot.glob("*/*"))):
        file.rename(tmp_path / f"blob{number}")
        file.symlink_to(tmp_path / f"blob{number}")
    brought(sets, snapshot, {"happy": 2, "sad": 2})


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
        for name, content in shots(*names.split()).items():
            made.writestr(Unflagged(name), content)
    assert sets.bring(tmp_path / "photos.zip").counts == expected


def outcome(run: Run) -> str:
    """Train a run and return the sentence with which it ended; empty where it finished."""
    last = go_on(run.path).last
    assert last["event"] in ("RunFinished", "RunFailed")
    return str(last.get("message", ""))


def test_fault_a_run_trains_on_the_set_that_it_was_made_for_and_on_none_that_is_called_like_it(
    sets: Sets, tiny_config: TrainConfig, isolated: Path
):
    folder = sets.bring(tiny_config.pictures).folder
    config = replace(tiny_config, epochs=1, pictures=str(folder))
    first, second = (create_run(config, root=isolated / "runs") for _ in range(2))
    assert outcome(first) == ""
    # A run of before goes by the hashes of what it was trained on.
    record = first.record()
    del record["set"]
    (first.path / "config.json").write_text(json.dumps(record))
    shutil.rmtree(folder)
    sets.bring(plain_files(4))
    assert "The picture set of this run is gone, whatever is called like it now" in outcome(second)
    assert "The pictures have changed since this run began" in outcome(first)


def test_fault_a_visitors_run_trains_on_no_set_that_the_visitor_may_not_see(
    sets: Sets, tiny_config: TrainConfig, isolated: Path
):
    folder = sets.within(tiny_config.pictures, name="hers", owner="anna").folder
    config = replace(tiny_config, epochs=1, pictures=str(folder))
    hers, his = (create_run(config, root=isolated / "runs", owner=each) for each in ("anna", "bert"))
    assert "is not open to its owner any more" in outcome(his)
    assert outcome(hers) == ""
    share(folder, "anna", shared=True)
    assert outcome(create_run(config, root=isolated / "runs", owner="bert")) == ""


def test_fault_no_imported_set_counts_as_drawn(sets: Sets, tmp_path: Path):
    photos = put(tmp_path, plain_files() | {"manifest.json": b"[]"})
    drawn = Path(__file__).parents[2] / "assets" / "faces" / "dog_eval"
    assert [is_redrawable(each) for each in (sets.bring(photos).folder, photos, drawn)] == [False, False, True]


def test_a_set_of_before_is_read_where_nothing_can_be_written_and_has_its_identity_for_good(sets: Sets, old_set: Path):
    before = {path: path.read_bytes() for path in old_set.rglob("*") if path.is_file()}
    identity, told = SavedSet(old_set).manifest.identity, sets.show(old_set.name).told
    assert {path: path.read_bytes() for path in before} == before
    sets.describe(told["name"], told["species"], name=old_set.name)
    names = {path.name for path in old_set.iterdir()}
    assert names >= {"set.json", "metadata.jsonl"}
    assert "manifest.json" not in names
    assert (SavedSet(old_set).manifest.identity, sets.show(old_set.name).told) == (identity, told)
    assert len(identity) == 32
