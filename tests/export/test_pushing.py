"""A push takes the exported files to the Hub whole or not at all, and its token nowhere else.

The client is the real one; the Hub is a stand-in on this machine.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from hub_stand_in import COMMIT, READ_ONLY, TOKEN, Kept, Repository, hub
from huggingface_hub import ModelCard, constants
from huggingface_hub.utils import are_progress_bars_disabled, get_session

from emotion.config import TrainConfig
from emotion.errors import EmotionError, HubError
from emotion.events import RunFinished
from emotion.export.checkpoint import export_run
from emotion.export.pushing import Push, Pushed
from emotion.export.sending import Sending
from emotion.job import result_of
from emotion.run import Run
from emotion.runs import create_run
from emotion.training.session import train_run
from emotion.worker import Workers

ROOT = Path(__file__).parents[2]
NAME = "rosa/emotions"
FORBIDDEN = "You don't have the rights"


@pytest.fixture
def run(tiny_config: TrainConfig, tmp_path: Path) -> Run:
    run = create_run(tiny_config, root=tmp_path / "runs")
    assert isinstance(list(train_run(run))[-1], RunFinished)
    return run


@pytest.fixture
def untrained(tiny_config: TrainConfig, tmp_path: Path) -> Run:
    """A run whose checkpoint nobody trained: for what does not look into it."""
    run = create_run(tiny_config, root=tmp_path / "runs")
    run.checkpoint.mkdir()
    (run.checkpoint / "config.json").write_text("{}")
    (run.checkpoint / "model.safetensors").write_bytes(bytes(300_000))
    (run.checkpoint / "README.md").write_text("---\nlibrary_name: transformers\n---\n# A model\n")
    return run


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def address(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    # The client reads it when it is imported.
    with hub(kept) as url:
        monkeypatch.setattr(constants, "ENDPOINT", url)
        yield url


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client try again at once."""
    monkeypatch.setattr("huggingface_hub.utils._http.time", SimpleNamespace(sleep=lambda seconds: None))


def pushed(run: Run, **options: Any) -> Pushed:
    return result_of(Push(**{"run": run, "repository": NAME, "token": TOKEN, **options}).carry_out())


def refused(run: Run, **options: Any) -> str:
    with pytest.raises(EmotionError) as caught:
        pushed(run, **options)
    said = str(caught.value)
    assert "\n" not in said
    assert not any(token in f"{said} {caught.value!r}" for token in (TOKEN, READ_ONLY))
    return said


def holding(folder: Path, text: str) -> list[Path]:
    """Return the files under a folder that hold a text in their content or their name."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if text in str(path) or text.encode() in path.read_bytes()]


def test_what_is_pushed_is_what_export_writes_and_loads_in_a_pipeline(
    run: Run, kept: Kept, address: str, tmp_path: Path
) -> None:
    from transformers import pipeline

    done = pushed(run)
    assert (done.address, done.commit, done.private) == (f"{address}/{NAME}", COMMIT, True)
    there = kept.repositories[NAME]
    assert (there.private, len(there.commits)) == (True, 1)
    export_run(run, tmp_path / "exported")
    exported = {path.name: path.read_bytes() for path in (tmp_path / "exported").iterdir()}
    assert there.files == exported
    assert done.bytes == sum(map(len, exported.values()))
    (tmp_path / "fetched").mkdir()
    for name, content in there.files.items():
        (tmp_path / "fetched" / name).write_bytes(content)
    picture = next(Path(run.config().pictures).rglob("*.png"))
    found = pipeline("image-classification", model=str(tmp_path / "fetched"))(str(picture))
    assert {each["label"] for each in found} == {"happy", "sad", "angry", "tired"}


def test_the_hub_is_asked_for_no_more_than_a_push_needs_and_the_token_stands_in_one_header(
    untrained: Run, kept: Kept, address: str
) -> None:
    pushed(untrained)
    sha256 = next(iter(kept.stored))
    # By HTTP and in one commit, also where hf_xet is installed; no list of programs for the user agent.
    assert kept.paths() == [
        "GET /api/whoami-v2",
        "POST /api/repos/create",
        "POST /api/validate-yaml",
        f"POST /api/models/{NAME}/preupload/main",
        f"POST /{NAME}.git/info/lfs/objects/batch",
        f"PUT /storage/{sha256}",
        f"POST /api/models/{NAME}/commit/main",
    ]
    for each in kept.asked:
        others = {name: value for name, value in each.headers.items() if name.lower() != "authorization"}
        assert TOKEN not in f"{each.path} {others} {each.body!r}"
    told = {each.headers.get("authorization") for each in kept.asked if not each.path.startswith("/storage/")}
    assert told == {f"Bearer {TOKEN}"}
    assert "authorization" not in next(each for each in kept.asked if each.path.startswith("/storage/")).headers


def test_the_card_passes_the_hubs_check_as_the_client_makes_it(run: Run, kept: Kept, address: str) -> None:
    pushed(run)
    ModelCard(kept.repositories[NAME].files["README.md"].decode()).validate()
    (run.checkpoint / "README.md").write_text("---\npipeline_tag: [one, two]\n---\n# A model\n")
    assert 'does not take the model card ("pipeline_tag" must be str)' in refused(run)
    assert len(kept.repositories[NAME].commits) == 1


def test_a_second_push_is_a_second_commit_or_none_where_nothing_changed(
    untrained: Run, kept: Kept, address: str
) -> None:
    pushed(untrained)
    again = pushed(untrained)
    assert (again.private, len(kept.repositories[NAME].commits)) == (True, 1)
    (untrained.checkpoint / "model.safetensors").write_bytes(b"other weights")
    pushed(untrained, private=False)
    assert len(kept.repositories[NAME].commits) == 2
    assert kept.repositories[NAME].private
    assert kept.repositories[NAME].files["model.safetensors"] == b"other weights"


def test_nothing_that_is_to_be_private_goes_where_everybody_sees_it(untrained: Run, kept: Kept, address: str) -> None:
    kept.repositories[NAME] = Repository(private=False)
    assert "is there already and everybody sees it" in refused(untrained)
    assert kept.repositories[NAME].files == {}
    assert not pushed(untrained, private=False).private


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"token": "hf_nobody"}, "does not know this token"),
        ({"token": READ_ONLY}, "may read but not write to rosa/emotions"),
        ({"token": "hf_two words"}, "That is no access token"),
        ({"token": "hf_line\nbreak"}, "That is no access token"),
        ({"token": ""}, "That is no access token"),
        ({"repository": "someone/emotions"}, "someone is not rosa, whose token this is"),
        ({"repository": "theirs/model", "private": False}, "theirs is not rosa, whose token this is"),
        ({"repository": "emotions"}, "is no name of a repository: write USER/NAME"),
        ({"repository": "rosa/../emotions"}, "is no name of a repository"),
        ({"repository": "rosa/what a name"}, "is no name of a repository"),
        ({"endpoint": "http://127.0.0.1:9"}, "cannot be reached"),
    ],
)
def test_what_a_person_gave_wrongly_is_named_and_nothing_is_made(
    untrained: Run, kept: Kept, address: str, options: dict[str, Any], said: str
) -> None:
    kept.repositories["theirs/model"] = Repository(private=False)
    assert said in refused(untrained, **options)
    assert list(kept.repositories) == ["theirs/model"]
    assert kept.repositories["theirs/model"].files == {}


@pytest.mark.parametrize(
    ("part", "answer", "said"),
    [
        ("whoami", (429, {}, {"Retry-After": "120"}), "push again in 2 min"),
        ("preupload", (429, {}, {"ratelimit": '"api";r=0;t=45'}), "push again in 45 s"),
        ("/storage/", (429, {}, {}), "rate limit is reached: push again later"),
        ("commit/main", (413, {"error": "payload too large"}, {}), "too large for the Hub"),
        ("repos/create", (403, {"error": FORBIDDEN}, {}), "does not let this token write to rosa/emotions"),
        ("repos/create", (402, {"error": "Storage limit reached"}, {}), "make room there"),
        ("repos/create", (400, {"error": f"No such thing as {TOKEN}"}, {}), "No such thing as …"),
        ("preupload", (404, {}, {"X-Error-Code": "RepoNotFound"}), "went away"),
        ("commit/main", (409, {"error": "conflict"}, {}), "was changed at the same moment"),
        ("commit/main", (503, {}, {}), "has trouble of its own (503)"),
        ("validate-yaml", (200, b"<html>", {}), "its answer is none"),
        ("objects/batch", (200, {"objects": [{"oid": "0", "size": 1, "error": {"code": 1, "message": "full"}}]}, {}),
         "full"),
    ],
)  # fmt: skip
def test_whatever_the_hub_refuses_is_one_sentence_and_no_file_is_there(
    untrained: Run, kept: Kept, address: str, part: str, answer: Any, said: str
) -> None:
    kept.refuse[part] = answer
    assert said in refused(untrained)
    assert all(each.files == {} for each in kept.repositories.values())


@pytest.mark.usefixtures("hurried")
def test_a_server_that_dies_in_the_middle_leaves_nothing_half_and_the_next_push_is_whole(
    untrained: Run, kept: Kept, address: str
) -> None:
    for kept.breaks in ("/storage/", "commit/main"):
        kept.breaks_often = 1_000
        assert "broke off" in refused(untrained)
        assert kept.repositories[NAME] == Repository(private=True)
    # Once is no trouble: the client sends the file again.
    kept.breaks, kept.breaks_often, kept.stored = "/storage/", 1, {}
    assert pushed(untrained).commit == COMMIT
    assert len(kept.repositories[NAME].files["model.safetensors"]) == 300_000


def test_a_push_that_is_closed_stops_in_the_middle_of_a_file(
    untrained: Run, kept: Kept, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = Sending.stop

    def stop_and_take(self: Sending) -> None:
        stop(self)
        kept.takes.set()

    monkeypatch.setattr(Sending, "stop", stop_and_take)
    # More than what a connection holds that nobody reads from.
    (untrained.checkpoint / "model.safetensors").write_bytes(bytes(30_000_000))
    kept.takes.clear()
    steps = Push(run=untrained, repository=NAME, token=TOKEN).carry_out()
    while not kept.begun.is_set():
        next(steps)
    steps.close()
    assert (kept.stored, kept.repositories[NAME]) == ({}, Repository(private=True))
    assert pushed(untrained).bytes > 30_000_000


def test_a_run_without_a_checkpoint_and_one_in_training_are_not_pushed(
    untrained: Run, tiny_config: TrainConfig, kept: Kept, address: str, tmp_path: Path
) -> None:
    assert "no checkpoint yet" in refused(create_run(tiny_config, root=tmp_path / "others"))
    with untrained.lock():
        assert "is still being trained" in refused(untrained)
    assert kept.asked == []


def test_the_client_is_put_back_as_it_was(untrained: Run, kept: Kept, address: str) -> None:
    names = ("HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_IMPLICIT_TOKEN")
    before = [getattr(constants, name) for name in names]
    level = logging.getLogger("huggingface_hub").level
    pushed(untrained)
    kept.refuse["whoami"] = (500, {}, {})
    refused(untrained)
    assert [getattr(constants, name) for name in names] == before
    assert logging.getLogger("huggingface_hub").level == level
    assert not are_progress_bars_disabled()
    assert get_session().timeout.connect is None


def test_no_other_process_file_or_log_learns_the_token(
    untrained: Run, kept: Kept, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log.jsonl"
    monkeypatch.setenv("EMOTION_LOG", str(log))
    kept.takes.clear()
    with Workers(runs_folder=tmp_path / "runs") as workers:
        steps = workers.do(Push(run=untrained, repository=NAME, token=TOKEN))
        step = next(steps)
        while not kept.begun.is_set():
            step = next(steps)
        children = psutil.Process().children(recursive=True)
        assert children
        for process in children:
            with contextlib.suppress(psutil.NoSuchProcess):  # one of a browser, say, that has ended meanwhile
                assert TOKEN not in f"{process.cmdline()} {process.environ()}"
        # A page that is closed closes this: the process is gone, and what it had begun comes to nothing.
        steps.close()
        kept.takes.set()
        assert step.doing == "sending 300.4 KB"
        assert kept.repositories[NAME] == Repository(private=True)
        assert result_of(workers.do(Push(run=untrained, repository=NAME, token=TOKEN))).commit == COMMIT
        assert "does not know" in str(_error_of(workers, Push(run=untrained, repository=NAME, token="hf_nobody")))
    assert holding(tmp_path, TOKEN) == []


def _error_of(workers: Workers, job: Push) -> EmotionError:
    with pytest.raises(HubError) as caught:
        result_of(workers.do(job))
    return caught.value


def test_the_command_takes_the_token_from_its_environment_and_leaves_it_nowhere(
    untrained: Run, kept: Kept, address: str, tmp_path: Path
) -> None:
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    for folder in (home, scratch):
        folder.mkdir()
    kept_out = ("HF_TOKEN", "HF_HOME", "HF_HUB_OFFLINE", "HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY")
    env = {name: value for name, value in os.environ.items() if name not in kept_out}
    env |= {"HOME": str(home), "TMPDIR": str(scratch), "HF_ENDPOINT": address, "PYTHONPATH": str(ROOT), "HF_DEBUG": "1"}

    def push(*more: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "emotion", "push", "--run", str(untrained.path), "--to", NAME, *more]
        return subprocess.run(
            command, capture_output=True, text=True, env=env | variables, timeout=120, check=False, cwd=tmp_path
        )

    without = push()
    assert (without.returncode, without.stdout) == (1, "")
    assert without.stderr.startswith("There is no token of the Hub: set HF_TOKEN")
    assert kept.asked == []
    done = push("--json", "--public", HF_TOKEN=TOKEN)
    assert json.loads(done.stdout) == {
        "address": f"{address}/{NAME}",
        "commit": COMMIT,
        "private": False,
        "bytes": sum(map(len, kept.repositories[NAME].files.values())),
    }
    wrong = push(HF_TOKEN="hf_nobody")
    assert wrong.returncode == 1
    assert "does not know this token" in wrong.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert "hf_nobody" not in wrong.stdout + wrong.stderr
    assert holding(tmp_path, TOKEN) == []
    assert [path for path in scratch.rglob("*") if path.is_file()] == []
