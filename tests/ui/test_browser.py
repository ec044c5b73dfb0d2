"""The dashboard as a visitor meets it, in Chromium, on scripted services."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from scripted import ScriptedServices
from visitor import enter

from emotion.config import TrainConfig
from emotion.events import EpochDone, TrunkProgress
from emotion.run import Run
from emotion.runs import list_runs

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test installs it.")
expect = playwright.expect


def status(page: Any) -> Any:
    return page.locator("#status")


def points(page: Any, chart: str, name: str) -> int:
    """Return how many points a line of a chart has on the screen."""
    return page.evaluate(
        "([chart, name]) => (document.querySelector(`#${chart} .js-plotly-plot`).data"
        ".find(line => line.name === name) || {x: []}).x.length",
        [chart, name],
    )


def is_epoch(number: int) -> Any:
    return lambda event: isinstance(event, EpochDone) and event.epoch == number


def test_one_click_trains_the_default_to_the_finished_curve(page: Any, services: ScriptedServices):
    page.get_by_role("button", name="Train the default").click()
    expect(status(page)).to_contain_text("Replay")
    expect(status(page)).to_contain_text("Finished in")
    assert points(page, "loss-chart", "Validation") == 9
    assert points(page, "accuracy-chart", "Training") == 8
    expect(page.get_by_role("button", name="Train the default")).to_be_hidden()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    expect(page.locator("#runs-table")).to_contain_text("finished")
    # The other tabs have taken it up by themselves.
    page.get_by_role("tab", name="Predict").click()
    expect(page.locator("#predict-waits")).to_be_hidden()
    expect(page.get_by_label("Run in use")).to_have_value(re.compile("dinov2-small · batch 24"))


def test_the_look_at_the_pictures_is_counted_live(page: Any, gate: Any):
    gate.holds = lambda event: isinstance(event, TrunkProgress) and event.done == 300
    page.get_by_role("button", name="Start", exact=True).click()
    expect(status(page)).to_contain_text("Looking once at 600 pictures: 300 of 600")
    expect(page.get_by_role("button", name="Queue another")).to_be_enabled()


def test_a_reload_in_the_middle_finds_its_run_again(page: Any, gate: Any):
    gate.holds = is_epoch(3)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(status(page)).to_contain_text("Epoch 3 of 8 is done")
    page.reload()
    expect(status(page)).to_contain_text("Epoch 3 of 8 is done")
    expect(page.get_by_role("button", name="Stop")).to_be_enabled()
    gate.opened.set()
    expect(status(page)).to_contain_text("Finished in")


def test_stop_keeps_the_best_epoch_and_frees_the_buttons(page: Any, gate: Any):
    gate.holds = is_epoch(2)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(status(page)).to_contain_text("Epoch 2 of 8 is done")
    page.get_by_role("button", name="Stop").click()
    expect(status(page)).to_contain_text("Stopped: epoch 2 is kept.")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()


@pytest.mark.slow
def test_a_failure_is_one_sentence_and_start_is_free_again(page: Any, services: ScriptedServices):
    services.failure = "The disk is full: make room."
    page.get_by_role("button", name="Start", exact=True).click()
    expect(status(page)).to_contain_text("It could not go on. The disk is full: make room.")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()


def test_the_reports_batch_size_is_one_click_and_two_runs_lie_over_each_other(
    trained: Run, page: Any, services: ScriptedServices
):
    page.get_by_role("button", name="8", exact=True).click()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(status(page)).to_contain_text("Finished in")
    assert list_runs(services.runs_folder)[0].config().batch_size == 8
    # An option that comes later would move the one that is pressed.
    expect(page.locator("#runs-table td.finished")).to_have_count(2)
    picker = page.get_by_label("Lay curves over each other")
    for title in ("batch 24", "batch 8"):
        picker.click()
        page.get_by_role("option", name=title).click()
    expect(page.locator("#overlay-loss .legendtext")).to_have_count(2)


def test_curves_that_are_laid_over_each_other_stay_while_other_runs_come(
    trained: Run, page: Any, services: ScriptedServices, faces: Path, gate: Any
):
    page.get_by_label("Lay curves over each other").click()
    page.get_by_role("option", name="batch 24").click()
    expect(page.locator("#overlay-loss .legendtext")).to_have_count(1)
    gate.holds = is_epoch(2)
    services.start_training(TrainConfig(pictures=str(faces / "human_train"), batch_size=77))
    expect(page.locator("#runs-table")).to_contain_text("77")
    # It grows with the run that goes on.
    page.get_by_label("Lay curves over each other").click()
    page.get_by_role("option", name="batch 77").click()
    expect(page.locator("#overlay-loss .legendtext")).to_have_count(2)
    gate.opened.set()
    expect(page.locator("#runs-table .running")).to_have_count(0)
    expect(page.locator("#overlay-loss .legendtext")).to_have_count(2)
    page.wait_for_function(
        "document.querySelector('#overlay-loss .js-plotly-plot').data.filter(each => each.x.length >= 8).length >= 2"
    )


@pytest.mark.slow
def test_a_training_from_elsewhere_shows_up_by_itself(page: Any, services: ScriptedServices, faces: Path):
    expect(page.locator("#runs-table")).to_contain_text("No runs yet")
    services.start_training(TrainConfig(pictures=str(faces / "human_train"), batch_size=77))
    expect(page.locator("#runs-table")).to_contain_text("77")


def test_an_example_is_judged_by_a_click_with_the_note_on_drawn_pictures(trained: Run, page: Any):
    page.get_by_role("tab", name="Predict").click()
    page.get_by_role("button", name="Drawn example 5: dog, happy").click()
    expect(page.locator("#verdict")).to_contain_text("%")
    expect(page.locator("#verdict")).to_contain_text("Drawn pictures show how the tool works")
    bars = "document.querySelector('#bars .js-plotly-plot').data[0].y"
    assert page.evaluate(bars) == ["happy", "sad", "angry", "tired"]
    expect(page.locator("#picture img")).to_have_attribute("src", re.compile("^data:image/webp"))


def test_a_picture_is_judged_and_leaves_no_file_a_text_is_refused_in_a_sentence(
    trained: Run, page: Any, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    page.get_by_role("tab", name="Predict").click()
    page.locator("#picture input[type=file]").set_input_files(faces / "dog_eval" / "sad" / "dog_eval_sad_0.webp")
    expect(page.locator("#verdict")).to_contain_text(trained.name)
    expect(page.locator("#picture img")).to_have_attribute("src", re.compile("^data:image/webp"))
    page.get_by_label("Remove Image").or_(page.get_by_label("Clear")).first.click()
    fake = tmp_path / "fake.jpg"
    fake.write_text("This is no picture.", encoding="utf-8")
    page.locator("#picture input[type=file]").set_input_files(fake)
    expect(page.locator("#verdict")).to_contain_text("fake.jpg is not a picture")
    cache = Path(gr.utils.get_upload_folder())
    assert not [path for path in cache.rglob("*") if path.name in ("fake.jpg", "dog_eval_sad_0.webp")]


def test_two_species_are_compared_side_by_side_and_downloaded(trained: Run, page: Any):
    expect(page.locator("#runs-table")).to_contain_text("finished")
    page.get_by_role("tab", name="Cross-species").click()
    enter(page, "Pictures a set", "5")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator(".species-card")).to_have_count(2)
    expect(page.locator(".species-card figure")).to_have_count(10)
    expect(page.locator("#headline")).to_contain_text("5 pictures a set, seed 42, chance 25 %, 95 % intervals")
    expect(page.locator("#report")).to_contain_text("of 5 correct")
    expect(page.locator("#means .js-plotly-plot")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").or_(page.get_by_role("button", name="Download CSV")).first.click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 11
    # It is saved with its run: another visitor opens it again.
    page.reload()
    page.get_by_role("tab", name="Cross-species").click()
    page.get_by_label("Saved comparisons of this run").click()
    page.get_by_role("option", name="happy · human, dog · 5 each · seed 42").click()
    expect(page.locator(".species-card")).to_have_count(2)


def test_all_emotions_are_one_click_and_each_is_shown_by_another(trained: Run, page: Any):
    expect(page.locator("#runs-table")).to_contain_text("finished")
    page.get_by_role("tab", name="Cross-species").click()
    enter(page, "Pictures a set", "4")
    page.locator("#compare-grid").click()
    expect(page.locator("#grid table.grid tbody tr")).to_have_count(2)
    expect(page.locator("#grid .confusion-small")).to_have_count(2)
    expect(page.locator("#measures")).to_contain_text("an even guess")
    expect(page.locator("#headline")).to_contain_text("all emotions")
    page.locator("#shown-emotion").get_by_label("sad").check()
    expect(page.locator("#headline")).to_contain_text("“sad”")
    expect(page.locator(".species-card figure")).to_have_count(8)


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_a_phone_scrolls_down_and_never_sideways(trained: Run, page: Any, address: str, theme: str):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}?__theme={theme}")
    expect(page.locator("#runs-table")).to_contain_text("finished")
    for tab in ("Train", "Predict", "Cross-species"):
        page.get_by_role("tab", name=tab).click()
        if tab == "Cross-species":
            enter(page, "Pictures a set", "5")
            page.get_by_role("button", name="Compare", exact=True).click()
            expect(page.locator(".species-card")).to_have_count(2)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab


@pytest.mark.parametrize("tab", ["Train", "Predict"])
def test_on_a_phone_the_default_that_is_started_comes_into_view(page: Any, tab: str):
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("tab", name=tab).click()
    expect(status(page)).not_to_be_in_viewport()
    page.get_by_role("button", name="Train the default").click()
    expect(status(page)).to_be_in_viewport()
    expect(status(page)).to_contain_text("Finished in")


@pytest.mark.slow
def test_without_a_run_each_tab_says_what_it_waits_for(page: Any):
    for tab in ("Predict", "Cross-species"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_text("This waits for a first finished run").locator("visible=true")).to_have_count(1)
    expect(page.get_by_role("button", name="Train the default")).to_be_visible()


def test_the_report_is_downloaded_with_the_picture_that_was_ticked(trained: Run, page: Any):
    expect(page.locator("#runs-table")).to_contain_text("finished")
    page.get_by_role("tab", name="Cross-species").click()
    enter(page, "Pictures a set", "5")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator(".species-card figure")).to_have_count(10)
    page.locator(".species-card input[data-tick]").first.check()
    expect(page.locator("#report-note")).to_contain_text("1 ticked picture will be in it")
    page.get_by_role("button", name="Write report", exact=True).click()
    expect(page.locator("#report-html-file")).to_be_visible()
    with page.expect_download() as download:
        page.locator("#report-html-file").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    # The scripted people and dogs are files of the same content, so that one tick may stand for both.
    assert 1 <= text.count("data:image/webp") <= 2
    assert "say nothing of real dogs" in text
    # With other pictures it would be another report.
    page.locator(".species-card input[data-tick]").nth(1).check()
    expect(page.locator("#report-html-file")).to_be_hidden()
