"""Two runs side by side in the Predict tab, without a browser."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image
from scripted import ScriptedServices, script, write_checkpoint
from updates import handled, sent

from emotion.config import TrainConfig
from emotion.errors import PictureError, RunError
from emotion.prediction import Prediction
from emotion.run import Run
from emotion.runs import create_run
from emotion.ui.charts.results import probability_chart
from emotion.ui.predict.beside import NONE, difference
from emotion.ui.predict.tab import PredictTab
from emotion.ui.run_board import RunBoard

SURE = {"happy": 0.7, "sad": 0.1, "angry": 0.1, "tired": 0.1}
TIRED = {"happy": 0.2, "sad": 0.1, "angry": 0.1, "tired": 0.6}


class TwoMinds(ScriptedServices):
    """The run called in ``doubting`` says tired, any other one happy; ``asked`` are the pictures they were shown."""

    def __init__(self, runs_folder: Path) -> None:
        super().__init__(runs_folder)
        self.doubting = ""
        self.asked: list[tuple[str, Path, bytes]] = []

    def predict(self, run: Run, picture: Path, *, name: str = "") -> Prediction:
        self.asked.append((run.name, picture, picture.read_bytes()))
        return said(TIRED if run.name == self.doubting else SURE)


def said(scores: dict[str, float]) -> Prediction:
    label = max(scores, key=scores.__getitem__)
    return Prediction(label, scores[label], scores, "float32", 0.05)


@pytest.fixture
def services(tmp_path: Path) -> TwoMinds:
    return TwoMinds(tmp_path / "runs")


@pytest.fixture
def other(services: TwoMinds, trained: Run, faces: Path) -> Run:
    """A second finished run, of another mind."""
    run = create_run(TrainConfig(pictures=str(faces / "human_train"), batch_size=4), root=services.runs_folder)
    for event in script(run.config()):
        run.append(event)
    write_checkpoint(run)
    services.doubting = run.name
    return run


@pytest.fixture
def tab(services: TwoMinds) -> PredictTab:
    with gr.Blocks():
        return PredictTab(services, RunBoard(services.runs_folder))


def clicked(number: int = 0) -> gr.EventData:
    return gr.EventData(None, {"number": number})


def beside_of(values: list[Any]) -> list[Any]:
    """Return the values of the column beside: column, verdict, bars, difference."""
    return values[7:11]


def bars_of(value: str) -> tuple[list[str], list[float | None], list[float]]:
    figure = json.loads(value)
    [bar] = figure["data"]
    return bar["y"], bar["x"], figure["layout"]["xaxis"]["range"]


def test_with_one_run_nothing_stands_beside_it(tab: PredictTab, services: TwoMinds, trained: Run, other: Run):
    for chosen in ("", None, trained.name):
        values = tab.one.judge_example(trained.name, chosen, clicked())
        column, verdict, _, difference_line = beside_of(values)
        assert (column.visible, verdict, difference_line) == (False, "", "")
    assert {name for name, *_ in services.asked} == {trained.name}


def test_two_runs_judge_the_same_picture_and_what_differs_is_said(tab: PredictTab, services, trained: Run, other: Run):
    values = tab.one.judge_example(trained.name, other.name, clicked(2))
    column, verdict, bars, line = beside_of(values)
    assert column.visible
    assert trained.name in values[1]
    assert other.name in verdict
    assert [name for name, *_ in services.asked] == [trained.name, other.name]
    assert services.asked[0][1:] == services.asked[1][1:]
    assert "They differ: the run in use says happy, the other one tired." in line
    assert "70.0 % in use and 20.0 % in the other: −50.0 points." in line
    assert "One picture does not tell which run is better" in line
    first, second = bars_of(values[2]), bars_of(bars)
    assert (first[0], first[2]) == (second[0], second[2])
    assert values[11] == 2


def test_a_run_chosen_afterwards_judges_the_example_itself(tab: PredictTab, services, trained: Run, other: Run):
    tab.one.judge_example(trained.name, "", clicked(3))
    shown = {"url": "data:image/webp;base64,AAAA"}
    values = tab.one.set_beside(trained.name, other.name, shown, 3)
    assert beside_of(values)[0].visible
    assert {path for _, path, _ in services.asked} == {tab.one.examples[3]}


def test_of_a_visitors_picture_both_judge_the_copy_on_the_page_and_it_is_said(
    tab: PredictTab, services: TwoMinds, trained: Run, other: Run, tmp_path: Path
):
    Image.new("RGB", (40, 30), "green").save(tmp_path / "x.webp")
    content = (tmp_path / "x.webp").read_bytes()
    url = f"data:image/webp;base64,{base64.b64encode(content).decode()}"
    values = tab.one.set_beside(trained.name, other.name, {"url": url}, None)
    assert [(name, seen) for name, _, seen in services.asked] == [(trained.name, content), (other.name, content)]
    assert not any(path.exists() for _, path, _ in services.asked)
    assert "Both judged the copy shown here" in values[1]
    assert beside_of(values)[0].visible


def test_the_run_in_use_is_not_set_beside_itself(tab: PredictTab, services: TwoMinds, trained: Run, other: Run):
    values = tab.one.set_beside(trained.name, trained.name, {"url": "data:image/webp;base64,AAAA"}, 0)
    assert not beside_of(values)[0].visible
    assert "That is the run in use" in beside_of(values)[3]
    assert services.asked == []


def test_without_a_picture_the_choice_waits_for_one(tab: PredictTab, services: TwoMinds, trained: Run, other: Run):
    for payload in (None, {}, {"url": None}):
        values = tab.one.set_beside(trained.name, other.name, payload, None)
        assert not beside_of(values)[0].visible
    assert services.asked == []


def test_a_number_that_a_page_makes_up_is_no_example(tab: PredictTab, trained: Run, other: Run):
    for number in (99, -1, "../x"):
        with pytest.raises(PictureError, match="example is gone"):
            tab.one.set_beside(trained.name, other.name, {"url": "data:image/webp;base64,AAAA"}, number)


def test_an_upload_is_judged_by_both_and_deleted(
    tab: PredictTab, services: TwoMinds, trained: Run, other: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    uploads = tmp_path.resolve() / "uploads"
    uploads.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(uploads))
    Image.new("RGB", (40, 30), "green").save(uploads / "x.png")
    values = tab.one.judge_upload(trained.name, {"path": str(uploads / "x.png"), "orig_name": "x.png"}, other.name)
    assert [name for name, *_ in services.asked] == [trained.name, other.name]
    assert beside_of(values)[0].visible
    assert not list(uploads.iterdir())


def test_a_run_that_is_gone_is_named_in_a_sentence(tab: PredictTab, trained: Run, warned: list[str]):
    values = tab.one.judge_example(trained.name, "no-such-run", clicked())
    assert "That run is gone" in values[1]
    assert not beside_of(values)[0].visible


def test_new_runs_are_offered_and_the_chosen_one_is_kept(tab: PredictTab, trained: Run, other: Run):
    seen, offered = handled(tab.beside.refresh, "", other.name)
    assert [name for _, name in sent(offered)["choices"]] == [NONE, other.name, trained.name]
    # What is not sent stays as it was picked.
    assert "value" not in sent(offered)
    assert tab.beside.refresh(seen, other.name) == [gr.skip()] * 2
    assert tab.beside.refresh("", "no-such-run")[1].value == NONE


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (
            {"happy": 0.9, "sad": 0.1},
            "Both say happy. “happy” has 70.0 % in use and 90.0 % in the other: +20.0 points.",
        ),
        (SURE, "Both say happy. “happy” has 70.0 % in use and 70.0 % in the other: +0.0 points."),
        ({"calm": 0.9, "sad": 0.1}, "the other one calm. The other one knows no class “happy”."),
    ],
)
def test_the_difference_is_of_the_label_that_the_run_in_use_says(second: dict[str, float], words: str):
    assert words in difference(said(SURE), said(second))


def test_runs_of_different_classes_have_the_same_axes():
    ours, theirs = SURE, {"happy": 0.9, "calm": 0.1}
    first = probability_chart(ours, beside=theirs).to_plotly_json()["data"][0]
    second = probability_chart(theirs, beside=ours).to_plotly_json()["data"][0]
    assert list(first["y"]) == list(second["y"]) == ["happy", "sad", "angry", "tired", "calm"]
    assert list(first["x"])[-1] is None
    texts = [each.text for each in probability_chart(theirs, beside=ours).layout.annotations]
    assert texts.count("no class of it") == 3


def test_a_hidden_run_of_somebody_else_cannot_be_set_beside(services: TwoMinds, trained: Run, other: Run, faces: Path):
    private = create_run(
        TrainConfig(pictures=str(faces / "human_train")), root=services.runs_folder, owner="somebody else"
    )
    with gr.Blocks():
        tab = PredictTab(services, RunBoard(services.runs_folder, visitor=lambda: "a guest"))
    with pytest.raises(RunError, match="gone"):
        tab.beside.find(private.name, in_use=trained)
