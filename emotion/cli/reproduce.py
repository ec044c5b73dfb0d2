"""The report's whole experiment: four trainings, twenty and twenty, the grid, luck, controls. One page and one JSON."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from emotion.analysis import Comparison, Request, SampleResult
from emotion.analysis.blocks import Command, Facts, Report, Section, Table, Text, row
from emotion.analysis.studies import Question
from emotion.core.config import preset
from emotion.core.errors import PictureError, RunError
from emotion.core.events import RunFinished, RunStarted
from emotion.core.files import as_json, write_files
from emotion.core.format import exact_percent, moment, span
from emotion.core.intervals import wilson_interval
from emotion.core.labels import colour_of_set
from emotion.core.progress import result_of
from emotion.data.drawn import is_drawn
from emotion.report import build_report, to_markdown
from emotion.report.building import checks
from emotion.report.material import Material
from emotion.runs.folder import create_run
from emotion.runs.run import Run
from emotion.server.model_process import carry_out, compare_sets

# In the report's order; the last one's run is the one that is compared.
BATCH_SIZES = (8, 16, 4, 24)
SIZE, EMOTION, SEED = 20, "happy", 42
PEOPLE = {"human": "people", "dog": "dogs", "cat": "cats"}
# One cue of the mouth, one of the brows, one of the lids.
CUES = ("mouth_curve", "brow_angle", "lid_opening")
# The studies whose results stand in the JSON too.
TOLD = ("luck", "transfer", "look", "controls")
# What the report gives of its 20: mean probability of the correct class without an interval, right, second.
REPORT = {"human": ("39.5 %", 19, "not given"), "dog": ("22.7 %", 0, "18 of 20")}


def reproduce(
    pictures: Path, out: Path, *, runs: Path, backbone: str, say: Callable[[str], None] = lambda _: None
) -> tuple[Report, Run, list[Path]]:
    """Carry the experiment out and write ``experiment-drawn`` or ``experiment-photographs``, ``.md`` and ``.json``.

    ``pictures`` holds ``human_train`` and a set ``…_eval`` of each species; ``say`` hears what goes on. Returns the
    page, the run that was compared, and the files.
    Raises EmotionError where a set is missing, a training or a comparison failed, or ``out`` cannot be written.
    """
    began = time.perf_counter()
    sets = {name: pictures / f"{name}_eval" for name in PEOPLE}
    for folder in (pictures / "human_train", *sets.values()):
        if not folder.is_dir():
            raise PictureError(f"There is no {folder}: give a folder that holds human_train and the sets …_eval.")
    batches = []
    for batch_size in BATCH_SIZES:
        say(f"training with batches of {batch_size}")
        asked_for = preset("Quick", pictures=str(pictures / "human_train"), backbone=backbone)
        run = create_run(replace(asked_for, batch_size=batch_size), root=runs)
        batches.append({"batch": batch_size, **_trained(run)})
    say("comparing")
    pair = {name: sets[name] for name in REPORT}
    happy, twenty = result_of(compare_sets(run, Request(pair, emotion=EMOTION, size=SIZE, seed=SEED)))
    everything, grid = result_of(compare_sets(run, Request(sets, size=None, seed=SEED)))
    _, both = result_of(compare_sets(run, Request(pair, size=SIZE, seed=SEED)))

    kind = "drawn" if is_drawn(pictures) else "photographs"
    studies: list[tuple[str, Path, dict[str, Any]]] = [("controls", both, {}), ("luck", twenty, {})]
    studies += [("map", grid, {}), ("transfer", grid, {}), ("look", grid, {})]
    studies += [("cues", grid, {"cue": cue}) for cue in CUES if kind == "drawn"]
    found = {}
    for study, file, asked in studies:
        say(f"{study} {' '.join(asked.values())}".strip())
        try:
            found[study] = result_of(carry_out(Question(run, study, str(file), asked)))
        except PictureError as error:
            say(f"{study} is left out: {error}")
    seconds = time.perf_counter() - began
    page = _page(kind, grid, Material.of(twenty), Material.of(both), batches, seconds)
    numbers = {
        "kind": kind,
        "taken": time.strftime("%Y-%m-%d"),
        "seconds": round(seconds, 1),
        "run": f"Quick, batch {BATCH_SIZES[-1]}, seed {run.config().seed}",
        "twenty": _rows(happy),
        "batch_sizes": batches,
        "all_emotions": _rows(everything),
        **{study: to_jsonable_python(found[study]) for study in TOLD if study in found},
    }
    texts = {f"experiment-{kind}.md": to_markdown(page), f"experiment-{kind}.json": as_json(numbers)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_files(out, texts)
    except OSError as error:
        raise RunError(f"The results cannot be written to {out} ({error.strerror}): choose another.") from error
    return page, run, [out / name for name in texts]


def _trained(run: Run) -> dict[str, Any]:
    from emotion.training.session import train_run

    *events, last = train_run(run)
    if not isinstance(last, RunFinished):
        raise RunError(getattr(last, "message", f"The training {run.name} did not finish: run this again."))
    n = next(each.validation_pictures for each in events if isinstance(each, RunStarted))
    right, seconds = round(last.validation.accuracy * n), round(last.elapsed_seconds, 1)
    return {"loss": last.validation.loss, "right": right, "n": n, "best_epoch": last.best_epoch, "seconds": seconds}


def _rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return each sample of a comparison in plain numbers, shares and their intervals from 0 to 1."""
    return [
        {
            "set": f"{name}_eval", "title": f"{found.n} {emotion} {PEOPLE[name]}", "emotion": emotion, "n": found.n,
            "right": found.correct, "right_low": found.accuracy_interval[0], "right_high": found.accuracy_interval[1],
            "confidence": found.correct_confidence, "confidence_low": found.correct_confidence_interval[0],
            "confidence_high": found.correct_confidence_interval[1], "second": found.runner_up,
            "said_instead": {label: n for label, n in found.predicted.items() if n and label != emotion},
        }
        for name, samples in comparison.sets.items()
        for emotion, found in samples.items()
    ]  # fmt: skip


def _page(
    kind: str, grid: Path, twenty: Material, both: Material, batches: list[dict[str, Any]], seconds: float
) -> Report:
    """Return the report of the grid, between what the report had and what only a part of the pictures was asked."""
    report = build_report(grid)
    ours = twenty.comparison.results(EMOTION)
    said = [
        f"{each.correct} of {each.n} {EMOTION} {PEOPLE[name]} right, mean correct-class confidence "
        f"{exact_percent(each.correct_confidence)}"
        for name, each in ours.items()
    ]
    sample = " and ".join(f"{both.comparison.pooled(name).n} of {name}" for name in both.comparison.sets)
    note = Text(f"On {sample} of all emotions, seed {SEED}.", "note")
    checked = checks(Material.of(grid), "transfer", "look", "map", "calibration", "cues")
    again = f"make reproduce{'' if kind == 'drawn' else ' PHOTOS=path/to/photos'}"
    return replace(
        report,
        title=f"The report’s experiment, on {'drawn pictures' if kind == 'drawn' else kind}",
        dateline=f"{moment(time.time())}, {seconds / 60:.1f} minutes.",
        answer=f"{'; '.join(said)}. The report: 19 of 20 people, 39.5 %; 0 of 20 dogs, 22.7 %.",
        basis=f"Run {twenty.run.name}; every number from `python -m emotion reproduce`.",
        sections=[
            Section("Twenty and twenty, as in the report", (_beside(ours), *checks(twenty, "luck").blocks)),
            Section("Four batch sizes", (_batches(batches),)),
            *(checked if each.title == checked.title else each for each in report.sections[:-1]),
            Section("Controls", (note, *checks(both, "controls").blocks)),
            Section("How to repeat it", (Command("Everything above.", again),)),
        ],
    )


def _beside(ours: Mapping[str, SampleResult]) -> Table:
    """Return the report's two samples and ours, row by row."""
    rows = []
    for name, found in ours.items():
        mean, right, second = REPORT[name]
        theirs = (mean, "no interval given"), (f"{right} of 20", span(wilson_interval(right, 20)))
        rows.append(row(f"{name}, report", *theirs, second, is_reference=True))
        cells = (
            (exact_percent(found.correct_confidence), span(found.correct_confidence_interval)),
            (f"{found.correct} of {found.n}", span(found.accuracy_interval)),
        )
        rows.append(row(f"{name}, ours", *cells, f"{found.runner_up} of {found.n}", colour=colour_of_set(name, ours)))
    note = "The report calls the first one accuracy. Its model is a ViT-B/16, every weight trained, on other pictures."
    head = ("Mean correct-class confidence", "Right", "Second")
    return Table(f"Twenty {EMOTION} pictures each", "Sample", head, rows, note=note)


def _batches(batches: list[dict[str, Any]]) -> Facts:
    rows = []
    for each in batches:
        right = f"{each['right']} of {each['n']} right ({span(wilson_interval(each['right'], each['n']))} %)"
        rest = f"validation loss {each['loss']:.3f}, best epoch {each['best_epoch']}, {each['seconds']:.1f} s"
        rows.append((f"Batch {each['batch']}", f"{right}, {rest}"))
    return Facts(tuple(rows))
