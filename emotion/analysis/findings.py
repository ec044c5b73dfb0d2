"""A comparison's findings in sentences: gaps between species, collapses to one class, and warnings."""

from __future__ import annotations

from dataclasses import dataclass

from emotion.analysis.comparison import Comparison, Gap
from emotion.core.format import capital, listed, p_value, percent, span
from emotion.core.intervals import wilson_interval
from emotion.core.labels import RELAXED_WARNING
from emotion.core.scored import SampleResult

PLURALS = {"human": "people", "dog": "dogs", "cat": "cats"}
# A model collapses to a class if, with confidence, it calls more than half of the other classes' pictures so.
COLLAPSED_SHARE = 0.5


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


def headline(comparison: Comparison, emotion: str | None) -> tuple[str, str]:
    """Return two sentences: the hits against chance, and the mean confidences."""
    fallen = {each.set_name for each in collapses(comparison, emotion)}
    hits: list[str] = []
    means: list[str] = []
    worth: dict[str, list[str]] = {}
    for name, each in comparison.results(emotion).items():
        who = plural(name)
        hits.append(f"{each.correct} of {each.n} {who}{'' if hits else ' right'}")
        means.append(f"{percent(each.correct_confidence)} for {who} ({span(each.correct_confidence_interval)})")
        worth.setdefault(_worth(each, comparison.chance, is_fallen=name in fallen), []).append(who)
    verdicts = [f"{verdict} {listed(who)}" for verdict, who in worth.items()]
    return (
        f"{', '.join(hits)}: {', '.join(verdicts)}.",
        f"The correct class gets {listed(means)} on average; guessing gets {percent(comparison.chance)}.",
    )


def _worth(result: SampleResult, chance: float, *, is_fallen: bool) -> str:
    """Return how the hits compare with guessing, by their interval, unless something else explains them."""
    low, high = result.accuracy_interval
    if result.is_trained_on:
        return "trained on these very"
    if is_fallen:
        return "one class for nearly all"
    if low > chance:
        return "better than guessing on"
    return "below guessing on" if high < chance else "no better than guessing on"


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
    more = f" To tell a gap of this size, about {found.needed:,} pictures each are needed." if found.needed else ""
    return f"{apart}, which luck alone can do: {telling}.{more}"


def details_sentence(gap: Gap) -> str:
    """Return the test and the effect size."""
    found = gap.difference
    p, corrected = (f"p {'' if p < 0.001 else '= '}{p_value(p)}" for p in (found.p_value, gap.adjusted_p_value))
    pairs = f"in {found.superiority * 100:.0f} % of pairs the {gap.reference} picture gets the higher one"
    return f"Permutation test: {p}{f', {corrected} corrected' if corrected != p else ''}; {pairs}."


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
    for name, result in comparison.results(emotion).items():
        if result.is_piled_up:
            found.append(
                f"Half or more of the probabilities of {plural(name)} lie against 0 or 1: the interval of their mean "
                "is too narrow; trust the hits."
            )
        if result.is_trained_on:
            found.append(
                f"The run was trained on these very pictures of {plural(name)}: what comes out says how well it "
                "remembers them, not how well it reads others."
            )
    return [*found, *([RELAXED_WARNING] if comparison.relaxed_as_tired else [])]


def plural(name: str) -> str:
    """Return the plural of a set's name: people, dogs, cats; other names unchanged."""
    first, space, rest = name.partition(" ")
    return f"{PLURALS.get(first, first)}{space}{rest}"
