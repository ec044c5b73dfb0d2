"""What the Runs tab makes of a run, without a browser."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
from scripted import ScriptedServices
from serving_pages import BACKBONES
from updates import handled, sent

from emotion.config import TrainConfig
from emotion.errors import RunError
from emotion.events import RunFailed
from emotion.labels import EMOTIONS
from emotion.run import About, Run
from emotion.runs import create_run
from emotion.ui.app import build_app
from emotion.ui.news import News
from emotion.ui.run_board import RunBoard
from emotion.ui.run_report import cell_html, confusion_html
from emotion.ui.run_tab import RunTab
from emotion.ui.runs_table import table_html
from emotion.ui.train_tab import TrainTab
from emotion.validation import load_validation


@pytest.fixture
def runs(services: ScriptedServices) -> RunTab:
    board = RunBoard(services.runs_folder)
    with gr.Blocks():
        return RunTab(services, board, News(board))


def shown(runs: RunTab, values: list) -> dict:
    names = {id(widget): name for name, widget in vars(runs).items() if not isinstance(widget, list)}
    names[id(runs.sharing.switch)] = "share"
    return {names[id(widget)]: value for widget, value in zip(runs.view, values, strict=True)}


def test_a_run_is_shown_with_its_facts_its_command_and_what_its_curves_say(runs: RunTab, validated: Run):
    tab = shown(runs, runs.show(validated.name))
    assert "Finished in" in tab["state"]
    assert "epoch" in tab["state"]
    assert "say nothing of real dogs" in tab["state"]
    assert "510 to train on, 90 to validate on" in tab["facts"]
    assert "700 MB at its peak" in tab["facts"]
    assert "python -m emotion train --pictures " in tab["command"]
    assert "label smoothing" in tab["settings"]


def test_a_cell_of_the_confusion_matrix_opens_its_pictures(runs: RunTab, validated: Run, faces: Path):
    validation = load_validation(validated)
    assert validation is not None
    counts = validation.confusion()
    label, said = next((a, b) for a in EMOTIONS for b in EMOTIONS if a != b and counts[a][b])
    opened = runs.open_cell(validated.name, gr.EventData(None, {"label": label, "said": said}))
    assert opened.count("<figure") == counts[label][said]
    assert f"{label}, called {said}" in opened
    table = confusion_html(validation)
    assert table.count("data-label=") == sum(counts[a][b] > 0 for a in EMOTIONS for b in EMOTIONS)
    assert "24 validation pictures" in table
    assert "chance 25 %" in table
    assert "<figure" in cell_html(validation, faces / "human_train", label="happy", said="happy")


def test_a_cell_that_is_none_is_one_sentence(runs: RunTab, validated: Run):
    for label, said in (("happy", "joy"), (None, "sad"), ("<script>", "sad")):
        with pytest.raises(RunError, match="That cell is gone"):
            runs.open_cell(validated.name, gr.EventData(None, {"label": label, "said": said}))


def test_a_name_and_a_note_are_kept_and_found_by_the_filter(runs: RunTab, validated: Run, services: ScriptedServices):
    runs.describe(validated.name, " Baseline ", "the <b>first</b> one")
    tab = shown(runs, runs.show(validated.name))
    assert (tab["title"], tab["note"]) == ("Baseline", "the <b>first</b> one")
    assert tab["run"].choices[0][0].startswith("Baseline")
    table = table_html(runs.board.summaries())
    assert "baseline" in table
    assert "the &lt;b&gt;first&lt;/b&gt; one" in table
    with pytest.raises(RunError, match="too long"):
        runs.describe(validated.name, "x" * 81, "")


def test_a_deleted_run_is_offered_back(runs: RunTab, validated: Run):
    name, row, said, *values = runs.throw(validated.name)
    assert (name, row.visible) == (validated.name, True)
    assert validated.name in said
    assert shown(runs, values)["body"].visible is False
    assert not validated.path.exists()
    _, row, _, *values = runs.take(name)
    assert row.visible is False
    assert shown(runs, values)["run"].value == validated.name


def test_what_has_not_changed_is_not_sent_again_and_what_has_is(runs: RunTab, validated: Run):
    seen = shown(runs, runs.show(validated.name))["seen"]
    assert runs.refresh(seen) == [gr.skip()] * len(runs.view)
    validated.append(RunFailed(elapsed_seconds=9.0, message="No."))
    assert "It could not go on" in shown(runs, runs.refresh(seen))["state"]


def test_another_run_leaves_a_note_that_is_being_written_alone(
    runs: RunTab, validated: Run, services: ScriptedServices
):
    seen = shown(runs, runs.show(validated.name))["seen"]
    create_run(TrainConfig(pictures="elsewhere"), root=services.runs_folder)
    tab = shown(runs, handled(runs.refresh, seen))
    assert len(sent(tab["run"])["choices"]) == 2
    assert "value" not in sent(tab["run"]), "what is not sent stays as it was picked"
    assert (tab["title"], tab["note"], tab["cell"]) == (gr.skip(), gr.skip(), gr.skip())


def test_news_of_the_open_run_leaves_a_name_and_a_note_that_are_being_written_alone(runs: RunTab, validated: Run):
    seen = shown(runs, runs.show(validated.name))["seen"]
    validated.append(RunFailed(elapsed_seconds=9.0, message="No."))
    tab = shown(runs, runs.refresh(seen))
    assert "It could not go on" in tab["state"]
    assert (tab["title"], tab["note"]) == (gr.skip(), gr.skip())
    validated.describe(About("Elsewhere", "named"))
    assert shown(runs, runs.refresh(tab["seen"]))["title"] == "Elsewhere"


def test_a_torn_validation_file_is_one_sentence_and_the_rest_is_shown(runs: RunTab, validated: Run):
    (validated.path / "validation.json").write_text("{", encoding="utf-8")
    tab = shown(runs, runs.show(validated.name))
    assert "cannot be read: train it again" in tab["confusion"]
    assert "Finished in" in tab["state"]


def test_settings_are_used_again_and_survive_a_reload(services: ScriptedServices, trained: Run):
    with gr.Blocks():
        kept = TrainTab(services, RunBoard(services.runs_folder), BACKBONES).kept
    pictures, preset_name, *values = kept.of_run(trained)
    assert (pictures, preset_name) == ("drawn/human_train", "Quick")
    assert kept.settings.read(values, pictures=trained.config().pictures) == trained.config()
    remembered = dict(zip(kept.names, [pictures, preset_name, *values], strict=True))
    assert kept.restore(remembered) == [pictures, preset_name, *values]
    for impossible in (None, {}, {**remembered, "epochs": 0}, {**remembered, "pictures": "gone"}, [1]):
        assert kept.restore(impossible) == gr.skip()


def test_a_run_on_pictures_that_are_not_offered_says_so(services: ScriptedServices, warned: list[str]):
    run = create_run(TrainConfig(pictures="/elsewhere", depth=3), root=services.runs_folder)
    with gr.Blocks():
        kept = TrainTab(services, RunBoard(services.runs_folder), BACKBONES).kept
    assert kept.of_run(run)[0] == gr.skip()
    assert warned == ["The pictures in /elsewhere are not offered here: choose a set."]


def test_the_page_holds_the_tab(services: ScriptedServices):
    page = build_app(services, backbones=lambda: BACKBONES)
    assert "confusion" in {getattr(block, "elem_id", None) for block in page.blocks.values()}
