"""Two visitors of a public server, each in a browser of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers.looking import panel, says, unfold
from helpers.pictures import write_zip
from helpers.run_folder import status_of
from helpers.serving import Site, open_tab, serving
from helpers.visitors import Visitor
from helpers.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, tiny_pictures: Path, tiny_dinov2: Path) -> Iterator[Site]:
    environment = {"EMOTION_PICTURES": str(tiny_pictures), "EMOTION_PUBLIC_SMALL": str(tiny_dinov2)}
    with serving(tmp_path_factory.mktemp("visitors"), environment=environment, public=True) as site:
        yield site


def is_shared(folder: Path) -> bool:
    return bool(json.loads((folder / "owner.json").read_text())["shared"])


def offered(page: Page) -> Locator:
    """Return the sets that the Pictures tab of a reloaded page offers."""
    page.reload()
    open_tab(page, "Pictures")
    panel(page).get_by_label("Picture set", exact=True).first.click()
    return page.get_by_role("listbox")


@contextmanager
def program_of(page: Page, site: Site) -> Iterator[Visitor]:
    """Yield a program that has the cookie of a visitor's browser."""
    with Visitor(site.url, enters=False) as program:
        for cookie in page.context.cookies():
            program.http.cookies.set(cookie["name"], cookie["value"])
        yield program


@pytest.mark.slow
def test_a_run_is_on_its_makers_page_alone_until_it_is_shared_and_never_anothers_to_delete(
    site: Site, browser: Browser, tiny_pictures: Path, tiny_dinov2: Path
) -> None:
    from playwright.sync_api import expect

    with site.visit(browser) as anna, site.visit(browser) as bert:
        open_tab(bert, "Runs")
        with program_of(anna, site) as program:
            run = site.runs / program.train(tiny_dinov2)
        until(lambda: status_of(run) == "finished")
        anna.reload()
        open_tab(anna, "Runs")
        says(anna, run.name)
        expect(bert.get_by_text(run.name)).to_have_count(0)
        panel(anna).get_by_label("Share with everyone").check()
        says(bert, run.name)
        expect(panel(bert).get_by_label("Share with everyone")).to_have_count(0)
        expect(bert.get_by_role("button", name="Delete", exact=True).first).to_be_disabled()
        # Bert's own picture, judged by Anna's model.
        open_tab(bert, "Predict")
        picture = next((tiny_pictures / "dog_eval" / "sad").iterdir())
        bert.get_by_role("tabpanel").locator("input[type=file]").first.set_input_files(picture)
        says(bert, f"Run {run.name}")
        another = anna.context.new_page()
        another.goto(site.url)
        expect(another.get_by_text(run.name).first).to_be_attached()
        panel(anna).get_by_label("Share with everyone").uncheck()
        until(lambda: not is_shared(run))


@pytest.mark.slow
def test_a_set_is_its_makers_alone_until_it_is_shared_and_stays_theirs_to_change(
    site: Site, browser: Browser, tiny_pictures: Path, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    with site.visit(browser) as anna, site.visit(browser) as bert:
        content = write_zip(tmp_path / "hers.zip", tiny_pictures / "dog_eval").read_bytes()
        with program_of(anna, site) as program:
            program.ask("import_pictures", program.upload("hers.zip", content), "My pictures", "dog", False)
        offered(anna)
        anna.get_by_role("option", name="My pictures").click()
        expect(panel(anna).first).to_contain_text("My pictures")
        expect(offered(bert)).not_to_contain_text("My pictures")
        # No folder of the server is offered to the public.
        expect(bert.get_by_label("Or a folder on this machine")).to_be_hidden()
        unfold(anna, "Rename or delete this set")
        panel(anna).get_by_label("Share with everyone").first.check()
        # His list is filled as his page loads, so the server has to know of it before.
        [own] = site.sets.glob("[!.]*")
        until(lambda: is_shared(own))
        expect(offered(bert)).to_contain_text("My pictures")
        bert.get_by_role("option", name="My pictures").click()
        expect(panel(bert).first).to_contain_text("My pictures")
        expect(bert.get_by_role("button", name="Delete the ticked")).to_be_hidden()
        expect(bert.get_by_role("button", name="Rename or delete this set")).to_be_hidden()
