"""What a client that is not the page can do over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from gradio import networking
from scripted import ScriptedServices
from serving_pages import BACKBONES, SERVED, served

from emotion.ui.app import build_app, launch

pytestmark = list(SERVED)


def test_a_picture_event_touches_no_file_of_this_machine(services: ScriptedServices, faces: Path):
    demo = build_app(services, backbones=lambda: BACKBONES)
    _, url, _ = launch(demo, host="127.0.0.1", port=None, prevent_thread_lock=True)
    victim = faces / "cat_eval" / "sad" / "cat_eval_sad_0.webp"
    try:
        config = httpx.get(f"{url}config").json()
        [picture] = [each["id"] for each in config["components"] if each["props"].get("elem_id") == "picture"]
        [event] = [each for each in config["dependencies"] if [picture, "input"] in each["targets"]]
        request = {"fn_index": event["id"], "session_hash": "x", "data": [None, {"path": str(victim)}]}
        assert httpx.post(f"{url}gradio_api/queue/join", json=request).status_code == 200
        with httpx.stream("GET", f"{url}gradio_api/queue/data", params={"session_hash": "x"}, timeout=30) as answer:
            said = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]
    finally:
        demo.close(verbose=False)
    assert victim.exists()
    assert "process_completed" in {each["msg"] for each in said}
    assert "base64" not in json.dumps(said)


def test_a_server_that_is_too_busy_to_answer_itself_starts_all_the_same(
    services: ScriptedServices, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(networking, "url_ok", lambda url: False)
    with served(build_app(services, backbones=lambda: BACKBONES)) as url:
        assert httpx.get(url).status_code == 200
