"""Two visitors of a public server, each in a browser of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import ScriptedServices
from serving_pages import served, visiting

from emotion.owners import owner_of
from emotion.runs import list_runs
from emotion.sets.saved import list_sets
from emotion.ui.app import build_app


@pytest.fixture
def address(services: ScriptedServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve the page to the public."""
    monkeypatch.setenv("EMOTION_PUBLIC", "1")
    monkeypatch.setenv("EMOTION_LOG", str(tmp_path / "log.jsonl"))
    monkeypatch.setenv("EMOTION_SETS", str(tmp_path / "sets"))
    with served(build_app(services)) as url:
        yield url


def test_a_run_is_on_its_makers_page_alone_until_it_is_shared(
    browser: Any, address: str, services: ScriptedServices, faces: Path
):
    from playwright.sync_api import expect

    with visiting(browser, address) as anna, visiting(browser, address) as bert:
        expect(anna.get_by_role("button", name="Train the default")).to_be_visible()
        anna.get_by_role("button", name="Train the default").click()
        expect(anna.locator("#runs-table")).to_contain_text("finished")
        expect(bert.locator("#runs-table")).to_contain_text("No runs yet")
        [run] = list_runs(services.runs_folder)
        anna.get_by_role("tab", name="Runs").click()
        anna.get_by_label("Share with everyone").check()
        expect(bert.locator("#runs-table")).to_contain_text(run.name)
        bert.get_by_role("tab", name="Runs").click()
        expect(bert.locator("#run-state")).to_contain_text("Finished")
        expect(bert.get_by_label("Share with everyone")).to_be_hidden()
        expect(bert.get_by_role("button", name="Delete", exact=True).first).to_be_disabled()
        # Bert's own picture, judged by Anna's model.
        bert.get_by_role("tab", name="Predict").click()
        picture = faces / "cat_eval" / "sad" / "cat_eval_sad_0.webp"
        bert.locator("#picture input[type=file]").set_input_files(str(picture))
        expect(bert.locator("#verdict")).to_contain_text(f"Run {run.name}")
        another = anna.context.new_page()
        another.goto(address)
        expect(another.locator("#runs-table")).to_contain_text(run.name)
    assert not list((services.runs_folder.parent / "sets").glob("*"))


def bring(page: Any, faces: Path) -> None:
    page.get_by_role("tab", name="Pictures").click()
    page.get_by_role("tab", name="Into a class").click()
    pictures = sorted((faces / "dog_eval" / "happy").iterdir())
    page.locator("#set-files input[type=file]").set_input_files([str(path) for path in pictures])


def offered(page: Any) -> Any:
    page.reload()
    page.get_by_role("tab", name="Pictures").click()
    page.locator("#own-set input").click()
    return page.locator("[role=listbox]")


def test_a_set_is_its_makers_alone_until_it_is_shared_and_stays_theirs_to_change(
    browser: Any, address: str, faces: Path, tmp_path: Path
):
    from playwright.sync_api import expect

    with visiting(browser, address) as anna, visiting(browser, address) as bert:
        bring(anna, faces)
        expect(anna.locator("#summary")).to_contain_text("My pictures")
        expect(offered(bert)).not_to_contain_text("My pictures")
        # No folder of the server is offered to the public.
        expect(bert.locator("#set-folder")).to_be_hidden()
        anna.get_by_role("button", name="Rename or delete this set").click()
        anna.locator("#share-set input").check()
        # His list is filled as his page loads, so the server has to know of it before.
        [own] = list_sets(tmp_path / "sets")
        for _ in range(1200):
            if owner_of(own.folder).shared:
                break
            anna.wait_for_timeout(50)
        expect(offered(bert)).to_contain_text("My pictures")
        bert.get_by_role("option", name="My pictures").click()
        expect(bert.locator("#summary")).to_contain_text("My pictures")
        expect(bert.locator("#delete-ticked")).to_be_hidden()
        expect(bert.locator("#about-set")).to_be_hidden()
        # Whoever sends the event nevertheless is told no.
        bring(bert, faces)
        expect(bert.locator(".toast-body, [data-testid=toast-body]").first).to_contain_text("is not yours")
