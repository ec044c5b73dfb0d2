"""What judges the presets, and the linear head beside them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from emotion.bench import workplace as workplace_module
from emotion.bench.linear import LinearHeads
from emotion.bench.machine import this_machine
from emotion.bench.report import read_report
from emotion.bench.workplace import PEER, PHOTOS, open_workplace
from emotion.pictures.drawn import DRAWN_FOLDER
from emotion.pictures.folders import list_pictures
from emotion.worker import Workers

ROOT = Path(__file__).parents[2]


def test_the_linear_head_tells_colours_apart(make_pictures: Callable[..., Path], tiny_dinov2: Path) -> None:
    pictures = [(path, label) for label, paths in list_pictures(make_pictures()).items() for path in paths]
    train, validation = pictures[::2], pictures[1::2]
    heads = LinearHeads(tiny_dinov2, ["happy", "sad", "angry", "tired"], image_size=28)
    said = np.array(heads.probabilities(train, validation, [path for path, _ in validation], seed=0))
    assert said.shape == (len(validation), 4)
    assert said.sum(1) == pytest.approx(1.0, abs=1e-5)
    again = heads.probabilities(train, validation, [path for path, _ in validation], seed=0)
    assert np.array_equal(said, again)


def test_the_photographs_hold_the_sets_that_are_measured() -> None:
    if not PHOTOS.is_dir():
        pytest.skip("The photographs are absent: they lie in ../shared/photos where there are any.")
    assert sum(map(len, list_pictures(PHOTOS / "human_train").values())) == 600


def test_the_peer_knows_the_options_it_is_given() -> None:
    if not PEER.is_file():
        pytest.skip("The peer is absent: it lies in ../shared/bench where there is one.")
    text = PEER.read_text()
    for option in ("--backbone", "--train", "--eval", "--batch", "--epochs", "--max-steps", "--seed", "--bf16"):
        assert option in text
    assert "training_seconds" in text


def test_the_users_runs_and_cache_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUNS", "CACHE"):
        monkeypatch.setenv(f"EMOTION_{name}", str(tmp_path / name))
    monkeypatch.setenv("EMOTION_CACHE_GB", "0")
    # Children would keep this test's folders for the tests after it.
    monkeypatch.setattr(workplace_module, "warm", lambda: None)
    monkeypatch.setattr(Workers, "warm_up", lambda _: None)
    with open_workplace(photos=tmp_path / "none", peer=tmp_path / "none.py") as workplace:
        assert workplace.pictures == DRAWN_FOLDER
        assert not workplace.workers.runs_folder.is_relative_to(tmp_path)
        workplace.forget()
        folder = workplace.folder
    assert not folder.exists()
    assert os.environ["EMOTION_RUNS"] == str(tmp_path / "RUNS")
    assert list(tmp_path.iterdir()) == []


def bench(
    *arguments: str, out: Path, backbone: Path, photos: Path = Path("none"), peer: Path = Path("none.py")
) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "emotion", "bench", "--photos", str(photos), "--peer", str(peer),
         "--out", str(out), "--backbone", str(backbone), "--json", "--only", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = read_report(out)
    assert json.loads(done.stdout.splitlines()[-1]) == json.loads(json.dumps(report.to_json()))
    assert all(figure.reading is not None for figure in report.figures if "thorough" not in figure.row.name), (
        done.stderr
    )
    return {figure.row.name: figure.reading.value for figure in report.figures if figure.reading}


@pytest.mark.slow
def test_two_cheap_figures_are_measured_on_the_drawn_set(tmp_path: Path, tiny_dinov2: Path) -> None:
    values = bench("further-run", "prediction", out=tmp_path, backbone=tiny_dinov2)
    assert set(values) == {"further-run", "prediction"}
    assert all(value > 0 for value in values.values())


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A few pictures of each set that accuracies are measured on."""
    for name in ("human_train", "human_eval", "dog_eval"):
        for label, paths in list_pictures(DRAWN_FOLDER / name).items():
            folder = tmp_path / "few" / name / label
            folder.mkdir(parents=True)
            for path in paths[:12]:
                shutil.copyfile(path, folder / path.name)
    return tmp_path / "few"


@pytest.mark.slow
def test_accuracies_are_measured_on_a_few_of_the_drawn_evaluation_pictures(
    tmp_path: Path, tiny_dinov2: Path, few: Path
) -> None:
    values = bench("accuracy", "--full", out=tmp_path, backbone=tiny_dinov2, photos=few)
    assert 0 <= values["quick-human"] <= 1
    assert 0 <= values["quick-dog"] <= 1
    assert abs(values["quick-log-loss"]) < 1


@pytest.mark.slow
def test_the_mean_of_five_runs_is_held_against_the_mean_of_what_the_peer_reaches_over_its_seeds(
    tmp_path: Path, tiny_dinov2: Path, few: Path
) -> None:
    (tmp_path / "peer.py").write_text(
        "import json, sys\n"
        "accuracy = {'7': 0.25, '8': 0.5}[sys.argv[sys.argv.index('--seed') + 1]]\n"
        "sets = {name: {'accuracy': accuracy} for name in ('human', 'dog')}\n"
        "print(json.dumps({'training_seconds': 80.0, 'epochs': 8, 'eval': sets}))\n"
    )
    values = bench(
        "peer-accuracy", "--full", "--peer-seeds", "7", "8",
        out=tmp_path, backbone=tiny_dinov2, photos=few, peer=tmp_path / "peer.py",
    )  # fmt: skip
    series = read_report(tmp_path).figures[0].reading
    assert series is not None
    ours = series.series["ours, human_eval accuracy"]
    assert len(ours) == len(series.series["ours, s"]) == 5
    assert series.series["peer in float32, human_eval accuracy"] == [0.25, 0.5]
    assert values["peer-accuracy"] == pytest.approx(sum(ours) / 5 - 0.375)
    has_bfloat16 = bool(this_machine().bfloat16)
    assert ("peer in bfloat16, s" in series.series) is has_bfloat16
    assert series.notes[0] == "The peer's seeds: 7, 8; ours: 0 to 4."
    assert (len(series.notes) == 1) is has_bfloat16
