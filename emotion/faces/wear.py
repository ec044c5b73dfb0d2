"""What a person wears: clothes, head coverings, glasses and earrings."""

from __future__ import annotations

from emotion.faces.canvas import Canvas
from emotion.faces.identity import HumanIdentity
from emotion.faces.palette import GOLD, INK, WHITE, Colour, darker, deeper, lighter
from emotion.faces.shapes import Point, Points, bow, ellipse, flipped, mirrored, smooth


def draw_clothes(canvas: Canvas, person: HumanIdentity) -> None:
    """Draw neck, shoulders and clothes."""
    colour = person.clothes_colour
    if person.clothes == "hood":
        canvas.part(ellipse(0, 1.12, 0.78, 0.42), darker(colour, 0.12))
    neck: list[Point] = [(0.0, 0.5), (0.28, 0.6), (0.29, 1.1), (0.36, 1.32), (0.0, 1.5)]
    if person.clothes != "turtleneck":
        canvas.part(smooth(mirrored(neck)), darker(person.skin, 0.06), depth=0.5, ink=False)
        shade = [(0.0, 0.9), (0.29, 0.86), (0.29, 0.98), (0.0, 1.16)]
        canvas.mark(smooth(mirrored(shade)), darker(person.skin, 0.22))
    # The collar line dips in the middle, so the shoulders are a crescent around the neck.
    line = bow(0, 1.17, 0.36, 0.17)
    shoulder = smooth([(0.36, 1.17), (0.62, 1.28), (1.02, 1.46), (1.24, 1.8), (1.3, 2.6)], closed=False)
    outline = [*line, *shoulder, *((-x, y) for x, y in reversed(shoulder))]
    canvas.part(outline, colour)
    if person.clothes == "crew":
        canvas.part([*line, *reversed([(x * 1.22, y + 0.075) for x, y in line])], lighter(colour, 0.22), depth=0.4)
    elif person.clothes == "turtleneck":
        tube: Points = [(0.33, 0.98), (0.40, 1.44), (-0.40, 1.44), (-0.33, 0.98)]
        top = bow(0, 0.98, 0.33, 0.07)
        canvas.mark([*top, *tube], deeper(colour, 0.12))
        canvas.part([*top, *reversed([(x * 1.03, y + 0.1) for x, y in top])], lighter(colour, 0.2), depth=0.3)
    elif person.clothes == "shirt":
        canvas.line([(0, 1.36), (0, 2.2)], darker(colour, 0.3), 0.025, taper=0)
        for side in (-1.0, 1.0):
            collar = [(0.0, 1.36), (0.34, 1.10), (0.52, 1.24), (0.24, 1.56)]
            canvas.part(flipped(collar, side), lighter(colour, 0.28), depth=0.4)
    elif person.clothes == "hood":
        canvas.part([*line, *reversed([(x * 1.35, y + 0.12) for x, y in line])], darker(colour, 0.1), depth=0.5)
        for side in (-1, 1):
            canvas.line([(side * 0.2, 1.36), (side * 0.22, 1.72)], WHITE, 0.04, taper=0)


def draw_cover_behind(canvas: Canvas, person: HumanIdentity) -> None:
    """Draw the part of a head covering behind the face."""
    if person.cover == "hijab":
        right: list[Point] = [
            (0, -1.12),
            (0.62, -0.98),
            (0.92, -0.4),
            (0.92, 0.4),
            (0.80, 1.0),
            (1.0, 1.45),
            (0.7, 1.8),
            (0, 1.9),
        ]
        canvas.part(smooth(mirrored(right)), darker(person.cover_colour, 0.1))


def draw_cover(canvas: Canvas, person: HumanIdentity) -> None:
    """Draw the part of a head covering on the head, above the brows."""
    draw = {"beanie": _beanie, "cap": _cap, "band": _band, "turban": _turban, "hijab": _hijab}.get(person.cover)
    if draw:
        draw(canvas, person.cover_colour, person.face_width)


def _beanie(canvas: Canvas, colour: Colour, wide: float) -> None:
    dome = smooth([(0.80, -0.50), (0.76, -0.86), (0.45, -1.20), (0.0, -1.28)], closed=False)
    canvas.part(_wider(_both(dome), wide), colour)
    cuff = bow(0, -0.46, 0.83, -0.10)
    brim = [*cuff, *reversed([(x * 0.98, y - 0.25) for x, y in cuff])]
    canvas.part(_wider(brim, wide), lighter(colour, 0.2), depth=0.6)
    for k in range(-4, 5):
        x = k * 0.165
        y = -0.46 - 0.10 * (1 - (x / 0.83) ** 2)
        canvas.line(_wider([(x, y - 0.04), (x * 0.98, y - 0.2)], wide), colour, 0.025)


def _cap(canvas: Canvas, colour: Colour, wide: float) -> None:
    dome = smooth([(0.81, -0.44), (0.78, -0.80), (0.48, -1.14), (0.0, -1.22)], closed=False)
    canvas.part(_wider(_both(dome), wide), colour)
    canvas.line([(0, -1.2), (0, -0.7)], darker(colour, 0.3), 0.025, taper=0)
    visor: Points = [(0.0, -0.74), (0.4, -0.70), (0.82, -0.50), (0.86, -0.42), (0.4, -0.52), (0.0, -0.54)]
    canvas.part(_wider(smooth(mirrored(visor)), wide), darker(colour, 0.2), depth=0.6)
    canvas.part(ellipse(0, -1.21, 0.06, 0.05), darker(colour, 0.2), depth=0.3)


def _band(canvas: Canvas, colour: Colour, wide: float) -> None:
    band = bow(0, -0.52, 0.80, -0.14)
    canvas.part(_wider([*band, *reversed([(x, y - 0.16) for x, y in band])], wide), colour, depth=0.6)


def _turban(canvas: Canvas, colour: Colour, wide: float) -> None:
    right: Points = [(0.0, -1.28), (0.52, -1.19), (0.88, -0.80), (0.86, -0.34), (0.44, -0.50), (0.0, -0.62)]
    whole = _wider(smooth(mirrored(right)), wide)
    canvas.part(whole, colour)
    # The cloth is wound from both sides and crosses over the forehead.
    with canvas.clip(whole):
        for side, turns in ((-1.0, 4), (1.0, 3)):
            for k in range(turns):
                y = -0.52 - 0.19 * k
                end = -0.06 + 0.16 * k if side < 0 else 0.08 + 0.1 * k
                fold = smooth([(0.95, y + 0.12), (0.5, y - 0.09), (end, y - 0.22)], closed=False)
                canvas.line(_wider(flipped(fold, side), wide), darker(colour, 0.26), 0.035, taper=0.7)


def _hijab(canvas: Canvas, colour: Colour, wide: float) -> None:
    outer: Points = [(0, -1.12), (0.62, -0.98), (0.90, -0.4), (0.90, 0.4), (0.72, 0.95), (0.40, 1.22), (0, 1.3)]
    inner: Points = [(0, -0.66), (0.44, -0.60), (0.66, -0.28), (0.68, 0.2), (0.54, 0.66), (0.28, 0.95), (0, 1.04)]
    edges = [_wider(_both(smooth(edge, closed=False)), wide) for edge in (outer, inner)]
    canvas.part([*edges[0], *reversed(edges[1])], colour, depth=0.6, ink=False)
    for edge in edges:
        canvas.contour(edge, colour)
    for drape in ([(-0.5, 1.14), (0.1, 1.42), (0.7, 1.36)], [(-0.62, 1.28), (-0.1, 1.62), (0.5, 1.72)]):
        canvas.line(_wider(smooth(drape, closed=False), wide), darker(colour, 0.25), 0.035)


def draw_glasses(canvas: Canvas, person: HumanIdentity, *, x: float, y: float) -> None:
    """Draw glasses around eyes at (±x, y); the rims stay clear of eyes and brows."""
    if person.glasses == "none":
        return
    colour = INK if person.part > 0 else (132, 84, 62)
    power, width, height = (2.0, 0.265, 0.255) if person.glasses == "round" else (3.6, 0.275, 0.225)
    for side in (-1.0, 1.0):
        rim = ellipse(side * x, y + 0.02, width, height, power=power)
        canvas.mark(rim, WHITE, alpha=0.10)
        canvas.line([*rim, rim[0]], colour, 0.042, taper=0)
        canvas.line([(side * (x + width), y - 0.03), (side * 0.76, y - 0.07)], colour, 0.04, taper=0)
        gleam = [(side * x - 0.17, y + 0.1), (side * x - 0.10, y + 0.19)]
        canvas.line(gleam, WHITE, 0.03, alpha=0.8)
    bridge = bow(0, y + 0.0, x - width, -0.05)
    canvas.line(bridge, colour, 0.04, taper=0)


def draw_earrings(canvas: Canvas, person: HumanIdentity, *, x: float, y: float) -> None:
    """Draw small earrings below ears at (±x, y)."""
    if person.earrings and person.cover != "hijab":
        for side in (-1, 1):
            canvas.part(ellipse(side * x, y, 0.05, 0.055), GOLD, depth=0.4)


def _both(right: Points) -> Points:
    return [*right, *((-x, y) for x, y in reversed(right))]


def _wider(points: Points, share: float) -> Points:
    return [(x * share, y) for x, y in points]
