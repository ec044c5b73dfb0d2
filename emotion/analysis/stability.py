"""Stability: how far a comparison's result varies with another sample and with another training seed."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from emotion.analysis.blocks import Block, Dot, DotChart, Figure, Table, Text, row
from emotion.analysis.comparison import Comparison
from emotion.analysis.findings import plural
from emotion.analysis.statistics import deviations, draw_means
from emotion.analysis.study import Judge, Parameter, Study, pools
from emotion.core.errors import ConfigError, PictureError, RunError
from emotion.core.format import capital, count, exact_percent, listed, span
from emotion.core.intervals import Interval
from emotion.core.progress import Progress

SEEDS, DRAWS = 5, 200
LEAST_SEEDS, MOST_SEEDS = 2, 10
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
            values = [row[0] for row in self.means]
            return min(values), max(values)
        return self.quantiles[0], self.quantiles[-1]

    @property
    def is_within(self) -> bool:
        """Whether the comparison's own result is in the range, in whole percent as both are shown."""
        low, high = self.span
        return round(100 * low) <= round(100 * self.observed) <= round(100 * high)


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
    judge: Judge, comparison: Comparison, *, seeds: float | None = SEEDS, draws: int = DRAWS
) -> Generator[Progress, None, LuckResult]:
    """Repeat a comparison with other training seeds, from the run's own upwards, and with other draws.

    Every training scores every picture once, and the draws are from these scores. If the run trained blocks as well,
    which takes too long to repeat, its own checkpoint judges every draw.

    Raises:
        ConfigError: there are too few seeds, or too many.
        RunError: the run cannot be repeated, or nothing about it is random.
        PictureError: pictures of the comparison's sets are gone, or none of a set can be read.
    """
    if seeds is None or not LEAST_SEEDS <= seeds <= MOST_SEEDS:
        raise ConfigError(f"The number of training seeds is out of range: choose {LEAST_SEEDS} to {MOST_SEEDS}.")
    config = judge.run.config()
    is_retrained = config.depth == "head"
    found = yield from pools(comparison, judge.run, labels=comparison.emotions())
    groups = [paths for pool in found.values() for paths in pool.pictures.values()]
    if not is_retrained and (comparison.size is None or comparison.size >= max(map(len, groups))):
        raise RunError(NO_LUCK)
    paths = [path for group in groups for path in group]
    if is_retrained:
        tried = [(config.seed + step) % SEED_END for step in range(int(seeds))]
        said = yield from judge.retrained(tried, paths)
    else:
        tried = [config.seed]
        said = judge.classifier.of_features((yield from judge.features(paths)))[np.newaxis]
    sets: dict[str, SetLuck] = {}
    means: dict[str, np.ndarray] = {}
    for number, (name, pool) in enumerate(found.items()):
        total = sum(map(len, pool.pictures.values()))
        own, said = said[:, :total], said[:, total:]
        truth = np.array([judge.classes.index(label) for label, paths in pool.pictures.items() for _ in paths])
        sets[name], means[name] = _repeated(comparison, name, own, truth, pool.trained_on, tried, draws, number)
    ahead = means[comparison.reference]
    for name in sets.keys() - {comparison.reference}:
        sets[name] = replace(sets[name], reference_ahead=float((ahead > means[name]).mean()))
    emotions = comparison.emotions()
    return LuckResult(
        emotion=emotions[0] if len(emotions) == 1 else None,
        reference=comparison.reference,
        seeds=tried,
        draws=max(each.shape[1] for each in means.values()),
        chance=comparison.chance,
        is_retrained=is_retrained,
        sets=sets,
    )


def _repeated(
    comparison: Comparison,
    name: str,
    said: np.ndarray,
    truth: np.ndarray,
    trained_on: int,
    seeds: Sequence[int],
    draws: int,
    number: int,
) -> tuple[SetLuck, np.ndarray]:
    """Draw repeatedly from T trainings' (T, N, C) probabilities of a set's N pictures.

    Returns the summary and the (T, D) means of the draws. An unreadable picture has NaN.
    """
    readable = ~np.isnan(said).any((0, 2))
    if not readable.any():
        raise PictureError(f"None of the pictures of {name} can be read any more: compare another set.")
    said, truth, size = said[:, readable], truth[readable], comparison.size
    confidences = said[:, np.arange(len(truth)), truth]
    groups = [np.flatnonzero(truth == label) for label in np.unique(truth)]
    means = draw_means(confidences, groups, size=size, draws=draws, seed=[comparison.seed, number])
    training, draw = deviations(means)
    per_seed = zip(seeds, confidences.mean(1), (said.argmax(2) == truth).mean(1), strict=True)
    found = SetLuck(
        n=len(truth),
        size=sum(len(group) if size is None else min(size, len(group)) for group in groups),
        unreadable=int((~readable).sum()),
        trained_on=trained_on,
        trainings=[Training(at, float(confidence), float(accuracy)) for at, confidence, accuracy in per_seed],
        means=means.round(DIGITS).tolist(),
        quantiles=[float(value) for value in np.quantile(means, QUANTILES)],
        training_deviation=training,
        draw_deviation=draw,
        observed=comparison.pooled(name).correct_confidence,
        reference_ahead=None,
    )
    return found, means


def blocks(result: LuckResult, comparison: Comparison) -> list[Block]:
    """Return the variation of the comparison as text, table and figure."""
    rows, dots = [], []
    for name, each in result.sets.items():
        accuracies = [training.accuracy for training in each.trainings]
        least, best = _share(min(accuracies)), _share(max(accuracies))
        rows.append(
            row(
                name,
                f"all {each.n:,}" if each.is_whole else f"{each.size:,} of {each.n:,}",
                exact_percent(each.observed),
                (exact_percent(each.quantiles[2]), span(each.span)),
                "–" if each.is_whole else f"{100 * each.draw_deviation:.1f}",
                "–" if each.training_deviation is None else f"{100 * each.training_deviation:.1f}",
                least if least == best else f"{least} to {best}",
                "–" if each.reference_ahead is None else _share(each.reference_ahead),
                colour=comparison.colour(name),
            )
        )
        dots.append(Dot(name, each.observed, each.span, comparison.colour(name), is_leading=True))
    ahead = f"{capital(plural(result.reference))} ahead"
    head = ("Pictures", "This comparison", "Middle of all", "Another draw", "Another training", "Right of all", ahead)
    seeds = f" Training seeds {listed([str(seed) for seed in result.seeds])}." if result.is_retrained else ""
    alt = f"What this comparison found for each set, within where its repeats lie. {_own(result)}"
    chart = DotChart(alt, "Mean correct-class confidence", dots, result.chance)
    return [
        Text(f"{_spans(result)}{_order(result)}", "finding"),
        Text(f"{_own(result)}{seeds}{_left_out(result)}"),
        Table("The comparison repeated", "Set", head, rows, note=NOTE),
        Figure("What this comparison found (dot), and where its repeats lie (line).", [chart]),
    ]


def _spans(result: LuckResult) -> str:
    """Return the range of the repeats."""
    spans: list[str] = []
    for name, each in result.sets.items():
        low, high = map(_share, each.span)
        spans.append(f"{plural(name)} {'' if spans else 'come out '}between {low} and {high}")
    trainings = f"{len(result.seeds)} trainings"
    if result.draws == 1:
        return f"Every picture is used, so only the training differs: over {trainings}, {listed(spans)}."
    drawn = [each for each in result.sets.values() if not each.is_whole]
    sizes, pools = (
        listed([str(n) for n in sorted(ns)]) for ns in ({each.size for each in drawn}, {each.n for each in drawn})
    )
    draws = f"{result.draws} draws of {sizes} out of {pools}"
    over = f"{trainings} and {draws}" if result.is_retrained else f"{draws}, by one training"
    return f"Over {over}, {listed(spans)} (95 % of them)."


def _order(result: LuckResult) -> str:
    """Return how often the reference is ahead."""
    others = {name: each.reference_ahead for name, each in result.sets.items() if each.reference_ahead is not None}
    if not others:
        return ""
    shares = listed([f"of {plural(name)} in {_share(share)}" for name, share in others.items()])
    pairs = len(result.seeds) * result.draws
    what = "pairs of training and draw" if result.draws > 1 and result.is_retrained else "repeats"
    return f" {capital(plural(result.reference))} are ahead {shares} of the {pairs:,} {what}."


def _own(result: LuckResult) -> str:
    """Return whether the comparison's own result is in the range."""
    found = {name: f"{plural(name)} ({_share(each.observed)})" for name, each in result.sets.items()}
    outside = [found[name] for name, each in result.sets.items() if not each.is_within]
    if outside:
        return f"What the comparison found for {listed(outside)} lies outside: hardly any repeat comes out so."
    return f"What the comparison found for {listed(list(found.values()))} lies within."


def _left_out(result: LuckResult) -> str:
    said = ""
    for name, each in result.sets.items():
        if each.unreadable:
            said += f" {count(each.unreadable, 'picture')} of {plural(name)} cannot be read and left out."
        if each.trained_on:
            said += f" {count(each.trained_on, 'picture')} of {plural(name)} left out: the run was trained on them."
    return said


def _share(share: float) -> str:
    """Return a share (0 to 1) in whole percent; 0 % and 100 % only if exact."""
    whole = round(100 * share)
    if whole == 100 and share < 1:
        return "over 99 %"
    return "under 1 %" if whole == 0 and share > 0 else f"{whole} %"


STUDY = Study(
    "luck", "Other draws", "Would another draw of the pictures, or another training, have said the same?", LuckResult,
    ask, blocks, lambda _: (Parameter("seeds", "Training seeds", SEEDS, low=LEAST_SEEDS, high=MOST_SEEDS),),
)  # fmt: skip
