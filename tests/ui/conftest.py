"""The page on scripted services: pictures drawn in a moment, runs that play a script, a browser where there is one."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw

with warnings.catch_warnings():
    # Gradio's own: it sets an option that pandas 4 will not have any more.
    warnings.filterwarnings("ignore", message=".*", category=DeprecationWarning, module=r"gradio|starlette|websockets")
    import gradio as gr

from scripted import HeldServices, ScriptedServices, scores_for, script, write_checkpoint
from serving_pages import BACKBONES, SERVED, served, visiting

from emotion.config import preset
from emotion.events import Event
from emotion.labels import EMOTION_COLOURS, EMOTIONS
from emotion.pictures import drawn
from emotion.pictures.folders import list_pictures
from emotion.run import Run
from emotion.runs import create_run
from emotion.ui.app import build_app
from emotion.validation import save_validation

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SETS = ("human_train", "human_eval", "dog_eval", "cat_eval")
PER_CLASS = 6


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the page in a browser."""
    for item in items:
        if {"address", "page"} & set(getattr(item, "fixturenames", ())) and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            for mark in SERVED:
                item.add_marker(mark)


@dataclass
class Gate:
    """Holds a scripted run at the first event that ``holds`` says, until it is opened."""

    holds: Callable[[Event], bool] = lambda event: False
    opened: threading.Event = field(default_factory=threading.Event)

    def __call__(self, run: Run, event: Event) -> None:
        if not self.opened.is_set() and self.holds(event):
            # A stop opens it too, as it would a training between two steps.
            for _ in range(6000):
                if self.opened.wait(0.05) or run.stop_requested():
                    return


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four small sets of class folders, in the place of the drawn ones."""
    root = tmp_path_factory.mktemp("faces")
    for name in SETS:
        for label in EMOTIONS:
            (root / name / label).mkdir(parents=True)
            for number in range(PER_CLASS):
                image = Image.new("RGB", (64, 64), EMOTION_COLOURS[label])
                ImageDraw.Draw(image).ellipse((12 + number, 12, 50, 50), fill="white")
                image.save(root / name / label / f"{name}_{label}_{number}.webp")
    return root


@pytest.fixture(scope="session", autouse=True)
def event_loop_of_the_page() -> Iterator[None]:
    """Give Gradio an event loop: it opens one at need, which nobody closes."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(autouse=True)
def drawn_sets(faces: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the page take ``faces`` for the drawn sets, and know no others."""
    monkeypatch.delenv("EMOTION_PICTURES", raising=False)
    monkeypatch.setattr(drawn, "DRAWN_FOLDER", faces)
    return faces


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate that a test may set; whatever it holds goes on when the test ends."""
    gate = Gate()
    yield gate
    gate.opened.set()


@pytest.fixture
def services(tmp_path: Path, gate: Gate) -> ScriptedServices:
    """Scripted services with no run yet."""
    return ScriptedServices(tmp_path / "runs", pause=gate)


@pytest.fixture
def held_services(tmp_path: Path) -> Iterator[HeldServices]:
    """Scripted services whose studies a test can hold at their first step; let go when it ends."""
    services = HeldServices(tmp_path / "runs")
    yield services
    services.let_go.set()


@pytest.fixture
def address(services: ScriptedServices) -> Iterator[str]:
    """Serve the page on a free port."""
    with served(build_app(services, backbones=lambda: BACKBONES)) as url:
        yield url


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page of a new visitor, of the module's ``site`` where a test takes one, else of scripted services."""
    from playwright.sync_api import expect

    if "site" in request.fixturenames:
        with request.getfixturevalue("site").visit(browser) as page:
            yield page
        return
    with visiting(browser, request.getfixturevalue("address")) as page:
        expect(page.locator("#loss-chart .js-plotly-plot")).to_be_visible()
        yield page


@pytest.fixture
def trained(services: ScriptedServices, faces: Path) -> Run:
    """A finished run that is there before the page is."""
    run = create_run(preset("Quick", pictures=str(faces / "human_train")), root=services.runs_folder)
    for event in script(run.config()):
        run.append(event)
    write_checkpoint(run)
    return run


@pytest.fixture
def validated(trained: Run, faces: Path) -> Run:
    """The finished run, with what it said of its validation pictures."""
    rows = [
        (f"{label}/{path.name}", label, scores_for(path, label=label, skill=0.6))
        for label, paths in list_pictures(faces / "human_train").items()
        for path in paths
    ]
    save_validation(rows, epoch=6, classes=EMOTIONS, folder=trained.path)
    return trained


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sentences that were shown as toasts."""
    said: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda text, **_: said.append(text))
    return said
