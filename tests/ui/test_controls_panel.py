"""The Controls and Cue probe sections without a browser: what they stream, keep, say and draw."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from scripted import ScriptedServices

from emotion.comparison import Request, load_comparison
from emotion.errors import ConfigError, EmotionError, RunError
from emotion.faces.cues import BASES, CUES
from emotion.faces.faces_set import FOLDER
from emotion.labels import SPECIES_COLOURS, colour_of
from emotion.pictures import drawn
from emotion.pictures.controls import PICTURE_CONTROLS
from emotion.run import Run
from emotion.statistics.paired import Change
from emotion.studies.controls import CONTROLS, ControlResult, Measured, SetControl, keep_control, kept_controls
from emotion.studies.cue_probe import kept_probes
from emotion.ui.charts.controls import controls_chart
from emotion.ui.charts.cues import cue_chart
from emotion.ui.compare.controls_panel import ALL_DONE, ControlsPanel
from emotion.ui.compare.controls_report import controls_html, points_html
from emotion.ui.compare.cue_panel import NOTHING_YET, CuePanel
from emotion.ui.compare.cue_report import faces_html, kept_html, legend_html
from emotion.ui.guard import guarded_stream
from emotion.ui.run_board import RunBoard

FACES = Path(__file__).resolve().parents[2] / FOLDER


def panel(kind: Any, services: ScriptedServices) -> Any:
    with gr.Blocks():
        return kind(services, RunBoard(services.runs_folder), gr.Dropdown(), gr.Dropdown())


def compared(services: ScriptedServices, run: Run, folder: Path, emotion: str | None = "happy") -> Path:
    """Compare four pictures of humans and dogs and return the comparison's file."""
    sets = {name: folder / f"{name}_eval" for name in ("human", "dog")}
    return services.compare(run, Request(sets, emotion=emotion, size=4))[1]


def values_of(shown: list[Any]) -> dict[str, Any]:
    """Name what the controls panel shows."""
    return dict(zip(("stop", "status", "results", "chart", "table", "button"), shown, strict=False))


def result_of(name: str, *, mean: float, interval: tuple[float, float]) -> ControlResult:
    measured = Measured(20, 12, 0.5, (0.4, 0.6))
    return ControlResult(name, {"dog": SetControl(measured, measured, Change(20, mean, interval, 0.01))})


@pytest.fixture
def photos(services: ScriptedServices, trained: Run, faces: Path) -> Path:
    """A comparison of pictures that cannot be drawn again."""
    return compared(services, trained, faces)


@pytest.fixture
def drawings(services: ScriptedServices, trained: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A comparison of the drawn sets themselves."""
    monkeypatch.setattr(drawn, "DRAWN_FOLDER", FACES)
    return compared(services, trained, FACES)


@pytest.mark.parametrize("name", [*PICTURE_CONTROLS, "shuffled"])
def test_each_control_adds_its_row_beside_the_main_result(services, trained: Run, photos: Path, name: str):
    shown = list(panel(ControlsPanel, services).look(name, trained.name, photos.name))
    first, last, end = (values_of(shown[place]) for place in (0, -2, -1))
    assert first["stop"].interactive
    assert not end["stop"].interactive
    assert end["status"] == ""
    assert "status running" in first["status"]
    assert last["results"].visible
    assert "As they are" in last["table"]
    assert CONTROLS[name].title in last["table"]
    assert CONTROLS[name].asks in last["table"]
    assert last["table"].count("<tr") == 3
    assert list(kept_controls(photos)) == [name]


@pytest.mark.parametrize("name", ["eyes_neutral", "brows_neutral", "mouth_neutral", "background_removed"])
def test_a_drawn_control_adds_its_row_on_drawn_pictures(services, trained: Run, drawings: Path, name: str):
    shown = list(panel(ControlsPanel, services).look(name, trained.name, drawings.name))
    table = values_of(shown[-2])["table"]
    assert CONTROLS[name].title in table
    assert "say nothing of real dogs" in table
    assert list(kept_controls(drawings)) == [name]


def test_what_is_kept_is_shown_again_and_an_empty_comparison_shows_nothing(services, trained: Run, photos: Path):
    controls = panel(ControlsPanel, services)
    empty = controls.reopen(trained.name, photos.name)
    assert (empty[0], empty[1].visible, empty[3]) == ("", False, "")
    *_, done, _ = controls.look("grey", trained.name, photos.name)
    again = controls.reopen(trained.name, photos.name)
    assert again[3] == done[4]
    assert again[2] == done[3]


def test_redrawing_is_offered_where_every_set_was_drawn(services, trained: Run, photos: Path, drawings: Path):
    controls = panel(ControlsPanel, services)
    assert len(controls.drawn) == 4
    for file, is_offered in ((photos, False), (drawings, True)):
        assert {each.visible for each in controls.reopen(trained.name, file.name)[4:]} == {is_offered}


def test_all_does_what_is_missing_and_then_says_that_nothing_is(services, trained: Run, photos: Path):
    controls = panel(ControlsPanel, services)
    list(controls.look("grey", trained.name, photos.name))
    looked = [values_of(each)["status"] for each in controls.look("", trained.name, photos.name)]
    assert not any("Grey" in each for each in looked if isinstance(each, str))
    assert list(kept_controls(photos)) == [*PICTURE_CONTROLS, "shuffled"]
    with pytest.raises(EmotionError, match=ALL_DONE):
        list(controls.look("", trained.name, photos.name))


def test_closed_in_the_middle_of_all_it_keeps_what_is_done(services, trained: Run, photos: Path):
    looks: Generator[list[Any], None, None] = panel(ControlsPanel, services).look("", trained.name, photos.name)
    done = next(each for each in looks if values_of(each)["results"] != gr.skip())
    next(looks)
    looks.close()
    assert list(kept_controls(photos)) == ["centre_crop"]
    assert "Centre crop" in values_of(done)["table"]


@pytest.mark.parametrize("error", [RunError("The disk is full."), ZeroDivisionError()])
def test_an_error_leaves_no_bar_that_runs_and_no_stop(services, trained: Run, photos: Path, monkeypatch, warned, error):
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("emotion.ui.compare.controls_panel.keep_control", fail)
    monkeypatch.setattr("emotion.ui.compare.cue_panel.keep_probe", fail)
    *_, last, skipped = guarded_stream(panel(ControlsPanel, services).look)("grey", trained.name, photos.name)
    assert (last[0].interactive, last[1]) == (False, "")
    assert skipped == gr.skip()
    *_, last, skipped = guarded_stream(panel(CuePanel, services).probe)(trained.name, "tear", "neutral", 1)
    assert last[0] == ""
    assert len(warned) == 2


def test_without_a_comparison_a_control_says_what_to_do(services, trained: Run):
    controls = panel(ControlsPanel, services)
    for saved in (None, "", "../config.json", "gone.json"):
        with pytest.raises(RunError, match=r"Nothing is compared yet|is gone"):
            list(controls.look("grey", trained.name, saved))


def test_a_change_is_marked_by_more_than_colour_where_its_interval_leaves_0_out():
    def said(mean: float, interval: tuple[float, float]) -> str:
        return re.sub("<[^>]+>", "", points_html(Change(20, mean, interval, 0.5)))

    assert said(-0.18, (-0.25, -0.11)) == "▼ −18 (−25 to −11)"
    assert said(0.042, (0.01, 0.07)) == "▲ +4 (1 to 7)"
    assert said(-0.02, (-0.06, 0.02)) == "−2 (−6 to 2)"


def test_the_chart_fills_the_dots_that_are_told_and_holds_every_interval():
    results = {
        "grey": result_of("grey", mean=-0.02, interval=(-0.06, 0.02)),
        "top_covered": result_of("top_covered", mean=-0.5, interval=(-0.61, -0.39)),
    }
    chart = controls_chart(results)
    dots = chart.data[0]
    assert list(dots.marker.symbol) == ["circle-open", "circle"]
    assert list(dots.x) == [-2, -50]
    assert dots.marker.color == SPECIES_COLOURS["dog"]
    low, high = chart.layout.xaxis.range
    assert low < -61
    assert high > 2
    assert list(chart.layout.yaxis.ticktext) == ["Grey", "Top half<br>covered"]
    assert controls_chart({}).layout.annotations[0].text == ""


def test_the_table_says_how_many_looks_there_were_and_what_is_left_when_corrected(services, trained, photos: Path):
    comparison = load_comparison(photos)
    one = controls_html(comparison, {"grey": result_of("grey", mean=-0.2, interval=(-0.3, -0.1))})
    assert "looks" not in one
    # Two p-values of 0.01 stand at 0.015 when corrected by Benjamini and Yekutieli.
    both = {name: result_of(name, mean=-0.2, interval=(-0.3, -0.1)) for name in ("grey", "mirrored")}
    assert "That is 2 looks" in controls_html(comparison, both)
    assert "2 of 2 do here, and 2 still do when corrected" in controls_html(comparison, both)
    assert "“happy”" in one
    assert "chance 25 %" in one


def test_shuffled_labels_say_whether_chance_is_held(services, trained: Run, photos: Path):
    held = Measured(20, 5, 0.27, (0.2, 0.34))
    missed = Measured(20, 5, 0.5, (0.4, 0.6))
    change = Change(20, -0.2, (-0.3, -0.1), 0.001)
    result = ControlResult(
        "shuffled", {"human": SetControl(held, held, change), "dog": SetControl(held, missed, change, left_out=2)}
    )
    table = controls_html(load_comparison(photos), {"shuffled": result})
    assert table.count("✓ holds the 25 % of chance") == 1
    assert table.count("✗ leaves out the 25 % of chance") == 1
    assert "2 pictures gone or torn by now" in table


def test_all_emotions_are_pooled_and_named(services, trained: Run, faces: Path):
    file = compared(services, trained, faces, emotion=None)
    shown = values_of(list(panel(ControlsPanel, services).look("mirrored", trained.name, file.name))[-2])
    assert "of 16 right" in shown["table"]
    assert "happy, sad, angry, tired pooled" in shown["table"]


def test_a_foreign_name_in_the_kept_file_is_passed_over(services, trained: Run, photos: Path):
    keep_control(photos, ControlResult("<b>", {}))
    assert panel(ControlsPanel, services).reopen(trained.name, photos.name)[3] == ""


def test_a_probe_streams_keeps_and_shows_each_species_with_its_faces(services, trained: Run):
    cues = panel(CuePanel, services)
    first, *_, last = cues.probe(trained.name, "mouth_curve", "neutral", 2)
    assert "status running" in first[0]
    status, finding, legend, kept, *rest = last
    (row, people), charts, shown_faces, asked = rest[:2], rest[2:5], rest[5:8], rest[8:]
    assert status == ""
    assert "Mouth corners, from down to up" in finding
    assert "2 individuals a species" in finding
    assert "say nothing of real dogs" in finding
    assert row.visible
    assert people.visible
    assert all(len(json.loads(each)["data"]) == 5 for each in charts)
    assert [each.count("<img") for each in shown_faces] == [3, 3, 3]
    assert "<b>" not in legend
    assert legend.count("<li>") == 4
    assert "Mouth corners" in kept
    assert asked == ["mouth_curve", "neutral"]
    [probe] = kept_probes(trained)
    assert (probe.cue, probe.base) == ("mouth_curve", "neutral")
    again = cues.reopen(trained.name, None)
    assert [*again[:4], *again[6:]] == [*last[:4], *last[6:]]


def test_ears_show_no_people_and_the_newest_probe_comes_first(services, trained: Run):
    cues = panel(CuePanel, services)
    list(cues.probe(trained.name, "tear", "sad", 1))
    *_, last = cues.probe(trained.name, "ear_back", "neutral", 1)
    assert [each.visible for each in last[4:6]] == [True, False]
    assert [each.count("<img") for each in last[9:12]] == [0, 3, 3]
    rows = re.findall(r'<th scope="row"><b>(.*?)</b>', cues.reopen(trained.name)[3])
    assert rows == ["Ears laid back", "Tears, otherwise sad"]


def test_a_chosen_cue_shows_its_kept_probe_or_leaves_what_is_there(services, trained: Run):
    cues = panel(CuePanel, services)
    *_, shown = cues.probe(trained.name, "bags", "tired", 1)
    list(cues.probe(trained.name, "tear", "sad", 1))
    assert cues.choose(trained.name, "bags")[1] == shown[1]
    assert cues.choose(trained.name, "teeth") == [gr.skip()] * len(cues.view)


def test_a_run_without_probes_says_what_a_probe_asks(services, trained: Run):
    for name in (trained.name, None):
        shown = panel(CuePanel, services).reopen(name, None)
        assert NOTHING_YET in shown[1]
        assert not shown[4].visible


def test_a_wrong_cue_base_or_number_from_the_page_is_refused(services, trained: Run):
    cues = panel(CuePanel, services)
    for wrong in (("nose", "neutral", 5), ("tear", "bored", 5), ("tear", "neutral", 1000)):
        with pytest.raises(ConfigError):
            list(cues.probe(trained.name, *wrong))
    assert kept_probes(trained) == []


def test_a_cue_chart_has_its_lines_in_the_emotions_colours_and_the_chance_line(services, trained: Run):
    list(panel(CuePanel, services).probe(trained.name, "lid_opening", "neutral", 2))
    [curves] = kept_probes(trained)
    chart = cue_chart(curves, "dog")
    band, *lines = chart.data
    assert [line.line.color for line in lines] == [colour_of(label) for label in curves.classes]
    assert len({line.marker.symbol for line in lines}) == 4
    assert [list(line.y) for line in lines] == [curves.species["dog"].means[label] for label in curves.classes]
    assert band.fillcolor == colour_of(curves.leading)
    assert list(chart.layout.xaxis.ticktext) == ["closed", "wide<br>open", "neutral"]
    assert any("chance" in each.text for each in chart.layout.annotations)
    assert f"“{curves.leading}”" in legend_html(curves)


def test_the_faces_beneath_are_those_that_were_moved():
    pictures = {faces_html(cue, base, "cat") for cue in ("tear", "mouth_curve") for base in ("neutral", "sad")}
    assert len(pictures) == 4
    assert all(len(set(re.findall(r'src="([^"]+)"', each))) == 3 for each in pictures)
    assert "cat, tears none" in faces_html("tear", "neutral", "cat")


def test_nothing_is_listed_before_the_first_probe():
    assert kept_html([]) == ""
    assert set(BASES) == {"neutral", "happy", "sad", "angry", "tired"}
    assert len({cue.title for cue in CUES.values()}) == len(CUES)
