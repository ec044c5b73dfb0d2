"""What ten times as many pictures cost, in time and in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import median

from emotion.bench.figure import Bound, NotMeasured, Reading, Row, ratio
from emotion.bench.workplace import Trained, Workplace
from emotion.drawing.faces_set import SETS, write_set
from emotion.labels import EMOTIONS
from emotion.pictures.drawn import DRAWN_FOLDER

SCALE_TIME = Row(
    name="scale-time",
    title="head only, 6,000 drawn pictures over 600, cold cache",
    unit="times",
    bound=Bound(direction="at most", limit=10.5),
)
SCALE_MEMORY = Row(
    name="scale-memory",
    title="growth of a training's peak memory from 600 to 6,000 drawn pictures",
    unit="share",
    bound=Bound(direction="at most", limit=0.1),
)
FACTOR = 10
PEOPLE = next(chosen for chosen in SETS if chosen.name == "human_train")


def measure_scale(workplace: Workplace) -> dict[str, Reading]:
    """Train on the drawn set, on one ten times as large, and on the drawn set again."""
    if not workplace.is_full:
        raise NotMeasured("drawing 6,000 pictures takes minutes, and so does looking at them: only --full does it.")
    small, large = DRAWN_FOLDER / PEOPLE.name, workplace.folder / "large"
    draw_people(workplace, PEOPLE.per_class * len(EMOTIONS) * FACTOR, large)
    runs: dict[Path, list[Trained]] = {small: [], large: []}
    for folder in [*runs, small]:
        workplace.say(f"  a first run on {folder.name}")
        workplace.forget()
        trained = workplace.train(workplace.config(pictures=str(folder)))
        workplace.discard(trained)
        runs[folder].append(trained)
    few, many = runs.values()
    seconds = {"6,000 pictures, s": [t.seconds for t in many], "600 pictures, s": [t.seconds for t in few]}
    peaks = {
        "6,000 pictures, MB": [trained.finished.peak_memory_megabytes for trained in many],
        "600 pictures, MB": [trained.finished.peak_memory_megabytes for trained in few],
    }
    if not median(peaks["600 pictures, MB"]):
        raise NotMeasured("this system does not tell the peak memory of a process.")
    return {
        SCALE_TIME.name: Reading(value=ratio(*seconds.values()), series=seconds),
        SCALE_MEMORY.name: Reading(value=ratio(*peaks.values()) - 1, series=peaks),
    }


def draw_people(workplace: Workplace, count: int, folder: Path) -> None:
    """Draw so many people, as those are drawn that the drawn set trains on."""
    workplace.say(f"  {count:,} drawings")
    write_set(replace(PEOPLE, per_class=count // len(EMOTIONS)), folder)
