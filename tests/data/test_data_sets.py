"""Data sets in Parquet files, in folders and on the Hub: what is found in them, and which set is made of one."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from helpers.command import Emotion
from helpers.hub_data_sets import COMMIT, Hub, faces, parquet, point_to
from helpers.sets import Sets, put, result_of, shot, tree

from emotion.core.errors import PictureError
from emotion.data.hub import FromDataSet, describe
from emotion.data.limits import Limits

Patch = pytest.MonkeyPatch
TRAIN, TEST = "data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"
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
    for line in ("faces.parquet: configuration default, split train", "labels can be read from: mood (fear 2, grief"):
        assert line in out


def test_labels_of_a_parquet_file_are_renamed_merged_and_left_out_as_told(emotion: Emotion, sets: Sets, tmp_path: Path):
    file = parquet(tmp_path / "faces.parquet", faces(2, labels=["joy", "glee", "fear", "grief"]))
    maps = [word for each in ("joy=happy", "glee=happy", "fear=") for word in ("--map", each)]
    made = sets.bring(file, *maps, "--species", "Human")
    assert (made.told["source"], made.told["species"], made.counts) == ("data set", "human", {"happy": 4, "grief": 2})
    assert len(made.left_out) == 2
    assert set(made.left_out.values()) == {"It is labelled 'fear', which is mapped to nothing."}
    assert made.told["read"] == (
        "Read from faces.parquet, configuration 'default', split 'train': pictures from the column 'face', labels "
        "from 'mood'."
    )
    assert shot(("", 0)) in [path.read_bytes() for path in made.files("happy")]
    assert sets.bring(file, "--use-aliases", name="three").counts["happy"] >= 2


@pytest.mark.parametrize(
    ("labels", "classes", "told"),
    [
        ([4, 7], (), {"4": 3, "7": 3}), ([4.0, 7.0], (), {"4": 3, "7": 3}),
        ([True, False], (), {"false": 3, "true": 3}),
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
    for words in ("no picture in the data set", "named and not in the data set", "not a picture", "It has no label"):
        assert words in reasons
    assert len(made.left_out) == 6


def test_names_from_a_data_set_lead_nowhere_and_cannot_steer_a_terminal(emotion: Emotion, sets: Sets, tmp_path: Path):
    labels = ["../../up", "/etc", "a\\b", "\x1b[31mred", "__x", "c:d", ".hidden"]
    shots = [{"bytes": shot(row), "path": f"..\\../{'/' * row}..\x00x\n.png"} for row in range(len(labels))]
    file = parquet(tmp_path / "x.parquet", {"face": shots, "mood": labels, "\x1b[2J": ["a\r"] * 7})
    outside = tree(tmp_path)
    for words in (["describe", file], ["import", file, "--name", "mine", "--label-column", "mood"]):
        said = emotion("pictures", *words)
        assert said.code == 0
        assert all(letter.isprintable() or letter == "\n" for letter in said.out)
    assert len(sets.show().files()) == sum(sets.show().counts.values()) == 7
    assert tree(tmp_path) == outside


FEW = {"face": [shot(1), shot(2)]}
OF_A_FILE: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "no such split": ({}, ["--split", "no"], "has no split 'no': choose one of train."),
    "no such configuration": ({}, ["--config", "no"], "has no configuration 'no'"),
    "no such label": ({}, ["--map", "joy=happy"], "has no label 'joy': choose one of happy, sad."),
    "no such column": ({}, ["--label-column", "nose"], "x.parquet has no column of labels 'nose': choose one of mood."),
    "a column of no pictures": ({}, ["--picture-column", "mood"], "has no column of encoded pictures 'mood'"),
    "a column of no labels": ({}, ["--label-column", "face"], "has no column of labels 'face'"),
    "all left out": ({}, ["--map", "happy=", "--map", "sad= "], "All labels of x.parquet are mapped to nothing"),
    "paths for pictures": ({"face": ["a.jpg", "b.jpg"], "mood": ["a", "b"]}, [], "no column of encoded pictures"),
    "other bytes": ({"face": [b"abc", b"def"], "mood": ["a", "b"]}, [], "has no column of encoded pictures"),
    "no labels": (FEW, [], "has no column of labels"),
    "empty labels": ({**FEW, "mood": pa.nulls(2)}, [], "has no column of labels"),
    "a label upwards": ({**FEW, "mood": ["..", "b"]}, [], "has no name that can be kept"),
    "too many labels": ({"face": [shot(1)] * 300, "mood": [str(row) for row in range(300)]}, [], "no column of labels"),
}  # fmt: skip


@pytest.mark.parametrize("case", OF_A_FILE)
def test_what_cannot_be_made_of_a_file_is_refused_in_a_sentence(sets: Sets, tmp_path: Path, case: str):
    columns, options, sentence = OF_A_FILE[case]
    assert sentence in sets.refused(parquet(tmp_path / "x.parquet", columns or faces()), *options)


def test_a_damaged_or_missing_data_set_is_one_sentence(
    emotion: Emotion, sets: Sets, tmp_path: Path, monkeypatch: Patch
):
    monkeypatch.chdir(tmp_path)
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


def test_pictures_in_a_folder_are_labelled_by_their_folders_or_by_a_list_beside_them(
    sets: Sets, hub: Hub, tmp_path: Path
):
    files = {f"train/{label}/{number}.png": shot((label, number)) for label in NAMED for number in range(2)}
    things = put(tmp_path / "things", files)
    assert sets.bring(things, "--split", "train").counts == {"happy": 2, "sad": 2}
    rows = [f'{{"file_name": "{name}.png", "mood": "{name[0]}"}}\n' for name in ("happy/0", "sad/0", "sad/1")]
    put(things, {"train/metadata.jsonl": "".join(rows).encode()})
    assert sets.bring(things, "--split", "train", name="listed").counts == {"h": 1, "s": 2}
    hub.files = {path.relative_to(things).as_posix(): path.read_bytes() for path in things.rglob("*.*")}
    assert sets.bring("--hub", hub.name, name="far").counts == {"h": 1, "s": 2}
    # The one picture that is not in the list is not asked for.
    assert (hub.sent("train/happy/0.png") > 0, hub.sent("train/happy/1.png")) == (True, 0)


CARD = "---\nconfigs:\n- config_name: default\n  data_files:\n  - '{}'\n---\n"
LIST = '{{"file_name": "1.png", "mood": "a"}}\n{{"file_name": "{}", "mood": "b"}}\n'
ITSELF = "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9 * (n > 0)}x]\n" for n in range(12))
ITSELF = f"---\n{ITSELF}configs: *a11\n---\n"
ELSEWHERE = ("/etc/*.conf", "../*.parquet", "http://127.0.0.1:9/x.parquet", "~/x", "zip://a::b.zip")
UNREADABLE, CLOSED = "is no data set that can be read", "(archives are not opened)"
OTHER_KINDS: dict[str, tuple[dict[str, bytes], str]] = {
    **{f"a card to {path}": ({"README.md": CARD.format(path).encode()}, "not safe to import") for path in ELSEWHERE},
    **{
        f"a list to {path}": ({"1.png": shot(2), "metadata.jsonl": LIST.format(path).encode()}, UNREADABLE)
        for path in ("/etc/passwd", "../up.png")
    },
    "a script": ({"faces.py": b"raise SystemExit(3)", "a.parquet": b""}, "(Dataset scripts are no longer supported"),
    "a zip": ({"all.zip": b"PK\5\6" + bytes(18)}, CLOSED),
    "rows of text": ({"rows.csv": b"a,b\n1,2\n"}, "holds no pictures that can be read"),
    "a card that names itself again and again": (
        {"README.md": ITSELF.encode()},
        "whose head names parts of itself",
    ),
    "a torn card": ({"README.md": b"---\nconfigs: [\n---\n"}, UNREADABLE),
    "a card of 20 MB": ({"README.md": b" " * 20_000_001, "a.csv": b""}, "has a README.md of 20 MB"),
}


@pytest.mark.parametrize("case", OTHER_KINDS)
def test_a_data_set_that_points_elsewhere_or_is_of_another_kind_is_refused(
    sets: Sets, hub: Hub, tmp_path: Path, case: str
):
    hub.files, sentence = OTHER_KINDS[case]
    # A script is known by its name, which is that of the repository.
    put(tmp_path / "faces", hub.files)
    assert sentence in sets.refused(tmp_path / "faces", "--split", "train")
    assert sentence in sets.refused("--hub", hub.name)


@pytest.fixture(scope="module")
def two_splits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small data set: a card that says nothing, 120 rows to train on and 4 to test with."""
    made = tmp_path_factory.mktemp("made")
    train = parquet(made / "train", faces(60, labels=(0, 1)), classes=NAMED, row_group_size=20)
    test = parquet(made / "test", faces(2, labels=(0, 1), seed="test"), classes=NAMED)
    card = b"---\nlicense: mit\n---\n# Faces\n"
    return {"README.md": card, ".gitattributes": b"", TRAIN: train.read_bytes(), TEST: test.read_bytes()}


@pytest.fixture
def hub(two_splits: dict[str, bytes], monkeypatch: Patch) -> Iterator[Hub]:
    """The stand-in, which the Hub's client asks in this process and in its children."""
    hub = Hub(dict(two_splits))
    with hub.serving():
        point_to(hub.url, monkeypatch)
        yield hub


def test_a_data_set_of_the_hub_is_described_without_a_download_of_its_pictures(emotion: Emotion, hub: Hub):
    content = hub.files[TRAIN]
    end = int.from_bytes(content[-8:-4], "little") + 8
    # Of a size as data sets have, by a gap where no place in it points to.
    hub.files[TRAIN] = content[:-end] + bytes(2_000_000) + content[-end:]
    told = emotion("pictures", "describe", hub.name, "--json").json
    assert (told["source"], told["on_hub"], told["commit"]) == (hub.name, True, COMMIT)
    assert (told["split"], told["splits"]["train"], list(told["splits"])) == ("train", 120, ["train", "test"])
    assert (told["picture_columns"], told["labels"]) == (["face"], {"mood": {"happy": 60, "sad": 60}})
    assert told["bytes"] == len(hub.files[TRAIN]) > 2_000_000
    assert hub.sent(TRAIN) < 300_000
    assert hub.sent(TEST) == 0


def test_a_split_of_the_hub_becomes_a_set_and_neither_the_other_split_nor_a_token_nor_a_file_is_kept(
    sets: Sets, hub: Hub, isolated: Path, monkeypatch: Patch
):
    monkeypatch.setenv("HF_TOKEN", "hf_secret_of_mine")
    hub.files |= dict.fromkeys(("../up.parquet", "/abs.parquet", "a\\b.parquet", "a/../../c.parquet", "a\x00b"), b"x")
    made = sets.bring("--hub", hub.name, "--split", "train", "--map", "sad=tired")
    assert (made.told["source"], made.counts) == ("data set", {"happy": 60, "tired": 60})
    assert shot(("", 0)) in [path.read_bytes() for path in made.files("happy")]
    assert hub.sent(TEST) == 0
    assert "Bearer hf_secret_of_mine" in hub.tokens
    left = [path for path in isolated.rglob("*") if path.is_file()]
    assert not any(b"hf_secret" in path.read_bytes() for path in left)
    assert all(path.is_relative_to(sets.root) for path in left)
    assert f"at {COMMIT[:12]}" in made.told["read"]


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        *(
            (status, code, "does not give team/faces")
            for status, code in ((404, "RepoNotFound"), (401, "RepoNotFound"), (401, "GatedRepo"), (403, ""))
        ),
        (500, "", "team/faces cannot be read from the Hub at"),
        (200, "", "team/faces cannot be read from the Hub at"),
    ],
)
def test_each_refusal_of_the_hub_is_one_sentence(sets: Sets, hub: Hub, status: int, code: str, sentence: str):
    hub.refuse_all = (status, {"X-Error-Code": code} if code else {})
    assert sentence in sets.refused("--hub", hub.name)


def test_a_gated_data_set_shows_its_list_and_no_file_and_one_that_comes_cut_is_refused(sets: Sets, hub: Hub):
    hub.refuse_files = (403, {"X-Error-Code": "GatedRepo"})
    assert "does not give team/faces" in sets.refused("--hub", hub.name)
    hub.refuse_files, hub.cut = None, True
    assert "is no data set that can be read" in sets.refused("--hub", hub.name)
    hub.cut = False
    sets.bring("--hub", hub.name, "--split", "test", name="Dogs")
    hub.asked.clear()
    assert "There is a picture set 'Dogs' already" in sets.refused("--hub", hub.name, name="dogs")
    assert hub.asked == []


def test_a_folder_here_of_the_same_name_is_not_meant_where_the_hub_is(
    sets: Sets, hub: Hub, tmp_path: Path, monkeypatch: Patch
):
    monkeypatch.chdir(tmp_path)
    parquet(tmp_path / hub.name / "x.parquet", faces(1))
    assert describe(hub.name).splits == {"train": 2}
    assert sets.bring("--hub", hub.name).told["pictures"] == 120


def fetched(source: Path | str, work: Path, *, mapping: Any = None, seed: int = 0, **limits: Any) -> Any:
    """Fetch a split within limits; return the pictures by their classes, and what was said of it."""
    work.mkdir()
    way = FromDataSet(describe(source), mapping=mapping or {}, seed=seed)
    told = result_of(way.steps(work, Limits(**limits)))
    return {label: sorted(names) for label, names in told.files.items()}, told


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


def test_only_groups_of_rows_that_are_wanted_are_read_and_too_many_bytes_not_at_all(hub: Hub, tmp_path: Path):
    shots = [shot(row) + random.Random(row).randbytes(50_000) for row in range(40)]
    columns = {"face": shots, "mood": ["happy"] * 20 + ["sad"] * 20}
    hub.files[TRAIN] = parquet(tmp_path / "x", columns, row_group_size=5).read_bytes()
    size = len(hub.files[TRAIN])
    with pytest.raises(PictureError, match=r"holds pictures of .*: the limit is 100.0 KB"):
        fetched(hub.name, tmp_path / "none", bytes=100_000)
    assert hub.sent(TRAIN) < size / 4
    hub.asked.clear()
    found, told = fetched(hub.name, tmp_path / "half", mapping={"happy": ""})
    assert (list(found), len(found["sad"]), len(told.left_out)) == (["sad"], 20, 20)
    assert size / 2 < hub.sent(TRAIN) < size * 0.75


@pytest.mark.parametrize("answers", [True, False])
def test_without_a_hub_one_sentence_comes_within_five_seconds(sets: Sets, monkeypatch: Patch, answers: bool):
    # A port that takes a connection and never says a word, and one that is closed.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1] if answers else 9}"
        point_to(url, monkeypatch)
        began = time.monotonic()
        said = sets.refused("--hub", "team/faces")
    assert time.monotonic() - began < 5
    assert said.startswith(f"team/faces cannot be read from the Hub at {url} (")
    assert said.endswith("connect to the network and try again, or import a zip, a folder or a Parquet file.")
