"""Faces of people, dogs and cats, drawn by this project's own code. Needs Pillow and nothing else."""

from emotion.drawing.expression import NEUTRAL, PARTS, RANGES, Expression, expression_of
from emotion.drawing.identity import SPECIES, Identity, identity_from_json, identity_of
from emotion.drawing.portrait import draw

__all__ = [
    "NEUTRAL",
    "PARTS",
    "RANGES",
    "SPECIES",
    "Expression",
    "Identity",
    "draw",
    "expression_of",
    "identity_from_json",
    "identity_of",
]
