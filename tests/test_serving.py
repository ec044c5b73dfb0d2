"""Which checkpoints a resident process keeps loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from emotion import serving
from emotion.run import Run
from emotion.serving import MOST_BYTES, Server


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the runs whose checkpoint was loaded, in turn."""
    names: list[str] = []

    def load(run: Run) -> str:
        names.append(run.name)
        return run.name

    monkeypatch.setattr(serving, "Classifier", load)
    return names


def saved(folder: Path, name: str, *, size: int = 1000) -> Run:
    run = Run(folder / name)
    run.checkpoint.mkdir(parents=True)
    with (run.checkpoint / "model.safetensors").open("wb") as file:
        file.truncate(size)  # It takes no room on the disk.
    return run


def test_two_runs_by_turns_are_loaded_once_each(tmp_path: Path, loaded: list[str]) -> None:
    first, second = saved(tmp_path, "first"), saved(tmp_path, "second")
    server = Server(loaded=2)
    for _ in range(3):
        assert [str(server._classifier(run)) for run in (first, second)] == ["first", "second"]
    assert loaded == ["first", "second"]


def test_a_third_run_takes_the_place_of_the_one_used_longest_ago(tmp_path: Path, loaded: list[str]) -> None:
    runs = {name: saved(tmp_path, name) for name in ("a", "b", "c")}
    server = Server(loaded=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        server._classifier(runs[name])
    assert loaded == ["a", "b", "c", "b"]


def test_by_itself_a_process_keeps_one(tmp_path: Path, loaded: list[str]) -> None:
    first, second = saved(tmp_path, "first"), saved(tmp_path, "second")
    server = Server()
    for run in (first, second, first):
        server._classifier(run)
    assert loaded == ["first", "second", "first"]


def test_two_models_that_are_too_large_together_are_not_kept_both(tmp_path: Path, loaded: list[str]) -> None:
    small, large = saved(tmp_path, "small", size=1000), saved(tmp_path, "large", size=MOST_BYTES)
    server = Server(loaded=2)
    for run in (small, large, small):
        server._classifier(run)
    assert loaded == ["small", "large", "small"]


def test_a_checkpoint_that_was_written_anew_is_loaded_anew(tmp_path: Path, loaded: list[str]) -> None:
    run = saved(tmp_path, "run")
    server = Server(loaded=2)
    server._classifier(run)
    (run.checkpoint / "model.safetensors").write_bytes(b"another one")
    server._classifier(run)
    assert loaded == ["run", "run"]
