"""How good the presets are on the evaluation sets, looked at by this and by ``unknown`` alone. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from emotion.bench.figure import Bound, NotMeasured, Reading, Row
from emotion.bench.helper import Helper
from emotion.bench.machine import this_machine
from emotion.bench.peer import run_peer
from emotion.bench.workplace import Workplace
from emotion.comparison import Request
from emotion.config import PRESETS, preset
from emotion.pictures.folders import list_pictures
from emotion.run import Run
from emotion.split_record import load_split
from emotion.statistics.probabilities import Judged, fit_temperature, judged
from emotion.validation import load_validation

SEEDS = range(5)
SPECIES = ("human", "dog")
GOALS = {("Quick", "human"): 0.75, ("Quick", "dog"): 0.42, ("Thorough", "human"): 0.82, ("Thorough", "dog"): 0.48}
PRESET_NAMES = ("Quick", "Thorough")
NO_BFLOAT16 = "The peer was not run in bfloat16: this processor has no instructions for it and takes many times longer."
NEEDS_FULL = "it looks at the evaluation sets, which only --full does."
PEER_ACCURACY = Row(
    name="peer-accuracy",
    title=(
        f"human_eval accuracy of our Quick runs, mean over seeds {SEEDS[0]} to {SEEDS[-1]}, minus that of a whole "
        "fine-tune by the peer in float32, mean over the seeds it was given"
    ),
    unit="points",
    bound=Bound(direction="at least", limit=0.2),
)


def accuracy_rows(chosen: str) -> tuple[Row, ...]:
    """Return the rows of one preset."""
    seeds = f"mean over seeds {SEEDS[0]} to {SEEDS[-1]}"
    name = chosen.lower()
    goals = [
        Row(
            name=f"{name}-{species}",
            title=f"{chosen}: {species}_eval accuracy, {seeds}",
            unit="share",
            bound=Bound(direction="at least", limit=GOALS[chosen, species], is_goal=True),
        )
        for species in SPECIES
    ]
    loss = Row(
        name=f"{name}-log-loss",
        title=f"{chosen}: human_eval log loss minus that of a plain linear head, {seeds}",
        unit="nats",
        bound=Bound(direction="at most", limit=0),
    )
    confidence = Row(
        name=f"{name}-confidence",
        title=f"{chosen}: human_eval mean correct-class confidence at the fitted temperature, {seeds}",
        unit="share",
    )
    return (*goals, loss, confidence)


def measure_accuracy(workplace: Workplace) -> Mapping[str, Reading | str]:
    """Train each preset with five seeds and score the evaluation sets; beside each run a plain linear head."""
    _require_full(workplace)
    readings: dict[str, Reading | str] = {}
    classes = list(list_pictures(workplace.training_set))
    with Helper(_linear_heads, backbone=workplace.backbone_folder, classes=classes) as heads:
        for name in PRESET_NAMES:
            if name in PRESETS:
                readings |= _readings(name, _series(workplace, name, heads))
            else:
                readings |= {row.name: f"there is no preset {name}." for row in accuracy_rows(name)}
    return readings


def measure_peer_accuracy(workplace: Workplace) -> dict[str, Reading]:
    """Let the peer fine-tune to its end with each of its seeds, in float32 and in bfloat16, and score Quick's runs on
    the same pictures.
    """
    _require_full(workplace)
    sets = _evaluation_sets(workplace)
    series: dict[str, list[float]] = {}
    notes = [f"The peer's seeds: {', '.join(map(str, workplace.peer_seeds))}; ours: {SEEDS[0]} to {SEEDS[-1]}."]
    for bf16, name in ((False, "peer in float32"), (True, "peer in bfloat16")):
        if bf16 and not this_machine().bfloat16:
            notes.append(NO_BFLOAT16)
            continue
        for seed in workplace.peer_seeds:
            workplace.say(f"  a whole run of the {name}, seed {seed}")
            done = run_peer(workplace, bf16=bf16, steps=None, sets=sets, seed=seed)
            series.setdefault(f"{name}, s", []).append(done.seconds)
            for set_name in sets:
                accuracies = series.setdefault(f"{name}, {set_name}_eval accuracy", [])
                accuracies.append(done.evaluation[set_name]["accuracy"])
    workplace.forget()
    for seed in SEEDS:
        trained = workplace.train(workplace.quick(seed=seed))
        series.setdefault("ours, s", []).append(trained.seconds)
        for species, said in judge(workplace, trained.run).items():
            series.setdefault(f"ours, {species}_eval accuracy", []).append(said.accuracy)
        workplace.discard(trained)
    value = mean(series["ours, human_eval accuracy"]) - mean(series["peer in float32, human_eval accuracy"])
    return {PEER_ACCURACY.name: Reading(value=value, series=series, notes=notes)}


def judge(workplace: Workplace, run: Run) -> dict[str, Judged]:
    """Return what a run says of every evaluation picture, by species."""
    sets = _evaluation_sets(workplace)
    comparison, _ = workplace.workers.compare(run, Request(sets, size=None, seed=0))
    return {
        species: judged([p for sample in samples.values() for p in sample.pictures], classes=comparison.classes)
        for species, samples in comparison.sets.items()
    }


def _series(workplace: Workplace, name: str, heads: Helper) -> dict[str, list[float]]:
    """Return each measure of a preset, a value for each seed."""
    series: dict[str, list[float]] = {}

    def keep(measure: str, value: float) -> None:
        series.setdefault(measure, []).append(value)

    for seed in SEEDS:
        workplace.say(f"  {name}, seed {seed}")
        # The bench's own backbone in place of the preset's default, which it equals but in tests.
        asked = preset(name, pictures=str(workplace.training_set), backbone=workplace.backbone)
        trained = workplace.train(replace(asked, seed=seed))
        temperature = _temperature(trained.run)
        keep("temperature", temperature)
        keep("run, s", trained.seconds)
        plain = _linear(workplace, trained.run, heads, seed)
        for species, said in judge(workplace, trained.run).items():
            keep(f"{species}_eval accuracy", said.accuracy)
            keep(f"{species}_eval log loss", said.log_loss)
            keep(f"{species}_eval log loss at the temperature", said.at(temperature).log_loss)
            keep(f"{species}_eval mean correct-class confidence", said.correct_confidence)
            keep(
                f"{species}_eval mean correct-class confidence at the temperature",
                said.at(temperature).correct_confidence,
            )
            keep(f"{species}_eval accuracy of the linear head", plain[species].accuracy)
            keep(f"{species}_eval log loss of the linear head", plain[species].log_loss)
        workplace.discard(trained)
    return series


def _readings(name: str, series: dict[str, list[float]]) -> dict[str, Reading]:
    human, dog, loss, confidence = (row.name for row in accuracy_rows(name))

    def part(begin: str) -> dict[str, list[float]]:
        return {measure: values for measure, values in series.items() if measure.startswith(begin)}

    ours, plain = mean(series["human_eval log loss"]), mean(series["human_eval log loss of the linear head"])
    shared = {measure: series[measure] for measure in ("temperature", "run, s")}
    fitted = "The temperature is fitted on each run's human validation pictures, and on nothing else."
    head = (
        "The linear head: features as they are, Adam at 3e-3, the run's own split, its epoch of least validation loss."
    )
    return {
        human: Reading(value=mean(series["human_eval accuracy"]), series=part("human_eval accuracy") | shared),
        dog: Reading(value=mean(series["dog_eval accuracy"]), series=part("dog_eval accuracy")),
        loss: Reading(value=ours - plain, series=part("human_eval log loss") | part("dog_eval log loss"), notes=[head]),
        confidence: Reading(
            value=mean(series["human_eval mean correct-class confidence at the temperature"]),
            series=part("human_eval mean correct-class confidence") | part("dog_eval mean correct-class confidence"),
            notes=[fitted],
        ),
    }


def _temperature(run: Run) -> float:
    validation = load_validation(run)
    if validation is None:
        raise NotMeasured("a run left no validation scores.")
    return fit_temperature(judged(validation.pictures, classes=validation.classes))


def _linear(workplace: Workplace, run: Run, heads: Helper, seed: int) -> dict[str, Judged]:
    """Train a plain linear head on a run's own split; return what it says of the evaluation sets."""
    parts = load_split(run).parts(workplace.training_set)
    rows = {
        name: [(picture.path, picture.label) for picture in part]
        for name, part in (("train", parts.train), ("validation", parts.validation))
    }
    classes = list(list_pictures(workplace.training_set))
    found: dict[str, Judged] = {}
    for species, folder in _evaluation_sets(workplace).items():
        pictures = [(path, label) for label, paths in list_pictures(folder).items() for path in paths]
        paths = [path for path, _ in pictures]
        said = heads.call("probabilities", **rows, judged=paths, seed=seed)
        found[species] = Judged(np.array(said), np.array([classes.index(label) for _, label in pictures]))
    return found


def _evaluation_sets(workplace: Workplace) -> dict[str, Path]:
    return {species: workplace.pictures / f"{species}_eval" for species in SPECIES}


def _require_full(workplace: Workplace) -> None:
    if not workplace.is_full:
        raise NotMeasured(NEEDS_FULL)
    for folder in _evaluation_sets(workplace).values():
        if not folder.is_dir():
            raise NotMeasured(f"the evaluation set {folder.name} is absent.")


def _linear_heads(backbone: Path, classes: Sequence[str]) -> Any:
    from emotion.bench.linear import LinearHeads

    return LinearHeads(backbone, classes)
