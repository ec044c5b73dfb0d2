"""A client that lies: it asks a public server for files and runs that are not its own. Over real HTTP."""

from __future__ import annotations

import base64
import json
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from http_visitor import HttpVisitor
from scripted import ScriptedServices
from serving_pages import BACKBONES, SERVED, served

from emotion.config import TrainConfig
from emotion.errors import EmotionError
from emotion.logs import hide_texts
from emotion.owners import hashed, owner_of
from emotion.run import Run
from emotion.runs import create_run
from emotion.trash import take_back
from emotion.ui.app import build_app
from emotion.ui.compare.shown import shown_comparison
from emotion.ui.picture_sets import find_set, list_picture_sets
from emotion.ui.run_board import RunBoard
from emotion.ui.visitor import COOKIE

pytestmark = [
    *SERVED,
    pytest.mark.filterwarnings("ignore::UserWarning"),
]
CONTENT = b"what nobody may read"
IN_ANY_FORM = (CONTENT.decode(), base64.b64encode(CONTENT).decode())
NAME = "holiday-in-rome.jpg"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A public server's folders, with a file beside them that is nobody's business."""
    for name, folder in (("EMOTION_SETS", "sets"), ("EMOTION_CACHE", "cache"), ("GRADIO_TEMP_DIR", "uploads")):
        (tmp_path / folder).mkdir()
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setenv("EMOTION_PUBLIC", "1")
    monkeypatch.setenv("EMOTION_LOG", str(tmp_path / "log.jsonl"))
    (tmp_path / "secret.txt").write_bytes(CONTENT)
    return tmp_path


@pytest.fixture
def private(house: Path, services: ScriptedServices) -> Run:
    """A run of somebody who does not share it."""
    config = TrainConfig(pictures=CONTENT.decode())
    return create_run(config, root=services.runs_folder, owner=hashed("somebody"))


@pytest.fixture
def url(house: Path, private: Run, services: ScriptedServices) -> Iterator[str]:
    with served(build_app(services, backbones=lambda: BACKBONES)) as url:
        yield url


@pytest.fixture
def liar(url: str) -> Iterator[HttpVisitor]:
    with HttpVisitor(url, session="page-of-the-liar") as visitor:
        yield visitor


@pytest.fixture
def anna(url: str) -> Iterator[HttpVisitor]:
    with HttpVisitor(url, session="page-of-anna") as visitor:
        yield visitor


def tells(said: str) -> bool:
    return any(form in said for form in IN_ANY_FORM)


def everything_in(house: Path) -> dict[str, bytes]:
    """All files but the log and the folder of uploads, which may grow."""
    grows = (house / "uploads", house / "log.jsonl")
    files = [path for path in house.rglob("*") if path.is_file() and not any(path.is_relative_to(g) for g in grows)]
    return {str(path): path.read_bytes() for path in files if path.name != "lock"}


def test_no_address_serves_a_file_that_is_not_ones_own(liar: HttpVisitor, house: Path, private: Run):
    (house / "uploads" / "link.txt").symlink_to(house / "secret.txt")
    secret, root = house / "secret.txt", Path(__file__).parents[2]
    asked = [
        str(secret), f"/{secret}", f"{house}/uploads/../secret.txt", f"{house}/uploads/link.txt", f"file://{secret}",
        str(private.path / "config.json"), str(private.path / "owner.json"), str(house / "log.jsonl"),
        str(root / "app.py"), "app.py", "../../../../../../../../etc/passwd", "/etc/passwd", "~/.bashrc",
        "http://127.0.0.1:1/x", "\x00", "a" * 5000,
    ]  # fmt: skip
    routes = ("file=", "gradio_api/file=", "gradio_api/file/", "gradio_api/proxy=")
    others = ("static/", "assets/", "svelte/", "theme.css/../")
    for path in asked:
        # Names that no file can have are a mistake of Gradio's own on its other routes: an error 500.
        for route in (*routes, *(others if len(path) < 200 and "\x00" not in path else ())):
            for form in (quote(path, safe="/:"), quote(path, safe="")):
                answer = liar.client.get(f"{route}{form}")
                is_page = answer.headers.get("content-type", "").startswith("text/html")
                assert answer.status_code != 200 or is_page, (route, path)
                assert not tells(answer.text), (route, path)


@pytest.mark.slow
def test_no_event_reads_or_writes_what_is_not_the_visitors(liar: HttpVisitor, house: Path, private: Run, trained: Run):
    liar.look()
    before = everything_in(house)
    secret = str(house / "secret.txt")
    file = {"path": secret, "url": None, "orig_name": "x.png", "meta": {"_type": "gradio.FileData"}}
    for event in liar.config["dependencies"]:
        if not event["backend_fn"]:
            continue
        for value in (file, [file], f"{trained.name}/../{private.name}"):
            said = liar.ask(
                event["id"], [value] * len(event["inputs"]), event_data={"run": value, "number": value, "label": value}
            )
            assert not tells(said), (event["id"], event["api_name"], value)
    after = everything_in(house)
    assert {path: content for path, content in after.items() if path in before} == before
    # Buttons without a field do what they do for everybody: what has come is the liar's own.
    new = {Path(path).relative_to(house).parts[:2] for path in after if path not in before}
    mine = hashed(liar.client.cookies[COOKIE])
    assert {owner_of(house.joinpath(*parts)).owner for parts in new if parts[1] != ".sets-lock"} <= {mine}


def test_an_upload_stays_within_its_folder_whatever_it_is_called(liar: HttpVisitor, house: Path):
    before = everything_in(house)
    for name in ("../../evil.txt", "..\\evil.txt", "/etc/evil.txt", "x/../../evil.txt", ".", "a" * 300):
        answer = liar.client.post("gradio_api/upload", files={"files": (name, b"evil")})
        if answer.status_code == 200:
            assert Path(answer.json()[0]).resolve().is_relative_to(house / "uploads"), name
    assert everything_in(house) == before


def test_an_upload_beyond_the_limit_is_refused(house: Path, services, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EMOTION_PUBLIC_UPLOAD_MEGABYTES", "1")
    with served(build_app(services, backbones=lambda: BACKBONES)) as url, HttpVisitor(url, session="a") as visitor:
        assert visitor.client.post("gradio_api/upload", files={"files": ("x.zip", bytes(2_000_000))}).status_code == 413
        assert visitor.client.post("gradio_api/upload", files={"files": ("x.zip", bytes(500_000))}).status_code == 200


def test_another_visitors_upload_is_neither_served_nor_used_nor_deleted(anna, liar, trained: Run, faces: Path):
    picture = (faces / "cat_eval" / "sad" / "cat_eval_sad_0.webp").read_bytes()
    path = anna.upload("anna.webp", picture)
    assert anna.client.get(f"gradio_api/file={path}").content == picture
    assert liar.client.get(f"gradio_api/file={path}").status_code == 403
    payload = {"path": path, "orig_name": "mine.webp", "meta": {"_type": "gradio.FileData"}}
    for session in (liar.session, anna.session):
        assert "not a picture that you gave" in liar.fire("picture", "input", [None, payload], session=session)
    assert Path(path).exists()
    assert f"Run {trained.name}" in anna.fire("picture", "input", [None, payload])
    assert not Path(path).exists()


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "/etc", "x/../y", "..\\x", "\x00", "a" * 5000, ".trash", "%2e%2e", "{run}/", "./{run}"],
)
def test_a_name_that_is_a_path_names_nothing(house: Path, services, trained: Run, name: str):
    board = RunBoard(services.runs_folder, visitor=lambda: hashed("liar"))
    name = name.replace("{run}", trained.name)
    trained.comparisons.mkdir()
    (house / "runs" / "x.json").write_bytes(CONTENT)
    asked = (
        lambda: board.find(name),
        lambda: shown_comparison(board, trained.name, name or "..") and None,
        lambda: find_set(name, sets=list_picture_sets()),
        lambda: find_set(f"saved/{name}", sets=list_picture_sets()),
        lambda: take_back(name, root=services.runs_folder, visitor=hashed("liar")),
    )
    for ask in asked:
        with pytest.raises(EmotionError):
            ask()


def test_a_config_names_no_folder_and_no_model_of_the_servers(url, services, trained: Run, house: Path):
    from emotion.public import Public
    from emotion.ui.visited import VisitedServices

    board = RunBoard(services.runs_folder, visitor=lambda: hashed("liar"))
    visited = VisitedServices(services, board, Public())
    for config in (TrainConfig(pictures=str(house)), TrainConfig(pictures="x", backbone=str(house))):
        with pytest.raises(EmotionError, match=r"not offered to you|no other backbones"):
            visited.start_training(config)
    assert len(board.of_everybody()) == 2


def test_a_file_name_never_stands_in_the_log_nor_on_stderr(
    anna, house: Path, trained: Run, services, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    for module, name in ((traceback, "print_exception"), (sys, "excepthook"), (threading, "excepthook")):
        monkeypatch.setattr(module, name, getattr(module, name))
    hide_texts()

    def payload() -> dict:
        path = anna.upload(NAME, b"no picture")
        return {"path": path, "orig_name": NAME, "meta": {"_type": "gradio.FileData"}}

    assert NAME in anna.fire("picture", "input", [None, payload()])  # Whose it is, is told.
    monkeypatch.setattr(services, "predict", lambda run, picture, *, name: 1 / len(str(picture)[:0]))
    assert "ZeroDivisionError" in anna.fire("picture", "input", [None, payload()])

    def names_it(run: Run, picture: Path, *, name: str) -> None:
        raise OSError(f"cannot open {picture}, called {name}")

    monkeypatch.setattr(services, "predict", names_it)
    assert "OSError" in anna.fire("picture", "input", [None, payload()])
    # What Gradio itself cannot make sense of, it prints a traceback of.
    for event in anna.config["dependencies"]:
        if event["backend_fn"] and len(event["inputs"]) == 1:
            anna.ask(event["id"], [payload()])
    lines = [json.loads(line) for line in (house / "log.jsonl").read_text().splitlines()]
    predictions = [line for line in lines if line["event"] == "prediction"]
    assert [line["outcome"] for line in predictions] == ["refused", "failed", "failed"]
    assert all(line["run"] == trained.name and "seconds" in line for line in predictions)
    assert {"OSError", "ZeroDivisionError"} <= {
        line["trace"][0] for line in lines if line["event"] == "unexpected error"
    }
    told = (house / "log.jsonl").read_text() + "".join(capfd.readouterr())
    assert "Traceback, without what the errors say" in told
    assert NAME not in told
    assert "holiday" not in told
