"""Take the README's screenshots: train the default on the drawn set, predict, compare (`make screenshots`)."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
CHROMIUM = "/usr/bin/chromium"
PORT = 7891
SHOWN = ("train", "runs", "predict", "compare", "pictures")


def main() -> None:
    """Write a picture of each tab into the folder that is given; with ``--all`` also of the states between."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--to", type=Path, default=ROOT / "assets" / "screenshots")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--all", action="store_true", help="also the first look, the training and the replay")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as runs, sync_playwright() as player:
        environment = {**os.environ, "PORT": str(PORT), "EMOTION_RUNS": runs, "EMOTION_CACHE": f"{runs}/.cache"}
        environment["EMOTION_SETS"] = f"{runs}/.sets"
        server = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        try:
            assert server.stdout is not None
            server.stdout.readline()
            browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": options.width, "height": 900})
            page.set_default_timeout(120_000)
            expect.set_options(timeout=300_000)
            page.goto(f"http://127.0.0.1:{PORT}/?__theme={options.theme}")
            take(page, options.to, every=options.all)
        finally:
            server.terminate()
            server.wait()


def take(page: Page, folder: Path, *, every: bool) -> None:
    """Use the page as a first visitor does, and look at it on the way."""

    def look(name: str) -> None:
        if not every and name not in SHOWN:
            return
        page.mouse.move(0, 0)
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        page.screenshot(path=folder / f"{name}.png", full_page=True)

    expect(page.locator("#start")).to_be_visible()
    look("first")
    # The first run trains itself.
    expect(page.locator("#status")).to_contain_text("Finished in")
    look("train")
    page.get_by_label("Several values of one setting").check()
    page.locator("#start").click()
    expect(page.locator("#sweep")).to_contain_text("4 of 4 runs finished")
    look("sweep")
    page.get_by_role("tab", name="Runs").click()
    expect(page.locator("#most-wrong figure").first).to_be_visible()
    look("runs")
    page.get_by_role("tab", name="Predict").click()
    page.get_by_role("button", name="Drawn example 5: dog, happy").click()
    expect(page.locator("#verdict")).to_contain_text("%")
    look("predict")
    page.get_by_role("tab", name="Cross-species").click()
    page.locator("#compare").click()
    expect(page.locator(".species-card")).to_have_count(2)
    look("compare")
    page.get_by_role("tab", name="Pictures").click()
    page.locator("#set-name input, #set-name textarea").fill("Dogs to look through")
    page.locator("#set-folder input, #set-folder textarea").fill("assets/faces/dog_eval")
    page.locator("#bring").click()
    expect(page.locator("#review .review-picture")).to_have_count(48)
    look("pictures")


if __name__ == "__main__":
    main()
