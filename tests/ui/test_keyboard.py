"""The page without a mouse: everything is reached and done with Tab, arrows, Enter and Space, and focus is seen."""

from __future__ import annotations

from typing import Any

import pytest

from emotion.events import EpochDone
from emotion.run import Run

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test installs it.")
expect = playwright.expect

MANY = 150
HAS_FOCUS = "element => element === document.activeElement"
# A field's ring is on its frame, a choice's on its label: a few levels up.
IS_RINGED = """() => {
    let element = document.activeElement;
    for (let level = 0; element && level < 4; level += 1, element = element.parentElement) {
        const {outlineStyle, outlineWidth} = getComputedStyle(element);
        if (outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2) return true;
    }
    return false;
}"""
FOCUSED = """() => document.activeElement === document.body ? '' : document.activeElement.outerHTML.slice(0, 200)"""


def tab_to(page: Any, target: Any) -> None:
    """Press Tab until ``target`` has the focus."""
    for _ in range(MANY):
        page.keyboard.press("Tab")
        if target.evaluate(HAS_FOCUS):
            return
    raise AssertionError(f"{MANY} times Tab do not lead to {target}.")


def press(page: Any, target: Any) -> None:
    """Tab to a button and press Enter."""
    tab_to(page, target)
    page.keyboard.press("Enter")


def open_tab(page: Any, name: str) -> None:
    tab = page.get_by_role("tab", name=name, exact=True)
    press(page, tab)
    expect(tab).to_have_attribute("aria-selected", "true")


def test_a_training_is_started_and_stopped_from_the_keyboard(page: Any, gate: Any):
    gate.holds = lambda event: isinstance(event, EpochDone) and event.epoch == 2
    press(page, page.get_by_role("button", name="Start", exact=True))
    expect(page.locator("#status")).to_contain_text("Epoch 2 of 8 is done")
    stop = page.get_by_role("button", name="Stop")
    expect(stop).to_be_enabled()
    # Start is out of use by now, and still the place from which Tab goes on.
    page.keyboard.press("Tab")
    assert stop.evaluate(HAS_FOCUS)
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("Stopped: epoch 2 is kept.")


def test_an_example_is_chosen_from_the_keyboard(trained: Run, page: Any):
    expect(page.locator("#runs-table")).to_contain_text("finished")
    open_tab(page, "Predict")
    press(page, page.get_by_role("button", name="Drawn example 5: dog, happy"))
    expect(page.locator("#verdict")).to_contain_text("%")


def test_sets_are_compared_from_the_keyboard(trained: Run, page: Any):
    expect(page.locator("#runs-table")).to_contain_text("finished")
    open_tab(page, "Cross-species")
    emotion = page.get_by_label("Emotion", exact=True)
    tab_to(page, emotion)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(emotion).to_have_value("sad")
    tab_to(page, page.get_by_label("Pictures a set", exact=True))
    page.keyboard.press("Control+a")
    page.keyboard.type("5")
    tab_to(page, page.get_by_label("Drawn cats"))
    page.keyboard.press("Space")
    press(page, page.get_by_role("button", name="Compare", exact=True))
    expect(page.locator(".species-card")).to_have_count(3)
    expect(page.locator("#headline")).to_contain_text("Mean correct-class confidence, “sad”")


def test_a_list_closes_when_tab_leaves_it(trained: Run, page: Any):
    expect(page.locator("#runs-table")).to_contain_text("finished")
    open_tab(page, "Cross-species")
    emotion = page.get_by_label("Emotion", exact=True)
    tab_to(page, emotion)
    expect(emotion).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Tab")
    expect(emotion).to_have_attribute("aria-expanded", "false")
    expect(page.locator("[role=listbox] >> visible=true")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_what_has_the_focus_is_ringed(trained: Run, page: Any, address: str, theme: str):
    page.goto(f"{address}?__theme={theme}")
    expect(page.locator("#runs-table")).to_contain_text("finished")
    page.get_by_role("button", name="More settings").click()
    for name in page.get_by_role("tab").all_inner_texts():
        open_tab(page, name)
        rings: list[tuple[str, bool]] = []
        while len(rings) < MANY:
            page.keyboard.press("Tab")
            focused = page.evaluate(FOCUSED)
            if not focused:
                break
            rings.append((focused, page.evaluate(IS_RINGED)))
        assert [focused for focused, is_ringed in rings if not is_ringed] == [], name
        assert len(rings) > 3, name
