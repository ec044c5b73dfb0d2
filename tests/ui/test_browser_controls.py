"""The Controls and Cue probe sections as a visitor meets them, in Chromium: what each click does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from scripted import HeldServices
from serving_pages import served, visiting

from emotion.comparison import Request
from emotion.faces.faces_set import FOLDER
from emotion.pictures import drawn
from emotion.run import Run
from emotion.studies.controls import CONTROLS, kept_controls
from emotion.ui.compare.controls_panel import ControlsPanel
from emotion.ui.compare.cue_panel import CuePanel
from emotion.ui.run_board import RunBoard

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test installs it.")
expect = playwright.expect


@pytest.fixture
def services(held_services: HeldServices) -> HeldServices:
    return held_services


@pytest.fixture
def address(services: HeldServices, trained: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve a page with a comparison of drawn pictures, one of others, and the two sections."""
    others = drawn.DRAWN_FOLDER
    real = Path(__file__).resolve().parents[2] / FOLDER
    monkeypatch.setattr(drawn, "DRAWN_FOLDER", real)
    files = [
        services.compare(trained, Request({name: root / f"{name}_eval" for name in ("human", "dog")}, "happy", 3))[1]
        for root in (real, others)
    ]
    services.drawn_file = files[0]  # type: ignore[attr-defined]
    board = RunBoard(services.runs_folder)
    with gr.Blocks() as page:
        run = gr.Dropdown([trained.name], value=trained.name, label="Run")
        saved = gr.Dropdown([("drawn", files[0].name), ("photos", files[1].name)], value=files[0].name, elem_id="saved")
        with gr.Accordion("Take something away", open=False):
            controls = ControlsPanel(services, board, run, saved)
        with gr.Accordion("Move one feature", open=False):
            CuePanel(services, board, run, saved)
        saved.input(controls.reopen, [run, saved], controls.view)
    with served(page) as url:
        yield url


@pytest.fixture
def section(browser: Any, address: str) -> Iterator[Any]:
    """The page of a new visitor with both sections opened; an error in its scripts fails the test."""
    with visiting(browser, address) as page:
        for name in ("Take something away", "Move one feature"):
            page.get_by_role("button", name=name).click()
        expect(page.locator("#controls-all")).to_be_visible()
        expect(page.locator("#cue-probe")).to_be_visible()
        yield page


def rows(page: Any) -> Any:
    return page.locator("#controls-table tbody tr")


def choose(page: Any, field: str, option: str) -> None:
    page.locator(f"{field} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def test_each_control_is_one_click_and_one_row(section: Any):
    expect(section.locator("#controls-chart")).to_be_hidden()
    for number, (name, control) in enumerate(CONTROLS.items(), start=1):
        section.locator(f"#control-{name}").click()
        expect(rows(section)).to_have_count(1 + number)
        row = rows(section).filter(has_text=control.title)
        expect(row).to_have_count(1)
        expect(row).to_contain_text(control.asks)
        expect(section.locator("#controls-status")).to_have_text("")
        expect(section.locator("#controls-stop")).to_be_disabled()
    expect(rows(section).first).to_contain_text("As they are")
    expect(section.locator("#controls-chart .js-plotly-plot")).to_be_visible()


def test_all_controls_come_row_by_row_and_a_second_all_says_that_they_are_done(section: Any, services: HeldServices):
    section.locator("#control-grey").click()
    expect(rows(section)).to_have_count(2)
    section.locator("#controls-all").click()
    expect(rows(section)).to_have_count(1 + len(CONTROLS))
    assert list(kept_controls(services.drawn_file)) == list(CONTROLS)
    expect(section.locator("#controls-table")).to_contain_text("That is 22 looks")
    expect(section.locator("#controls-table .drawn-note")).to_be_visible()
    # Nothing is left of the first All: a press on a button whose event is not over is none.
    expect(section.locator("#controls-stop")).to_be_disabled()
    said = section.get_by_text("Every control of this comparison is done.")
    for _ in range(10):
        section.locator("#controls-all").click()
        with contextlib.suppress(playwright.TimeoutError):
            said.wait_for(timeout=5000)
            break
    expect(said).to_be_visible()
    expect(section.locator("#controls-stop")).to_be_disabled()


def test_stop_ends_the_control_in_hand_and_keeps_the_others(section: Any, services: HeldServices):
    section.locator("#control-mirrored").click()
    expect(rows(section)).to_have_count(2)
    services.let_go.clear()
    section.locator("#controls-all").click()
    expect(section.locator("#controls-status")).to_contain_text("Centre crop: looking at 6 pictures")
    section.locator("#controls-stop").click()
    expect(section.locator("#controls-status")).to_contain_text("Stopped: the controls that were done are kept.")
    expect(section.locator("#controls-stop")).to_be_disabled()
    for _ in range(1200):
        if services.closed:
            break
        section.wait_for_timeout(50)
    assert services.closed == 1
    assert list(kept_controls(services.drawn_file)) == ["mirrored"]
    services.let_go.set()
    section.locator("#control-grey").click()
    expect(rows(section)).to_have_count(3)


def test_another_comparison_shows_its_own_rows_and_offers_redrawing_only_where_it_can(section: Any):
    section.locator("#control-grey").click()
    expect(rows(section)).to_have_count(2)
    expect(section.locator("#control-eyes_neutral")).to_be_visible()
    choose(section, "#saved", "photos")
    expect(rows(section)).to_have_count(0)
    expect(section.locator("#controls-chart")).to_be_hidden()
    expect(section.locator("#control-eyes_neutral")).to_be_hidden()
    section.locator("#control-top_covered").click()
    expect(rows(section).last).to_contain_text("Top half covered")
    choose(section, "#saved", "drawn")
    expect(rows(section).last).to_contain_text("Grey")


def test_a_probe_draws_three_charts_with_faces_beneath_and_is_listed(section: Any):
    expect(section.locator("#cue-human")).to_be_hidden()
    section.locator("#cue-probe").click()
    expect(section.locator("#cue-finding .finding")).to_contain_text("Mouth corners, from down to up")
    expect(section.locator("#cue-finding")).to_contain_text("5 individuals a species")
    expect(section.locator("#cue-finding .drawn-note")).to_be_visible()
    expect(section.locator("#cue-status")).to_have_text("")
    for species in ("human", "dog", "cat"):
        expect(section.locator(f"#cue-{species} .js-plotly-plot")).to_be_visible()
        expect(section.locator(f"#cue-faces-{species} img")).to_have_count(3)
    expect(section.locator("#cue-kept tbody tr")).to_have_count(1)


def test_cue_base_and_number_are_asked_for_and_a_kept_cue_comes_back_when_chosen(section: Any):
    choose(section, "#cue", "Ears laid back")
    choose(section, "#cue-base", "angry")
    choose(section, "#cue-number", "10")
    section.locator("#cue-probe").click()
    finding = section.locator("#cue-finding .finding")
    expect(finding).to_contain_text("Ears laid back on a face that is otherwise angry")
    expect(section.locator("#cue-finding")).to_contain_text("10 individuals a species")
    expect(section.locator("#cue-human")).to_be_hidden()
    expect(section.locator("#cue-dog .js-plotly-plot")).to_be_visible()
    choose(section, "#cue", "Tears")
    # Not probed yet: what is there stays.
    expect(finding).to_contain_text("Ears laid back")
    choose(section, "#cue-number", "5")
    section.locator("#cue-probe").click()
    expect(finding).to_contain_text("Tears on a face that is otherwise angry")
    expect(section.locator("#cue-kept tbody tr")).to_have_count(2)
    choose(section, "#cue", "Ears laid back")
    expect(finding).to_contain_text("Ears laid back")


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_page(section: Any, width: int):
    section.set_viewport_size({"width": width, "height": 900})
    for name in ("top_covered", "shuffled"):
        section.locator(f"#control-{name}").click()
        expect(rows(section).filter(has_text=CONTROLS[name].title)).to_have_count(1)
    choose(section, "#cue", "Lid slant")
    section.locator("#cue-probe").click()
    expect(section.locator("#cue-cat .js-plotly-plot")).to_be_visible()
    assert section.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("controls-chart", "cue-human", "cue-dog", "cue-cat"):
        # A chart is fitted a moment after its frame has got its width.
        section.wait_for_function(
            """(name) => {
                const [frame, plot] = ['.chart', '.main-svg'].map(
                    (part) => document.querySelector(`#${name} ${part}`).getBoundingClientRect());
                return plot.right <= frame.right && plot.bottom <= frame.bottom && plot.width > 0.7 * frame.width;
            }""",
            arg=name,
        )
