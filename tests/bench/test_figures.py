"""Figures and their report: medians, bounds, and two files that say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from emotion.bench.figure import Bound, Figure, Reading, Row, ratio, take_turns
from emotion.bench.machine import this_machine
from emotion.bench.report import JSON, MARKDOWN, Report, read_report
from emotion.errors import RunError

QUICK = Row(name="quick", title="ours over theirs", unit="times", bound=Bound(direction="at most", limit=1.25))
FAST = Row(name="fast", title="theirs over ours", unit="times", bound=Bound(direction="at least", limit=35))
GOOD = Row(
    name="good", title="accuracy", unit="share", bound=Bound(direction="at least", limit=0.75, is_goal=True)
)  # fmt: skip
PLAIN = Row(name="plain", title="a number without a bound", unit="seconds")


@pytest.fixture
def report() -> Report:
    return Report(
        created=1_800_000_000.0,
        seconds=90.0,
        is_full=False,
        machine=this_machine(),
        notes=["The peer is absent."],
        figures=[
            Figure(row=QUICK, reading=Reading(value=1.31, series={"ours, s": [1.4, 1.3, 9.0]}, notes=["A remark."])),
            Figure(row=FAST, reason="the peer is absent."),
            Figure(row=GOOD, reading=Reading(value=0.76)),
            Figure(row=PLAIN, reading=Reading(value=2.0, series={"all, s": [1.0, 2.0, 3.0]})),
        ],
    )


def test_a_ratio_is_one_of_medians_so_that_a_slow_minute_does_not_count() -> None:
    assert ratio([2.0, 2.2, 90.0], [1.1, 1.0, 1.2]) == pytest.approx(2.0)


def test_tasks_take_turns_in_the_order_given() -> None:
    done: list[str] = []

    def task(name: str) -> float:
        done.append(name)
        return float(len(done))

    series = take_turns({"ours": lambda: task("ours"), "bare": lambda: task("bare")}, ["bare", "ours"] * 2 + ["bare"])
    assert done == ["bare", "ours", "bare", "ours", "bare"]
    assert series == {"ours": [2.0, 4.0], "bare": [1.0, 3.0, 5.0]}


@pytest.mark.parametrize(
    ("direction", "limit", "value", "verdict"),
    [
        ("at most", 1.25, 1.25, "met"),
        ("at most", 1.25, 1.26, "not met"),
        ("at least", 35, 35.1, "met"),
        ("at least", 35, 34.9, "not met"),
    ],
)
def test_a_bound_is_met_or_not(direction: str, limit: float, value: float, verdict: str) -> None:
    row = Row(name="row", title="row", unit="times", bound=Bound(direction=direction, limit=limit))
    assert Figure(row=row, reading=Reading(value=value)).verdict == verdict


def test_what_has_no_reading_or_no_bound_says_so(report: Report) -> None:
    assert [figure.verdict for figure in report.figures] == ["not met", "not measured", "met", "no bound"]


def test_the_report_comes_back_from_its_json(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path / "reports")
    assert read_report(tmp_path / "reports") == report
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == [JSON, MARKDOWN]


def test_the_json_keeps_every_repetition_with_median_least_and_greatest(report: Report) -> None:
    reading = report.to_json()["figures"][0]["reading"]
    assert reading["series"]["ours, s"] == [1.4, 1.3, 9.0]
    assert reading["summary"]["ours, s"] == {"median": 1.4, "min": 1.3, "max": 9.0}


def test_the_markdown_says_of_each_figure_what_the_json_says(report: Report) -> None:
    text = report.to_markdown()
    for figure in report.to_json()["figures"]:
        row = figure["row"]
        [line] = [line for line in text.splitlines() if line.startswith(f"| {row['title']} |")]
        assert line.endswith(f"| {figure['verdict']} |")
    assert "| ours over theirs | 1.31 × | at most 1.25 × | not met |" in text
    assert "| theirs over ours | the peer is absent. | at least 35.00 × | not measured |" in text
    assert "| accuracy | 76.0 % | at least 75.0 % (goal) | met |" in text
    assert "The peer is absent." in text
    assert report.machine.processor in text
    assert "ours, s: median 1.4, 1.3 to 9, 3 taken" in text


def test_a_report_that_cannot_be_written_leaves_the_old_pair(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "reports").write_text("a file where a folder should be")
    with pytest.raises(RunError, match="cannot be written"):
        report.write(tmp_path / "reports")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name in before} == before


def test_a_torn_report_is_said_to_be_torn(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path)
    (tmp_path / JSON).write_text((tmp_path / JSON).read_text()[:200])
    with pytest.raises(RunError, match="run the bench again"):
        read_report(tmp_path)


def test_the_machine_is_named() -> None:
    machine = this_machine()
    assert machine.processor
    assert machine.cores >= 1
    assert set(machine.versions) == {"python", "torch", "transformers", "gradio"}
