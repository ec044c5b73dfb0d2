"""What the Hub reads at the head of README.md, against the rules that its reference gives for a Space."""

from __future__ import annotations

import json
import re
import threading
import unicodedata
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import yaml
from huggingface_hub import SpaceCard, SpaceHardware
from huggingface_hub.repocard_data import SpaceCardData

from emotion.backbones.registry import REGISTRY

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# The reference of the Spaces' configuration on the Hub has these colours and no others.
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
KNOWN = {
    "title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file", "short_description",
    "license", "models", "tags", "suggested_hardware",
}  # fmt: skip


def problems(front: dict[str, Any]) -> list[str]:
    """Return what the Hub would turn away, or read otherwise than it is meant."""
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    rules = {
        "title": bool(front.get("title")),
        "emoji": [unicodedata.category(sign) for sign in str(front.get("emoji"))] == ["So"],
        "colours": {front.get("colorFrom"), front.get("colorTo")} <= COLOURS,
        "sdk": front.get("sdk") == "gradio",
        "sdk_version": f"gradio=={front.get('sdk_version')}" in requirements,
        # Quoted: 3.10 without quotes is the number 3.1.
        "python_version": isinstance(front.get("python_version"), str) and front["python_version"] == "3.11",
        "app_file": (ROOT / str(front.get("app_file"))).is_file(),
        "short_description": 0 < len(str(front.get("short_description", ""))) <= 60,
        "license": front.get("license") == "apache-2.0",
        "models": bool(front.get("models")) and set(front["models"]) <= {entry.name for entry in REGISTRY},
        "tags": bool(front.get("tags")) and all(re.fullmatch(r"[a-z0-9-]+", tag) for tag in front["tags"]),
        "suggested_hardware": front.get("suggested_hardware") in {each.value for each in SpaceHardware},
        "fields": set(front) <= KNOWN,
    }
    return [name for name, holds in rules.items() if not holds]


class Validation(BaseHTTPRequestHandler):
    """The Hub's address that validates the head of a card; answers 400 and the problems where there are any."""

    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append({"path": self.path, **body})
        head = re.match(r"---\n(.*?)\n---\n", body["content"], re.DOTALL)
        found = problems(yaml.safe_load(head[1])) if head else ["no head"]
        self.send_response(400 if found else 200)
        self.end_headers()
        self.wfile.write(", ".join(found).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """Stand in for the Hub, and give what it is asked."""
    Validation.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Validation) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        # What HF_ENDPOINT sets; the client reads that once, when it is imported.
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield Validation.asked
        server.shutdown()


def test_the_head_keeps_every_rule_and_the_hubs_client_reads_it():
    card = SpaceCard(README)
    assert isinstance(card.data, SpaceCardData)
    assert problems(card.data.to_dict()) == []
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").lstrip().startswith("Apache License")


def test_the_hubs_validation_is_asked_as_for_a_space_and_lets_it_pass(asked: list[dict[str, Any]]):
    SpaceCard(README).validate()
    [question] = asked
    assert (question["path"], question["repoType"]) == ("/api/validate-yaml", "space")


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        (r"colorTo: .*", "colorTo: orange", "colours"),
        (r"emoji: .*", "emoji: dog", "emoji"),
        (r"sdk_version: .*", "sdk_version: 5.0.0", "sdk_version"),
        (r"python_version: .*", "python_version: 3.11", "python_version"),
        (r"app_file: .*", "app_file: main.py", "app_file"),
        (r"short_description: .*", f"short_description: {'x' * 61}", "short_description"),
        (r"suggested_hardware: .*", "suggested_hardware: a-cluster", "suggested_hardware"),
        (r"license: .*", "licence: apache-2.0", "license, fields"),
        (r"  - vit\n", "  - Vision Transformer\n", "tags"),
        (r"  - facebook/dinov2-small", "  - facebook/dinov3", "models"),
    ],
)
def test_what_the_hub_would_turn_away_is_turned_away_here(
    asked: list[dict[str, Any]], line: str, instead: str, said: str
):
    broken = re.sub(line, instead, README, count=1)
    assert broken != README
    with pytest.raises(ValueError, match=f"^{said}$"):
        SpaceCard(broken).validate()
