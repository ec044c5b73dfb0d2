"""A cat's head and shoulders in any expression."""

from __future__ import annotations

from emotion.faces.canvas import Canvas
from emotion.faces.expression import Expression
from emotion.faces.eyes import Brow, Eye, draw_brow, draw_eye
from emotion.faces.identity import CatIdentity
from emotion.faces.muzzle import Muzzle, draw_muzzle
from emotion.faces.palette import WHITE, brightness, darker, lighter, mix
from emotion.faces.pets import draw_body, draw_collar, fur
from emotion.faces.scene import Scene
from emotion.faces.shapes import Point, Points, flipped, mirrored, moved, smooth, turned


def draw_cat(canvas: Canvas, cat: CatIdentity, expression: Expression, scene: Scene) -> None:
    """Draw ``cat`` around (0, 0) in the head's frame."""
    with canvas.shifted(*scene.shift(-0.4)):
        for side in (-1.0, 1.0):
            _draw_ear(canvas, cat, expression, side)
    _draw_head(canvas, cat, scene)
    with canvas.shifted(*scene.shift(0.7)):
        for side in (-1.0, 1.0):
            draw_eye(canvas, _eye(cat, side), expression)
    with canvas.shifted(*scene.shift(1.0)):
        draw_muzzle(canvas, _muzzle(cat), expression)
        _draw_whiskers(canvas, cat, expression)
    with canvas.shifted(*scene.shift(0.7)):
        for side in (-1.0, 1.0):
            draw_brow(canvas, _brow(cat, side), expression)


def draw_cat_body(canvas: Canvas, cat: CatIdentity) -> None:
    """Draw the body below the head."""
    chest = cat.second if cat.pattern in ("tuxedo", "tabby", "calico") else lighter(cat.coat, 0.3)
    draw_body(canvas, cat.coat, chest, width=0.78, fluff=cat.fluff)
    draw_collar(canvas, cat.collar, y=0.90, width=0.58 + 0.08 * cat.fluff, tag="bell" if cat.bell else "")


def _draw_head(canvas: Canvas, cat: CatIdentity, scene: Scene) -> None:
    wide = cat.head_width
    right: list[Point] = [
        (0.0, -0.66),
        (0.36 * wide, -0.65),
        (0.70 * wide, -0.44),
        (0.88 * wide, -0.04),
        (0.89 * wide, 0.24),
        (0.70 * wide, 0.54),
        (0.36 * wide, 0.71),
        (0.0, 0.76),
    ]
    head = fur(right, 0.4 + 0.6 * cat.fluff, tufts=(4, 5))
    canvas.part(head, cat.coat)
    with canvas.clip(head), canvas.shifted(*scene.shift(0.5)):
        if cat.pattern == "tabby":
            _draw_stripes(canvas, cat)
        elif cat.pattern == "tuxedo":
            blaze = [(0.0, -0.3), (0.06, -0.2), (0.12, 0.05), (0.42, 0.4), (0.5, 0.8), (0.0, 0.9)]
            canvas.mark(smooth(mirrored(blaze)), cat.second)
        elif cat.pattern == "calico":
            canvas.mark(
                smooth([(0.05, -0.8), (0.7, -0.7), (0.9, -0.1), (0.62, 0.24), (0.3, 0.1), (0.12, -0.3)]), cat.dark
            )
            canvas.mark(
                smooth([(-0.1, -0.8), (-0.9, -0.7), (-0.8, -0.2), (-0.5, -0.22), (-0.25, -0.4)]), darker(cat.dark, 0.55)
            )
        elif cat.pattern == "points":
            mask = [(0.0, -0.28), (0.26, -0.2), (0.5, 0.1), (0.44, 0.5), (0.0, 0.72)]
            canvas.glow(smooth(mirrored(mask)), darker(cat.coat, 0.45), alpha=0.8, blur=0.12)


def _draw_stripes(canvas: Canvas, cat: CatIdentity) -> None:
    for x, tip in ((0.0, -0.4), (-0.15, -0.44), (0.15, -0.44)):
        canvas.line([(x * 1.15, -0.72), (x, (tip - 0.72) / 2), (x * 0.85, tip)], cat.dark, 0.075, taper=-0.8)
    for side in (-1, 1):
        for y, reach in ((0.08, 0.62), (0.25, 0.6), (0.41, 0.58)):
            stripe = [(side * 0.95, y - 0.02), (side * 0.78, y + 0.01), (side * reach, y + 0.0)]
            canvas.line(stripe, cat.dark, 0.065, taper=-0.8)


def _around_eye(cat: CatIdentity, side: float) -> tuple[int, int, int]:
    if cat.pattern == "calico" and side > 0:
        return cat.dark
    if cat.pattern == "points":
        return darker(cat.coat, 0.36)
    return cat.coat


def _eye(cat: CatIdentity, side: float) -> Eye:
    size = cat.eye_size
    return Eye(
        x=side * 0.36,
        y=0.02,
        side=side,
        width=0.205 * size,
        height=0.185 * size,
        roundness=0.55,
        tilt=0.14,
        skin=_around_eye(cat, side),
        white=lighter(cat.iris, 0.25),
        iris=cat.iris,
        iris_size=1.0,
        slit=0.5,
        lash=0.05,
    )


def _brow(cat: CatIdentity, side: float) -> Brow:
    around = _around_eye(cat, side)
    return Brow(
        x=side * 0.35,
        y=-0.27,
        side=side,
        length=0.11,
        weight=0.075,
        taper=0.5,
        colour=lighter(around, 0.5) if brightness(around) < 0.5 else darker(around, 0.5),
    )


def _muzzle(cat: CatIdentity) -> Muzzle:
    colour = lighter(cat.coat, 0.5) if cat.pattern in ("solid", "points") else cat.second
    if cat.pattern == "points":
        colour = darker(cat.coat, 0.28)
    return Muzzle(
        top=0.16,
        nose_y=0.255,
        nose_width=0.095,
        lip_y=0.385,
        lip_width=0.26,
        width=0.33,
        drop=0.42,
        sag=0.055,
        fang=0.13,
        tongue=0.12,
        colour=colour,
        jaw=mix(colour, darker(colour, 0.25), 0.4),
        nose=cat.nose,
    )


def _draw_whiskers(canvas: Canvas, cat: CatIdentity, expression: Expression) -> None:
    colour = WHITE if brightness(cat.coat) < 0.8 else darker(cat.coat, 0.35)
    # Whiskers follow the corners of the mouth and fan out when the nose is pulled up.
    hang = -0.09 * expression.mouth_curve - 0.05 * expression.ear_lift
    for side in (-1, 1):
        for k in (-1, 0, 1):
            y = 0.37 + k * 0.055
            fan = k * (0.10 + 0.08 * expression.nose_wrinkle)
            whisker = [(side * 0.27, y), (side * 0.6, y + fan * 0.6 + hang * 0.3), (side * 0.95, y + fan + hang + 0.03)]
            canvas.line(smooth(whisker, closed=False), colour, 0.02, taper=-0.9, alpha=0.9)


def _draw_ear(canvas: Canvas, cat: CatIdentity, expression: Expression, side: float) -> None:
    """Draw an ear; it droops outwards, or turns back until flat."""
    lift, back = expression.ear_lift, expression.ear_back
    angle = 20 - 10 * max(lift, 0) + 42 * max(-lift, 0) + 50 * back
    tall = 0.62 * cat.ears * (1 + 0.05 * max(lift, 0) - 0.14 * back - 0.08 * max(-lift, 0))
    narrow = 1 - 0.12 * back
    root = (0.53 * cat.head_width, -0.36 + 0.06 * back)
    colour = cat.coat
    if cat.pattern == "points":
        colour = darker(cat.coat, 0.5)
    elif cat.pattern == "calico":
        colour = cat.dark if side > 0 else darker(cat.dark, 0.55)

    def placed(points: Points) -> Points:
        return flipped(moved(turned(points, angle), *root), side)

    outer = smooth(
        [
            (-0.34, 0.12),
            (-0.27 * narrow, -tall * 0.35),
            (-0.03, -tall),
            (0.04, -tall),
            (0.26 * narrow, -tall * 0.35),
            (0.32, 0.18),
        ]
    )
    canvas.part(placed(outer), colour)
    inner = smooth(
        [(-0.19, 0.05), (-0.16 * narrow, -tall * 0.3), (0.0, -tall * 0.78), (0.16 * narrow, -tall * 0.3), (0.19, 0.08)]
    )
    canvas.mark(placed(inner), mix(colour, (240, 160, 156), 0.6), alpha=1 - 0.75 * back)
    if cat.fold and back < 0.8:
        tip = smooth(
            [
                (-0.22, -tall * 0.42),
                (-0.04, -tall * 1.02),
                (0.05, -tall * 1.02),
                (0.24, -tall * 0.4),
                (0.08, -tall * 0.12),
                (-0.1, -tall * 0.14),
            ]
        )
        canvas.part(placed(tip), darker(colour, 0.1), depth=0.7)
