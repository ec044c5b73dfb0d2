"""What goes on beside something long, or beside something that hangs: nobody waits for what somebody else asked for."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from helpers.pictures import write_pictures
from helpers.processes import children_of, frozen, giving_way, held
from helpers.waiting import until

from emotion.analysis import Request
from emotion.core.config import TrainConfig
from emotion.core.errors import RunError
from emotion.core.progress import result_of
from emotion.runs.run import Run
from emotion.server.model_process import classifier_of
from emotion.server.services import Services


@pytest.fixture
def services(run: Path) -> Iterator[Services]:
    """One's own server without a page, whose runs folder holds a trained run."""
    with Services(run.parent) as services:
        yield services


@pytest.fixture
def picture(tiny_pictures: Path) -> Path:
    return tiny_pictures / "dog_eval" / "sad" / "sad_000.png"


@pytest.fixture
def long_training(tiny_pictures: Path, tiny_vit: Path) -> TrainConfig:
    return TrainConfig(
        pictures=str(tiny_pictures / "human_train"), backbone=str(tiny_vit), depth="all", batch_size=4, epochs=50,
        image_size=32,
    )  # fmt: skip


def model_processes() -> list[psutil.Process]:
    """Return what was forked for us: children of our own children."""
    return [each for each in children_of(os.getpid()) if each.ppid() != os.getpid()]


@pytest.mark.slow
def test_a_prediction_does_not_wait_for_a_comparison_which_gives_way_to_it(
    run: Path, services: Services, picture: Path, tmp_path: Path
) -> None:
    many = write_pictures(tmp_path / "many", count=30)
    compared: list[int] = []
    # A dashboard of other tests may have such processes too.
    others = giving_way(os.getpid())
    scores = services.predict(Run(run), picture).scores
    assert giving_way(os.getpid()) == others

    def compare() -> None:
        comparison, _ = result_of(services.comparing(Run(run), Request({"dog": many}, emotion=None, size=None)))
        compared.append(comparison.pooled("dog").n)

    comparing = threading.Thread(target=compare)
    comparing.start()
    [process] = until(lambda: [each for each in giving_way(os.getpid()) if each not in others])
    with held(process):
        assert services.predict(Run(run), picture).scores == scores
        assert compared == []
    comparing.join()
    assert compared == [120]


def test_what_is_asked_while_the_server_ends_is_a_sentence_and_starts_no_process(
    run: Path, services: Services, picture: Path
) -> None:
    services.close()
    before = model_processes()
    with pytest.raises(RunError, match="The server is ending"):
        services.predict(Run(run), picture)
    assert set(model_processes()) <= set(before)


def test_fault_what_hangs_is_ended_with_a_sentence_and_the_next_one_is_answered(
    run: Path, services: Services, picture: Path, tiny_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request({"dog": tiny_pictures / "dog_eval"}, emotion="happy", size=2)
    scores = services.predict(Run(run), picture).scores
    result_of(services.comparing(Run(run), request))
    with monkeypatch.context() as impatient, held(*model_processes()):
        impatient.setattr("emotion.server.services.PREDICTION_SECONDS", 0.2)
        impatient.setattr("emotion.server.model_process.SILENT_SECONDS", 0.2)
        with pytest.raises(RunError, match="and was ended"):
            services.predict(Run(run), picture)
        with pytest.raises(RunError, match="and was ended"):
            result_of(services.comparing(Run(run), request))
    assert services.predict(Run(run), picture).scores == scores
    assert result_of(services.comparing(Run(run), request))[0].pooled("dog").n == 2


def test_fault_a_training_that_tells_nothing_any_more_is_ended_with_a_sentence_and_can_go_on(
    services: Services, long_training: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung = services.start_training(long_training)
    with frozen(hung.path, os.getpid()), monkeypatch.context() as impatient:
        impatient.setattr("emotion.server.queue.SILENT_SECONDS", 0.2)
        until(lambda: hung.status() == "failed")
    assert "It told nothing for" in getattr(hung.last_event(), "message", "")
    assert hung.can_resume()


def test_fault_nobody_waits_while_the_best_epoch_of_a_withdrawn_training_is_kept(
    services: Services, long_training: TrainConfig
) -> None:
    withdrawn = services.start_training(long_training)
    with frozen(withdrawn.path, os.getpid()) as trainer:
        trainer.kill()
    until(lambda: withdrawn.status() == "interrupted")
    # Whoever reads it waits for ever.
    (withdrawn.path / "split.json").unlink()
    os.mkfifo(withdrawn.path / "split.json")
    going = services.start_training(long_training)
    services.resume_training(withdrawn)
    places: list[int | None] = []
    with frozen(going.path, os.getpid()):
        before = model_processes()
        withdrawn.request_stop()
        [keeper] = until(lambda: [each for each in model_processes() if each not in before])
        asking = threading.Thread(
            target=lambda: places.append(services.queue.place(services.start_training(long_training))), daemon=True
        )
        asking.start()
        until(lambda: places == [1])
        keeper.kill()


def test_fault_a_third_checkpoint_is_loaded_when_the_oldest_has_gone(run: Path, tmp_path: Path) -> None:
    third, held, counts = tmp_path / "third", weakref.WeakSet[object](), list[int]()

    def watch(event: str, given: tuple[object, ...]) -> None:
        if event == "open" and str(given[0]).startswith(str(third)):
            counts.append(len(held))

    sys.addaudithook(watch)
    for each in (run, tmp_path / "second", third):
        held.add(classifier_of(Run(each if each == run else Path(shutil.copytree(run, each)))))
    assert (counts[-1], len(held)) == (1, 2)
    assert classifier_of(Run(tmp_path / "second")) in held
