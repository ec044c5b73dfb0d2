"""The page for those who do not see it as we do: what axe-core finds, and what every control is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from visitor import enter

from emotion.run import Run

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test installs it.")
expect = playwright.expect

AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
THEMES = ("light", pytest.param("dark", marks=pytest.mark.slow))
WIDTHS = (1280, 390)
CONTROLS = {
    "button", "checkbox", "combobox", "link", "listbox", "radio", "slider", "spinbutton", "switch", "tab", "textbox",
    "searchbox",
}  # fmt: skip
# Colours fade in; axe would measure them on the way. What moves for ever is none of them.
AT_REST = """() => Promise.all(document.getAnimations()
    .filter(each => each.effect.getComputedTiming().iterations !== Infinity)
    .map(each => each.finished.catch(() => {})))"""
# Nothing is excluded: what axe found in Gradio's own markup has been mended from outside.
CHECK = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
    .filter(each => ['serious', 'critical'].includes(each.impact))
    .map(each => [each.id, each.help, each.nodes.map(node => [node.html.slice(0, 200), node.failureSummary])])"""


def tabs(page: Any) -> list[str]:
    """Return the names of the page's tabs."""
    return page.get_by_role("tab").all_inner_texts()


def show(page: Any, tab: str) -> None:
    page.get_by_role("tab", name=tab, exact=True).click()
    page.evaluate(AT_REST)


def findings(page: Any) -> dict[str, Any]:
    """Return what axe calls serious or critical, by tab and width; nothing where all is well."""
    found: dict[str, Any] = {}
    for width in WIDTHS:
        for tab in tabs(page):
            show(page, tab)
            violated = violations(page, width)
            if violated:
                found[f"{tab} at {width} px"] = violated
    return found


def violations(page: Any, width: int) -> list[Any]:
    """Return what axe calls serious or critical of what is on the screen."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: make test installs it where there is npm.")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    page.set_viewport_size({"width": width, "height": 900})
    return page.evaluate(CHECK)


def fill_every_tab(page: Any, run: Run) -> None:
    """Open what is folded, and show a finished run's curves and mistakes, a prediction and a comparison."""
    expect(page.locator("#runs-table")).to_contain_text("finished")
    page.get_by_role("button", name="More settings").click()
    sweep_two(page)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#status .chip")).to_have_text("finished")
    # Rows that come later would move the one that is pressed below.
    expect(page.locator("#runs-table td.finished")).to_have_count(4)
    page.get_by_label("Lay curves over each other").click()
    page.locator("#overlay-runs").get_by_role("option").first.click()
    expect(page.locator("#overlay-loss .legendtext")).to_have_count(1)
    page.locator(f"#runs-table button[data-run='{run.name}']").click()
    expect(page.locator("#run-state")).to_contain_text(run.name)
    page.locator("#confusion td.wrong button").first.click()
    expect(page.locator("#confusion-cell figure").first).to_be_visible()
    page.get_by_text("All settings").click()
    show(page, "Predict")
    page.get_by_role("button", name="Drawn example 5: dog, happy").click()
    expect(page.locator("#verdict")).to_contain_text("%")
    show(page, "Cross-species")
    enter(page, "Pictures a set", "5")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator(".species-card")).to_have_count(2)


def sweep_two(page: Any) -> None:
    """Open the sweep and run one of two values to its end."""
    page.get_by_role("button", name="Sweep: several values of one setting").click()
    enter(page, "Values", "4, 8")
    page.locator("#sweep").click()
    expect(page.locator("#sweep-status .chip")).to_have_text("finished")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_a_sweep(page: Any, address: str, theme: str):
    page.goto(f"{address}?__theme={theme}")
    sweep_two(page)
    page.evaluate(AT_REST)
    found = {width: violations(page, width) for width in WIDTHS}
    assert found == {width: [] for width in WIDTHS}


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_serious_before_the_first_run(page: Any, address: str, theme: str):
    page.goto(f"{address}?__theme={theme}")
    expect(page.locator("#train-default")).to_be_visible()
    assert findings(page) == {}


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_with_a_run_and_a_comparison(validated: Run, page: Any, address: str, theme: str):
    page.goto(f"{address}?__theme={theme}")
    fill_every_tab(page, validated)
    assert findings(page) == {}


def test_every_control_has_a_name(validated: Run, page: Any):
    fill_every_tab(page, validated)
    browser = page.context.new_cdp_session(page)
    nameless: dict[str, list[str]] = {}
    for tab in tabs(page):
        show(page, tab)
        controls = [
            node
            for node in browser.send("Accessibility.getFullAXTree")["nodes"]
            if not node["ignored"] and node["role"]["value"].lower() in CONTROLS
        ]
        assert len(controls) > 5, tab
        without = [node for node in controls if not node.get("name", {}).get("value", "").strip()]
        if without:
            nameless[tab] = [markup(browser, node) for node in without]
    assert nameless == {}


def markup(browser: Any, node: dict[str, Any]) -> str:
    """Return the beginning of a node's HTML."""
    html = browser.send("DOM.getOuterHTML", {"backendNodeId": node["backendDOMNodeId"]})["outerHTML"]
    return html[:200]
