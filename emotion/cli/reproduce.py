"""The report's whole experiment: four trainings, twenty and twenty, the grid, luck, controls. One page and one JSON."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from emotion.analysis import Comparison, Request
from emotion.analysis.blocks import Command, Facts, Report, Section, Text
from emotion.analysis.findings import headline, plural
from emotion.analysis.results import measures
from emotion.analysis.studies import Question
from emotion.cli.options import tell
from emotion.core.config import preset
from emotion.core.errors import PictureError, RunError
from emotion.core.events import RunFinished, RunStarted
from emotion.core.files import as_json, write_files
from emotion.core.format import moment, span
from emotion.core.intervals import wilson_interval
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
SPECIES = ("human", "dog", "cat")
# What the report gives of its 20: mean probability of the correct class without an interval, and right.
REPORT = {"human": ("39.5 %", 19), "dog": ("22.7 %", 0)}
# One cue of the mouth, one of the brows, one of the lids; of drawn pictures alone.
CUES = ("mouth_curve", "brow_angle", "lid_opening")
# The studies whose results stand in the JSON too.
TOLD = ("luck", "transfer", "look", "controls")


def reproduce(pictures: Path, out: Path, *, runs: Path, backbone: str) -> tuple[Report, Run, list[Path]]:
    """Carry the experiment out and write ``experiment-drawn`` or ``experiment-photographs``, ``.md`` and ``.json``.

    ``pictures`` holds ``human_train`` and a set ``…_eval`` of each species. Returns the page, the run that was
    compared, and the files.
    Raises EmotionError where a set is missing, or a training or a comparison failed; OSError where ``out`` cannot be
    written.
    """
    began, kind = time.perf_counter(), "drawn" if is_drawn(pictures) else "photographs"
    sets = {name: pictures / f"{name}_eval" for name in SPECIES}
    for folder in (pictures / "human_train", *sets.values()):
        if not folder.is_dir():
            raise PictureError(f"There is no {folder}: give a folder that holds human_train and the sets …_eval.")
    quick = preset("Quick", pictures=str(pictures / "human_train"), backbone=backbone)
    batches = []
    for batch_size in BATCH_SIZES:
        tell(f"training with batches of {batch_size}")
        run = create_run(replace(quick, batch_size=batch_size), root=runs)
        batches.append({"batch": batch_size, **_trained(run)})
    tell("comparing")
    pair = {name: sets[name] for name in REPORT}
    happy, twenty = result_of(compare_sets(run, Request(pair, emotion=EMOTION, size=SIZE, seed=SEED)))
    everything, grid = result_of(compare_sets(run, Request(sets, size=None, seed=SEED)))
    both, sample = result_of(compare_sets(run, Request(pair, size=SIZE, seed=SEED)))

    asked: list[tuple[str, Path, dict[str, Any]]] = [("controls", sample, {}), ("luck", twenty, {})]
    asked += [(study, grid, {}) for study in ("map", "transfer", "look")]
    asked += [("cues", grid, {"cue": cue}) for cue in CUES if kind == "drawn"]
    found = {}
    for study, file, parameters in asked:
        tell(f"asking {study} {' '.join(parameters.values())}".strip())
        try:
            found[study] = result_of(carry_out(Question(run, study, str(file), parameters)))
        except PictureError as error:
            tell(f"{study} is left out: {error}")
    again = f"make reproduce{'' if kind == 'drawn' else ' PHOTOS=path/to/photos'}"
    of = " and ".join(f"{both.pooled(name).n} {plural(name)}" for name in pair)
    report, checked = build_report(grid), checks(Material.of(grid), "transfer", "look", "map", "calibration", "cues")
    page = replace(
        report,
        title=f"The report’s experiment, on {'drawn pictures' if kind == 'drawn' else kind}",
        dateline=f"{moment(time.time())}, {(time.perf_counter() - began) / 60:.1f} minutes.",
        answer=f"{' '.join(headline(happy, EMOTION))} {_theirs()}",
        basis=f"Run {run.name}; every number from `python -m emotion reproduce`.",
        sections=[
            Section("Twenty and twenty", [*measures(happy, EMOTION), *checks(Material.of(twenty), "luck").blocks]),
            Section("Four batch sizes", [Facts([(f"Batch {each['batch']}", _words(each)) for each in batches])]),
            *(checked if each.title == checked.title else each for each in report.sections[:-1]),
            Section(
                "Controls",
                [Text(f"On {of}, of all emotions.", "note"), *checks(Material.of(sample), "controls").blocks],
            ),
            Section("How to repeat it", [Command("Everything above.", again)]),
        ],
    )
    numbers = {
        "kind": kind,
        "taken": time.strftime("%Y-%m-%d"),
        "seconds": round(time.perf_counter() - began, 1),
        "run": f"Quick, batch {BATCH_SIZES[-1]}, seed {quick.seed}",
        "twenty": _rows(happy),
        "batch_sizes": batches,
        "all_emotions": _rows(everything),
        **{study: to_jsonable_python(found[study]) for study in TOLD if study in found},
    }
    texts = {f"experiment-{kind}.md": to_markdown(page), f"experiment-{kind}.json": as_json(numbers)}
    out.mkdir(parents=True, exist_ok=True)
    write_files(out, texts)
    return page, run, [out / name for name in texts]


def _trained(run: Run) -> dict[str, Any]:
    from emotion.training.session import train_run

    *events, last = train_run(run)
    if not isinstance(last, RunFinished):
        raise RunError(getattr(last, "message", f"The training {run.name} did not finish: run this again."))
    n = next(each.validation_pictures for each in events if isinstance(each, RunStarted))
    right, seconds = round(last.validation.accuracy * n), round(last.elapsed_seconds, 1)
    return {"loss": last.validation.loss, "right": right, "n": n, "best_epoch": last.best_epoch, "seconds": seconds}


def _words(batch: dict[str, Any]) -> str:
    interval = span(wilson_interval(batch["right"], batch["n"]))
    words = "{right} of {n} right ({interval} %), validation loss {loss:.3f}, best epoch {best_epoch}, {seconds} s"
    return words.format_map(batch | {"interval": interval})


def _theirs() -> str:
    found = [
        f"{right} of {SIZE} {plural(name)} ({span(wilson_interval(right, SIZE))} %), the correct class gets {mean}"
        for name, (mean, right) in REPORT.items()
    ]
    return f"The report has right {'; '.join(found)}, from a ViT-B/16 trained whole on other pictures."


def _rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return each sample of a comparison in plain numbers, shares and their intervals from 0 to 1."""
    return [
        {
            "set": f"{name}_eval", "title": f"{found.n} {emotion} {plural(name)}", "emotion": emotion, "n": found.n,
            "right": found.correct, "right_low": found.accuracy_interval[0], "right_high": found.accuracy_interval[1],
            "confidence": found.correct_confidence, "confidence_low": found.correct_confidence_interval[0],
            "confidence_high": found.correct_confidence_interval[1], "second": found.runner_up,
            "said_instead": {label: n for label, n in found.predicted.items() if n and label != emotion},
        }
        for name, samples in comparison.sets.items()
        for emotion, found in samples.items()
    ]  # fmt: skip
