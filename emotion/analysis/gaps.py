"""How far species lie apart, with permutation tests that are corrected for their number."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from emotion.analysis.difference import Difference, adjusted, difference
from emotion.core.scored import SampleResult

REFERENCE = "human"


@dataclass(frozen=True)
class Gap:
    """The mean correct-class confidence of ``reference`` minus that of ``other``, for one emotion or all (None).

    ``sizes`` are the numbers of pictures; ``adjusted_p_value`` is corrected for all gaps of the comparison of its kind.
    """

    reference: str
    other: str
    emotion: str | None
    sizes: tuple[int, int]
    difference: Difference
    adjusted_p_value: float


def first_of_people(names: Collection[str]) -> str:
    """Return the set that the others are held against: the first of people, else the first."""
    return next((name for name in names if name.startswith(REFERENCE)), next(iter(names)))


def find_gaps(results: Mapping[str | None, Mapping[str, SampleResult]], *, reference: str, seed: int) -> list[Gap]:
    """Return the gap between ``reference`` and each other set, by emotion; None stands for all emotions together.

    P-values are corrected over the emotions and sets, and over the sets where all emotions are taken together.
    """
    each = [gap for emotion in results if emotion for gap in _gaps(results[emotion], emotion, reference, seed)]
    together = _gaps(results[None], None, reference, seed) if None in results else []
    return _corrected(each) + _corrected(together)


def _gaps(results: Mapping[str, SampleResult], emotion: str | None, reference: str, seed: int) -> list[Gap]:
    found = []
    for other in results:
        if other == reference or reference not in results:
            continue
        first, second = ([each.correct_confidence for each in results[name].pictures] for name in (reference, other))
        against = difference(first, second, seed=seed)
        if against is not None:
            found.append(Gap(reference, other, emotion, (len(first), len(second)), against, against.p_value))
    return found


def _corrected(found: list[Gap]) -> list[Gap]:
    values = adjusted([gap.difference.p_value for gap in found])
    return [replace(gap, adjusted_p_value=value) for gap, value in zip(found, values, strict=True)]
