"""Runs as a visitor meets them, in Chromium, on scripted services: looked at, named, filtered, deleted, resumed."""

from __future__ import annotations

import contextlib
import re
import threading
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted import ScriptedServices
from visitor import enter

from emotion.config import TrainConfig
from emotion.events import EpochDone
from emotion.run import About, Run
from emotion.runs import create_run, list_runs
from emotion.ui.run_tab import RunTab
from emotion.ui.train_tab import TrainTab
from emotion.ui.watching import Watch

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test installs it.")
expect = playwright.expect


def open_run(page: Any, run: Run) -> None:
    page.locator(f"#runs-table button[data-run='{run.name}']").click()
    expect(page.locator("#run-state")).to_contain_text(run.name)


def test_a_row_opens_its_run_and_a_cell_its_pictures(validated: Run, page: Any):
    open_run(page, validated)
    expect(page.get_by_role("tab", name="Runs")).to_have_attribute("aria-selected", "true")
    cell = page.locator("#confusion td.wrong button").first
    number = int(cell.inner_text())
    cell.click()
    expect(page.locator("#confusion-cell figure")).to_have_count(number)
    expect(page.locator("#most-wrong figure").first).to_be_visible()
    expect(page.get_by_label("The same on the command line")).to_contain_text("python -m emotion train")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#command button")).to_have_text(re.compile("Copied|Selected"))


def test_a_pressed_row_stays_open_when_news_of_the_run_that_was_open_comes_late(
    validated: Run, page: Any, services: ScriptedServices, faces: Path, monkeypatch: pytest.MonkeyPatch
):
    other = create_run(TrainConfig(pictures=str(faces / "human_train")), root=services.runs_folder)
    open_run(page, other)
    page.get_by_role("tab", name="Train").click()
    show, asked, seen = RunTab.show, threading.Event(), threading.Event()

    def slow(self: RunTab, name: str | None) -> list[Any]:
        shown = show(self, name)
        if name == other.name:
            asked.set()
            seen.wait(20)
        return shown

    monkeypatch.setattr(RunTab, "show", slow)
    other.describe(About("Another", ""))
    assert asked.wait(20)
    page.locator(f"#runs-table button[data-run='{validated.name}']").click()
    # Its turn comes when the news is through; an answer that could overtake it would be here by now.
    with contextlib.suppress(AssertionError):
        expect(page.locator("#run-state")).to_contain_text(validated.name, timeout=1500)
    seen.set()
    expect(page.locator("#runs-table")).to_contain_text("Another")
    expect(page.locator("#run-state")).to_contain_text(validated.name)
    expect(page.locator("#confusion td.wrong button").first).to_be_visible()


def test_a_name_and_a_note_are_kept_and_the_filter_finds_them(
    validated: Run, page: Any, services: ScriptedServices, faces: Path
):
    create_run(TrainConfig(pictures=str(faces / "human_train"), batch_size=77), root=services.runs_folder)
    expect(page.locator("#runs-table")).to_contain_text("77")
    open_run(page, validated)
    enter(page, "Name", "Baseline")
    enter(page, "Note", "the first one")
    page.get_by_role("button", name="Save name and note").click()
    expect(page.get_by_label("Run", exact=True)).to_have_value(re.compile("^Baseline"))
    assert validated.about() == About("Baseline", "the first one")
    page.get_by_role("tab", name="Train").click()
    expect(page.locator("#runs-table")).to_contain_text("Baseline")
    enter(page, "Filter", "first")
    expect(page.locator("#runs-table tbody tr:visible")).to_have_count(1)
    enter(page, "Filter", "nothing like it")
    expect(page.locator("#runs-table tbody tr:visible")).to_have_count(0)
    expect(page.locator("#runs-table")).to_contain_text("No run has all of these words")
    enter(page, "Filter", "")
    expect(page.locator("#runs-table tbody tr:visible")).to_have_count(2)


def test_a_deleted_run_is_gone_and_comes_back_with_undo(validated: Run, page: Any, services: ScriptedServices):
    open_run(page, validated)
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#undo-row")).to_contain_text(f"{validated.name} is deleted")
    expect(page.locator("#run-waits")).to_be_visible()
    assert list_runs(services.runs_folder) == []
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#run-state")).to_contain_text(validated.name)
    assert list_runs(services.runs_folder) == [validated]


def test_settings_are_used_again_and_survive_a_reload(trained: Run, page: Any, services: ScriptedServices, faces: Path):
    config = TrainConfig(pictures=str(faces / "human_train"), batch_size=4, epochs=3, depth=2, seed=7)
    other = services.start_training(config)
    expect(page.locator("#runs-table tbody tr")).to_have_count(2)
    open_run(page, other)
    page.get_by_role("button", name="Use these settings again").click()
    expect(page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
    batch_size = page.get_by_label("number input for Batch size")
    expect(batch_size).to_have_value("4")
    page.reload()
    expect(batch_size).to_have_value("4")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#status")).to_contain_text("Finished in")
    newest = list_runs(services.runs_folder)[0]
    assert newest.config() == config


def test_a_stopped_run_says_so_at_once_and_goes_on_with_resume(page: Any, services: ScriptedServices, gate: Any):
    gate.holds = lambda event: isinstance(event, EpochDone) and event.epoch == 2
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#status")).to_contain_text("Epoch 2 of 8 is done")
    expect(page.get_by_role("button", name="Resume")).to_be_hidden()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#status")).to_contain_text("Stopped: epoch 2 is kept. Resume goes on after epoch 2.")
    gate.holds = lambda event: False
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#status")).to_contain_text("Finished in")
    expect(page.get_by_role("button", name="Resume")).to_be_hidden()
    assert len(list_runs(services.runs_folder)) == 1


def test_a_queued_run_shows_its_place_as_it_moves_up(page: Any, services: ScriptedServices, faces: Path):
    run = create_run(TrainConfig(pictures=str(faces / "human_train")), root=services.runs_folder)
    services.places[run.name] = 2
    open_row = page.locator(f"#runs-table button[data-run='{run.name}']")
    open_row.click()
    page.get_by_role("button", name="Show curves").click()
    expect(page.locator("#status")).to_contain_text("Queued: 2 trainings go first. Stop withdraws it.")
    services.places[run.name] = 1
    expect(page.locator("#status")).to_contain_text("Queued: the training in hand goes first.")


def test_the_chosen_run_survives_a_reload(trained: Run, page: Any, services: ScriptedServices):
    services.start_training(trained.config())
    expect(page.locator("#runs-table tbody tr")).to_have_count(2)
    page.get_by_role("tab", name="Predict").click()
    chosen = page.get_by_label("Run in use")
    expect(chosen).not_to_have_value("")
    chosen.click()
    page.get_by_role("option").last.click()
    oldest = chosen.input_value()
    page.reload()
    page.get_by_role("tab", name="Predict").click()
    expect(chosen).to_have_value(oldest)


def test_a_model_is_packed_with_its_card_and_downloaded(validated: Run, page: Any, tmp_path: Path):
    card = "---\nlibrary_name: transformers\n---\n# A model\n"
    (validated.checkpoint / "README.md").write_text(card, encoding="utf-8")
    open_run(page, validated)
    expect(page.locator("#model-file")).to_be_hidden()
    page.locator("#pack-model").click()
    with page.expect_download() as download:
        page.locator("#model-file").click()
    download.value.save_as(tmp_path / "model.zip")
    with zipfile.ZipFile(tmp_path / "model.zip") as packed:
        assert "compared on no species" in packed.read(f"{validated.name}/README.md").decode()


def test_a_training_that_is_queued_while_the_page_looks_at_another_is_the_one_that_is_watched(
    page: Any, services: ScriptedServices, gate: Any, monkeypatch: pytest.MonkeyPatch
):
    gate.holds = lambda event: isinstance(event, EpochDone) and event.epoch == 2
    page.locator("#start").click()
    expect(page.locator("#status")).to_contain_text("Epoch 2 of 8 is done")
    first, look = list_runs(services.runs_folder)[0], TrainTab._look
    begun, go_on, after = threading.Event(), threading.Event(), threading.Event()
    watched: list[Run | None] = []

    def slow(self: TrainTab, seen: Watch) -> Watch:
        if not begun.is_set():
            begun.set()
            go_on.wait(20)
            return replace(seen)  # another object, so something to show
        watched.append(seen.run)
        after.set()
        return look(self, seen)

    monkeypatch.setattr(TrainTab, "_look", slow)
    assert begun.wait(20)
    page.get_by_role("button", name="Queue another").click()
    expect(page.locator("#status")).to_contain_text("Queued: the training before it goes first.")
    go_on.set()
    assert after.wait(20)
    assert watched[0] is not None
    assert watched[0].path != first.path
    expect(page.locator("#status")).to_contain_text("Queued: the training before it goes first.")
