"""What further questions to a comparison cost, beside the floor of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from benchmarks.bare import Bare
from benchmarks.figures import Reading, Row, ratio, take_turns
from benchmarks.phones import SIDE
from benchmarks.place import BACKBONE, ROOT, Place, say
from helpers.studies import ask

DRAWN = ROOT / "assets" / "faces"
# What a study of features and folds cannot do without.
PACKAGES = "import torch, transformers, pandas, scipy.stats, sklearn.linear_model"


def studies(place: Place) -> Mapping[str, Reading | str]:
    """Time transfer, all controls and repeated trainings; the last two in this process, with its model loaded."""
    sets = [("--set", f"{name}={DRAWN / f'{name}_eval'}") for name in ("human", "dog", "cat")]

    def transfer() -> float:
        began = time.perf_counter()
        place.emotion("transfer", "--run", place.run, *[word for pair in sets for word in pair])
        return time.perf_counter() - began

    def imports() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", PACKAGES], env=place.environment, check=True)
        return time.perf_counter() - began

    transfer()  # From now on the features are stored.
    tasks = {"transfer, s": transfer, "imports, s": imports}
    turns = take_turns(tasks, list(tasks) * (1 if place.is_short else 3))

    numbers = count()
    compared = [word for name in ("human_eval", "dog_eval") for word in ("--set", f"{name}={place.pictures / name}")]
    file = Path(place.emotion("compare", "--run", place.run, *compared, "--emotion", "happy")["file"])
    os.environ |= {name: value for name, value in place.environment.items() if name.startswith("EMOTION_")}

    def controls() -> float:
        os.environ["EMOTION_CACHE"] = str(place.folder / f"controls-{next(numbers)}")
        return _seconds(file, "controls", name="all")

    def luck() -> float:
        os.environ["EMOTION_CACHE"] = str(place.folder / "cache")
        return _seconds(file, "luck")

    controls()
    luck()
    asked = json.loads((file.with_suffix("") / "controls.json").read_text("utf-8"))
    shown = [each for each in asked if "shuffled" not in each]
    bare = Bare(BACKBONE, place.compared_pictures * len(shown), side=SIDE)
    times = 1 if place.is_short else 3
    floor = take_turns(
        {"controls, s": controls, "bare forward, s": bare.forward}, ["controls, s", "bare forward, s"] * times
    )
    repeated = [luck() for _ in range(times)]
    of = f"{len(shown)} controls of {len(place.compared_pictures)} pictures at {SIDE} pixels, nothing stored"
    return {
        "transfer": Reading(ratio(*turns.values()), turns, ["Whole commands, on drawn pictures."]),
        "controls": Reading(ratio(*floor.values()), floor, [f"{of}: {', '.join(shown)}.", bare.note]),
        "luck": Reading(sorted(repeated)[len(repeated) // 2], {"five trainings, s": repeated}),
    }


def _seconds(file: Path, question: str, **asked: str) -> float:
    say(f"  {question}")
    began = time.perf_counter()
    ask(file, question, **asked)
    return time.perf_counter() - began


ROWS = (
    Row(
        "transfer",
        "studies",
        "transfer among three species of 160, features stored, over importing packages",
        most=12,
    ),
    Row("controls", "studies", "all controls of 20 and 20 pictures over bare forwards of what they show", most=1.5),
    Row("luck", "studies", "other trainings and draws, five seeds, features stored", "s", most=5),
)
