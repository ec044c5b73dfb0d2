"""A comparison's findings in sentences: gaps between species, collapses to one class, and warnings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from emotion.analysis.comparison import Comparison, Gap
from emotion.analysis.statistics import Difference
from emotion.core.format import capital, listed, percent, span
from emotion.core.intervals import wilson_interval
from emotion.core.labels import RELAXED_WARNING
from emotion.core.scored import SampleResult

PLURALS = {"human": "people", "dog": "dogs", "cat": "cats"}
Standing = Literal["above", "level", "below", "fallen back", "trained on"]
_VERBS: dict[Standing, str] = {
    "above": "better than guessing on",
    "level": "no better than guessing on",
    "below": "below guessing on",
    "fallen back": "one class for nearly all",
    "trained on": "trained on these very",
}
# A model collapses to a class if, with confidence, it calls more than half of the other classes' pictures so.
COLLAPSED_SHARE = 0.5
# A tiny gap would need an absurd number of pictures.
MOST_NEEDED = 100_000


@dataclass(frozen=True)
class Collapse:
    """``called`` of a set's ``n`` pictures that do not show ``label`` are predicted as ``label``.

    ``emotion`` is the one emotion they show, None for several.
    """

    set_name: str
    emotion: str | None
    label: str
    called: int
    n: int


def gaps_of(comparison: Comparison, emotion: str | None) -> list[Gap]:
    """Return the gaps of one emotion, or the pooled gaps for None; with a single emotion, None means that one."""
    emotions = comparison.emotions()
    wanted = emotions[0] if emotion is None and len(emotions) == 1 else emotion
    return [gap for gap in comparison.gaps if gap.emotion == wanted]


def collapses(comparison: Comparison, emotion: str | None = None) -> list[Collapse]:
    """Return the classes that the model collapses to, over all emotions or on one.

    A class counts if the 95 % Wilson interval of the share of other classes' pictures predicted as it exceeds one half.
    """
    found = []
    for name, result in comparison.results(emotion).items():
        for label in comparison.classes:
            others = [picture for picture in result.pictures if picture.label != label]
            called = sum(picture.predicted == label for picture in others)
            if others and wilson_interval(called, len(others))[0] > COLLAPSED_SHARE:
                shown = {picture.label for picture in others}
                found.append(Collapse(name, shown.pop() if len(shown) == 1 else None, label, called, len(others)))
    return found


def confusion(result: SampleResult, classes: list[str]) -> dict[str, dict[str, int]]:
    """Return how many pictures of each class (outer) were predicted as each class (inner)."""
    counts = Counter((picture.label, picture.predicted) for picture in result.pictures)
    shown = {picture.label for picture in result.pictures}
    return {label: {said: counts[label, said] for said in classes} for label in classes if label in shown}


def headline(comparison: Comparison, emotion: str | None) -> tuple[str, str]:
    """Return two sentences: the hits against chance, and the mean confidences."""
    results = comparison.results(emotion)
    (first, one), *others = results.items()
    hits = [f"{one.correct} of {one.n} {plural(first)} right"]
    hits += [f"{each.correct} of {each.n} {plural(name)}" for name, each in others]
    fallen = {each.set_name for each in collapses(comparison, emotion)}
    sets: dict[Standing, list[str]] = {}
    for name, result in results.items():
        sets.setdefault(_standing(result, comparison.chance, is_fallen=name in fallen), []).append(plural(name))
    worth = [f"{verb} {listed(sets[at])}" for at, verb in _VERBS.items() if at in sets]
    means = [
        f"{percent(each.correct_confidence)} for {plural(name)} ({span(each.correct_confidence_interval)})"
        for name, each in results.items()
    ]
    return (
        f"{', '.join(hits)}: {', '.join(worth)}.",
        f"The correct class gets {listed(means)} on average; guessing gets {percent(comparison.chance)}.",
    )


def _standing(result: SampleResult, chance: float, *, is_fallen: bool) -> Standing:
    """Return how the hits compare with guessing, by their interval, unless something else explains them."""
    if result.is_trained_on:
        return "trained on"
    if is_fallen:
        return "fallen back"
    low, high = result.accuracy_interval
    return "above" if low > chance else "below" if high < chance else "level"


def gap_sentence(gap: Gap) -> str:
    """Return the gap between two species and whether chance could explain it."""
    found, ours, theirs = gap.difference, plural(gap.reference), plural(gap.other)
    low, high = (round(100 * bound) for bound in found.interval)
    points = round(100 * abs(found.gap))
    unit, side = "point" if points == 1 else "points", "above" if found.gap >= 0 else "below"
    where = f"{points} {unit} {side}" if points else "level with"
    what = f" on “{gap.emotion}”" if gap.emotion else ""
    one, other = gap.sizes
    sizes = f"{one} pictures each" if one == other else f"{one} and {other} pictures"
    apart = f"{capital(ours)} {where} {theirs}{what} (95 %: {low} to {high})"
    telling = f"with {sizes}, gaps under about {max(1, round(100 * found.telling))} points cannot be told from luck"
    if found.is_told:
        return f"{apart}; {telling}."
    needed = _needed(found)
    more = f" To tell a gap of this size, about {needed} pictures each are needed." if needed else ""
    return f"{apart}, which luck alone can do: {telling}.{more}"


def details_sentence(gap: Gap) -> str:
    """Return the test, the effect size and the sample size needed."""
    found = gap.difference
    corrected = f", {_p(gap.adjusted_p_value)} corrected" if gap.adjusted_p_value != found.p_value else ""
    pairs = f"in {found.superiority * 100:.0f} % of pairs the {gap.reference} picture gets the higher one"
    needed = _needed(found)
    more = f"; to tell such a gap four times in five takes about {needed} pictures a set" if needed else ""
    return f"Permutation test: {_p(found.p_value)}{corrected}; {pairs}{more}."


def caveats(comparison: Comparison, emotion: str | None) -> list[str]:
    """Return the warnings on the results of one emotion, or of all for None."""
    found = []
    for each in collapses(comparison, emotion):
        who = plural(each.set_name)
        shown = f"{each.emotion} {who}" if each.emotion else f"{who} that are not {each.label}"
        found.append(
            f"{each.called} of {each.n} {shown} are called {each.label}: the model is not reading {who}, it falls back "
            "to one class."
        )
    results = comparison.results(emotion)
    found += [
        f"Half or more of the probabilities of {plural(name)} lie against 0 or 1: the interval of their mean is too "
        "narrow; trust the hits."
        for name, result in results.items()
        if result.is_piled_up
    ]
    found += [
        f"The run was trained on these very pictures of {plural(name)}: what comes out says how well it remembers "
        "them, not how well it reads others."
        for name, result in results.items()
        if result.is_trained_on
    ]
    return [*found, *([RELAXED_WARNING] if comparison.relaxed_as_tired else [])]


def plural(name: str) -> str:
    """Return the plural of a set's name: people, dogs, cats; other names unchanged."""
    first, _, rest = name.partition(" ")
    return f"{PLURALS.get(first, first)}{' ' + rest if rest else ''}"


def _needed(found: Difference) -> str:
    return f"{found.needed:,}" if found.needed is not None and found.needed <= MOST_NEEDED else ""


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}" if value < 0.1 else f"p = {value:.2f}"
