"""The page of a report in a browser: a phone's width, light and dark, paper, and what axe-core finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from emotion.comparison import load_comparison
from emotion.report import build_report, write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test installs it.")
pytestmark = pytest.mark.browser

MakeComparison = Callable[..., Path]
AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
CHECK = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
    .map(each => [each.id, each.help, each.nodes.map(node => [node.html.slice(0, 200), node.failureSummary])])"""
OPEN_ALL = "() => document.querySelectorAll('details').forEach(each => { each.open = true; })"
LONG = "a-species-with-a-name-that-is-as-long-as-nobody-would-think-of-but-somebody-does"


@pytest.fixture
def page_file(make_comparison: MakeComparison, tmp_path: Path) -> Path:
    """A report of all emotions of several sets, one of a very long name, with a ticked picture."""
    file = make_comparison(sets=("human", "dog", "cat", LONG), emotion=None)
    chosen = load_comparison(file).sets["dog"]["sad"].pictures[0]
    target = tmp_path / "report.html"
    write_report(build_report(file, ticked=[chosen.sha256]), target)
    return target


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_asks_nobody_and_is_clean_for_axe(browser: Browser, page_file: Path, scheme: Any) -> None:
    # axe is put in by the test, which the page's own policy would forbid.
    context = browser.new_context(color_scheme=scheme, bypass_csp=True, viewport={"width": 390, "height": 844})
    page = context.new_page()
    asked: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(page_file.as_uri())
    page.evaluate(OPEN_ALL)
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        if AXE.is_file():
            page.evaluate(AXE.read_text(encoding="utf-8"))
            assert page.evaluate(CHECK) == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 21, 29)"}[scheme]
    assert [url for url in asked if not url.startswith(("data:", page_file.as_uri()))] == []
    assert problems == []
    context.close()
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: make test installs it where there is npm. The rest holds.")


def test_charts_stay_within_their_frames(browser: Browser, page_file: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(page_file.as_uri())
    outside = page.evaluate(
        """() => [...document.querySelectorAll('.charts svg')].flatMap(chart => {
            const frame = chart.getBoundingClientRect();
            return [...chart.querySelectorAll('text')].filter(each => {
                const box = each.getBoundingClientRect();
                return box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1;
            }).map(each => each.textContent);
        })"""
    )
    assert outside == []
    context.close()


def test_paper_is_white_and_needs_no_more_than_its_width(browser: Browser, page_file: Path) -> None:
    context = browser.new_context(color_scheme="dark", viewport={"width": 700, "height": 990})
    page = context.new_page()
    page.emulate_media(media="print", color_scheme="dark")
    page.goto(page_file.as_uri())
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format="A4", print_background=True)[:5] == b"%PDF-"
    context.close()
