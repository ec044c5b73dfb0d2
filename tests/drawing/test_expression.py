"""Expressions: their ranges, their parts, and that each parameter can be seen."""

import random
from dataclasses import fields

import pytest

from emotion.drawing.expression import NEUTRAL, PARTS, RANGES, Expression, expression_of
from emotion.drawing.identity import SPECIES, identity_of
from emotion.drawing.portrait import draw
from emotion.labels import EMOTIONS

# Parameters that show only together with another: teeth need an open mouth.
_BESIDE = {"teeth": {"mouth_opening": 0.6}}


@pytest.mark.parametrize("name", [field.name for field in fields(Expression)])
def test_every_parameter_changes_the_picture_of_some_species(name):
    base = Expression(**_BESIDE.get(name, {}))
    low, high = RANGES[name]
    changed = Expression(**{**base.to_json(), name: high if getattr(NEUTRAL, name) != high else low})
    assert any(
        draw(species, identity, base, 5).tobytes() != draw(species, identity, changed, 5).tobytes()
        for species in SPECIES
        for identity in [identity_of(species, seed=5)]
    )


def test_without_puts_a_part_back_to_neutral_and_keeps_the_rest():
    angry = expression_of("angry", species="dog", strength=1, rng=random.Random(1))
    calm_mouth = angry.without("mouth")
    assert all(getattr(calm_mouth, name) == getattr(NEUTRAL, name) for name in PARTS["mouth"])
    assert all(getattr(calm_mouth, name) == getattr(angry, name) for name in PARTS["brows"] + PARTS["eyes"])
    assert angry.without(*PARTS) == NEUTRAL


def test_parts_hold_every_parameter_once():
    named = [name for part in PARTS.values() for name in part]
    assert sorted(named) == sorted(field.name for field in fields(Expression)) == sorted(RANGES)


@pytest.mark.parametrize("species", SPECIES)
@pytest.mark.parametrize("emotion", EMOTIONS)
def test_expressions_stay_in_range_vary_and_survive_json(species, emotion):
    rng = random.Random(3)
    drawn = [expression_of(emotion, species=species, strength=rng.uniform(0.6, 1.2), rng=rng) for _ in range(30)]
    for expression in drawn:
        assert all(low <= getattr(expression, name) <= high for name, (low, high) in RANGES.items())
        assert Expression.from_json(expression.to_json()) == expression
    assert len(set(drawn)) == len(drawn)


def test_strength_scales_an_expression():
    faint, full = (expression_of("happy", species="cat", strength=s, rng=random.Random(8)) for s in (0.3, 1.0))
    assert 0 < faint.mouth_curve < full.mouth_curve
