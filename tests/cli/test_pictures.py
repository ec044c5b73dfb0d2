"""`python -m emotion pictures`: what scripts rely on; what is refused is one sentence, and nothing is written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from emotion.cli import main
from emotion.pictures.folders import list_pictures

ROOT = Path(__file__).parents[2]
SHORT = {
    "set", "name", "species", "created", "source", "pictures", "classes", "balance", "skipped", "duplicates",
    "near_duplicates", "contradictions", "notes",
}  # fmt: skip
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


def zipped(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as made:
        for each in sorted(folder.rglob("*")):
            made.write(each, each.relative_to(folder.parent))
    return path


def test_import_list_show_and_delete_hold_what_scripts_rely_on(
    pictures: Do, make_pictures: Callable[..., Path]
) -> None:
    source = zipped(make_pictures("dogs", count=3))
    code, made, err = pictures("import", source, "--name", "My dogs", "--species", "dog", "--json")
    assert (code, err) == (0, "")
    assert set(made) == SHORT | {"skipped_files", "near"}
    assert (made["set"], made["name"], made["species"], made["source"]) == ("sets/My-dogs", "My dogs", "dog", "zip")
    assert (made["pictures"], made["classes"]) == (12, {"happy": 3, "sad": 3, "angry": 3, "tired": 3})
    assert {label: len(paths) for label, paths in list_pictures(Path(made["set"])).items()} == made["classes"]

    code, listed, err = pictures("list", "--json")
    assert (code, err) == (0, "")
    [row] = listed["sets"]
    assert row == {name: made[name] for name in SHORT}

    code, told, _ = pictures("show", "my dogs", "--json")
    assert (code, told) == (0, made)
    assert pictures("delete", "My-dogs", "--json") == (0, {"deleted": "sets/My-dogs"}, "")
    assert pictures("list", "--json")[1] == {"sets": []}
    assert source.is_file()


def test_without_json_it_is_said_in_words(pictures: Do, make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures("dogs", count=3)
    (folder / "happy" / "notes.txt").write_text("x")
    for number in range(7, 20):
        Image.new("RGB", (30, 30), (number, 0, 0)).save(folder / "happy" / f"{number}.png")
    line = "sets/mine: mine (dog), 25 pictures: happy 16, sad 3, angry 3, tired 3"
    rules = (
        "'happy' rules: 16 of 25 pictures, 5.3 times the median of the other classes (3). "
        "To say 'happy' of every picture is right 64% of the time. "
        "With “Class weights”, a setting of the training, every class counts alike."
    )
    alike = (
        "12 pictures are nearly the same as another one of this set, 0 of them under another label. None is left out: "
        "where one is trained on and one judged, the score is too good."
    )
    code, out, err = pictures("import", folder, "--name", "mine", "--species", "Dog")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:4] == [line, "1 file is left out.", rules, alike]
    assert lines[4] == "  left out: happy/notes.txt (It is not a picture by its name.)"
    assert lines[-1] == "  look alike: 7 more"
    assert pictures("list")[1] == line + "\n"
    shown = pictures("show", "mine")[1].splitlines()
    assert shown[0] == line
    assert shown[1].endswith(" from a folder")
    assert shown[2:] == lines[1:]
    assert pictures("delete", "mine")[1].startswith("sets/mine is deleted for good")
    assert pictures("list")[1].startswith("No picture sets in sets yet: `python -m emotion pictures import")


def test_other_names_of_the_emotions_are_offered_and_read_when_told_to(
    pictures: Do, make_pictures: Callable[..., Path]
) -> None:
    folder = make_pictures(count=2)
    (folder / "angry").rename(folder / "Anger")
    code, made, err = pictures("import", folder, "--name", "one", "--json")
    assert (code, err) == (0, "This set says 'Anger' for angry: give --use-aliases to read it as such.\n")
    assert list(made["classes"]) == ["happy", "sad", "tired", "Anger"]
    code, made, err = pictures("import", folder, "--name", "two", "--use-aliases", "--json")
    assert (code, err, list(made["classes"])) == (0, "", ["happy", "sad", "angry", "tired"])


def test_what_is_refused_is_one_sentence_exit_code_1_and_nothing_is_written(
    pictures: Do, make_pictures: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_pictures(count=2)
    (tmp_path / "text.zip").write_text("text")
    (tmp_path / "empty").mkdir()
    slip = tmp_path / "slip.zip"
    with zipfile.ZipFile(slip, "w") as made:
        made.write(folder / "happy" / "happy_000.png", "../happy/1.png")
    before = set(tmp_path.rglob("*"))
    for arguments, sentence in (
        (["import", tmp_path / "nowhere", "--name", "x"], "There is no zip and no folder"),
        (["import", tmp_path / "text.zip", "--name", "x"], "text.zip is not a zip file that can be read"),
        (["import", tmp_path / "empty", "--name", "x"], "There are no pictures in class folders in empty"),
        (["import", slip, "--name", "x"], "slip.zip holds '../happy/1.png', which leads out of its folder"),
        (["import", folder, "--name", "../.."], "holds no letter and no digit"),
        (["import", folder, "--name", "x" * 300], "has 300 characters"),
        (["import", "/dev/zero", "--name", "x"], "There is no zip and no folder /dev/zero"),
        (["show", "nothing"], "There is no picture set 'nothing' in sets"),
        (["delete", "../pictures"], "There is no picture set '../pictures' in sets"),
    ):
        for more in ([], ["--json"]):
            code, out, err = pictures(*arguments, *more)
            assert (code, out) == (1, "")
            assert sentence in err
            assert err.count("\n") == 1
    assert set(tmp_path.rglob("*")) == before


def test_a_name_that_is_there_is_refused_and_the_set_is_untouched(
    pictures: Do, make_pictures: Callable[..., Path]
) -> None:
    folder = make_pictures(count=2)
    assert pictures("import", folder, "--name", "Dogs")[0] == 0
    before = {path: path.stat().st_mtime_ns for path in Path("sets").rglob("*")}
    code, out, err = pictures("import", folder, "--name", "dogs")
    assert (code, out) == (1, "")
    assert err == "There is a picture set 'Dogs' already: choose another name, or delete that one.\n"
    assert {path: path.stat().st_mtime_ns for path in Path("sets").rglob("*")} == before


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["import"], ["import", "x"], ["import", "--name", "x"], ["show"], ["delete"]]
)
def test_wrong_usage_is_exit_code_2(pictures: Do, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        pictures(*arguments)
    assert caught.value.code == 2


def test_sets_lie_where_it_is_said(
    pictures: Do, make_pictures: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_pictures(count=2)
    assert pictures("import", folder, "--name", "a", "--sets", tmp_path / "here")[0] == 0
    monkeypatch.setenv("EMOTION_SETS", str(tmp_path / "there"))
    assert pictures("import", folder, "--name", "b")[0] == 0
    assert ((tmp_path / "here" / "a").is_dir(), (tmp_path / "there" / "b").is_dir()) == (True, True)
    assert [row["name"] for row in pictures("list", "--json")[1]["sets"]] == ["b"]


def test_a_damaged_set_is_told_and_hides_no_other(pictures: Do, make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures(count=2)
    for name in ("bad", "good"):
        pictures("import", folder, "--name", name)
    Path("sets/bad/manifest.json").write_text("{")
    code, listed, err = pictures("list", "--json")
    assert (code, [row["name"] for row in listed["sets"]]) == (0, ["good"])
    assert err.startswith("sets/bad is not a picture set that can be read")
    assert pictures("show", "bad")[0] == 1
    assert pictures("delete", "bad")[0] == 0
    assert pictures("list")[2] == ""


def test_names_in_files_cannot_steer_a_terminal(pictures: Do, make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures(count=2)
    (folder / "happy" / "\x1b[31mred\x07.txt").write_text("x")
    (folder / "happy" / "\x1b[31mred\u202e.png").write_text("x")
    out = pictures("import", folder, "--name", "x\x1b[31m")[1]
    assert out.isprintable() or set(out) - {"\n"} == {letter for letter in out if letter.isprintable()}
    assert "?[31mred" in out


def test_an_interrupted_import_is_exit_code_130_and_leaves_nothing(
    make_pictures: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_pictures(count=200)
    code = (
        # Whoever runs the tests in the background may have told their children to ignore Ctrl+C.
        "import signal, sys, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from emotion.cli import importing, main\n"
        "def slowly(step):\n    print('step', flush=True)\n    time.sleep(0.05)\n"
        "importing._show_progress = slowly\nsys.exit(main(sys.argv[1:]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "pictures", "import", folder, "--name", "x", "--sets", tmp_path / "sets"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    # By the third step everything is imported, and the import of pictures goes on.
    assert [process.stdout.readline() for _ in range(3)] == [b"step\n"] * 3
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, b"")
    assert not (tmp_path / "sets").exists()
