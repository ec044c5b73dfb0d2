"""Visitors without a browser: they speak the server's own HTTP, keep a cookie as a browser does, and may lie."""

import json
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from helpers.pictures import picture_bytes

PATIENCE_SECONDS = 120.0
_CODED = re.compile(r"\[(\w+)\] (.+)", re.DOTALL)


class RefusedError(Exception):
    """The server said no, with a code and a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"[{code}] {sentence}")
        self.code, self.sentence = code, sentence


class OddError(Exception):
    """The server answered what no visitor should ever see."""


def file_payload(path: str, name: str) -> dict[str, Any]:
    """Return a file as the page and the endpoints take it."""
    return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}


class Visitor:
    """Calls endpoints and fires events; a server that is away raises ``httpx.TransportError``.

    One that does not enter has no cookie. ``session`` stands for the page that is open.
    """

    def __init__(self, url: str, *, enters: bool = True, **headers: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=PATIENCE_SECONDS, headers=headers)
        self.session = f"page-{secrets.token_hex(6)}"
        if enters:
            self.first = self.enter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def enter(self) -> httpx.Response:
        """Fetch the page, and with it the cookie that tells this visitor from the others."""
        return _checked(self.http.get("/"))

    def upload(self, name: str, content: bytes) -> dict[str, Any]:
        """Upload a file and return it as endpoints take it."""
        answer = _checked(self.http.post("gradio_api/upload", files={"files": (name, content)}))
        return file_payload(answer.json()[0], name)

    def ask(self, endpoint: str, *values: Any) -> Any:
        """Call an endpoint and return its answer.

        Raises:
            RefusedError: the server said no.
            OddError: it said what it never should.
        """
        began = _checked(self.http.post(f"gradio_api/call/{endpoint}", json={"data": values}))
        event = ""
        with self.http.stream("GET", f"gradio_api/call/{endpoint}/{began.json()['event_id']}") as answer:
            for line in answer.iter_lines():
                kind, _, text = line.partition(": ")
                if kind == "event":
                    event = text
                elif kind == "data" and event == "complete":
                    return json.loads(text)[0]
                elif kind == "data" and event == "error":
                    raise _said_no(json.loads(text))
        raise OddError(f"{endpoint} ended without an answer")

    def refusal(self, endpoint: str, *values: Any) -> RefusedError:
        """Call an endpoint that has to say no, and return what it says."""
        with pytest.raises(RefusedError) as said:
            self.ask(endpoint, *values)
        return said.value

    def predict(self, run: str = "", content: bytes = b"") -> dict[str, float]:
        """Let a run, or the one in use, judge a picture, or the content that is given, and return its scores."""
        picture = self.upload("one.png", content or picture_bytes())
        scores: dict[str, float] = self.ask("predict", picture, run)["scores"]
        assert sum(scores.values()) == pytest.approx(1, abs=1e-4)
        return scores

    def bring(self, archive: Path, name: str) -> str:
        """Import a zip as a picture set of dogs, and return the set's key."""
        given = self.upload(archive.name, archive.read_bytes())
        return str(self.ask("import_pictures", given, name, "dog", False)["key"])

    def train(
        self, backbone: Path, *, epochs: int = 1, batch: int = 24, depth: str = "head",
        pictures: str = "given/human_train", preset: str = "Quick",
    ) -> str:  # fmt: skip
        """Start a training, which is over in a moment unless it is told otherwise, and return its run's name."""
        return str(self.ask("train", pictures, preset, str(backbone), epochs, batch, depth, 42, False)["run"])

    def events(self) -> list[dict[str, Any]]:
        """Return every event of the page that the server answers, with the values ``fresh`` of its inputs."""
        config = _checked(self.http.get("config")).json()
        values = {each["id"]: each["props"].get("value") for each in config["components"]}
        found = [each for each in config["dependencies"] if each["backend_fn"]]
        return [{**each, "fresh": [values[given] for given in each["inputs"]]} for each in found]

    def fire(
        self, event: dict[str, Any], values: Sequence[Any], *, event_data: Any = None, session: str | None = None
    ) -> str:
        """Let an event of the page happen and return everything that the server said to it, as text."""
        body = {
            "fn_index": event["id"], "session_hash": session or self.session, "data": list(values),
            "event_data": event_data,
        }  # fmt: skip
        joined = self.http.post("gradio_api/queue/join", json=body)
        return joined.text if joined.status_code != 200 else json.dumps(self._heard(body["session_hash"], 1))

    def reload(self) -> str:
        """Fetch the page, let everything happen that happens when it loads, and return what the server said.

        Raises:
            OddError: a part of it failed.
        """
        self.enter()
        loads = [each for each in self.events() if any(kind == "load" for _, kind in each["targets"])]
        for event in loads:
            body = {"fn_index": event["id"], "session_hash": self.session, "data": event["fresh"]}
            _checked(self.http.post("gradio_api/queue/join", json=body))
        said = self._heard(self.session, len(loads))
        failed = [each["output"] for each in said if each["msg"] == "process_completed" and not each["success"]]
        if failed:
            raise OddError(f"a load of the page failed: {failed}")
        return json.dumps(said)

    def _heard(self, session: str, ends: int) -> list[dict[str, Any]]:
        """Return what is said to a page until so many of its events have ended."""
        said: list[dict[str, Any]] = []
        with self.http.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    said.append(json.loads(line[6:]))
                    ends -= said[-1]["msg"] == "process_completed"
                    if ends <= 0 or said[-1]["msg"] == "close_stream":
                        break
        return said


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.status_code != 200:
        raise OddError(f"{answer.request.url.path}: HTTP {answer.status_code}: {answer.text[:200]}")
    return answer


def _said_no(output: Any) -> Exception:
    message = str(output.get("error") if isinstance(output, dict) else output)
    coded = _CODED.fullmatch(message)
    return RefusedError(coded[1], coded[2]) if coded else OddError(f"an error without a code: {message[:200]}")
