"""The table: what is absent or goes wrong is said in a sentence, and the rest is measured."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from emotion.bench.figure import NotMeasured, Reading, Row
from emotion.bench.peer import run_peer
from emotion.bench.table import DRAWN_NOTE, MEASUREMENTS, PEER_NOTE, Measurement, run_bench
from emotion.bench.workplace import Workplace
from emotion.errors import PictureError

ROOT = Path(__file__).parents[2]


def stand_in(name: str, value: float) -> Measurement:
    return Measurement(name, (Row(name=name, title=name, unit="seconds"),), lambda _: {name: Reading(value=value)})


def failing(name: str, error: Exception) -> Measurement:
    def measure(_: Workplace) -> dict[str, Reading]:
        raise error

    return Measurement(name, (Row(name=name, title=name, unit="seconds"),), measure)


def named(name: str) -> Measurement:
    return next(measurement for measurement in MEASUREMENTS if measurement.name == name)


def test_an_absent_peer_is_said_and_the_rest_is_measured(workplace: Workplace) -> None:
    report = run_bench(workplace, [named("peer-speed"), named("last-blocks"), stand_in("other", 1.5)])
    *theirs, ours = report.figures
    assert [figure.verdict for figure in theirs] == ["not measured"] * 4
    assert all("the peer no_peer.py is absent: give its path with --peer." in figure.reason for figure in theirs)
    assert ours.reading is not None
    assert ours.reading.value == 1.5
    assert PEER_NOTE in report.notes


def test_absent_photographs_are_said(workplace: Workplace) -> None:
    assert DRAWN_NOTE in run_bench(workplace, [stand_in("one", 1.0)]).to_markdown()


def test_photographs_and_a_peer_that_are_there_need_no_remark(workplace: Workplace, tmp_path: Path) -> None:
    (tmp_path / "peer.py").write_text("")
    report = run_bench(replace(workplace, pictures=tmp_path, peer=tmp_path / "peer.py"), [stand_in("one", 1.0)])
    assert report.notes == []


@pytest.mark.filterwarnings("ignore")
def test_a_measurement_that_goes_wrong_leaves_the_others(workplace: Workplace) -> None:
    report = run_bench(
        workplace,
        [
            failing("refused", NotMeasured("there is no clock.")),
            failing("pictures", PictureError("There is no folder.")),
            failing("broken", ZeroDivisionError("division by zero")),
            stand_in("whole", 2.0),
        ],
    )
    assert [figure.reason for figure in report.figures] == [
        "there is no clock.",
        "There is no folder.",
        "it went wrong unexpectedly (ZeroDivisionError: division by zero).",
        "",
    ]


@pytest.mark.parametrize("name", ["accuracy", "peer-accuracy"])
def test_the_evaluation_sets_are_left_alone_without_full(name: str, workplace: Workplace) -> None:
    """The stand-in has no workers: whatever would train or look at a picture would break off."""
    figures = run_bench(workplace, [named(name)]).figures
    assert {figure.reason for figure in figures} == {"it looks at the evaluation sets, which only --full does."}


@pytest.mark.parametrize("name", ["scale", "large"])
def test_thousands_of_drawings_wait_for_full(name: str, workplace: Workplace) -> None:
    assert all("--full" in figure.reason for figure in run_bench(workplace, [named(name)]).figures)


def test_names_are_unique() -> None:
    rows = [row.name for measurement in MEASUREMENTS for row in measurement.rows]
    assert len(set(rows)) == len(rows)
    assert len({measurement.name for measurement in MEASUREMENTS}) == len(MEASUREMENTS)


def peer_that(prints: str, tmp_path: Path, workplace: Workplace, *, backbone: Path) -> Workplace:
    script = tmp_path / "peer.py"
    script.write_text(f"import sys\n{prints}\n")
    return replace(workplace, peer=script, backbone=str(backbone))


def test_the_peer_is_given_what_it_is_compared_on(tmp_path: Path, workplace: Workplace, tiny_dinov2: Path) -> None:
    said = "import json; print(sys.argv[1:], file=open(sys.argv[0] + '.log', 'w'));"
    said += " print(json.dumps({'training_seconds': 80.0, 'epochs': 8}))"
    peer = run_peer(peer_that(said, tmp_path, workplace, backbone=tiny_dinov2), bf16=True, sets={"human": tmp_path})
    assert (peer.seconds, peer.epoch_seconds) == (80.0, 10.0)
    given = (tmp_path / "peer.py.log").read_text()
    for part in ("'--batch', '24'", "'--epochs', '8'", "'--bf16'", "'--max-steps', '12'", str(tiny_dinov2), "human="):
        assert part in given


def test_a_peer_that_fails_is_said(tmp_path: Path, workplace: Workplace, tiny_dinov2: Path) -> None:
    failing_peer = peer_that("raise SystemExit('no memory')", tmp_path, workplace, backbone=tiny_dinov2)
    with pytest.raises(NotMeasured, match="the peer ended with exit code 1: no memory"):
        run_peer(failing_peer)


def test_the_command_refuses_a_measurement_it_does_not_know() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "emotion", "bench", "--only", "speed"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "choose from first-run" in done.stderr


def test_the_table_is_there_without_torch() -> None:
    probe = "import sys, emotion.bench.table; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], cwd=ROOT, check=False).returncode == 0
