"""A visitor without a browser: speaks the page's own protocol over HTTP, with a jar of cookies, and may lie in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx


class HttpVisitor:
    """Fires events of a served page by the elem_id of what they belong to."""

    def __init__(self, url: str, *, session: str, headers: dict[str, str] | None = None) -> None:
        self.session = session
        self.client = httpx.Client(base_url=url, timeout=60, headers=headers, follow_redirects=True)
        self.first = self.client.get("/")
        self.config: dict[str, Any] = self.client.get("config").json()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    def fire(
        self, elem_id: str, kind: str, data: Sequence[Any] = (), *, event_data: Any = None, session: str | None = None
    ) -> str:
        """Let an event happen and return everything the server said to it, as text.

        Inputs beyond ``data`` are sent as they stand on a fresh page.
        """
        [component] = [each["id"] for each in self.config["components"] if each["props"].get("elem_id") == elem_id]
        events = [each for each in self.config["dependencies"] if [component, kind] in each["targets"]]
        event = next(each for each in events if each["backend_fn"])
        values = [*data, *self._fresh(event)[len(data) :]]
        return self.ask(event["id"], values, event_data=event_data, session=session)

    def ask(self, number: int, values: list[Any], *, event_data: Any = None, session: str | None = None) -> str:
        """Let the event of a number happen and return everything the server said to it, as text."""
        session = session or self.session
        body = {"fn_index": number, "session_hash": session, "data": values, "event_data": event_data}
        joined = self.client.post("gradio_api/queue/join", json=body)
        if joined.status_code != 200:
            return joined.text
        said = []
        with self.client.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    said.append(json.loads(line[6:]))
                    if said[-1]["msg"] in ("process_completed", "close_stream"):
                        break
        return json.dumps(said, ensure_ascii=False)

    def look(self) -> str:
        """Return what the page's own look for news says, and what follows it: everything that it shows of runs."""
        events = self.config["dependencies"]
        [news] = [each for each in events if _is_news(each, self.config)]
        said = [self.ask(news["id"], self._fresh(news))]
        # A page does so when the first output, which is what was seen last, has changed.
        after = [each for each in events if [news["outputs"][0], "change"] in each["targets"]]
        said += [self.ask(each["id"], self._fresh(each)) for each in after]
        return "\n".join(said)

    def _fresh(self, event: dict[str, Any]) -> list[Any]:
        values = {each["id"]: each["props"].get("value") for each in self.config["components"]}
        return [values[each] for each in event["inputs"]]

    def upload(self, name: str, content: bytes) -> str:
        """Upload a file and return its path on the server."""
        answer = self.client.post("gradio_api/upload", files={"files": (name, content)})
        assert answer.status_code == 200, answer.text
        path: str = answer.json()[0]
        return path


def _is_news(event: dict[str, Any], config: dict[str, Any]) -> bool:
    [table] = [each["id"] for each in config["components"] if each["props"].get("elem_id") == "runs-table"]
    return table in event["outputs"] and len(event["targets"]) == 2
