"""The Luck and Feature map sections as a visitor meets them, in Chromium, on scripted services."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from scripted import HeldServices
from visitor import enter

from emotion.run import Run
from emotion.studies.feature_map import kept_map
from emotion.studies.luck import kept_luck
from emotion.ui.compare import panels
from emotion.ui.compare.luck_panel import LuckPanel
from emotion.ui.compare.map_panel import MapPanel

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test installs it.")
expect = playwright.expect


@pytest.fixture
def services(held_services: HeldServices) -> HeldServices:
    return held_services


@pytest.fixture(autouse=True)
def sections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tab have these two sections alone."""
    monkeypatch.setattr(
        panels, "SECTIONS", (("luck", "Section of luck", LuckPanel), ("map", "Section of the map", MapPanel))
    )


@pytest.fixture
def compared(trained: Run, page: Any) -> Any:
    """The page, with a comparison of happy humans and dogs on it and both sections open."""
    page.get_by_role("tab", name="Cross-species").click()
    enter(page, "Pictures a set", "3")
    page.locator("#compare").click()
    expect(page.locator("#headline")).to_contain_text("Mean correct-class confidence")
    for name in ("Section of luck", "Section of the map"):
        page.get_by_role("button", name=name).click()
    # What a new comparison changes in the sections comes after its headline.
    expect(page.locator("#luck-cost")).to_contain_text("to be looked at")
    return page


def file_of(run: Run) -> Path:
    [file] = run.comparisons.glob("*.json")
    return file


def pictures(page: Any) -> Any:
    """Return the points of the map, the ring apart."""
    return page.locator("#map-chart .scatterlayer .trace path.point")


def test_one_click_repeats_and_shows_sentence_columns_and_table(compared: Any, trained: Run):
    expect(compared.locator("#luck-cost")).to_contain_text("Up to 12 pictures still to be looked at")
    compared.locator("#luck").click()
    expect(compared.locator("#luck-finding")).to_contain_text("Over 5 trainings and 200 draws of 3 out of 6")
    expect(compared.locator("#luck-table tbody tr")).to_have_count(2)
    expect(compared.locator("#luck-chart .js-plotly-plot .errorbar")).to_have_count(10)
    expect(compared.locator("#luck-status")).to_be_empty()
    assert len(kept_luck(file_of(trained)).seeds) == 5


def test_the_number_of_seeds_is_on_the_button_and_out_of_range_it_is_a_sentence(compared: Any, trained: Run):
    enter(compared, "Training seeds", "3")
    expect(compared.locator("#luck")).to_have_text("Repeat with 3 seeds")
    expect(compared.locator("#luck-cost")).to_contain_text("3 trainings")
    compared.locator("#luck").click()
    expect(compared.locator("#luck-finding")).to_contain_text("Over 3 trainings")
    enter(compared, "Training seeds", "40")
    expect(compared.locator("#luck-cost")).to_contain_text("choose 2 to 10")
    compared.locator("#luck").click()
    expect(compared.get_by_text("The number of training seeds is out of range: choose 2 to 10.").last).to_be_visible()
    expect(compared.locator("#luck-finding")).to_contain_text("Over 3 trainings")


@pytest.mark.parametrize(("name", "doing"), [("luck", "Listing the pictures"), ("map", "Listing the pictures")])
def test_stop_ends_a_study_and_keeps_nothing(
    compared: Any, services: HeldServices, trained: Run, name: str, doing: str
):
    services.let_go.clear()
    expect(compared.locator(f"#{name}-stop")).to_be_disabled()
    compared.locator(f"#{name}").click()
    expect(compared.locator(f"#{name}-status")).to_contain_text(doing)
    compared.locator(f"#{name}-stop").click()
    expect(compared.locator(f"#{name}-status")).to_contain_text("Stopped")
    expect(compared.locator(f"#{name}-stop")).to_be_disabled()
    expect(compared.locator(f"#{name}-finding")).to_be_empty()
    # The page says so first; the study is closed behind it.
    for _ in range(1200):
        if services.closed:
            break
        compared.wait_for_timeout(50)
    assert services.closed == 1
    assert (kept_luck(file_of(trained)), kept_map(file_of(trained))) == (None, None)


def test_the_map_shows_a_picture_under_the_pointer_and_keeps_the_chosen_one(compared: Any, trained: Run):
    compared.locator("#map").click()
    expect(pictures(compared)).to_have_count(48)
    near, picked = compared.locator("#map-chart .near"), compared.locator("#map-chart .picked")
    expect(near).to_be_hidden()
    point = pictures(compared).first
    point.scroll_into_view_if_needed()
    point.hover(force=True)
    expect(near).to_be_visible()
    expect(near).to_contain_text(re.compile(r"(human|dog), \w+ [✓✗] called \w+"))
    expect(near.locator("img")).to_have_attribute("src", re.compile("^data:image/webp;base64,"))
    box, frame = near.bounding_box(), compared.locator("#map-chart .chart").bounding_box()
    assert frame["x"] <= box["x"]
    assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
    point.click(force=True)
    expect(picked.locator("img")).to_be_visible()
    expect(picked).to_contain_text(re.compile(r"(human|dog), shows \w+, (rightly|wrongly) called \w+\. \w+/\w+\.webp"))
    compared.mouse.move(5, 5)
    expect(near).to_be_hidden()
    expect(picked.locator("img")).to_be_visible()


def test_the_keyboard_steps_from_picture_to_picture(compared: Any, trained: Run):
    compared.locator("#map").click()
    picked = compared.locator("#map-chart .picked")
    expect(pictures(compared).first).to_be_attached()
    compared.get_by_role("button", name="Next picture").focus()
    seen = []
    for _ in range(3):
        compared.keyboard.press("Enter")
        seen.append(picked.locator("p").inner_text())
    compared.get_by_role("button", name="Previous picture").press("Enter")
    assert len(set(seen)) == 3
    expect(picked.locator("p")).to_have_text(seen[1])
    ring = compared.evaluate(
        "(() => { const data = document.querySelector('#map-chart .chart-plot').data;"
        "return data[data.length - 1].x[0]; })()"
    )
    points = {point.picture: point.x for point in kept_map(file_of(trained)).points}
    assert points[seen[1].rsplit(". ", 1)[1]] == ring


def test_another_comparison_clears_both_sections_and_the_saved_one_brings_them_back(compared: Any, trained: Run):
    for name in ("luck", "map"):
        compared.locator(f"#{name}").click()
        expect(compared.locator(f"#{name}-finding .headline")).to_be_visible()
    enter(compared, "Pictures a set", "4")
    compared.locator("#compare").click()
    expect(compared.locator("#luck-finding")).to_be_empty()
    expect(compared.locator("#map-finding")).to_be_empty()
    expect(compared.locator("#map-chart")).to_be_hidden()
    compared.get_by_label("Saved comparisons of this run").click()
    compared.get_by_role("option").last.click()
    expect(compared.locator("#luck-finding")).to_contain_text("200 draws of 3 out of 6")
    expect(compared.locator("#map-finding")).to_contain_text("48 pictures, drawn by seed 42")


@pytest.mark.parametrize("width", [390, 1280])
def test_no_section_makes_the_page_scroll_sideways(compared: Any, width: int):
    for name in ("luck", "map"):
        compared.locator(f"#{name}").click()
        expect(compared.locator(f"#{name}-finding .headline")).to_be_visible()
    compared.set_viewport_size({"width": width, "height": 900})
    compared.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
