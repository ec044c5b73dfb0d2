"""The muzzle of a dog or a cat: nose, lips, jaw, fangs and tongue."""

from __future__ import annotations

import math
from dataclasses import dataclass

from emotion.faces.canvas import Canvas
from emotion.faces.expression import Expression
from emotion.faces.palette import INK, MOUTH, TONGUE, WHITE, Colour, darker, lighter, mix
from emotion.faces.shapes import Point, Points, ellipse, mirrored, smooth

_STEPS = 40


@dataclass(frozen=True)
class Muzzle:
    """A muzzle at rest, around x = 0."""

    top: float  # y where it leaves the forehead
    nose_y: float
    nose_width: float  # half its width
    lip_y: float  # y where the lips meet under the nose
    lip_width: float  # half the width of the mouth
    width: float  # half the width of the whole muzzle
    drop: float  # how far the jaw falls when wide open
    sag: float  # how far the lips hang on both sides
    fang: float
    tongue: float  # length of the tongue when out
    colour: Colour
    jaw: Colour
    nose: Colour


def draw_muzzle(canvas: Canvas, muzzle: Muzzle, expression: Expression) -> None:
    """Draw the whole muzzle, mouth first and nose last."""
    upper, lower = _lip_lines(muzzle, expression)
    gap = lower[_STEPS // 2][1] - upper[_STEPS // 2][1]
    _draw_jaw(canvas, muzzle, lower)
    open_wide = gap > 0.03
    if open_wide:
        _draw_inside(canvas, muzzle, upper, lower, expression)
    if expression.tongue > 0.05:
        _draw_tongue(canvas, muzzle, upper, lower, expression)
    if open_wide and expression.teeth > 0.05:
        _draw_upper_teeth(canvas, muzzle, upper, expression)
    _draw_pads(canvas, muzzle, upper, expression)
    ink = mix(INK, darker(muzzle.colour, 0.8), 0.35)
    rise = 0.05 * expression.nose_wrinkle
    canvas.line([(0, muzzle.nose_y - rise), (0, upper[_STEPS // 2][1])], ink, 0.04, taper=0)
    canvas.line(upper, ink, 0.05, taper=0.35)
    _draw_wrinkles(canvas, muzzle, expression)
    with canvas.shifted(0, muzzle.nose_y - rise):
        _draw_nose(canvas, muzzle, expression)


def _lip_lines(muzzle: Muzzle, expression: Expression) -> tuple[Points, Points]:
    curve, teeth = expression.mouth_curve, expression.teeth * expression.nose_wrinkle
    half = muzzle.lip_width * (1 + 0.3 * expression.mouth_width + 0.12 * max(curve, 0.0) + 0.1 * teeth)
    gap = muzzle.drop * expression.mouth_opening * (1 + 0.25 * max(0.0, -expression.mouth_width))
    # A yawn is an upright oval: its corners sink halfway to the jaw, and the lips no longer hang.
    oval = min(1.0, 2.0 * max(0.0, -expression.mouth_width)) * min(1.0, 1.6 * expression.mouth_opening)
    corner = muzzle.lip_y + muzzle.lip_width * (0.12 - curve * (0.62 if curve > 0 else 0.42)) + gap * 0.44 * oval
    # Bared teeth: the lips rise on both sides instead of hanging.
    hang = muzzle.sag * (1 - 0.4 * max(-curve, 0.0)) * (1 - oval) - 0.17 * teeth * muzzle.lip_width / 0.4
    upper, lower = [], []
    for step in range(_STEPS + 1):
        t = 2 * step / _STEPS - 1
        across = abs(t)
        bend = across**1.8 * (1 - oval) + (1 - (1 - across**2) ** 0.55) * oval
        y = muzzle.lip_y + (corner - muzzle.lip_y) * bend + hang * math.sin(math.pi * across**0.9)
        bowl = max(0.0, 1 - across ** (2.6 - 0.6 * oval)) ** (0.75 - 0.2 * oval)
        upper.append((t * half, y))
        lower.append(
            (t * half * (1 - 0.06 * bowl), max(y, corner + (muzzle.lip_y + gap - corner) * bowl) if gap else y)
        )
    return upper, lower


def _draw_jaw(canvas: Canvas, muzzle: Muzzle, lower: Points) -> None:
    middle = lower[_STEPS // 2][1]
    half = min(muzzle.lip_width, lower[-1][0] * 1.08)
    chin = [
        (0.0, muzzle.lip_y - 0.1),
        (half * 0.95, muzzle.lip_y - 0.05),
        (half * 0.86, (muzzle.lip_y + middle) / 2 + 0.03),
        (half * 0.55, middle + 0.09),
        (0.0, middle + 0.13),
    ]
    canvas.part(smooth(mirrored(chin)), muzzle.jaw, depth=0.6)


def _draw_inside(canvas: Canvas, muzzle: Muzzle, upper: Points, lower: Points, expression: Expression) -> None:
    opening = [*[(x, y - 0.05) for x, y in upper], *reversed(lower)]
    canvas.mark(opening, MOUTH)
    top, bottom = upper[_STEPS // 2][1], lower[_STEPS // 2][1]
    gap, half = bottom - top, upper[-1][0]
    with canvas.clip(opening):
        canvas.mark(ellipse(0, top, half * 0.8, gap * 0.5), darker(MOUTH, 0.5), alpha=0.6)
        if 0.02 < expression.tongue < 0.35:
            canvas.mark(ellipse(0, bottom + gap * 0.1, half * 0.6, gap * (0.3 + expression.tongue)), TONGUE)
        if expression.teeth > 0.05:
            size = muzzle.fang * expression.teeth * 0.8
            for k in (-2, -1, 0, 1, 2):
                x = k * half * 0.15
                canvas.mark(_tooth((x, bottom + 0.01), half * 0.075, -size * 0.42), WHITE)
            for side in (-1, 1):
                canvas.mark(_tooth((side * half * 0.5, bottom + 0.0), half * 0.12, -size), WHITE)
    ink = mix(INK, darker(muzzle.jaw, 0.8), 0.35)
    canvas.line(lower, ink, 0.035, taper=0.5)


def _draw_tongue(canvas: Canvas, muzzle: Muzzle, upper: Points, lower: Points, expression: Expression) -> None:
    if expression.tongue < 0.35 and lower[_STEPS // 2][1] - upper[_STEPS // 2][1] > 0.03:
        return
    top = upper[_STEPS // 2][1] + 0.02
    rim = lower[_STEPS // 2][1]
    gap = rim - top
    half = muzzle.lip_width * (0.42 + 0.06 * expression.tongue)
    reach = rim - 0.02 + muzzle.tongue * max(0.0, expression.tongue - 0.25)
    start = top + gap * 0.35
    outline = [
        (0.0, start),
        (half * 0.75, start + 0.02),
        (half, (start + reach) / 2),
        (half * 0.85, reach - half * 0.45),
        (0.0, reach),
    ]
    tongue = smooth(mirrored(outline))
    canvas.part(tongue, TONGUE, depth=0.5)
    canvas.line([(0, start + 0.06), (0, reach - half * 0.6)], darker(TONGUE, 0.22), 0.035, taper=0.5)


def _draw_upper_teeth(canvas: Canvas, muzzle: Muzzle, upper: Points, expression: Expression) -> None:
    half = upper[-1][0]
    size = muzzle.fang * expression.teeth

    def at(share: float) -> Point:
        x, y = upper[round((share + 1) / 2 * _STEPS)]
        return x, y - 0.02

    for k in (-3, -1, 1, 3):
        canvas.mark(_tooth(at(k * 0.09), half * 0.085, size * 0.5), WHITE)
    for side in (-1, 1):
        canvas.mark(_tooth(at(side * 0.8), half * 0.08, size * 0.45), WHITE)
        canvas.mark(_tooth(at(side * 0.66), half * 0.08, size * 0.5), WHITE)
        canvas.mark(_tooth(at(side * 0.46), half * 0.14, size * 1.2), WHITE)


def _tooth(root: Point, half: float, length: float) -> Points:
    x, y = root
    start = y - math.copysign(0.03, length)
    return smooth(
        [
            (x - half, start),
            (x + half, start),
            (x + half * 0.75, y + length * 0.4),
            (x, y + length),
            (x - half * 0.75, y + length * 0.4),
        ],
        steps=5,
    )


def _draw_pads(canvas: Canvas, muzzle: Muzzle, upper: Points, expression: Expression) -> None:
    corner_x, corner_y = upper[-1]
    top = muzzle.top - 0.04 * expression.nose_wrinkle
    middle = (top + muzzle.lip_y) / 2
    side = max(muzzle.width, corner_x + 0.03)
    right = smooth(
        [
            (0.0, top),
            (side * 0.52, top + (middle - top) * 0.45),
            (side * 0.93, middle + 0.04),
            (side, (middle + corner_y) / 2 + 0.05),
            (corner_x + 0.015, corner_y + 0.02),
        ],
        closed=False,
    )
    lips = list(reversed(upper))
    left = [(-x, y) for x, y in reversed(right)]
    canvas.part([*right, *lips, *left], muzzle.colour, depth=0.5, ink=False)


def _draw_wrinkles(canvas: Canvas, muzzle: Muzzle, expression: Expression) -> None:
    strength = expression.nose_wrinkle
    if strength < 0.08:
        return
    ink = darker(muzzle.colour, 0.62)
    y = muzzle.nose_y - 0.12 - 0.05 * strength
    for k in range(3):
        half = muzzle.nose_width * (0.95 + 0.12 * k)
        fold = [
            (-half, y + 0.035),
            (-half * 0.45, y - 0.02),
            (0, y + 0.015),
            (half * 0.45, y - 0.02),
            (half, y + 0.035),
        ]
        canvas.line(smooth(fold, closed=False), ink, 0.032, taper=0.7, alpha=min(1.0, strength))
        y -= 0.085


def _draw_nose(canvas: Canvas, muzzle: Muzzle, expression: Expression) -> None:
    half = muzzle.nose_width * (1 + 0.12 * expression.nose_wrinkle)
    tall = muzzle.nose_width * 0.72
    nose = smooth(
        mirrored(
            [
                (0.0, -tall * 0.75),
                (half * 0.62, -tall * 0.8),
                (half, -tall * 0.25),
                (half * 0.6, tall * 0.5),
                (0.0, tall),
            ]
        )
    )
    canvas.part(nose, muzzle.nose, depth=0.5)
    for side in (-1, 1):
        canvas.mark(
            ellipse(side * half * 0.45, tall * 0.15, half * 0.2, tall * 0.16, turn=side * 25), darker(muzzle.nose, 0.6)
        )
    canvas.mark(
        ellipse(canvas.light.x * half * 0.3, -tall * 0.4, half * 0.3, tall * 0.16),
        lighter(muzzle.nose, 0.6),
        alpha=0.75,
    )
