"""What fifty thousand pictures cost: brought in, looked through, trained on; beside a tenth of them."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from emotion.bench.figure import Bound, NotMeasured, Reading, Row, ratio
from emotion.bench.workplace import ROOT, Trained, Workplace
from emotion.drawing.faces_set import SETS, write_set
from emotion.labels import EMOTIONS

FEW, MANY = 5_000, 50_000
TIME = Bound(direction="at most", limit=10.5)
MEMORY = Bound(direction="at most", limit=0.1)
IMPORT_TIME = Row(
    name="large-import-time", title="importing 50,000 drawn pictures over 5,000", unit="times", bound=TIME
)
IMPORT_MEMORY = Row(
    name="large-import-memory", title="growth of an import's peak memory from 5,000 to 50,000", unit="share"
)
PREVIEW_TIME = Row(
    name="large-preview-time",
    title="`pictures show` of 50,000 (counts, balance, what was left out, look-alikes)",
    unit="seconds",
    bound=Bound(direction="at most", limit=5.0),
)
TRAINING_TIME = Row(
    name="large-training-time",
    title="head only at 28 px, 50,000 drawn pictures over 5,000, cold cache",
    unit="times",
    bound=TIME,
)
TRAINING_MEMORY = Row(
    name="large-training-memory", title="growth of that training's peak memory from 5,000 to 50,000", unit="share"
)
ROWS = (IMPORT_TIME, IMPORT_MEMORY, PREVIEW_TIME, TRAINING_TIME, TRAINING_MEMORY)
# The smallest size there is: what grows with the pictures is the same, and the look is minutes instead of hours.
IMAGE_SIZE = 28


def measure_large(workplace: Workplace, *, few: int = FEW, many: int = MANY) -> dict[str, Reading]:
    """Draw both sets, then import, show and train on the few, the many and the few again."""
    if not workplace.is_full:
        raise NotMeasured("drawing 50,000 pictures takes most of an hour: only --full does it.")
    drawn = {count: _drawn(workplace, count) for count in (few, many)}
    seconds: dict[str, list[float]] = {}
    megabytes: dict[str, list[float]] = {}
    for number, count in enumerate((few, many, few)):
        name = f"drawn-{number}"
        took = {
            "import": _command(workplace, "import", str(drawn[count]), "--name", name),
            "show": _command(workplace, "show", name),
            "training": _trained(workplace, workplace.folder / "sets" / name),
        }
        # The next import would hold its pictures against these too.
        _command(workplace, "delete", name)
        for what, (spent, peak) in took.items():
            seconds.setdefault(f"{what} {count:,}, s", []).append(spent)
            megabytes.setdefault(f"{what} {count:,}, MB", []).append(peak)
    return _readings(seconds, megabytes, few=few, many=many)


def _readings(
    seconds: dict[str, list[float]], megabytes: dict[str, list[float]], *, few: int, many: int
) -> dict[str, Reading]:
    def pair(what: str, unit: str, series: dict[str, list[float]]) -> dict[str, list[float]]:
        return {key: series[key] for key in (f"{what} {many:,}, {unit}", f"{what} {few:,}, {unit}")}

    readings = {}
    for what, time_row, memory_row in (
        ("import", IMPORT_TIME, IMPORT_MEMORY),
        ("training", TRAINING_TIME, TRAINING_MEMORY),
    ):
        times, peaks = pair(what, "s", seconds), pair(what, "MB", megabytes)
        readings[time_row.name] = Reading(value=ratio(*times.values()), series=times)
        readings[memory_row.name] = Reading(value=ratio(*peaks.values()) - 1, series=peaks)
    shown = pair("show", "s", seconds) | pair("show", "MB", megabytes)
    readings[PREVIEW_TIME.name] = Reading(value=seconds[f"show {many:,}, s"][0], series=shown)
    return readings


def _drawn(workplace: Workplace, count: int) -> Path:
    folder = workplace.folder / f"drawn-{count}"
    workplace.say(f"  {count:,} drawings")
    people = next(chosen for chosen in SETS if chosen.name == "human_train")
    write_set(replace(people, per_class=count // len(EMOTIONS)), folder)
    return folder


def _command(workplace: Workplace, *arguments: str) -> tuple[float, float]:
    """Run ``python -m emotion pictures``; return its seconds and its peak memory in MB.

    Raises:
        NotMeasured: it failed.
    """
    workplace.say(f"  pictures {' '.join(arguments)}")
    command = [
        sys.executable, "-m", "emotion", "pictures", *arguments, "--sets", str(workplace.folder / "sets"), "--json",
    ]  # fmt: skip
    said = workplace.folder / "said.json"
    began = time.perf_counter()
    # Not subprocess: only wait4 tells of one child what it had, and not the most of all children.
    with said.open("wb") as out:
        child = os.posix_spawn(
            command[0],
            command,
            {**os.environ, "PYTHONPATH": str(ROOT)},
            file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)],
        )
        _, status, used = os.wait4(child, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise NotMeasured(f"`pictures {arguments[0]}` ended with exit code {code}.")
    kilobytes = used.ru_maxrss / 1024 if sys.platform == "darwin" else used.ru_maxrss
    return time.perf_counter() - began, kilobytes * 1024 / 1e6


def _trained(workplace: Workplace, pictures: Path) -> tuple[float, float]:
    """Train on a set that no cache knows; return the seconds and the peak memory in MB."""
    workplace.say(f"  a first run on {pictures.name}")
    workplace.forget()
    trained: Trained = workplace.train(workplace.config(pictures=str(pictures), image_size=IMAGE_SIZE))
    workplace.discard(trained)
    return trained.seconds, trained.finished.peak_memory_megabytes
