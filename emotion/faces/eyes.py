"""Eyes, lids, brows, bags and tears, shared by all species."""

from __future__ import annotations

from dataclasses import dataclass

from emotion.faces.canvas import Canvas
from emotion.faces.expression import Expression
from emotion.faces.palette import INK, TEAR, WHITE, Colour, darker, inked, lighter, mix
from emotion.faces.shapes import Points, ellipse, flipped, moved, smooth


@dataclass(frozen=True)
class Eye:
    """One eye at rest. ``side`` is 1 for the one on the right of the picture."""

    x: float
    y: float
    side: float
    width: float  # half its width
    height: float  # half its height, open
    roundness: float  # 0.5 an ellipse, more an almond
    tilt: float  # height of the outer corner above the inner one
    skin: Colour
    white: Colour
    iris: Colour
    iris_size: float  # of its height
    slit: float  # 1 a round pupil, less a cat's
    lash: float  # width of the upper lid's line
    wings: bool = False  # lashes that stand out


def draw_eye(canvas: Canvas, eye: Eye, expression: Expression) -> None:
    """Draw the eye with its lids, pupil, bag and tear."""
    upper, lower = _lids(eye, expression)
    place = (eye.x, eye.y)
    socket = moved(flipped([*_edge(eye, -1.0, 0.0), *reversed(_edge(eye, 1.0, 0.0))], eye.side), *place)
    lid = darker(eye.skin, 0.16)
    _draw_bag(canvas, eye, expression)
    canvas.mark(socket, darker(eye.skin, 0.05))
    shut = moved(flipped([*_edge(eye, -1.0, 0.0), *reversed(upper)], eye.side), *place)
    canvas.mark(shut, lid)
    opening = moved(flipped([*upper, *reversed(lower)], eye.side), *place)
    upper_line = moved(flipped(upper, eye.side), *place)
    lower_line = moved(flipped(lower, eye.side), *place)
    gap = max(b[1] - a[1] for a, b in zip(upper, lower, strict=True))
    closed = gap < eye.height * 0.14
    ink = inked(eye.skin)
    if not closed:
        canvas.mark(opening, eye.white)
        with canvas.clip(opening):
            _draw_iris(canvas, eye, expression)
            if expression.tear > 0.05:
                canvas.line(lower_line, lighter(TEAR, 0.35), eye.height * 0.4 * min(expression.tear * 2, 1), taper=0)
            # The upper lid's shadow sets the eye into the face.
            canvas.line(upper_line, darker(eye.white, 0.5), eye.height * 0.3, taper=0, alpha=0.35)
        canvas.line(lower_line, mix(ink, eye.skin, 0.45), eye.lash * 0.5, taper=0.6)
    canvas.line(upper_line if not closed else lower_line, ink, eye.lash, taper=0.45)
    if eye.wings:
        tip = (lower_line if closed else upper_line)[2]
        for reach in (0.05, 0.09):
            end = (tip[0] + eye.side * reach * 0.9, tip[1] - 0.11 + reach)
            canvas.line([tip, end], ink, eye.lash * 0.7, taper=-0.8)
    if expression.tear > 0.3:
        _draw_tear(canvas, eye, expression)


def _edge(eye: Eye, way: float, slant: float) -> Points:
    """Return a lid's line from the outer to the inner corner of the right eye, around (0, 0)."""
    points = []
    for step in range(21):
        t = 1 - step / 10  # 1 at the outer corner
        arch = (1 - t * t) ** eye.roundness
        tip = way - slant * -t if slant else way
        points.append((t * eye.width, arch * eye.height * tip - eye.tilt * t * eye.height * 0.5))
    return points


def _lids(eye: Eye, expression: Expression) -> tuple[Points, Points]:
    opening = expression.lid_opening
    raised = -0.96 + 1.96 * opening if opening <= 1 else 1 + 0.7 * (opening - 1)
    low = 1 - 1.25 * expression.lid_squint
    upper, lower = [], []
    for step in range(21):
        t = 1 - step / 10
        arch = (1 - t * t) ** eye.roundness * eye.height
        base = -eye.tilt * t * eye.height * 0.5
        # A slant presses down one end of the upper lid: the inner one in anger, the outer one in grief.
        pressed = raised - 0.85 * max(0.0, -t * expression.lid_slant) - 0.22 * abs(expression.lid_slant)
        top, bottom = -arch * pressed, arch * low
        upper.append((t * eye.width, base + min(top, bottom)))
        lower.append((t * eye.width, base + bottom))
    return upper, lower


def _draw_iris(canvas: Canvas, eye: Eye, expression: Expression) -> None:
    x = eye.x + expression.gaze_x * eye.width * 0.3
    y = eye.y + expression.gaze_y * eye.height * 0.3
    radius = eye.height * eye.iris_size
    canvas.mark(ellipse(x, y, radius, radius), darker(eye.iris, 0.45))
    canvas.mark(ellipse(x, y + radius * 0.05, radius * 0.86, radius * 0.86), eye.iris)
    canvas.mark(ellipse(x, y + radius * 0.42, radius * 0.55, radius * 0.34), lighter(eye.iris, 0.3), alpha=0.7)
    size = radius * 0.52 * expression.pupil_size
    narrow = min(1.0, eye.slit * expression.pupil_size**1.2)
    tall = max(size, radius * 0.8 * (1 - eye.slit))
    canvas.mark(ellipse(x, y, size * narrow, min(tall, radius * 0.95)), INK)
    shine = 1 + 0.35 * expression.tear
    canvas.mark(
        ellipse(x + canvas.light.x * radius * 0.32, y - radius * 0.36, radius * 0.25 * shine, radius * 0.25 * shine),
        WHITE,
    )
    canvas.mark(
        ellipse(x - canvas.light.x * radius * 0.3, y + radius * 0.38, radius * 0.12 * shine, radius * 0.12 * shine),
        WHITE,
        alpha=0.8,
    )


def _draw_bag(canvas: Canvas, eye: Eye, expression: Expression) -> None:
    if expression.bags < 0.04:
        return
    colour = mix(darker(eye.skin, 0.42), (128, 92, 140), 0.35)
    top = [(t * eye.width * 0.95, eye.height * (0.75 + 0.2 * (1 - t * t))) for t in (1 - i / 10 for i in range(21))]
    sag = 0.55 + 0.6 * expression.bags
    bottom = [(x, y + eye.height * sag * (1 - (x / eye.width) ** 2) ** 0.7 * 0.75) for x, y in top]
    bag = moved(flipped([*top, *reversed(bottom)], eye.side), eye.x, eye.y)
    canvas.glow(bag, colour, alpha=0.55 * expression.bags, blur=eye.height * 0.1)
    rim = moved(flipped(bottom[3:-3], eye.side), eye.x, eye.y)
    canvas.line(rim, darker(eye.skin, 0.5), eye.lash * 0.5, taper=0.8, alpha=0.8 * expression.bags)


def _draw_tear(canvas: Canvas, eye: Eye, expression: Expression) -> None:
    size = eye.height * (0.25 + 0.35 * expression.tear)
    x = eye.x + eye.side * eye.width * 0.35
    y = eye.y + eye.height * (1.1 + 1.1 * expression.tear)
    drop = smooth(
        [
            (x, y - size * 2.3),
            (x + size * 0.62, y - size * 0.5),
            (x + size * 0.75, y + size * 0.35),
            (x, y + size),
            (x - size * 0.75, y + size * 0.35),
            (x - size * 0.62, y - size * 0.5),
        ]
    )
    canvas.mark(drop, darker(TEAR, 0.25))
    canvas.mark([(x + (px - x) * 0.84, y + (py - y) * 0.86) for px, py in drop], TEAR)
    canvas.mark(ellipse(x - size * 0.22, y + size * 0.1, size * 0.2, size * 0.34), WHITE, alpha=0.9)


@dataclass(frozen=True)
class Brow:
    """One brow at rest."""

    x: float
    y: float
    side: float
    length: float  # half its length
    weight: float
    colour: Colour
    taper: float = 0.6


def draw_brow(canvas: Canvas, brow: Brow, expression: Expression) -> None:
    """Draw a tapered brow, thicker at its inner end."""
    angle, lift = expression.brow_angle, expression.brow_height * 0.13
    inner = brow.length * 0.75
    knit = 0.04 * abs(angle)
    arch = brow.length * (0.22 + 0.2 * max(0.0, expression.brow_height))
    points = [
        (-brow.length - knit, 0.17 * angle),
        (-brow.length * 0.3 - knit * 0.6, -arch + 0.06 * angle),
        (inner * 0.45, -arch - 0.05 * angle),
        (brow.length, brow.length * 0.25 - 0.09 * angle),
    ]
    line = moved(flipped(smooth(points, closed=False), brow.side), brow.x, brow.y - lift)
    canvas.line(line, brow.colour, brow.weight, taper=-brow.taper)
