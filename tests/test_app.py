"""``python app.py``: where it serves, and what it says when it cannot."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from emotion.config import TrainConfig
from emotion.events import RunStopped
from emotion.runs import create_run

ROOT = Path(__file__).parents[1]
ADDRESSES = ("HOST", "PORT", "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT")


def environment(tmp_path: Path, given: dict[str, str]) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if name not in ADDRESSES}
    return {**plain, "EMOTION_RUNS": str(tmp_path / "runs"), **given}


@contextmanager
def serving(tmp_path: Path, **given: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve, and yield the first line it prints and its process."""
    server = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=environment(tmp_path, given),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    try:
        yield server.stdout.readline(), server
    finally:
        server.terminate()
        server.wait(120)
        server.stdout.close()


def refusal(tmp_path: Path, **given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment(tmp_path, given),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_a_hosted_spaces_variables_win_over_ours_and_the_server_holds_no_model(tmp_path: Path, free_port: str):
    with serving(
        tmp_path, HOST="203.0.113.1", PORT="1", GRADIO_SERVER_NAME="127.0.0.1", GRADIO_SERVER_PORT=free_port
    ) as (
        line,
        server,
    ):
        assert line == f"The dashboard is at http://127.0.0.1:{free_port} (Ctrl+C ends it)\n"
        if sys.platform == "linux":
            maps = {Path(each.path).name for each in psutil.Process(server.pid).memory_maps()}
            assert not any(name.startswith("libtorch") for name in maps)


def test_a_server_that_is_asked_to_end_does_so_in_order(tmp_path: Path, free_port: str):
    with serving(tmp_path, PORT=free_port) as (_, server):
        children = psutil.Process(server.pid).children(recursive=True)
    assert server.returncode == 0
    _, left = psutil.wait_procs(children, timeout=60)
    assert left == []


def test_a_port_in_use_is_one_sentence_and_trains_nothing_of_the_first_server(tmp_path: Path, tiny_config: TrainConfig):
    queued = create_run(tiny_config, root=tmp_path / "runs")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = refusal(tmp_path, PORT=str(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"Nothing can be served at 127.0.0.1:{port}: stop what uses that port, or choose others with PORT= and HOST=.\n"
    )
    assert queued.status() == "queued"


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_one_sentence(tmp_path: Path, port: str):
    done = refusal(tmp_path, PORT=port)
    assert done.returncode == 2
    assert done.stderr == f"The port {port!r} is not a number from 1 to 65535: set PORT to one.\n"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("EMOTION_PUBLIC", "on", "EMOTION_PUBLIC is 'on': set it to 1 for a public server, or to 0.\n"),
        ("EMOTION_CACHE_GB", "1,5", "EMOTION_CACHE_GB is '1,5': set it to a number of gigabytes, 0 for none.\n"),
        ("EMOTION_PUBLIC_SETS", "a few", "EMOTION_PUBLIC_SETS is 'a few': set it to a whole number.\n"),
        (
            "EMOTION_FIRST_RUN",
            "no",
            "EMOTION_FIRST_RUN is 'no': set it to 0 for a public server without a first run.\n",
        ),
    ],
)
def test_a_limit_that_cannot_be_is_one_sentence(tmp_path: Path, name: str, text: str, said: str):
    done = refusal(tmp_path, **{"EMOTION_PUBLIC": "1", name: text})
    assert (done.returncode, done.stderr) == (2, said)


def test_on_a_space_the_server_is_public_and_cleans(tmp_path: Path, free_port: str, tiny_config: TrainConfig):
    left = create_run(tiny_config, root=tmp_path / "runs", owner="somebody")
    left.append(RunStopped(elapsed_seconds=0.0, best_epoch=None, validation=None))
    for file in ("events.jsonl", "owner.json"):
        os.utime(left.path / file, (1, 1))
    given = {"SPACE_ID": "somebody/emotion", "EMOTION_FIRST_RUN": "0", "PORT": free_port}
    given["EMOTION_SETS"] = str(tmp_path / "sets")
    with serving(tmp_path, **given) as (line, _):
        assert line.startswith("The dashboard is at ")
        assert "HttpOnly" in httpx.get(f"http://127.0.0.1:{free_port}/", timeout=30).headers["set-cookie"]
        deadline = time.monotonic() + 30
        while left.path.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
