"""What repeating a comparison came to, in words and in blocks. Computes none of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from emotion.analysis.blocks import Block, Cell, Dot, DotChart, Figure, Guide, Row, Table, Text
from emotion.analysis.comparison import Comparison
from emotion.analysis.findings import plural
from emotion.core.format import capital, count, exact_percent, listed, span
from emotion.core.labels import colour_of_set

QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)


@dataclass(frozen=True)
class Training:
    """What one training makes of all usable pictures of a set: mean correct-class confidence and accuracy, 0 to 1."""

    seed: int
    correct_confidence: float
    accuracy: float


@dataclass(frozen=True)
class SetLuck:
    """A set's mean correct-class confidence over trainings and draws.

    ``n`` pictures can be used, of which a draw takes ``size`` without replacement; ``unreadable`` and ``trained_on``
    count what cannot be used. ``means`` has a row for each training and a column for each draw, a single one where
    every picture is used; the same draws for every training. ``quantiles`` are at ``QUANTILES`` of all of them.
    ``training_deviation`` and ``draw_deviation`` are the ``deviations`` of ``means``. ``observed`` is what the
    comparison found; ``reference_ahead`` the share of all pairs of a training and a draw in which the reference set
    comes out higher than this one, None for the reference itself.
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
        """Whether every picture is used, so that no draw differs."""
        return self.size == self.n

    @property
    def span(self) -> tuple[float, float]:
        """Where 95 % of the results lie; from the least to the most where only the trainings differ."""
        if self.is_whole:
            values = [row[0] for row in self.means]
            return min(values), max(values)
        return self.quantiles[0], self.quantiles[-1]

    @property
    def is_within(self) -> bool:
        """Whether the comparison's own result lies there, in whole percent as both are shown."""
        low, high = self.span
        return round(100 * low) <= round(100 * self.observed) <= round(100 * high)


@dataclass(frozen=True)
class LuckResult:
    """What repeating a comparison came to, by set. ``draws`` is 1 where every picture of every set is used."""

    emotion: str | None
    reference: str
    seeds: list[int]
    draws: int
    chance: float
    is_retrained: bool
    sets: dict[str, SetLuck]

    def sentence(self) -> str:
        """Say in words how far the result moves, and whether the order of the sets does."""
        return " ".join(filter(None, [self._span_words(), self._deviation_words(), self._order_words()]))

    def own_sentence(self) -> str:
        """Say whether the comparison's own result is one of the usual ones."""
        found = {name: f"{plural(name)} ({percent(each.observed)})" for name, each in self.sets.items()}
        outside = [found[name] for name, each in self.sets.items() if not each.is_within]
        if outside:
            return f"What the comparison found for {listed(outside)} lies outside: hardly any repeat comes out so."
        return f"What the comparison found for {listed(list(found.values()))} lies within."

    def _span_words(self) -> str:
        first, *others = [f"{plural(name)} {{}}between {_span(each)}" for name, each in self.sets.items()]
        spans = listed([first.format("come out "), *(other.format("") for other in others)])
        if self.draws == 1:
            return f"Every picture is used, so only the training differs: over {len(self.seeds)} trainings, {spans}."
        drawn = [each for each in self.sets.values() if not each.is_whole]
        sizes, pools = ({getattr(each, which) for each in drawn} for which in ("size", "n"))
        draws = f"{self.draws} draws of {listed(_numbers(sizes))} out of {listed(_numbers(pools))}"
        over = f"{len(self.seeds)} trainings and {draws}" if self.is_retrained else f"{draws}, by one training"
        return f"Over {over}, {spans} (95 % of them)."

    def _deviation_words(self) -> str:
        said = {name: each for name, each in self.sets.items() if name != self.reference} or self.sets
        by_draw = {name: each.draw_deviation for name, each in said.items() if not each.is_whole}
        by_training = {name: each.training_deviation or 0.0 for name, each in said.items() if self.is_retrained}
        parts = [f"another draw moves {_moved(by_draw)}"] if by_draw else []
        if by_training and by_training.keys() == by_draw.keys():
            # The same sets again: their numbers are enough.
            parts.append(f"another training by {listed([points(each) for each in by_training.values()])}")
        elif by_training:
            parts.append(f"another training moves {_moved(by_training)}")
        return f"{capital(', '.join(parts))} (standard deviations, in percentage points)." if parts else ""

    def _order_words(self) -> str:
        others = {name: each.reference_ahead for name, each in self.sets.items() if each.reference_ahead is not None}
        if not others:
            return ""
        shares = listed([f"of {plural(name)} in {percent(share)}" for name, share in others.items()])
        pairs = len(self.seeds) * self.draws
        what = "pairs of training and draw" if self.draws > 1 and self.is_retrained else "repeats"
        return f"{capital(plural(self.reference))} are ahead {shares} of the {pairs:,} {what}."


def _span(each: SetLuck) -> str:
    low, high = each.span
    return f"{percent(low)} and {percent(high)}"


def percent(share: float) -> str:
    """Return a share (0 to 1) in whole percent; all and none are said of nothing else."""
    whole = round(100 * share)
    if whole == 100 and share < 1:
        return "over 99 %"
    return "under 1 %" if whole == 0 and share > 0 else f"{whole} %"


def points(deviation: float) -> str:
    """Return a standard deviation (0 to 1) in whole percentage points."""
    whole = round(100 * deviation)
    return str(whole) if whole else "less than 1"


def _moved(deviations: Mapping[str, float]) -> str:
    return listed([f"{plural(name)} by {points(each)}" for name, each in deviations.items()])


def _numbers(values: set[int]) -> list[str]:
    return [str(value) for value in sorted(values)]


def blocks(result: LuckResult, comparison: Comparison) -> list[Block]:
    """Return how far the comparison moves, as text, table and figure."""
    rows, dots = [], []
    for name, each in result.sets.items():
        right = sorted(training.accuracy for training in each.trainings)
        cells = (
            Cell(f"all {each.n:,}" if each.is_whole else f"{each.size:,} of {each.n:,}"),
            Cell(exact_percent(each.observed)),
            Cell(exact_percent(each.quantiles[2]), span(each.span)),
            Cell("–" if each.is_whole else f"{100 * each.draw_deviation:.1f}"),
            Cell("–" if each.training_deviation is None else f"{100 * each.training_deviation:.1f}"),
            Cell(percent(right[0]) if right[0] == right[-1] else f"{percent(right[0])} to {percent(right[-1])}"),
            Cell("–" if each.reference_ahead is None else percent(each.reference_ahead)),
        )
        rows.append(Row(name, cells, colour=colour_of_set(name)))
        dots.append(Dot(name, each.observed, each.span, colour_of_set(name), is_leading=True))
    head = (
        "Pictures", "This comparison", "Middle of all", "Another draw", "Another training", "Right of all",
        f"{capital(plural(result.reference))} ahead",
    )  # fmt: skip
    table = Table(
        "The comparison repeated", "Set", head, tuple(rows),
        note="Middle of all: the median, and where 95 % of the repeats lie, or all of them where every picture is "
        "used. Another draw, another training: standard deviations in percentage points. Right of all: the share right "
        "over all pictures, from the least to the best training.",
    )  # fmt: skip
    seeds = f" Training seeds {listed([str(seed) for seed in result.seeds])}." if result.is_retrained else ""
    own = result.own_sentence()
    chart = DotChart(
        alt=f"What this comparison found for each set, within where its repeats lie. {own}",
        axis="Mean correct-class confidence",
        dots=tuple(dots),
        guide=Guide(result.chance, "chance"),
    )
    return [
        Text(result.sentence(), "finding"),
        Text(f"{own}{seeds}{_left_out(result)}"),
        table,
        Figure("What this comparison found (dot), and where its repeats lie (line).", (chart,)),
    ]


def _left_out(result: LuckResult) -> str:
    said = ""
    for name, each in result.sets.items():
        if each.unreadable:
            said += f" {count(each.unreadable, 'picture')} of {plural(name)} cannot be read and left out."
        if each.trained_on:
            said += f" {count(each.trained_on, 'picture')} of {plural(name)} left out: the run was trained on them."
    return said
