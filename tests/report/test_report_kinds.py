"""A report of each kind of comparison and run: all of them come out whole in both renderings."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from run_scripts import finish, stop, training

from emotion.comparison import load_comparison
from emotion.events import RunStarted
from emotion.report import build_report, to_html, to_markdown
from emotion.report.content import Beside, Figure, Table
from emotion.report.material import Material
from emotion.report.training import depth_in_words, outcome
from emotion.run import Run

MakeComparison = Callable[..., Path]


def again(run: Run, events: list[Any], *, ends: Callable[[Run, list[Any]], None] = finish) -> None:
    """Let a run have other events."""
    (run.path / "events.jsonl").unlink()
    ends(run, events)


def reported(file: Path) -> str:
    """Return the report as Markdown, without marks, after it has been rendered as HTML too."""
    report = build_report(file)
    assert to_html(report).count("<section ") == len(report.sections)
    return to_markdown(report).replace("\\", "")


@pytest.mark.parametrize(
    "asked",
    [
        {"sets": ("dog",)},
        {"sets": ("human", "dog", "cat", "Horses")},
        {"sets": ("human", "dog"), "size": 2},
        {"size": 1},
        {"size": None},
        {"emotion": None},
        {"emotion": None, "sets": ("cat",), "size": 1},
    ],
)
def test_comparisons_of_any_size_and_number_of_sets_are_reported(
    make_comparison: MakeComparison, asked: dict[str, Any]
) -> None:
    text = reported(make_comparison(**asked))
    assert "nan" not in text.lower().replace("none", "")
    assert "guessing gets 25 %" in text


def test_all_emotions_have_a_grid_and_a_confusion_of_each_set(make_comparison: MakeComparison) -> None:
    file = make_comparison(emotion=None)
    comparison = load_comparison(file)
    results = next(each for each in build_report(file).sections if each.title == "Results")
    grid = next(block for block in results.blocks if isinstance(block, Table) and block.head[-1] == "all")
    for row in grid.rows:
        for emotion, cell in zip([*comparison.emotions(), None], row.cells, strict=True):
            result = comparison.results(emotion)[row.name]
            assert cell.text.rstrip("*") == f"{100 * result.correct_confidence:.1f} %"
            assert cell.detail.endswith(f"{result.correct} of {result.n}")
    [confusions] = [block for block in results.blocks if isinstance(block, Beside)]
    for table, name in zip(confusions.tables, comparison.sets, strict=True):
        for row in table.rows:
            said = comparison.sets[name][row.name].predicted
            assert [int(cell.text) for cell in row.cells] == list(said.values())


def test_a_comparison_of_the_first_schema_is_reported(make_comparison: MakeComparison) -> None:
    file = make_comparison()
    values = json.loads(file.read_text())
    for name in ("emotion", "use_aliases", "relaxed_as_tired", "mapping", "checked", "differences"):
        del values[name]
    file.write_text(json.dumps({**values, "schema": 1}))
    text = reported(file)
    assert "not recorded" in text
    assert "--emotion happy" in text
    assert "The training pictures were not where they had been" in text


def test_a_sample_of_training_pictures_says_that_it_is_no_test(make_comparison: MakeComparison, tmp_path: Path) -> None:
    twin = str(tmp_path / "human_train" / "happy" / "happy_001.png")
    file = make_comparison(sets=("human",), twins={f"happy_{number:03}.png": twin for number in range(12)})
    text = reported(file)
    assert "The run was trained on these very pictures of humans" in text
    assert "it was trained on these very pictures of humans (" in text.splitlines()[4]


def test_where_no_people_are_shown_every_set_is_asked_for(make_comparison: MakeComparison) -> None:
    assert reported(make_comparison(sets=("dog", "cat"))).startswith("# Does this model read happy dogs and cats?\n")
    assert reported(make_comparison()).startswith("# Does this model read happy dogs?\n")


@pytest.mark.parametrize(
    ("depth", "words"),
    [("head", "the classifier alone"), (1, "the last block of"), (2, "the last 2 blocks of"), ("all", "every weight")],
)
def test_what_was_trained_is_said(depth: Any, words: str) -> None:
    assert depth_in_words(depth).startswith(words)


def test_a_run_that_trained_more_than_its_classifier_is_repeated_by_its_command(
    make_comparison: MakeComparison, trained: Run
) -> None:
    trained.note(config=replace(trained.config(), depth=2, block_learning_rate=4e-5).to_json())
    text = reported(make_comparison())
    assert "the last 2 blocks of the backbone, and the classifier" in text
    assert "--depth 2 --block-learning-rate 4e-05" in text


def test_a_stopped_run_says_so(make_comparison: MakeComparison, trained: Run) -> None:
    file = make_comparison()
    again(trained, training(trained.config(), epochs=2), ends=stop)
    assert "A person stopped it after 2 of 4 epochs." in reported(file)


def test_a_resumed_run_says_after_which_epoch_it_went_on(make_comparison: MakeComparison, trained: Run) -> None:
    file = make_comparison()
    first, *epochs = training(trained.config())
    assert isinstance(first, RunStarted)
    again(trained, [first, *epochs[:3], replace(first, resumed_epochs=2), *epochs[3:]])
    text = reported(file)
    assert "It was trained to the end, 4 epochs. It had been cut off before, and went on after epoch 2." in text
    [figure] = [block for block in build_report(file).sections[1].blocks if isinstance(block, Figure)]
    assert figure.table is not None
    assert [row.name for row in figure.table.rows] == ["0", "1", "2", "3", "4"]


def test_a_run_that_was_trained_further_since_says_so(make_comparison: MakeComparison, trained: Run) -> None:
    file = make_comparison()
    weights = trained.checkpoint / "model.safetensors"
    weights.parent.mkdir()
    weights.touch()
    created = load_comparison(file).created
    for written, is_said in ((created - 60, False), (created + 60, True)):
        os.utime(weights, (written, written))
        assert ("checkpoint is younger than this comparison" in reported(file)) is is_said


def test_a_run_that_was_cut_off_says_so(make_comparison: MakeComparison, trained: Run) -> None:
    file = make_comparison()
    again(trained, training(trained.config(), epochs=1), ends=lambda run, events: [run.append(each) for each in events])
    assert "It was cut off after 1 of 4 epochs and did not go on." in reported(file)


def test_a_run_without_validation_scores_split_and_versions_is_reported(
    make_comparison: MakeComparison, trained: Run
) -> None:
    file = make_comparison()
    (trained.path / "validation.json").unlink()
    (trained.path / "split.json").unlink()
    record = {name: value for name, value in trained.record().items() if name not in ("versions", "backbone")}
    (trained.path / "config.json").write_text(json.dumps(record))
    text = reported(file)
    assert "Its validation pictures" not in text
    assert "40 pictures of “human_train”" in text
    assert "Not checked: calibration" in text


def test_a_run_without_events_is_reported(make_comparison: MakeComparison, trained: Run) -> None:
    file = make_comparison()
    (trained.path / "events.jsonl").unlink()
    assert "not recorded any more" in reported(file)
    assert outcome(Material.of(file)).startswith("What happened")


def test_a_backbone_in_a_folder_is_named_without_its_place(make_comparison: MakeComparison, trained: Run) -> None:
    trained.note(
        config=replace(trained.config(), backbone="/home/somebody/my-vit").to_json(),
        backbone={"name": "/home/somebody/my-vit", "source": "folder", "path": "/home/somebody", "sha256": "1" * 64},
    )  # fmt: skip
    text = reported(make_comparison())
    assert "/home/" not in text
    assert "--backbone path/to/my-vit" in text


def test_the_commands_ask_for_the_same_again(make_comparison: MakeComparison, trained: Run) -> None:
    text = reported(make_comparison(sets=("human", "dog (photos)"), emotion=None, size=5, seed=7))
    line = next(line for line in text.splitlines() if "emotion compare --run" in line)
    assert line.endswith("--emotion all --size 5 --seed 7")
    assert f"--run {trained.name} --set human=path/to/" in line
    assert "--set 'dog (photos)=path/to/" in line
    assert "python -m emotion train --pictures path/to/human_train --epochs 4" in text


def test_the_curves_stand_as_a_figure_with_its_numbers(make_comparison: MakeComparison, trained: Run) -> None:
    model = build_report(make_comparison()).sections[1]
    [figure] = [block for block in model.blocks if isinstance(block, Figure)]
    assert figure.table is not None
    assert [row.name for row in figure.table.rows] == ["0", "1", "2", "3", "4"]
    loss, accuracy = figure.charts
    assert [len(line.points) for line in loss.lines] == [4, 5]
    assert accuracy.guide is not None
    assert accuracy.guide.value == 0.25
