"""Stability: how far a comparison's result varies with another sample and with another training seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np

from emotion.analysis.blocks import Block, Dot, DotChart, Figure, Table, Text, row
from emotion.analysis.comparison import Comparison
from emotion.analysis.findings import plural
from emotion.analysis.statistics import deviations, draw_means
from emotion.analysis.study import Judge, Parameter, Study, pools
from emotion.core.errors import PictureError, RunError
from emotion.core.format import capital, exact_percent, listed, percent, span
from emotion.core.intervals import Interval
from emotion.core.progress import Progress

SEEDS, DRAWS = 5, 200
QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
DIGITS = 4
# Seeds are below this.
SEED_END = 2**31
NO_LUCK = (
    "This run trained more than its classifier, so it is not trained anew here, and the comparison uses every picture: "
    "nothing is left to luck. Compare a smaller sample, or sweep over seeds in Train."
)
NOTE = (
    "Middle of all: the median, and where 95 % of the repeats lie, or all of them where every picture is used. Another "
    "draw, another training: standard deviations in percentage points. Right of all: the share right over all "
    "pictures, from the least to the best training."
)


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
    trainings share the draws. ``quantiles`` are those of all means at ``QUANTILES``. ``training_deviation`` and
    ``draw_deviation`` are the ``deviations`` of ``means``. ``observed`` is the comparison's result; ``reference_ahead``
    is the share of all pairs of training and draw in which the reference set is higher, None for the reference itself.
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

    @property
    def is_whole(self) -> bool:
        """Whether every picture is used, so that there is only one draw."""
        return self.size == self.n

    @property
    def span(self) -> Interval:
        """The range of 95 % of the results; of all results if only the trainings differ."""
        if self.is_whole:
            return min(self.means)[0], max(self.means)[0]
        return self.quantiles[0], self.quantiles[-1]


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
    which takes too long to repeat, its own checkpoint judges every draw.

    Raises:
        RunError: the run cannot be repeated, or nothing about it is random.
        PictureError: pictures of the comparison's sets are gone, or none of a set can be read.
    """
    from emotion.training.repeat import retrain

    config, emotions = judge.run.config(), comparison.emotions()
    is_retrained = config.depth == "head"
    found = yield from pools(comparison, judge.run, labels=emotions)
    most = max(max(Counter(each.label for each in pool.pictures).values()) for pool in found.values())
    if not is_retrained and (comparison.size is None or comparison.size >= most):
        raise RunError(NO_LUCK)
    paths = [each.path for pool in found.values() for each in pool.pictures]
    tried = [(config.seed + step) % SEED_END for step in range(int(seeds) if is_retrained else 1)]
    if is_retrained:
        said = yield from retrain(judge.run, judge.classifier, tried, paths)
    else:
        said = judge.classifier.of_features((yield from judge.features(paths)))[np.newaxis]
    sets: dict[str, SetLuck] = {}
    means: dict[str, np.ndarray] = {}
    for number, (name, pool) in enumerate(found.items()):
        own, said = said[:, : len(pool.pictures)], said[:, len(pool.pictures) :]
        truth = np.array([judge.classes.index(each.label) for each in pool.pictures])
        readable = ~np.isnan(own).any((0, 2))
        if not readable.any():
            raise PictureError(f"None of the pictures of {name} can be read any more: compare another set.")
        own, truth = own[:, readable], truth[readable]
        confidences, is_right = own[:, np.arange(len(truth)), truth], own.argmax(2) == truth
        groups = [np.flatnonzero(truth == label) for label in np.unique(truth)]
        size, seed = comparison.size, [comparison.seed, number]
        means[name] = draw_means(confidences, groups, size=size, draws=draws, seed=seed)
        training_deviation, draw_deviation = deviations(means[name])
        sets[name] = SetLuck(
            n=len(truth),
            size=sum(len(group) if size is None else min(size, len(group)) for group in groups),
            unreadable=int((~readable).sum()),
            trained_on=pool.trained_on,
            trainings=[
                Training(at, float(confidence), float(accuracy))
                for at, confidence, accuracy in zip(tried, confidences.mean(1), is_right.mean(1), strict=True)
            ],
            means=means[name].round(DIGITS).tolist(),
            quantiles=[float(value) for value in np.quantile(means[name], QUANTILES)],
            training_deviation=training_deviation,
            draw_deviation=draw_deviation,
            observed=comparison.pooled(name).correct_confidence,
            reference_ahead=None,
        )
    ahead = means[comparison.reference]
    for name in sets.keys() - {comparison.reference}:
        sets[name] = replace(sets[name], reference_ahead=float((ahead > means[name]).mean()))
    return LuckResult(
        emotion=emotions[0] if len(emotions) == 1 else None,
        reference=comparison.reference,
        seeds=tried,
        draws=max(each.shape[1] for each in means.values()),
        chance=comparison.chance,
        is_retrained=is_retrained,
        sets=sets,
    )


def blocks(result: LuckResult, comparison: Comparison) -> list[Block]:
    """Return the variation of the comparison as text, table and figure."""
    rows, dots = [], []
    for name, each in result.sets.items():
        colour = comparison.colour(name)
        accuracies = sorted(training.accuracy for training in each.trainings)
        least, best = percent(accuracies[0]), percent(accuracies[-1])
        left_out = each.unreadable + each.trained_on
        rows.append(
            row(
                name,
                (f"{each.size:,} of {each.n:,}", f"{left_out:,} left out" if left_out else ""),
                exact_percent(each.observed),
                (exact_percent(each.quantiles[2]), span(each.span)),
                "–" if each.is_whole else f"{100 * each.draw_deviation:.1f}",
                "–" if each.training_deviation is None else f"{100 * each.training_deviation:.1f}",
                least if least == best else f"{least} to {best}",
                "–" if each.reference_ahead is None else percent(each.reference_ahead),
                colour=colour,
            )
        )
        dots.append(Dot(name, each.observed, each.span, colour, is_leading=True))
    ahead = f"{capital(plural(result.reference))} ahead"
    head = ("Pictures", "This comparison", "Middle of all", "Another draw", "Another training", "Right of all", ahead)
    seeds = f"Training seeds {listed([str(seed) for seed in result.seeds])}. " if result.is_retrained else ""
    alt = "What this comparison found for each set, within where its repeats lie; the numbers stand in the table."
    chart = DotChart(alt, "Mean correct-class confidence", dots, result.chance)
    over = [f"{len(result.seeds)} trainings"] if result.is_retrained else []
    over += [f"{result.draws} draws"] if result.draws > 1 else []
    spans = [
        f"{plural(name)} get {span(each.span)} % ({percent(each.observed)} here)" for name, each in result.sets.items()
    ]
    return [
        Text(f"Over {listed(over)}, {listed(spans)}.", "finding"),
        Table("The comparison repeated", "Set", head, rows, note=f"{seeds}{NOTE}"),
        Figure("What this comparison found (dot), and where its repeats lie (line).", [chart]),
    ]


STUDY = Study(
    "luck", "Other draws", "Would another draw of the pictures, or another training, have said the same?", LuckResult,
    ask, blocks, lambda _: (Parameter("seeds", "Training seeds", SEEDS, low=2, high=10),),
)  # fmt: skip
