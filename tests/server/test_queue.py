"""The queue of trainings and the model process of a served dashboard: what they do, and what becomes of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.pictures import picture_bytes
from helpers.processes import all_ended, children_of, frozen, trainer_of
from helpers.run_folder import epochs_of, events_of, status_of
from helpers.serving import Site, serving
from helpers.visitors import RefusedError, Visitor
from helpers.waiting import until

# Imported by the server and by every process that it starts: notes who imports what of these.
PROBE = """
import os, sys
NAMES = ("torch", "transformers", "datasets", "gradio", "plotly", "mcp", "transformers.models.dinov2.modeling_dinov2")
log = os.open(os.environ["IMPORTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
class Probe:
    def find_spec(self, name, path=None, target=None):
        if name in NAMES:
            os.write(log, f"{os.getpid()} {name}\\n".encode())
sys.meta_path.insert(0, Probe())
"""
Train = Callable[..., Path]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, tiny_pictures: Path) -> Iterator[Site]:
    """One's own dashboard, which writes down what is imported."""
    root = tmp_path_factory.mktemp("queue")
    (root / "sitecustomize.py").write_text(PROBE)
    environment = {
        "PYTHONPATH": str(root), "IMPORTS": str(root / "imports"), "EMOTION_LOG": str(root / "events.jsonl"),
        "EMOTION_PICTURES": str(tiny_pictures),
    }  # fmt: skip
    with serving(root, environment=environment) as site:
        yield site


@pytest.fixture
def visitor(site: Site) -> Iterator[Visitor]:
    with Visitor(site.url) as visitor:
        yield visitor


@pytest.fixture
def train(site: Site, visitor: Visitor, tiny_dinov2: Path) -> Train:
    """Start a training: one of some seconds, or with ``epochs=1`` one that is over in a moment."""

    def start(*, epochs: int = 50, backbone: Path = tiny_dinov2) -> Path:
        batch, depth = (4, "all") if epochs > 1 else (24, "head")
        return site.runs / visitor.train(backbone, epochs=epochs, batch=batch, depth=depth)

    return start


def predicted(visitor: Visitor, run: Path) -> dict[str, float]:
    said: dict[str, Any] = visitor.ask("predict", visitor.upload("one.png", picture_bytes()), run.name)
    assert sum(said["scores"].values()) == pytest.approx(1, abs=1e-4)
    return said["scores"]


def ended(run: Path, *, seconds: float = 300) -> str:
    return until(lambda: (found := status_of(run)) not in ("queued", "running") and found, seconds=seconds)


def test_trainings_take_turns_one_that_waits_is_withdrawn_and_one_that_is_stopped_keeps_its_best_epoch(
    site: Site, visitor: Visitor, train: Train
) -> None:
    first = train()
    trainer_of(first, site.process.pid).send_signal(signal.SIGINT)  # As Ctrl+C in the server's terminal does.
    with frozen(first, site.process.pid):
        second, third = train(epochs=1), train(epochs=1)
        asked = [visitor.ask("run_status", run.name) for run in (second, third)]
        assert [each["status"] for each in asked] == ["queued", "queued"]
        assert asked[0]["queue_place"] < asked[1]["queue_place"]
        assert visitor.ask("stop", second.name)["status"] in ("queued", "stopping", "stopped")
        assert ended(second) == "stopped"
        assert not (second / "checkpoint").exists()
        assert status_of(third) == "queued"
        assert visitor.ask("stop", first.name)["status"] == "stopping"
    assert ended(first) == "stopped"
    assert events_of(first)[-1]["best_epoch"] >= 1
    assert predicted(visitor, first)
    assert ended(third) == "finished"
    logged = [json.loads(line) for line in (site.root / "events.jsonl").read_text().splitlines()]
    told = [(each["event"], each.get("run"), each["outcome"]) for each in logged]
    assert ("training ended", first.name, "stopped") in told
    assert told.index(("training ended", first.name, "stopped")) < told.index(("training started", third.name, "done"))


@pytest.mark.slow
def test_a_training_that_hangs_is_killed_a_while_after_its_stop_and_keeps_its_best_epoch(
    site: Site, visitor: Visitor, train: Train
) -> None:
    run = train()
    with frozen(run, site.process.pid):
        visitor.ask("stop", run.name)
        assert ended(run) == "interrupted" or status_of(run) == "stopped"
    until(lambda: status_of(run) == "stopped")
    assert events_of(run)[-1]["best_epoch"] >= 1
    assert predicted(visitor, run)


def test_a_training_that_is_killed_says_so_and_the_next_one_has_its_turn(
    site: Site, train: Train, tiny_dinov2: Path, tmp_path: Path
) -> None:
    # A backbone that takes for ever to be read, so that nothing has begun.
    endless = Path(shutil.copytree(tiny_dinov2, tmp_path / "endless"))
    os.truncate(endless / "model.safetensors", 200_000_000_000)
    before, amid, after = train(backbone=endless), train(), train(epochs=1)
    trainer_of(before, site.process.pid).kill()
    assert ended(before) == "failed"
    assert "before it could begin" in events_of(before)[-1]["message"]
    with frozen(amid, site.process.pid) as trainer:
        trainer.kill()
    assert ended(amid) == "interrupted"
    assert ended(after) == "finished"


def test_a_failure_is_one_sentence_in_the_run(visitor: Visitor, train: Train, tmp_path: Path) -> None:
    run = train(epochs=1, backbone=tmp_path / "nowhere")
    assert ended(run) == "failed"
    said = visitor.ask("run_status", run.name)["message"]
    assert "There is no backbone" in said
    assert "\n" not in said


@pytest.mark.slow
def test_a_model_process_that_is_killed_is_replaced_and_one_that_was_trained_anew_is_read_anew(
    site: Site, visitor: Visitor, train: Train
) -> None:
    run, other = train(epochs=1), train()
    with frozen(other, site.process.pid):
        visitor.ask("stop", other.name)
    assert (ended(run), ended(other)) == ("finished", "stopped")
    before = predicted(visitor, run)
    for process in children_of(site.process.pid):
        process.kill()

    refused: list[str] = []

    def again() -> dict[str, float] | None:
        try:
            return predicted(visitor, run)
        except RefusedError as error:
            refused.append(error.code)
            return None

    assert until(again) == before
    assert set(refused) <= {"run_unusable"}
    shutil.copy(other / "checkpoint" / "model.safetensors", run / "checkpoint" / "model.safetensors")
    assert predicted(visitor, run) == predicted(visitor, other) != before


@pytest.mark.slow
def test_a_server_that_is_asked_to_end_leaves_no_process_and_the_next_one_takes_up_its_queue(
    site: Site, train: Train
) -> None:
    running, waiting = train(), train(epochs=1)
    until(lambda: epochs_of(running) > 0)
    children = children_of(site.process.pid)
    assert len(children) > 1
    assert site.end() == 0
    assert all_ended(children)
    assert (status_of(running), status_of(waiting)) == ("interrupted", "queued")
    site.start()
    assert ended(waiting) == "finished"
    assert status_of(running) == "interrupted"


def test_the_server_holds_no_model_and_its_children_hold_no_page(site: Site, visitor: Visitor, train: Train) -> None:
    run = train(epochs=1)
    assert ended(run) == "finished"
    assert predicted(visitor, run)
    assert visitor.ask("compare", ["given/human_eval", "given/dog_eval"], run.name, "happy", 3, 1, False)["samples"]
    visitor.reload()
    imported: dict[bool, set[str]] = {True: set(), False: set()}
    for line in (site.root / "imports").read_text().splitlines():
        pid, name = line.split()
        imported[int(pid) == site.process.pid].add(name)
    assert imported[True] & {"torch", "transformers", "datasets", "mcp"} == set()
    assert "gradio" in imported[True]
    assert "transformers.models.dinov2.modeling_dinov2" in imported[False]
