"""What the handlers make of widgets' values, without a browser."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
from scripted import ScriptedServices
from serving_pages import BACKBONES

from emotion.cache.store import cache_folder
from emotion.comparison import ScoredPicture, summarise
from emotion.config import PRESETS, preset
from emotion.errors import ConfigError, PictureError, RunError
from emotion.events import EpochDone
from emotion.run import Run
from emotion.ui.api import NAMES
from emotion.ui.app import build_app
from emotion.ui.compare.pictures import unreadable
from emotion.ui.compare.tab import CompareTab, saved_choices
from emotion.ui.guard import guarded
from emotion.ui.picture_input import Upload, received
from emotion.ui.predict.tab import PredictTab
from emotion.ui.run_board import RunBoard
from emotion.ui.settings import backbone_label, build_settings, known_backbones, of_backbone
from emotion.ui.train_tab import TrainTab, preview_of


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that Gradio puts uploads into."""
    folder = tmp_path.resolve() / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def tab(kind, services: ScriptedServices, *more):
    with gr.Blocks():
        return kind(services, RunBoard(services.runs_folder), *more)


def test_presets_fill_the_widgets_with_what_they_stand_for():
    with gr.Blocks():
        settings = build_settings(BACKBONES)
    for name in PRESETS:
        assert settings.read(settings.of_preset(name), pictures="x") == preset(name, pictures="x")


def test_another_backbone_takes_the_presets_size_and_views_along():
    assert of_backbone("Quick", "google/vit-base-patch16-224") == ["off", 224]
    assert of_backbone("Quick", "dinov2-small") == ["zoom", 140]
    assert of_backbone("Thorough", "google/vit-base-patch16-224") == ["frame", 224]
    assert of_backbone(None, "dinov2-small") == of_backbone("Quick", None) == [gr.skip()] * 2


def test_an_emptied_number_is_refused_in_one_sentence():
    with gr.Blocks():
        settings = build_settings(BACKBONES)
    values = settings.of_preset("Quick")
    values[list(settings.widgets).index("seed")] = None
    with pytest.raises(ConfigError, match="Seed"):
        settings.read(values, pictures="x")


def test_the_registry_has_what_the_list_of_backbones_needs():
    labels = [backbone_label(row) for row in known_backbones()]
    assert any("here" in label or "to be fetched" in label for label in labels)


def test_start_trains_the_chosen_set_with_the_settings_on_the_screen(services: ScriptedServices):
    train = tab(TrainTab, services, BACKBONES)
    values = train.settings.of_preset("Quick")
    values[list(train.settings.widgets).index("batch_size")] = 4
    shown = train.start_run("drawn/human_train", *values)
    config = RunBoard(services.runs_folder).find(shown[-1]).config()
    assert config.batch_size == 4
    assert Path(config.pictures).name == "human_train"


def test_one_click_trains_the_default_on_the_drawn_humans(services: ScriptedServices):
    shown = tab(TrainTab, services, BACKBONES).start_default()
    config = RunBoard(services.runs_folder).find(shown[-1]).config()
    assert config == preset("Quick", pictures=config.pictures)
    assert Path(config.pictures).name == "human_train"


def test_a_remembered_run_that_is_gone_leaves_the_page_as_it_is(services: ScriptedServices):
    assert tab(TrainTab, services, BACKBONES).attach("20200101-000000-gone") == gr.skip()


def test_the_preview_counts_each_class(services: ScriptedServices):
    shown = preview_of("drawn/human_train")
    assert shown.count("<img") == 16
    assert "<b>happy</b><span>6</span>" in shown


def test_an_upload_is_judged_under_its_own_name_and_deleted(services, trained: Run, uploads: Path, warned):
    predict = tab(PredictTab, services).one
    path = uploads / "upload.jpg"
    path.write_text("no picture", encoding="utf-8")
    _, said, *_ = predict.judge_upload(trained.name, {"path": str(path), "orig_name": "holiday.jpg"})
    assert not path.exists()
    assert "holiday.jpg is not a picture" in said
    assert len(warned) == 1


def test_a_picture_is_shown_without_a_file_of_its_own(services, trained: Run, faces: Path, uploads: Path):
    predict = tab(PredictTab, services).one
    path = uploads / "upload.webp"
    path.write_bytes((faces / "dog_eval" / "happy" / "dog_eval_happy_0.webp").read_bytes())
    small, said, *_ = predict.judge_upload(trained.name, {"path": str(path), "orig_name": "dog.webp"})
    assert small.path is None
    assert small.url.startswith("data:image/webp;base64,")
    assert trained.name in said
    assert "real dogs" not in said


def test_a_file_is_handed_over_unopened_under_a_name_without_folders(uploads: Path):
    path = uploads / "x.jpg"
    assert received({"path": str(path), "orig_name": "../../x.jpg"}) == Upload(path, "x.jpg")
    assert received({"path": "", "url": "data:image/webp;base64,"}) is None
    assert received(None) is None


def test_a_file_that_is_no_upload_is_neither_opened_nor_deleted(services, trained: Run, uploads: Path, faces: Path):
    predict = tab(PredictTab, services).one
    theirs = faces / "dog_eval" / "happy" / "dog_eval_happy_0.webp"
    (uploads / "link.webp").symlink_to(theirs)
    for path in (theirs, uploads / ".." / theirs.name, uploads / "link.webp", Path("/etc/passwd")):
        with pytest.raises(PictureError, match="not a picture that you gave"):
            predict.judge_upload(trained.name, {"path": str(path), "orig_name": "dog.webp"})
    assert theirs.exists()


def test_an_example_is_asked_for_by_number_and_carries_the_note(services, trained: Run):
    predict = tab(PredictTab, services).one
    _, said, *_ = predict.judge_example(trained.name, "", gr.EventData(None, {"number": 0}))
    assert "say nothing of real dogs" in said
    for number in (-1, 99, "0", None, "/etc/passwd"):
        with pytest.raises(PictureError):
            predict.judge_example(trained.name, "", gr.EventData(None, {"number": number}))


def test_without_a_run_predict_and_compare_say_what_they_wait_for(services, warned):
    _, said, *_ = tab(PredictTab, services).one.judge_example(None, "", gr.EventData(None, {"number": 0}))
    assert "first finished run" in said
    with pytest.raises(RunError, match="first finished run"):
        tab(CompareTab, services).compare(None, "happy", ["drawn/human_eval"], 3, 1)


def test_a_comparison_names_what_its_numbers_rest_on(services, trained: Run):
    compare = tab(CompareTab, services)
    shown = compare.compare(trained.name, "happy", ["drawn/human_eval", "drawn/dog_eval"], 5, 7)
    headline, report = (shown[compare.view.index(widget)] for widget in (compare.headline, compare.report))
    for words in ("5 pictures a set", "seed 7", "chance 25 %", "95 % intervals", "say nothing of real dogs"):
        assert words in headline
    assert report.count("<figure") == 10
    assert "of 5 correct" in report
    assert "came second in" in report
    measures = shown[compare.view.index(compare.measures)]
    for words in ("Log loss", "Brier score", "an even guess", "1.39", "0.75"):
        assert words in measures
    assert "gaps under about" in headline


def csv_of(compare, shown) -> Path:
    value = shown[compare.view.index(compare.csv)].value
    return Path(value.path if hasattr(value, "path") else value["path"])


def test_the_csv_has_a_row_for_every_picture_with_every_probability(services, trained: Run):
    compare = tab(CompareTab, services)
    shown = compare.compare(trained.name, "sad", ["drawn/human_eval", "drawn/cat_eval"], 4, 7)
    with csv_of(compare, shown).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["set"] for row in rows] == ["human"] * 4 + ["cat"] * 4
    assert all(
        abs(sum(float(row[f"p_{name}"]) for name in ("happy", "sad", "angry", "tired")) - 1) < 1e-6 for row in rows
    )


def test_a_saved_comparison_opens_again_as_it_was(services, trained: Run):
    compare = tab(CompareTab, services)
    first = compare.compare(trained.name, "happy", ["drawn/human_eval"], 4, 7)
    (title, name) = saved_choices(trained.comparisons)[0]
    assert "happy · human · 4 each · seed 7" in title
    assert compare.reopen(trained.name, name)[0] == first[0]
    for bad in ("../config.json", str(trained.comparisons / name), None):
        with pytest.raises(RunError):
            compare.reopen(trained.name, bad)


@pytest.mark.parametrize(
    ("keys", "size", "words"),
    [([], 5, "No set is ticked"), (["drawn/dog_eval"], None, "empty"), (["drawn/dog_eval"], 99, "only 6 pictures")],
)
def test_a_comparison_that_cannot_be_made_says_why(services, trained: Run, warned, keys, size, words):
    compare = tab(CompareTab, services)
    assert guarded(compare.compare)(trained.name, "happy", keys, size, 1) == gr.skip()
    assert words in warned[0]


def test_an_unforeseen_error_is_one_sentence_without_its_text(warned, capsys):
    def break_off() -> None:
        raise ZeroDivisionError("secret path /root")

    assert guarded(break_off)() == gr.skip()
    assert "ZeroDivisionError" in warned[0]
    assert "secret" not in warned[0]
    assert "secret" in capsys.readouterr().err


def test_no_event_of_the_page_is_public(services):
    page = build_app(services, backbones=lambda: BACKBONES)
    public = {each.api_name for each in page.fns.values() if each.api_visibility != "private"}
    assert public == set(NAMES)


def test_the_look_is_counted_and_timed_at_the_pace_of_the_last_run(services, trained: Run):
    train = tab(TrainTab, services, BACKBONES)
    values = dict(zip(train.settings.widgets, train.settings.of_preset("Quick"), strict=True))

    def estimate(**changed):
        return train.estimate("drawn/human_train", *{**values, **changed}.values())

    # The scripted run looked at 600 pictures in 15.7 seconds: 24 take less than the second that is the least said.
    assert "looks once at 24 pictures, 3 views of those trained on: about 2 s at the pace" in estimate(depth="1")
    assert "24 pictures, 4 views of those trained on: about 2 s" in estimate(augmentation="strong")
    shard = cache_folder() / "recipe" / "shard"
    shard.mkdir(parents=True)
    (shard / "rows").write_bytes(bytes(3 * 24 * 3072))
    assert "looks at nothing new" in estimate(batch_size=4)
    assert "the first run shows" in estimate(image_size=448)
    assert "Nothing is frozen" in estimate(depth="all")
    assert estimate(epochs=None) == gr.skip()


def test_a_page_without_memory_watches_what_is_going_on_and_one_whose_run_is_over_too(services, trained: Run, gate):
    gate.holds = lambda event: isinstance(event, EpochDone) and event.epoch == 1
    train = tab(TrainTab, services, BACKBONES)
    assert train.attach(trained.name)[0].run == trained
    assert train.attach(None) == gr.skip()
    going = services.start_training(trained.config())
    while not any(isinstance(event, EpochDone) for event in going.events()):
        pass
    for remembered in (None, trained.name, "20200101-000000-gone"):
        assert train.attach(remembered)[0].run == going


def test_a_run_with_other_classes_is_compared_on_them(services, trained: Run):
    compare = tab(CompareTab, services)
    trained.note(classes=["angry", "relaxed"])
    emotions = compare.choose_run(trained.name)[0]
    assert (emotions.choices, emotions.value) == ([("angry", "angry"), ("relaxed", "relaxed")], "angry")


def test_the_csv_names_pictures_within_their_set_and_carries_the_note(services, trained: Run, faces: Path):
    compare = tab(CompareTab, services)
    shown = compare.compare(trained.name, "sad", ["drawn/human_eval"], 2, 7)
    text = csv_of(compare, shown).read_text()
    assert str(faces) not in text
    assert "sad/human_eval_sad_" in text
    assert "say nothing of real dogs" in text


def test_other_names_of_the_emotions_are_offered_and_read_where_it_is_switched_on(
    services, trained: Run, tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch
):
    for label, named in (("angry", "Anger"), ("sad", "sad")):
        shutil.copytree(faces / "dog_eval" / label, tmp_path / "sets" / "dog_photos" / named)
    monkeypatch.setenv("EMOTION_PICTURES", str(tmp_path / "sets"))
    offered = preview_of("given/dog_photos")
    assert "<b>Anger</b>" in offered
    assert "This set says &#x27;Anger&#x27; for angry" in offered
    switched_on = preview_of("given/dog_photos", True)
    assert "<b>angry</b>" in switched_on
    assert "This set says" not in switched_on
    compare = tab(CompareTab, services)
    assert compare.form.aliases.visible
    with pytest.raises(PictureError):
        compare.compare(trained.name, "angry", ["given/dog_photos"], 3, 1)
    assert (
        "of 3 correct"
        in compare.compare(trained.name, "angry", ["given/dog_photos"], 3, 1, True)[compare.view.index(compare.report)]
    )
    monkeypatch.delenv("EMOTION_PICTURES")
    assert not tab(CompareTab, services).form.aliases.visible


def test_pictures_that_cannot_be_read_are_counted_beside_the_sample(faces: Path):
    scored = [ScoredPicture(str(faces / "x.webp"), "", "sad", {"happy": 0.2, "sad": 0.8})]
    result = replace(summarise(scored, classes=["happy", "sad"]), unreadable={"a.jpg": "a.jpg is not a picture."})
    assert "1 picture left out, others drawn instead. a.jpg is not a picture." in unreadable(result)
    assert unreadable(summarise(scored, classes=["happy", "sad"])) == ""
