"""Parts shared by dogs and cats: shoulders, collar and fur of the head."""

from __future__ import annotations

from emotion.faces.canvas import Canvas
from emotion.faces.palette import GOLD, Colour, darker, lighter
from emotion.faces.shapes import Point, Points, bow, ellipse, mirrored, smooth


def draw_body(canvas: Canvas, coat: Colour, chest: Colour, *, width: float, fluff: float) -> None:
    """Draw shoulders and chest below a head of half-height 1 at (0, 0)."""
    neck = 0.55 + 0.08 * fluff
    right = [(0.0, 0.3), (neck, 0.4), (neck + 0.05, 0.9), (width, 1.25), (width + 0.14, 1.8), (width + 0.16, 2.6)]
    canvas.part(smooth(mirrored([*right, (0.0, 2.7)])), coat, depth=0.8)
    bib: list[Point] = [(0.0, 0.8), (0.34, 0.95), (0.46 + 0.1 * fluff, 1.4), (0.3, 1.9), (0.0, 2.4)]
    canvas.mark(_tufted(mirrored(bib), 0.05 + 0.08 * fluff), chest)


def draw_collar(canvas: Canvas, colour: Colour, *, y: float, width: float, tag: str) -> None:
    """Draw a collar around the neck; ``tag`` is "tag", "bell" or nothing."""
    band = bow(0, y - 0.16, width, 0.2)
    canvas.part([*band, *reversed([(x * 1.02, py + 0.15) for x, py in band])], colour, depth=0.7)
    canvas.line([(x * 0.9, py + 0.045) for x, py in band], lighter(colour, 0.4), 0.022, taper=0.5, alpha=0.7)
    if tag:
        centre = y + 0.2
        canvas.part(ellipse(0, centre, 0.115, 0.125), GOLD, depth=0.7)
        if tag == "bell":
            canvas.line([(-0.09, centre + 0.0), (0.09, centre + 0.0)], darker(GOLD, 0.45), 0.025)
            canvas.mark(ellipse(0, centre + 0.055, 0.03, 0.03), darker(GOLD, 0.6))
        else:
            canvas.mark(ellipse(-0.03, centre - 0.04, 0.04, 0.03), lighter(GOLD, 0.7))


def fur(right: list[Point], fluff: float, *, tufts: tuple[int, ...]) -> Points:
    """Return a head's outline from the corners of its right half; ``fluff`` extends the corners in ``tufts``."""
    if fluff < 0.35:
        return smooth(mirrored(right))
    points: list[Point] = []
    for i, (x, y) in enumerate(right):
        if i in tufts:
            reach = 0.05 + 0.10 * (fluff - 0.35)
            points += [(x - 0.01, y - 0.09), (x + reach, y + 0.01), (x - 0.035, y + 0.05)]
        else:
            points.append((x, y))
    return smooth(mirrored(points), steps=8)


def _tufted(corners: list[Point], reach: float) -> Points:
    """Return a closed outline with pointed tufts between the corners."""
    curve = smooth(corners, steps=3)
    count = len(curve)
    centre_x, centre_y = sum(x for x, _ in curve) / count, sum(y for _, y in curve) / count
    points: list[Point] = []
    for i, (x, y) in enumerate(curve):
        grow = 1 + reach * (1 if i % 2 else -1)
        points.append((centre_x + (x - centre_x) * grow, centre_y + (y - centre_y) * grow))
    return smooth(points, steps=4)
