"""The page on scripted services: pictures drawn in a moment, runs that play a script, a browser where there is one."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

with warnings.catch_warnings():
    # Gradio's own: it sets an option that pandas 4 will not have any more.
    warnings.filterwarnings("ignore", message=".*", category=DeprecationWarning, module=r"gradio|starlette|websockets")
    import gradio  # noqa: F401

from scripted import ScriptedServices

from emotion.events import Event
from emotion.labels import EMOTION_COLOURS, EMOTIONS
from emotion.pictures import drawn
from emotion.runs import Run

SETS = ("human_train", "human_eval", "dog_eval", "cat_eval")
PER_CLASS = 6


@dataclass
class Gate:
    """Holds a scripted run at the first event that ``holds`` says, until it is opened."""

    holds: Callable[[Event], bool] = lambda event: False
    opened: threading.Event = field(default_factory=threading.Event)

    def __call__(self, run: Run, event: Event) -> None:
        if not self.opened.is_set() and self.holds(event):
            # A stop opens it too, as it would a training between two steps.
            for _ in range(600):
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
