"""A sweep as a visitor meets it, in Chromium, on scripted services."""

from __future__ import annotations

import re
from typing import Any

import pytest
from scripted import ScriptedServices
from visitor import enter

from emotion.events import EpochDone, Event
from emotion.runs import list_runs

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test installs it.")
expect = playwright.expect

OBSERVE = """() => {
    window.shifts = [];
    new PerformanceObserver(list => window.shifts.push(...list.getEntries())).observe({type: 'layout-shift'});
}"""


def open_sweep(page: Any) -> None:
    page.get_by_role("button", name="Sweep: several values of one setting").click()
    expect(page.locator("#sweep")).to_be_visible()


def rows(page: Any) -> Any:
    return page.locator("#sweep-table tbody tr")


def is_second_epoch(event: Event) -> bool:
    return isinstance(event, EpochDone) and event.epoch == 2


def test_a_sweep_of_four_runs_to_its_end_with_curves_and_a_table(page: Any, services: ScriptedServices):
    expect(page.locator("#sweep")).to_be_hidden()
    open_sweep(page)
    page.locator("#sweep").click()
    expect(page.locator("#sweep-status")).to_contain_text("4 of 4 runs finished")
    assert [run.config().batch_size for run in reversed(list_runs(services.runs_folder))] == [4, 8, 16, 24]
    expect(rows(page)).to_have_count(4)
    for row, size in zip(rows(page).all(), ("4", "8", "16", "24"), strict=True):
        expect(row).to_contain_text(re.compile(rf"^{size}\s*(best)?\s*finished\s*\d\s*0\.\d+\s*\d+ %\s*\d+ s$"))
    expect(page.locator("#sweep-table .best")).to_have_count(1)
    expect(page.locator("#sweep-table")).to_contain_text("of 90 pictures held back; chance is 25 %")
    expect(page.locator("#sweep-table")).to_contain_text("cannot be told from luck")
    for chart in ("sweep-loss", "sweep-accuracy"):
        lines = page.evaluate(
            f"document.querySelector('#{chart} .js-plotly-plot').data.map(line => [line.name, line.x.length])"
        )
        assert dict(lines) == {
            name: length
            for size in (4, 8, 16, 24)
            for name, length in ((f"batch size {size}", 9), (f"batch size {size}, training", 8))
        }
    expect(page.locator(".sweep-legend li")).to_have_text(
        [re.compile(f"batch size {size}$") for size in (4, 8, 16, 24)] + [re.compile("validation")]
    )
    expect(page.locator("#sweep")).to_be_enabled()
    expect(page.locator("#stop-sweep")).to_be_disabled()
    # The status line and the curves above belong to the run that was started or chosen, not to the sweep.
    expect(page.locator("#status")).to_contain_text("No run is shown here yet")
    rows(page).nth(1).get_by_role("button").click()
    expect(page.locator("#run-state")).to_contain_text(list(reversed(list_runs(services.runs_folder)))[1].name)


def test_a_wrong_value_is_one_sentence_and_nothing_starts(page: Any, services: ScriptedServices):
    open_sweep(page)
    enter(page, "Values", "4, 8, 500")
    page.locator("#sweep").click()
    expect(page.get_by_text("Batch size is 500: use a whole number from 1 to 128.")).to_be_visible()
    assert list_runs(services.runs_folder) == []
    expect(page.locator("#sweep")).to_be_enabled()
    enter(page, "Values", "4, 8")
    page.keyboard.press("Enter")
    expect(page.locator("#sweep-status")).to_contain_text("2 of 2 runs finished")


def test_another_setting_proposes_its_own_values(page: Any, services: ScriptedServices):
    open_sweep(page)
    page.get_by_label("Setting to vary").click()
    page.get_by_role("option", name="Label smoothing").click()
    expect(page.get_by_label("Values", exact=True)).to_have_value("0, 0.05, 0.1, 0.2")
    page.locator("#sweep").click()
    expect(page.locator("#sweep-status")).to_contain_text("Sweep of label smoothing: 4 of 4 runs finished")
    expect(page.locator("#sweep-table th").first).to_have_text("Label smoothing")
    assert {run.config().label_smoothing for run in list_runs(services.runs_folder)} == {0.0, 0.05, 0.1, 0.2}


def test_a_reload_in_the_middle_finds_the_sweep_and_stop_ends_it(page: Any, services: ScriptedServices, gate: Any):
    gate.holds = is_second_epoch
    open_sweep(page)
    page.locator("#sweep").click()
    expect(page.locator("#sweep-status")).to_contain_text("0 of 4 runs finished. Now batch size 4. Epoch 2 of 8")
    expect(rows(page).nth(3)).to_contain_text("queued")
    page.reload()
    expect(page.locator("#sweep-status")).to_contain_text("Now batch size 4. Epoch 2 of 8 is done")
    expect(page.locator("#sweep")).to_be_disabled()
    page.locator("#stop-sweep").click()
    expect(page.locator("#sweep-table td.stopped")).to_have_count(4)
    expect(page.locator("#sweep-status .chip")).to_have_text("stopped")
    expect(page.locator("#sweep")).to_be_enabled()
    # It stays until another is started.
    gate.opened.set()
    enter(page, "Values", "16, 24")
    page.locator("#sweep").click()
    expect(page.locator("#sweep-status")).to_contain_text("2 of 2 runs finished")
    assert len(list_runs(services.runs_folder)) == 6


@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.slow)])
def test_nothing_jumps_while_a_sweep_fills_and_nothing_is_wider_than_the_page(page: Any, width: int, gate: Any):
    page.set_viewport_size({"width": width, "height": 900})
    gate.holds = is_second_epoch
    open_sweep(page)
    page.locator("#sweep").click()
    expect(page.locator("#sweep-status")).to_contain_text("Epoch 2 of 8 is done")
    expect(page.locator("#first-run")).to_be_hidden()
    expect(page.locator("#filter")).to_be_visible()
    page.locator("#sweep-status").scroll_into_view_if_needed()
    below = page.locator("#runs-table").bounding_box()["y"]
    page.evaluate(OBSERVE)
    gate.opened.set()
    expect(page.locator("#sweep-status")).to_contain_text("4 of 4 runs finished")
    assert sum(page.evaluate("window.shifts.map(each => each.value)")) < 0.05
    assert abs(page.locator("#runs-table").bounding_box()["y"] - below) < 2
    assert page.evaluate("document.documentElement.scrollWidth") <= width
