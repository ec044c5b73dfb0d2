"""A page with a password: what is open without it, and what opens it. Over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from http_visitor import HttpVisitor
from scripted import ScriptedServices
from serving_pages import BACKBONES, SERVED, served

from emotion.ui import password
from emotion.ui.app import build_app
from emotion.ui.password import asked_password

pytestmark = list(SERVED)
PASSWORD = "früh am Morgen"


@pytest.fixture
def url(services: ScriptedServices, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("EMOTION_PASSWORD", PASSWORD)
    monkeypatch.setattr(password, "SECONDS_AFTER_A_WRONG_ONE", 0.0)
    with served(build_app(services, backbones=lambda: BACKBONES)) as url:
        yield url


@contextmanager
def logged_in(url: str, user: str, typed: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=30) as client:
        client.post("login", data={"username": user, "password": typed})
        yield client


def test_without_the_password_the_page_says_what_to_do_and_nothing_else_answers(url: str, faces: Path):
    with httpx.Client(base_url=url, timeout=30) as stranger:
        assert "Any user name will do." in stranger.get("/").text
        body = {"fn_index": 0, "session_hash": "x", "data": []}
        for answer in (
            stranger.get("config"),
            stranger.get("gradio_api/info"),
            stranger.get("gradio_api/queue/data", params={"session_hash": "x"}),
            stranger.get(f"gradio_api/file={faces}"),
            stranger.post("gradio_api/queue/join", json=body),
            stranger.post("gradio_api/upload", files={"files": ("x.png", b"x")}),
            stranger.post("gradio_api/call/predict", json={"data": []}),
            stranger.post("gradio_api/run/predict", json={"data": []}),
        ):
            assert answer.status_code == 401, answer.url
            assert "drawn/" not in answer.text


@pytest.mark.parametrize("typed", ["", "fr", "früh am Morgen ", "Früh am Morgen", "\x00", "früh" * 1000])
def test_a_wrong_one_opens_nothing(url: str, typed: str):
    with logged_in(url, "anybody", typed) as client:
        assert client.get("config").status_code == 401


def test_the_right_one_opens_the_page_for_any_name(url: str):
    for user in ("anna", "x"):
        with logged_in(url, user, PASSWORD) as client:
            assert client.get("config").json()["title"] == "Emotion, across species"


def test_the_api_asks_for_it_as_well(url: str):
    with pytest.raises(Exception, match=r"(?i)auth|credential|log"):
        Client(url, verbose=False)
    with pytest.raises(Exception, match=r"(?i)auth|credential|log"):
        Client(url, auth=("anybody", "wrong"), verbose=False)
    client = Client(url, auth=("anybody", PASSWORD), verbose=False)
    client.close()


def test_without_one_set_nothing_is_asked(services: ScriptedServices, monkeypatch: pytest.MonkeyPatch):
    for value in (None, ""):
        monkeypatch.delenv("EMOTION_PASSWORD", raising=False)
        if value is not None:
            monkeypatch.setenv("EMOTION_PASSWORD", value)
        assert asked_password() == {}
    with served(build_app(services, backbones=lambda: BACKBONES)) as url, HttpVisitor(url, session="a") as visitor:
        assert visitor.first.status_code == 200
