"""Data sets in Parquet files of this machine: what is found in them, and which set is made of it."""

from __future__ import annotations

import pickle
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from parquets import CLASSES, ENCODED, brought, faces, features, last, opened, usual_features, write
from zips import picture, reasons, tree

from emotion.errors import PictureError
from emotion.pictures.folders import list_pictures
from emotion.sets.hub.bringing import FromDataSet
from emotion.sets.hub.description import Description, describe
from emotion.sets.hub.source import open_source
from emotion.sets.limits import Limits

ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Six rows, three of each of two declared classes."""
    return write(tmp_path / "faces.parquet", faces(), usual_features())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "sets"


def refused(source: Path, root: Path, **options: Any) -> str:
    before = tree(root.parent)
    with pytest.raises(PictureError) as caught:
        brought(source, root, **options)
    assert tree(root.parent) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_of_odd_columns_is_described_by_what_it_holds(file: Path) -> None:
    found = describe(file)
    assert found == Description(
        source=str(file),
        on_hub=False,
        commit="",
        config="default",
        configs=("default",),
        split="train",
        splits={"train": 6},
        columns={"face": "pictures", "mood": "2 labels"},
        picture_columns=("face",),
        labels={"mood": {"happy": 3, "sad": 3}},
        bytes=file.stat().st_size,
    )


def test_a_set_has_the_pictures_of_the_file_byte_for_byte_under_their_labels(file: Path, root: Path) -> None:
    made = brought(file, root, species="Human")
    assert (made.manifest.source, made.manifest.species) == ("data set", "human")
    assert {label: len(paths) for label, paths in list_pictures(made.folder).items()} == {"happy": 3, "sad": 3}
    [first, *_] = made.manifest.pictures
    assert (first.file, first.original) == ("happy/0001.png", "happy/000000-shot 0.jpg")
    assert (made.folder / first.file).read_bytes() == picture(("", 0), "PNG")
    assert not made.manifest.skipped


@pytest.mark.parametrize(
    ("labels", "types", "told"),
    [
        (["joy", "grief"], None, {"grief": 3, "joy": 3}),
        ([4, 7], None, {"4": 3, "7": 3}),
        ([4.0, 7.0], None, {"4": 3, "7": 3}),
        ([True, False], None, {"false": 3, "true": 3}),
        ([1, 0], usual_features(["no", "yes"]), {"no": 3, "yes": 3}),
    ],
)
def test_labels_are_texts_numbers_or_declared_classes(
    tmp_path: Path, root: Path, labels: list[Any], types: Any, told: dict[str, int]
) -> None:
    file = write(tmp_path / "faces.parquet", faces(labels=labels), types)
    assert describe(file).labels == {"mood": told}
    assert brought(file, root).manifest.counts() == told


def test_bare_bytes_and_structures_are_pictures_where_their_content_is(tmp_path: Path, root: Path) -> None:
    content = [picture(row) for row in range(4)]
    shot = pa.array([{"data": each, "at": row} for row, each in enumerate(content)])
    columns = {"sound": [b"RIFX"] * 4, "raw": content, "shot": shot, "mood": ["a", "b"] * 2}
    file = write(tmp_path / "faces.parquet", columns)
    assert describe(file).picture_columns == ("raw", "shot")
    assert brought(file, root, name="raw").manifest.counts() == {"a": 2, "b": 2}
    other = brought(file, root, name="shot", picture_column="shot")
    assert [row.sha256 for row in other.manifest.pictures] == [
        row.sha256 for row in brought(file, root, name="again").manifest.pictures
    ]


def test_texts_are_labels_however_they_are_stored_and_odd_columns_do_not_matter(tmp_path: Path, root: Path) -> None:
    moods = pa.array(["a", "b"] * 2)
    columns = {
        "face": faces(2)["face"],
        "coded": moods.dictionary_encode(),
        "large": moods.cast(pa.large_string()),
        "odd": pa.array([[("a", 1)]] * 4, pa.map_(pa.string(), pa.int8())),
    }
    file = write(tmp_path / "faces.parquet", columns)
    assert list(describe(file).labels) == ["coded", "large"]
    assert describe(file).columns["odd"] == "something else"
    for column in ("coded", "large"):
        assert brought(file, root, name=column, label_column=column).manifest.counts() == {"a": 2, "b": 2}


def test_the_likeliest_columns_stand_first_and_others_can_be_chosen(tmp_path: Path, root: Path) -> None:
    shots = faces(3)
    columns = {
        "id": [f"row {row}" for row in range(6)],
        "year": [2020] * 6,
        "crop": shots["face"],
        "image": faces(3, seed="whole")["face"],
        "age": [30, 40, 30, 40, 50, 50],
        "emotion": ["a", "b"] * 3,
        "score": [row / 7 for row in range(6)],
    }
    found = describe(write(tmp_path / "faces.parquet", columns))
    assert found.picture_columns == ("image", "crop")
    assert list(found.labels)[:2] == ["emotion", "age"]
    chosen = brought(Path(found.source), root, picture_column="crop", label_column="age")
    assert chosen.manifest.counts() == {"30": 2, "40": 2, "50": 2}


def test_labels_are_renamed_merged_and_left_out_as_told(tmp_path: Path, root: Path) -> None:
    file = write(tmp_path / "faces.parquet", faces(2, labels=["joy", "glee", "fear", "sad"]))
    made = brought(file, root, mapping={"joy": "happy", "glee": "happy", "fear": ""})
    assert made.manifest.counts() == {"happy": 4, "sad": 2}
    assert reasons(made) == {
        f"fear/00000{row}-shot {row}.jpg": "It is labelled 'fear', which is mapped to nothing." for row in (2, 6)
    }


def test_other_names_of_the_emotions_are_read_when_told_to(tmp_path: Path, root: Path) -> None:
    file = write(tmp_path / "faces.parquet", faces(2, labels=["Anger", "sleepy"]))
    assert brought(file, root, use_aliases=True).manifest.counts() == {"angry": 2, "tired": 2}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mapping": {"joy": "happy"}}, "faces.parquet has no label 'joy': it has happy, sad."),
        (
            {"mapping": {"happy": "", "sad": " "}},
            "All labels of faces.parquet are mapped to nothing: map one to a name",
        ),
        (
            {"mapping": {"happy": "x" * 61}},
            "cannot be the name of a class: map it to a plain one of at most 60 letters",
        ),
        ({"mapping": {"happy": "a/b", "sad": "a:b"}}, "The labels 'a/b' and 'a:b' would both be the class 'a-b'"),
        ({"picture_column": "mood"}, "holds no encoded pictures (2 labels): choose one of face."),
        ({"picture_column": "nose"}, "The column 'nose' of faces.parquet does not exist: choose one of face."),
        ({"label_column": "nose"}, "The column 'nose' of faces.parquet does not exist: choose one of face, mood."),
        (
            {"label_column": "face"},
            "The column 'face' of faces.parquet holds no labels (pictures): choose one of mood.",
        ),
        ({"split": "test"}, "faces.parquet has no split 'test': choose one of train."),
        ({"limits": Limits(pictures=5)}, "faces.parquet holds 6 pictures: the limit is 5 a set."),
        ({"limits": Limits(files=5)}, "faces.parquet has 6 rows: the limit is 5."),
        ({"limits": Limits(bytes=5000)}, "the limit is 5.0 KB a set."),
        ({"limits": Limits(seconds=1e-9)}, "The import takes more than 1e-09 seconds, the limit"),
        ({"name": "../.."}, "holds no letter and no digit"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(file: Path, root: Path, options: Any, sentence: str) -> None:
    assert sentence in refused(file, root, **options)


def test_one_picture_over_its_limit_is_left_out(file: Path, root: Path) -> None:
    made = brought(file, root, limits=Limits(picture_bytes=2000))
    assert made.manifest.counts() == {"sad": 3}
    assert set(reasons(made).values()) == {"It has more than 2.0 KB, the limit of one picture."}


def test_rows_without_picture_or_label_and_what_is_no_picture_are_left_out_and_told(tmp_path: Path, root: Path) -> None:
    good = picture(1)
    columns = {
        "face": pa.array(
            [
                {"bytes": good, "path": None}, None, {"bytes": None, "path": "/etc/passwd"},
                {"bytes": b"text", "path": "a"}, {"bytes": picture(2), "path": None},
                {"bytes": picture(3), "path": "n.jpg"}, {"bytes": good[:300], "path": None},
            ],
            ENCODED,
        ),
        "mood": [0, 0, 1, 1, None, -1, 0],
    }  # fmt: skip
    made = brought(write(tmp_path / "faces.parquet", columns, usual_features()), root)
    assert made.manifest.counts() == {"happy": 1}
    assert reasons(made) == {
        "happy/000001": "It has no picture in the data set.",
        "sad/000002-passwd": "It is named and not in the data set.",
        "sad/000003-a": "It is not a picture, whatever its name says.",
        "000004": "It has no label.",
        "000005-n.jpg": "It has no label.",
        "happy/000006": "It cannot be read (image file is truncated): save it again or leave it out.",
    }


def test_names_from_a_data_set_lead_nowhere(tmp_path: Path, root: Path) -> None:
    labels = ["../../up", "/etc", "a\\b", "\x1b[31mred", "__x", "c:d", ".hidden"]
    shots = [{"bytes": picture(row), "path": f"..\\../{'/' * row}..\x00x\n.png"} for row in range(len(labels))]
    file = write(tmp_path / "faces.parquet", {"face": pa.array(shots, ENCODED), "mood": labels})
    outside = tree(tmp_path)
    made = brought(file, root)
    assert set(made.manifest.counts()) == {"..-..-up".strip("."), "-etc", "a-b", "[31mred", "x", "c-d", "hidden"}
    assert {path for path in tree(tmp_path) if not path.startswith("sets")} == outside
    for row in made.manifest.pictures:
        assert row.original.count("/") == 1
        assert row.original.isprintable()
    assert len(list(made.folder.glob("*/*.png"))) == len(labels)


@pytest.mark.parametrize("label", ["..", "CON", "x" * 61, "🙂" * 61])
def test_a_label_that_is_no_name_of_a_class_is_refused_and_can_be_mapped(
    tmp_path: Path, root: Path, label: str
) -> None:
    file = write(tmp_path / "faces.parquet", faces(2, labels=[label, "sad"]))
    assert "cannot be the name of a class: map it" in refused(file, root)
    assert brought(file, root, mapping={label: "happy"}).manifest.counts() == {"happy": 2, "sad": 2}


def test_labels_that_differ_in_how_they_are_written_are_one_class(tmp_path: Path, root: Path) -> None:
    made = brought(write(tmp_path / "faces.parquet", faces(2, labels=["Sad", "sad"])), root)
    assert len(made.manifest.counts()) == 1
    assert any("are read as one class" in note for note in made.manifest.notes)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"face": ["a.jpg", "b.jpg"], "mood": ["a", "b"]}, "has no column of encoded pictures (it has face, mood)"),
        ({"face": [b"abc", b"def"], "mood": ["a", "b"]}, "has no column of encoded pictures (it has face, mood)"),
        ({"face": faces(1)["face"]}, "has no column of labels (it has face): choose another one."),
        ({"face": faces(1)["face"], "mood": [[1], [2]]}, "has no column of labels"),
        ({"face": faces(1)["face"], "mood": pa.nulls(2)}, "has no column of labels"),
    ],
)
def test_a_file_without_pictures_or_labels_is_refused(
    tmp_path: Path, root: Path, columns: dict[str, Any], sentence: str
) -> None:
    assert sentence in refused(write(tmp_path / "faces.parquet", columns), root)


def test_a_column_of_many_different_values_is_no_column_of_labels(tmp_path: Path, root: Path) -> None:
    shots = faces(1)["face"].take(pa.array([0] * 300))
    file = write(tmp_path / "faces.parquet", {"face": shots, "row": [str(row) for row in range(300)]})
    assert describe(file).labels == {}
    assert "holds 300 different values, which are no labels" in refused(file, root, label_column="row")


def test_a_damaged_file_is_one_sentence(tmp_path: Path, root: Path, file: Path, capfd: Any) -> None:
    (tmp_path / "text.parquet").write_bytes(b"PAR1 text PAR1")
    (tmp_path / "short.parquet").write_bytes(file.read_bytes()[:-100])
    damaged = bytearray(file.read_bytes())
    damaged[200:4000] = b"x" * 3800
    (tmp_path / "inside.parquet").write_bytes(damaged)
    for name in ("text", "short", "inside"):
        assert "is no data set that can be read (" in refused(tmp_path / f"{name}.parquet", root)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("source", ["nothing.parquet", "no/such.parquet", "a/b/c", "/dev/null", "..", ""])
def test_what_is_no_data_set_is_one_sentence(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "empty" / "er")
    with pytest.raises(PictureError, match=r"There is no data set|holds no pictures that can be read"):
        describe(source)


def test_an_open_source_holds_nothing_back_when_it_is_closed_or_stopped(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    before = file.read_bytes()
    source = opened(file)
    assert source.read(source.entries[5]) == picture(("", 5), "JPEG")
    assert tree(scratch)
    source.close()
    assert not tree(scratch)
    steps = open_source(describe(file))
    next(steps)
    assert tree(scratch)
    steps.close()
    assert not tree(scratch)
    assert file.read_bytes() == before


def test_a_large_group_of_rows_is_read_in_small_pieces(tmp_path: Path) -> None:
    count = 3000
    noise = pa.array([bytes(30_000)] * count, pa.binary())
    file = write(tmp_path / "faces.parquet", {"face": noise, "mood": ["a", "b"] * (count // 2)}, use_dictionary=False)
    code = (
        "import resource, sys\nfrom emotion.sets.hub.description import Description\n"
        "from emotion.sets.hub.source import open_source\n"
        f"found = Description({str(file)!r}, False, '', 'default', ('default',), 'train', {{'train': {count}}}, "
        "{'face': '', 'mood': ''}, ('face',), {'mood': {'a': None, 'b': None}})\n"
        "import datasets, pyarrow.parquet, pyarrow.dataset, emotion.sets.hub.tables, emotion.sets.hub.parts\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "steps = open_source(found)\n"
        "try:\n    while True: next(steps)\nexcept StopIteration as end: source = end.value\n"
        "assert 'torch' not in sys.modules\n"
        "assert len(source.entries) == 3000\nsource.close()\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 60  # MB, of a group of 90


def parts(folder: Path) -> Path:
    """A folder laid out as on the Hub: two configurations, of which one has two splits."""
    write(folder / "faces" / "train-00000-of-00002.parquet", faces(2, seed="1"), usual_features())
    write(folder / "faces" / "train-00001-of-00002.parquet", faces(1, seed="2"), usual_features())
    write(folder / "faces" / "test-00000-of-00001.parquet", faces(1, seed="3"), usual_features())
    write(folder / "drawn" / "all.parquet", {"scribble": faces(2)["face"], "what": ["a", "b"] * 2}, features_of_drawn())
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: drawn\n  data_files: drawn/*.parquet\n- config_name: faces\n  default: true\n"
        "  data_files:\n  - split: train\n    path: faces/train-*\n  - split: test\n    path: faces/test-*\n---\n"
    )
    return folder


def features_of_drawn() -> Any:
    import datasets

    return features(scribble=datasets.Image(), what=datasets.Value("string"))


def test_configurations_and_splits_are_found_and_can_be_chosen(tmp_path: Path, root: Path) -> None:
    folder = parts(tmp_path / "things")
    found = describe(folder)
    assert (found.config, found.configs, found.split) == ("faces", ("drawn", "faces"), "train")
    assert found.splits == {"train": 6, "test": 2}
    assert brought(folder, root).manifest.counts() == {"happy": 3, "sad": 3}
    assert brought(folder, root, name="test", split="test").manifest.counts() == {"happy": 1, "sad": 1}
    other = describe(folder, config="drawn")
    assert (other.picture_columns, other.labels) == (("scribble",), {"what": {"a": 2, "b": 2}})
    with pytest.raises(PictureError, match="things has no configuration 'none': choose one of drawn, faces"):
        describe(folder, config="none")


def test_a_card_names_classes_that_the_files_give_as_numbers(tmp_path: Path, root: Path) -> None:
    folder = tmp_path / "things"
    write(folder / "data.parquet", faces())
    (folder / "README.md").write_text(
        "---\ndataset_info:\n  features:\n  - name: face\n    dtype: image\n  - name: mood\n    dtype:\n"
        "      class_label:\n        names:\n          '0': calm\n          '1': wild\n---\n"
    )
    assert describe(folder).labels == {"mood": {"calm": 3, "wild": 3}}
    assert brought(folder, root).manifest.counts() == {"calm": 3, "wild": 3}


def test_a_folder_of_pictures_is_labelled_by_its_folders_or_by_its_list(tmp_path: Path, root: Path) -> None:
    folder = tmp_path / "things"
    for label in CLASSES:
        for number in range(2):
            path = folder / "train" / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture((label, number)))
    assert describe(folder).labels == {"label": {"happy": 2, "sad": 2}}
    made = brought(folder, root)
    assert made.manifest.counts() == {"happy": 2, "sad": 2}
    assert made.manifest.pictures[0].original == "happy/000000-0.png"
    (folder / "train" / "metadata.jsonl").write_text(
        "".join(f'{{"file_name": "{name}.png", "mood": "{name[0]}"}}\n' for name in ("happy/0", "sad/0", "sad/1"))
    )
    listed = brought(folder, root, name="listed")
    assert listed.manifest.counts() == {"h": 1, "s": 2}


@pytest.mark.parametrize(
    "path", ["/etc/*.conf", "../*.parquet", "https://127.0.0.1:9/x.parquet", "~/x", "zip://a::b.zip"]
)
def test_a_card_that_points_out_of_the_data_set_is_refused_and_not_followed(tmp_path: Path, path: str) -> None:
    folder = parts(tmp_path / "things")
    (folder / "README.md").write_text(f"---\nconfigs:\n- config_name: default\n  data_files:\n  - '{path}'\n---\n")
    with pytest.raises(PictureError, match="which lies outside of it: it is not safe to import"):
        describe(folder)


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret.png", "file:///etc/passwd"])
def test_a_list_that_points_out_of_the_data_set_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.png").write_bytes(picture(1))
    folder = tmp_path / "things"
    folder.mkdir()
    (folder / "1.png").write_bytes(picture(2))
    (folder / "metadata.jsonl").write_text(
        f'{{"file_name": "1.png", "mood": "a"}}\n{{"file_name": "{path}", "mood": "b"}}\n'
    )
    with pytest.raises(PictureError, match="things is no data set that can be read"):
        describe(folder)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            {"things.py": b"raise SystemExit(3)", "a.parquet": b""},
            "wants to run a script of its own, which is never done",
        ),
        ({"all.zip": b"PK\5\6" + bytes(18)}, "keeps its pictures in archives, which are not opened"),
        ({"all.tar": b""}, "keeps its pictures in archives, which are not opened"),
        ({"rows.csv": b"a,b\n1,2\n"}, "holds no pictures that can be read"),
        ({"README.md": b"---\nconfigs: [\n---\n"}, "is no data set that can be read"),
        ({"README.md": b"# nothing"}, "holds no pictures that can be read"),
    ],
)
def test_folders_of_other_kinds_are_refused_in_a_sentence(
    tmp_path: Path, files: dict[str, bytes], sentence: str, capfd: Any
) -> None:
    folder = tmp_path / "things"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with pytest.raises(PictureError, match="things") as caught:
        describe(folder)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_way_in_can_be_handed_to_another_process_and_says_what_it_reads(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    way = pickle.loads(pickle.dumps(FromDataSet(describe(file), mapping={"happy": "glad"})))
    with closing(last(way.steps(Limits()))) as source:
        assert {entry.name.split("/")[0] for entry in source.entries} == {"glad", "sad"}
        assert source.notes == [
            "Read from faces.parquet, configuration 'default', split 'train': pictures from the column 'face', labels "
            "from 'mood'."
        ]
    assert not tree(scratch)
