"""Train: settings, live curves, stop and resume, the queue, a sweep, curves over each other."""

from __future__ import annotations

import json
import re
from pathlib import Path

from helpers.looking import await_points, button, chart_text, curves, prepare_tiny, press, runs, says
from helpers.serving import Site
from playwright.sync_api import Page, expect


def config_of(run: Path) -> dict:
    return json.loads((run / "config.json").read_text("utf-8"))["config"]


def newest(site: Site) -> Path:
    return max(path for path in site.runs.iterdir() if not path.name.startswith("."))


def test_a_training_is_chosen_started_and_drawn_to_its_finished_curve(
    page: Page, site: Site, tiny_pictures: Path, tiny_vit: Path
):
    prepare_tiny(page, tiny_pictures / "human_train", tiny_vit, epochs=4)
    says(page, re.compile(r"happy\s+12"))
    says(page, "The backbone looks once at 48 pictures")
    press(page, "8")
    press(page, "Start")
    # Its epochs come faster than anybody sees: the curve is drawn after the fact, and says so.
    says(page, "Replay: the training itself took")
    says(page, re.compile(r"Finished in .*: epoch \d is best, \d+ % of the validation pictures right"))
    await_points(page, "Loss", "Validation", 5)
    assert curves(page, "Loss")["Validation"]["x"] == [0, 1, 2, 3, 4], "it begins before any training"
    assert curves(page, "Accuracy")["Training"]["x"] == [1, 2, 3, 4]
    best = int(re.search(r"epoch (\d) is best", page.get_by_role("tabpanel").inner_text())[1])
    assert curves(page, "Loss")["Best"]["x"] == [best]
    assert "chance" in chart_text(page, "Accuracy")
    assert "chance" not in chart_text(page, "Loss")
    expect(button(page, "Start")).to_be_enabled()
    expect(button(page, "Stop")).to_be_disabled()
    expect(runs(page)).to_have_count(2)
    expect(runs(page).first).to_contain_text("finished")
    assert config_of(newest(site)) | {"epochs": 4, "batch_size": 8, "image_size": 32} == config_of(newest(site))
