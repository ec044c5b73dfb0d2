"""What is it looking at, as a visitor meets it in Chromium: below a prediction, and in a comparison."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from scripted import ScriptedJudge, ScriptedServices
from serving_pages import served, visiting

from emotion.comparison import Request
from emotion.pictures import drawn
from emotion.prediction import Saliency
from emotion.run import Run
from emotion.ui.compare.saliency_panel import SaliencyPanel
from emotion.ui.run_board import RunBoard

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test installs it.")
expect = playwright.expect

# Where the heat lies on the picture: its four edges, in shares of the picture's sides.
PLACE = """heat => {
    const on = heat.getBoundingClientRect(), under = heat.previousElementSibling.getBoundingClientRect();
    return [(on.left - under.left) / under.width, (on.top - under.top) / under.height,
            (on.right - under.left) / under.width, (on.bottom - under.top) / under.height];
}"""


def loaded(picture: Any) -> None:
    """Wait until an image has pixels of its own, and one that it lies on too."""
    expect(picture).to_be_visible()
    picture.evaluate(
        "image => Promise.all("
        "[image, image.previousElementSibling].filter(each => each?.decode).map(each => each.decode()))"
    )
    assert picture.evaluate("image => image.naturalWidth") > 1


# Below a prediction


def open_predict(page: Any) -> Any:
    page.get_by_role("tab", name="Predict").click()
    expect(page.locator("#looking")).to_be_hidden()
    return page.locator("#looking-map")


def test_a_click_shows_the_map_of_what_was_said_and_another_class_is_one_click_more(trained: Run, page: Any):
    shown = open_predict(page)
    page.get_by_role("button", name="Drawn example 5: dog, happy").click()
    show = page.get_by_role("button", name="Show the map")
    expect(show).to_be_visible()
    expect(shown.locator("figure")).to_have_count(0)
    said = page.locator("#looking-class input:checked").get_attribute("value")
    assert said in page.locator("#verdict b").inner_text()
    show.click()
    loaded(shown.locator("img.heat"))
    loaded(shown.locator("img").first)
    expect(shown.locator("figcaption")).to_have_text(re.compile(rf"^{said} \d+ %$"))
    expect(shown).to_contain_text("not a proof of cause")
    other = "sad" if said != "sad" else "angry"
    page.locator("#looking-class").get_by_label(other).check()
    expect(shown.locator("figcaption")).to_have_text(re.compile(rf"^{other} \d+ %$"))
    shown.get_by_text("How it is computed").click()
    expect(shown.get_by_role("link", name="arXiv 2103.15679")).to_be_visible()


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this test's own for whatever Gradio keeps; it has to be there before the page is."""
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def test_the_map_of_a_visitors_picture_leaves_no_file(uploads: Path, trained: Run, page: Any, faces: Path):
    shown = open_predict(page)
    given = faces / "dog_eval" / "sad" / "dog_eval_sad_1.webp"
    page.locator("#picture input[type=file]").set_input_files(given)
    expect(page.locator("#verdict")).to_contain_text(trained.name)
    page.get_by_role("button", name="Show the map").click()
    loaded(shown.locator("img.heat"))
    assert [path for path in uploads.rglob("*") if path.is_file()] == []


def test_the_next_picture_and_none_take_the_map_away(trained: Run, page: Any):
    shown = open_predict(page)
    page.get_by_role("button", name="Drawn example 5: dog, happy").click()
    page.get_by_role("button", name="Show the map").click()
    expect(shown.locator("img.heat")).to_be_visible()
    page.get_by_role("button", name="Drawn example 1: human, happy").click()
    expect(shown.locator("img.heat")).to_have_count(0)
    expect(page.get_by_role("button", name="Show the map")).to_be_visible()
    page.get_by_label("Remove Image").or_(page.get_by_label("Clear")).first.click()
    expect(page.locator("#looking")).to_be_hidden()


def test_the_heat_covers_just_the_part_that_the_model_was_shown(
    trained: Run, page: Any, monkeypatch: pytest.MonkeyPatch
):
    box = (0.125, 0.0, 0.875, 1.0)

    def explain(self: ScriptedJudge, picture: Any, *, label: str) -> Saliency:
        return Saliency(label, 0.5, ((0.0, 1.0), (0.5, 0.2)), box)

    monkeypatch.setattr(ScriptedJudge, "explain", explain)
    shown = open_predict(page)
    page.get_by_role("button", name="Drawn example 5: dog, happy").click()
    page.get_by_role("button", name="Show the map").click()
    loaded(shown.locator("img.heat"))
    assert shown.locator("img.heat").evaluate(PLACE) == pytest.approx(box, abs=0.01)
    expect(shown).to_contain_text("was shown the part under the heat only")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_section_of_a_prediction_fits_its_page(trained: Run, page: Any, width: int):
    page.set_viewport_size({"width": width, "height": 844})
    shown = open_predict(page)
    page.get_by_role("button", name="Drawn example 5: dog, happy").click()
    page.get_by_role("button", name="Show the map").click()
    loaded(shown.locator("img.heat"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.locator("img.heat").bounding_box()["width"] > 240


# In a comparison


@pytest.fixture
def compared(services: ScriptedServices, trained: Run) -> Iterator[str]:
    """Serve a page with a comparison of all emotions and one of a single one, and the section below."""
    sets = {name: drawn.DRAWN_FOLDER / f"{name}_eval" for name in ("human", "dog")}
    files = [services.compare(trained, Request(sets, emotion=emotion, size=4))[1].name for emotion in (None, "happy")]
    with gr.Blocks() as page:
        run = gr.Dropdown([trained.name], value=trained.name, label="Run")
        choices = [("all emotions", files[0]), ("happy", files[1])]
        saved = gr.Dropdown(choices, value=None, label="Saved comparisons", elem_id="saved")
        panel = SaliencyPanel(services, RunBoard(services.runs_folder), run, saved)
        saved.input(panel.reopen, [run, saved], panel.view)
    with served(page) as url:
        yield url


@pytest.fixture
def section(browser: Any, compared: str) -> Iterator[Any]:
    """The page of a new visitor; an error in its scripts fails the test."""
    with visiting(browser, compared) as page:
        expect(page.locator("#saliency-show")).to_be_visible()
        yield page


def choose(page: Any, comparison: str) -> None:
    page.locator("#saved input").click()
    page.get_by_role("option", name=comparison, exact=True).click()


def cards(page: Any) -> Any:
    return page.locator("#saliency-maps .species-card")


def test_one_click_sets_a_human_beside_a_dog_and_the_next_ones_follow(section: Any):
    choose(section, "happy")
    expect(section.locator("#saliency-maps")).to_contain_text("Press Show the maps")
    section.locator("#saliency-show").click()
    expect(cards(section)).to_have_count(2)
    human, dog = cards(section).all()
    expect(human.locator("h2")).to_have_text("human")
    expect(dog.locator("h2")).to_have_text("dog")
    for card in (human, dog):
        loaded(card.locator("img.heat").first)
        expect(card.locator("figcaption").nth(1)).to_have_text(re.compile(r"^happy \d+ %correct"))
        assert card.locator("img.heat").first.evaluate(PLACE) == pytest.approx((0, 0, 1, 1), abs=0.01)
    assert human.bounding_box()["y"] == dog.bounding_box()["y"]
    first = human.locator("img").first.get_attribute("src")
    section.locator("#saliency-on").click()
    expect(section.locator("#saliency-number input[type=number]")).to_have_value("2")
    expect(human.locator("img").first).not_to_have_attribute("src", first)
    section.locator("#saliency-back").click()
    expect(section.locator("#saliency-number input[type=number]")).to_have_value("1")
    expect(human.locator("img").first).to_have_attribute("src", first)


def test_the_slider_goes_to_any_picture_and_the_emotion_to_any_sample(section: Any):
    choose(section, "all emotions")
    section.locator("#saliency-emotion").get_by_label("angry").check()
    expect(cards(section).first.locator("figcaption").nth(1)).to_have_text(re.compile(r"^angry \d+ %correct"))
    before = cards(section).first.locator("img").first.get_attribute("src")
    slider = section.locator("#saliency-number input[type=range]")
    slider.focus()
    slider.press("End")
    expect(section.locator("#saliency-number input[type=number]")).to_have_value("4")
    expect(cards(section).first.locator("img").first).not_to_have_attribute("src", before)


def test_a_reload_finds_the_maps_again(section: Any, compared: str):
    choose(section, "happy")
    section.locator("#saliency-on").click()
    expect(cards(section)).to_have_count(2)
    shown = cards(section).first.locator("img").first.get_attribute("src")
    section.reload()
    expect(section.locator("#saliency-show")).to_be_visible()
    expect(cards(section)).to_have_count(0)
    choose(section, "happy")
    expect(cards(section).first.locator("img").first).to_have_attribute("src", shown)
    expect(section.locator("#saliency-number input[type=number]")).to_have_value("2")


def test_without_a_comparison_a_click_says_what_to_do(section: Any):
    section.locator("#saliency-show").click()
    expect(section.get_by_text("Nothing is compared yet: press Compare first.")).to_be_visible()
    expect(cards(section)).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_section_of_a_comparison_fits_its_page(section: Any, width: int):
    section.set_viewport_size({"width": width, "height": 844})
    choose(section, "happy")
    section.locator("#saliency-show").click()
    loaded(cards(section).nth(1).locator("img.heat").first)
    assert section.evaluate("document.documentElement.scrollWidth") <= width
    assert cards(section).first.locator("img.heat").first.bounding_box()["width"] > 85
