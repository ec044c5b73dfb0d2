"""A person's hair and beard, behind and in front of the head, clear of the brows."""

from __future__ import annotations

import math

from emotion.faces.canvas import Canvas
from emotion.faces.identity import HumanIdentity
from emotion.faces.palette import Colour, darker, lighter, mix
from emotion.faces.shapes import Point, Points, ellipse, flipped, mirrored, smooth

_LONG = ("long", "wavy", "bob", "braids")


def draw_hair_behind(canvas: Canvas, person: HumanIdentity) -> None:
    """Draw the hair behind the head."""
    colour, wide = darker(person.hair_colour, 0.14), person.face_width
    hair = person.hair
    if hair == "bob":
        right: list[Point] = [(0, -1.05), (0.7, -0.85), (0.95, -0.2), (0.98, 0.45), (0.88, 0.80), (0.5, 0.82), (0, 0.8)]
        canvas.part(_wider(smooth(mirrored(right)), wide), colour)
    elif hair == "long":
        right = [(0, -1.05), (0.7, -0.85), (0.94, -0.2), (0.98, 0.6), (1.02, 1.3), (0.8, 1.62), (0.4, 1.6), (0, 1.5)]
        canvas.part(_wider(smooth(mirrored(right)), wide), colour)
    elif hair == "wavy":
        right = [(0, -1.05), (0.7, -0.85), (0.98, -0.3), (0.92, 0.1), (1.08, 0.45), (0.98, 0.8), (1.12, 1.15)]
        canvas.part(_wider(smooth(mirrored([*right, (0.8, 1.42), (0.4, 1.3), (0, 1.3)])), wide), colour)
    elif hair == "afro":
        canvas.part(_bumps(0, -0.34, 1.12, 1.02, 22, 0.05), colour)
    elif hair == "curly":
        canvas.part(_bumps(0, -0.32, 0.96, 0.86, 15, 0.09), colour)
    elif hair == "bun" and person.cover not in ("beanie", "cap"):
        canvas.part(ellipse(0.0, -1.22, 0.34, 0.30), person.hair_colour)
    elif hair == "braids":
        right = [(0, -1.05), (0.7, -0.85), (0.9, -0.2), (0.84, 0.4), (0.5, 0.6), (0, 0.6)]
        canvas.part(_wider(smooth(mirrored(right)), wide), colour)


def draw_braids(canvas: Canvas, person: HumanIdentity) -> None:
    """Draw braids in front of the shoulders."""
    if person.hair != "braids" or person.cover == "hijab":
        return
    for side in (-1, 1):
        for k in range(5):
            canvas.part(
                ellipse(side * (0.80 + 0.02 * k), 0.38 + 0.2 * k, 0.15 - 0.008 * k, 0.135, turn=side * 12),
                person.hair_colour,
                depth=0.7,
            )
        canvas.part(ellipse(side * 0.88, 1.33, 0.1, 0.05), person.cover_colour, depth=0.5)
        canvas.part(
            smooth(
                [(side * 0.82, 1.36), (side * 0.95, 1.36), (side * 0.98, 1.5), (side * 0.88, 1.62), (side * 0.8, 1.5)]
            ),
            person.hair_colour,
            depth=0.5,
        )


def draw_hair_front(canvas: Canvas, person: HumanIdentity) -> None:
    """Draw the hair on the head, above the brows."""
    colour, hair, wide = person.hair_colour, person.hair, person.face_width
    if hair == "bald" or person.cover in ("hijab", "turban"):
        return
    if hair == "buzz":
        cap = _cap(0.03, (0.62, -0.30), [(0.56, -0.52), (0.32, -0.64), (0.0, -0.66)])
        canvas.mark(_wider(cap, wide), mix(colour, person.skin, 0.25), alpha=0.9)
        return
    side_y = 0.30 if hair in _LONG else (-0.02 if hair != "bun" else -0.1)
    lines: dict[str, Points] = {
        "short": [(0.60, -0.42), (0.42, -0.60), (0.2, -0.64), (0.0, -0.62)],
        "quiff": [(0.60, -0.42), (0.48, -0.66), (0.25, -0.72), (0.0, -0.70)],
        "curly": [(0.62, -0.40), (0.46, -0.54), (0.24, -0.56), (0.0, -0.54)],
        "afro": [(0.66, -0.40), (0.52, -0.60), (0.28, -0.68), (0.0, -0.70)],
        "bun": [(0.62, -0.36), (0.46, -0.62), (0.2, -0.74), (0.0, -0.76)],
        "fringe": [(0.62, -0.38), (0.48, -0.46), (0.24, -0.45), (0.0, -0.47)],
        "bob": [(0.62, -0.30), (0.54, -0.46), (0.26, -0.47), (0.0, -0.48)],
    }
    if hair in lines:
        cap = _cap(0.10, (0.74, side_y), lines[hair])
    else:
        # Parted on one side: the line runs up to the parting and down across the forehead.
        part = person.part * 0.3
        right = [(0.64, -0.28), (0.52, -0.52), (0.34, -0.7)]
        left = [(-0.64, -0.28), (-0.56, -0.46), (-0.36, -0.56), (-0.02, -0.68)]
        inner = flipped([*right, (0.26, -0.80), *reversed(left)], person.part)
        cap = _cap_with(0.10, (0.74, side_y), inner if part > 0 else list(reversed(inner)))
    canvas.part(_wider(cap, wide), colour)
    shine = lighter(colour, 0.3)
    if hair == "quiff" and person.cover not in ("beanie", "cap"):
        bump = [(-0.55, -0.70), (-0.60, -1.02), (-0.2, -1.22), (0.3, -1.25), (0.62, -1.02), (0.5, -0.78), (0.1, -0.72)]
        canvas.part(flipped(smooth(bump), person.part), colour)
    if hair == "curly":
        for k in range(9):
            angle = math.pi * (1.08 + 0.84 * k / 8)
            canvas.part(
                ellipse(0.70 * wide * math.cos(angle), -0.30 + 0.60 * math.sin(angle), 0.21, 0.19), colour, depth=0.7
            )
        return
    if hair in ("afro", "fringe"):
        return
    streak = [(-0.40, -0.86), (-0.2, -0.93), (0.05, -0.94)]
    canvas.line(flipped(smooth(streak, closed=False), canvas.light.x), shine, 0.05, taper=0.9, alpha=0.6)


def draw_beard(canvas: Canvas, person: HumanIdentity, drop: float) -> None:
    """Draw the beard below the mouth; ``drop`` is how far the chin is lowered."""
    kind, wide, colour = person.beard, person.face_width, darker(person.hair_colour, 0.08)
    chin = 1.0 + drop
    if kind in ("full", "stubble"):
        inner: Points = [(0.71, -0.06), (0.56, 0.34), (0.36, 0.38), (0.16, 0.34), (0.0, 0.35)]
        reach = 0.10 if kind == "full" else 0.0
        outer: Points = [
            (0.77, -0.08),
            (0.755, 0.36),
            (0.60, 0.76 + drop),
            (0.32, chin + reach * 0.8),
            (0.0, chin + reach),
        ]
        both = _wider(crescent(smooth(outer, closed=False), smooth(inner, closed=False)), wide)
        if kind == "full":
            canvas.part(both, colour, depth=0.6)
        else:
            canvas.mark([(x * 0.965, y * 0.985) for x, y in both], mix(person.skin, colour, 0.5), alpha=0.45)
    elif kind == "goatee":
        patch = [
            (0.0, 0.70 + drop * 0.7),
            (0.15, 0.72 + drop),
            (0.24, 0.86 + drop),
            (0.14, chin + 0.06),
            (0.0, chin + 0.1),
        ]
        canvas.part(smooth(mirrored(patch)), colour, depth=0.6)


def draw_moustache(canvas: Canvas, person: HumanIdentity, lip_y: float) -> None:
    """Draw a moustache that ends above the upper lip at ``lip_y``."""
    if person.beard not in ("moustache", "goatee", "full"):
        return
    colour = darker(person.hair_colour, 0.08)
    y = min(lip_y - 0.055, 0.43)
    right = [
        (0.0, y - 0.055),
        (0.12, y - 0.075),
        (0.24, y - 0.01),
        (0.30, y + 0.03),
        (0.14, y + 0.025),
        (0.0, y + 0.01),
    ]
    canvas.part(smooth(mirrored(right)), colour, depth=0.5, ink=False)


def crescent(outer: Points, inner: Points) -> Points:
    """Return the area between two right halves, each given from its end inwards to x = 0."""
    return [*outer, *((-x, y) for x, y in reversed(outer)), *((-x, y) for x, y in inner), *reversed(inner)]


def _cap(rise: float, temple: Point, hairline: Points) -> Points:
    full = [*hairline, *((-x, y) for x, y in reversed(hairline[:-1]))]
    return _cap_with(rise, temple, full)


def _cap_with(rise: float, temple: Point, hairline: Points) -> Points:
    """Return the hair between the crown and a hairline, which is given from right to left."""
    crown: Points = [temple, (0.82, -0.22), (0.76, -0.62), (0.46, -0.92 - rise * 0.7), (0.0, -0.97 - rise)]
    right = smooth([(temple[0] + 0.02, temple[1]), *crown[1:]], closed=False)
    outer = [*right, *((-x, y) for x, y in reversed(right[:-1]))]
    line = smooth([(temple[0] - 0.04, temple[1]), *hairline, (-temple[0] + 0.04, temple[1])], closed=False)
    return [*outer, *reversed(line)]


def _wider(points: Points, share: float) -> Points:
    return [(x * share, y) for x, y in points]


def _bumps(x: float, y: float, width: float, height: float, count: int, depth: float) -> Points:
    points: Points = []
    for step in range(count * 2):
        grow = 1 + depth * (0.5 if step % 2 else -0.5)
        angle = math.tau * step / (count * 2)
        points.append((x + math.cos(angle) * width * grow, y + math.sin(angle) * height * grow))
    return smooth(points, steps=6)


def hair_shade(colour: Colour) -> Colour:
    """Return the colour of brows that match hair of ``colour``, dark enough to be visible."""
    return darker(mix(colour, (90, 64, 60), 0.35), 0.25)
