"""A stand-in for the Hub on this machine: as much of its HTTP interface as reading a data set asks for."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from emotion.data.hub import FromDataSet, describe
from emotion.data.limits import Limits
from helpers.answering import NOT_FOUND, Answer, Asked, answering
from helpers.sets import result_of, shot

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


def fetched(source: Path | str, work: Path, *, mapping: Any = None, seed: int = 0, **limits: Any) -> Any:
    """Fetch a split within limits; return the pictures by their classes, and what was said of it."""
    work.mkdir()
    way = FromDataSet(describe(source), mapping=mapping or {}, seed=seed)
    told = result_of(way.steps(work, Limits(**limits)))
    return {label: sorted(names) for label, names in told.files.items()}, told


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

    def row(self, name: str, content: bytes) -> dict[str, object]:
        found: dict[str, object] = {"type": "file", "path": name, "size": len(content), "oid": name}
        if name.endswith(".parquet"):
            found["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        return found

    @contextmanager
    def serving(self) -> Iterator[None]:
        with answering(self._answer) as self.url:
            yield

    def _answer(self, asked: Asked) -> Answer:
        answer = self._answer_of(asked)
        self.tokens.add(asked.headers.get("authorization", ""))
        self.asked.append((asked.path, len(answer[1])))
        return answer

    def _answer_of(self, asked: Asked) -> Answer:
        path = asked.path
        data_set = next((each for each in self.others if f"/datasets/{each}" in path), self.name)
        held, api = self.others.get(data_set, self.files), f"/api/datasets/{data_set}"
        if self.refuse_all:
            return self.refuse_all[0], b"", self.refuse_all[1]
        if path in (api, f"{api}/revision/{COMMIT}"):
            siblings = [{"rfilename": name} for name in held]
            return 200, {"id": data_set, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}, {}
        if path == f"{api}/tree/{COMMIT}":
            return 200, [self.row(name, held[name]) for name in held], {}
        if path == f"{api}/paths-info/{COMMIT}":
            return 200, [self.row(name, held[name]) for name in json.loads(asked.body)["paths"] if name in held], {}
        files, prefix, name = path.rpartition(f"/resolve/{COMMIT}/")
        if not prefix or files != f"/datasets/{data_set}":
            return NOT_FOUND
        if name not in held:
            return 404, b"", {"X-Error-Code": "EntryNotFound"}
        if self.refuse_files and name != "README.md":
            return self.refuse_files[0], b"", self.refuse_files[1]
        return self._file(name, held[name], asked.headers.get("range", ""))

    def _file(self, name: str, content: bytes, wanted: str) -> Answer:
        status, headers = 200, {"ETag": f'"{name}"', "X-Repo-Commit": COMMIT}
        if wanted:
            first, last = map(int, wanted.removeprefix("bytes=").split("-"))
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            content, status = content[first : last + 1], 206
        return status, content[:-1] if self.cut and name.endswith(".parquet") else content, headers
