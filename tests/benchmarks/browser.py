"""How fast the page answers in a browser, what it costs at rest, and a visitor behind another one's slow pictures."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import torch
from benchmarks.figures import NotMeasured, Reading, Row, ratio, take_turns
from benchmarks.phones import PHONE, photograph
from benchmarks.place import ROOT, Place, say, train_served
from helpers.looking import press
from helpers.pictures import picture_bytes
from helpers.serving import Site, enter, free_port, open_tab
from helpers.visitors import Visitor
from helpers.waiting import until
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from emotion.analysis.comparing import Request
from emotion.core.progress import result_of
from emotion.inference.classifier import Classifier
from emotion.runs.run import Run
from emotion.server.model_process import compare_sets

LIVE_SECONDS, REST_SECONDS, SLOW_SIDE, SLOW_PICTURES = 8.0, 20.0, 7000, 6
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
# Answers as fast as Gradio can.
BARE_APP = """import os
import sys
sys.modules["mcp"] = None
import gradio as gr
with gr.Blocks(analytics_enabled=False) as page:
    picture, said, button = gr.Image(type="filepath", sources=["upload"]), gr.Markdown("none"), gr.Button("Ask")
    picture.upload(lambda path: path, picture, said)
    button.click(lambda: str(os.urandom(4).hex()), None, said)
page.launch(server_name="127.0.0.1", server_port=int(os.environ["PORT"]), ssr_mode=False)
"""


def browser(place: Place) -> Mapping[str, Reading | str]:
    run = Run(place.run)
    site = Site(place.folder / "browsed", environment={"EMOTION_PICTURES": str(place.pictures)})
    shutil.copytree(run.path, site.runs / run.name)
    site.start()
    taken = photograph(place.training_pictures[0], place.folder / "taken.jpg", PHONE, np.random.default_rng(7))
    times = 2 if place.is_short else 8
    try:
        with sync_playwright() as player, _bare_app(place) as bare_url, site.client() as client:
            with player.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as chromium:
                rest = _at_rest(site, chromium, bare_url)
                bare = chromium.new_page()
                bare.goto(bare_url)
                with site.visit(chromium, permissions=["camera"]) as page:
                    readings = {"rest": rest} | _predicted(page, bare, run, taken, times)
                    readings |= _compared(page, bare, run, place, times)
                    readings |= _live(page, run, place)
            readings |= {"default": _default(site, client, times)}
    finally:
        site.end()
    return readings | {"first-minute": _first_minute(place, times), "others": _behind(place, run, times)}


def _predicted(page: Page, bare: Page, run: Run, taken: Path, times: int) -> Mapping[str, Reading]:
    """Choose a phone photograph in Predict until its bars stand, beside a bare app and the work in this process."""
    say("  photographs")
    open_tab(page, "Predict")
    classifier = Classifier(run)
    ours, floor = [], []
    for number in range(times + 1):
        # Another file each time, of the same picture: none is known to the server or the browser.
        given = taken.with_name(f"taken-{number}.jpg")
        given.write_bytes(taken.read_bytes() + bytes(number))
        picker = page.locator("input[type=file][accept*=image]").first
        verdict = page.locator("#verdict")
        began = time.perf_counter()
        picker.set_input_files(given)
        _await(verdict, "element.innerText.includes('%')")  # It comes with the bars.
        ours.append(time.perf_counter() - began)
        page.get_by_label("Remove Image").or_(page.get_by_label("Clear")).first.click()
        expect(verdict).to_contain_text("Drop, paste or take a picture")
        began = time.perf_counter()
        bare.locator("input[type=file]").first.set_input_files(given)
        _await(bare.locator(".prose").last, f"element.innerText.includes('{given.stem}')")
        bare_seconds = time.perf_counter() - began
        bare.get_by_label("Remove Image").or_(bare.get_by_label("Clear")).first.click()
        began = time.perf_counter()
        classifier.predict(given)
        floor.append(bare_seconds + time.perf_counter() - began)
    series = {"dropped to bars, s": ours[1:], "bare round trip and prediction, s": floor[1:]}
    return {"dropped": Reading(ratio(*series.values()), series, ["A JPEG of 4032 x 3024, uploaded in both."])}


def _compared(page: Page, bare: Page, run: Run, place: Place, times: int) -> Mapping[str, Reading]:
    """Press Compare until its headline stands, with another sample each time."""
    say("  comparisons in the browser")
    open_tab(page, "Cross-species")
    sets = {name: place.pictures / name for name in ("human_eval", "dog_eval")}
    ours, floor = [], []
    for seed in range(100, 101 + times):
        enter(page, "Seed", str(seed))
        page.keyboard.press("Tab")
        began = time.perf_counter()
        press(page, "Compare")
        _await(page.get_by_label("Saved comparisons of this run"), f"element.value.endsWith('seed {seed}')")
        ours.append(time.perf_counter() - began)
        said = bare.locator(".prose").last.inner_text()
        began = time.perf_counter()
        press(bare, "Ask")
        _await(bare.locator(".prose").last, f"element.innerText !== '{said}'")
        bare_seconds = time.perf_counter() - began
        began = time.perf_counter()
        result_of(compare_sets(run, Request(sets, emotion="happy", seed=seed)))
        floor.append(bare_seconds + time.perf_counter() - began)
    series = {"compare to headline, s": ours[1:], "bare round trip and comparison, s": floor[1:]}
    return {"compared": Reading(ratio(*series.values()), series)}


def _await(element: Locator, condition: str) -> None:
    """Wait for a condition on an element, asked at every frame: Playwright's own asks after 0.1, 0.35 and 0.85 s."""
    element.page.wait_for_function(f"element => {condition}", arg=element.element_handle())


def _live(page: Page, run: Run, place: Place) -> Mapping[str, Reading]:
    """Count what the live camera shows in a while, beside what one core predicts of such pictures."""
    say("  live camera")
    open_tab(page, "Predict")
    open_tab(page, "Live camera")
    page.get_by_text("Click to Access Webcam").click()
    page.get_by_title("start recording").click()
    counter = page.locator("[data-pictures]")

    def judged() -> int:
        return int(counter.get_attribute("data-pictures") or 0)

    until(lambda: judged() >= 10, what="ten pictures of the camera")
    rates = []
    for _ in range(1 if place.is_short else 3):
        before, began = judged(), time.perf_counter()
        page.wait_for_timeout(LIVE_SECONDS * 1000)
        rates.append((judged() - before) / (time.perf_counter() - began))
    page.get_by_title("stop recording").click()
    frame = place.folder / "frame.jpg"
    photograph(place.training_pictures[0], frame, (640, 480), np.random.default_rng(7))
    classifier, alone, threads = Classifier(run), [], torch.get_num_threads()
    torch.set_num_threads(1)
    for _ in range(4):
        began = time.perf_counter()
        for _ in range(20):
            classifier.predict(frame)
        alone.append(20 / (time.perf_counter() - began))
    torch.set_num_threads(threads)
    series = {"live, a second": rates, "one core alone, a second": alone[1:]}
    return {
        "live": Reading(
            statistics.median(rates), series, ["Chromium's test camera; browser and server share two cores."]
        ),
        "live-share": Reading(ratio(*series.values()), {}),
    }


def _at_rest(site: Site, chromium: Browser, bare_url: str) -> Reading:
    """Return the share of a core that browser and server take while nothing goes on, above a bare Gradio page."""
    say("  at rest")

    def bare() -> float:
        with chromium.new_page() as page:
            page.goto(bare_url)
            expect(page.get_by_role("button", name="Ask")).to_be_visible()
            return _load(page)

    def ours() -> float:
        with site.visit(chromium) as page:
            return _load(page)

    tasks = {"our page, % of a core": ours, "bare page, % of a core": bare}
    ours()  # Until then the server's models have loaded.
    shares = take_turns(tasks, list(tasks) * 2)
    mine, theirs = map(statistics.median, shares.values())
    note = f"{REST_SECONDS:g} s each, the processes of browser and servers together."
    return Reading(mine - theirs, shares, [note])


def _load(page: Page) -> float:
    """Return the share of a core, in %, that the browser and both servers take in a while."""
    page.wait_for_timeout(5000)  # What a page does when it has just been loaded is over.
    before = _processor_seconds()
    page.wait_for_timeout(REST_SECONDS * 1000)
    return 100 * (_processor_seconds() - before) / REST_SECONDS


def _processor_seconds() -> float:
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            total += sum(process.cpu_times()[:2])
    return total


def _default(site: Site, client: object, times: int) -> Reading:
    """Ask a dashboard that has been used for the default training on the drawn people, and await its end."""
    seconds = [train_served(client, site, "drawn/human_train", 24) for _ in range(min(times, 3))]
    return Reading(
        statistics.median(seconds), {"asked to finished, s": seconds}, ["Its features come with the project."]
    )


def _first_minute(place: Place, times: int) -> Reading:
    """Serve an empty folder, and await the end of its first run after the page."""
    seconds = []
    for number in range(min(times, 3)):
        say("  a first minute")
        site = Site(place.folder / f"first-{number}", environment={"EMOTION_FIRST_RUN": "1"}).start()
        began = time.perf_counter()
        try:
            finished = '"event": "RunFinished"'
            until(lambda: any(finished in each.read_text("utf-8") for each in site.runs.glob("*/events.jsonl")))  # noqa: B023
            seconds.append(time.perf_counter() - began)
        finally:
            site.end()
    return Reading(statistics.median(seconds), {"served to finished, s": seconds})


def _behind(place: Place, run: Run, times: int) -> Reading:
    """Time a visitor's prediction alone, and while six slow pictures of another visitor wait."""
    say("  two visitors")
    site = Site(place.folder / "public", public=True)
    shutil.copytree(run.path, site.runs / run.name)
    slow = place.folder / "slow.png"
    Image.effect_noise((SLOW_SIDE, SLOW_SIDE), 60).convert("RGB").save(slow, compress_level=1)
    site.start()
    try:
        with Visitor(site.url) as one, Visitor(site.url) as other, ThreadPoolExecutor(SLOW_PICTURES) as pool:

            def seconds() -> float:
                given = one.upload("one.png", picture_bytes())
                began = time.perf_counter()
                one.ask("predict", given, "")
                return time.perf_counter() - began

            seconds()
            alone = [seconds() for _ in range(times)]
            content = slow.read_bytes()
            given = [other.upload(f"{number}.png", content) for number in range(SLOW_PICTURES)]
            asked = [pool.submit(other.ask, "predict", each, "") for each in given]
            until(lambda: any(call.running() for call in asked))
            beside = []
            while not all(call.done() for call in asked):
                beside.append(seconds())
            if not all(call.result()["scores"] for call in asked):
                raise NotMeasured("a slow picture was not judged.")
    finally:
        site.end()
    series = {"beside six slow pictures, s": beside, "alone, s": alone}
    return Reading(ratio(*series.values()), series, [f"PNGs of {SLOW_SIDE} x {SLOW_SIDE}."])


@contextmanager
def _bare_app(place: Place) -> Iterator[str]:
    """Serve the bare app, and yield its address."""
    script, port = place.folder / "bare_app.py", free_port()
    script.write_text(BARE_APP, encoding="utf-8")
    quiet, url = subprocess.DEVNULL, f"http://127.0.0.1:{port}"
    given = {**place.environment, "PORT": str(port)}
    with subprocess.Popen([sys.executable, script], cwd=ROOT, env=given, stdout=quiet, stderr=quiet) as server:
        try:
            until(lambda: _answers(url), what="the bare app")
            yield url
        finally:
            server.terminate()


def _answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url):
        return True
    return False


ROWS = (
    Row(
        "dropped",
        "browser",
        "a phone photograph given to bars, over a bare round trip and its prediction",
        most=1.5,
    ),
    Row(
        "compared",
        "browser",
        "Compare of 20 and 20 to result, over a bare round trip and the comparison",
        most=1.5,
    ),
    Row("live", "browser", "pictures a second of the live camera", "", least=8),
    Row("live-share", "browser", "the same over what one core predicts of them", least=0.6),
    Row("rest", "browser", "page at rest, browser and server, above a bare Gradio page", "% of a core", most=2),
    Row("default", "browser", "Train the default on the drawn people, asked for to finished", "s", most=1.5),
    Row("first-minute", "browser", "the first run of an empty folder, served page to finished", "s", most=6),
    Row("others", "browser", "a prediction behind six slow pictures of another visitor, over one alone", most=3),
)
