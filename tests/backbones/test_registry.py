"""Where backbones are found, and one sentence for each way in which they are not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from emotion.backbones import hub
from emotion.backbones.registry import DEFAULT, REGISTRY, list_backbones, locate
from emotion.errors import BackboneError
from emotion.writing import hash_file

COMMIT = "a" * 40


def test_the_bundled_backbone_is_the_default_and_the_reports_is_offered() -> None:
    names = [row.name for row in list_backbones()]
    assert names[0] == DEFAULT == "dinov2-small"
    assert {"facebook/dinov2-small", "google/vit-base-patch16-224-in21k"} <= set(names)
    assert len(set(names)) == len(REGISTRY)


def test_listing_imports_neither_torch_nor_transformers() -> None:
    code = (
        "import sys\nfrom emotion.backbones.registry import list_backbones\nlist_backbones()\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True)


def test_a_local_folder_is_found_with_its_hash(tiny_vit: Path) -> None:
    source = locate(str(tiny_vit))
    assert (source.source, source.path) == ("folder", tiny_vit.absolute())
    assert source.sha256 == hash_file(tiny_vit / "model.safetensors")
    assert json.loads(json.dumps(source.to_json()))["sha256"] == source.sha256


def test_pickled_weights_are_refused(tiny_vit: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((tiny_vit / "config.json").read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(BackboneError, match="pickled weights are never opened"):
        locate(str(tmp_path))


def test_a_folder_without_configuration_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"has no config\.json"):
        locate(str(tmp_path))


@pytest.mark.parametrize("name", ["nothing", "a/b/c", "../../etc/passwd", "owner/..", "a b/c"])
def test_a_name_that_is_nothing_is_one_sentence(name: str) -> None:
    with pytest.raises(BackboneError, match="There is no backbone"):
        locate(name)


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub's HTTP interface as fetching a model asks for."""

    files: dict[str, bytes]

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        owner_and_name, _, rest = self.path.partition("/resolve/")
        if self.path.startswith("/api/models/team/tiny/tree/"):
            rows = [{"type": "file", "path": name, "size": len(body), "oid": name} for name, body in self.files.items()]
            self._send(200, json.dumps(rows).encode(), {"Content-Type": "application/json"})
        elif self.path.startswith("/api/models/team/tiny"):
            siblings = [{"rfilename": name} for name in self.files]
            body = json.dumps({"id": "team/tiny", "sha": COMMIT, "siblings": siblings}).encode()
            self._send(200, body, {"Content-Type": "application/json"})
        elif owner_and_name == "/team/tiny" and (name := rest.split("/", 1)[-1]) in self.files:
            self._send(200, self.files[name], {"ETag": f'"{name}"', "X-Repo-Commit": COMMIT})
        else:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@pytest.fixture
def hub_url() -> Iterator[str]:
    """Serve a stand-in for the Hub on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def pull(name: str, *, endpoint: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """Fetch a backbone with the real client, which reads its settings when it is imported."""
    return subprocess.run(
        [sys.executable, "-m", "emotion", "backbones", "pull", name],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(cache), "HF_HUB_DISABLE_XET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_hub_model_is_downloaded_once_with_its_commit(hub_url: str, tiny_vit: Path, tmp_path: Path) -> None:
    Hub.files = {name: (tiny_vit / name).read_bytes() for name in hub.FILES}
    done = pull("team/tiny", endpoint=hub_url, cache=tmp_path)
    assert done.returncode == 0, done.stderr
    assert COMMIT in done.stdout
    assert hash_file(tiny_vit / "model.safetensors") in done.stdout
    offline = pull("team/tiny", endpoint="http://127.0.0.1:9", cache=tmp_path)
    assert offline.stdout == done.stdout, offline.stderr


def test_a_model_the_hub_does_not_have_is_one_sentence(hub_url: str, tmp_path: Path) -> None:
    Hub.files = {}
    done = pull("team/nothing", endpoint=hub_url, cache=tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"The Hub at {hub_url} has no model team/nothing: check its name.\n"


def test_a_hub_model_without_safetensors_is_refused(hub_url: str, tiny_vit: Path, tmp_path: Path) -> None:
    Hub.files = {"config.json": (tiny_vit / "config.json").read_bytes(), "pytorch_model.bin": b"\x80"}
    done = pull("team/tiny", endpoint=hub_url, cache=tmp_path)
    assert done.returncode == 1
    assert "pickled weights are never opened" in done.stderr
    assert not list(tmp_path.rglob("pytorch_model.bin"))


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://10.255.255.1", "http://nowhere.invalid"])
def test_an_unreachable_hub_is_one_sentence_within_five_seconds(tmp_path: Path, endpoint: str) -> None:
    began = time.monotonic()
    done = pull("google/vit-base-patch16-224-in21k", endpoint=endpoint, cache=tmp_path)
    assert time.monotonic() - began < 5
    assert done.returncode == 1
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith(f"google/vit-base-patch16-224-in21k is not on this machine, and the Hub at {endpoint}")
    assert "choose the bundled dinov2-small" in sentence
