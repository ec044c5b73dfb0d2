"""A stand-in for the Hub on this machine: as much of its HTTP interface as reading a data set asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from helpers.sets import shot

COMMIT = "c" * 40
Refusal = tuple[int, dict[str, str]]


def faces(count: int = 3, *, labels: Sequence[Any] = ("happy", "sad"), seed: str = "") -> dict[str, Any]:
    """Return columns: a picture ``face`` and its ``mood``, ``count`` of each label in turn."""
    moods = [label for _ in range(count) for label in labels]
    kinds = ("PNG", "JPEG")
    shots = [{"bytes": shot((seed, row), kinds[row % 2]), "path": f"shot {row}.jpg"} for row in range(len(moods))]
    return {"face": shots, "mood": moods}


def parquet(path: Path, columns: Mapping[str, Any], *, classes: Sequence[str] = (), **options: Any) -> Path:
    """Write columns into a Parquet file, with the types of datasets where the classes are named."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(dict(columns))
    if classes:
        import datasets

        types = datasets.Features(face=datasets.Image(), mood=datasets.ClassLabel(names=list(classes)))
        table = table.cast(types.arrow_schema).replace_schema_metadata(types.arrow_schema.metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, **options)
    return path


def point_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the Hub's client, here and in children, ask at an address."""
    # The client reads the variable when it is imported.
    monkeypatch.setenv("HF_ENDPOINT", url)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
    place = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", place)


@dataclass
class Hub:
    """What the stand-in has, what it answers instead, and what it was asked for (path and bytes sent)."""

    files: dict[str, bytes] = field(default_factory=dict)
    name: str = "team/faces"
    others: dict[str, dict[str, bytes]] = field(default_factory=dict)
    url: str = ""
    refuse_all: Refusal | None = None
    refuse_files: Refusal | None = None
    cut: bool = False
    asked: list[tuple[str, int]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def sent(self, file: str) -> int:
        return sum(size for path, size in self.asked if path.endswith("/" + file))

    def held(self, path: str) -> tuple[str, dict[str, bytes]]:
        """Return the data set that a path is of, and its files."""
        name = next((each for each in self.others if f"/datasets/{each}" in path), self.name)
        return name, self.others.get(name, self.files)

    def row(self, name: str, content: bytes) -> dict[str, object]:
        found: dict[str, object] = {"type": "file", "path": name, "size": len(content), "oid": name}
        if name.endswith(".parquet"):
            found["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        return found

    @contextmanager
    def serving(self) -> Iterator[None]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answers", (_Answers,), {"hub": self}))
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["paths"])

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, paths: list[str] | None = None) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        data_set, held = hub.held(path)
        api, files = f"/api/datasets/{data_set}", f"/datasets/{data_set}/resolve/{COMMIT}/"
        if hub.refuse_all:
            self._send(hub.refuse_all[0], b"", hub.refuse_all[1])
        elif path in (api, f"{api}/revision/{COMMIT}"):
            siblings = [{"rfilename": name} for name in held]
            self._json({"id": data_set, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []})
        elif path == f"{api}/tree/{COMMIT}":
            self._json([hub.row(name, content) for name, content in held.items()])
        elif path == f"{api}/paths-info/{COMMIT}":
            self._json([hub.row(name, held[name]) for name in paths or [] if name in held])
        elif path.startswith(files) and (name := path.removeprefix(files)) in held:
            if hub.refuse_files and name != "README.md":
                self._send(hub.refuse_files[0], b"", hub.refuse_files[1])
            else:
                self._send_file(name, held[name])
        else:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound" if path.startswith(files) else "RepoNotFound"})

    def _send_file(self, name: str, content: bytes) -> None:
        status, headers = 200, {"ETag": f'"{name}"', "X-Repo-Commit": COMMIT}
        if wanted := self.headers.get("Range"):
            first, last = map(int, wanted.removeprefix("bytes=").split("-"))
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            content, status = content[first : last + 1], 206
        if self.hub.cut and name.endswith(".parquet"):
            content = content[:-1]
        self._send(status, content, headers)

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.hub.tokens.add(self.headers.get("Authorization", ""))
        self.hub.asked.append((unquote(urlsplit(self.path).path), len(body)))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
