"""`python -m emotion pictures import --hub` and `describe`: what scripts rely on, and nothing heavy comes early."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from parquets import faces, usual_features, write
from stand_in import COMMIT, Kept, serving
from zips import tree

from emotion.cli import main

ROOT = Path(__file__).parents[2]
Do = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Do:
    """Return a function that runs `pictures` and returns the exit code, the JSON or the text, and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EMOTION_SETS", raising=False)

    def do(*arguments: object) -> tuple[int, Any, str]:
        code = main(["pictures", *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, json.loads(out.splitlines()[-1]) if "--json" in arguments and out else out, err

    return do


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "faces.parquet", faces(2, labels=["joy", "grief", "fear"]))


def run(*arguments: object, endpoint: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `pictures` with the real client, which reads its settings when it is imported."""
    env = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(folder / "home"), "TMPDIR": str(folder / "scratch")}
    (folder / "scratch").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-m", "emotion", "pictures", *map(str, arguments)],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_data_set_of_the_hub_becomes_a_set_and_nothing_else_stays(tmp_path: Path) -> None:
    train = write(tmp_path / "made", faces(2, labels=["joy", "fear"])).read_bytes()
    with serving(Kept({"data/train-00000-of-00001.parquet": train})) as url:
        done = run(
            "import", "--hub", "team/faces", "--name", "mine", "--map", "joy=happy", "--map", "fear=",
            "--species", "Human", "--sets", tmp_path / "sets", "--json", endpoint=url, folder=tmp_path,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    made = json.loads(done.stdout)
    assert (made["source"], made["species"], made["classes"], made["skipped"]) == ("data set", "human", {"happy": 2}, 2)
    assert made["read"] == (
        f"Read from team/faces at {COMMIT[:12]}, configuration 'default', split 'train': pictures from the column "
        "'face', labels from 'mood'."
    )
    assert not tree(tmp_path / "scratch")
    assert not list((tmp_path / "home").rglob("*.parquet"))


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://10.255.255.1", "http://nowhere.invalid"])
@pytest.mark.parametrize("action", ["describe", "import"])
def test_an_unreachable_hub_is_one_sentence_within_five_seconds(tmp_path: Path, endpoint: str, action: str) -> None:
    began = time.monotonic()
    what = ["describe", "team/faces"] if action == "describe" else ["import", "--hub", "team/faces", "--name", "x"]
    done = run(
        *what, *(["--sets", tmp_path / "sets"] if action == "import" else []), endpoint=endpoint, folder=tmp_path
    )
    assert time.monotonic() - began < 5
    assert (done.returncode, done.stdout) == (1, "")
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith(f"team/faces cannot be read from the Hub at {endpoint} (")
    assert sentence.endswith("connect to the network and try again, or import a zip, a folder or a Parquet file.")
    assert not (tmp_path / "sets").exists()


def test_a_file_is_described_for_people_and_for_scripts(pictures: Do, file: Path) -> None:
    code, found, err = pictures("describe", file, "--json")
    assert (code, err) == (0, "")
    assert found == {
        "source": str(file), "on_hub": False, "commit": "", "config": "default", "configs": ["default"],
        "split": "train", "splits": {"train": 6}, "columns": {"face": "fields bytes, path", "mood": "string"},
        "picture_columns": ["face"], "labels": {"mood": {"fear": 2, "grief": 2, "joy": 2}},
        "bytes": file.stat().st_size,
    }  # fmt: skip
    code, out, err = pictures("describe", file)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "faces.parquet: configuration default, split train",
        "  splits: train 6",
        f"  files of this split: {file.stat().st_size / 1e3:.1f} KB",
        "  column face: fields bytes, path",
        "  column mood: string",
        "pictures can be read from: face",
        "labels can be read from: mood (fear 2, grief 2, joy 2)",
    ]


def test_a_parquet_file_is_imported_like_a_zip(pictures: Do, file: Path) -> None:
    code, made, err = pictures("import", file, "--name", "one", "--map", "grief=sad", "--map", "fear=", "--json")
    assert (code, made["classes"], made["source"]) == (0, {"sad": 2, "joy": 2}, "data set")
    assert err == "This set says 'joy' for happy: give --use-aliases to read it as such.\n"
    code, out, _ = pictures("import", file, "--name", "two", "--label-column", "mood")
    assert code == 0
    assert out.splitlines()[1].startswith("Read from faces.parquet, configuration 'default', split 'train'")
    assert "from a data set" in pictures("show", "two")[1]


def test_a_folder_is_a_data_set_where_something_of_one_is_asked(pictures: Do, tmp_path: Path) -> None:
    write(tmp_path / "things" / "test.parquet", faces(), usual_features())
    assert pictures("import", tmp_path / "things", "--name", "x")[0] == 1
    code, made, _ = pictures("import", tmp_path / "things", "--name", "x", "--split", "test", "--json")
    assert (code, made["classes"]) == (0, {"happy": 3, "sad": 3})


def test_what_is_refused_is_one_sentence_exit_code_1_and_nothing_is_written(
    pictures: Do, file: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.parquet").write_text("text")
    before = tree(tmp_path)
    for arguments, sentence in (
        (["import", file, "--name", "x", "--split", "no"], "faces.parquet has no split 'no': choose one of train."),
        (["import", file, "--name", "x", "--config", "no"], "faces.parquet has no configuration 'no'"),
        (["import", file, "--name", "x", "--map", "no=happy"], "has no label 'no': it has fear, grief, joy."),
        (["import", file, "--name", "x", "--label-column", "no"], "The column 'no' of faces.parquet does not exist"),
        (["import", file, "--name", "../.."], "holds no letter and no digit"),
        (["import", "text.parquet", "--name", "x"], "text.parquet is no data set that can be read"),
        (["import", "team/no.parquet", "--name", "x"], "There is no data set 'team/no.parquet'"),
        (["import", "no/where", "--name", "x", "--split", "train"], "There is no data set 'no/where'"),
        (["describe", "no.parquet"], "There is no data set 'no.parquet'"),
        (["describe", "a b"], "There is no data set 'a b'"),
    ):
        for more in ([], ["--json"]):
            code, out, err = pictures(*arguments, *more)
            assert (code, out) == (1, "")
            assert sentence in err
            assert err.count("\n") == 1
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["import", "x.zip", "--hub", "team/faces", "--name", "x"],
        ["import", "--hub", "faces", "--name", "x"],
        ["import", "--hub", "../faces", "--name", "x"],
        ["import", "--hub", "team/faces"],
        ["import", "x.parquet", "--name", "x", "--map", "happy"],
        ["import", "x.parquet", "--name", "x", "--map", "=happy"],
        ["describe"],
    ],
)
def test_wrong_usage_is_exit_code_2(pictures: Do, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        pictures(*arguments)
    assert caught.value.code == 2


def test_help_and_refusals_import_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import contextlib, sys\nfrom emotion.cli import main\n"
        "for line in (['import', '--help'], ['describe', '--help']):\n"
        "    with contextlib.suppress(SystemExit): main(['pictures', *line])\n"
        "assert main(['pictures', 'import', 'no.parquet', '--name', 'x']) == 1\n"
        "print({'torch', 'transformers', 'datasets', 'pyarrow', 'huggingface_hub'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_names_from_a_data_set_cannot_steer_a_terminal(pictures: Do, tmp_path: Path) -> None:
    file = write(tmp_path / "x.parquet", {**faces(2, labels=["\x1b[31mred", "b"]), "\x1b[2J": ["a\r", "b\n"] * 2})
    for arguments in (["describe", file], ["import", file, "--name", "x"]):
        code, out, _ = pictures(*arguments)
        assert code == 0
        assert all(letter.isprintable() or letter == "\n" for letter in out)
