"""The report's whole experiment: four trainings, twenty and twenty, the grid, luck, controls. One page and one JSON."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from emotion.comparison import Comparison, Request, SampleResult
from emotion.config import preset
from emotion.data.drawn import is_drawn
from emotion.errors import PictureError, RunError
from emotion.events import RunFinished, RunStarted, without_void
from emotion.intervals import wilson_interval
from emotion.job import result_of
from emotion.labels import DRAWN_NOTE, colour_of_set
from emotion.report import to_markdown
from emotion.report.asking import asked
from emotion.report.calibrating import calibration
from emotion.report.checks import controls, cues, features, luck
from emotion.report.content import Cell, Command, Report, Row, Section, Table, Text
from emotion.report.limits import limits
from emotion.report.material import Material
from emotion.report.results import differences, results
from emotion.report.training import model
from emotion.run import Run
from emotion.runs import create_run
from emotion.server.model_process import Models, carry_out, compare_sets
from emotion.studies import feature_map
from emotion.studies import luck as repeats
from emotion.studies.controls import Control, keep_control, kept_controls, offered
from emotion.studies.cue_probe import CueProbe, keep_probe
from emotion.studies.keeping import keep
from emotion.words import exact_percent, moment, percent, span
from emotion.writing import as_json, write_texts

# In the report's order; the last one's run is the one that is compared.
BATCH_SIZES = (8, 16, 4, 24)
SIZE, EMOTION, SEED = 20, "happy", 42
SPECIES, PAIR = ("human", "dog", "cat"), ("human", "dog")
# One cue of the mouth, one of the brows, one of the lids.
CUES = ("mouth_curve", "brow_angle", "lid_opening")
PEOPLE = {"human": "people", "dog": "dogs"}
# What the report gives of its 20: mean probability of the correct class without an interval, right, second.
REPORT = {"human": ("39.5 %", 19, "not given"), "dog": ("22.7 %", 0, "18 of 20")}


def reproduce(
    pictures: Path, out: Path, *, runs: Path, backbone: str, say: Callable[[str], None] = lambda _: None
) -> tuple[Report, Run, list[Path]]:
    """Carry the experiment out and write ``experiment-drawn`` or ``experiment-photographs``, ``.md`` and ``.json``.

    ``pictures`` holds ``human_train`` and a set ``…_eval`` of each species; ``say`` hears what goes on. Returns the
    page, the run that was compared, and the files.

    Raises:
        EmotionError: a set is missing, a training or a comparison failed, or ``out`` cannot be written.
    """
    began, models = time.perf_counter(), Models()
    sets = {name: pictures / f"{name}_eval" for name in SPECIES}
    for folder in (pictures / "human_train", *sets.values()):
        if not folder.is_dir():
            raise PictureError(f"There is no {folder}: give a folder that holds human_train and the sets …_eval.")
    batches = []
    for batch_size in BATCH_SIZES:
        say(f"training with batches of {batch_size}")
        asked_for = preset("Quick", pictures=str(pictures / "human_train"), backbone=backbone)
        run = create_run(replace(asked_for, batch_size=batch_size), root=runs)
        batches.append(_trained(run, batch_size))
    say("comparing")
    pair = {name: sets[name] for name in PAIR}
    happy, twenty = compare_sets(models, run, Request(pair, emotion=EMOTION, size=SIZE, seed=SEED))
    everything, grid = compare_sets(models, run, Request(sets, size=None, seed=SEED))
    controlled, pair_file = compare_sets(models, run, Request(pair, size=SIZE, seed=SEED))
    for control in offered(controlled):
        say(f"control {control.name}")
        keep_control(pair_file, result_of(carry_out(models, Control(run, str(pair_file), control.name))))
    say("luck and the map of features")
    lucky = result_of(carry_out(models, repeats.Luck(run, str(twenty))))
    keep(twenty, repeats.KEPT_AS, lucky.to_json())
    mapped = result_of(carry_out(models, feature_map.FeatureMap(run, str(grid))))
    keep(grid, feature_map.KEPT_AS, mapped.to_json())
    drawn = is_drawn(pictures)
    for cue in CUES if drawn else ():
        say(f"cue {cue}")
        keep_probe(run, result_of(carry_out(models, CueProbe(run, cue))))
    seconds = time.perf_counter() - began
    kind = "drawn" if drawn else "photographs"
    page = _page(kind, Material.of(twenty), Material.of(grid), Material.of(pair_file), batches, seconds)
    numbers = {
        "kind": kind,
        "taken": time.strftime("%Y-%m-%d"),
        "seconds": round(seconds, 1),
        "run": f"Quick, batch {BATCH_SIZES[-1]}, seed {run.config().seed}",
        "twenty": _rows(happy),
        "batch_sizes": batches,
        "all_emotions": _rows(everything),
        "luck": {name: dict(zip(("low", "high"), each.span, strict=True)) for name, each in lucky.sets.items()},
        "controls": {
            name: {each: moved.after.correct_confidence for each, moved in found.sets.items()}
            for name, found in kept_controls(pair_file).items()
        },
    }
    texts = {f"experiment-{kind}.md": to_markdown(page), f"experiment-{kind}.json": as_json(numbers)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_texts(out, texts)
    except OSError as error:
        raise RunError(f"The results cannot be written to {out} ({error.strerror}): choose another.") from error
    return page, run, [out / name for name in texts]


def _trained(run: Run, batch_size: int) -> dict[str, Any]:
    from emotion.training.session import train_run

    last = list(train_run(run))[-1]
    if not isinstance(last, RunFinished):
        raise RunError(getattr(last, "message", f"The training {run.name} did not finish: run this again."))
    n = next(each.validation_pictures for each in without_void(run.events()) if isinstance(each, RunStarted))
    return {
        "batch": batch_size, "loss": last.validation.loss, "right": round(last.validation.accuracy * n), "n": n,
        "best_epoch": last.best_epoch, "seconds": round(last.elapsed_seconds, 1),
    }  # fmt: skip


def _rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return each sample of a comparison in plain numbers, shares and their intervals from 0 to 1."""
    return [
        {
            "set": f"{name}_eval", "title": f"{found.n} {emotion} {PEOPLE.get(name, name + 's')}",
            "emotion": emotion, "n": found.n, "right": found.correct,
            "right_low": found.accuracy_interval[0], "right_high": found.accuracy_interval[1],
            "confidence": found.correct_confidence,
            "confidence_low": found.correct_confidence_interval[0],
            "confidence_high": found.correct_confidence_interval[1],
            "second": found.runner_up,
            "said_instead": {label: n for label, n in found.predicted.items() if n and label != emotion},
        }
        for name, samples in comparison.sets.items()
        for emotion, found in samples.items()
    ]  # fmt: skip


def _page(
    kind: str, twenty: Material, grid: Material, pair: Material, batches: list[dict[str, Any]], seconds: float
) -> Report:
    ours = twenty.comparison.results(EMOTION)
    said = "; ".join(
        f"{found.correct} of {found.n} {EMOTION} {PEOPLE[name]} right, mean correct-class confidence "
        f"{exact_percent(found.correct_confidence)}"
        for name, found in ours.items()
    )
    sample = " and ".join(f"{pair.comparison.pooled(name).n} of {name}" for name in pair.comparison.sets)
    again = f"make reproduce{'' if kind == 'drawn' else ' PHOTOS=path/to/photos'}"
    return Report(
        title=f"The report’s experiment, on {'drawn pictures' if kind == 'drawn' else kind}",
        dateline=f"{moment(time.time())}, {seconds / 60:.1f} minutes.",
        answer=f"{said}. The report: 19 of 20 people, 39.5 %; 0 of 20 dogs, 22.7 %.",
        basis=f"Run {twenty.run.name}; every number from `python -m emotion reproduce`.",
        warnings=(DRAWN_NOTE,) if kind == "drawn" else (),
        sections=(
            Section("Twenty and twenty, as in the report", (_beside(ours), *luck(twenty))),
            Section("Four batch sizes", (_batches(batches),)),
            asked(grid), model(grid), results(grid), differences(grid),
            Section("Controls", (Text(f"On {sample} of all emotions, seed {SEED}.", "note"), *controls(pair))),
            Section("Cues, features and calibration", (*cues(grid), *features(grid), *calibration(grid))),
            limits(grid),
            Section("How to repeat it", (Command("Everything above.", again),)),
        ),
    )  # fmt: skip


def _beside(ours: dict[str, SampleResult]) -> Table:
    """Return the report's two samples and ours, row by row."""
    rows = []
    for name, found in ours.items():
        mean, right, second = REPORT[name]
        theirs = (Cell(mean, "no interval given"), Cell(f"{right} of 20", span(wilson_interval(right, 20))))
        rows.append(Row(f"{name}, report", (*theirs, Cell(second)), is_reference=True))
        cells = (
            Cell(exact_percent(found.correct_confidence), span(found.correct_confidence_interval)),
            Cell(f"{found.correct} of {found.n}", span(found.accuracy_interval)),
            Cell(f"{found.runner_up} of {found.n}"),
        )
        rows.append(Row(f"{name}, ours", cells, colour=colour_of_set(name)))
    note = "The report calls the first one accuracy. Its model is a ViT-B/16, every weight trained, on other pictures."
    head = ("Mean correct-class confidence", "Right", "Second")
    return Table(f"Twenty {EMOTION} pictures each", "Sample", head, tuple(rows), note=note)


def _batches(batches: list[dict[str, Any]]) -> Table:
    rows = []
    for each in batches:
        right, n = each["right"], each["n"]
        share = Cell(f"{right} of {n}", f"{percent(right / n)}: {span(wilson_interval(right, n))}")
        cells = (Cell(f"{each['loss']:.3f}"), share, Cell(str(each["best_epoch"])), Cell(f"{each['seconds']:.1f}"))
        rows.append(Row(f"batch {each['batch']}", cells))
    head = ("Validation loss", "Right", "Best epoch", "Seconds")
    return Table("The same training with four batch sizes", "Training", head, tuple(rows))
