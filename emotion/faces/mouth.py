"""The mouth of a person: lips, teeth and tongue."""

from __future__ import annotations

from dataclasses import dataclass

from emotion.faces.canvas import Canvas
from emotion.faces.expression import Expression
from emotion.faces.palette import MOUTH, TONGUE, WHITE, Colour, brightness, darker, inked, lighter, mix
from emotion.faces.shapes import Points, ellipse, moved

_ROSE: Colour = (204, 78, 92)
_STEPS = 32


@dataclass(frozen=True)
class Mouth:
    """A mouth at rest, around (0, 0)."""

    width: float  # half its width
    lips: float  # 0 bare to 1 full and coloured
    skin: Colour
    bearded: bool


def draw_mouth(canvas: Canvas, mouth: Mouth, expression: Expression) -> None:
    """Draw the mouth, closed or open."""
    upper, lower = lip_lines(mouth.width, expression)
    gap = lower[_STEPS // 2][1] - upper[_STEPS // 2][1]
    ink = inked(mouth.skin)
    rose = mix(mouth.skin, _ROSE, 0.34 + 0.5 * mouth.lips + 0.3 * max(0.0, 0.55 - brightness(mouth.skin)))
    if mouth.lips > 0 or mouth.bearded:
        full = max(mouth.lips, 0.45)
        top = [(x, y - 0.060 * full * _hump(i)) for i, (x, y) in enumerate(upper)]
        bottom = [(x, y + 0.090 * full * _hump(i)) for i, (x, y) in enumerate(lower)]
        canvas.part([*top, *reversed(bottom)], rose, depth=0.25, ink=False)
    else:
        shade = [(x * 0.5, y + 0.10) for x, y in lower[8:-8]]
        canvas.line(shade, darker(mouth.skin, 0.3), 0.03, taper=0.9, alpha=0.7)
    if gap > 0.03:
        _draw_inside(canvas, upper, lower, expression)
        canvas.line(upper, ink, 0.038, taper=0.35)
        canvas.line(lower, ink, 0.030, taper=0.35)
    else:
        canvas.line(upper, ink, 0.05, taper=0.45)
    # A fold at each corner makes a smile or a frown visible in thumbnails.
    strength = abs(expression.mouth_curve)
    if strength > 0.15:
        x, y = upper[-1]
        way = 1 if expression.mouth_curve < 0 else -1
        for side in (-1, 1):
            fold = [(side * (x - 0.012), y - 0.045), (side * (x + 0.022), y), (side * (x - 0.012), y + 0.045)]
            fold = moved(fold, 0, -0.012 * way)
            canvas.line(fold, ink, 0.034, taper=0.7, alpha=min(strength, 1.0) * 0.8)


def lip_lines(width: float, expression: Expression) -> tuple[Points, Points]:
    """Return the edges of the mouth's opening: the upper and the lower line, left to right, around (0, 0)."""
    stretch = expression.mouth_width
    half = width * (1 + (0.26 if stretch > 0 else 0.52) * stretch)
    curve, gap = expression.mouth_curve, 0.44 * expression.mouth_opening
    corner = -0.115 * curve + 0.02 * expression.nose_wrinkle
    up_share = 0.34 - 0.32 * max(curve, 0.0) + 0.1 * max(-curve, 0.0)
    top = 0.07 * curve - gap * up_share - 0.03 * expression.nose_wrinkle
    bottom = 0.07 * curve + gap * (1 - up_share)
    round_power = 0.9 - 0.35 * min(1.0, expression.mouth_opening * 2)
    upper, lower = [], []
    for step in range(_STEPS + 1):
        t = 2 * step / _STEPS - 1
        arch = (1 - t * t) ** (1.0 if curve > 0 else round_power)
        bowl = (1 - t * t) ** round_power
        upper.append((t * half, corner + (top - corner) * arch))
        lower.append((t * half, corner + (bottom - corner) * (bowl if gap > 0.02 else arch)))
    return upper, lower


def _hump(step: int) -> float:
    t = 2 * step / _STEPS - 1
    return float((1 - t * t) ** 0.7)


def _draw_inside(canvas: Canvas, upper: Points, lower: Points, expression: Expression) -> None:
    opening = [*upper, *reversed(lower)]
    half, middle = upper[-1][0], _STEPS // 2
    top, bottom = upper[middle][1], lower[middle][1]
    gap = bottom - top
    canvas.mark(opening, MOUTH)
    with canvas.clip(opening):
        canvas.line(upper, darker(MOUTH, 0.5), gap * 0.35, taper=0, alpha=0.5)
        if expression.tongue > 0.05:
            rise = gap * (0.22 + 0.38 * expression.tongue)
            tongue = ellipse(0, bottom + gap * 0.12, half * 0.68, rise)
            canvas.mark(tongue, TONGUE)
            canvas.line([(0, bottom - rise * 0.5), (0, bottom)], darker(TONGUE, 0.2), half * 0.06)
        _draw_teeth(canvas, upper, lower, expression)


def _draw_teeth(canvas: Canvas, upper: Points, lower: Points, expression: Expression) -> None:
    middle = _STEPS // 2
    gap = lower[middle][1] - upper[middle][1]
    half = upper[-1][0]
    shown = min(expression.teeth * 2, 1.0)
    if shown < 0.06:
        return
    bared = max(0.0, expression.teeth * 2 - 1)
    # Both rows of bared teeth meet; a laugh shows only the upper row.
    depth = min(gap * (0.52 if bared > 0.3 else 0.42), 0.13) * shown
    seam = mix(WHITE, (196, 176, 176), 0.6)
    row = [(x, y + depth) for x, y in upper]
    canvas.mark([*upper, *reversed(row)], WHITE)
    if bared > 0.3:
        bottom_depth = min(gap * 0.5, 0.12) * bared
        canvas.mark([*lower, *reversed([(x, y - bottom_depth) for x, y in lower])], lighter(seam, 0.7))
        canvas.line(row, seam, 0.02, taper=0)
        for k in range(-3, 4):
            x = k * half * 0.27
            canvas.line([(x, upper[middle][1] - 0.1), (x, lower[middle][1] + 0.1)], seam, 0.014, taper=0)
