"""The live camera: pictures are judged one after the other, the bars move, and it pauses where nobody looks."""

import re

import pytest
from helpers.looking import record, says
from helpers.serving import Site, open_tab
from helpers.waiting import until
from playwright.sync_api import Browser, Page, expect

LIVE = re.compile("Looks|Leans to")


def begin(page: Page) -> None:
    open_tab(page, "Predict")
    open_tab(page, "Live camera")
    record(page)


def goes_on(page: Page) -> None:
    """Await that the page draws answers to three more pictures of the camera."""
    drawn = page.locator("[data-pictures]")
    before = int(drawn.get_attribute("data-pictures") or 0)
    until(lambda: int(drawn.get_attribute("data-pictures") or 0) >= before + 3, what="more pictures of the camera")


def pauses(page: Page) -> None:
    """Await that no picture comes any more: the button that stops it is gone."""
    expect(page.get_by_title("stop recording")).to_have_count(0)


@pytest.mark.slow
def test_a_camera_is_judged_live_pauses_unseen_and_is_one_of_a_visitor(site: Site, browser: Browser) -> None:
    with site.visit(browser, permissions=["camera"]) as page:
        begin(page)
        says(page, LIVE)
        goes_on(page)
        shares = page.locator("[data-pictures]").get_by_text(re.compile(r"^\d+ %$"))
        assert 98 <= sum(int(each.split()[0]) for each in shares.all_inner_texts()) <= 102
        assert page.get_by_text("Familiar kind of picture", exact=False).or_(page.get_by_text("Unfamiliar")).count() > 0
        with site.visit(browser, permissions=["camera"]) as second:
            begin(second)
            says(second, "Your camera is live in another window: stop it there, and it goes on here.")
            open_tab(page, "Runs")
            pauses(page)
            says(second, LIVE)
            goes_on(second)
        open_tab(page, "Predict")
        goes_on(page)
        hidden = (
            "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
            "document.dispatchEvent(new Event('visibilitychange')); }"
        )
        page.evaluate(hidden, True)
        pauses(page)
        page.evaluate(hidden, False)
        goes_on(page)
    # Nothing of it is kept.
    assert not [path for path in site.uploads.rglob("*") if path.suffix in (".jpeg", ".jpg", ".webp")]
