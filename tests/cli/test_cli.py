"""The command line holds what scripts rely on: forms, fields, exit codes, one sentence each."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from emotion.cli import main
from emotion.config import TrainConfig
from emotion.events import EpochDone, RunFinished
from emotion.labels import DRAWN_NOTE
from emotion.pictures.folders import list_pictures
from emotion.run import Run
from emotion.runs import create_run, list_runs
from emotion.training.session import train_run

ROOT = Path(__file__).parents[2]


def emotion(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run ``python -m emotion`` and return what came of it."""
    return subprocess.run(
        [sys.executable, "-m", "emotion", *map(str, arguments)],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def last_line(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def train_options(tiny_config: TrainConfig) -> list[str]:
    return [
        "train", "--pictures", tiny_config.pictures, "--backbone", tiny_config.backbone, "--epochs", "3",
        "--batch-size", "8", "--image-size", "32", "--precision", "float32",
    ]  # fmt: skip


def test_help_comes_at_once_without_torch_or_gradio() -> None:
    code = (
        "import sys\nfrom emotion.cli import main\n"
        "try:\n    main(['train', '--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'torch', 'transformers', 'gradio', 'datasets', 'numpy'} & set(sys.modules), 'heavy'"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        assert emotion("--help").returncode == 0
        seconds.append(time.perf_counter() - began)
    # Less than torch alone takes to import, also on a busy machine.
    assert min(seconds) < 2


def test_train_predict_and_compare_print_the_fields_scripts_rely_on(train_options: list[str], tmp_path: Path) -> None:
    pictures = Path(train_options[2])
    trained = last_line(emotion(*train_options, "--json", cwd=tmp_path))
    assert trained["run"].startswith("runs/20")
    assert (trained["train_pictures"], trained["validation_pictures"]) == (41, 7)
    assert set(trained["validation"]) == {"loss", "accuracy", "correct_confidence"}
    assert 0 < trained["seconds"] < trained["wall_seconds"]

    faces = [list_pictures(pictures)[label][0] for label in ("happy", "sad")]
    said = last_line(emotion("predict", "--run", trained["run"], *faces, "--json", cwd=tmp_path))
    assert [row["picture"] for row in said["predictions"]] == [str(face) for face in faces]
    # Its seven validation pictures are too few for a claim.
    assert {row["unknown"] for row in said["predictions"]} == {None}
    for row in said["predictions"]:
        assert list(row["scores"]) == ["happy", "sad", "angry", "tired"]
        assert sum(row["scores"].values()) == pytest.approx(1, abs=1e-5)
        assert row["label"] == max(row["scores"], key=row["scores"].get)

    name = Path(trained["run"]).name
    sets = ("--set", f"human={pictures}", "--set", f"dog={pictures}")
    compared = last_line(emotion("compare", "--run", name, *sets, "--size", 10, "--seed", 3, "--json", cwd=tmp_path))
    assert compared["seed"] == 3
    result = compared["sets"]["dog"]["happy"]
    assert result["n"] == 10
    assert {"correct", "accuracy", "correct_confidence", "runner_up", "predicted"} <= set(result)
    assert list(result["predicted"]) == ["happy", "sad", "angry", "tired"]
    assert compared["sets"]["human"] == compared["sets"]["dog"]

    everything = ("--emotion", "all", "--size", "all")
    compared = last_line(emotion("compare", "--run", name, *sets, *everything, "--json", cwd=tmp_path))
    assert {label: part["n"] for label, part in compared["sets"]["dog"].items()} == dict.fromkeys(
        ("happy", "sad", "angry", "tired"), 12
    )

    [listed] = last_line(emotion("runs", "--json", cwd=tmp_path))["runs"]
    assert (listed["run"], listed["status"]) == (trained["run"], "finished")


def test_what_cannot_be_done_is_one_sentence_and_exit_code_1(
    train_options: list[str], tiny_config: TrainConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    (tmp_path / "empty" / "happy").mkdir(parents=True)
    run = create_run(tiny_config, root=tmp_path / "runs")
    assert isinstance(list(train_run(run))[-1], RunFinished)
    for arguments, sentence in (
        (["train", "--pictures", tmp_path / "nowhere", "--runs", tmp_path / "runs"], "There is no folder"),
        (["train", "--pictures", tmp_path / "empty", "--runs", tmp_path / "runs"], "No pictures in the class folders"),
        ([*train_options, "--epochs", 0, "--runs", tmp_path / "runs"], "Epochs is 0"),
        ([*train_options, "--backbone", "nothing", "--runs", tmp_path / "runs"], "There is no backbone 'nothing'"),
        (["predict", "--run", "nothing", text], "There is no run 'nothing'"),
        (["predict", "--run", run.path, text], "text.jpg is not a picture"),
        (["compare", "--run", run.path, "--set", f"dog={tmp_path / 'nowhere'}"], "There is no folder"),
    ):
        assert main([*map(str, arguments)]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert sentence in said.err
        assert len(said.err.strip().splitlines()) == 1, said.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["train"],
        ["compare", "--run", "x", "--set", "dog"],
        ["compare", "--run", "x", "--set", "dog=a", "--set", "dog=b"],
        ["train", "--pictures", "x", "--epochs", "two"],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    assert emotion(*arguments).returncode == 2


@pytest.mark.slow
def test_an_interrupted_training_keeps_the_best_epoch_and_is_exit_code_130(
    train_options: list[str], tmp_path: Path
) -> None:
    options = [*train_options, "--depth", "all", "--epochs", "50", "--runs", str(tmp_path / "runs")]
    training = subprocess.Popen(
        [sys.executable, "-m", "emotion", *options], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 300
    while not any(
        isinstance(event, EpochDone) and event.epoch for run in list_runs(tmp_path / "runs") for event in run.events()
    ):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    training.send_signal(signal.SIGINT)
    _, errors = training.communicate(timeout=60)
    assert training.returncode == 130, errors
    [run] = list_runs(tmp_path / "runs")
    assert run.status() == "stopped"
    assert (run.checkpoint / "model.safetensors").is_file()
    resumed = last_line(emotion("resume", "--run", run.path, "--json"))
    assert resumed["run"] == str(run.path)
    assert run.status() == "finished"


@pytest.mark.slow
def test_a_run_made_with_a_relative_folder_is_used_from_anywhere(train_options: list[str], tmp_path: Path) -> None:
    pictures = Path(train_options[2])
    train_options[2] = pictures.name
    trained = last_line(emotion(*train_options, "--runs", tmp_path / "runs", "--json", cwd=pictures.parent))
    assert Run(Path(trained["run"])).config().pictures == str(pictures)


def test_a_run_that_is_being_trained_is_left_alone(tmp_path: Path) -> None:
    run = create_run(TrainConfig(pictures="faces"), root=tmp_path / "runs")
    with run.lock():
        done = emotion("resume", "--run", run.path)
    assert done.returncode == 1
    assert done.stderr == f"{run.name} is running: only a run that was cut off can go on.\n"


def test_a_damaged_run_is_told_and_hides_no_other(train_options: list[str], tmp_path: Path) -> None:
    good = create_run(TrainConfig(pictures="faces"), root=tmp_path / "runs")
    bad = create_run(TrainConfig(pictures="faces"), root=tmp_path / "runs")
    (bad.path / "config.json").write_text("{")
    done = emotion("runs", "--runs", tmp_path / "runs", "--json")
    assert [row["run"] for row in last_line(done)["runs"]] == [str(good.path)]
    assert f"{bad.path} is not a run that can be read" in done.stderr


def test_a_result_on_drawn_pictures_says_what_it_is_worth(
    tiny_config: TrainConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = create_run(tiny_config, root=tmp_path / "runs")
    assert isinstance(list(train_run(run))[-1], RunFinished)
    dogs = ROOT / "assets" / "faces" / "dog_eval"
    assert main(["compare", "--run", str(run.path), "--set", f"dog={dogs}", "--size", "3"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == DRAWN_NOTE
    assert main(["compare", "--run", str(run.path), "--set", f"dog={tiny_config.pictures}", "--size", "3"]) == 0
    assert DRAWN_NOTE not in capsys.readouterr().out


def test_a_reader_that_has_had_enough_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m emotion backbones | true",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_backbones_are_listed_with_size_and_presence() -> None:
    rows = last_line(emotion("backbones", "--json"))["backbones"]
    assert rows[0]["name"] == "dinov2-small"
    assert {"megabytes", "here", "parameters"} <= set(rows[0])
    assert "google/vit-base-patch16-224-in21k" in emotion("backbones").stdout
