"""A visitor of the named endpoints over plain HTTP, who keeps a cookie as a browser does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx

PATIENCE_SECONDS = 120.0
_CODED = re.compile(r"\[(\w+)\] (.+)", re.DOTALL)


class RefusedError(Exception):
    """The server said no, with a code and a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"[{code}] {sentence}")
        self.code = code


class OddError(Exception):
    """The server answered what no visitor should ever see."""


class Visitor:
    """Calls endpoints; a server that is away raises ``httpx.TransportError``."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=PATIENCE_SECONDS)

    def enter(self) -> None:
        """Fetch the page, and with it the cookie that tells this visitor from the others."""
        for path in ("", "theme.css"):
            self._checked(self._http.get(path))

    def reload(self) -> None:
        """Fetch the page and let everything happen that happens when it loads."""
        self.enter()
        config = self._http.get("config").json()
        session = f"soak-{id(self)}"
        values = {each["id"]: each["props"].get("value") for each in config["components"]}
        loads = [each for each in config["dependencies"] if each["backend_fn"] and _is_load(each)]
        for event in loads:
            body = {
                "fn_index": event["id"],
                "session_hash": session,
                "data": [values[each] for each in event["inputs"]],
            }
            self._checked(self._http.post("gradio_api/queue/join", json=body))
        with self._http.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as answer:
            for line in answer.iter_lines():
                said = json.loads(line[6:]) if line.startswith("data: ") else {}
                if said.get("msg") == "process_completed" and not said["success"]:
                    raise OddError(f"a load of the page failed: {said['output']}")
                if said.get("msg") == "close_stream":
                    return

    def upload(self, name: str, content: bytes) -> dict[str, Any]:
        """Upload a file and return it as endpoints take it."""
        answer = self._checked(self._http.post("gradio_api/upload", files={"files": (name, content)}))
        return {"path": answer.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def ask(self, endpoint: str, *values: Any) -> Any:
        """Call an endpoint and return its answer.

        Raises:
            RefusedError: the server said no.
            OddError: it said what it never should.
        """
        began = self._checked(self._http.post(f"gradio_api/call/{endpoint}", json={"data": values}))
        event = ""
        with self._http.stream("GET", f"gradio_api/call/{endpoint}/{began.json()['event_id']}") as answer:
            for line in answer.iter_lines():
                kind, _, text = line.partition(": ")
                if kind == "event":
                    event = text
                elif kind == "data" and event == "complete":
                    return json.loads(text)[0]
                elif kind == "data" and event == "error":
                    raise _said_no(json.loads(text))
        raise OddError(f"{endpoint} ended without an answer")

    def predict(self, picture: Path, run: str = "") -> dict[str, Any]:
        """Return what a run says of a picture."""
        said: dict[str, Any] = self.ask("predict", self.upload(picture.name, picture.read_bytes()), run)
        return said

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code != 200:
            raise OddError(f"{answer.request.url.path}: HTTP {answer.status_code}: {answer.text[:200]}")
        return answer


def _said_no(output: Any) -> Exception:
    message = str(output.get("error") if isinstance(output, dict) else output)
    coded = _CODED.fullmatch(message)
    return RefusedError(coded[1], coded[2]) if coded else OddError(f"an error without a code: {message[:200]}")


def _is_load(event: dict[str, Any]) -> bool:
    return any(trigger == "load" for _, trigger in event["targets"])
