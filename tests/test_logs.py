"""What stands in the server's log, and what never does."""

from __future__ import annotations

import json
import sys
import threading
import traceback
from pathlib import Path

import pytest

from emotion.errors import PictureError
from emotion.logs import hide_texts, log, log_unexpected, logged, where

SECRET = "holiday-in-rome.jpg"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMOTION_LOG", str(tmp_path / "log.jsonl"))
    return tmp_path / "log.jsonl"


def lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def break_off() -> None:
    try:
        raise OSError(f"cannot open {SECRET}")
    except OSError as error:
        raise ValueError(f"{SECRET} is odd") from error


def test_an_event_is_one_line_with_a_time_and_the_beginning_of_a_hash(file: Path):
    log("prediction", visitor="0123456789abcdef", run="20261125-120000-x", seconds=0.12345, pictures=3)
    [line] = lines(file)
    assert line.pop("time").startswith("20")
    assert line == {
        "event": "prediction", "visitor": "0123456789", "run": "20261125-120000-x", "outcome": "done", "pictures": 3,
        "seconds": 0.123,
    }  # fmt: skip


def test_what_came_of_it_is_told_and_no_text_of_an_error(file: Path):
    with pytest.raises(PictureError), logged("prediction"):
        raise PictureError(f"{SECRET} is not a picture.")
    with pytest.raises(ValueError, match=SECRET), logged("prediction"):
        break_off()

    def closed():
        with logged("study"):
            yield

    steps = closed()
    next(steps)
    steps.close()
    assert [line["outcome"] for line in lines(file)] == ["refused", "failed", "stopped"]
    assert SECRET not in file.read_text()


def test_an_unexpected_error_is_told_by_kinds_and_lines_alone(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("EMOTION_PUBLIC", "1")
    try:
        break_off()
    except ValueError as error:
        log_unexpected(error, what="a handler")
    [line] = lines(file)
    assert line["trace"][0] == "ValueError"
    assert "OSError" in line["trace"]
    assert any(each.startswith("tests/test_logs.py:") and each.endswith("break_off") for each in line["trace"])
    assert SECRET not in file.read_text()
    assert SECRET not in "".join(capsys.readouterr())


def test_a_public_server_logs_to_stderr_and_ones_own_machine_nowhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("EMOTION_LOG", raising=False)
    log("prediction")
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("EMOTION_PUBLIC", "1")
    log("prediction")
    assert json.loads(capsys.readouterr().err)["event"] == "prediction"


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EMOTION_LOG", str(tmp_path / "no" / "folder"))
    log("prediction")


def test_pythons_own_tracebacks_lose_what_errors_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for module, name in ((traceback, "print_exception"), (sys, "excepthook"), (threading, "excepthook")):
        monkeypatch.setattr(module, name, getattr(module, name))
    hide_texts()
    try:
        break_off()
    except ValueError as error:
        traceback.print_exc()
        traceback.print_exception(error)
        sys.excepthook(type(error), error, error.__traceback__)
    thread = threading.Thread(target=break_off)
    thread.start()
    thread.join()
    said = capsys.readouterr().err
    assert said.count("\n  ValueError") == 4
    assert "break_off" in said
    assert SECRET not in said


def test_a_ring_of_causes_ends():
    one, other = ValueError("a"), KeyError("b")
    one.__cause__, other.__cause__ = other, one
    assert where(one) == ["ValueError", "KeyError"]
