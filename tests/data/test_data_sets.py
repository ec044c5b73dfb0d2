"""Data sets in Parquet files and folders: what is found in them, and which set is made of one."""

import os
import random
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from helpers.command import Emotion
from helpers.hub_data_sets import faces, fetched, parquet
from helpers.sets import Sets, encoded, put, shot, tree, zipped
from PIL import Image

from emotion.core.errors import PictureError
from emotion.data.hub import describe

NAMED = ("happy", "sad")


def test_a_file_is_described_for_people_and_for_scripts(emotion: Emotion, tmp_path: Path):
    file = parquet(tmp_path / "faces.parquet", faces(2, labels=["joy", "grief", "fear"]))
    said = emotion("pictures", "describe", file, "--json")
    assert (said.code, said.err) == (0, "")
    assert said.json == {
        "source": str(file), "on_hub": False, "commit": "", "config": "default", "configs": ["default"],
        "split": "train", "splits": {"train": 6},
        "columns": {"face": "struct<bytes: binary, path: string>", "mood": "string"},
        "picture_columns": ["face"], "labels": {"mood": {"fear": 2, "grief": 2, "joy": 2}},
        "bytes": file.stat().st_size,
    }  # fmt: skip
    out = emotion("pictures", "describe", file).out
    assert "faces.parquet: configuration default, split train" in out
    assert "labels can be read from: mood (fear 2, grief" in out


def test_labels_of_a_parquet_file_are_renamed_merged_and_left_out_as_told(emotion: Emotion, sets: Sets, tmp_path: Path):
    file = parquet(tmp_path / "faces.parquet", faces(2, labels=["joy", "glee", "fear", "grief"]))
    maps = [word for each in ("joy=happy", "glee=happy", "fear=") for word in ("--map", each)]
    made = sets.bring(file, *maps, "--species", "Human")
    assert (made.told["source"], made.told["species"], made.counts) == ("data set", "human", {"happy": 4, "grief": 2})
    assert list(made.left_out.values()) == ["It is labelled 'fear', which is mapped to nothing."] * 2
    assert made.told["read"] == (
        "Read from faces.parquet, configuration 'default', split 'train': pictures from the column 'face', labels "
        "from 'mood'."
    )
    assert shot(("", 0)) in [path.read_bytes() for path in made.files("happy")]
    assert sets.bring(file, "--use-aliases", name="three").counts["happy"] >= 2


@pytest.mark.parametrize(
    ("labels", "classes", "told"),
    [
        ([4.0, 7.0], (), {"4": 3, "7": 3}), ([True, False], (), {"false": 3, "true": 3}),
        ([1, 0], ("no", "yes"), {"no": 3, "yes": 3}), (["Sad", "sad"], (), {"sad": 6}),
    ],
)  # fmt: skip
def test_labels_are_texts_numbers_or_classes(sets: Sets, tmp_path: Path, labels: list[Any], classes: Any, told: Any):
    made = sets.bring(parquet(tmp_path / "faces.parquet", faces(labels=labels), classes=classes))
    assert {label.casefold(): count for label, count in made.counts.items()} == told


def test_the_likeliest_columns_stand_first_and_others_can_be_chosen(emotion: Emotion, sets: Sets, tmp_path: Path):
    moods = pa.array(["a", "b"] * 3)
    columns = {
        "id": [f"row {row}" for row in range(6)], "year": [2020] * 6, "sound": [b"RIFX"] * 6,
        "crop": [shot(("crop", row)) for row in range(6)], "image": faces(3)["face"], "age": [30, 40, 30, 40, 50, 50],
        "odd": pa.array([[("a", 1)]] * 6, pa.map_(pa.string(), pa.int8())), "emotion": moods,
        "coded": moods.dictionary_encode(), "large": moods.cast(pa.large_string()),
    }  # fmt: skip
    file = parquet(tmp_path / "faces.parquet", columns)
    told = emotion("pictures", "describe", file, "--json").json
    assert told["picture_columns"] == ["image", "crop"]
    assert next(iter(told["labels"])) == "emotion"
    made = sets.bring(file, "--picture-column", "crop", "--label-column", "age")
    assert made.counts == {"30": 2, "40": 2, "50": 2}
    for column in ("coded", "large"):
        assert sets.bring(file, "--label-column", column, name=column).counts == {"a": 3, "b": 3}


def test_rows_without_picture_or_label_and_what_is_no_picture_are_left_out_and_told(sets: Sets, tmp_path: Path):
    put(tmp_path, {"secret.png": shot("secret")})
    good, other = shot(1), str(tmp_path / "secret.png")
    columns = {
        "face": [
            {"bytes": good, "path": None}, None, {"bytes": None, "path": other}, {"bytes": b"text", "path": "a"},
            {"bytes": shot(2), "path": None}, {"bytes": shot(3), "path": "n.jpg"}, {"bytes": good[:300], "path": None},
        ],
        "mood": [0, 0, 1, 1, None, -1, 0],
    }  # fmt: skip
    made = sets.bring(parquet(tmp_path / "faces.parquet", columns, classes=NAMED))
    # Rows may name a file of this machine: it is not taken.
    assert made.counts == {"happy": 1}
    reasons = " ".join(made.left_out.values())
    assert len(made.left_out) == 6
    for words in ("no picture in the data set", "named and not in the data set", "not a picture", "It has no label"):
        assert words in reasons


def test_names_from_a_data_set_lead_nowhere_and_cannot_steer_a_terminal(emotion: Emotion, sets: Sets, tmp_path: Path):
    labels = ["../../up", "/etc", "a\\b", "\x1b[31mred", "__x", "c:d", ".hidden"]
    shots = [{"bytes": shot(row), "path": f"..\\../{'/' * row}..\x00x\n.png"} for row in range(len(labels))]
    file = parquet(tmp_path / "x.parquet", {"face": shots, "mood": labels, "\x1b[2J": ["a\r"] * 7})
    outside = tree(tmp_path)
    for words in (["describe", file], ["import", file, "--name", "mine", "--label-column", "mood"]):
        out = emotion("pictures", *words).out
        assert all(letter.isprintable() or letter == "\n" for letter in out)
    assert sum(sets.show().counts.values()) == 7
    assert tree(tmp_path) == outside


FEW = {"face": [shot(1), shot(2)]}
OF_A_FILE: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "no such split": ({}, ["--split", "no"], "has no split 'no': choose one of train."),
    "no such configuration": ({}, ["--config", "no"], "has no configuration 'no'"),
    "no such label": ({}, ["--map", "joy=happy"], "has no label 'joy': choose one of happy, sad."),
    "no such column": ({}, ["--label-column", "nose"], "x.parquet has no column of labels 'nose': choose one of mood."),
    "a column of no pictures": ({}, ["--picture-column", "mood"], "has no column of encoded pictures 'mood'"),
    "all left out": ({}, ["--map", "happy=", "--map", "sad= "], "All labels of x.parquet are mapped to nothing"),
    "other bytes": ({"face": [b"abc", b"def"], "mood": ["a", "b"]}, [], "has no column of encoded pictures"),
    "empty labels": ({**FEW, "mood": pa.nulls(2)}, [], "has no column of labels"),
    "a label upwards": ({**FEW, "mood": ["..", "b"]}, [], "has no name that can be kept"),
    "too many labels": ({"face": [shot(1)] * 300, "mood": [str(row) for row in range(300)]}, [], "no column of labels"),
}  # fmt: skip


@pytest.mark.parametrize("case", OF_A_FILE)
def test_what_cannot_be_made_of_a_file_is_refused_in_a_sentence(sets: Sets, tmp_path: Path, case: str):
    columns, options, sentence = OF_A_FILE[case]
    assert sentence in sets.refused(parquet(tmp_path / "x.parquet", columns or faces()), *options)


def test_a_damaged_or_missing_data_set_is_one_sentence(emotion: Emotion, sets: Sets, tmp_path: Path):
    whole = parquet(tmp_path / "faces.parquet", faces()).read_bytes()
    put(tmp_path, {"text.parquet": b"PAR1 text PAR1", "short.parquet": whole[:-100]})
    put(tmp_path, {"inside.parquet": whole[:200] + b"x" * 3800 + whole[4000:]})
    for name in ("text", "short", "inside"):
        assert "is no data set that can be read (" in sets.refused(f"{name}.parquet")
    for source in ("nothing.parquet", "team/no.parquet", "a/b/c", "/dev/null", "a b"):
        said = emotion("pictures", "describe", source)
        assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
        assert "There is no data set" in said.err


CARDED = (
    "---\nconfigs:\n- config_name: drawn\n  data_files: drawn/*.parquet\n- config_name: faces\n  default: true\n"
    "  data_files:\n  - split: train\n    path: faces/train-*\n  - split: test\n    path: faces/test-*\n---\n"
)
CLASSES_CARD = (
    "---\ndataset_info:\n  features:\n  - name: face\n    dtype: image\n  - name: mood\n    dtype:\n"
    "      class_label:\n        names:\n          '0': calm\n          '1': wild\n---\n"
)


def test_configurations_and_splits_are_found_and_can_be_chosen(emotion: Emotion, sets: Sets, tmp_path: Path):
    for part, count in (("train-00000-of-00002", 2), ("train-00001-of-00002", 1), ("test-00000-of-00001", 1)):
        parquet(tmp_path / "things" / "faces" / f"{part}.parquet", faces(count, seed=part))
    scribbles = {"scribble": faces(2)["face"], "what": ["a", "b"] * 2}
    parquet(tmp_path / "things" / "drawn" / "all.parquet", scribbles)
    things = put(tmp_path / "things", {"README.md": CARDED.encode()})
    told = emotion("pictures", "describe", things, "--json").json
    assert (told["config"], told["configs"], told["splits"]) == ("faces", ["drawn", "faces"], {"train": 6, "test": 2})
    assert sets.bring(things, "--split", "train").counts == {"happy": 3, "sad": 3}
    assert sets.bring(things, "--split", "test", name="test").counts == {"happy": 1, "sad": 1}
    assert sets.bring(things, "--config", "drawn", name="drawn").counts == {"a": 2, "b": 2}
    put(parquet(tmp_path / "named" / "x.parquet", faces(labels=[0, 1])).parent, {"README.md": CLASSES_CARD.encode()})
    assert sets.bring(tmp_path / "named", "--split", "train", name="named").counts == {"calm": 3, "wild": 3}


def test_of_too_many_pictures_as_many_of_each_class_are_drawn_by_the_seed(tmp_path: Path):
    moods = ["happy"] * 20 + ["sad"] * 8 + ["tired"] * 3
    file = parquet(tmp_path / "x.parquet", {"face": [*map(shot, range(31))], "mood": moods}, row_group_size=5)
    drawn, told = fetched(file, tmp_path / "one", pictures=12)
    assert {label: len(files) for label, files in drawn.items()} == {"happy": 5, "sad": 4, "tired": 3}
    assert told.notes[1] == "Of 31 pictures 12 are drawn, evenly by class (seed 0)."
    assert (told.root / "000028").read_bytes() == shot(28)
    assert fetched(file, tmp_path / "two", pictures=12)[0] == drawn
    assert fetched(file, tmp_path / "three", seed=1, pictures=12)[0] != drawn
    everything, told = fetched(file, tmp_path / "four", pictures=31)
    assert (sum(map(len, everything.values())), len(told.notes)) == (31, 1)


def test_fault_long_texts_are_no_labels_and_cost_no_memory(tmp_path: Path):
    long = pa.array(["happy" + "y" * 300_000] * 500).dictionary_encode()
    file = parquet(tmp_path / "x.parquet", {"image": pa.array([shot(1)] * 500).dictionary_encode(), "label": long})
    tracemalloc.start()
    assert describe(file).labels == {}
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()


def test_fault_what_a_parquet_file_says_of_its_size_is_not_believed(tmp_path: Path):
    noise = encoded(Image.frombytes("RGB", (200, 200), random.Random(0).randbytes(120_000)))
    columns = {"image": pa.array([noise] * 300).dictionary_encode(), "label": ["happy", "sad"] * 150}
    file = parquet(tmp_path / "x.parquet", columns)
    with pytest.raises(PictureError, match="the limit is 5 MB"):
        fetched(file, tmp_path / "none", bytes=5_000_000)


def test_fault_a_pipe_in_a_data_set_waits_for_nobody(tmp_path: Path):
    folder = parquet(tmp_path / "set" / "train.parquet", faces(1)).parent
    os.mkfifo(folder / "README.md")
    assert describe(folder).labels == {"mood": {"happy": 1, "sad": 1}}


def test_fault_what_a_zip_holds_beside_parquet_is_named_and_the_zip_called_by_its_name(sets: Sets, tmp_path: Path):
    table = parquet(tmp_path / "train.parquet", faces(1)).read_bytes()
    files = {"train.parquet": table, "more.rar": b"x", "a.jxl": b"x"}
    brought = sets.bring(zipped(files))
    assert set(brought.left_out) == {"more.rar", "a.jxl"}
    assert "Read from given.zip" in " ".join(brought.told["notes"])
