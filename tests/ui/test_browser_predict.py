"""Predict, deeper, as a visitor meets it in Chromium: many pictures at once, and two runs side by side."""

from __future__ import annotations

import csv
import threading
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import ScriptedJudge, ScriptedServices, script, write_checkpoint

from emotion.batch.judging import JudgeMany, Judging, judge
from emotion.config import TrainConfig
from emotion.prediction import Prediction
from emotion.run import Run
from emotion.runs import create_run

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test installs it.")
expect = playwright.expect


class HeldBatches(ScriptedServices):
    """Judges batches with the scripted judge, and holds each after its first rows until it is let go.

    The run called ``doubting`` says tired of everything.
    """

    def __init__(self, runs_folder: Path) -> None:
        super().__init__(runs_folder)
        self.let_go = threading.Event()
        self.doubting = ""

    def do(self, job: Any) -> Generator[Any, None, Any]:
        if not isinstance(job, JudgeMany):
            return (yield from super().do(job))
        for step in judge(job.run, ScriptedJudge(job.run), job.files, limits=job.limits):
            yield step
            while isinstance(step, Judging) and step.rows and not self.let_go.wait(0.05):
                yield Judging(step.done, step.total, step.doing, step.batch, (), step.seconds)
        return None

    def predict(self, run: Run, picture: Path, *, name: str = "") -> Prediction:
        said = super().predict(run, picture, name=name)
        if run.name != self.doubting:
            return said
        scores = {**dict.fromkeys(said.scores, 0.1), "tired": 0.7}
        return Prediction("tired", 0.7, scores, said.precision, said.seconds)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[HeldBatches]:
    services = HeldBatches(tmp_path / "runs")
    yield services
    services.let_go.set()


@pytest.fixture
def predict(trained: Run, page: Any) -> Any:
    """The page with its Predict tab open, and a run."""
    page.get_by_role("tab", name="Predict").click()
    expect(page.locator("#predict-run input")).not_to_have_value("")
    return page


def zipped(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for picture in folder.rglob("*.webp"):
            made.write(picture, picture.relative_to(folder))
        made.writestr("happy/torn.jpg", b"no picture")
    return path


def judge_zip(page: Any, path: Path) -> None:
    page.locator("#batch-files input[type=file]").set_input_files(path)
    expect(page.locator("#batch-files")).to_contain_text(path.stem)
    page.locator("#batch").click()


def test_a_zip_fills_a_table_while_it_is_judged_and_gives_a_csv(
    predict: Any, services: HeldBatches, faces: Path, tmp_path: Path
):
    judge_zip(predict, zipped(tmp_path / "people.zip", faces / "human_eval"))
    rows = predict.locator("#batch-table tbody tr")
    expect(predict.locator("#batch-status")).to_contain_text("8 of 25, ")
    expect(rows).to_have_count(8)
    expect(predict.locator("#batch")).to_be_disabled()
    services.let_go.set()
    expect(predict.locator("#batch-csv")).to_be_visible()
    expect(rows).to_have_count(25)
    expect(predict.locator("#batch-finding")).to_contain_text("of 24 right: accuracy")
    expect(predict.locator("#batch-table")).to_contain_text("It is not a picture, whatever its name says.")
    expect(predict.locator("#batch-stop")).to_be_hidden()
    with predict.expect_download() as download:
        predict.locator("#batch-csv").click()
    with Path(download.value.path()).open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 25


def test_stop_ends_a_batch_and_keeps_its_rows(predict: Any, faces: Path, tmp_path: Path):
    judge_zip(predict, zipped(tmp_path / "people.zip", faces / "human_eval"))
    expect(predict.locator("#batch-status")).to_contain_text("8 of 25, ")
    predict.locator("#batch-stop").click()
    expect(predict.locator("#batch-finding")).to_contain_text("Stopped after 8 of 25 files")
    expect(predict.locator("#batch-table tbody tr")).to_have_count(8)
    expect(predict.locator("#batch-csv")).to_be_visible()
    expect(predict.locator("#batch")).to_be_enabled()


def test_two_runs_stand_side_by_side_and_one_goes_away_again(predict: Any, services: HeldBatches, faces: Path):
    other = create_run(TrainConfig(pictures=str(faces / "human_train"), batch_size=4), root=services.runs_folder)
    for event in script(other.config()):
        other.append(event)
    write_checkpoint(other)
    services.doubting = other.name
    predict.locator("#examples button").first.click()
    expect(predict.locator("#verdict b")).to_be_visible()
    expect(predict.locator("#verdict-beside")).to_be_hidden()
    picker = predict.get_by_label("Compare with another run")
    picker.click()
    predict.get_by_role("option", name="batch 4").click()
    expect(predict.locator("#verdict-beside")).to_contain_text(other.name)
    expect(predict.locator("#difference")).to_contain_text("points.")
    expect(predict.locator("#bars-beside .js-plotly-plot")).to_be_visible()
    widths = [predict.locator(f"#{name} .js-plotly-plot").bounding_box()["width"] for name in ("bars", "bars-beside")]
    assert abs(widths[0] - widths[1]) < 2
    picker.click()
    predict.get_by_role("option", name="no other run").click()
    expect(predict.locator("#verdict-beside")).to_be_hidden()
    expect(predict.locator("#difference")).to_have_text("")
    expect(predict.locator("#verdict b")).to_be_visible()
