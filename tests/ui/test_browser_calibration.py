"""The Calibration section as a visitor meets it, in Chromium: what its button and its fold do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from scripted import ScriptedServices
from serving_pages import served, visiting

from emotion.comparison import Request
from emotion.pictures import drawn
from emotion.run import Run
from emotion.ui.compare.calibration_panel import CalibrationPanel
from emotion.ui.run_board import RunBoard

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test installs it.")
expect = playwright.expect


@pytest.fixture
def address(services: ScriptedServices, validated: Run) -> Iterator[str]:
    """Serve a page with a run, a comparison of all emotions and one of a single one, and the section."""
    sets = {name: drawn.DRAWN_FOLDER / f"{name}_eval" for name in ("human", "dog")}
    files = [services.compare(validated, Request(sets, emotion=emotion, size=6))[1].name for emotion in (None, "happy")]
    with gr.Blocks() as page:
        run = gr.Dropdown([validated.name], value=validated.name, label="Run")
        choices = [("all emotions", files[0]), ("happy", files[1])]
        saved = gr.Dropdown(choices, value=None, label="Saved comparisons", elem_id="saved")
        with gr.Accordion("Probabilities", open=False):
            panel = CalibrationPanel(services, RunBoard(services.runs_folder), run, saved)
        saved.input(panel.reopen, [run, saved], panel.view)
    with served(page) as url:
        yield url


@pytest.fixture
def section(browser: Any, address: str) -> Iterator[Any]:
    """The page of a new visitor with the section opened; an error in its scripts fails the test."""
    with visiting(browser, address) as page:
        page.get_by_role("button", name="Probabilities").click()
        expect(page.locator("#calibrate")).to_be_visible()
        yield page


def choose(page: Any, comparison: str) -> None:
    page.locator("#saved input").click()
    page.get_by_role("option", name=comparison).click()


def test_the_button_judges_the_validation_pictures_and_then_each_comparison_that_is_chosen(section: Any) -> None:
    titles, rows = section.locator("#reliability .annotation-text"), section.locator("#calibration-table tbody")
    expect(section.locator("#calibration-finding")).to_contain_text("is it right about 70 %?")
    expect(section.locator("#reliability")).to_be_hidden()
    section.locator("#calibrate").click()
    expect(section.locator("#calibration-finding .finding")).to_contain_text("T = ")
    expect(titles).to_have_text(["validation, n = 24"])
    expect(rows).to_have_count(1)
    choose(section, "all emotions")
    expect(section.locator("#reliability")).to_be_hidden()
    expect(rows).to_have_count(0)
    section.locator("#calibrate").click()
    expect(titles).to_have_text(["validation, n = 24", "human, n = 24", "dog, n = 24"])
    expect(rows).to_have_count(3)
    expect(section.locator("#calibration-reading")).to_contain_text("without any change of skill")
    choose(section, "happy")
    section.locator("#calibrate").click()
    expect(section.locator("#calibration-reading")).to_contain_text("Compare all emotions")
    expect(titles).to_have_text(["validation, n = 24"])


def test_how_it_is_measured_unfolds(section: Any) -> None:
    section.locator("#calibrate").click()
    method = section.get_by_text("ECE comes out too large")
    expect(section.get_by_text("How calibration is measured")).to_be_visible()
    expect(method).to_be_hidden()
    section.get_by_text("How calibration is measured").click()
    expect(method).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_page_and_the_charts_frame_holds_its_diagrams(section: Any, width: int) -> None:
    section.set_viewport_size({"width": width, "height": 900})
    choose(section, "all emotions")
    section.locator("#calibrate").click()
    expect(section.locator("#reliability .annotation-text")).to_have_count(3)
    assert section.evaluate("document.documentElement.scrollWidth") <= width
    # A chart is fitted a moment after its frame has got its width.
    section.wait_for_function(
        """() => {
            const [frame, plot] = ['.chart', '.main-svg'].map(
                (part) => document.querySelector(`#reliability ${part}`).getBoundingClientRect());
            return plot.right <= frame.right && plot.bottom <= frame.bottom;
        }"""
    )
