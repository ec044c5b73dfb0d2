"""How well a run tells that a picture shows nothing that it has learnt of, and which rule does it best. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

from emotion.bench.faceless import find_faceless
from emotion.bench.figure import Bound, NotMeasured, Reading, Row
from emotion.bench.helper import Helper
from emotion.bench.workplace import Workplace
from emotion.pictures.drawn import DRAWN_FOLDER, is_drawn
from emotion.pictures.folders import list_pictures
from emotion.words import count, percent, span

SEEDS = (42, 0, 1)
EVALUATION = ("human_eval", "dog_eval", "cat_eval")
KINDS = ("photographs", "drawn")


def unknown_rows(kind: str) -> tuple[Row, ...]:
    """Return the rows of runs that were trained on photographs, or on drawings."""
    run = f"Quick trained on {kind if kind == 'photographs' else 'drawings'}, seed {SEEDS[0]}"
    return (
        Row(name=f"unknown-{kind}", title=f"pictures of no face called unknown, {run}", unit="share"),
        Row(
            name=f"unknown-{kind}-validation",
            title=f"validation pictures called unknown, {run}",
            unit="share",
            bound=Bound(direction="at most", limit=0.05),
        ),
    )


ROWS = tuple(row for kind in KINDS for row in unknown_rows(kind))


def measure_unknown(workplace: Workplace) -> Mapping[str, Reading | str]:
    """Train on each kind of pictures with three seeds; hold the rules against one another, then look at the species.

    The rules meet validation pictures and pictures of no face alone; the evaluation sets only the rule that is used.
    """
    if not workplace.is_full:
        raise NotMeasured("it looks at the evaluation sets, which only --full does.")
    faceless = find_faceless(workplace.faceless, made=workplace.folder / "faceless")
    readings: dict[str, Reading | str] = {}
    with Helper(_rules) as rules:
        for kind in KINDS:
            sets = workplace.pictures if kind == "photographs" else DRAWN_FOLDER
            if kind == "photographs" and is_drawn(sets):
                readings |= {row.name: "the photographs are absent." for row in unknown_rows(kind)}
            else:
                readings |= _measure(workplace, sets, kind, faceless, rules)
    return readings


def _measure(
    workplace: Workplace, sets: Path, kind: str, faceless: Mapping[str, Sequence[Path]], rules: Helper
) -> dict[str, Reading | str]:
    outcomes, runs = [], []
    for seed in SEEDS:
        workplace.say(f"  {kind}, seed {seed}")
        runs.append(workplace.train(workplace.quick(pictures=str(sets / "human_train"), seed=seed)))
        outcomes.append(rules.call("outcomes", run=runs[-1].run.path, sources=faceless))
    species = {name: _pictures(sets / name) for name in EVALUATION if (sets / name).is_dir()}
    told = rules.call("unknown", run=runs[0].run.path, sources={**faceless, **species})
    workplace.discard(*runs)
    if not told:
        raise NotMeasured("the run does not know what it has seen.")
    unknown, of = (sum(told[name][place] for name in faceless) for place in (0, 1))
    notes = [_told(name, *told[name]) for name in (*faceless, *species)] + [
        _rule(name, [outcome[name] for outcome in outcomes]) for name in outcomes[0]
    ]
    of_faces, of_validation = unknown_rows(kind)
    return {
        of_faces.name: Reading(value=unknown / of, notes=notes),
        of_validation.name: Reading(
            value=told["validation"][0] / told["validation"][1], notes=[_told("validation", *told["validation"])]
        ),
    }


def _told(name: str, unknown: int, of: int) -> str:
    from emotion.statistics.intervals import wilson_interval

    share = f"{percent(unknown / of)} ({span(wilson_interval(unknown, of))})"
    return f"{name}: {unknown} of {count(of, 'picture')} called unknown, {share}"


def _rule(name: str, outcomes: Sequence[Mapping[str, tuple[float, float]]]) -> str:
    """Say how a rule fares with each source: AUROC, and share called unknown, means over the seeds."""
    cells = [
        f"{source} {mean(each[source][0] for each in outcomes):.3f}, "
        f"{percent(mean(each[source][1] for each in outcomes))}"
        for source in outcomes[0]
    ]
    return f"rule {name}, AUROC and share called unknown, means over {len(outcomes)} seeds: {'; '.join(cells)}"


def _pictures(folder: Path) -> list[Path]:
    return [path for paths in list_pictures(folder).values() for path in paths]


def _rules() -> object:
    # Loaded in the helper's own process alone: it needs torch.
    from emotion.bench.unknown_rules import Rules

    return Rules()
