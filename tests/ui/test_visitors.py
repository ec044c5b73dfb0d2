"""Several visitors on a public server: who is who, and that nobody touches what is another's. Over real HTTP."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from http_visitor import HttpVisitor
from scripted import ScriptedServices
from serving_pages import BACKBONES, SERVED, served

from emotion.events import EpochDone
from emotion.owners import FILE, give, hashed, owner_of, share
from emotion.run import Run
from emotion.runs import list_runs
from emotion.ui.app import build_app
from emotion.ui.handlers import QUIET
from emotion.ui.visitor import COOKIE, current_visitor

pytestmark = list(SERVED)


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("EMOTION_PUBLIC", "1")
    monkeypatch.setenv("EMOTION_LOG", str(tmp_path / "log.jsonl"))
    monkeypatch.setenv("EMOTION_SETS", str(tmp_path / "sets"))


@pytest.fixture
def url(public: None, services: ScriptedServices) -> Iterator[str]:
    with served(build_app(services, backbones=lambda: BACKBONES)) as url:
        yield url


@pytest.fixture
def anna(url: str) -> Iterator[HttpVisitor]:
    with HttpVisitor(url, session="page-of-anna") as visitor:
        yield visitor


@pytest.fixture
def bert(url: str) -> Iterator[HttpVisitor]:
    with HttpVisitor(url, session="page-of-bert") as visitor:
        yield visitor


def her_run(anna: HttpVisitor, services: ScriptedServices) -> Run:
    """Let Anna train the default, up to where the gate holds it."""
    anna.fire("train-default", "click")
    [run] = list_runs(services.runs_folder)
    return run


def await_end(run: Run) -> None:
    """Return when nothing writes into the run's folder any more."""
    while run.status() != "finished" or run.is_locked():
        threading.Event().wait(0.02)


def hold_at_epoch_one(gate: Any) -> threading.Event:
    reached = threading.Event()

    def holds(event: object) -> bool:
        is_there = isinstance(event, EpochDone) and event.epoch == 1
        if is_there:
            reached.set()
        return is_there

    gate.holds = holds
    return reached


def test_a_new_browser_gets_a_secret_that_no_script_can_read(url: str):
    with HttpVisitor(url, session="a") as visitor:
        [cookie] = visitor.first.headers.get_list("set-cookie")
        secret = visitor.client.cookies[COOKIE]
        assert len(secret) == 43
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "set-cookie" not in visitor.client.get("/").headers
    with HttpVisitor(url, session="b", headers={"x-forwarded-proto": "https"}) as framed:
        assert framed.first.headers["set-cookie"].endswith("HttpOnly; SameSite=None; Secure; Partitioned")
        assert secret not in framed.first.headers["set-cookie"]


def test_on_ones_own_machine_nobody_gets_a_cookie(services: ScriptedServices, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("EMOTION_PUBLIC", raising=False)
    with served(build_app(services, backbones=lambda: BACKBONES)) as url, HttpVisitor(url, session="a") as visitor:
        assert "set-cookie" not in visitor.first.headers
        visitor.fire("train-default", "click")
    [run] = list_runs(services.runs_folder)
    assert not (run.path / FILE).exists()


def test_every_kind_of_handler_knows_its_visitor_in_every_step(public: None):
    told: list[tuple[str, str | None]] = []

    def plain() -> str:
        told.append(("plain", current_visitor()))
        return ""

    def steps() -> Iterator[str]:
        for number in range(3):
            told.append((f"step {number}", current_visitor()))
            yield str(number)

    with gr.Blocks() as page:
        box = gr.Textbox()
        gr.Button("plain", elem_id="plain").click(plain, None, box, **QUIET)
        gr.Button("steps", elem_id="steps").click(steps, None, box, **QUIET)
    with served(page) as url:
        for session in ("a", "b"):
            with HttpVisitor(url, session=session) as visitor:
                for kind in ("plain", "steps"):
                    visitor.fire(kind, "click")
                expected = hashed(visitor.client.cookies[COOKIE])
                assert told == [(each, expected) for each in ("plain", "step 0", "step 1", "step 2")]
                told.clear()
                visitor.client.cookies.clear()
                visitor.fire("plain", "click")
                assert told.pop() == ("plain", hashed(f"session {session}"))
    assert current_visitor() == ""


def test_what_another_sites_script_asks_is_not_asked_by_the_visitor(anna: HttpVisitor, services: ScriptedServices):
    run = her_run(anna, services)
    anna.client.headers["sec-fetch-site"] = "cross-site"
    assert run.name not in anna.look()
    del anna.client.headers["sec-fetch-site"]
    assert run.name in anna.look()


def test_a_run_is_its_makers_and_the_disk_has_no_secret(anna, bert, services: ScriptedServices):
    run = her_run(anna, services)
    secret = anna.client.cookies[COOKIE]
    assert json.loads((run.path / FILE).read_text()) == {"owner": hashed(secret), "shared": False}
    assert run.name in anna.look()
    assert run.name not in bert.look()
    await_end(run)
    assert all(secret not in path.read_text(errors="replace") for path in run.path.rglob("*") if path.is_file())


def test_one_visitors_stop_touches_no_other_run_not_even_with_the_others_session(anna, bert, services, gate):
    reached = hold_at_epoch_one(gate)
    run = her_run(anna, services)
    assert reached.wait(20)
    said = bert.fire("stop", "click", session=anna.session)
    assert "That run is gone" in said
    share(run.path, owner_of(run.path).owner, shared=True)
    said = bert.fire("stop", "click", session=anna.session)
    assert "is not yours" in said
    assert not run.stop_requested()
    anna.fire("stop", "click")
    assert run.stop_requested()


def test_another_visitors_run_can_neither_be_watched_renamed_deleted_nor_used(anna, bert, services, faces):
    run = her_run(anna, services)
    # In her session the page offers her run; in his own Gradio itself refuses what is not in a list.
    anna.look()
    await_end(run)
    before = sorted(path.name for path in run.path.iterdir())
    for elem_id, kind, data in (
        ("show-curves", "click", [run.name]),
        ("again", "click", [run.name]),
        ("keep", "click", [run.name, "mine", "now"]),
        ("delete", "click", [run.name]),
        ("confusion", "click", [run.name]),
        ("compare", "click", [run.name, "happy", ["drawn/dog_eval"], 2, 1, False, False]),
        ("examples", "click", [run.name]),
        ("share", "input", [run.name, True]),
    ):
        asked = {"number": 0, "label": "sad", "said": "sad"}
        said = bert.fire(elem_id, kind, data, event_data=asked, session=anna.session)
        assert "That run is gone" in said, (elem_id, said[:500])
        assert '"success": false' in bert.fire(elem_id, kind, data, event_data=asked) or "gone" in said
    assert sorted(path.name for path in run.path.iterdir()) == before
    assert not owner_of(run.path).shared


def test_a_shared_run_is_used_by_all_and_changed_by_its_maker_alone(anna, bert, services: ScriptedServices):
    run = her_run(anna, services)
    while run.status() != "finished":
        threading.Event().wait(0.02)
    anna.look()
    anna.fire("share", "input", [run.name, True])
    assert run.name in bert.look()
    compared = bert.fire("compare", "click", [run.name, "happy", ["drawn/dog_eval"], 2, 1, False, False])
    assert "2 pictures a set" in compared
    for elem_id, data in (("keep", [run.name, "mine", "now"]), ("delete", [run.name])):
        assert "is not yours" in bert.fire(elem_id, "click", data)
    assert "is not yours" in bert.fire("share", "input", [run.name, False])
    # What a guest compares is nobody's business but the guest's.
    [theirs] = run.comparisons.glob("of-*/*.json")
    assert "That comparison is gone" in anna.fire("saved", "input", [run.name, theirs.name], session=bert.session)
    assert "2 pictures a set" in bert.fire("saved", "input", [run.name, theirs.name])
    anna.fire("share", "input", [run.name, False])
    assert run.name not in bert.look()


def test_what_the_server_brought_is_there_for_all_and_nobody_changes_it(trained: Run, anna):
    assert trained.name in anna.look()
    assert "Run " + trained.name in anna.fire("examples", "click", [trained.name], event_data={"number": 0})
    for elem_id, data in (("keep", [trained.name, "mine", "now"]), ("delete", [trained.name])):
        assert "is not yours" in anna.fire(elem_id, "click", data)
    assert trained.path.is_dir()


def test_a_visitor_who_trains_too_much_is_told_the_limit(anna, bert, services, gate, monkeypatch):
    gate.holds = lambda event: True
    for _ in range(5):
        anna.fire("train-default", "click")
    assert "may have 5 trainings waiting or going on" in anna.fire("train-default", "click")
    assert len(list_runs(services.runs_folder)) == 5
    bert.fire("train-default", "click")
    assert len(list_runs(services.runs_folder)) == 6
    assert len({owner_of(run.path).owner for run in list_runs(services.runs_folder)}) == 2


def test_pictures_of_another_visitors_set_are_not_shown_with_a_shared_run(faces, public, tmp_path):
    from emotion.ui.thumbnails import EMPTY, data_uris

    picture = tmp_path / "sets" / "private" / "sad" / "1.webp"
    picture.parent.mkdir(parents=True)
    picture.write_bytes((faces / "dog_eval" / "sad" / "dog_eval_sad_0.webp").read_bytes())
    assert data_uris([picture], side=32)[0] != EMPTY
    give(tmp_path / "sets" / "private", hashed("anna"))
    assert data_uris([picture], side=32) == [EMPTY]


def test_a_set_brought_by_a_program_is_its_bringers_and_within_the_limits(url: str, tmp_path: Path, faces: Path):
    archive = shutil.make_archive(str(tmp_path / "cats"), "zip", faces / "cat_eval")
    her, his = Client(url, verbose=False), Client(url, verbose=False)
    try:
        for number in range(5):
            given = {"archive": handle_file(archive), "name": f"cats {number}", "api_name": "/import_pictures"}
            assert her.predict(**given)["pictures"] == 24
        with pytest.raises(AppError, match="5 picture sets, the limit"):
            her.predict(archive=handle_file(archive), name="one more", api_name="/import_pictures")
        assert "saved/cats-0" in str(her.predict(api_name="/picture_sets"))
        assert "saved/cats-0" not in str(his.predict(api_name="/picture_sets"))
        with pytest.raises(AppError, match="picture_set_unknown"):
            his.predict(picture_set="saved/cats-0", api_name="/train")
        run = her.predict(picture_set="saved/cats-0", api_name="/train")["run"]
        for ask in ("/stop", "/run_status"):
            with pytest.raises(AppError, match="run_unknown"):
                his.predict(run=run, api_name=ask)
    finally:
        her.close()
        his.close()
    [owner] = {owner_of(folder).owner for folder in (tmp_path / "sets").glob("cats*")}
    assert len(owner) == 64
