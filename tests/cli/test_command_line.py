"""The command line holds what scripts rely on: exit codes, one JSON object, one sentence, quick help."""

import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.processes import frozen
from helpers.run_folder import events_of, runs_in, status_of
from helpers.serving import ROOT
from helpers.waiting import until

from emotion.cli import main
from emotion.core.config import PRESETS, SETTINGS, command_line, preset

HEAVY = {"rich", "torch", "transformers", "gradio", "datasets", "numpy", "pandas", "plotly", "scipy", "sklearn", "onnx"}


@pytest.mark.parametrize(
    ("words", "may_import"),
    [
        *[(words, set()) for words in ("--help", "runs --json", "backbones --json", "resume --run nothing")],
        *[(words, {"numpy"}) for words in ("cache --json", "pictures list --json", "train --pictures nowhere")],
    ],
)
def test_what_needs_no_model_imports_none(words: str, may_import: set[str]) -> None:
    code = (
        "import atexit, json, runpy, sys\n"
        "atexit.register(lambda: print(json.dumps(list(sys.modules)), file=sys.stderr))\n"
        f"sys.argv[1:] = {words.split()!r}\nrunpy.run_module('emotion', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    imported = set(json.loads(done.stderr.splitlines()[-1]))
    assert imported & (HEAVY - may_import) == set()
    assert "emotion.cli" in imported


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("train --pictures {pictures} --epochs 0", "Epochs is 0"),
        ("train --pictures {pictures} --backbone nothing", "There is no backbone 'nothing'"),
        ("resume --run {run}", "is finished: only a run that was cut off can go on"),
        ("predict --run nothing {pictures}/1.jpg", "There is no run 'nothing'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_1(
    emotion: Emotion, run: Path, tiny_pictures: Path, words: str, sentence: str
) -> None:
    done = emotion(*words.format(pictures=tiny_pictures / "human_eval", run=run).split())
    assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)
    assert sentence in done.err
    assert runs_in(run.parent) == [run]


@pytest.mark.parametrize(
    "words",
    [
        "", "dance", "--json", "runs now", "runs --jsn", "train", "train --pictures x --epochs two",
        "train --pictures x --schedule wild", "train --pictures x --preset Slow", "predict --run x", "push --run x",
        "report --run x", "compare --run x", "compare --run x --set dog", "compare --run x --set =folder",
        "compare --run x --set dog=", "compare --run x --set dog=a --set dog=b",
        "compare --run x --set dog=a --size none", "compare --run x --set dog=a --size 0",
        "compare --run x --set dog=a --seed x", "pictures", "pictures dance", "pictures import x",
        "pictures import --name x", "pictures show", "pictures describe",
        "pictures import x.zip --hub team/faces --name x", "pictures import --hub faces --name x",
        "pictures import --hub ../faces --name x", "pictures import x.parquet --name x --map happy",
        "pictures import x.parquet --name x --map =happy",
        # Python would read the working directory.
        "predict '' --run x", "train --pictures x --runs ''",
    ],
)  # fmt: skip
def test_wrong_usage_is_exit_code_2_and_one_sentence_that_says_where_to_look(emotion: Emotion, words: str) -> None:
    done = emotion(*shlex.split(words))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert " (usage: python -m emotion" in done.err
    assert done.err.endswith(" --help)\n")


def test_help_lists_the_commands_and_the_settings_with_their_ranges(emotion: Emotion) -> None:
    done = emotion("-h")
    assert (done.code, done.err) == (0, "")
    for command in ("train", "predict", "compare", "pictures", "backbones", "cache"):
        assert f"\n  {command} " in done.out
    told = " ".join(emotion("train", "--help").out.split())
    for setting in SETTINGS:
        assert f"--{setting.replace('_', '-')} " in told
    assert "over all processes, 1 to 128. [default: (24 in Quick)]" in told


def test_fault_a_letter_that_the_console_lacks_is_written_as_its_number(
    emotion: Emotion, run: Path, tiny_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first, second, *_] = sorted((tiny_pictures / "dog_eval" / "happy").iterdir())
    named = [run.parent / "笑顔.png", run.parent / os.fsdecode(b"m\xfcde.png")]
    for source, path in zip((first, second), named, strict=True):
        shutil.copy(source, path)
    out = emotion("predict", "--run", run, *named).out
    assert ["/笑顔.png: " in out, "/m\\udcfcde.png: " in out] == [True, True]
    console = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", console)
    assert main(["predict", "--run", str(run), *map(str, named)]) == 0
    out = console.buffer.getvalue().decode("cp1252")
    assert ["/\\u7b11\\u9854.png: " in out, "/m\\udcfcde.png: " in out] == [True, True]


@pytest.mark.slow
def test_a_training_that_is_interrupted_keeps_its_best_epoch_says_130_and_goes_on_when_asked(
    emotion: Emotion, tiny_pictures: Path, tiny_vit: Path, tmp_path: Path
) -> None:
    words = ["train", "--pictures", tiny_pictures / "human_train", "--backbone", tiny_vit, "--runs", tmp_path / "runs"]
    words += ["--depth", "all", "--epochs", "12", "--batch-size", "2", "--image-size", "32"]
    command = [sys.executable, "-m", "emotion", *map(str, words)]
    training = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with training:
        [run] = until(lambda: runs_in(tmp_path / "runs"))
        with frozen(run, training.pid):
            training.send_signal(signal.SIGINT)
        out, errors = training.communicate(timeout=300)
    assert (training.returncode, out) == (130, ""), errors
    assert "Stopped: epoch " in errors
    assert events_of(run)[-1]["event"] == "RunStopped"
    assert (run / "checkpoint" / "model.safetensors").is_file()
    assert emotion("resume", "--run", run, "--json").json["run"] == str(run)
    assert status_of(run) == "finished"


def test_a_run_made_with_a_relative_folder_is_used_from_anywhere(
    emotion: Emotion, tiny_pictures: Path, tiny_vit: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tiny_pictures)
    words = ["--pictures", "human_train", "--backbone", tiny_vit, "--epochs", 1, "--image-size", 32, "--json"]
    run = Path(emotion("train", *words).json["run"])
    monkeypatch.chdir(tmp_path)
    config = json.loads((run / "config.json").read_text())["config"]
    assert config["pictures"] == str(tiny_pictures / "human_train")


def test_a_reader_that_has_had_enough_is_no_error() -> None:
    command = f"{sys.executable} -m emotion backbones | true"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


MANY: dict[str, Any] = {
    "depth": 1, "epochs": 1, "image_size": 32, "batch_size": 4, "augmentation": "strong", "seed": 7,
    "block_learning_rate": 1e-5, "schedule": "linear", "precision": "float32", "early_stopping": 2,
    "validation_share": 0.3, "weight_decay": 0.0,
}  # fmt: skip


@pytest.mark.parametrize(("name", "settings"), [("Quick", MANY), *((name, {}) for name in PRESETS)], ids=str)
def test_the_command_that_the_page_offers_asks_for_the_very_same_training(
    emotion: Emotion, tiny_pictures: Path, tiny_vit: Path, monkeypatch: pytest.MonkeyPatch, name: str, settings: Any
) -> None:
    config = preset(name, pictures=str(tiny_pictures / "human_eval"), backbone=str(tiny_vit))
    config = replace(config, **settings)
    small = {} if settings else {"epochs": 1, "image_size": 32, "depth": "head"}
    monkeypatch.chdir(tiny_pictures)
    words = shlex.split(command_line(config))
    # A folder below the working directory is named from there.
    assert words[:6] == ["python", "-m", "emotion", "train", "--pictures", "human_eval"]
    smaller = [f"--{setting.replace('_', '-')}={value}" for setting, value in small.items()]
    done = emotion(*words[3:], *smaller, "--json")
    assert done.code == 0, done.err
    read = json.loads((Path(done.json["run"]) / "config.json").read_text())["config"]
    assert read == config.to_json() | small
