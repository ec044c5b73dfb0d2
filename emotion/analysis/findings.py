"""What a comparison shows: gaps between species, classes that a model falls back to, and the sentences for both."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from emotion.analysis.comparison import Comparison, Gap, first_of_people
from emotion.analysis.statistics import Difference
from emotion.core.format import capital, listed, percent, span
from emotion.core.intervals import wilson_interval
from emotion.core.labels import RELAXED_WARNING
from emotion.core.scored import SampleResult

PLURALS = {"human": "people", "dog": "dogs", "cat": "cats"}
Standing = Literal["above", "level", "below", "fallen back", "trained on"]
_VERBS: dict[Standing, str] = {
    "above": "better than guessing on",
    "level": "not told from guessing on",
    "below": "below guessing on",
    "fallen back": "one class for nearly all",
    "trained on": "trained on these very",
}
# A class is fallen back to where most of what is not of it, surely more than half, is called by its name.
COLLAPSED_SHARE = 0.5


@dataclass(frozen=True)
class Collapse:
    """``called`` of the ``n`` pictures of a set that do not show ``label`` are called ``label`` all the same.

    ``emotion`` is what all of them show, None for several.
    """

    set_name: str
    emotion: str | None
    label: str
    called: int
    n: int


def reference_of(comparison: Comparison) -> str:
    """Return the set that the others are held against: the first of people, else the first."""
    return first_of_people(comparison.sets)


def gaps_of(comparison: Comparison, emotion: str | None) -> list[Gap]:
    """Return the gaps of one emotion, or of all together for None; of a single emotion None means that one."""
    emotions = comparison.emotions()
    wanted = emotions[0] if emotion is None and len(emotions) == 1 else emotion
    return [gap for gap in comparison.gaps if gap.emotion == wanted]


def collapses(comparison: Comparison, emotion: str | None = None) -> list[Collapse]:
    """Return the classes that the model falls back to, over all emotions or where one is shown.

    A class counts where the 95 % Wilson interval of the share of the other classes' pictures that are called so lies
    above one half.
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
    """Return how many pictures of each class (outer) were called each class (inner)."""
    counts = Counter((picture.label, picture.predicted) for picture in result.pictures)
    shown = [label for label in classes if any(picture.label == label for picture in result.pictures)]
    return {label: {said: counts[label, said] for said in classes} for label in shown}


def standing(comparison: Comparison, emotion: str | None, name: str) -> Standing:
    """Return whether a sample's hits can be told from guessing by their interval.

    What was trained on is no test of anything, and who says one class only does not read.
    """
    result = comparison.results(emotion)[name]
    if result.is_trained_on:
        return "trained on"
    if any(each.set_name == name for each in collapses(comparison, emotion)):
        return "fallen back"
    low, high = result.accuracy_interval
    return "above" if low > comparison.chance else "below" if high < comparison.chance else "level"


def headline(comparison: Comparison, emotion: str | None) -> tuple[str, str]:
    """Return what counts in a sentence, the hits and what they are worth, and the means in another."""
    results = comparison.results(emotion)
    (first, one), *others = results.items()
    hits = [f"{one.correct} of {one.n} {plural(first)} right"]
    hits += [f"{each.correct} of {each.n} {plural(name)}" for name, each in others]
    sets: dict[Standing, list[str]] = {}
    for name in results:
        sets.setdefault(standing(comparison, emotion, name), []).append(plural(name))
    worth = [f"{verb} {listed(sets[at])}" for at, verb in _VERBS.items() if at in sets]
    means = [
        f"{percent(each.correct_confidence)} for {plural(name)} ({span(each.correct_confidence_interval)})"
        for name, each in results.items()
    ]
    return (
        f"{', '.join(hits)}: {', '.join(worth)}.",
        f"The correct class gets {listed(means)} on average; guessing gets {percent(comparison.chance)}.",
    )


def gap_sentence(gap: Gap) -> str:
    """Say how far two species lie apart and what that is worth."""
    found, ours, theirs = gap.difference, plural(gap.reference), plural(gap.other)
    low, high = (round(100 * bound) for bound in found.interval)
    points = round(100 * abs(found.gap))
    what = f" on “{gap.emotion}”" if gap.emotion else ""
    unit = "point" if points == 1 else "points"
    where = f"{points} {unit} {'above' if found.gap >= 0 else 'below'}" if points else "level with"
    sizes = (
        f"{gap.sizes[0]} pictures each" if len(set(gap.sizes)) == 1 else f"{gap.sizes[0]} and {gap.sizes[1]} pictures"
    )
    telling = f"with {sizes}, gaps under about {max(1, round(100 * found.telling))} points cannot be told from luck"
    if found.is_told:
        return f"{capital(ours)} {where} {theirs}{what} (95 %: {low} to {high}); {telling}."
    needed = (
        f" To tell a gap of this size, about {found.needed:,} pictures each are needed." if _is_askable(found) else ""
    )
    return (
        f"{capital(ours)} {where} {theirs}{what} (95 %: {low} to {high}), which luck alone can do: {telling}.{needed}"
    )


def details_sentence(gap: Gap) -> str:
    """Give the test, the effect size and the number of pictures it would take."""
    found = gap.difference
    pairs = f"in {found.superiority * 100:.0f} % of pairs the {gap.reference} picture gets the higher one"
    needed = (
        f"; to tell such a gap four times in five takes about {found.needed:,} pictures a set"
        if _is_askable(found)
        else ""
    )
    corrected = f", {_p(gap.adjusted_p_value)} corrected" if gap.adjusted_p_value != found.p_value else ""
    return f"Permutation test: {_p(found.p_value)}{corrected}; {pairs}{needed}."


def collapse_sentence(collapse: Collapse) -> str:
    """Warn that a model does not read a species but falls back to one class."""
    who = plural(collapse.set_name)
    shown = f"{collapse.emotion} {who}" if collapse.emotion else f"{who} that are not {collapse.label}"
    return (
        f"{collapse.called} of {collapse.n} {shown} are called {collapse.label}: "
        f"the model is not reading {who}, it falls back to one class."
    )


def piled_sentence(name: str) -> str:
    """Say that an interval is too narrow."""
    return (
        f"Half or more of the probabilities of {plural(name)} lie against 0 or 1: "
        "the interval of their mean is too narrow; trust the hits."
    )


def trained_on_sentence(name: str) -> str:
    """Say that a sample is no test."""
    return (
        f"The run was trained on these very pictures of {plural(name)}: "
        "what comes out says how well it remembers them, not how well it reads others."
    )


def caveats(comparison: Comparison, emotion: str | None) -> list[str]:
    """Return what nobody should pass over beside the results of one emotion, or of all for None."""
    results = comparison.results(emotion)
    return [
        *(collapse_sentence(each) for each in collapses(comparison, emotion)),
        *(piled_sentence(name) for name, result in results.items() if result.is_piled_up),
        *(trained_on_sentence(name) for name, result in results.items() if result.is_trained_on),
        *([RELAXED_WARNING] if comparison.relaxed_as_tired else []),
    ]


def plural(name: str) -> str:
    """Return how several of a set are called: people, dogs, cats, and other names as they are."""
    first, _, rest = name.partition(" ")
    return f"{PLURALS.get(first, first)}{' ' + rest if rest else ''}"


def _is_askable(found: Difference) -> bool:
    """Whether a number of pictures helps: for a gap of next to nothing it would be astronomical."""
    return found.needed is not None and found.needed <= 100_000


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}" if value < 0.1 else f"p = {value:.2f}"
