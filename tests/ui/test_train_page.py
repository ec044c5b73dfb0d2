"""Train: settings, live curves, stop and resume, the queue, a sweep, curves over each other."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from helpers import looking
from helpers.looking import await_points, button, curves, panel, press, says, says_no_more, unfold
from helpers.processes import frozen
from helpers.run_folder import drop_run, epochs_of, runs_in, status_of
from helpers.scripted_training import ScriptedTraining
from helpers.serving import Site, choose, enter, open_tab
from helpers.waiting import until
from playwright.sync_api import Browser, Page, expect

from emotion.core.config import SETTINGS, preset

# A value other than the default for every setting below the first ones, but for the depth.
MORE: dict[str, Any] = {
    "head_learning_rate": 0.002, "block_learning_rate": 2e-5, "layer_decay": 0.9, "weight_decay": 0.02,
    "warmup_share": 0.2, "label_smoothing": 0.1, "patch_dropout": 0.25, "gradient_clipping": 2,
    "validation_share": 0.25, "early_stopping": 2, "image_size": 40, "seed": 7, "schedule": "linear",
    "augmentation": "light", "precision": "float32", "weight_averaging": False, "class_weights": True,
    "use_aliases": True,
}  # fmt: skip


def config_of(run: Path) -> dict[str, Any]:
    return json.loads((run / "config.json").read_text("utf-8"))["config"]


def prepare_long(page: Page, pictures: Path, backbone: Path) -> None:
    """Fill in a training of a minute."""
    looking.prepare_tiny(page, pictures / "human_train", backbone, epochs=50, image_size=looking.SLOW_SIDE)
    choose(page, "Depth", "Everything")
    looking.set_number(page, "Batch size", 1)


def test_a_training_is_chosen_started_and_drawn_to_its_finished_curve_and_nothing_jumps(
    page: Page, site: Site, tiny_pictures: Path, tiny_vit: Path
):
    before = len(runs_in(site.runs))
    looking.prepare_tiny(page, tiny_pictures / "human_train", tiny_vit, epochs=4, image_size=48)
    says(page, re.compile(r"happy\s+12"), "The frozen part reads each picture once")
    looking.set_number(page, "Batch size", 8)
    expect(page.get_by_label("Custom", exact=True)).to_be_checked()
    looking.watch_shifts(page)
    press(page, "Start")
    # Its epochs come faster than anybody sees: the curve is drawn after the fact, and says so.
    says(page, re.compile(r"Loss · replay of "))
    says(page, re.compile(r"\d of 7 validation pictures right = \d+ % \(\d+–\d+\), chance 25 %. Epoch \d, .* is kept"))
    await_points(page, "Loss", "Validation", 5)
    expect(button(page, "Compare with dogs")).to_be_visible()
    assert looking.shifted(page) < 0.1
    assert curves(page, "Loss")["Validation"]["x"] == [0, 1, 2, 3, 4], "it begins before any training"
    assert curves(page, "Accuracy")["Training"]["x"] == [1, 2, 3, 4]
    assert curves(page, "Loss")["Steps"]["opacity"] < 1, "single steps are faint beside the epochs"
    best = re.search(r"Epoch (\d), with the lowest", panel(page).inner_text())
    assert best is not None
    assert curves(page, "Loss")["Kept"]["x"] == [int(best[1])]
    assert "chance" in looking.chart_text(page, "Accuracy")
    assert "chance" not in looking.chart_text(page, "Loss")
    expect(button(page, "Start")).to_be_enabled()
    expect(button(page, "Stop")).to_be_disabled()
    # It is the run in use by itself, and one press leads to where it is tried.
    in_use = page.get_by_label("Run in use")
    expect(in_use).to_have_value(re.compile(r"^pictures0?.*human_train · custom · tiny.* · batch 8( \(\d\))? · \d+ %"))
    press(page, "Try a picture")
    expect(page.get_by_role("tab", name="Predict")).to_have_attribute("aria-selected", "true")
    open_tab(page, "Runs")
    expect(looking.runs(page)).to_have_count(before + 1)
    expect(looking.runs(page).first).to_contain_text("finished")
    open_tab(page, "Train")
    chosen = {"epochs": 4, "batch_size": 8, "image_size": 48, "backbone": str(tiny_vit)}
    assert config_of(runs_in(site.runs)[0]) | chosen == config_of(runs_in(site.runs)[0])


@pytest.mark.slow
def test_every_setting_survives_a_reload_and_is_trained_on(page: Page, site: Site, tiny_pictures: Path, tiny_vit: Path):
    looking.prepare_tiny(page, tiny_pictures / "human_train", tiny_vit, epochs=3)
    for name, value in MORE.items():
        if isinstance(value, bool):
            page.get_by_label(SETTINGS[name].label).set_checked(value)
        elif isinstance(value, str):
            page.get_by_label(value, exact=True).check()
        else:
            enter(page, SETTINGS[name].label, str(value))
    choose(page, "Depth", "The classifier and the last block")
    looking.set_number(page, "Batch size", 16)
    page.reload()
    unfold(page, "More settings")
    expect(page.get_by_label("number input for Epochs")).to_have_value("3")
    expect(page.get_by_label("Seed", exact=True)).to_have_value("7")
    expect(page.get_by_label("Class weights")).to_be_checked()
    enter(page, "Validation share", "")
    before = runs_in(site.runs)
    press(page, "Start")
    expect(page.get_by_text("Validation share", exact=False).filter(has_text="use a number")).to_be_visible()
    assert runs_in(site.runs) == before
    enter(page, "Validation share", "0.25")
    press(page, "Start")
    [run] = until(lambda: [each for each in runs_in(site.runs) if each not in before], what="a run")
    until(lambda: status_of(run) == "finished", what="the end of the training")
    expect(page.get_by_label("Custom", exact=True)).to_be_checked()
    assert config_of(run) == {
        "pictures": str(tiny_pictures / "human_train"), "backbone": str(tiny_vit), "epochs": 3, "batch_size": 16,
        "depth": 1, **MORE,
    }  # fmt: skip


def test_a_preset_fills_in_every_setting(page: Page, site: Site, tiny_pictures: Path, tiny_dinov2: Path):
    page.get_by_label("The report", exact=True).check()
    expect(page.get_by_label("Backbone", exact=True)).to_have_value(re.compile("the report's"))
    says(page, "Nothing is frozen: in every epoch each picture passes the whole backbone")
    page.get_by_label("Thorough", exact=True).check()
    dinov2 = re.compile(r"DINOv2-small.*· (here|to be fetched, \d+ MB)$")
    expect(page.get_by_label("Backbone", exact=True)).to_have_value(dinov2)
    chosen = preset("Thorough", pictures=str(tiny_pictures / "human_train"), backbone=str(tiny_dinov2))
    looking.prepare_tiny(page, tiny_pictures / "human_train", tiny_dinov2, epochs=chosen.epochs, image_size=224)
    before = runs_in(site.runs)
    press(page, "Start")
    until(lambda: runs_in(site.runs) != before)
    assert config_of(runs_in(site.runs)[0]) == chosen.to_json()
    press(page, "Stop")
    says(page, "Stopped: ")


@pytest.mark.slow
def test_a_training_is_found_by_a_reload_and_another_browser_queued_behind_withdrawn_stopped_and_resumed(
    page: Page, site: Site, browser: Browser, tiny_pictures: Path, tiny_vit: Path
):
    prepare_long(page, tiny_pictures, tiny_vit)
    press(page, "Start")
    says(page, re.compile(r"epoch \d+ of 50.* left"))
    [first, *_] = runs_in(site.runs)
    page.reload()
    says(page, re.compile(r"epoch \d+ of 50"))
    await_points(page, "Loss", "Validation", len(curves(page, "Loss")["Validation"]["x"]) + 1)
    with frozen(first, site.process.pid):
        press(page, "Queue another")
        says(page, "Waits for its turn. Stop withdraws it.")
        press(page, "Stop")
        says(page, "Stopped: no epoch was finished, so nothing is kept.")
    withdrawn = runs_in(site.runs)[0]
    assert withdrawn != first
    assert status_of(withdrawn) == "stopped"
    with site.visit(browser) as other:
        with frozen(first, site.process.pid):
            says(other, re.compile(r"epoch \d+ of 50"))
            looking.press_stop(other, first, site.process.pid)
        says(other, re.compile(r"Stopped: epoch \d+ is kept\. Resume goes on after epoch \d+\."))
        expect(button(other, "Start")).to_be_enabled()
        expect(button(other, "Stop")).to_be_disabled()
        done = epochs_of(first)
        press(other, "Resume")
        until(lambda: epochs_of(first) > done + 1)
        says(other, re.compile(r"epoch \d+ of 50"))
        expect(button(other, "Resume")).to_be_hidden()
        looking.press_stop(other, first, site.process.pid)
        says(other, re.compile(r"Stopped: epoch \d+ is kept"))


def test_a_training_from_elsewhere_is_followed_live_and_told_in_words(page: Page, site: Site, trained_run: Path):
    with ScriptedTraining(trained_run, site.runs / "20980101-000000-vit", epochs=4) as training:
        expect(page.locator("#training-state")).to_have_text("Loading the pictures and the backbone.")
        page.reload()
        says(page, "Loading the pictures and the backbone.")
        training.begin(pictures=500)
        says(page, "Getting ready: 500 pictures to train on.")
        training.look(300, 600)
        says(page, "1 of 2: reading 600 pictures, 5 s left.")
        training.epoch(1, accuracy=0.5)
        says(page, "2 of 2: training, epoch 1 of 4 is done, 30 s left.")
        expect(page.locator("#training-state")).to_contain_text("epoch 1 of 4")
        await_points(page, "Accuracy", "Training", 1)
        early = looking.span(page, "Loss")
        training.write(
            "PicturesSkipped", reasons={"a.jpg": "<i>a.jpg</i> is not a picture.", "b.jpg": "b.jpg is cut short."}
        )
        says(page, "2 pictures were left out. The first: <i>a.jpg</i> is not a picture.")
        # Others may be laid over it while it goes on.
        looking.lay_over(page, re.compile(r"batch 8 · \d+ %"))
        until(lambda: any("batch 8" in name for name in curves(page, "Loss")))
        for number in (2, 3):
            training.epoch(number, loss=1 / number, is_best=number == 2)
        says(page, "epoch 3 of 4 is done")
        await_points(page, "Loss", "Validation", 4)
        assert looking.span(page, "Loss") == early, "the axis is that of the whole training from the first step"
        training.fail("The disk is full: <b>make room</b>.")
    says(page, "It could not go on. The disk is full: <b>make room</b>.")
    expect(button(page, "Start")).to_be_enabled()
    expect(button(page, "Resume")).to_be_visible()
    assert any("batch 8" in name for name in curves(page, "Loss")), "what is laid over stays while a run goes on"
    drop_run(training.path)
    says_no_more(page, "It could not go on.")


@pytest.mark.slow
def test_a_sweep_trains_each_value_and_weighs_differences(page: Page, site: Site, tiny_pictures: Path, tiny_vit: Path):
    looking.prepare_tiny(page, tiny_pictures / "human_train", tiny_vit)
    looking.watch_shifts(page)
    looking.start_several(page, "4, 8")
    says(page, "Batch size: 2 of 2 runs finished")
    assert looking.shifted(page) < 0.1, "little moves while it fills: the verdict and the table come in"
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
    expect(looking.swept(page)).to_have_count(2)
    for row, size in zip(looking.swept(page).all(), ("4", "8"), strict=True):
        expect(row).to_have_text(
            re.compile(rf"^\s*{size}\s*(best)?\s*finished\s*\d\s*0?1?\.\d+\s*\d+\s%\s*\S+ \S+\s*$")
        )
    expect(looking.swept(page).filter(has_text="best")).to_have_count(1)
    says(page, "Of 7 validation pictures; chance is 25 %.")
    says(page, re.compile(r"Accuracies less than about \d+ points apart cannot be told from luck; the widest gap"))
    says(page, "Every run used seed 42, and with it the same split.")
    # One of the two is watched, the other one is laid over it.
    over = {name for name in curves(page, "Loss") if name.startswith("batch size")}
    assert over in ({"batch size 4"}, {"batch size 8"})
    assert [config_of(run)["batch_size"] for run in runs_in(site.runs)[:2]] == [8, 4]
    page.get_by_label("Run in use").click()
    for size in (4, 8):
        expect(page.get_by_role("option", name=re.compile(rf"batch {size} · \d+ %")).first).to_be_visible()


@pytest.mark.slow
def test_a_sweep_is_found_by_a_reload_and_stopped_whole_and_no_other_run_with_it(
    page: Page, site: Site, tiny_pictures: Path, tiny_vit: Path, trained_run: Path
):
    prepare_long(page, tiny_pictures, tiny_vit)
    looking.start_several(page, "1, 2, 4")
    says(page, re.compile(r"Batch size 1, 1 of 3. .*epoch \d+ of 50"))
    first = runs_in(site.runs)[2]
    with ScriptedTraining(trained_run, site.runs / "20000101-000000-other") as other:
        with frozen(first, site.process.pid):
            expect(looking.swept(page).last).to_contain_text("queued")
            page.reload()
            says(page, re.compile(r"Batch size 1, 1 of 3. .*epoch \d+ of 50"))
            looking.press_stop(page, first, site.process.pid, name="Stop all")
        expect(looking.swept(page).filter(has_text="stopped")).to_have_count(3)
        expect(button(page, "Start")).to_be_enabled()
        assert not (other.path / "stop").exists()
    drop_run(other.path)
