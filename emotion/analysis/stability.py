"""How far a comparison's result moves with another draw of its sample, and with another seed of its training."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emotion.analysis.comparison import Comparison
from emotion.analysis.findings import reference_of
from emotion.analysis.pool import Pool, pools
from emotion.analysis.repeats import QUANTILES, LuckResult, SetLuck, Training, blocks
from emotion.analysis.statistics import deviations, draw_means
from emotion.analysis.study import Judge, Parameter, Study
from emotion.core.errors import ConfigError, PictureError, RunError
from emotion.core.progress import Progress

SEEDS, DRAWS = 5, 200
LEAST_SEEDS, MOST_SEEDS = 2, 10
DIGITS = 4
NO_LUCK = (
    "This run trained more than its classifier, so it is not trained anew here, and the comparison uses every picture: "
    "nothing is left to luck. Compare a smaller sample, or sweep over seeds in Train."
)
# Seeds are non-negative and below this.
SEED_END = 2**31


def ask(
    judge: Judge, comparison: Comparison, *, seeds: float | None = SEEDS, draws: int = DRAWS
) -> Generator[Progress, None, LuckResult]:
    """Repeat a comparison with other training seeds, the run's own and those after it, and with other draws.

    Every training scores every picture once, and each draw is of these scores. Where blocks were trained too, a
    repeated training is no matter of seconds: then the run's own checkpoint judges every draw.

    Raises:
        ConfigError: there are too few seeds, or too many.
        RunError: the run cannot be repeated, or nothing of it is left to luck.
        PictureError: pictures of the comparison's sets are gone.
    """
    number, config = check_seeds(seeds), judge.run.config()
    is_retrained = config.depth == "head"
    found = yield from pools(comparison, judge.run, labels=comparison.emotions())
    groups = [paths for pool in found.values() for paths in pool.pictures.values()]
    if not is_retrained and (comparison.size is None or comparison.size >= max(map(len, groups))):
        raise RunError(NO_LUCK)
    paths = [path for group in groups for path in group]
    if is_retrained:
        tried = [(config.seed + step) % SEED_END for step in range(number)]
        said = yield from judge.retrained(tried, paths)
    else:
        tried = [config.seed]
        said = judge.judged((yield from judge.features(paths)))[np.newaxis]
    return repeated(comparison, found, said, classes=judge.classes, seeds=tried, draws=draws)


def check_seeds(seeds: float | None) -> int:
    """Return a number of seeds that can be repeated with.

    Raises:
        ConfigError: it is too small, too large, or none at all.
    """
    if seeds is None or not LEAST_SEEDS <= seeds <= MOST_SEEDS:
        raise ConfigError(f"The number of training seeds is out of range: choose {LEAST_SEEDS} to {MOST_SEEDS}.")
    return int(seeds)


def repeated(
    comparison: Comparison,
    found: Mapping[str, Pool],
    said: np.ndarray,
    *,
    classes: Sequence[str],
    seeds: Sequence[int],
    draws: int,
) -> LuckResult:
    """Sum up the (seeds, N, C) probabilities of all pictures of the pools, in their order; NaN where one is unreadable.

    Raises:
        PictureError: none of a set's pictures can be read.
    """
    reference = reference_of(comparison)
    scores: dict[str, _Scores] = {}
    for name, pool in found.items():
        count = sum(map(len, pool.pictures.values()))
        scores[name], said = _scores_of(name, pool, said[:, :count], classes), said[:, count:]
    means = {
        name: draw_means(
            each.confidences, each.groups, size=comparison.size, draws=draws, seed=[comparison.seed, number]
        )
        for number, (name, each) in enumerate(scores.items())
    }
    sets = {
        name: _set_luck(
            each,
            means[name],
            comparison,
            name,
            seeds=seeds,
            ahead=None if name == reference else float((means[reference] > means[name]).mean()),
            trained_on=found[name].trained_on,
        )
        for name, each in scores.items()
    }
    emotions = comparison.emotions()
    return LuckResult(
        emotion=emotions[0] if len(emotions) == 1 else None,
        reference=reference,
        seeds=list(seeds),
        draws=max(each.shape[1] for each in means.values()),
        chance=comparison.chance,
        is_retrained=len(seeds) > 1,
        sets=sets,
    )


@dataclass(frozen=True)
class _Scores:
    """What (T,) trainings say of the N readable pictures of a set; ``groups`` are the places of each emotion."""

    confidences: np.ndarray
    right: np.ndarray
    groups: list[np.ndarray]
    unreadable: int


def _scores_of(name: str, pool: Pool, said: np.ndarray, classes: Sequence[str]) -> _Scores:
    truth = np.array([classes.index(label) for label, paths in pool.pictures.items() for _ in paths])
    readable = ~np.isnan(said).any((0, 2))
    if not readable.any():
        raise PictureError(f"None of the pictures of {name} can be read any more: compare another set.")
    said, truth = said[:, readable], truth[readable]
    return _Scores(
        confidences=said[:, np.arange(len(truth)), truth],
        right=said.argmax(2) == truth,
        groups=[np.flatnonzero(truth == label) for label in np.unique(truth)],
        unreadable=int((~readable).sum()),
    )


def _set_luck(
    scores: _Scores,
    means: np.ndarray,
    comparison: Comparison,
    name: str,
    *,
    seeds: Sequence[int],
    ahead: float | None,
    trained_on: int,
) -> SetLuck:
    training, draw = deviations(means)
    n, size = scores.confidences.shape[1], comparison.size
    per_seed = zip(seeds, scores.confidences.mean(1), scores.right.mean(1), strict=True)
    return SetLuck(
        n=n,
        size=n if size is None else sum(min(size, len(group)) for group in scores.groups),
        unreadable=scores.unreadable,
        trained_on=trained_on,
        trainings=[Training(seed, float(confidence), float(accuracy)) for seed, confidence, accuracy in per_seed],
        means=means.round(DIGITS).tolist(),
        quantiles=[float(value) for value in np.quantile(means, QUANTILES)],
        training_deviation=training,
        draw_deviation=draw,
        observed=comparison.pooled(name).correct_confidence,
        reference_ahead=ahead,
    )


STUDY = Study(
    "luck",
    "Other draws",
    "Would another draw of the pictures, or another training, have said the same?",
    LuckResult,
    ask,
    blocks,
    lambda _: (Parameter("seeds", "Training seeds", SEEDS, low=LEAST_SEEDS, high=MOST_SEEDS),),
)
