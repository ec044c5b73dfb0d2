"""Take the README's screenshots and its animation of the first minute, on drawn pictures (`make screenshots`)."""

import argparse
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
CHROMIUM = "/usr/bin/chromium"
PORT = 7891
SHOWN = ("train", "runs", "predict", "compare", "pictures")
# Of the animation: its width in pixels, and how long a frame stands, in milliseconds.
WIDTH, WHILE_IT_GOES, TO_READ = 960, 300, 2200


def main() -> None:
    """Write a picture of each tab into the folder that is given; with ``--all`` also of the states between."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--to", type=Path, default=ROOT / "assets" / "screenshots")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--all", action="store_true", help="also the first look, the training and the replay")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--film", type=Path, help="write the animation there, in place of the screenshots")
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
            if options.film:
                film(page, options.film)
            else:
                take(page, options.to, every=options.all)
        finally:
            server.terminate()
            server.wait()


def take(page: Page, folder: Path, *, every: bool) -> None:
    """Use the page as a first visitor does, and look at it on the way."""

    def look(name: str, *, down: int = 0) -> None:
        if not every and name not in SHOWN:
            return
        page.mouse.move(0, 0)
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        page.evaluate("down => window.scrollTo(0, down)", down)
        page.screenshot(path=folder / f"{name}.png")

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
    expect(page.locator("#compare-pictures .set-card")).to_have_count(2)
    look("compare", down=570)
    page.get_by_role("tab", name="Pictures").click()
    page.locator("#set-name input, #set-name textarea").fill("Dogs to look through")
    page.locator("#set-folder input, #set-folder textarea").fill("assets/faces/dog_eval")
    page.locator("#bring").click()
    expect(page.locator("#review .review-picture")).to_have_count(48)
    look("pictures")


def film(page: Page, path: Path) -> None:
    """Record the first minute: the first run trains itself, judges a dog, and is compared on people and dogs."""
    frames: list[tuple[Image.Image, int]] = []

    def frame(milliseconds: int) -> None:
        image = Image.open(io.BytesIO(page.screenshot()))
        frames.append(
            (image.resize((WIDTH, round(WIDTH * image.height / image.width)), Image.Resampling.LANCZOS), milliseconds)
        )

    def frames_until(place: Locator, text: str) -> None:
        while text not in place.inner_text():
            frame(WHILE_IT_GOES)
            page.wait_for_timeout(WHILE_IT_GOES)
        page.wait_for_timeout(1000)
        frame(TO_READ)

    expect(page.locator("#start")).to_be_visible()
    frames_until(page.locator("#status"), "Finished in")
    page.get_by_role("button", name="Try a picture").click()
    page.wait_for_timeout(1500)
    frame(TO_READ // 2)
    page.get_by_role("button", name="Drawn example 5: dog, happy").click()
    frames_until(page.locator("#verdict"), "%")
    page.get_by_role("tab", name="Cross-species").click()
    page.wait_for_timeout(1000)
    frame(TO_READ // 2)
    page.locator("#compare").click()
    frames_until(page.locator("#tabs"), "of 20 dogs")
    for below in ("#overview", "#compare-pictures"):
        page.locator(below).scroll_into_view_if_needed()
        page.locator(below).evaluate("part => part.scrollIntoView({block: 'start'})")
        page.wait_for_timeout(500)
        frame(TO_READ)
    first, *others = (image for image, _ in frames)
    durations = [milliseconds for _, milliseconds in frames]
    first.save(path, save_all=True, append_images=others, duration=durations, loop=0, quality=60, method=6)


if __name__ == "__main__":
    main()
