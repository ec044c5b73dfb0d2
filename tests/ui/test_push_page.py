"""A push as a visitor clicks it, in Chromium, to a stand-in for the Hub on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.hub_stand_in import READ_ONLY, TOKEN, Kept, hub
from scripted import ScriptedServices
from visitor import enter

from emotion.run import Run

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test installs it.")
expect = playwright.expect


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    kept = Kept()
    with hub(kept) as url:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
        yield kept


@pytest.fixture
def model(validated: Run) -> Run:
    """A run whose checkpoint has a card and weights that nobody looks into."""
    card = "---\nlibrary_name: transformers\n---\n# A model\n"
    (validated.checkpoint / "README.md").write_text(card, encoding="utf-8")
    (validated.checkpoint / "model.safetensors").write_bytes(bytes(500_000))
    return validated


def open_push(page: Any, run: Run) -> None:
    page.locator(f"#runs-table button[data-run='{run.name}']").click()
    expect(page.locator("#run-state")).to_contain_text(run.name)
    page.get_by_role("button", name="Push to the Hub").first.click()
    expect(page.locator("#push-model")).to_be_visible()


def test_a_click_pushes_the_model_and_the_token_leaves_the_page(
    kept: Kept, model: Run, page: Any, services: ScriptedServices, address: str
):
    open_push(page, model)
    field = page.locator("#push-token input")
    expect(field).to_have_attribute("type", "password")
    expect(page.get_by_label("Private repository")).to_be_checked()
    enter(page, "Repository", "rosa/emotions")
    field.click()
    field.fill(READ_ONLY)
    page.locator("#push-model").click()
    expect(page.locator("#push-status")).to_contain_text("may read but not write to rosa/emotions")
    expect(field).to_have_value("")
    kept.takes.clear()
    field.fill(TOKEN)
    page.locator("#push-model").click()
    expect(page.locator("#push-status")).to_contain_text("Sending 5")
    expect(field).to_have_value("")
    kept.takes.set()
    link = page.locator("#push-status a")
    expect(link).to_have_text(f"{kept.address}/rosa/emotions")
    assert kept.repositories["rosa/emotions"].private
    assert len(kept.repositories["rosa/emotions"].files["model.safetensors"]) == 500_000
    told = page.content() + page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    told += page.request.get(f"{address}/config").text()
    assert not any(token in told for token in (TOKEN, READ_ONLY))
    left = [path for path in services.runs_folder.parent.rglob("*") if path.is_file()]
    assert left
    assert not any(token.encode() in path.read_bytes() for path in left for token in (TOKEN, READ_ONLY))
    page.reload()
    page.get_by_role("tab", name="Runs").click()
    page.get_by_role("button", name="Push to the Hub").first.click()
    expect(field).to_have_value("")
