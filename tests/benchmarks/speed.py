"""What is measured for the table of speed and memory, and how."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from statistics import median

from benchmarks.bare import Bare
from benchmarks.browser import ROWS as OF_BROWSER
from benchmarks.browser import browser
from benchmarks.figures import NotMeasured, Reading, Row, ratio, take_turns
from benchmarks.phones import ROWS as OF_PHONES
from benchmarks.phones import phones
from benchmarks.place import BACKBONE, PLAIN, ROOT, SAMPLE, Place, last_line, say, train_served, watching_memory
from benchmarks.studies import ROWS as OF_STUDIES
from benchmarks.studies import studies
from gradio_client import handle_file
from helpers.serving import Site, free_port
from PIL import Image

# The one import of the package: a call over HTTP would take longer than what is measured.
from emotion.inference.classifier import Classifier
from emotion.runs.run import Run

FIRST, QUICK, BARE, PEER = "first run, s", "Quick's first run, s", "bare forward, s", "peer, extrapolated, s"
PEER_STEPS, PEER_EPOCHS, PEER_BATCH = 12, 8, 24
FURTHER_BATCHES, SWEEP_BATCHES = (16, 32, 12, 48, 8), (4, 8, 16, 24)
BLOCKS, BLOCK_EPOCHS = 2, 3
PEER_NOTE = (
    f"{PEER_STEPS} steps; {PEER_EPOCHS} epochs of batch {PEER_BATCH} by their median. Its loading is not counted."
)
NO_PEER = "no fine-tune to compare with: give one with --peer"
Readings = Mapping[str, Reading | str]
# Gradio imports the package of its extra wherever that is installed, as the tests do and a user need not.
ONE_BUTTON = """import os
import sys
sys.modules["mcp"] = None
import gradio as gr
with gr.Blocks(analytics_enabled=False) as page:
    gr.Button("A button")
page.launch(server_name="127.0.0.1", server_port=int(os.environ["PORT"]), ssr_mode=False)
"""


def first_run(place: Place) -> Readings:
    bare = Bare(BACKBONE, place.training_pictures)
    tasks = {BARE: bare.forward, FIRST: lambda: place.train_cold(*PLAIN), QUICK: place.train_cold}
    tasks |= {PEER: lambda: run_peer(place)} if place.peer else {}
    series = take_turns(tasks, [*tasks] if place.is_short else [*tasks, *reversed(tasks)])
    first, quick, floor = series[FIRST], series[QUICK], series[BARE]
    notes = [f"{len(place.training_pictures)} pictures, head only, 8 epochs. Imports are not counted.", bare.note]
    return {
        "first-run": Reading(ratio(first, floor), {FIRST: first, BARE: floor}, notes),
        "first-run-quick": Reading(ratio(quick, floor), {QUICK: quick}),
        "peer": Reading(ratio(series[PEER], first), {PEER: series[PEER]}, [PEER_NOTE]) if place.peer else NO_PEER,
        "peer-quick": Reading(ratio(series[PEER], quick), {}) if place.peer else NO_PEER,
    }


def last_blocks(place: Place) -> Readings:
    if not place.peer:
        raise NotMeasured(NO_PEER)
    ours: list[float] = []
    theirs: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(1 if place.is_short else 2):
        for is_half, seconds in theirs.items():
            seconds.append(run_peer(place, is_half=is_half) / PEER_EPOCHS)
        trained = place.train(*PLAIN, "--depth", BLOCKS, "--epochs", BLOCK_EPOCHS)
        events = map(json.loads, (Path(trained["run"]) / "events.jsonl").read_text(encoding="utf-8").splitlines())
        ends = [event["elapsed_seconds"] for event in events if event["event"] == "EpochDone"]
        ours += [end - begin for begin, end in pairwise(ends)]
    note = "Steps and validation; our activations are known by then, the peer's epoch is an eighth of its time."
    plain = {"our epoch, s": ours, "peer's epoch in float32, s": theirs[False]}
    return {
        "last-blocks": Reading(ratio(theirs[False], ours), plain, [note]),
        "last-blocks-bfloat16": Reading(ratio(theirs[True], ours), {"peer's epoch in bfloat16, s": theirs[True]}),
    }


def run_peer(place: Place, *, is_half: bool = False) -> float:
    """Let the peer take a few steps of a full fine-tune, and return the seconds that all of it would take."""
    say(f"  {PEER_STEPS} steps of the peer in {'bfloat16' if is_half else 'float32'}")
    command = [
        sys.executable, place.peer, "--backbone", BACKBONE, "--train", place.pictures / "human_train",
        "--batch", PEER_BATCH, "--epochs", PEER_EPOCHS, "--max-steps", PEER_STEPS, *(["--bf16"] if is_half else []),
    ]  # fmt: skip
    return float(last_line(command, os.environ)["training_seconds"])


def dashboard(place: Place) -> Readings:
    run, key = place.run.name, "given/human_train"
    site = Site(place.folder / "site", environment={"EMOTION_PICTURES": str(place.pictures)})
    shutil.copytree(place.run, site.runs / run)
    site.start()
    try:
        with site.client() as client:

            def compare(seed: int) -> float:
                began = time.perf_counter()
                # Another sample each time: none profits from pictures that were scored before.
                sets = ["given/human_eval", "given/dog_eval"]
                client.predict(sets=sets, run=run, size=SAMPLE, seed=seed, api_name="/compare")
                return time.perf_counter() - began

            with watching_memory(site.process.pid if site.process else None) as samples:
                client.predict(picture=handle_file(place.compared_pictures[0]), run=run, api_name="/predict")
                train_served(client, site, key, 24)
            batches = list(FURTHER_BATCHES)[: 1 if place.is_short else None]
            further = [train_served(client, site, key, size) for size in batches]
            sweep = [train_served(client, site, key, *SWEEP_BATCHES) for _ in range(1 if place.is_short else 3)]
            say("  comparisons")
            bare = Bare(BACKBONE, place.compared_pictures)
            ours, floor = [], []
            for seed in range(2 if place.is_short else 7):
                ours.append(compare(seed))
                floor.append(bare.forward())
    finally:
        site.end()
    totals = [round(sum(sizes.values()), 4) for sizes in samples]
    peak = max(samples, key=lambda sizes: sum(sizes.values()))
    parts = ", ".join(f"{size * 1000:.0f}" for size in sorted(peak.values(), reverse=True))
    compared = {"comparison, s": ours[1:], BARE: floor[1:]}
    crops = "Crops of training pictures stand in for two species: no evaluation set is looked at."
    return {
        "memory": Reading(max(totals), {"sum, GB": totals}, [f"The processes at the peak, MB: {parts}."]),
        "further-run": Reading(median(further), {"further run, s": further}, [f"Batch {batches}."]),
        "sweep": Reading(median(sweep), {"all four, s": sweep}),
        "comparison": Reading(ratio(ours[1:], floor[1:]), compared, [crops, bare.note]),
    }


def prediction(place: Place) -> Readings:
    picture = place.folder / "picture.jpg"
    with Image.open(place.training_pictures[0]) as opened:
        opened.convert("RGB").resize((256, 256), Image.Resampling.BICUBIC).save(picture, quality=90)
    # At 224 pixels, as the bare forward is.
    run = Path(place.train(*PLAIN)["run"])
    classifier, bare = Classifier(Run(run)), Bare(BACKBONE, [picture])
    say("  predictions")
    ours, floor = [], []
    for _ in range(10 if place.is_short else 60):
        began = time.perf_counter()
        classifier.predict(picture)
        ours.append(time.perf_counter() - began)
        floor.append(bare.forward())
    series = {"prediction, s": ours[5:], BARE: floor[5:]}
    return {"prediction": Reading(ratio(ours[5:], floor[5:]), series, [bare.note])}


def page(place: Place) -> Readings:
    script = place.folder / "one_button.py"
    script.write_text(ONE_BUTTON, encoding="utf-8")
    tasks = {
        "our page, s": lambda: _seconds_to_page(place, ROOT / "app.py"),
        "one button, s": lambda: _seconds_to_page(place, script),
    }
    take_turns(tasks, list(tasks))  # so that both lie in the disk's cache
    series = take_turns(tasks, list(tasks) * (1 if place.is_short else 5))
    return {"page": Reading(ratio(*series.values()), series)}


def _seconds_to_page(place: Place, script: Path) -> float:
    """Start a Python program that serves at ``$PORT``, and return the seconds until ``GET /`` is answered with 200."""
    say(f"  {script.name}")
    port, began = free_port(), time.perf_counter()
    given, quiet = {**place.environment, "PORT": str(port)}, subprocess.DEVNULL
    with subprocess.Popen([sys.executable, script], cwd=ROOT, env=given, stdout=quiet, stderr=quiet) as server:
        try:
            while server.poll() is None:
                with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/"):
                    return time.perf_counter() - began
                time.sleep(0.02)
        finally:
            server.terminate()
    raise NotMeasured(f"{script.name} ended before it served a page.")


MEASUREMENTS: dict[str, Callable[[Place], Readings]] = {
    "first-run": first_run, "dashboard": dashboard, "prediction": prediction, "page": page, "last-blocks": last_blocks,
    "phones": phones, "studies": studies, "browser": browser,
}  # fmt: skip
ROWS = (
    Row("first-run", "first-run", "first run, nothing known, over a bare forward of its pictures", most=1.25),
    Row("first-run-quick", "first-run", "Quick's first run over the same bare forward at 224 px"),
    Row("peer", "first-run", "a full fine-tune in float32, extrapolated from 12 steps, over the first run", least=35),
    Row("peer-quick", "first-run", "the same over Quick's first run", least=35),
    Row("further-run", "dashboard", "a further Quick run, other batch size, asked for to finished", "s", most=1.5),
    Row("sweep", "dashboard", "Quick, batch 4, 8, 16 and 24, asked for at once to all finished", "s", most=6),
    Row("last-blocks", "last-blocks", "an epoch of the fine-tune over one of our last 2 blocks", least=8),
    Row("last-blocks-bfloat16", "last-blocks", "the same with the fine-tune in bfloat16 autocast"),
    Row("prediction", "prediction", "a prediction, 256-px JPEG to scores, over a bare forward of it", most=1.3),
    Row("comparison", "dashboard", "the dashboard compares 20 and 20 pictures over a bare forward of 40", most=1.3),
    Row("page", "page", "`python app.py` to a served page over a Gradio app of one button", most=1.3),
    Row(
        "memory", "dashboard", "peak memory (PSS), dashboard and children: prediction, first Quick run", "GB", most=1.5
    ),
    *OF_PHONES,
    *OF_STUDIES,
    *OF_BROWSER,
)
