"""A push takes the exported files to the Hub whole or not at all, and its token nowhere else.

The client is the real one; the Hub is a stand-in on this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.command import Emotion, Said
from helpers.hub_stand_in import COMMIT, READ_ONLY, TOKEN, Kept, Repository, hub
from helpers.serving import ROOT
from huggingface_hub import ModelCard, constants

NAME = "rosa/emotions"
PushIt = Callable[..., Said]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """The Hub, on this machine; its client tries again at once."""
    kept = Kept()
    with hub(kept) as url:
        monkeypatch.setattr(constants, "ENDPOINT", url)  # Read from HF_ENDPOINT when the client is imported.
        monkeypatch.setattr("huggingface_hub.utils._http.time", SimpleNamespace(sleep=lambda seconds: None))
        yield kept


@pytest.fixture
def push(run: Path, emotion: Emotion, monkeypatch: pytest.MonkeyPatch) -> PushIt:
    """Push the run by the command line, with a token in its environment."""

    def push(*more: object, to: str = NAME, token: str = TOKEN) -> Said:
        monkeypatch.setenv("HF_TOKEN", token)
        said = emotion("push", "--run", run, "--to", to, *more)
        assert not any(each in said.out + said.err for each in (TOKEN, READ_ONLY))
        return said

    return push


def refused(said: Said) -> str:
    assert (said.code, said.out) == (1, "")
    [sentence] = said.err.splitlines()
    return sentence


def test_what_is_pushed_is_what_export_writes_in_one_commit_and_private(
    run: Path, push: PushIt, emotion: Emotion, kept: Kept, tmp_path: Path
) -> None:
    done = push("--json").json
    there = kept.repositories[NAME]
    emotion("export", "--run", run, "--to", tmp_path / "exported")
    exported = {path.name: path.read_bytes() for path in (tmp_path / "exported").iterdir()}
    assert there.files == exported
    assert (there.private, len(there.commits)) == (True, 1)
    size = sum(map(len, exported.values()))
    assert done == {"address": f"{kept.address}/{NAME}", "commit": COMMIT, "private": True, "bytes": size}
    ModelCard(there.files["README.md"].decode()).validate()


def test_the_token_stands_in_one_header_of_what_the_hub_is_asked_and_goes_to_no_storage(
    push: PushIt, kept: Kept
) -> None:
    assert push().code == 0
    assert len(kept.asked) > 3
    for each in kept.asked:
        is_storage = each.path.startswith("/storage/")
        assert each.headers.get("authorization") == (None if is_storage else f"Bearer {TOKEN}")
        del each.headers["authorization"]
        assert TOKEN not in f"{each.path} {each.headers.items()} {each.body!r}"


def test_a_second_push_adds_a_commit_where_something_changed_and_stays_as_private_as_the_first(
    run: Path, push: PushIt, kept: Kept
) -> None:
    push()
    assert push().code == 0
    assert len(kept.repositories[NAME].commits) == 1
    (run / "checkpoint" / "model.safetensors").write_bytes(b"other weights")
    assert push("--public").code == 0
    assert kept.repositories[NAME].private
    assert kept.repositories[NAME].files["model.safetensors"] == b"other weights"
    assert len(kept.repositories[NAME].commits) == 2


def test_nothing_that_is_to_be_private_goes_where_everybody_sees_it(push: PushIt, kept: Kept) -> None:
    kept.repositories[NAME] = Repository(private=False)
    assert "everybody sees it" in refused(push())
    assert kept.repositories[NAME].files == {}
    assert push("--public", "--json").json["private"] is False


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"token": "hf_nobody"}, "Invalid credentials"),
        ({"token": READ_ONLY}, "may read but not write"),
        ({"token": "hf_two words"}, "no access token"),
        ({"token": ""}, "HF_TOKEN"),
        ({"to": "someone/emotions"}, 'under the namespace "someone"'),
        ({"to": "theirs/model"}, "did not take theirs/model (You are not in the authorized list)"),
        *(({"to": name}, "USER/NAME") for name in ("emotions", "rosa/../emotions", "rosa/what a name")),
    ],
)
def test_what_a_person_gave_wrongly_is_one_sentence_with_the_hubs_own_words_and_nothing_is_made(
    push: PushIt, kept: Kept, given: dict[str, str], said: str
) -> None:
    kept.repositories["theirs/model"] = Repository(private=False)
    assert said in refused(push("--public", **given))
    assert kept.repositories == {"theirs/model": Repository(private=False)}


FULL = {"objects": [{"oid": "0", "size": 1, "error": {"code": 1, "message": "full"}}]}


@pytest.mark.parametrize(
    ("part", "answer"),
    [
        ("/storage/", (429, {}, {})), ("commit/main", (413, {"error": "payload too large"}, {})),
        ("repos/create", (400, {"error": f"No such thing as {TOKEN}"}, {})), ("commit/main", (503, {}, {})),
        ("preupload", (404, {}, {"X-Error-Code": "RepoNotFound"})), ("objects/batch", (200, FULL, {})),
    ],
)  # fmt: skip
def test_whatever_the_hub_refuses_is_one_sentence_and_no_file_is_there(
    push: PushIt, kept: Kept, part: str, answer: Any
) -> None:
    kept.refuse[part] = answer
    assert "did not take rosa/emotions (" in refused(push())
    assert all(each.files == {} for each in kept.repositories.values())


def test_a_hub_that_dies_in_the_middle_or_is_not_there_is_one_sentence_and_the_next_push_is_whole(
    run: Path, push: PushIt, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kept.breaks in ("/storage/", "commit/main"):
        assert "did not take" in refused(push())
        assert kept.repositories[NAME] == Repository(private=True)
    kept.breaks = ""
    assert push().code == 0
    weights = (run / "checkpoint" / "model.safetensors").read_bytes()
    assert kept.repositories[NAME].files["model.safetensors"] == weights
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "The Hub at http://127.0.0.1:9 did not take rosa/emotions (" in refused(push())
    # A run without a model is not pushed at all.
    (run / "checkpoint" / "config.json").unlink()
    assert "no checkpoint yet" in refused(push())


def test_the_command_leaves_the_token_in_no_file(run: Path, kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    plain |= {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path), "HF_ENDPOINT": kept.address, "HF_DEBUG": "1"}
    command = [sys.executable, "-m", "emotion", "push", "--run", str(run), "--to", NAME, "--json"]
    env = {**plain, "PYTHONPATH": str(ROOT), "HF_TOKEN": TOKEN}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["commit"] == COMMIT
    assert TOKEN not in done.stdout + done.stderr
    holding = [path for folder in (tmp_path, run) for path in folder.rglob("*") if path.is_file()]
    assert [path for path in holding if TOKEN.encode() in path.read_bytes()] == []
