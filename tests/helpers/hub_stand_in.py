"""A stand-in for the Hub on this machine: as much of its HTTP interface as a push asks for. Keeps what is pushed.

It has no Xet storage, so that the client sends files by HTTP.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

from helpers.answering import Answer, Asked, answering

COMMIT = "d" * 40
TOKEN, READ_ONLY = "hf_RosaMayWriteWhateverSheLikes", "hf_RosaMayReadAndNothingElse"


@dataclass
class Repository:
    """What lies in one repository, and the message of each commit."""

    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)


@dataclass
class Kept:
    """What the stand-in has, and what it does otherwise than the Hub; ``refuse`` maps a part of a path to an answer.

    Where ``breaks`` is in a path, the connection is cut; a file waits to be taken for
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

    def answer(asked: Asked) -> Answer | None:
        if kept.breaks and kept.breaks in asked.path:
            return None
        kept.asked.append(asked)
        if asked.path.startswith("/storage/"):
            kept.begun.set()
            kept.takes.wait(60)
        return answer_of(kept, asked)

    with answering(answer) as kept.address:
        try:
            yield kept.address
        finally:
            kept.takes.set()


def answer_of(kept: Kept, asked: Asked) -> Answer:
    """Answer as the Hub, for Rosa, who is in no organisation."""
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
        return _made(kept, json.loads(asked.body))
    return _of_repository(kept, asked, kept.address)


def _validated(given: dict[str, str]) -> Answer:
    """Check the metadata of a card as far as the Hub does: it is YAML, and what is there has the types that it has."""
    data = yaml.safe_load(given["content"].split("---\n")[1])
    kinds = {"tags": list, "library_name": str, "pipeline_tag": str, "model-index": list}
    odd = [name for name, kind in kinds.items() if not isinstance(data.get(name, kind()), kind)]
    wrong = [{"message": f'"{name}" is of another type'} for name in odd]
    return (400, {"errors": wrong, "warnings": []}, {}) if wrong else (200, {"errors": [], "warnings": []}, {})


def _made(kept: Kept, given: dict[str, Any]) -> Answer:
    owner = given["organization"] or "rosa"
    name = f"{owner}/{given['name']}"
    if owner != "rosa":
        error = f'You don\'t have the rights to create a model under the namespace "{owner}"'
        return 403, {"error": error}, {}
    if name in kept.repositories:
        return 409, {"error": "You already created this model repo", "url": f"{kept.address}/{name}"}, {}
    kept.repositories[name] = Repository(private=given.get("visibility") == "private")
    return 200, {"url": f"{kept.address}/{name}", "name": name}, {}


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
