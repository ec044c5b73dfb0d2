"""The dashboard as anybody runs it, ``python app.py`` in a process of its own, and visitors in front of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.run_folder import is_trained, runs_in
from helpers.waiting import until

if TYPE_CHECKING:
    from gradio_client import Client
    from playwright.sync_api import Browser, Error, Page

ROOT = Path(__file__).parents[2]
PATIENCE_MILLISECONDS = 90_000
# The button is called otherwise while a run goes on.
_BEGINS = re.compile(r"^(Start|Queue another)$")
OURS = ("EMOTION_", "GRADIO_", "HOST", "PORT", "SPACE_")


class Site:
    """A dashboard on folders of its own under ``root``: ``runs``, ``sets``, ``cache``, ``uploads`` and ``log``.

    ``environment`` is added to that of the tests, from which everything that steers the dashboard is taken out.
    Without further words it has no Hub and begins with no run.
    """

    def __init__(self, root: Path, *, environment: dict[str, str] | None = None, public: bool = False) -> None:
        self.root = root
        self.runs, self.sets, self.cache = root / "runs", root / "sets", root / "cache"
        self.uploads, self.log = root / "uploads", root / "log.txt"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {"HF_HUB_OFFLINE": "1", "EMOTION_FIRST_RUN": "0", **(environment or {})}
        if public:
            self.environment["EMOTION_PUBLIC"] = "1"
        self.process: subprocess.Popen[str] | None = None
        # Of a copy of the project, and of a server to which nothing of the tests' own environment is given.
        self.cwd, self.whole_environment = ROOT, dict[str, str]()
        for folder in (self.runs, self.sets):
            folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> Site:
        """Serve, and return once the page can be asked for."""
        given = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        given |= {name: os.environ[name] for name in ("EMOTION_MODELS", "EMOTION_WHEELS") if name in os.environ}
        places = {
            "EMOTION_RUNS": str(self.runs), "EMOTION_SETS": str(self.sets), "EMOTION_CACHE": str(self.cache),
            "GRADIO_TEMP_DIR": str(self.uploads), "HOST": "127.0.0.1", "PORT": str(self.port),
        }  # fmt: skip
        with self.log.open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=self.cwd,
                env=self.whole_environment or {**given, **places, **self.environment},
                stdout=subprocess.PIPE, stderr=errors, text=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        lines = iter(self.process.stdout.readline, "")
        assert any(line.startswith("The dashboard is at") for line in lines), self.log.read_text()
        return self

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it by a signal and return its exit code; nothing where it has ended already."""
        if self.process is None:
            return 0
        self.process.send_signal(how)
        code = self.process.wait(180)
        if self.process.stdout:
            self.process.stdout.close()
        self.process = None
        return code

    def clear(self) -> None:
        """Stop whatever is trained, and take away every run, set and upload."""
        for run in runs_in(self.runs):
            (run / "stop").touch()
        until(lambda: not any(is_trained(run) for run in runs_in(self.runs)), what="every training to end")
        for folder in (self.runs, self.sets, self.uploads):
            folder.mkdir(exist_ok=True)
            shutil.rmtree(folder.rename(folder.with_name("gone")), ignore_errors=True)
            folder.mkdir(exist_ok=True)

    @contextmanager
    def client(self, **more: Any) -> Iterator[Client]:
        """Yield a ``gradio_client`` of its own."""
        from gradio_client import Client

        client = Client(self.url, verbose=False, **more)
        try:
            yield client
        finally:
            client.close()

    @contextmanager
    def visit(self, browser: Browser, *, width: int = 1280, theme: str = "light", **context: Any) -> Iterator[Page]:
        """Yield the page of a new visitor; an error of its scripts or a request to another host fails the test."""
        from playwright.sync_api import expect

        visitor = browser.new_context(
            viewport={"width": width, "height": 900}, accept_downloads=True, reduced_motion="reduce", **context
        )
        visitor.set_default_timeout(PATIENCE_MILLISECONDS)
        page, problems = visitor.new_page(), []
        page.on("pageerror", lambda error: problems.extend(_problem(error)))
        page.on("request", lambda request: problems.extend(self._foreign(request.url)))
        try:
            page.goto(f"{self.url}/?__theme={theme}")
            expect(page.get_by_role("button", name=_BEGINS)).to_be_visible()
            yield page
        finally:
            visitor.close()
        assert not problems, problems

    def _foreign(self, url: str) -> list[str]:
        return [] if url.startswith((self.url, "data:", "blob:")) else [f"asked another host: {url}"]


def _problem(error: Error) -> list[str]:
    """Return what a script did wrong; nothing of Gradio 6.31's open list whose choices have become fewer."""
    return [] if "reading '0'" in error.message and "/assets/Index-" in (error.stack or "") else [str(error.stack)]


@contextmanager
def serving(
    root: Path,
    *,
    environment: dict[str, str] | None = None,
    public: bool = False,
    prepare: Callable[[Site], object] = lambda site: None,
) -> Iterator[Site]:
    """Serve a dashboard as long as the context lasts; ``prepare`` puts runs or sets in place before it starts."""
    site = Site(root, environment=environment, public=public)
    prepare(site)
    try:
        yield site.start()
    finally:
        site.end()


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def open_tab(page: Page, name: str) -> None:
    """Open a tab of the page by its name."""
    page.get_by_role("tab", name=name, exact=True).click()


def choose(page: Page, label: str, option: str) -> None:
    """Choose an option of a dropdown by its label."""
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def enter(page: Page, label: str, text: str) -> None:
    """Click into a field and type.

    The click waits until the field stands still: for some 20 ms after a tab is first opened Gradio still sets its
    fields to their first values, and would take away what a script, unlike a person, typed by then.
    """
    field = page.get_by_label(label, exact=True)
    field.click()
    field.fill(text)
