"""The experiment of the report: every step made, every table and figure a file, nothing shown or told of places."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from emotion.cli import main
from emotion.comparison import load_comparison
from emotion.report.content import Cell, Row, Table
from emotion.reproduction import document
from emotion.reproduction.files import to_csv

TINY = 24


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, tiny_vit: Path, make_sets: Callable[[Path], Path]) -> Path:
    """The experiment on small noisy pictures with the tiny ViT: the folder that holds ``reports`` and ``runs``."""
    root = tmp_path_factory.mktemp("reproduced")
    options = ["--photos", str(make_sets(root)), "--backbone", str(tiny_vit), "--runs", str(root / "runs")]
    assert main(["reproduce", *options, "--out", str(root / "reports"), "--json"]) == 0
    return root


@pytest.fixture(scope="module")
def make_sets() -> Callable[[Path], Path]:
    import random

    from PIL import Image

    colours = {"happy": (230, 190, 40), "sad": (40, 70, 190), "angry": (200, 40, 30), "tired": (120, 110, 120)}

    def make(root: Path) -> Path:
        for name in ("human_train", "human_eval", "dog_eval", "cat_eval"):
            for label, colour in colours.items():
                folder = root / "photos" / name / label
                folder.mkdir(parents=True)
                for number in range(TINY):
                    rng = random.Random(f"{name}/{label}/{number}")
                    noise = Image.frombytes("RGB", (9, 9), rng.randbytes(243)).resize((48, 48))
                    Image.blend(Image.new("RGB", (48, 48), colour), noise, 0.5).save(folder / f"{number}.png")
        return root / "photos"

    return make


def files(done: Path, ending: str) -> list[Path]:
    return sorted((done / "reports" / "photographs").glob(f"*{ending}"))


@pytest.mark.slow
def test_four_trainings_and_three_comparisons_are_made(done: Path) -> None:
    runs = sorted((done / "runs").iterdir())
    assert [json.loads((run / "config.json").read_text())["config"]["batch_size"] for run in runs] == [8, 16, 4, 24]
    compared = [load_comparison(path) for path in sorted((runs[-1] / "comparisons").glob("*.json"))]
    assert [(each.emotion, each.size, list(each.sets)) for each in compared] == [
        ("happy", 20, ["human", "dog"]),
        (None, None, ["human", "dog", "cat"]),
        (None, 20, ["human", "dog"]),
    ]


@pytest.mark.slow
def test_every_table_is_a_csv_and_every_figure_an_svg(done: Path) -> None:
    tables, figures = files(done, ".csv"), files(done, ".svg")
    assert len(tables) >= 8
    assert len(figures) >= 4
    for table in tables:
        rows = list(csv.reader(table.read_text().splitlines()))
        assert len({len(row) for row in rows}) == 1
        assert len(rows) > 1
    for figure in figures:
        assert ElementTree.fromstring(figure.read_text()).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.slow
def test_ours_stands_beside_the_report_with_intervals(done: Path) -> None:
    [table] = [path for path in files(done, ".csv") if "as-in-the-report" in path.name and "Sample" in path.read_text()]
    rows = {row[0]: row[1:] for row in csv.reader(table.read_text().splitlines())}
    assert rows["human, report"][0] == "39.5 %"
    assert rows["dog, report"][2] == "0 of 20"
    comparison = load_comparison(sorted((sorted((done / "runs").iterdir())[-1] / "comparisons").glob("*.json"))[0])
    ours = comparison.sets["dog"]["happy"]
    assert rows["dog, ours"][0] == f"{ours.correct_confidence * 100:.1f} %"
    assert rows["dog, ours"][2] == f"{ours.correct} of 20"


@pytest.mark.slow
def test_no_picture_and_no_place_is_told(done: Path) -> None:
    for path in files(done, ""):
        text = path.read_text()
        assert str(done) not in text, path.name
        assert "data:image" not in text, path.name
        assert not re.search(r"\d+\.png", text), path.name


@pytest.mark.slow
def test_a_missing_set_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "--photos", str(tmp_path), "--runs", str(tmp_path / "runs")]) == 1
    assert "give a folder that holds human_train" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_detail_has_a_column_of_its_own_in_a_csv() -> None:
    table = Table(
        "t", "Set", ("Mean", "n"), (Row("dog", (Cell("20 %", "9 to 32"), Cell("20"))), Row("x", (Cell("–"), Cell("1"))))
    )
    assert to_csv(table).splitlines() == ['Set,Mean,"Mean, detail",n', "dog,20 %,9 to 32,20", "x,–,,1"]


def test_the_reports_numbers_are_those_of_the_readme() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for mean, right, _ in document.REPORT.values():
        assert f"{mean * 100:.1f} %" in readme
        assert f"| {right} (" in readme
