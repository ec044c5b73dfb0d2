"""What a public server itself trains, on the page of somebody who comes by: watched live, and not theirs to stop."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from http_visitor import HttpVisitor
from scripted import ScriptedServices
from serving_pages import BACKBONES, SERVED, served

from emotion.config import TrainConfig
from emotion.events import EpochDone
from emotion.run import Run
from emotion.runs import create_run
from emotion.ui.app import build_app

pytestmark = list(SERVED)


@pytest.fixture
def visitor(services: ScriptedServices, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HttpVisitor]:
    monkeypatch.setenv("EMOTION_PUBLIC", "1")
    monkeypatch.setenv("EMOTION_LOG", str(tmp_path / "log.jsonl"))
    with served(build_app(services, backbones=lambda: BACKBONES)) as url, HttpVisitor(url, session="a") as visitor:
        yield visitor


def opened(visitor: HttpVisitor) -> dict[str, Any]:
    """Return what the Train tab shows as the page opens, by elem_id."""
    config = visitor.config
    names = {each["id"]: each["props"].get("elem_id") for each in config["components"]}
    [event] = [
        each for each in config["dependencies"]
        if any(kind == "load" for _, kind in each["targets"]) and "status" in [names[out] for out in each["outputs"]]
    ]  # fmt: skip
    said = json.loads(visitor.ask(event["id"], [None] * len(event["inputs"])))[-1]["output"]["data"]
    return {names[out]: value for out, value in zip(event["outputs"], said, strict=True)}


def test_whoever_comes_by_watches_the_servers_own_training_and_cannot_stop_it(
    visitor: HttpVisitor, services: ScriptedServices, gate: Any, faces: Path
):
    reached = threading.Event()
    gate.holds = lambda event: isinstance(event, EpochDone) and event.epoch == 2 and (reached.set() or True)
    run = services.start_training(TrainConfig(pictures=str(faces / "human_train")))
    assert reached.wait(20)
    shown = opened(visitor)
    assert run.name in shown["status"]
    assert "Epoch 2 of 8 is done" in shown["status"]
    assert shown["stop"]["interactive"] is False
    assert "is not yours" in visitor.fire("stop", "click")
    assert not run.stop_requested()


def test_while_it_waits_the_sentence_promises_no_stop(visitor: HttpVisitor, services: ScriptedServices, faces: Path):
    run = create_run(TrainConfig(pictures=str(faces / "human_train")), root=services.runs_folder)
    shown = opened(visitor)
    assert run.name in shown["status"]
    assert "Queued: it begins as soon as the server is ready." in shown["status"]


def test_once_it_is_over_a_page_opens_with_nothing_in_its_place(visitor: HttpVisitor, trained: Run):
    assert trained.status() == "finished"
    assert trained.name not in json.dumps(opened(visitor))
