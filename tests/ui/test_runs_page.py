"""Runs: one run looked at closely, named, found again, deleted and taken back, and what is said of it in words."""

import itertools
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client
from helpers import looking
from helpers.looking import await_points, button, curves, open_run, press, says, unfold
from helpers.run_folder import copy_run, drop_run, events_of
from helpers.serving import Site, enter, open_tab
from playwright.sync_api import Page, expect

ABOUT = "about.json"
NUMBERS = itertools.count()


@pytest.fixture
def own(site: Site, trained_run: Path) -> Iterator[Path]:
    """A finished run that the test may change; it is the newest."""
    run = copy_run(trained_run, site.runs / f"20970101-0000{next(NUMBERS):02}-vit")
    yield run
    drop_run(run)


def rewrite_events(run: Path, *last: dict, drop: tuple[str, ...] = ("RunFinished",)) -> None:
    """Leave out events of a run and append others."""
    kept = [event for event in events_of(run) if event["event"] not in drop]
    (run / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in [*kept, *last]), "utf-8")


def test_a_run_is_looked_at_closely_and_each_cell_of_its_confusion_opens_its_pictures(own: Path, page: Page):
    open_run(page, own)
    expect(page.get_by_role("tab", name="Runs")).to_have_attribute("aria-selected", "true")
    matrix = looking.confusion(page)
    for name in ("happy", "sad", "angry", "tired", "Precision", "Recall", "Pictures"):
        expect(matrix.get_by_role("columnheader", name=name)).to_be_visible()
    cells = matrix.get_by_role("button")
    assert sum(int(cell.inner_text()) for cell in cells.all()) == 7
    for cell in cells.all():
        number, label, said = re.fullmatch(r"(\d) (\w+) called (\w+)", str(cell.get_attribute("aria-label"))).groups()
        cell.click()
        what = "rightly called so" if label == said else f"called {said}"
        says(page, re.compile(f"{number} pictures?: {label}, {what}"))
        shown = page.get_by_role("img", name=f"{label}, said {said}")
        expect(shown.first).to_be_visible()
        assert shown.count() >= int(number)
    says(page, "Got most wrong", re.compile(r"of 7 validation pictures right = .* Epoch \d, .* is kept"))
    says(page, re.compile("Levelled off|Still improving|Over-fitting|Surer"))
    says(page, re.compile(r"41 to train on, 7 to validate on[\s\S]*on cpu in float32[\s\S]*\d MB at its peak"))
    says(page, re.compile(r"transformers 5"))
    page.get_by_text("All settings").click()
    says(page, re.compile(r"label smoothing\s+0.05"))
    command = page.get_by_label("The same on the command line")
    expect(command).to_have_value(re.compile("^python -m emotion train .*--epochs 3 --batch-size 8"))


def test_a_run_is_named_found_packed_with_its_card_deleted_and_taken_back(own: Path, page: Page):
    open_run(page, own)
    unfold(page, "Name and note")
    enter(page, "Name", "Baseline")
    enter(page, "Note", "the <b>first</b> one")
    press(page, "Save name and note")
    expect(page.get_by_role("heading", name="Baseline · 71 %")).to_be_visible()
    expect(page.get_by_label("Run in use")).to_have_value("Baseline · 71 %")
    assert json.loads((own / ABOUT).read_text("utf-8")) == {"title": "Baseline", "note": "the <b>first</b> one"}
    expect(looking.runs(page).first).to_contain_text("Baseline")
    count = looking.runs(page).count()
    for text, found in (("<b>First</b>", 1), ("nothing like it", 0), ("", count)):
        enter(page, "Search the runs", text)
        expect(looking.runs(page)).to_have_count(found)
    press(page, "Pack the model")
    with page.expect_download() as download:
        page.get_by_text(f"Download {own.name}").click()
    with zipfile.ZipFile(download.value.path()) as packed:
        assert {f"{own.name}/{name}" for name in ("README.md", "model.safetensors")} <= set(packed.namelist())
        assert "library_name: transformers" in packed.read(f"{own.name}/README.md").decode()
    press(page, "Delete")
    says(page, f"{own.name} is deleted; for a week it can be taken back")
    assert not own.exists()
    press(page, "Undo")
    expect(button(page, "Undo")).to_be_hidden()
    says(page, own.name)
    assert (own / "checkpoint" / "model.safetensors").is_file()


def test_settings_are_used_again_and_a_set_that_is_gone_is_named(
    page: Page, site: Site, trained_run: Path, tiny_vit: Path
):
    other = {"batch_size": 4, "epochs": 5, "seed": 7, "pictures": "/elsewhere"}
    run = copy_run(trained_run, site.runs / "20970102-000000-vit", **other)
    open_run(page, run)
    press(page, "Use these settings again")
    expect(page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("The pictures in /elsewhere are not offered here: choose a set.")).to_be_visible()
    expect(page.get_by_label("number input for Batch size")).to_have_value("4")
    expect(page.get_by_label("number input for Epochs")).to_have_value("5")
    expect(page.get_by_label("Backbone", exact=True)).to_have_value(str(tiny_vit))
    unfold(page, "More settings")
    expect(page.get_by_label("Seed", exact=True)).to_have_value("7")
    drop_run(run)


@pytest.mark.slow
def test_news_of_runs_takes_away_nothing_written_and_no_pick(own: Path, page: Page, site: Site, trained_run: Path):
    open_run(page, own)
    unfold(page, "Name and note")
    enter(page, "Name", "half a na")
    enter(page, "Note", "half a no")
    other = copy_run(trained_run, site.runs / "20970103-000000-other")
    rewrite_events(own, {"event": "RunFailed", "elapsed_seconds": 9.0, "message": "No."})
    says(page, "It could not go on. No.")
    expect(looking.runs(page).first).to_contain_text(other.name)
    expect(page.get_by_label("Name", exact=True)).to_have_value("half a na")
    expect(page.get_by_label("Note", exact=True)).to_have_value("half a no")
    (own / ABOUT).write_text(json.dumps({"title": "Elsewhere", "note": "named"}), "utf-8")
    expect(page.get_by_role("heading", name="Elsewhere")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("half a na")
    says(page, own.name)
    drop_run(other)


def test_the_curves_that_are_shown_and_the_run_in_use_are_found_by_a_reload(own: Path, page: Page, trained_run: Path):
    step = {"event": "StepDone", "epoch": 3, "loss": 1.0, "accuracy": 0.5, "learning_rate": 1e-3}
    step |= {"elapsed_seconds": 0.1, "pictures_per_second": 9.0, "remaining_seconds": 1.0}
    steps = [{**step, "step": number} for number in range(1, 6001)]
    rewrite_events(own, *steps, events_of(own)[-1], drop=("StepDone", "RunFinished"))
    open_run(page, own)
    press(page, "Show curves")
    expect(page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
    await_points(page, "Loss", "Validation", 4)
    drawn = curves(page, "Loss")["Steps"]["x"]
    assert len(drawn) <= 401, "a page cannot show more"
    assert drawn[-1] == 6000 / 6, "the last step is always there"
    open_tab(page, "Predict")
    chosen = page.get_by_label("Run in use")
    newest = chosen.input_value()
    chosen.click()
    page.get_by_role("option").last.click()
    expect(chosen).not_to_have_value(newest)
    oldest = chosen.input_value()
    # The address names both, so that a link opens them for anybody.
    page.wait_for_url(re.compile(rf"tab=predict.*run={trained_run.name}"))
    page.reload()
    expect(page.get_by_role("tab", name="Predict")).to_have_attribute("aria-selected", "true")
    expect(chosen).to_have_value(oldest)
    open_tab(page, "Train")
    says(page, "Finished in")
    await_points(page, "Loss", "Validation", 4)


def told(event: str, **values: object) -> dict[str, object]:
    return {"event": event, "elapsed_seconds": 9.0, **values}


STOPPED = told("RunStopped", best_epoch=3, validation=None)
STOPPED_EARLY = told("RunStopped", best_epoch=None, validation=None)
FULL = told("RunFailed", message="The disk is full: <b>make room</b>.")
END, EPOCHS = "RunFinished", ("RunFinished", "EpochDone", "StepDone")


@pytest.mark.parametrize(
    ("dropped", "last", "sentence"),
    [
        (("TrunkProgress",), [], r"Finished in .*: 5 of 7 validation pictures right = 71 % .* Epoch 3, .* is kept\."),
        ((END,), [STOPPED], r"Stopped: epoch 3 is kept\. Resume goes on after epoch 3\."),
        (EPOCHS, [STOPPED_EARLY], r"Stopped: no epoch was finished, so nothing is kept\. Resume begins it anew\."),
        ((END,), [FULL], r"It could not go on\. The disk is full: <b>make room</b>\."),
        ((END,), [], r"Interrupted: its process ended\. Resume goes on after epoch 3\. .* a smaller batch"),
        (EPOCHS, [], r"Interrupted: .*\. Resume begins it anew\."),
    ],
)
def test_what_became_of_a_run_is_told_in_one_sentence(
    own: Path, client: Client, dropped: tuple[str, ...], last: list[dict[str, object]], sentence: str
):
    rewrite_events(own, *last, drop=dropped)
    assert re.search(sentence, client.predict(run=own.name, api_name="/run_status")["message"])


def test_of_a_run_that_was_cut_off_before_it_kept_a_better_epoch_the_kept_one_is_told(own: Path, client: Client):
    began = {**events_of(own)[0], "resumed_epochs": 3, "epochs": 9}
    scores = {"loss": 0.001, "accuracy": 1.0, "correct_confidence": 0.99}
    done = told(
        "EpochDone", epoch=4, train_loss=0.1, train_accuracy=1.0, validation=scores, is_best=True, remaining_seconds=1.0
    )
    rewrite_events(own, began, done)
    said = client.predict(run=own.name, api_name="/run_status")
    assert "Resume goes on after epoch 4" in said["message"]
    assert said["best_accuracy"] == pytest.approx(5 / 7)


@pytest.mark.slow
def test_fault_a_torn_file_is_one_sentence_and_hides_nothing_else(own: Path, page: Page, site: Site):
    (own / "validation.json").write_text("{", "utf-8")
    torn = site.runs / "20970104-000000-torn"
    torn.mkdir()
    (torn / "config.json").write_text("{", "utf-8")
    open_run(page, own)
    says(page, "cannot be read: train it again", "Finished in")
    row = looking.runs(page).filter(has_text=torn.name)
    expect(row).to_contain_text("cannot be read: config.json is missing or torn")
    row.get_by_role("gridcell").first.click()
    expect(page.get_by_text(f"{torn.name} cannot be read: config.json is missing or torn.")).to_be_visible()
    drop_run(torn)
