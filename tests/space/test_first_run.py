"""The run that a public server begins with: when it is made, when it goes on, and that it is never made twice."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Barrier

import pytest

from emotion import locks
from emotion.cleaning import Cleaned, clean
from emotion.config import PRESETS, TrainConfig
from emotion.errors import ConfigError, RunError
from emotion.events import RunFailed, RunFinished, RunStarted, RunStopped, Scores
from emotion.first_run import LOCK, begin_first_run, default_config, is_wanted
from emotion.owners import OF_THE_SERVER, owner_of, share
from emotion.pictures.drawn import is_drawn
from emotion.public import Public
from emotion.run import Run
from emotion.runs import create_run, list_runs
from emotion.worker import Workers

CONFIG = TrainConfig(pictures="drawn")
FAILED = RunFailed(elapsed_seconds=0.1, message="The weights are not here.")
STOPPED = RunStopped(elapsed_seconds=0.1, best_epoch=None, validation=None)
STARTED = RunStarted(
    elapsed_seconds=0.1, classes=["a", "b"], train_pictures=1, validation_pictures=1, epochs=1, steps_per_epoch=1,
    device="cpu", precision="float32", processes=1,
)  # fmt: skip
SCORES = Scores(loss=1.0, accuracy=0.5, correct_confidence=0.4)
FINISHED = RunFinished(elapsed_seconds=1.0, best_epoch=1, validation=SCORES, peak_memory_megabytes=1.0)


@dataclass
class Queue:
    """Queues as the workers do, and trains nothing."""

    runs_folder: Path
    resumed: list[Run] = field(default_factory=list)

    def start_training(self, config: TrainConfig) -> Run:
        return create_run(config, root=self.runs_folder)

    def resume_training(self, run: Run) -> None:
        run.queue_again()
        self.resumed.append(run)


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path / "runs")


def begin(queue: Queue, config: TrainConfig = CONFIG) -> Run | None:
    return begin_first_run(queue, config=config)  # type: ignore[arg-type]  # a stand-in


def ended(queue: Queue, event: object, *, owner: str | None = None, config: TrainConfig = CONFIG) -> Run:
    run = create_run(config, root=queue.runs_folder, owner=owner)
    run.append(event)  # type: ignore[arg-type]
    if event == FINISHED:
        run.checkpoint.mkdir()
        (run.checkpoint / "config.json").write_text("{}")
    return run


def test_only_a_public_server_begins_with_one_and_one_variable_turns_it_off():
    assert not is_wanted({})
    assert is_wanted({"SPACE_ID": "somebody/emotion"})
    assert is_wanted({"EMOTION_PUBLIC": "1", "EMOTION_FIRST_RUN": "1"})
    assert not is_wanted({"EMOTION_PUBLIC": "1", "EMOTION_FIRST_RUN": "0"})
    assert not is_wanted({"SPACE_ID": "somebody/emotion", "EMOTION_PUBLIC": "0"})
    with pytest.raises(ConfigError, match="EMOTION_FIRST_RUN is 'off': set it to 0"):
        is_wanted({"EMOTION_FIRST_RUN": "off"})


def test_it_is_the_quick_preset_on_drawn_people_with_the_bundled_backbone_within_what_visitors_may_ask():
    config = default_config()
    assert replace(TrainConfig(pictures=config.pictures), **PRESETS["Quick"]) == config
    assert config.backbone == "dinov2-small"
    assert is_drawn(config.pictures)
    assert Path(config.pictures).is_dir()
    Public().check(config)


def test_a_server_without_a_run_begins_one_that_all_see_and_no_visitor_changes(queue: Queue):
    run = begin(queue)
    assert run is not None
    assert run.status() == "queued"
    assert run.config() == CONFIG
    assert owner_of(run.path) == OF_THE_SERVER
    assert owner_of(run.path).may_see("anna")
    assert not owner_of(run.path).may_change("anna")
    assert run.about().title == "First run"


def test_a_start_while_it_waits_or_after_it_is_done_makes_no_second_one(queue: Queue):
    run = begin(queue)
    assert run is not None
    assert begin(queue) is None
    with run.lock():
        assert begin(queue) is None
    run.append(FINISHED)
    run.checkpoint.mkdir()
    (run.checkpoint / "config.json").write_text("{}")
    assert begin(queue) is None
    assert list_runs(queue.runs_folder) == [run]


def test_any_run_of_the_owners_that_predicts_is_enough(queue: Queue):
    ended(queue, FINISHED, config=replace(CONFIG, epochs=2))
    assert begin(queue) is None


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_visitors_run_is_not_the_servers(queue: Queue, is_shared: bool):
    theirs = ended(queue, FINISHED, owner="anna")
    share(theirs.path, "anna", shared=is_shared)
    run = begin(queue)
    assert set(list_runs(queue.runs_folder)) == {theirs, run}


@pytest.mark.parametrize("event", [FAILED, STOPPED])
def test_one_that_failed_is_tried_again_at_every_start_in_the_same_folder(queue: Queue, event: object):
    run = ended(queue, event)
    for tries in (1, 2):
        assert begin(queue) == run
        assert run.status() == "queued"
        assert begin(queue) is None
        assert queue.resumed == [run] * tries
        run.append(FAILED)
    assert list_runs(queue.runs_folder) == [run]


def test_one_whose_server_died_goes_on(queue: Queue):
    run = ended(queue, STARTED)
    assert run.status() == "interrupted"
    assert begin(queue) == run
    assert run.status() == "queued"


def test_what_failed_with_other_settings_or_cannot_be_read_does_not_stand_in_its_way(queue: Queue):
    other = ended(queue, FAILED, config=replace(CONFIG, epochs=2))
    torn = ended(queue, FAILED)
    (torn.path / "config.json").write_text("{")
    run = begin(queue)
    assert run not in (None, other, torn)
    assert queue.resumed == []


def test_servers_that_start_at_once_on_one_folder_begin_one(queue: Queue):
    ready = Barrier(8)

    def start(_: int) -> Run | None:
        ready.wait()
        return begin(queue)

    with ThreadPoolExecutor(8) as servers:
        begun = [run for run in servers.map(start, range(8)) if run]
    assert begun == list_runs(queue.runs_folder)
    assert len(begun) == 1


def test_a_server_leaves_it_to_another_that_is_at_it(queue: Queue):
    queue.runs_folder.mkdir()
    with locks.hold(queue.runs_folder / LOCK):
        assert begin(queue) is None
    assert list_runs(queue.runs_folder) == []


def test_a_folder_that_cannot_be_written_is_one_sentence(queue: Queue):
    queue.runs_folder.write_text("a file")
    with pytest.raises(
        RunError, match=r"A run cannot be written to .*runs \(File exists\): make room, then start again."
    ):
        begin(queue)


def test_it_outlives_what_visitors_left_and_is_made_again_on_an_empty_disk(queue: Queue, tmp_path: Path):
    run = ended(queue, FINISHED)
    assert clean(queue.runs_folder, tmp_path / "sets", limits=Public(), now=time.time() + 99 * 86400) == Cleaned()
    assert begin(queue) is None
    run.path.rename(tmp_path / "gone")
    again = begin(queue)
    assert again is not None
    assert list_runs(queue.runs_folder) == [again]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_workers_train_it_and_it_predicts(tmp_path: Path, tiny_config: TrainConfig):
    picture = next(Path(tiny_config.pictures).rglob("*.png"))
    with Workers(runs_folder=tmp_path / "runs") as workers:
        run = begin_first_run(workers, config=tiny_config)
        assert run is not None
        deadline = time.monotonic() + 120
        while run.status() in ("queued", "running"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert run.status() == "finished"
        assert sum(workers.predict(run, picture).scores.values()) == pytest.approx(1)
        assert begin_first_run(workers, config=tiny_config) is None
