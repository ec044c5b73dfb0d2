"""A stand-in for the Hub on this machine: as much of its HTTP interface as reading a data set asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

COMMIT = "c" * 40


@dataclass
class Kept:
    """What the stand-in has, what it answers instead, and what it was asked for (method, path, bytes sent)."""

    files: dict[str, bytes] = field(default_factory=dict)
    name: str = "team/faces"
    refuse_all: tuple[int, dict[str, str]] | None = None
    refuse_files: tuple[int, dict[str, str]] | None = None
    cut: bool = False
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def sent(self, file: str) -> int:
        """Return how many bytes of a file were sent."""
        return sum(size for _, path, size in self.asked if path.endswith("/" + file))


@contextmanager
def serving(kept: Kept) -> Iterator[str]:
    """Serve it, and yield the address."""

    class Hub(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(body["paths"])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self, paths: list[str] | None = None) -> None:
            path = unquote(urlsplit(self.path).path)
            api, files = f"/api/datasets/{kept.name}", f"/datasets/{kept.name}/resolve/{COMMIT}/"
            if kept.refuse_all:
                self._send(kept.refuse_all[0], b"", kept.refuse_all[1])
            elif path in (api, f"{api}/revision/{COMMIT}"):
                siblings = [{"rfilename": name} for name in kept.files]
                self._json({"id": kept.name, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []})
            elif path == f"{api}/tree/{COMMIT}":
                self._json([row(name) for name in kept.files])
            elif path == f"{api}/paths-info/{COMMIT}":
                self._json([row(name) for name in paths or [] if name in kept.files])
            elif path.startswith(files) and (name := path.removeprefix(files)) in kept.files:
                if kept.refuse_files and name != "README.md":
                    self._send(kept.refuse_files[0], b"", kept.refuse_files[1])
                else:
                    self._send_file(name)
            else:
                code = "EntryNotFound" if path.startswith(files) else "RepoNotFound"
                self._send(404, b"", {"X-Error-Code": code})

        def _send_file(self, name: str) -> None:
            content, status = kept.files[name], 200
            headers = {"ETag": f'"{name}"', "X-Repo-Commit": COMMIT}
            if wanted := self.headers.get("Range"):
                first, last = wanted.removeprefix("bytes=").split("-")
                headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
                content, status = content[int(first) : int(last) + 1], 206
            elif kept.cut and name.endswith(".parquet"):
                content = content[:-1]
            self._send(status, content, headers)

        def _json(self, value: object) -> None:
            self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            kept.tokens.add(self.headers.get("Authorization", ""))
            kept.asked.append((self.command, unquote(urlsplit(self.path).path), len(body)))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    def row(name: str) -> dict[str, object]:
        content = kept.files[name]
        found: dict[str, object] = {"type": "file", "path": name, "size": len(content), "oid": name}
        if name.endswith(".parquet"):
            digest = hashlib.sha256(content).hexdigest()
            found["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 134}
        return found

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
