"""What the maps say and draw, and what the two sections make of widgets' values, without a browser."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from scripted import ScriptedJudge, ScriptedServices, scores_for

from emotion.comparison import Request
from emotion.errors import PictureError, RunError
from emotion.labels import EMOTIONS
from emotion.pictures import drawn
from emotion.prediction import Prediction, Saliency
from emotion.run import Run
from emotion.studies.explaining import Explain, ExplainSample, kept_explained, pictures_at
from emotion.ui.compare.saliency_panel import NOTHING_YET, SaliencyPanel
from emotion.ui.looking import Judged, Looking, sent_back
from emotion.ui.predict.one import OnePicture
from emotion.ui.predict.tab import PredictTab
from emotion.ui.run_board import RunBoard
from emotion.ui.saliency_view import OPACITY, heat_uri, legend_html, saliency_figure
from emotion.ui.thumbnails import data_uri

WHOLE = (0.0, 0.0, 1.0, 1.0)


def panel(services: ScriptedServices) -> SaliencyPanel:
    with gr.Blocks():
        return SaliencyPanel(services, RunBoard(services.runs_folder), gr.Dropdown(), gr.Dropdown())


def predict_tab(services: ScriptedServices) -> OnePicture:
    with gr.Blocks():
        return PredictTab(services, RunBoard(services.runs_folder)).one


def compared(services: ScriptedServices, run: Run, emotion: str | None = "happy", size: int = 4) -> tuple[Any, Path]:
    sets = {name: drawn.DRAWN_FOLDER / f"{name}_eval" for name in ("human", "dog")}
    return services.compare(run, Request(sets, emotion=emotion, size=size))


def finished(steps: Generator[Any, None, Any]) -> tuple[list[Any], Any]:
    """Return what a generator yields and what it returns."""
    yielded = []
    try:
        while True:
            yielded.append(next(steps))
    except StopIteration as end:
        return yielded, end.value


def pixels_of(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


# The picture of a map


def test_the_heat_is_brightest_where_the_map_is_and_lets_the_picture_through_everywhere():
    rows = np.zeros((16, 16))
    rows[3, 12] = 1.0
    heat = pixels_of(heat_uri(Saliency("happy", 0.5, tuple(map(tuple, rows.tolist())), WHOLE)))
    bright = heat[..., :3].astype(int).sum(2)
    row, column = np.unravel_index(bright.argmax(), bright.shape)
    patch = len(heat) / 16
    assert (row // patch, column // patch) == (3, 12)
    assert set(np.unique(heat[..., 3])) == {round(OPACITY * 255)}
    assert bright[-1, 0] < bright.max() / 10


def test_the_scale_grows_brighter_from_little_to_much():
    rows = tuple((step / 15,) * 16 for step in range(16))
    heat = pixels_of(heat_uri(Saliency("happy", 0.5, rows, WHOLE)))[:, 0, :3]
    light = heat @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(light[::6]) > 0).all()
    assert re.findall("<span>(.*?)</span>", legend_html(is_cropped=False)) == ["little", "much"]


def test_the_heat_lies_on_the_part_that_the_model_was_shown():
    figure = saliency_figure(Saliency("sad", 0.416, ((0.0, 1.0), (0.5, 0.2)), (0.125, 0.0, 0.875, 1.0)), "data:x")
    assert "left:12.50%;top:0.00%;width:75.00%;height:100.00%" in figure
    assert "<b>sad 42 %</b>" in figure
    assert "part under the heat only" in legend_html(is_cropped=True)
    assert "part under the heat only" not in legend_html(is_cropped=False)


def test_a_map_without_anything_in_it_says_so():
    empty = Saliency("sad", 0.1, ((0.0, 0.0), (0.0, 0.0)), WHOLE)
    assert "nothing that it attends to speaks for it" in saliency_figure(empty, "data:x", remark="said")
    assert "nothing that" not in saliency_figure(Saliency("sad", 0.1, ((0.0, 1.0),), WHOLE), "data:x")


def test_the_legend_says_what_a_map_is_not_and_where_the_method_is_from():
    legend = legend_html(is_cropped=False)
    for words in ("not a proof of cause", "its own scale", "Chefer, Gur and Wolf 2021", "2103.15679"):
        assert words in legend


def test_a_class_is_shown_as_text_whatever_it_is_called():
    figure = saliency_figure(Saliency("<b>&", 0.5, ((1.0,),), WHOLE), "data:x", remark="<i>")
    assert "<b>&lt;b&gt;&amp; 50 %</b>" in figure
    assert "<i>" not in figure


# The studies


def test_without_a_class_that_of_the_run_is_explained(trained: Run, faces: Path):
    picture = faces / "dog_eval" / "sad" / "dog_eval_sad_0.webp"
    judge = ScriptedJudge(trained)
    _, found = finished(Explain(trained, picture).carry_out(judge))
    scores = scores_for(picture, label="sad", skill=0.7)
    assert found.label == max(scores, key=scores.__getitem__)
    assert finished(Explain(trained, picture, "angry").carry_out(judge))[1].label == "angry"


def test_a_pictures_content_is_explained_as_its_file_would_be(trained: Run, faces: Path):
    picture = faces / "dog_eval" / "sad" / "dog_eval_sad_0.webp"
    judge = ScriptedJudge(trained)
    _, found = finished(Explain(trained, picture.read_bytes(), "sad").carry_out(judge))
    assert found == judge.explain(Image.open(picture).convert("RGB"), label="sad")
    with pytest.raises(PictureError, match="is not a picture"):
        finished(Explain(trained, b"no picture", "sad").carry_out(judge))


def test_a_sample_is_explained_for_the_correct_class_and_for_what_was_said(services, trained: Run):
    comparison, _ = compared(services, trained)
    for number in range(1, 5):
        steps, found = finished(ExplainSample(trained, comparison, "happy", number).carry_out(ScriptedJudge(trained)))
        assert [step.doing for step in steps] == [f"looking at picture {number} of {name}" for name in ("human", "dog")]
        for each in found.pictures:
            picture = comparison.sets[each.set_name]["happy"].pictures[number - 1]
            assert each.picture == picture
            assert [saliency.label for saliency in each.maps] == list(dict.fromkeys(["happy", picture.predicted]))
            # The comparison's number, whatever the judge says now.
            assert [saliency.confidence for saliency in each.maps] == [picture.scores[s.label] for s in each.maps]


def test_a_set_with_fewer_pictures_is_passed_over(services, trained: Run):
    comparison, _ = compared(services, trained)
    comparison.sets["dog"]["happy"].pictures.pop()
    assert list(pictures_at(comparison, "happy", 3)) == ["human", "dog"]
    assert list(pictures_at(comparison, "happy", 4)) == ["human"]
    assert pictures_at(comparison, "happy", 0) == pictures_at(comparison, "happy", 5) == {}


# The section of a comparison


def shown(services: ScriptedServices, trained: Run, path: Path, *asked: Any, how: str = "show") -> list[Any]:
    return list(getattr(panel(services), how)(trained.name, path.name, *asked))


def test_a_person_stands_beside_a_dog_under_the_maps_of_both_classes(services, trained: Run):
    comparison, path = compared(services, trained)
    *meanwhile, (_, number, page) = shown(services, trained, path, "happy", 1)
    assert "Waiting for its turn" in meanwhile[0][2]
    assert "Looking at picture 1 of human" in meanwhile[1][2]
    assert (number.value, number.maximum) == (1, 4)
    assert re.findall("<h2>(.*?)</h2>", page) == ["human", "dog"]
    said = [results["happy"].pictures[0] for results in comparison.sets.values()]
    assert page.count('class="heat"') == sum(1 if each.predicted == "happy" else 2 for each in said)
    for each in said:
        assert f"<b>happy {each.scores['happy'] * 100:.0f} %</b>" in page
        assert f"<b>{each.predicted} {each.scores[each.predicted] * 100:.0f} %</b>" in page
    assert page.count("not a proof of cause") == 1


def test_the_sample_is_stepped_through_and_ends_at_both_ends(services, trained: Run):
    _, path = compared(services, trained)

    def at(how: str, number: Any) -> int:
        return shown(services, trained, path, "happy", number, how=how)[-1][1].value

    assert [at("show_next", number) for number in (1, 3, 4)] == [2, 4, 4]
    assert [at("show_previous", number) for number in (4, 2, 1)] == [3, 1, 1]
    assert [at("show", number) for number in (None, 99, -5)] == [1, 4, 1]


def test_what_was_looked_at_is_kept_and_found_again(services, trained: Run):
    _, path = compared(services, trained, emotion=None)
    section = panel(services)
    emotion, number, page = section.reopen(trained.name, path.name)
    assert NOTHING_YET in page
    assert (emotion.value, emotion.visible, number.value) == ("happy", True, 1)
    *_, (_, _, looked) = shown(services, trained, path, "angry", 3)
    emotion, number, page = section.reopen(trained.name, path.name)
    assert (emotion.value, number.value, page) == ("angry", 3, looked)
    kept = kept_explained(path)
    assert kept is not None
    assert (kept.emotion, kept.number) == ("angry", 3)
    file = path.with_suffix("") / "saliency.json"
    for torn in (
        "{",
        json.dumps({"schema": 1}),
        json.dumps({"schema": 1, "emotion": "sad", "number": 1, "pictures": [{}]}),
    ):
        file.write_text(torn)
        assert NOTHING_YET in section.reopen(trained.name, path.name)[2]


def test_an_emotion_that_was_not_compared_falls_back_to_one_that_was(services, trained: Run):
    _, path = compared(services, trained, emotion="sad")
    emotion, _, page = shown(services, trained, path, "happy", 1)[-1]
    assert (emotion.value, emotion.visible) == ("sad", False)
    assert "<b>sad " in page


def test_before_a_comparison_there_is_nothing_and_asking_says_what_to_do(services, trained: Run):
    section = panel(services)
    emotion, _, page = section.reopen(trained.name, None)
    assert not emotion.visible
    assert NOTHING_YET in page
    with pytest.raises(RunError, match="press Compare first"):
        list(section.show(trained.name, None, None, 1))


def test_a_picture_that_has_been_moved_is_one_sentence_and_nothing_is_kept(services, trained: Run, monkeypatch):
    _, path = compared(services, trained)

    def gone(self: ScriptedJudge, picture: Any, *, label: str) -> Saliency:
        raise PictureError("There is no picture x: check its path.")

    monkeypatch.setattr(ScriptedJudge, "explain", gone)
    with pytest.raises(PictureError, match="check its path"):
        shown(services, trained, path, "happy", 1)
    assert kept_explained(path) is None


# The section of a prediction


def judged(tab: OnePicture, run: Run, number: int = 0) -> list[Any]:
    return tab.judge_example(run.name, "", gr.EventData(None, {"number": number}))


def payload_of(values: list[Any]) -> dict[str, Any]:
    """Return what the page sends back of the picture that it shows."""
    return {"path": None, "url": values[0].url, "orig_name": "picture.webp"}


def test_a_prediction_offers_the_map_of_each_class_and_computes_none(services, trained: Run, monkeypatch):
    monkeypatch.setattr(ScriptedServices, "study", lambda *_: pytest.fail("nobody asked for a map"))
    values = judged(predict_tab(services), trained)
    state, section, label, page = values[3:7]
    assert (state.run, set(state.scores)) == (trained.name, set(EMOTIONS))
    assert section.visible
    assert [choice for choice, _ in label.choices] == list(EMOTIONS)
    assert label.value == max(state.scores, key=state.scores.__getitem__)
    assert page == ""


def test_without_a_picture_or_with_a_bad_one_nothing_is_offered(services, trained: Run, warned, tmp_path, monkeypatch):
    tab = predict_tab(services)
    state, section, _, page = tab.judge_upload(trained.name, None)[3:7]
    assert (state, section.visible, page) == (None, False, "")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    (tmp_path / "x.jpg").write_text("no picture")
    state, section, _, page = tab.judge_upload(trained.name, {"path": str(tmp_path / "x.jpg")})[3:7]
    assert (state, section.visible, page) == (None, False, "")


@pytest.mark.parametrize("label", EMOTIONS)
def test_the_map_lies_on_the_picture_of_the_page_and_carries_the_number_of_the_bars(services, trained: Run, label):
    tab = predict_tab(services)
    values = judged(tab, trained)
    *meanwhile, page = tab.looking.show(values[3], label, payload_of(values))
    assert "Looking at the picture" in meanwhile[0]
    assert f"<b>{label} {values[3].scores[label] * 100:.0f} %</b>" in page
    assert page.count("<img") == 2
    assert "not a proof of cause" in page


def test_nothing_of_a_visitors_picture_is_kept_on_disk_or_by_the_server(services, trained: Run, tmp_path, monkeypatch):
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(uploads))
    Image.new("RGB", (90, 60), "green").save(uploads / "me.png")
    tab = predict_tab(services)
    values = tab.judge_upload(trained.name, {"path": str(uploads / "me.png"), "orig_name": "me.png"})
    before = sorted(tmp_path.rglob("*"))
    list(tab.looking.show(values[3], "sad", payload_of(values)))
    assert sorted(tmp_path.rglob("*")) == before
    assert not list(uploads.iterdir())
    assert vars(values[3]).keys() == {"run", "scores"}


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"url": None, "path": "/etc/passwd"},
        {"url": "http://127.0.0.1/x.png"},
        {"url": "data:text/html;base64,PGI+"},
        {"url": "data:image/png;base64,%%%"},
    ],
)
def test_what_is_no_picture_of_the_page_is_refused_in_a_sentence(services, trained: Run, payload):
    tab = predict_tab(services)
    state = judged(tab, trained)[3]
    with pytest.raises(PictureError, match="gone: give it again"):
        list(tab.looking.show(state, "happy", payload))


def test_a_class_that_the_run_does_not_know_is_refused(services, trained: Run):
    tab = predict_tab(services)
    values = judged(tab, trained)
    for state, label in ((values[3], "bored"), (values[3], None), (None, "happy")):
        with pytest.raises(PictureError, match="gone"):
            list(tab.looking.show(state, label, payload_of(values)))


def test_other_classes_are_offered_in_their_order(services, trained: Run):
    with gr.Blocks():
        looking = Looking(services, RunBoard(services.runs_folder), gr.Image())
    prediction = Prediction("zen", 0.7, {"zen": 0.7, "sad": 0.2, "bored": 0.1}, "float32", 0.1)
    state, _, label, _ = looking.offer(trained, prediction)
    assert state == Judged(trained.name, prediction.scores)
    assert ([name for name, _ in label.choices], label.value) == (["sad", "bored", "zen"], "zen")


def test_what_the_page_sends_back_is_the_picture_that_it_was_given(faces: Path):
    picture = faces / "dog_eval" / "sad" / "dog_eval_sad_0.webp"
    uri = data_uri(picture, side=640)
    assert sent_back({"url": uri}) == base64.b64decode(uri.partition(",")[2])
