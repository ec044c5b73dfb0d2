"""The Cross-species tab without a browser: the grid, the warnings and the sample."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from scripted import ScriptedServices

from emotion.comparison import load_comparison
from emotion.errors import PictureError
from emotion.run import Run
from emotion.ui.compare.pictures import table_of
from emotion.ui.compare.tab import CompareTab
from emotion.ui.run_board import RunBoard

ALL_SETS = ["drawn/human_eval", "drawn/dog_eval", "drawn/cat_eval"]


@pytest.fixture
def tab(services: ScriptedServices) -> CompareTab:
    with gr.Blocks():
        return CompareTab(services, RunBoard(services.runs_folder))


def shown(tab: CompareTab, values: list[Any], name: str) -> Any:
    return values[tab.view.index(getattr(tab, name))]


def test_one_click_scores_every_emotion_of_every_set(tab: CompareTab, trained: Run) -> None:
    values = tab.compare_all(trained.name, "happy", ALL_SETS, 5, 7)
    grid = shown(tab, values, "grid")
    for words in ("The grid", "What was said of what", "Benjamini and Yekutieli", "Confusion matrix of cat"):
        assert words in grid
    # Three sets of four emotions and of all together.
    assert grid.count("/5</span>") == 12
    assert grid.count("/20</span>") == 3
    radio = shown(tab, values, "shown_emotion")
    assert [name for name, _ in radio.choices] == ["all", "happy", "sad", "angry", "tired"]
    assert "all emotions: " in shown(tab, values, "headline")


def test_a_grid_shows_one_of_its_emotions_when_asked(tab: CompareTab, trained: Run) -> None:
    values = tab.compare_all(trained.name, "happy", ALL_SETS, 4, 7)
    saved = shown(tab, values, "saved").value
    sad = tab.reopen(trained.name, saved, "sad")
    assert "Mean correct-class confidence, “sad”" in shown(tab, sad, "headline")
    assert shown(tab, sad, "grid") == shown(tab, values, "grid")
    assert shown(tab, sad, "shown_emotion").value == "sad"
    assert "all emotions: " in shown(tab, tab.reopen(trained.name, saved, "all"), "headline")


def test_one_emotion_has_no_grid(tab: CompareTab, trained: Run) -> None:
    values = tab.compare(trained.name, "happy", ALL_SETS, 4, 7)
    assert shown(tab, values, "grid") == ""
    assert not shown(tab, values, "shown_emotion").visible


def test_dogs_that_are_all_called_tired_are_a_warning(
    tab: CompareTab, trained: Run, services: ScriptedServices
) -> None:
    services.skill = {"dog": 0.0}
    headline = shown(tab, tab.compare(trained.name, "happy", ALL_SETS, 6, 7), "headline")
    assert 'class="warning"' in headline
    assert "happy dogs are called tired: the model is not reading dogs, it falls back to one class." in headline


def test_near_duplicates_are_shown_beside_what_was_trained_on(
    tab: CompareTab, trained: Run, services: ScriptedServices, faces: Path
) -> None:
    twin, original = faces / "dog_eval" / "happy" / "dog_eval_happy_2.webp", faces / "human_train" / "happy"
    services.twins = {twin.resolve(): str(original / "human_train_happy_2.webp")}
    report = shown(tab, tab.compare(trained.name, "happy", ALL_SETS, 5, 7), "report")
    assert "1 near-duplicate found and left out, others drawn instead." in report
    assert "dog_eval_happy_2.webp = human_train_happy_2.webp" in report
    assert '<details class="sample" open>' in report


def test_the_sample_says_how_each_class_folder_was_read(
    tab: CompareTab, trained: Run, tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for label, named in (("happy", "happy"), ("tired", "relaxed")):
        shutil.copytree(faces / "dog_eval" / label, tmp_path / "sets" / "dog_photos" / named)
    monkeypatch.setenv("EMOTION_PICTURES", str(tmp_path / "sets"))
    with pytest.raises(PictureError, match="no pictures of 'tired'"):
        tab.compare(trained.name, "tired", ["given/dog_photos"], 3, 7)
    values = tab.compare(trained.name, "happy", ["given/dog_photos"], 3, 7)
    assert "<s>relaxed</s> not used" in shown(tab, values, "report")
    read = tab.compare(trained.name, "tired", ["given/dog_photos"], 3, 7, False, True)
    assert "relaxed → <b>tired</b>" in shown(tab, read, "report")
    assert "Relaxed is not tired" in shown(tab, read, "headline")


def test_the_switch_for_relaxed_is_there_only_where_a_set_has_such_a_folder(
    services: ScriptedServices, tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gr.Blocks():
        assert not CompareTab(services, RunBoard(services.runs_folder)).form.relaxed.visible
    shutil.copytree(faces / "dog_eval" / "tired", tmp_path / "sets" / "dog_photos" / "Relaxed")
    monkeypatch.setenv("EMOTION_PICTURES", str(tmp_path / "sets"))
    with gr.Blocks():
        assert CompareTab(services, RunBoard(services.runs_folder)).form.relaxed.visible


def test_no_cell_of_the_csv_is_a_formula(tab: CompareTab, trained: Run) -> None:
    tab.compare(trained.name, "happy", ALL_SETS[1:2], 4, 7)
    [file] = trained.comparisons.glob("*.json")
    comparison = load_comparison(file)
    [(name, results)] = comparison.sets.items()
    evil = '=HYPERLINK("http://example.org")'
    renamed = replace(comparison, sets={evil: results}, folders={evil: comparison.folders[name]})
    cells = [cell for row in table_of(renamed).to_dict("records") for cell in row.values() if isinstance(cell, str)]
    assert f"'{evil}" in cells
    assert not any(cell.startswith("=") for cell in cells)
