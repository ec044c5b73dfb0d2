"""A dog's head and shoulders in any expression."""

from __future__ import annotations

from emotion.faces.canvas import Canvas
from emotion.faces.expression import Expression
from emotion.faces.eyes import Brow, Eye, draw_brow, draw_eye
from emotion.faces.identity import DogIdentity
from emotion.faces.muzzle import Muzzle, draw_muzzle
from emotion.faces.palette import INK, brightness, darker, lighter, mix
from emotion.faces.pets import draw_body, draw_collar, fur
from emotion.faces.scene import Scene
from emotion.faces.shapes import Point, Points, flipped, mirrored, moved, smooth, turned


def draw_dog(canvas: Canvas, dog: DogIdentity, expression: Expression, scene: Scene) -> None:
    """Draw ``dog`` around (0, 0) in the head's frame."""
    far = scene.shift(-0.5)
    with canvas.shifted(*far):
        for side in (-1.0, 1.0):
            if dog.ears in ("pricked", "tipped"):
                _draw_pricked(canvas, dog, expression, side)
    _draw_head(canvas, dog, scene)
    with canvas.shifted(*scene.shift(0.0)):
        for side in (-1.0, 1.0):
            if dog.ears in ("floppy", "long"):
                _draw_hanging(canvas, dog, expression, side)
    with canvas.shifted(*scene.shift(0.8)):
        for side in (-1.0, 1.0):
            draw_eye(canvas, _eye(dog, side), expression)
    with canvas.shifted(*scene.shift(1.2)):
        draw_muzzle(canvas, _muzzle(dog), expression)
    with canvas.shifted(*scene.shift(0.8)):
        for side in (-1.0, 1.0):
            draw_brow(canvas, _brow(dog, side), expression)


def draw_dog_body(canvas: Canvas, dog: DogIdentity) -> None:
    """Draw the body below the head."""
    draw_body(canvas, dog.coat, dog.second, width=0.86 * dog.head_width, fluff=dog.fluff)
    draw_collar(canvas, dog.collar, y=0.98, width=0.60 + 0.08 * dog.fluff, tag="tag" if dog.tag else "")


def _draw_head(canvas: Canvas, dog: DogIdentity, scene: Scene) -> None:
    wide = dog.head_width
    right: list[Point] = [
        (0.0, -0.84),
        (0.36 * wide, -0.81),
        (0.64 * wide, -0.56),
        (0.73 * wide, -0.16),
        (0.75 * wide, 0.22),
        (0.58 * wide, 0.58),
        (0.30 * wide, 0.80),
        (0.0, 0.85),
    ]
    head = fur(right, dog.fluff, tufts=(4, 5))
    canvas.part(head, dog.coat)
    with canvas.clip(head), canvas.shifted(*scene.shift(0.6)):
        if dog.patch:
            patch = smooth([(0.16, -0.5), (0.42, -0.56), (0.64, -0.28), (0.6, 0.12), (0.36, 0.2), (0.16, -0.06)])
            canvas.mark(flipped(patch, dog.patch), dog.dark)
        if dog.blaze:
            half = 0.13 * dog.blaze
            blaze = [(0.0, -0.95), (half * 1.3, -0.9), (half, -0.4), (half * 1.5, 0.1), (0.4, 0.4), (0.0, 0.6)]
            canvas.mark(smooth(mirrored(blaze)), dog.second)
        cheeks = [(0.0, 0.1), (0.4, 0.2), (0.62, 0.45), (0.5, 0.9), (0.0, 1.0)]
        if not dog.mask:
            canvas.mark(smooth(mirrored(cheeks)), dog.second)
    if dog.fluff > 0.6:
        tuft = [
            (-0.2, -0.76),
            (-0.12, -0.98),
            (-0.02, -0.86),
            (0.05, -1.02),
            (0.12, -0.86),
            (0.24, -0.92),
            (0.2, -0.72),
        ]
        canvas.mark(smooth([*tuft, (0.0, -0.6)], steps=6), dog.second if dog.blaze else dog.coat)


def _lid_colour(dog: DogIdentity, side: float) -> tuple[int, int, int]:
    return dog.dark if dog.patch == side else dog.coat


def _eye(dog: DogIdentity, side: float) -> Eye:
    size = dog.eye_size
    return Eye(
        x=side * 0.34,
        y=-0.13,
        side=side,
        width=0.175 * size,
        height=0.165 * size,
        roundness=0.52,
        tilt=0.1,
        skin=_lid_colour(dog, side),
        white=(250, 244, 236),
        iris=dog.iris,
        iris_size=0.88,
        slit=1.0,
        lash=0.045,
    )


def _brow(dog: DogIdentity, side: float) -> Brow:
    around = _lid_colour(dog, side)
    pale = brightness(around) < 0.5
    return Brow(
        x=side * 0.33,
        y=-0.39,
        side=side,
        length=0.12,
        weight=0.115,
        taper=0.3,
        colour=lighter(around, 0.55) if pale else darker(around, 0.55),
    )


def _muzzle(dog: DogIdentity) -> Muzzle:
    size = dog.muzzle
    colour = darker(dog.dark, 0.25) if dog.mask else dog.second
    return Muzzle(
        top=0.06,
        nose_y=0.20,
        nose_width=0.17 * size,
        lip_y=0.47,
        lip_width=0.38 * size,
        width=0.43 * size,
        drop=0.46,
        sag=0.07,
        fang=0.175,
        tongue=0.5,
        colour=colour,
        jaw=mix(colour, darker(colour, 0.3), 0.5),
        nose=mix(INK, dog.dark, 0.15),
    )


def _draw_pricked(canvas: Canvas, dog: DogIdentity, expression: Expression, side: float) -> None:
    """Draw a pricked ear; laid back, it turns out and narrows."""
    lift, back = expression.ear_lift, expression.ear_back
    angle = 14 - 12 * max(lift, 0) + 48 * max(-lift, 0) + 62 * back
    narrow = 1 - 0.3 * back
    root = (0.44 * dog.head_width, -0.52)
    tall = 0.68 * (1 - 0.12 * back + 0.06 * max(lift, 0))
    outer = smooth(
        [(-0.27, 0.12), (-0.24 * narrow, -0.2), (-0.03, -tall), (0.04, -tall), (0.25 * narrow, -0.2), (0.27, 0.14)]
    )
    inner = smooth([(-0.13, 0.05), (-0.12 * narrow, -0.2), (0.0, -tall * 0.78), (0.12 * narrow, -0.2), (0.13, 0.05)])

    def placed(points: Points) -> Points:
        return flipped(moved(turned(points, angle), *root), side)

    colour = dog.coat if dog.patch == -side else dog.dark
    canvas.part(placed(outer), colour)
    if back < 0.7:
        canvas.mark(placed(inner), mix(colour, (236, 160, 150), 0.55), alpha=1 - back * 0.9)
    if dog.ears == "tipped" and back < 0.75:
        tip = smooth(
            [
                (-0.16, -tall * 0.52),
                (-0.03, -tall * 1.0),
                (0.06, -tall * 1.0),
                (0.2, -tall * 0.5),
                (0.12, -tall * 0.24),
                (0.0, -tall * 0.3),
            ]
        )
        canvas.part(placed(tip), darker(colour, 0.12), depth=0.7)


def _draw_hanging(canvas: Canvas, dog: DogIdentity, expression: Expression, side: float) -> None:
    """Draw a hanging ear; lifted, it swings out; laid back, it flies behind."""
    lift, back = expression.ear_lift, expression.ear_back
    length = (0.92 if dog.ears == "long" else 0.70) * (1 - 0.22 * back)
    broad = (0.25 if dog.ears == "long" else 0.23) * (1 - 0.25 * back)
    angle = -8 - 30 * max(lift, 0) + 7 * max(-lift, 0) - 62 * back
    drop = 0.10 * max(-lift, 0) - 0.04 * max(lift, 0)
    root = (0.58 * dog.head_width, -0.60 + drop)
    leaf = smooth(
        [
            (-0.20, -0.04),
            (0.02, -0.13),
            (0.19, 0.02),
            (broad * 1.1, length * 0.45),
            (broad * 0.85, length * 0.88),
            (0.02, length),
            (-broad * 0.75, length * 0.8),
            (-broad * 0.8, length * 0.4),
        ]
    )
    placed = flipped(moved(turned(leaf, angle), *root), side)
    canvas.part(placed, dog.coat if dog.patch == -side else dog.dark)
