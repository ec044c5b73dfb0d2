"""Fifty thousand pictures, with fifty: what is brought in is measured for real, the training is a stand-in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from emotion.bench import large
from emotion.bench.figure import NotMeasured
from emotion.bench.workplace import Workplace


def test_an_import_and_a_look_are_measured_and_leave_no_set(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained_on: list[int] = []

    def train(_: Workplace, pictures: Path) -> tuple[float, float]:
        trained_on.append(len(list(pictures.glob("*/*.*"))))
        return float(trained_on[-1]), 100.0 + trained_on[-1]

    monkeypatch.setattr(large, "_trained", train)
    readings = large.measure_large(replace(workplace, is_full=True), few=8, many=16)
    assert trained_on == [8, 16, 8]
    assert {row.name for row in large.ROWS} == set(readings)
    assert readings["large-training-time"].value == 2.0
    assert readings["large-training-memory"].value == pytest.approx(116 / 108 - 1)
    assert readings["large-import-time"].value > 0
    assert all(20 < peak < 2_000 for peak in readings["large-import-memory"].series["import 16, MB"])
    assert list((workplace.folder / "sets").glob("*/manifest.json")) == []


def test_an_import_that_is_refused_is_said(workplace: Workplace, tmp_path: Path) -> None:
    with pytest.raises(NotMeasured, match="`pictures import` ended with exit code 1"):
        large._command(workplace, "import", str(tmp_path / "nothing"), "--name", "nothing")
