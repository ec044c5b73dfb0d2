"""A server on this machine that answers by a function: what the stand-ins for the Hub stand on."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

# Status, body and headers; a body that is no bytes is sent as JSON.
Answer = tuple[int, Any, dict[str, str]]
NOT_FOUND = (404, b"", {"X-Error-Code": "RepoNotFound"})


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: Message  # Whatever the case of a name, it is found.
    body: bytes


@contextmanager
def answering(answer: Callable[[Asked], Answer | None]) -> Iterator[str]:
    """Serve as long as the context lasts and yield the address; where there is no answer, the connection is cut."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # Headers and body are two writes: the second would wait 40 ms.

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            answered = answer(Asked(self.command, path, self.headers, self._body()))
            if answered is None:
                self.close_connection = True
                return
            status, value, headers = answered
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            for name, text in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, text)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_POST = do_PUT = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Say nothing of a client that goes away."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
