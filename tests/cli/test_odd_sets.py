"""What the command line says of sets that name classes otherwise or hold pictures that cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emotion.cli import main
from emotion.comparison import load_comparison
from emotion.config import TrainConfig
from emotion.pictures.folders import list_pictures
from emotion.run import Run
from emotion.runs import create_run, list_runs
from emotion.training.session import train_run

FIELDS = {
    "n", "correct", "accuracy", "accuracy_interval", "correct_confidence", "correct_confidence_interval",
    "is_piled_up", "runner_up", "log_loss", "brier", "predicted", "unreadable", "near_duplicates", "is_trained_on",
}  # fmt: skip


@pytest.fixture
def run(tiny_config: TrainConfig, tmp_path: Path) -> Run:
    """A finished run on the four emotions."""
    made = create_run(replace(tiny_config, epochs=1), root=tmp_path / "runs")
    list(train_run(made))
    return made


@pytest.fixture
def compare(run: Run, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any, str]]:
    """Return a function that compares on a folder of dogs and returns the exit code, the result and stderr."""

    def do(folder: Path, *options: object) -> tuple[int, Any, str]:
        arguments = ["compare", "--run", run.path, "--set", f"dog={folder}", "--json", *options]
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, json.loads(out.splitlines()[-1]) if out else None, err

    return do


@pytest.mark.parametrize(("options", "is_offered"), [([], True), (["--use-aliases"], False)])
def test_train_offers_other_names_before_it_begins_and_reads_them_when_told_to(
    tiny_config: TrainConfig,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    is_offered: bool,
) -> None:
    folder = Path(tiny_config.pictures)
    (folder / "angry").rename(folder / "anger")
    (folder / "sad").rename(folder / "Sadness")
    said: list[str] = []
    monkeypatch.setattr("emotion.cli.training._finish", lambda run, **_: said.append(capsys.readouterr().err) or 0)
    arguments = ["train", "--pictures", str(folder), "--backbone", tiny_config.backbone, *options]
    assert main([*arguments, "--runs", str(tmp_path / "runs")]) == 0
    offer = "This set says 'anger' for angry and 'Sadness' for sad: give --use-aliases to read them as such.\n"
    assert said == [offer if is_offered else ""]
    [run] = list_runs(tmp_path / "runs")
    assert run.config().use_aliases is not is_offered


def test_compare_reads_other_names_when_told_to_and_says_how_where_not(
    compare: Callable[..., tuple[int, Any, str]], make_pictures: Callable[..., Path]
) -> None:
    folder = make_pictures("dogs")
    (folder / "angry").rename(folder / "Anger")
    code, result, said = compare(folder, "--emotion", "angry", "--size", 5)
    assert (code, result) == (1, None)
    assert said.startswith("There are no pictures of 'angry' in this set: ")
    assert "This set says 'Anger' for angry" in said
    assert "--use-aliases" in said
    assert said.count("\n") == 1
    code, result, said = compare(folder, "--emotion", "angry", "--size", 5, "--use-aliases")
    assert (code, result["sets"]["dog"]["angry"]["n"], said) == (0, 5, "")


def test_compare_leaves_out_what_cannot_be_read_counts_it_and_says_so_in_one_line(
    compare: Callable[..., tuple[int, Any, str]], make_pictures: Callable[..., Path]
) -> None:
    folder = make_pictures("dogs", count=8)
    code, result, said = compare(folder, "--size", 8)
    assert (code, said) == (0, "")
    assert set(result["sets"]["dog"]["happy"]) == FIELDS
    assert (result["sets"]["dog"]["happy"]["n"], result["sets"]["dog"]["happy"]["unreadable"]) == (8, 0)

    bad = list_pictures(folder)["happy"][2:4]
    for path in bad:
        path.write_text("no picture")
    code, result, said = compare(folder, "--size", "all")
    assert code == 0
    assert (result["sets"]["dog"]["happy"]["n"], result["sets"]["dog"]["happy"]["unreadable"]) == (6, 2)
    assert said == f"left out, since they cannot be read (2): {bad[0]}, {bad[1]}\n"
    kept = load_comparison(Path(result["file"])).sets["dog"]["happy"].unreadable
    assert set(kept) == {str(path) for path in bad}
    assert all("is not a picture" in reason for reason in kept.values())

    code, result, said = compare(folder, "--size", 7)
    assert (code, result) == (1, None)
    assert said == (
        "Only 6 of the 8 pictures of 'happy' in dog can be read: choose a smaller sample, or save the others again.\n"
    )
