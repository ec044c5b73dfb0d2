"""A stand-in for the Hub on this machine: as much of its HTTP interface as a push asks for. Keeps what is pushed.

It has no Xet storage, so that the client sends files by HTTP.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

COMMIT = "d" * 40
TOKEN, READ_ONLY = "hf_RosaMayWriteWhateverSheLikes", "hf_RosaMayReadAndNothingElse"
Answer = tuple[int, Any, dict[str, str]]


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Repository:
    """What lies in one repository, and the message of each commit."""

    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)


@dataclass
class Kept:
    """What the stand-in has, and what it does otherwise than the Hub; ``refuse`` maps a part of a path to an answer.

    Where ``breaks`` is in a path, the connection is cut when some of the request is read; a file waits to be taken for
    as long as ``takes`` is not set.
    """

    address: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    refuse: dict[str, Answer] = field(default_factory=dict)
    breaks: str = ""
    takes: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.takes.set()


@contextmanager
def hub(kept: Kept) -> Iterator[str]:
    """Serve it, and yield the address."""

    class Hub(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_PUT(self) -> None:
            self._answer()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self) -> None:
            path = unquote(urlsplit(self.path).path)
            if kept.breaks and kept.breaks in path:
                self.rfile.read1(1000)
                self.close_connection = True
                self.connection.close()
                return
            kept.asked.append(Asked(self.command, path, dict(self.headers), self._body(path)))
            status, value, headers = answer(kept, kept.asked[-1], f"http://{self.headers['Host']}")
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            for name, text in {"Content-Type": "application/json", **headers, "Content-Length": len(body)}.items():
                self.send_header(name, str(text))
            self.end_headers()
            self.wfile.write(body)

        def _body(self, path: str) -> bytes:
            if path.startswith("/storage/"):
                kept.begun.set()
                kept.takes.wait(60)
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing of a client that goes away."""

    server = Server(("127.0.0.1", 0), Hub)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    kept.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield kept.address
    finally:
        kept.takes.set()
        server.shutdown()
        thread.join()
        server.server_close()


def answer(kept: Kept, asked: Asked, address: str) -> Answer:
    """Return status, body and headers: as the Hub, for Rosa, who is in no organisation."""
    for part, refusal in kept.refuse.items():
        if part in asked.path:
            return refusal
    if asked.path.startswith("/storage/"):
        # Signed addresses of a storage elsewhere: whoever has one needs no token.
        sha256 = asked.path.rpartition("/")[2]
        if hashlib.sha256(asked.body).hexdigest() != sha256:
            return 400, {"error": "torn"}, {}
        kept.stored[sha256] = asked.body
        return 200, b"", {}
    token = asked.headers.get("authorization", "").removeprefix("Bearer ")
    if asked.path == "/api/validate-yaml":
        return _validated(json.loads(asked.body))
    if token not in (TOKEN, READ_ONLY):
        return 401, {"error": "Invalid credentials in Authorization header"}, {}
    if token == READ_ONLY and asked.method != "GET":
        return 403, {"error": "This token may read but not write"}, {}
    if asked.path == "/api/repos/create":
        return _made(kept, json.loads(asked.body), address)
    return _of_repository(kept, asked, address)


def _validated(given: dict[str, str]) -> Answer:
    """Check the metadata of a card as far as the Hub does: it is YAML, and what is there has the types that it has."""
    assert given["repoType"] == "model"
    head = given["content"].split("---\n")[1]
    data = yaml.safe_load(head)
    wrong = [
        {"message": f'"{name}" must be {kind.__name__}'}
        for name, kind in {"tags": list, "library_name": str, "pipeline_tag": str, "model-index": list}.items()
        if name in data and not isinstance(data[name], kind)
    ]
    for model in data.get("model-index", []):
        if not isinstance(model.get("name"), str) or not isinstance(model.get("results"), list):
            wrong.append({"message": '"model-index[0]" needs name and results'})
    return (400, {"errors": wrong, "warnings": []}, {}) if wrong else (200, {"errors": [], "warnings": []}, {})


def _made(kept: Kept, given: dict[str, Any], address: str) -> Answer:
    owner = given["organization"] or "rosa"
    name = f"{owner}/{given['name']}"
    if owner != "rosa":
        error = f'You don\'t have the rights to create a model under the namespace "{owner}"'
        return 403, {"error": error}, {}
    if name in kept.repositories:
        return 409, {"error": "You already created this model repo", "url": f"{address}/{name}"}, {}
    kept.repositories[name] = Repository(private=given.get("visibility") == "private")
    return 200, {"url": f"{address}/{name}", "name": name}, {}


def _of_repository(kept: Kept, asked: Asked, address: str) -> Answer:
    for name, repository in kept.repositories.items():
        api = f"/api/models/{name}"
        if asked.path in (api, f"{api}/revision/main"):
            return 200, {"id": name, "private": repository.private, "sha": COMMIT, "siblings": [], "tags": []}, {}
        if not name.startswith("rosa/"):
            return 403, {"error": "You are not in the authorized list"}, {}
        if asked.path == f"{api}/preupload/main":
            return 200, {"files": [_mode(file, repository) for file in json.loads(asked.body)["files"]]}, {}
        if asked.path == f"/{name}.git/info/lfs/objects/batch":
            return _batch(kept, json.loads(asked.body), f"{address}/storage")
        if asked.path == f"{api}/commit/main":
            return _committed(kept, repository, asked.body, f"{address}/{name}")
    return 404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"}


def _mode(file: dict[str, Any], repository: Repository) -> dict[str, Any]:
    is_large = file["path"].endswith(".safetensors")
    found = {"path": file["path"], "uploadMode": "lfs" if is_large else "regular", "shouldIgnore": False}
    if file["path"] in repository.files:
        content = repository.files[file["path"]]
        in_git = hashlib.sha1(b"blob %d\0%b" % (len(content), content)).hexdigest()
        found["oid"] = hashlib.sha256(content).hexdigest() if is_large else in_git
    return found


def _batch(kept: Kept, given: dict[str, Any], storage: str) -> Answer:
    wanted = [
        {"oid": each["oid"], "size": each["size"]}
        | ({} if each["oid"] in kept.stored else {"actions": {"upload": {"href": f"{storage}/{each['oid']}"}}})
        for each in given["objects"]
    ]
    return 200, {"transfer": "basic", "objects": wanted}, {}


def _committed(kept: Kept, repository: Repository, body: bytes, address: str) -> Answer:
    """Take all of a commit or nothing of it."""
    files, message = dict(repository.files), ""
    for line in body.splitlines():
        key, value = (operation := json.loads(line))["key"], operation["value"]
        if key == "header":
            message = value["summary"]
        elif key == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif key == "lfsFile":
            if value["oid"] not in kept.stored:
                return 400, {"error": f"{value['path']} points to a file that is not there"}, {}
            files[value["path"]] = kept.stored[value["oid"]]
    repository.files = files
    repository.commits.append(message)
    return 200, {"success": True, "commitOid": COMMIT, "commitUrl": f"{address}/commit/{COMMIT}"}, {}
