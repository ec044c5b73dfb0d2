"""A person's head in any expression."""

from __future__ import annotations

from emotion.faces.canvas import Canvas
from emotion.faces.expression import Expression
from emotion.faces.eyes import Brow, Eye, draw_brow, draw_eye
from emotion.faces.hair import (
    draw_beard,
    draw_braids,
    draw_hair_behind,
    draw_hair_front,
    draw_moustache,
    hair_shade,
)
from emotion.faces.identity import HumanIdentity
from emotion.faces.mouth import Mouth, draw_mouth, lip_lines
from emotion.faces.palette import WHITE, brightness, darker, inked, lighter, mix
from emotion.faces.scene import Scene
from emotion.faces.shapes import Point, bow, ellipse, mirrored, smooth
from emotion.faces.wear import draw_cover, draw_cover_behind, draw_earrings, draw_glasses

_EYE_Y = 0.03
_MOUTH_Y = 0.54


def draw_human(canvas: Canvas, person: HumanIdentity, expression: Expression, scene: Scene) -> None:
    """Draw ``person`` around (0, 0) in the head's frame."""
    drop = 0.10 * expression.mouth_opening
    with canvas.shifted(*scene.shift(-0.7)):
        draw_cover_behind(canvas, person)
        if person.cover not in ("hijab", "turban"):
            _draw_ears(canvas, person)
    _draw_head(canvas, person, drop)
    with canvas.shifted(*scene.shift(0.4)):
        draw_beard(canvas, person, drop)
    with canvas.shifted(*scene.shift(0.9)):
        _draw_cheeks(canvas, person, expression)
        for side in (-1.0, 1.0):
            draw_eye(canvas, _eye(person, side), expression)
    with canvas.shifted(*scene.shift(1.1)):
        mouth = Mouth(width=0.30 * person.mouth, lips=person.lips, skin=person.skin, bearded=person.beard == "full")
        upper, _ = lip_lines(mouth.width, expression)
        with canvas.shifted(0, _MOUTH_Y):
            draw_mouth(canvas, mouth, expression)
        draw_moustache(canvas, person, _MOUTH_Y + upper[len(upper) // 2][1])
    with canvas.shifted(*scene.shift(1.4)):
        _draw_nose(canvas, person, expression)
    with canvas.shifted(*scene.shift(0.2)):
        draw_hair_front(canvas, person)
        draw_cover(canvas, person)
        draw_braids(canvas, person)
    with canvas.shifted(*scene.shift(0.9)):
        draw_glasses(canvas, person, x=_eye(person, 1.0).x, y=_EYE_Y)
        _draw_frown(canvas, person, expression)
        # Brows are drawn last, so that hair, hat and glasses never hide them.
        for side in (-1.0, 1.0):
            draw_brow(canvas, _brow(person, side), expression)


def draw_hair_of_body(canvas: Canvas, person: HumanIdentity) -> None:
    """Draw the hair that falls behind the shoulders."""
    if person.cover not in ("hijab", "turban"):
        draw_hair_behind(canvas, person)


def _draw_head(canvas: Canvas, person: HumanIdentity, drop: float) -> None:
    wide, jaw = person.face_width, person.jaw
    right: list[Point] = [
        (0.0, -0.95),
        (0.42 * wide, -0.88),
        (0.70 * wide, -0.58),
        (0.77 * wide, -0.12),
        (0.74 * wide, 0.28),
        (0.59 * wide * jaw, 0.68 + drop * 0.6),
        (0.30 * jaw, 0.93 + drop),
        (0.0, 1.0 + drop),
    ]
    canvas.part(smooth(mirrored(right)), person.skin)


def _draw_ears(canvas: Canvas, person: HumanIdentity) -> None:
    x = 0.78 * person.face_width
    for side in (-1, 1):
        canvas.part(ellipse(side * x, 0.10, 0.135, 0.19, turn=side * 8), person.skin, depth=0.7)
        canvas.mark(ellipse(side * (x + 0.01), 0.11, 0.065, 0.11, turn=side * 8), darker(person.skin, 0.22), alpha=0.7)
    draw_earrings(canvas, person, x=x + 0.02, y=0.31)


def _draw_cheeks(canvas: Canvas, person: HumanIdentity, expression: Expression) -> None:
    rose = mix(person.skin, (232, 96, 96), 0.45)
    # A raised cheek is rounder and a little pinker.
    lift = 0.05 * expression.lid_squint * max(expression.mouth_curve, 0.0)
    for side in (-1, 1):
        canvas.glow(
            ellipse(side * 0.46, 0.34 - lift, 0.15, 0.105),
            rose,
            alpha=(0.25 + 0.4 * person.blush) * (0.35 + 0.65 * brightness(person.skin)),
            blur=0.06,
        )
        if person.freckles:
            for x, y in ((0.36, 0.27), (0.45, 0.31), (0.54, 0.26), (0.41, 0.36), (0.51, 0.37)):
                canvas.mark(ellipse(side * x, y, 0.016, 0.016), darker(person.skin, 0.38), alpha=0.8)
        if lift > 0.005:
            fold = bow(side * 0.36, 0.24, 0.16, 0.045)
            canvas.line(fold, darker(person.skin, 0.35), 0.022, taper=0.9, alpha=min(1.0, lift * 18))
        if person.age > 0.62:
            depth = (person.age - 0.62) / 0.38
            fold = smooth([(side * 0.22, 0.30), (side * 0.34, 0.42), (side * 0.40, 0.54)], closed=False)
            canvas.line(fold, darker(person.skin, 0.35), 0.022, taper=0.8, alpha=0.35 + 0.5 * depth)
            for k in (0, 1):
                crow = [(side * 0.56, _EYE_Y + 0.03 + 0.05 * k), (side * 0.64, _EYE_Y + 0.01 + 0.09 * k)]
                canvas.line(crow, darker(person.skin, 0.35), 0.018, taper=0.8, alpha=0.3 + 0.5 * depth)


def _eye(person: HumanIdentity, side: float) -> Eye:
    size = person.eye_size
    return Eye(
        x=side * 0.325 * person.eye_gap,
        y=_EYE_Y,
        side=side,
        width=0.172 * size,
        height=0.150 * size,
        roundness=0.58,
        tilt=0.1,
        skin=person.skin,
        white=(255, 251, 246),
        iris=person.iris,
        iris_size=0.76,
        slit=1.0,
        lash=0.046,
        wings=person.lips > 0,
    )


def _brow(person: HumanIdentity, side: float) -> Brow:
    colour = hair_shade(person.hair_colour)
    if abs(brightness(colour) - brightness(person.skin)) < 0.16:
        colour = mix(colour, inked(person.skin), 0.75)
    return Brow(
        x=side * 0.335 * person.eye_gap,
        y=-0.23,
        side=side,
        length=0.18,
        weight=0.085 * person.brow_weight,
        colour=colour,
    )


def _draw_frown(canvas: Canvas, person: HumanIdentity, expression: Expression) -> None:
    """Draw the folds between pressed brows, or across a forehead raised in grief."""
    fold = darker(person.skin, 0.45)
    pressed = max(0.0, expression.brow_angle) * max(0.0, -expression.brow_height)
    if pressed > 0.1:
        for side in (-1, 1):
            canvas.line(
                [(side * 0.05, -0.24), (side * 0.04, -0.15), (side * 0.055, -0.08)],
                fold,
                0.03,
                alpha=min(1, pressed * 1.3),
            )
    grief = max(0.0, -expression.brow_angle)
    worn = max(grief - 0.3, 0.0) + max(0.0, person.age - 0.75)
    hidden = person.cover in ("beanie", "cap", "turban", "hijab", "band") or person.hair in ("fringe", "bob")
    if worn > 0.05 and not hidden:
        for k in range(2):
            line = smooth([(-0.17, -0.46 - 0.09 * k), (0.0, -0.43 - 0.09 * k), (0.17, -0.46 - 0.09 * k)], closed=False)
            canvas.line(line, fold, 0.02, taper=0.9, alpha=min(0.7, worn))


def _draw_nose(canvas: Canvas, person: HumanIdentity, expression: Expression) -> None:
    size, wrinkle = person.nose, expression.nose_wrinkle
    y = 0.29 - 0.035 * wrinkle
    shade = darker(person.skin, 0.30)
    half = 0.105 * size * (1 + 0.22 * wrinkle)
    tip = smooth(
        [(-half, y - 0.01), (-half * 0.75, y + 0.055), (0, y + 0.075), (half * 0.75, y + 0.055), (half, y - 0.01)],
        closed=False,
    )
    bridge = smooth(
        [
            (-0.05, y - 0.16),
            (0.05, y - 0.16),
            (half * 0.95, y - 0.01),
            (half * 0.6, y + 0.06),
            (0, y + 0.075),
            (-half * 0.6, y + 0.06),
            (-half * 0.95, y - 0.01),
        ]
    )
    canvas.glow(
        bridge,
        mix(person.skin, lighter(person.skin, 0.5), 0.5)
        if brightness(person.skin) > 0.45
        else mix(person.skin, (214, 150, 110), 0.2),
        alpha=0.6,
        blur=0.03,
    )
    canvas.line(tip, shade, 0.036, taper=0.75)
    canvas.mark(ellipse(canvas.light.x * half * 0.25, y, half * 0.2, half * 0.14), WHITE, alpha=0.14)
    if wrinkle > 0.1:
        for side in (-1, 1):
            for k in (0, 1):
                fold = [(side * 0.035, y - 0.14 - 0.055 * k), (side * 0.09, y - 0.175 - 0.055 * k)]
                canvas.line(fold, shade, 0.022, alpha=min(1.0, wrinkle))
            crease = smooth(
                [(side * (half + 0.03), y - 0.02), (side * (half + 0.12), y + 0.09), (side * (half + 0.15), y + 0.2)],
                closed=False,
            )
            canvas.line(crease, shade, 0.026, taper=0.8, alpha=min(1.0, wrinkle * 0.9))
