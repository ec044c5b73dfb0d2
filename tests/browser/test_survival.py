"""Whatever a visitor or the machine does, no run is lost: each training here lasts long enough to mean something."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from dashboards import Dashboard
from playwright.sync_api import Page, expect

from emotion.run import Run
from emotion.runs import list_runs

ROOT = Path(__file__).parents[2]
OpenPage = Callable[..., Page]
EPOCH = re.compile(r"Epoch \d+ of 50")
# A look at the pictures and two epochs of four blocks, on a busy machine.
PATIENCE = 300_000
pytestmark = pytest.mark.slow


def choose(page: Page, field: str, option: str) -> None:
    page.locator(f"#{field} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def start_long(page: Page, pictures: Path) -> None:
    """Start a training of the last four blocks over fifty epochs, and wait for its first epochs."""
    choose(page, "picture-set", f"{pictures.name}/human_train")
    page.get_by_role("button", name="More settings").click()
    choose(page, "depth", "and the last 4 blocks")
    page.get_by_label("number input for Epochs").fill("50")
    page.get_by_label("number input for Epochs").press("Tab")
    page.locator("#start").click()
    expect(page.locator("#status")).to_contain_text(re.compile(r"Epoch ([2-9]|\d\d) of 50"), timeout=PATIENCE)


def stop(page: Page) -> None:
    page.locator("#stop").click()
    expect(page.locator("#status")).to_contain_text("Stop")
    expect(page.locator("#status .chip")).to_have_text("stopped")


def trainer_of(run: Run, dashboard: Dashboard) -> psutil.Process:
    """Return the process that holds the run's lock."""
    lock = str((run.path / "lock").resolve())
    for process in psutil.Process(dashboard.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if lock in {file.path for file in process.open_files()}:
                return process
    raise AssertionError("nobody trains it")


def test_a_reload_a_second_browser_and_the_back_button_find_the_run_as_it_is(
    dashboard: Dashboard, open_page: OpenPage, small_sets: Path
) -> None:
    page = open_page(dashboard)
    start_long(page, small_sets)
    second = open_page(dashboard)
    expect(second.locator("#status")).to_contain_text(EPOCH, timeout=PATIENCE)
    page.reload()
    expect(page.locator("#status")).to_contain_text(EPOCH, timeout=PATIENCE)
    expect(page.locator("#stop")).to_be_enabled()
    expect(page.get_by_label("number input for Epochs")).to_have_value("50")
    expect(page.locator("#picture-set input")).to_have_value(f"{small_sets.name}/human_train")
    page.wait_for_function(
        "() => (document.querySelector('#loss-chart .chart-plot')?.data || [])"
        ".some(each => each.name === 'Validation' && each.x.length >= 2)"
    )
    page.goto("about:blank")
    page.go_back()
    expect(page.locator("#status")).to_contain_text(EPOCH, timeout=PATIENCE)
    stop(page)
    expect(page.locator("#status")).to_contain_text(re.compile(r"Stopped: epoch \d+ is kept\. Resume goes on"))
    expect(second.locator("#status .chip")).to_have_text("stopped")
    expect(second.locator("#start")).to_have_text("Start")


def test_a_second_training_queues_shows_its_place_and_can_be_withdrawn(
    dashboard: Dashboard, open_page: OpenPage, small_sets: Path
) -> None:
    page = open_page(dashboard)
    start_long(page, small_sets)
    first = list_runs(dashboard.runs)[0]
    page.get_by_role("button", name="Queue another").click()
    expect(page.locator("#status")).to_contain_text("Queued: the training in hand goes first. Stop withdraws it.")
    page.locator("#stop").click()
    expect(page.locator("#status")).to_contain_text("Stopped: no epoch was finished, so nothing is kept.")
    # Back to the one that is still going on, once the row that came on top of it is there.
    expect(page.locator("#runs-table tbody tr").first).to_contain_text("stopped")
    page.locator(f"#runs-table button[data-run='{first.name}']").click()
    # Until its page is there, the curves of the run that was open before would be shown.
    expect(page.locator("#run-state")).to_contain_text(first.name)
    page.locator("#show-curves").click()
    expect(page.locator("#status")).to_contain_text(EPOCH, timeout=PATIENCE)
    stop(page)


def test_a_training_that_is_killed_says_interrupted_and_goes_on(
    dashboard: Dashboard, open_page: OpenPage, small_sets: Path
) -> None:
    page = open_page(dashboard)
    start_long(page, small_sets)
    run = list_runs(dashboard.runs)[0]
    trainer_of(run, dashboard).kill()
    expect(page.locator("#status")).to_contain_text("Interrupted: its process ended without a word")
    expect(page.locator("#start")).to_have_text("Start")
    page.locator("#resume").click()
    expect(page.locator("#status .chip")).to_have_text("running")
    expect(page.locator("#status")).to_contain_text(EPOCH, timeout=PATIENCE)
    assert list_runs(dashboard.runs)[0] == run
    stop(page)


def test_a_server_that_is_killed_leaves_no_process_and_the_next_one_offers_to_resume(
    serve: Callable[..., Dashboard], open_page: OpenPage, small_sets: Path
) -> None:
    killed = serve()
    page = open_page(killed)
    start_long(page, small_sets)
    run = list_runs(killed.runs)[0]
    children = psutil.Process(killed.process.pid).children(recursive=True)
    killed.process.kill()
    _, left = psutil.wait_procs(children, timeout=120)
    assert left == []
    assert run.status() == "interrupted"
    page.close()
    again = serve(killed.runs)
    page = open_page(again)
    page.locator(f"#runs-table button[data-run='{run.name}']").click()
    expect(page.locator("#run-state")).to_contain_text("Interrupted")
    page.locator("#show-curves").click()
    page.locator("#resume").click()
    expect(page.locator("#status")).to_contain_text(EPOCH, timeout=PATIENCE)
    stop(page)


def test_a_training_of_the_command_line_is_watched_live_and_stopped_from_the_page(
    serve: Callable[..., Dashboard], open_page: OpenPage, small_sets: Path
) -> None:
    dashboard = serve()
    options = ["--pictures", small_sets / "human_train", "--depth", 4, "--epochs", 50, "--runs", dashboard.runs]
    training = subprocess.Popen(
        [sys.executable, "-m", "emotion", "train", *map(str, options)],
        cwd=ROOT, env={**os.environ}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        page = open_page(dashboard)
        expect(page.locator("#runs-table")).to_contain_text("running")
        page.reload()
        expect(page.locator("#status")).to_contain_text(EPOCH, timeout=PATIENCE)
        stop(page)
        assert training.wait(120) == 130
    finally:
        if training.poll() is None:
            training.send_signal(signal.SIGKILL)
            training.wait()
