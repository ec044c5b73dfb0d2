"""Cues: one parameter of an expression moved over its range while all the rest of the face stands still."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from PIL import Image

from emotion.core.errors import ConfigError
from emotion.core.labels import EMOTIONS
from emotion.faces.expression import NEUTRAL, Expression
from emotion.faces.faces_set import SETS, Drawing, drawings_of
from emotion.faces.identity import SPECIES
from emotion.faces.moods import MOODS

# One of each style and one more: as many as a click's few seconds allow on two cores.
INDIVIDUALS = 5
NEUTRAL_BASE = "neutral"
BASES: tuple[str, ...] = (NEUTRAL_BASE, *EMOTIONS)
_WAYS = (-1.0, -0.5, 0.0, 0.5, 1.0)
_AMOUNTS = (0.0, 0.25, 0.5, 0.75, 1.0)
_ANIMALS = ("dog", "cat")


@dataclass(frozen=True)
class Cue:
    """A parameter of ``Expression``, how its two ends are called, and the values that it is shown at.

    ``beside`` are other parameters that must reach a least value for it to be seen, such as an open mouth for teeth.
    """

    name: str
    title: str
    low: str
    high: str
    values: tuple[float, ...] = _AMOUNTS
    species: tuple[str, ...] = SPECIES
    beside: tuple[tuple[str, float], ...] = ()


_ALL = (
    Cue("mouth_curve", "Mouth corners", "down", "up", _WAYS),
    Cue("mouth_opening", "Mouth opening", "closed", "wide open"),
    Cue("mouth_width", "Mouth width", "pursed", "stretched", _WAYS),
    Cue("teeth", "Teeth", "covered", "bared", beside=(("mouth_opening", 0.4),)),
    Cue("tongue", "Tongue", "inside", "out", beside=(("mouth_opening", 0.5),)),
    Cue("nose_wrinkle", "Nose", "smooth", "wrinkled"),
    Cue("brow_angle", "Brow angle", "inner ends up", "inner ends down", _WAYS),
    Cue("brow_height", "Brow height", "lowered", "raised", _WAYS),
    Cue("lid_opening", "Upper lids", "closed", "wide open", (0.0, 0.3, 0.65, 1.0, 1.3)),
    Cue("lid_squint", "Lower lids", "relaxed", "pushed up"),
    Cue("lid_slant", "Lid slant", "outer ends down", "inner ends down", _WAYS),
    Cue("tear", "Tears", "none", "large"),
    Cue("bags", "Rings under the eyes", "none", "dark"),
    Cue("ear_lift", "Ears", "drooping", "pricked", _WAYS, _ANIMALS),
    Cue("ear_back", "Ears laid back", "not at all", "flat", species=_ANIMALS),
)
CUES: dict[str, Cue] = {cue.name: cue for cue in _ALL}


def find_cue(name: str) -> Cue:
    """Return the cue of a name.

    Raises:
        ConfigError: there is none.
    """
    if name not in CUES:
        raise ConfigError(f"There is no cue {name!r}: choose one of {', '.join(CUES)}.")
    return CUES[name]


def base_of(base: str, *, species: str) -> Expression:
    """Return the face that a cue is moved on: a neutral one, or the most usual mood of an emotion at full strength.

    Raises:
        ConfigError: there is no such base.
    """
    if base == NEUTRAL_BASE:
        return NEUTRAL
    if base not in EMOTIONS:
        raise ConfigError(f"There is no face {base!r} to move a cue on: choose one of {', '.join(BASES)}.")
    # The first of the most usual ones.
    return Expression(**max(MOODS[species][base], key=lambda mood: mood[0])[1])


def expressions_of(cue: Cue, *, base: str, species: str) -> list[Expression]:
    """Return the base with the cue at each of its values."""
    face = base_of(base, species=species)
    beside = {name: max(getattr(face, name), least) for name, least in cue.beside}
    return [replace(face, **{**beside, cue.name: value}) for value in cue.values]


@lru_cache(maxsize=16)
def individuals(species: str, number: int = INDIVIDUALS) -> tuple[Drawing, ...]:
    """Return whom cues are shown on: the first of each style in the drawn evaluation set, then the others in order.

    Their identities and scenes count; which expression they have in the set does not.

    Raises:
        ConfigError: there are not as many.
    """
    chosen = next(each for each in SETS if each.species == species and each.name.endswith("_eval"))
    there = chosen.per_class * len(EMOTIONS)
    if not 0 < number <= there:
        raise ConfigError(f"{number} individuals a species cannot be drawn: choose from 1 to {there}.")
    firsts: dict[str, Drawing] = {}
    others: list[Drawing] = []
    for drawing in drawings_of(chosen):
        if firsts.setdefault(drawing.identity.style, drawing) is not drawing:
            others.append(drawing)
        if len(firsts) == len(chosen.styles) and len(firsts) + len(others) >= number:
            break
    found = (*firsts.values(), *others)[:number]
    if not 0 < number == len(found):
        raise ConfigError(
            f"{number} individuals of each species cannot be drawn: choose from 1 to {len(found) or 160}."
        )
    return found


def draw_cue(cue: Cue, *, base: str, individual: Drawing) -> Iterator[Image.Image]:
    """Draw an individual with the cue at each of its values.

    Raises:
        ConfigError: there is no such base.
    """
    expressions = expressions_of(cue, base=base, species=individual.species)
    from emotion.faces.portrait import draw_series

    return draw_series(individual.species, individual.identity, expressions, individual.seed)
