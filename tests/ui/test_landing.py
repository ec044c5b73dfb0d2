"""What a first visitor sees: measured numbers, a way on, and a panel that stays as it was left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from scripted import ScriptedServices
from serving_pages import served, visiting

from emotion.errors import EmotionError
from emotion.reproduction.twenty import REPORTS, TABLE, Twenty, read_twenty
from emotion.ui import landing
from emotion.ui.app import build_app

TABLE_TEXT = """Sample,Mean correct-class confidence,"Mean correct-class confidence, detail",Right,"Right, detail"
"human, report",39.5 %,no interval given,19 of 20,76 to 99
"human, ours",70.0 %,61 to 79,8 of 10,49 to 94
"dog, ours",20.5 %,9 to 32,1 of 10,2 to 40
"""


def written(folder: Path, kind: str, text: str) -> Path:
    (folder / kind).mkdir(parents=True)
    (folder / kind / TABLE).write_text(text, encoding="utf-8")
    return folder


def test_the_samples_are_read_from_the_table_that_a_reproduction_writes(tmp_path: Path) -> None:
    assert read_twenty("drawn", reports=written(tmp_path, "drawn", TABLE_TEXT)) == [
        Twenty("human", True, 0.395, None, 19, 20),
        Twenty("human", False, 0.7, (0.61, 0.79), 8, 10),
        Twenty("dog", False, 0.205, (0.09, 0.32), 1, 10),
    ]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "Sample\nhuman\n", TABLE_TEXT.replace("19 of 20", "many")])
def test_a_table_that_cannot_be_read_gives_no_samples(text: str, tmp_path: Path) -> None:
    assert read_twenty("drawn", reports=written(tmp_path, "drawn", text)) == []


def test_a_table_that_is_not_there_gives_no_samples(tmp_path: Path) -> None:
    assert read_twenty("drawn", reports=tmp_path) == []


@pytest.mark.parametrize("kind", ["photographs", "drawn"])
def test_the_committed_tables_hold_both_samples_of_the_report_and_of_ours(kind: str) -> None:
    assert (REPORTS / kind / TABLE).is_file()
    found = [(each.species, each.is_report) for each in read_twenty(kind)]
    assert found == [("human", True), ("human", False), ("dog", True), ("dog", False)]


def test_every_number_on_the_panel_is_one_of_the_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reports = written(tmp_path, "photographs", TABLE_TEXT)
    monkeypatch.setattr(landing, "read_twenty", lambda kind: read_twenty(kind, reports=reports))
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", landing.landing_html()))
    assert "39.5 % , 19 of 20 right" in shown
    assert "70.0 % (61 to 79), 8 of 10 right" in shown
    assert "On photographs 8 of 10 happy people and 1 of 10 happy dogs were called happy." in shown
    assert "dogs cannot be told from guessing" in shown
    assert "drawn pictures" not in shown


def test_without_any_table_it_still_says_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing, "read_twenty", lambda _: [])
    shown = landing.landing_html()
    assert landing.ASKED in shown
    assert "%" not in shown


def test_a_tab_that_does_not_exist_is_refused() -> None:
    with pytest.raises(EmotionError, match="reload the page"):
        landing._tab(cast(Any, SimpleNamespace(_data={"tab": "../runs"})))


@pytest.fixture
def address(services: ScriptedServices) -> Iterator[str]:
    with served(build_app(services)) as url:
        yield url


def test_it_leads_to_a_tab_and_stays_closed_once_a_visitor_has_closed_it(browser: Any, address: str) -> None:
    from playwright.sync_api import expect

    with visiting(browser, address) as page:
        expect(page.locator(".landing-body")).to_be_visible()
        page.get_by_role("button", name="Bring your own pictures").click()
        expect(page.get_by_role("tab", name="Pictures")).to_have_attribute("aria-selected", "true")
        page.locator("#landing summary").click()
        expect(page.locator(".landing-body")).to_be_hidden()
        page.reload()
        expect(page.locator("#landing summary")).to_be_visible()
        expect(page.locator(".landing-body")).to_be_hidden()


def test_a_training_that_is_started_comes_into_view_and_the_panel_is_closed_at_the_next_visit(
    browser: Any, address: str
) -> None:
    from playwright.sync_api import expect

    with visiting(browser, address) as page:
        expect(page.locator(".landing-body")).to_be_visible()
        page.get_by_role("button", name="Train the default").click()
        page.wait_for_function("Math.abs(document.querySelector('#tabs').getBoundingClientRect().top) < 2")
        expect(page.locator("#runs-table")).to_contain_text("finished")
        expect(page.locator(".landing-body")).to_be_visible()
        page.reload()
        expect(page.locator("#landing summary")).to_be_visible()
        expect(page.locator(".landing-body")).to_be_hidden()
