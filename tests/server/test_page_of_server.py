"""On the page: a model is handed on, and a name with markup in it stays text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers.hub_stand_in import READ_ONLY, TOKEN, Kept, hub
from helpers.looking import button, give, open_run, panel, press, says, unfold
from helpers.pictures import picture_bytes, write_pictures
from helpers.processes import children_of
from helpers.serving import Site, enter, open_tab, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

MARKUP = "<img src=x onerror=window.pwned=1><b>bold"
KEPT = Kept()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, tiny_vit: Path) -> Iterator[Site]:
    """One's own dashboard before a stand-in for the Hub; a run and a set whose names and classes are markup."""
    from emotion.cli import main

    root = tmp_path_factory.mktemp("page")
    given = root / MARKUP
    write_pictures(given / f"{MARKUP}_eval", count=4, classes=("happy", MARKUP))

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
    [run] = site.runs.glob("2*")
    return run


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
    KEPT.takes.clear()
    for token in (READ_ONLY, TOKEN):
        field.fill(token)
        button(page, "Push to the Hub").last.click()
        expect(field).to_have_value("")
        if token == READ_ONLY:
            says(page, "did not take rosa/emotions (This token may read but not write)")
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
def test_fault_markup_in_the_names_of_runs_sets_classes_and_files_stays_text_on_every_tab_and_in_toasts(
    page: Page, named_run: Path, tmp_path: Path
) -> None:
    def is_text() -> None:
        assert page.evaluate("window.pwned") is None
        assert page.locator("img[src=x], b:text-is('bold')").count() == 0

    picture, damaged = tmp_path / f"{MARKUP}.png", tmp_path / f"{MARKUP}.jpg"
    picture.write_bytes(picture_bytes())
    damaged.write_text("no picture")
    for tab in page.get_by_role("tab").all_inner_texts():
        open_tab(page, tab)
        is_text()
    open_tab(page, "Train")
    open_run(page, named_run)
    says(page, MARKUP)
    is_text()
    open_tab(page, "Predict")
    # The click waits until the field stands still: a file that is put into it before may be forgotten.
    give(page, "Drop an image file here to upload", damaged)
    page.get_by_test_id("toast-body").get_by_text(f"{MARKUP}.jpg is not a picture").first.wait_for()
    is_text()
    give(page, "Drop an image file here to upload", picture)
    says(page, "%")
    is_text()
    open_tab(page, "Cross-species")
    panel(page).get_by_label(f"{MARKUP}/{MARKUP}_eval", exact=True).check()
    enter(page, "Pictures per set", "2")
    press(page, "Compare")
    says(page, "2 pictures per set")
    says(page, MARKUP)
    is_text()
