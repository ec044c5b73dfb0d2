"""What a visitor does first, in this order: train, look, predict, compare."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from dashboards import Dashboard
from playwright.sync_api import Page, expect
from visitor import enter

from emotion.events import RunFinished
from emotion.runs import list_runs

OpenPage = Callable[..., Page]


def choose(page: Page, field: str, option: str) -> None:
    """Choose an option of a dropdown as a visitor does."""
    page.locator(f"#{field} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def tab_with_run(page: Page, name: str, run_field: str) -> None:
    """Open a tab and wait until it has taken up the newest run."""
    tab(page, name)
    expect(page.locator(f"#{run_field} input")).not_to_have_value("")


def points(page: Page, chart: str, line: str) -> int:
    """Return how many points a chart draws of a line."""
    return int(
        page.evaluate(
            "([id, name]) => (document.querySelector(`#${id} .chart-plot`)?.data || [])"
            ".filter(each => each.name === name).reduce((sum, each) => sum + each.x.length, 0)",
            [chart, line],
        )
    )


def await_points(page: Page, chart: str, line: str, count: int) -> None:
    page.wait_for_function(
        "([id, name, count]) => (document.querySelector(`#${id} .chart-plot`)?.data || [])"
        ".filter(each => each.name === name).reduce((sum, each) => sum + each.x.length, 0) === count",
        arg=[chart, line, count],
    )


@pytest.mark.slow
def test_before_any_run_the_page_says_what_it_waits_for(dashboard: Dashboard, open_page: OpenPage) -> None:
    page = open_page(dashboard)
    expect(page.locator("#train-default")).to_be_visible()
    for name, waits in (("Predict", "#predict-waits"), ("Cross-species", "#compare-waits")):
        tab(page, name)
        expect(page.locator(waits)).to_contain_text("waits for a first finished run")


def test_a_click_on_start_trains_to_a_finished_curve(
    dashboard: Dashboard, open_page: OpenPage, small_sets: Path
) -> None:
    page = open_page(dashboard)
    choose(page, "picture-set", f"{small_sets.name}/human_train")
    expect(page.locator("#preview")).to_contain_text("22")
    page.locator("#start").click()
    expect(page.locator("#stop")).to_be_enabled()
    # Where the epochs come faster than the page looks, the curve is drawn after the fact, and says so.
    expect(page.locator("#status")).to_contain_text(re.compile("Replay: the training itself took|Finished in"))
    expect(page.locator("#status .chip")).to_have_text("finished")
    await_points(page, "loss-chart", "Validation", 9)
    assert points(page, "accuracy-chart", "Training") == 8
    expect(page.locator("#start")).to_be_enabled()
    expect(page.locator("#stop")).to_be_disabled()
    expect(page.locator("#runs-table tbody tr")).to_have_count(1)
    [run] = list_runs(dashboard.runs)
    assert isinstance(run.events()[-1], RunFinished)


@pytest.mark.slow
def test_a_drawn_example_is_read_in_a_fixed_order_of_bars(dashboard: Dashboard, open_page: OpenPage) -> None:
    page = open_page(dashboard)
    tab_with_run(page, "Predict", "predict-run")
    page.locator("#examples button").first.click()
    expect(page.locator("#verdict")).to_contain_text("%")
    expect(page.locator("#verdict")).to_contain_text("Drawn pictures show how the tool works")
    page.wait_for_function("() => (document.querySelector('#bars .chart-plot')?.data || []).length > 0")
    order = page.evaluate("() => document.querySelector('#bars .chart-plot').data[0].y")
    assert [name for name in order if name] == ["happy", "sad", "angry", "tired"]


def test_an_upload_is_judged_and_deleted(dashboard: Dashboard, open_page: OpenPage, small_sets: Path) -> None:
    page = open_page(dashboard)
    tab_with_run(page, "Predict", "predict-run")
    picture = next((small_sets / "dog_eval" / "happy").iterdir())
    page.locator("#picture input[type=file]").set_input_files(picture)
    expect(page.locator("#verdict")).to_contain_text("%")
    assert [path for path in dashboard.uploads.rglob("*") if path.name == picture.name] == []


@pytest.mark.slow
def test_a_silly_upload_is_one_sentence(dashboard: Dashboard, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(dashboard)
    tab_with_run(page, "Predict", "predict-run")
    (tmp_path / "holiday.jpg").write_text("just text")
    page.locator("#picture input[type=file]").set_input_files(tmp_path / "holiday.jpg")
    expect(page.get_by_text("holiday.jpg is not a picture").first).to_be_visible()
    assert "Traceback" not in page.content()


def test_people_and_dogs_are_compared_side_by_side(dashboard: Dashboard, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(dashboard)
    tab_with_run(page, "Cross-species", "compare-run")
    page.locator("#compare").click()
    expect(page.locator("#report .species-card")).to_have_count(2)
    expect(page.locator("#report figure")).to_have_count(40)
    for text in ("of 20 correct", "came second in", "Said instead"):
        expect(page.locator("#report .species-card").last).to_contain_text(text)
    for text in ("95 % intervals", "Log loss", "an even guess"):
        expect(page.locator("#measures")).to_contain_text(text)
    for text in ("20 pictures a set", "seed 42", "chance 25 %"):
        expect(page.locator("#headline")).to_contain_text(text)
    with page.expect_download() as download:
        page.locator("#csv").click()
    download.value.save_as(tmp_path / "comparison.csv")
    with (tmp_path / "comparison.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    newest = list_runs(dashboard.runs)[0]
    assert len(list(newest.comparisons.iterdir())) == 1


@pytest.mark.slow
def test_a_sample_larger_than_its_set_is_one_sentence(dashboard: Dashboard, open_page: OpenPage) -> None:
    page = open_page(dashboard)
    tab_with_run(page, "Cross-species", "compare-run")
    enter(page, "Pictures a set", "400")
    page.locator("#compare").click()
    expect(page.get_by_text("There are only 22 pictures of 'happy'").first).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (1280, "dark")])
def test_no_tab_scrolls_sideways(dashboard: Dashboard, open_page: OpenPage, width: int, theme: str) -> None:
    page = open_page(dashboard, width=width, theme=theme)
    for name in ("Train", "Predict", "Cross-species"):
        tab(page, name)
        page.wait_for_function("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_server_has_said_nothing_on_its_error_stream(dashboard: Dashboard) -> None:
    assert "Traceback" not in dashboard.log.read_text()
