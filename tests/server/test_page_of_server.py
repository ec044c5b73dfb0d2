"""On the page: no run is lost whatever happens, a model is handed on, and a name with markup in it stays text."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers.hub_stand_in import READ_ONLY, TOKEN, Kept, hub
from helpers.looking import button, open_run, panel, press, press_stop, says, unfold
from helpers.pictures import picture_bytes, write_pictures
from helpers.processes import all_ended, children_of
from helpers.run_folder import epochs_of, status_of
from helpers.serving import Site, enter, open_tab, serving
from helpers.visitors import Visitor
from helpers.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EPOCH = re.compile(r"epoch \d+ of 50 is done")
MARKUP = "<img src=x onerror=window.pwned=1><b>bold"
KEPT = Kept()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, tiny_pictures: Path, tiny_vit: Path) -> Iterator[Site]:
    """One's own dashboard before a stand-in for the Hub; a run and a set whose names and classes are markup."""
    from emotion.cli import main

    root = tmp_path_factory.mktemp("page")
    given = root / MARKUP
    write_pictures(given / f"{MARKUP}_eval", count=4, classes=("happy", MARKUP))
    for name in ("human_train", "dog_eval"):
        (given / name).symlink_to(tiny_pictures / name)

    def prepare(site: Site) -> None:
        words = ["train", "--pictures", given / f"{MARKUP}_eval", "--backbone", tiny_vit, "--epochs", 2]
        assert main([str(word) for word in [*words, "--image-size", 32, "--runs", site.runs]]) == 0
        [run] = site.runs.glob("2*")
        (run / "about.json").write_text(json.dumps({"title": MARKUP, "note": MARKUP}))

    with hub(KEPT) as url:
        environment = {"EMOTION_PICTURES": str(given), "HF_ENDPOINT": url, "HF_HUB_OFFLINE": "0"}
        with serving(root / "site", environment=environment, prepare=prepare) as site:
            yield site


@pytest.fixture
def named_run(site: Site) -> Path:
    [run] = [path for path in site.runs.glob("2*") if (path / "about.json").is_file()]
    return run


@pytest.fixture
def long_run(site: Site, tiny_dinov2: Path) -> Path:
    """A training of some seconds that has begun."""
    with Visitor(site.url) as visitor:
        return site.runs / visitor.train(tiny_dinov2, epochs=50, batch=4, depth="all")


@pytest.mark.slow
def test_a_server_that_is_killed_leaves_no_process_and_the_next_one_offers_to_go_on(
    site: Site, browser: Browser, long_run: Path
) -> None:
    until(lambda: epochs_of(long_run) > 0)
    children = children_of(site.process.pid)
    site.end(signal.SIGKILL)
    assert all_ended(children)
    assert status_of(long_run) == "interrupted"
    site.start()
    with site.visit(browser) as page:
        open_run(page, long_run)
        says(page, "Interrupted")
        press(page, "Show curves")
        before = epochs_of(long_run)
        press(page, "Resume")
        until(lambda: epochs_of(long_run) > before)
        press_stop(page, long_run, site.process.pid)
        says(page, re.compile(r"Stopped: epoch \d+ is kept"))


@pytest.mark.slow
def test_a_click_pushes_the_model_and_the_token_leaves_the_page_and_stays_nowhere(
    site: Site, page: Page, named_run: Path
) -> None:
    from playwright.sync_api import expect

    open_run(page, named_run)
    unfold(page, "Push to the Hub")
    field = page.get_by_label("Access token")
    expect(field).to_have_attribute("type", "password")
    expect(page.get_by_label("Private repository")).to_be_checked()
    enter(page, "Repository", "rosa/emotions")
    field.fill(READ_ONLY)
    button(page, "Push to the Hub").last.click()
    says(page, "did not take rosa/emotions (This token may read but not write)")
    expect(field).to_have_value("")
    KEPT.takes.clear()
    field.fill(TOKEN)
    button(page, "Push to the Hub").last.click()
    expect(field).to_have_value("")
    assert KEPT.begun.wait(60)
    for process in children_of(site.process.pid):
        assert TOKEN not in f"{process.cmdline()} {process.environ()}"
    KEPT.takes.set()
    expect(page.get_by_role("link", name=f"{KEPT.address}/rosa/emotions")).to_be_visible()
    assert KEPT.repositories["rosa/emotions"].private
    weights = (named_run / "checkpoint" / "model.safetensors").read_bytes()
    assert KEPT.repositories["rosa/emotions"].files["model.safetensors"] == weights
    told = page.content() + page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    told += page.request.get(f"{site.url}/config").text()
    left = [path.read_bytes() for path in site.root.rglob("*") if path.is_file()]
    assert left
    # On one's own machine nothing is logged, unless a variable asks for it.
    assert '"event":' not in site.log.read_text()
    for token in (TOKEN, READ_ONLY):
        assert token not in told
        assert not any(token.encode() in content for content in left)


@pytest.mark.slow
def test_markup_in_the_names_of_runs_sets_and_classes_stays_text_on_every_tab(
    page: Page, named_run: Path, tmp_path: Path
) -> None:
    def is_text() -> None:
        assert page.evaluate("window.pwned") is None
        assert page.locator("img[src=x], b:text-is('bold')").count() == 0

    (tmp_path / f"{MARKUP}.png").write_bytes(picture_bytes())
    for tab in page.get_by_role("tab").all_inner_texts():
        open_tab(page, tab)
        is_text()
    open_tab(page, "Train")
    open_run(page, named_run)
    says(page, MARKUP)
    is_text()
    open_tab(page, "Predict")
    page.get_by_role("tabpanel").locator("input[type=file]").first.set_input_files(tmp_path / f"{MARKUP}.png")
    says(page, "%")
    is_text()
    open_tab(page, "Cross-species")
    panel(page).get_by_label(f"{MARKUP}/{MARKUP}_eval", exact=True).check()
    enter(page, "Pictures per set", "2")
    press(page, "Compare")
    says(page, "2 pictures per set")
    says(page, MARKUP)
    is_text()
