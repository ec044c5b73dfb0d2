"""A stand-in for the Hub on this machine: as much of its HTTP interface as fetching a model asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

COMMIT = "a" * 40


@contextmanager
def serving_models(models: Mapping[str, Mapping[str, bytes]]) -> Iterator[str]:
    """Serve models, by their names and the names of their files, and yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            if found := re.match("/api/models/([^/]+/[^/?]+)(/tree/)?", self.path):
                files = models.get(found[1])
                rows = [{"type": "file", "path": name, "size": len(files[name]), "oid": name} for name in files or {}]
                about = {"id": found[1], "sha": COMMIT, "siblings": [{"rfilename": name} for name in files or {}]}
                if files is not None:
                    return self._send(
                        json.dumps(rows if found[2] else about).encode(), "Content-Type", "application/json"
                    )
            found = re.match("/([^/]+/[^/]+)/resolve/[^/]+/(.+)", self.path)
            if found and found[2] in models.get(found[1], {}):
                return self._send(models[found[1]][found[2]], "ETag", f'"{found[2]}"')
            return self._send(b"", "X-Error-Code", "RepoNotFound", status=404)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _send(self, body: bytes, name: str, value: str, *, status: int = 200) -> None:
            self.send_response(status)
            for header in ((name, value), ("Content-Length", str(len(body))), ("X-Repo-Commit", COMMIT)):
                self.send_header(*header)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
