"""Stability: how far a comparison's result varies with another sample and with another training seed."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np

from emotion.analysis.blocks import Block, Dot, DotChart, Figure, Table, Text, row
from emotion.analysis.comparison import Comparison
from emotion.analysis.findings import plural
from emotion.analysis.statistics import deviations, draw_means
from emotion.analysis.study import Judge, Parameter, Study, pictures_of, unseen
from emotion.core.errors import RunError
from emotion.core.format import capital, exact_percent, listed, percent, span
from emotion.core.progress import Progress
from emotion.data.folders import count_labels

SEEDS, DRAWS = 5, 200
# Seeds are below this.
SEED_END = 2**31
QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
DIGITS = 4
NO_LUCK = (
    "This run trained more than its classifier, so it is not trained anew here, and the comparison uses every picture: "
    "nothing is left to luck. Compare a smaller sample, or sweep over seeds in Train."
)
NOTE = (
    "Middle of all: the median, and where 95 % of the repeats lie, or all of them where every picture is used. Another "
    "draw, another training: standard deviations in percentage points. Right of all: the share right over all "
    "pictures, from the least to the best training."
)
HEAD = ("Pictures", "This comparison", "Middle of all", "Another draw", "Another training", "Right of all")


@dataclass(frozen=True)
class Training:
    """One training's results on all usable pictures of a set: mean correct-class confidence and accuracy, 0 to 1."""

    seed: int
    correct_confidence: float
    accuracy: float


@dataclass(frozen=True)
class SetLuck:
    """A set's mean correct-class confidence over trainings and draws.

    A draw takes ``size`` of the ``n`` usable pictures without replacement; ``unreadable`` and ``trained_on`` count the
    others. ``means`` has a row for each training and a column for each draw, one column if every picture is used; all
    trainings share the draws. ``quantiles`` are those of all means at ``QUANTILES``. ``observed`` is the comparison's
    result; ``reference_ahead`` is the share of all pairs of training and draw in which the reference set is higher,
    None for the reference itself.
    """

    n: int
    size: int
    unreadable: int
    trained_on: int
    trainings: list[Training]
    means: list[list[float]]
    quantiles: list[float]
    training_deviation: float | None
    draw_deviation: float
    observed: float
    reference_ahead: float | None


@dataclass(frozen=True)
class LuckResult:
    """The repeated comparison, by set. ``draws`` is 1 if every picture of every set is used."""

    emotion: str | None
    reference: str
    seeds: list[int]
    draws: int
    chance: float
    is_retrained: bool
    sets: dict[str, SetLuck]


def ask(
    judge: Judge, comparison: Comparison, *, seeds: float = SEEDS, draws: int = DRAWS
) -> Generator[Progress, None, LuckResult]:
    """Repeat a comparison with other training seeds, from the run's own upwards, and with other draws.

    Every training scores every picture once, and the draws are from these scores. If the run trained blocks as well,
    which takes too long to repeat, its own checkpoint judges every draw. Raises RunError if the run cannot be repeated
    or nothing is random, PictureError if pictures of a set are gone.
    """
    from emotion.training.repeat import retrain

    config, emotions, size = judge.run.config(), comparison.emotions(), comparison.size
    is_retrained = config.depth == "head"
    whole = pictures_of(comparison, emotions)
    usable = yield from unseen(judge.run, whole)
    most = max(number for each in usable.values() for number in count_labels(each).values())
    if not is_retrained and (size is None or size >= most):
        raise RunError(NO_LUCK)
    seen = yield from judge.features(usable)
    features = np.concatenate([each.features for each in seen.values()])
    tried = [(config.seed + step) % SEED_END for step in range(int(seeds) if is_retrained else 1)]
    if is_retrained:
        said = yield from retrain(judge.run, judge.classifier, tried, features)
    else:
        said = judge.classifier.of_features(features)[np.newaxis]
    sets, means = {}, {}
    for number, (name, each) in enumerate(seen.items()):
        n = len(each.truth)
        own, said = said[:, :n], said[:, n:]
        confidences, accuracies = own[:, np.arange(n), each.truth], (own.argmax(2) == each.truth).mean(1)
        groups = [np.flatnonzero(each.truth == label) for label in np.unique(each.truth)]
        drawn = draw_means(confidences, groups, size=size, draws=draws, seed=[comparison.seed, number])
        training_deviation, draw_deviation = deviations(drawn)
        means[name] = drawn
        sets[name] = SetLuck(
            n=n,
            size=sum(len(group) if size is None else min(size, len(group)) for group in groups),
            unreadable=len(usable[name]) - n,
            trained_on=len(whole[name]) - len(usable[name]),
            trainings=[
                Training(*each) for each in zip(tried, confidences.mean(1).tolist(), accuracies.tolist(), strict=True)
            ],
            means=drawn.round(DIGITS).tolist(),
            quantiles=np.quantile(drawn, QUANTILES).tolist(),
            training_deviation=training_deviation,
            draw_deviation=draw_deviation,
            observed=comparison.pooled(name).correct_confidence,
            reference_ahead=None,
        )
    reference = comparison.reference
    for name in sets.keys() - {reference}:
        sets[name] = replace(sets[name], reference_ahead=float((means[reference] > means[name]).mean()))
    return LuckResult(
        emotion=emotions[0] if len(emotions) == 1 else None,
        reference=reference,
        seeds=tried,
        draws=max(each.shape[1] for each in means.values()),
        chance=comparison.chance,
        is_retrained=is_retrained,
        sets=sets,
    )


def blocks(result: LuckResult, comparison: Comparison) -> list[Block]:
    rows, dots, spans = [], [], []
    for name, each in result.sets.items():
        is_whole, colour = each.size == each.n, comparison.colour(name)
        # With one draw only the trainings differ, and they are few.
        reach = (min(each.means)[0], max(each.means)[0]) if is_whole else (each.quantiles[0], each.quantiles[-1])
        left_out, accuracies = each.unreadable + each.trained_on, [training.accuracy for training in each.trainings]
        cells = (
            (f"{each.size:,} of {each.n:,}", f"{left_out:,} left out" if left_out else ""),
            exact_percent(each.observed),
            (exact_percent(each.quantiles[2]), span(reach)),
            "–" if is_whole else f"{100 * each.draw_deviation:.1f}",
            "–" if each.training_deviation is None else f"{100 * each.training_deviation:.1f}",
            " to ".join(dict.fromkeys([percent(min(accuracies)), percent(max(accuracies))])),
            "–" if each.reference_ahead is None else percent(each.reference_ahead),
        )
        rows.append(row(name, *cells, colour=colour))
        dots.append(Dot(name, each.observed, reach, colour, is_leading=True))
        spans.append(f"{plural(name)} get {span(reach)} % ({percent(each.observed)} here)")
    over = [f"{len(result.seeds)} trainings"] if result.is_retrained else []
    over += [f"{result.draws} draws"] if result.draws > 1 else []
    seeds = f"Training seeds {listed([str(seed) for seed in result.seeds])}. " if result.is_retrained else ""
    head = (*HEAD, f"{capital(plural(result.reference))} ahead")
    alt = "What this comparison found for each set, within where its repeats lie; the numbers stand in the table."
    chart = DotChart(alt, "Mean correct-class confidence", dots, result.chance)
    return [
        Text(f"Over {listed(over)}, {listed(spans)}.", "finding"),
        Table("The comparison repeated", "Set", head, rows, note=f"{seeds}{NOTE}"),
        Figure("What this comparison found (dot), and where its repeats lie (line).", [chart]),
    ]


STUDY = Study(
    "luck", "Other draws", "Would another draw of the pictures, or another training, have said the same?", LuckResult,
    ask, blocks, lambda _: (Parameter("seeds", "Training seeds", SEEDS, low=2, high=10),),
)  # fmt: skip
