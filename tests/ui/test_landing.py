"""What a first visitor sees: measured numbers, a way on, and a panel that stays as it was left."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from scripted import ScriptedServices
from serving_pages import served, visiting

from emotion.errors import EmotionError
from emotion.labels import DRAWN_NOTE
from emotion.ui.app import build_app
from emotion.ui.landing import ASKED, _tab, landing_html, read_twenty


def written(folder: Path, kind: str) -> Path:
    """Write an experiment in which eight of ten people and one of ten dogs were right."""
    rows = [
        ("human_eval", 8, 0.70, 0.61, 0.79),
        ("dog_eval", 1, 0.205, 0.09, 0.32),
    ]
    names = ("set", "right", "confidence", "confidence_low", "confidence_high")
    twenty = [{**dict(zip(names, row, strict=True)), "n": 10} for row in rows]
    (folder / f"experiment-{kind}.json").write_text(json.dumps({"kind": kind, "twenty": twenty}), encoding="utf-8")
    return folder


def shown(folder: Path) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", landing_html(folder)))


@pytest.mark.parametrize("text", ["", "[]", '{"twenty": 3}', '{"twenty": [{"set": "human_eval"}]}', None])
def test_an_experiment_that_is_absent_or_cannot_be_read_is_left_out(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "experiment-drawn.json").write_text(text, encoding="utf-8")
    assert ASKED in shown(tmp_path)
    assert "%" not in shown(tmp_path)


@pytest.mark.parametrize("kind", ["photographs", "drawn"])
def test_the_committed_experiments_hold_twenty_people_and_twenty_dogs(kind: str) -> None:
    assert [(each.species, each.n) for each in read_twenty(kind)] == [("human", 20), ("dog", 20)]


def test_every_number_on_the_panel_is_one_of_the_experiment_or_of_the_report(tmp_path: Path) -> None:
    text = shown(written(tmp_path, "photographs"))
    assert "39.5 % , 19 of 20 right" in text
    assert "70.0 % (61 to 79), 8 of 10 right" in text
    assert "On photographs 8 of 10 happy people and 1 of 10 happy dogs were called happy." in text
    assert "dogs cannot be told from guessing" in text
    assert "drawn pictures" not in text


def test_drawn_pictures_alone_stand_without_the_report_and_with_their_note(tmp_path: Path) -> None:
    text = shown(written(tmp_path, "drawn"))
    assert DRAWN_NOTE in text
    assert "39.5 %" not in text


def test_a_tab_that_does_not_exist_is_refused() -> None:
    with pytest.raises(EmotionError, match="reload the page"):
        _tab(cast(Any, SimpleNamespace(_data={"tab": "../runs"})))


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
