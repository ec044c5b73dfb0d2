"""The real thing: ``python app.py`` in a process of its own, and Debian's Chromium in front of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from dashboards import Dashboard
from playwright.sync_api import Browser, Page, expect

from emotion.backbones.bundled import is_complete
from emotion.backbones.registry import DEFAULT, models_folder
from emotion.pictures.folders import list_pictures

ROOT = Path(__file__).parents[2]
FACES = ROOT / "assets" / "faces"
# The first training of a server waits for its imports and for the backbone.
# A training on two busy cores without bfloat16 takes a minute where another machine needs seconds.
PATIENCE_MILLISECONDS = 300_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a browser or the backbone where it is not here, and say so."""
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        item.add_marker(pytest.mark.browser)
        if not is_complete(models_folder() / DEFAULT):
            item.add_marker(pytest.mark.skip(reason="dinov2-small is not in models/: run `make run` once"))


@dataclass
class Requests:
    """What a page asked for, and what it complained about."""

    elsewhere: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def small_sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-two drawn pictures a class of each set: a training is over in seconds."""
    root = tmp_path_factory.mktemp("pictures")
    for name in ("human_train", "human_eval", "dog_eval", "cat_eval"):
        for label, paths in list_pictures(FACES / name).items():
            (root / f"{name}" / label).mkdir(parents=True)
            for path in paths[:22]:
                shutil.copy(path, root / name / label / path.name)
    return root


@pytest.fixture(scope="module")
def serve(small_sets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Dashboard]]:
    """Return a function that starts a dashboard, on the runs folder that is given or a new one.

    All end with their module: each that is left open takes a tenth of a processor from every test after it.
    """
    started: list[Dashboard] = []

    def start(runs: Path | None = None) -> Dashboard:
        folder = runs or tmp_path_factory.mktemp("runs")
        log = tmp_path_factory.mktemp("log") / "server.txt"
        uploads = tmp_path_factory.mktemp("uploads")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {
            **os.environ, "PORT": str(port), "EMOTION_RUNS": str(folder),
            "EMOTION_CACHE": str(folder.with_name(f"{folder.name}-cache")), "EMOTION_PICTURES": str(small_sets),
            "HF_HUB_OFFLINE": "1", "GRADIO_TEMP_DIR": str(uploads),
        }  # fmt: skip
        for name in ("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT", "HOST"):
            environment.pop(name, None)
        with log.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("The dashboard is at"), log.read_text()
        started.append(Dashboard(f"http://127.0.0.1:{port}", folder, process, log, uploads))
        return started[-1]

    yield start
    for dashboard in started:
        dashboard.process.terminate()
        dashboard.process.wait(120)
        if dashboard.process.stdout:
            dashboard.process.stdout.close()


@pytest.fixture(scope="module")
def dashboard(serve: Callable[..., Dashboard]) -> Dashboard:
    """A dashboard whose runs the tests of a module share, in their order."""
    return serve()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens the dashboard; afterwards nothing may have been asked elsewhere, or gone wrong."""
    seen = Requests()
    contexts = []

    def open_at(dashboard: Dashboard, *, width: int = 1280, theme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, accept_downloads=True, permissions=["camera"]
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((dashboard.url, "data:", "blob:"))
                else seen.elsewhere.append(request.url)
            ),
        )
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.goto(f"{dashboard.url}/?__theme={theme}")
        expect(page.locator("#start")).to_be_visible()
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert seen.elsewhere == []
    assert seen.errors == []
