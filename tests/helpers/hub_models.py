"""A stand-in for the Hub on this machine: as much of its HTTP interface as fetching a model asks for."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager

from helpers.answering import NOT_FOUND, Answer, Asked, answering

COMMIT = "a" * 40


def serving_models(models: Mapping[str, Mapping[str, bytes]]) -> AbstractContextManager[str]:
    """Serve models, by their names and the names of their files, and yield the address."""

    def answer(asked: Asked) -> Answer:
        found = re.match("/api/models/([^/]+/[^/?]+)(/tree/)?", asked.path)
        if found and found[1] in models:
            files = models[found[1]]
            rows = [{"type": "file", "path": name, "size": len(files[name]), "oid": name} for name in files]
            about = {"id": found[1], "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]}
            return 200, rows if found[2] else about, {"X-Repo-Commit": COMMIT}
        found = re.match("/([^/]+/[^/]+)/resolve/[^/]+/(.+)", asked.path)
        if found and found[2] in models.get(found[1], {}):
            return 200, models[found[1]][found[2]], {"ETag": f'"{found[2]}"', "X-Repo-Commit": COMMIT}
        return NOT_FOUND

    return answering(answer)
