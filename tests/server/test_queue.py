"""The queue of trainings and the model process of a served dashboard: what they do, and what becomes of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from helpers.processes import children_of, frozen, trainer_of
from helpers.run_folder import epochs_of, events_of, status_of
from helpers.serving import Site, serving
from helpers.visitors import RefusedError, Visitor
from helpers.waiting import until
from safetensors.torch import load_file, save_file

Train = Callable[..., Path]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, trained_run: Path, tiny_pictures: Path) -> Iterator[Site]:
    """One's own dashboard with a finished run, which keeps a log."""
    root = tmp_path_factory.mktemp("queue")
    environment = {"EMOTION_LOG": str(root / "events.jsonl"), "EMOTION_PICTURES": str(tiny_pictures)}
    with serving(
        root,
        environment=environment,
        prepare=lambda site: shutil.copytree(trained_run, site.runs / trained_run.name),
    ) as site:
        yield site


@pytest.fixture
def train(site: Site, anna: Visitor, tiny_dinov2: Path) -> Train:
    """Start a training: one of some seconds, or with ``epochs=1`` one that is over in a moment."""

    def start(*, epochs: int = 50, backbone: Path = tiny_dinov2) -> Path:
        batch, depth = (4, "all") if epochs > 1 else (24, "head")
        return site.runs / anna.train(backbone, epochs=epochs, batch=batch, depth=depth)

    return start


def ended(run: Path, *, seconds: float = 300) -> str:
    return until(lambda: (found := status_of(run)) not in ("queued", "running") and found, seconds=seconds)


def test_trainings_take_turns_one_that_waits_is_withdrawn_and_one_that_is_stopped_keeps_its_best_epoch(
    site: Site, anna: Visitor, train: Train
) -> None:
    first = train()
    trainer_of(first, site.process.pid).send_signal(signal.SIGINT)  # As Ctrl+C in the server's terminal does.
    with frozen(first, site.process.pid):
        second, third = train(epochs=1), train(epochs=1)
        asked = [anna.ask("run_status", run.name) for run in (second, third)]
        assert [each["status"] for each in asked] == ["queued", "queued"]
        assert asked[0]["queue_place"] < asked[1]["queue_place"]
        assert anna.ask("stop", second.name)["status"] in ("queued", "stopping", "stopped")
        assert ended(second) == "stopped"
        assert not (second / "checkpoint").exists()
        assert status_of(third) == "queued"
        assert anna.ask("stop", first.name)["status"] == "stopping"
    assert ended(first) == "stopped"
    assert events_of(first)[-1]["best_epoch"] >= 1
    assert anna.predict(first.name)
    assert ended(third) == "finished"
    logged = [json.loads(line) for line in (site.root / "events.jsonl").read_text().splitlines()]
    told = [(each["event"], each.get("run"), each["outcome"]) for each in logged]
    assert ("training ended", first.name, "stopped") in told
    assert told.index(("training ended", first.name, "stopped")) < told.index(("training started", third.name, "done"))


@pytest.mark.slow
def test_a_training_that_hangs_is_killed_a_while_after_its_stop_and_keeps_its_best_epoch(
    site: Site, anna: Visitor, train: Train
) -> None:
    run = train()
    with frozen(run, site.process.pid):
        anna.ask("stop", run.name)
        assert ended(run) == "interrupted" or status_of(run) == "stopped"
    until(lambda: status_of(run) == "stopped")
    assert events_of(run)[-1]["best_epoch"] >= 1
    assert anna.predict(run.name)


def test_a_training_that_fails_or_is_killed_says_so_in_a_sentence_and_the_next_one_has_its_turn(
    site: Site, train: Train, tiny_dinov2: Path, tmp_path: Path
) -> None:
    # A backbone that takes for ever to be read, so that nothing has begun.
    endless = Path(shutil.copytree(tiny_dinov2, tmp_path / "endless"))
    os.truncate(endless / "model.safetensors", 200_000_000_000)
    nowhere, before = train(backbone=tmp_path / "nowhere"), train(backbone=endless)
    amid, after = train(), train(epochs=1)
    trainer_of(before, site.process.pid).kill()
    for failed, said in ((nowhere, "There is no backbone"), (before, "before it could begin")):
        assert ended(failed) == "failed"
        assert said in events_of(failed)[-1]["message"]
        assert "\n" not in events_of(failed)[-1]["message"]
    with frozen(amid, site.process.pid) as trainer:
        trainer.kill()
    assert ended(amid) == "interrupted"
    assert ended(after) == "finished"


@pytest.mark.slow
def test_a_model_process_that_is_killed_is_replaced_and_one_that_was_trained_anew_is_read_anew(
    site: Site, anna: Visitor, trained_run: Path
) -> None:
    before = anna.predict(trained_run.name)
    for process in children_of(site.process.pid):
        process.kill()
    refused: list[str] = []

    def again() -> dict[str, float] | None:
        try:
            return anna.predict(trained_run.name)
        except RefusedError as error:
            refused.append(error.code)
            return None

    assert until(again) == before
    assert set(refused) <= {"run_unusable"}
    weights = site.runs / trained_run.name / "checkpoint" / "model.safetensors"
    save_file({name: -each for name, each in load_file(weights).items()}, weights, metadata={"format": "pt"})
    anew = anna.predict(trained_run.name)
    assert max(abs(anew[label] - before[label]) for label in before) > 0.01
    shutil.copy(trained_run / "checkpoint" / "model.safetensors", weights)
    assert anna.predict(trained_run.name) == before


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_ends_or_is_killed_leaves_no_process_and_the_next_one_takes_up_its_queue_and_offers_to_go_on(
    site: Site, anna: Visitor, train: Train, how: signal.Signals
) -> None:
    running, waiting = train(), train(epochs=1)
    until(lambda: epochs_of(running) > 0)
    children = children_of(site.process.pid)
    assert len(children) > 1
    assert site.end(how) == (0 if how == signal.SIGTERM else -how)
    assert psutil.wait_procs(children, timeout=60)[1] == []
    assert (status_of(running), status_of(waiting)) == ("interrupted", "queued")
    site.start()
    assert ended(waiting) == "finished"
    assert status_of(running) == "interrupted"
    assert "Resume goes on after epoch" in anna.ask("run_status", running.name)["message"]


def test_the_server_itself_loads_no_library_of_models(site: Site, anna: Visitor, trained_run: Path) -> None:
    assert anna.predict(trained_run.name)
    compared = anna.ask("compare", ["given/human_eval", "given/dog_eval"], trained_run.name, "happy", 3, 1, False)
    assert compared["samples"]
    anna.reload()

    def has_torch(pid: int) -> bool:
        return "libtorch" in Path(f"/proc/{pid}/maps").read_text()

    assert not has_torch(site.process.pid)
    assert any(has_torch(child.pid) for child in children_of(site.process.pid))
