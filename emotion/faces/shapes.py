"""Outlines as lists of points, in any unit."""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]
Points = list[Point]


def ellipse(x: float, y: float, width: float, height: float, *, turn: float = 0.0, power: float = 2.0) -> Points:
    """Return an ellipse of half-axes ``width`` and ``height``, turned clockwise by ``turn`` degrees.

    ``power`` above 2 squares its corners (a superellipse).
    """
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    points = []
    for step in range(64):
        angle = math.tau * step / 64
        across = math.copysign(abs(math.cos(angle)) ** (2 / power), math.cos(angle)) * width
        down = math.copysign(abs(math.sin(angle)) ** (2 / power), math.sin(angle)) * height
        points.append((x + across * cos - down * sin, y + across * sin + down * cos))
    return points


def smooth(points: Sequence[Point], *, closed: bool = True, steps: int = 10) -> Points:
    """Return a Catmull-Rom curve through ``points``."""
    count = len(points)
    result: Points = []
    for i in range(count if closed else count - 1):
        if closed:
            a, b, c, d = (points[(i + k) % count] for k in (-1, 0, 1, 2))
        else:
            a, b, c, d = (points[min(max(i + k, 0), count - 1)] for k in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            result.append((_spline(a[0], b[0], c[0], d[0], t), _spline(a[1], b[1], c[1], d[1], t)))
    if not closed:
        result.append(points[-1])
    return result


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def mirrored(points: Sequence[Point]) -> Points:
    """Return a whole outline from its right half (top to bottom), mirrored about x = 0."""
    return [*points, *((-x, y) for x, y in reversed(points) if abs(x) > 1e-9)]


def flipped(points: Sequence[Point], side: float) -> Points:
    """Return ``points`` unchanged for ``side`` 1, mirrored about x = 0 for -1."""
    return [(x * side, y) for x, y in points]


def moved(points: Sequence[Point], x: float, y: float) -> Points:
    """Return ``points`` shifted by (x, y)."""
    return [(px + x, py + y) for px, py in points]


def turned(points: Sequence[Point], degrees: float, *, about: Point = (0.0, 0.0)) -> Points:
    """Return ``points`` turned clockwise about a point."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    ax, ay = about
    return [(ax + (x - ax) * cos - (y - ay) * sin, ay + (x - ax) * sin + (y - ay) * cos) for x, y in points]


def bow(x: float, y: float, width: float, sag: float, *, lift: float = 0.0, steps: int = 24) -> Points:
    """Return a parabola of half-width ``width`` with its middle ``sag`` below its ends; ``lift`` raises all of it."""
    return [(x + width * t, y - lift + sag * (1 - t * t)) for t in (2 * i / steps - 1 for i in range(steps + 1))]


def ribbon(points: Sequence[Point], width: float, *, taper: float = 0.0) -> Points:
    """Return the outline of a stroke of full ``width`` along ``points``, rounded at both ends.

    ``taper`` 1 makes both ends pointed, -1 only the last one, 0 none.
    """
    last = len(points) - 1
    left: Points = []
    right: Points = []
    ends: list[tuple[Point, float, float]] = []
    for i, (x, y) in enumerate(points):
        before, after = points[max(i - 1, 0)], points[min(i + 1, last)]
        dx, dy = after[0] - before[0], after[1] - before[1]
        length = math.hypot(dx, dy) or 1.0
        t = i / last
        share = 1 - taper * (2 * t - 1) ** 2 if taper >= 0 else 1 + taper * t**2
        half = max(width * 0.5 * share, width * 0.1)
        left.append((x - dy / length * half, y + dx / length * half))
        right.append((x + dy / length * half, y - dx / length * half))
        if i in (0, last):
            ends.append(((x, y), math.atan2(dy, dx), half))
    (first, first_angle, first_half), (final, final_angle, final_half) = ends[0], ends[-1]
    cap_end = [_around(final, final_angle + math.pi / 2 - math.pi * k / 8, final_half) for k in range(1, 8)]
    cap_start = [_around(first, first_angle - math.pi / 2 - math.pi * k / 8, first_half) for k in range(1, 8)]
    return [*left, *cap_end, *reversed(right), *cap_start]


def _around(centre: Point, angle: float, radius: float) -> Point:
    return (centre[0] + math.cos(angle) * radius, centre[1] + math.sin(angle) * radius)
