"""How good the presets are on the evaluation sets, over seeds: what ``--accuracy`` looks at, and nothing else does."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.figures import taken, write
from benchmarks.machine import machine
from benchmarks.place import open_place, say

PRESETS, SPECIES = ("Quick", "Thorough"), ("human", "dog")
MEASURES = ("accuracy", "correct_confidence", "log_loss")


def measure_accuracy(photos: Path, *, seeds: int, to: Path) -> None:
    """Train each preset with seeds 0 to ``seeds`` - 1, judge every picture of both sets, and write the page."""
    began, load_before = time.time(), os.getloadavg()[0]
    runs: list[dict[str, Any]] = []
    with open_place(photos=photos, peer=None, is_short=False) as place:
        for preset in PRESETS:
            for seed in range(seeds):
                trained = place.train("--preset", preset, "--seed", seed)
                sets = [part for name in SPECIES for part in ("--set", f"{name}={photos.resolve() / name}_eval")]
                asked = ("compare", "--run", trained["run"], *sets, "--emotion", "all", "--size", "all")
                found = place.emotion(*asked)["sets"]
                shutil.rmtree(trained["run"])
                judged = {name: pooled(list(found[name].values())) for name in SPECIES}
                runs.append({"preset": preset, "seed": seed, "seconds": trained["seconds"], **judged})
                say(f"  {runs[-1]}")
    head = f'{taken(time.time() - began)} by `make bench ARGS="--accuracy --photos DIR"`. {machine(load_before)}'
    write(to, "accuracy", accuracy_page(runs, head), {"machine": machine(load_before), "runs": runs})


def pooled(emotions: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the measures over all pictures from those of each emotion."""
    n = sum(each["n"] for each in emotions)
    return {"n": n, **{name: sum(each[name] * each["n"] for each in emotions) / n for name in MEASURES}}


def accuracy_page(runs: Sequence[dict[str, Any]], head: str) -> str:
    """Return the page: a line for each preset and species, means over seeds with the least and the greatest."""
    columns = "| preset, pictures | seeds | accuracy | mean correct-class confidence | log loss, nats |"
    lines = ["# Accuracy of the presets", "", head, "", columns, "|---|---|---|---|---|"]
    for preset in PRESETS:
        own = [run for run in runs if run["preset"] == preset]
        for name in SPECIES if own else ():
            accuracy, confidence, loss = ([run[name][measure] for run in own] for measure in MEASURES)
            lines.append(
                f"| {preset}, {own[0][name]['n']} of {name}_eval | {len(own)} | {_span(accuracy, '.1%')} "
                f"| {_span(confidence, '.1%')} | {_span(loss, '.2f')} |"
            )
    return (
        "\n".join([*lines, "", "Means over seeds, in brackets the least and the greatest. Chance: 25 %, 1.39 nats."])
        + "\n"
    )


def _span(values: Sequence[float], form: str) -> str:
    return f"{mean(values):{form}} ({min(values):{form}} to {max(values):{form}})".replace("%", " %")
