"""`predict` on folders and zips: a line each, a table, and what it amounts to."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import pytest

from emotion.cli import main
from emotion.config import TrainConfig
from emotion.run import Run
from emotion.runs import create_run
from emotion.training.session import train_run


@pytest.fixture
def run(tiny_config: TrainConfig, tmp_path: Path) -> Run:
    run = create_run(tiny_config, root=tmp_path / "runs")
    for _ in train_run(run):
        pass
    return run


def test_a_folder_and_a_zip_give_the_numbers_of_single_pictures(
    run: Run, make_pictures, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_pictures("new", count=3)
    (folder / "happy" / "torn.png").write_bytes(b"no picture")
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as made:
        for path in folder.rglob("*.png"):
            made.write(path, path.relative_to(folder))
    said = {}
    for given in (folder, tmp_path / "new.zip"):
        table = tmp_path / f"{given.name}.csv"
        assert main(["predict", "--run", str(run.path), str(given), "--csv", str(table), "--json"]) == 0
        said[given] = json.loads(capsys.readouterr().out.splitlines()[-1])
        with table.open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        assert [line["picture"] for line in lines] == [each["picture"] for each in said[given]["predictions"]]
        assert {line["run"] for line in lines} == {run.name}
    first, second = said.values()
    assert first["predictions"] == second["predictions"]
    assert first["measures"]["n"] == 12
    torn = next(each for each in first["predictions"] if each["picture"] == "happy/torn.png")
    assert (torn["scores"], torn["problem"]) == (None, "It is not a picture, whatever its name says.")
    assert main(["predict", "--run", str(run.path), str(folder / "sad" / "sad_001.png"), "--json"]) == 0
    [alone] = json.loads(capsys.readouterr().out.splitlines()[-1])["predictions"]
    together = next(each for each in first["predictions"] if each["picture"] == "sad/sad_001.png")
    assert together["scores"] == pytest.approx(alone["scores"], abs=1e-4)


def test_pictures_of_the_training_are_named_and_not_counted(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--run", str(run.path), run.config().pictures]) == 0
    out = capsys.readouterr().out
    assert "48 pictures were trained or validated on by this run" in out
    assert "accuracy" not in out.replace("counted in no accuracy", "")
