"""Faults for real: a full disk, a read-only one, too little memory. One sentence each, and no other run is touched."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from emotion.cli import main
from emotion.comparison import Request, save_comparison
from emotion.config import TrainConfig
from emotion.errors import RunError
from emotion.events import Event, RunFailed, RunFinished
from emotion.pictures.folders import list_pictures
from emotion.run import About, Run
from emotion.runs import create_run, list_runs
from emotion.serving import Server
from emotion.training import session
from emotion.training.session import train_run
from emotion.trash import throw_away

ROOT = Path(__file__).parents[1]
MakeDisk = Callable[[int], Path]


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


@pytest.fixture
def make_disk(tmp_path: Path) -> Iterator[MakeDisk]:
    """Return a function that mounts a file system of so many KiB, which lives in memory."""
    folder = tmp_path / "disk"

    def make(kibibytes: int) -> Path:
        folder.mkdir()
        try:
            mount("-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(folder))
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("A small file system can only be mounted by root, on Linux.")
        return folder

    yield make
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path) -> None:
    """Leave no room, whatever was freed since the last time."""
    with (disk / "filler").open("ab", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(512))


def finished(config: TrainConfig, root: Path) -> Run:
    run = create_run(config, root=root)
    assert isinstance(list(train_run(run))[-1], RunFinished)
    return run


# Enough for the run's own files; for the look at the pictures too; for the state of an epoch too, not for a checkpoint.
@pytest.mark.parametrize(
    ("depth", "kibibytes"),
    [("head", 40), ("head", 60), ("head", 150), (1, 40), (1, 150), (1, 400), ("all", 40), ("all", 150), ("all", 400)],
)
def test_a_full_disk_is_one_sentence_and_with_room_the_run_goes_on(
    make_disk: MakeDisk,
    tiny_config: TrainConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    depth: str | int,
    kibibytes: int,
) -> None:
    disk = make_disk(kibibytes)
    monkeypatch.setenv("EMOTION_CACHE", str(disk / "cache"))
    run = create_run(replace(tiny_config, depth=depth), root=disk / "runs")
    last = list(train_run(run))[-1]
    assert isinstance(last, RunFailed)
    assert last.message == (
        f"The disk is full: make room in {run.path.parent}, or with `python -m emotion cache clear`, "
        "then resume the run."
    )
    assert run.events()[-1] == last
    assert run.status() == "failed"
    assert not list(run.path.glob(".checkpoint*"))
    mount("-o", "remount,size=20m", str(disk))
    run.queue_again()
    assert isinstance(list(train_run(run))[-1], RunFinished)
    assert Server().predict(run, list_pictures(Path(tiny_config.pictures))["sad"][0], name="").scores


def test_a_run_that_begins_on_a_full_disk_still_says_so_and_goes_on_with_room(
    make_disk: MakeDisk, tiny_config: TrainConfig
) -> None:
    disk = make_disk(4096)
    run = create_run(tiny_config, root=disk / "runs")
    fill(disk)
    last = list(train_run(run))[-1]
    assert isinstance(last, RunFailed)
    assert last.message.startswith("The disk is full: make room in ")
    assert run.events() == [last]
    fill(disk)
    with pytest.raises(OSError, match="No space left"):
        run.queue_again()
    assert run.status() == "failed"
    (disk / "filler").unlink()
    run.queue_again()
    assert isinstance(list(train_run(run))[-1], RunFinished)


def test_a_full_disk_refuses_a_new_run_a_note_and_a_comparison_in_a_sentence_each(
    make_disk: MakeDisk, tiny_config: TrainConfig, make_pictures: Callable[..., Path]
) -> None:
    disk = make_disk(4096)
    run = finished(tiny_config, disk / "runs")
    others = make_pictures("others")
    kept = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    pictures = Path(tiny_config.pictures)
    comparison, _ = Server().compare(run, Request({"dog": others}, emotion="happy", size=3, seed=1))
    fill(disk)
    with pytest.raises(RunError, match="No space left"):
        create_run(tiny_config, root=disk / "runs")
    assert list((disk / "runs").iterdir()) == [run.path]
    with pytest.raises(RunError, match="No space left"):
        save_comparison(comparison, run=run)
    with pytest.raises(RunError, match="No space left"):
        run.describe(About(title="full"))
    assert list_runs(disk / "runs") == [run]
    assert {path: path.read_bytes() for path in kept} == kept
    assert Server().predict(run, list_pictures(pictures)["sad"][0], name="").scores


def test_a_read_only_folder_still_predicts_and_refuses_the_rest_in_a_sentence_each(
    make_disk: MakeDisk,
    tiny_config: TrainConfig,
    make_pictures: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    disk = make_disk(4096)
    run = finished(tiny_config, disk / "runs")
    others = make_pictures("others")
    mount("-o", "remount,ro", str(disk))
    pictures = Path(tiny_config.pictures)
    assert run.status() == "finished"
    assert Server().predict(run, list_pictures(pictures)["sad"][0], name="").scores
    with pytest.raises(RunError, match="Read-only"):
        create_run(tiny_config, root=disk / "runs")
    with pytest.raises(RunError, match="Read-only"):
        Server().compare(run, Request({"dog": others}, emotion="happy", size=3, seed=1))
    with pytest.raises(RunError, match="Read-only"):
        throw_away(run)
    options = ["--pictures", str(pictures), "--backbone", tiny_config.backbone, "--runs", str(disk / "runs")]
    assert main(["train", *options]) == 1
    [sentence] = capsys.readouterr().err.splitlines()
    assert "Read-only" in sentence


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Memory is limited as Linux does it.")
def test_a_training_that_dies_of_memory_says_what_to_lower(tiny_config: TrainConfig, tmp_path: Path) -> None:
    config = replace(tiny_config, depth="all", image_size=768, batch_size=48)
    run = create_run(config, root=tmp_path / "runs")
    code = (
        "import resource, sys\nfrom pathlib import Path\nimport emotion.training.preload\n"
        "from emotion.run import Run\nfrom emotion.training.session import train_run\n"
        "import torch\ntorch.ones(64, 64) @ torch.ones(64, 64)\n"
        "now = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (now + 1_500_000_000,) * 2)\n"
        "for event in train_run(Run(Path(sys.argv[1]))): pass\n"
    )
    subprocess.run([sys.executable, "-c", code, str(run.path)], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    last = run.events()[-1]
    assert isinstance(last, RunFailed)
    assert last.message == "The memory did not suffice: lower the batch size or the number of trained blocks."
    assert json.loads((run.path / "config.json").read_text())["config"]["batch_size"] == 48


def test_want_of_memory_is_told_from_what_a_library_makes_of_it(
    tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking_off(*_: object, **__: object) -> Iterator[Event]:
        yield from ()
        try:
            raise MemoryError
        except MemoryError as error:
            # As a processor of transformers does when it makes a tensor of pictures.
            raise ValueError("Unable to convert output 'pixel_values' to tensor") from error

    monkeypatch.setattr(session, "fit", breaking_off)
    run = create_run(tiny_config, root=tmp_path / "runs")
    [last] = train_run(run)
    assert isinstance(last, RunFailed)
    assert last.message.startswith("The memory did not suffice")
    assert not (run.path / "error.log").exists()
