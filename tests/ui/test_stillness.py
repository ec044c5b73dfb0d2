"""Nothing on the page jumps while a training draws its curves."""

from __future__ import annotations

from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test installs it.")
expect = playwright.expect

# Half of what web.dev/articles/cls calls good for a whole visit.
STILL = 0.05
OBSERVE = """() => {
    window.shifts = [];
    new PerformanceObserver(list => window.shifts.push(...list.getEntries()))
        .observe({type: 'layout-shift', buffered: true});
    return performance.now();
}"""
# Also shifts right after a click count, which the usual measure forgives: curves move by themselves.
SHIFTS = """since => window.shifts.filter(each => each.startTime >= since).map(each => ({
    value: each.value,
    moved: each.sources.map(source => source.node?.id || source.node?.className || source.node?.nodeName || ''),
}))"""


@pytest.mark.parametrize(
    ("button", "width"),
    [
        ("Train the default", 390),
        pytest.param("Train the default", 1280, marks=pytest.mark.slow),
        pytest.param("Start", 390, marks=pytest.mark.slow),
        pytest.param("Start", 1280, marks=pytest.mark.slow),
    ],
)
def test_nothing_jumps_from_the_click_to_the_finished_curve(page: Any, width: int, button: str):
    page.set_viewport_size({"width": width, "height": 900})
    page.reload()
    expect(page.locator("#train-default")).to_be_visible()
    expect(page.locator("#look-cost")).to_contain_text("The backbone looks")
    start = page.get_by_role("button", name=button, exact=True)
    start.scroll_into_view_if_needed()
    began = page.evaluate(OBSERVE)
    start.click()
    expect(page.locator("#status .chip")).to_have_text("finished")
    expect(page.locator("#runs-table")).to_contain_text("finished")
    expect(page.locator("#train-default")).to_be_hidden()
    shifts = page.evaluate(SHIFTS, began)
    assert sum(each["value"] for each in shifts) < STILL, shifts
