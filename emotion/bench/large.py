"""What fifty thousand pictures cost: brought in, looked through, trained on; beside a tenth of them.

The tenth is drawn, and the rest are the drawn ones turned and tinted: to draw as many would take an hour.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from PIL import Image, ImageEnhance

from emotion.bench.figure import Bound, NotMeasured, Reading, Row, ratio
from emotion.bench.scale import draw_people
from emotion.bench.workplace import ROOT, Workplace

FEW, MANY = 5_000, 50_000
TIME = Bound(direction="at most", limit=10.5)
IMPORT_TIME = Row(
    name="large-import-time",
    title="importing 50,000 pictures (5,000 drawings in ten turns and tints) over 5,000",
    unit="times",
    bound=TIME,
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
    title="head only at 28 px, 50,000 of these pictures over 5,000, cold cache",
    unit="times",
    bound=TIME,
)
TRAINING_MEMORY = Row(
    name="large-training-memory", title="growth of that training's peak memory from 5,000 to 50,000", unit="share"
)
ROWS = (IMPORT_TIME, IMPORT_MEMORY, PREVIEW_TIME, TRAINING_TIME, TRAINING_MEMORY)
TURN, BEHIND = 31, (128, 128, 128)  # degrees, and what stands in the corners
# The smallest size there is: what grows with the pictures is the same, and the look is minutes instead of hours.
IMAGE_SIZE = 28


def measure_large(workplace: Workplace, *, few: int = FEW, many: int = MANY) -> dict[str, Reading]:
    """Draw both sets, then import, show and train on the few, the many and the few again."""
    if not workplace.is_full:
        raise NotMeasured("fifty thousand pictures take most of an hour: only --full does it.")
    originals = workplace.folder / f"drawn-{few}"
    draw_people(workplace, few, originals)
    drawn = {count: _varied(workplace, originals, count // few) for count in (few, many)}
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


def _varied(workplace: Workplace, drawn: Path, times: int) -> Path:
    """Write each drawn picture in so many turns and tints, which no fingerprint takes for one another."""
    folder = workplace.folder / f"varied-{times}"
    workplace.say(f"  {times} turns and tints of each")
    for path in sorted(drawn.glob("*/*.webp")):
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        with Image.open(path) as picture:
            for number in range(times):
                turned = picture.convert("RGB").rotate(number * TURN, Image.Resampling.BILINEAR, fillcolor=BEHIND)
                tinted = ImageEnhance.Color(turned).enhance(1 - number / (2 * times))
                tinted.save(folder / path.parent.name / f"{path.stem}_{number}.jpg", quality=85)
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
    trained = workplace.train(workplace.config(pictures=str(pictures), image_size=IMAGE_SIZE))
    workplace.discard(trained)
    return trained.seconds, trained.finished.peak_memory_megabytes
