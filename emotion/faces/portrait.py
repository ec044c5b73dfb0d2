"""A finished picture from an identity, an expression and a scene."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from PIL import Image

from emotion.faces.canvas import Canvas
from emotion.faces.cat import draw_cat, draw_cat_body
from emotion.faces.dog import draw_dog, draw_dog_body
from emotion.faces.expression import Expression
from emotion.faces.human import draw_hair_of_body, draw_human
from emotion.faces.identity import CatIdentity, DogIdentity, HumanIdentity, Identity
from emotion.faces.scene import background_of, lit, plain_background, scene_of
from emotion.faces.wear import draw_clothes

# The head of each species: its centre and half its height, in finished pixels.
_PLACES: dict[str, tuple[float, float, float]] = {
    "human": (112, 108, 67),
    "dog": (112, 106, 75),
    "cat": (112, 112, 80),
}


def draw(species: str, identity: Identity, expression: Expression, seed: int, *, plain: bool = False) -> Image.Image:
    """Draw ``identity`` with ``expression``; pose, light and background come from ``seed`` alone.

    Returns a picture of 224 x 224 pixels, with the same bits for the same arguments. ``plain`` leaves out the backdrop.
    """
    return next(draw_series(species, identity, [expression], seed, plain=plain))


def draw_series(
    species: str, identity: Identity, expressions: Iterable[Expression], seed: int, *, plain: bool = False
) -> Iterator[Image.Image]:
    """Draw one individual in one scene with a series of expressions, each as ``draw`` does.

    All that is behind the head is drawn only once.
    """
    scene = scene_of(seed)
    background = plain_background() if plain else background_of(scene, style=identity.style)
    canvas = Canvas(background, style=identity.style, light=scene.light)
    x, y, unit = _PLACES[species]
    x, y, unit = x + scene.x, y + scene.y, unit * scene.zoom
    with canvas.frame(x=x, y=y, unit=unit, turn=scene.turn * 0.2):
        if isinstance(identity, HumanIdentity):
            draw_hair_of_body(canvas, identity)
            draw_clothes(canvas, identity)
        elif isinstance(identity, DogIdentity):
            draw_dog_body(canvas, identity)
        else:
            draw_cat_body(canvas, identity)
    behind = canvas.image
    for expression in expressions:
        canvas.image = behind.copy()
        with canvas.frame(x=x, y=y, unit=unit, turn=scene.turn):
            if isinstance(identity, HumanIdentity):
                draw_human(canvas, identity, expression, scene)
            elif isinstance(identity, DogIdentity):
                draw_dog(canvas, identity, expression, scene)
            elif isinstance(identity, CatIdentity):
                draw_cat(canvas, identity, expression, scene)
        yield lit(canvas.finished(), scene.warmth)
