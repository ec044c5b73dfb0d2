"""What every test finds: own folders, one thread, a tiny backbone, a trained tiny run, the command line, a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers.command import Emotion, Said
from helpers.pictures import COLOURS, write_pictures, write_tiny_dinov2, write_tiny_vit
from helpers.serving import Site, serving
from helpers.training import Trainer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from emotion.core.config import TrainConfig

# Before anything imports torch or the Hub's client, and for every child: two workers share two cores, and nobody's
# home is looked at.
os.environ |= {"OMP_NUM_THREADS": "1", "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}

MakePictures = Callable[..., Path]
STEERING = ("EMOTION_", "GRADIO_SERVER", "GRADIO_TEMP", "HOST", "PORT", "SPACE_ID", "SPACE_HOST", "HF_TOKEN")
KEPT = ("EMOTION_MODELS", "EMOTION_WHEELS")

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    # A webcam that shows a clock, allowed without a question.
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a browser; files that serve a dashboard begin, so that none of them is left for the end."""
    served = {item.path for item in items if {"site", "browser"} & set(getattr(item, "fixturenames", ()))}
    items.sort(key=lambda item: item.path not in served)
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


def _steer_into(root: Path, patch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(STEERING) and name not in KEPT:
            patch.delenv(name)
    for name in ("runs", "sets", "cache"):
        patch.setenv(f"EMOTION_{name.upper()}", str(root / name))
    patch.setenv("GRADIO_TEMP_DIR", str(root / "uploads"))
    patch.setenv("HF_HOME", str(root / "hub"))


@pytest.fixture(scope="session", autouse=True)
def isolated_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what longer fixtures do out of the runs, sets and cache of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        _steer_into(tmp_path_factory.mktemp("session"), patch)
        yield


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test runs, sets, a cache and uploads of its own, in the folder that is returned."""
    folder = tmp_path_factory.mktemp("place")
    _steer_into(folder, monkeypatch)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one browser of all tests: Playwright cannot be started twice in a process."""
    if not CHROMIUM.exists():
        pytest.skip(f"There is no {CHROMIUM}: apt-get install chromium.")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=180_000)
    with sync_playwright() as player:
        chromium = player.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def emotion(capsys: pytest.CaptureFixture[str]) -> Emotion:
    """The command line in this process: ``emotion("train", "--epochs", 2).json``."""
    from emotion.cli import main

    def call(*words: object) -> Said:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        return Said(code, printed.out, printed.err)

    return call


@pytest.fixture(scope="session")
def tiny_vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ViT of the report's architecture, random, width 32, two blocks, 32 px."""
    return write_tiny_vit(tmp_path_factory.mktemp("tiny-vit"))


@pytest.fixture(scope="session")
def tiny_dinov2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DINOv2 like the bundled one, random, width 32, seven blocks, 28 px."""
    return write_tiny_dinov2(tmp_path_factory.mktemp("tiny-dinov2"))


@pytest.fixture(scope="session")
def tiny_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sets of class folders that nobody changes: ``human_train`` (12 a class), ``human_eval``, ``dog_eval`` (6)."""
    root = tmp_path_factory.mktemp("pictures")
    for name, count in (("human_train", 12), ("human_eval", 6), ("dog_eval", 6)):
        write_pictures(root / name, count=count)
    return root


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory, tiny_vit: Path, tiny_pictures: Path) -> Path:
    """The folder of a finished run of three epochs on ``tiny_pictures``, trained once. Take ``run``, a copy."""
    from emotion.cli import main

    runs = tmp_path_factory.mktemp("trained")
    words = ["train", "--pictures", tiny_pictures / "human_train", "--backbone", tiny_vit, "--epochs", 3]
    words += ["--batch-size", 8, "--image-size", 32, "--precision", "float32", "--runs", runs]
    assert main([str(word) for word in words]) == 0
    [run] = [each for each in runs.iterdir() if not each.name.startswith(".")]
    return run


@pytest.fixture
def run(trained_run: Path, isolated: Path) -> Path:
    """A finished run of this test's own, in its runs folder."""
    return Path(shutil.copytree(trained_run, isolated / "runs" / trained_run.name))


@pytest.fixture(scope="session")
def dashboard(tmp_path_factory: pytest.TempPathFactory, tiny_pictures: Path) -> Iterator[Site]:
    """The one dashboard on one's own machine, with its tools for MCP, that modules use in turns: take ``site``."""
    environment = {"EMOTION_PICTURES": str(tiny_pictures), "EMOTION_MCP": "1"}
    with serving(tmp_path_factory.mktemp("site"), environment=environment) as site:
        yield site


@pytest.fixture(scope="module")
def site(dashboard: Site, trained_run: Path) -> Site:
    """A dashboard as a module finds it: with the finished run alone, and ``tiny_pictures`` on offer."""
    dashboard.clear()
    shutil.copytree(trained_run, dashboard.runs / trained_run.name)
    return dashboard


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """The module's dashboard as a new visitor sees it."""
    with site.visit(browser) as page:
        yield page


@pytest.fixture
def make_pictures(tmp_path: Path) -> MakePictures:
    """Return a function that writes ``count`` small noisy pictures a class into a folder and returns it."""

    def make(name: str = "pictures", *, count: int = 12, classes: tuple[str, ...] = tuple(COLOURS)) -> Path:
        return write_pictures(tmp_path / name, count=count, classes=classes)

    return make


@pytest.fixture
def tiny_config(make_pictures: MakePictures, tiny_vit: Path) -> TrainConfig:
    """Settings of a training that is over in a second: three epochs of the tiny ViT on 48 pictures."""
    from emotion.core.config import TrainConfig

    small = {"epochs": 3, "batch_size": 8, "image_size": 32, "precision": "float32"}
    return TrainConfig(pictures=str(make_pictures()), backbone=str(tiny_vit), **small)


@pytest.fixture
def trainer(tiny_config: TrainConfig, isolated: Path) -> Trainer:
    """``trainer(depth=1)`` trains with ``tiny_config`` and other settings and returns what it has told."""
    return Trainer(tiny_config, isolated / "runs")
