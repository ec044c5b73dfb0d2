"""Pose, framing, light and background of one picture, drawn from its seed alone."""

from __future__ import annotations

import random
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from emotion.faces.canvas import OVERSAMPLING, PIXELS, Light, blank
from emotion.faces.identity import rng_of
from emotion.faces.palette import BACKGROUNDS, PLAIN_BACKGROUND, Colour, darker, lighter, mix


@dataclass(frozen=True)
class Scene:
    """The pose and surroundings of a face. It is independent of the expression, so it cannot reveal it."""

    turn: float  # degrees, tilt of the head
    yaw: float  # -1 to 1, turned to one side
    pitch: float  # -1 to 1, chin up to chin down
    zoom: float
    x: float  # shift of the whole figure in finished pixels
    y: float
    light: Light
    warmth: float  # -1 cool evening to 1 warm lamp
    background: str
    colours: tuple[Colour, Colour]
    pattern_seed: int

    def shift(self, depth: float) -> tuple[float, float]:
        """Return how far turning the head moves a part ``depth`` units in front of its centre, in head units."""
        return self.yaw * 0.07 * depth, self.pitch * 0.045 * depth


def scene_of(seed: int) -> Scene:
    """Return the random scene of a picture's seed."""
    rng = rng_of("scene", seed)
    first = rng.choice(BACKGROUNDS)
    second = rng.choice([colour for colour in BACKGROUNDS if colour != first])
    return Scene(
        turn=rng.gauss(0, 4.5),
        yaw=rng.uniform(-1, 1),
        pitch=rng.uniform(-1, 1),
        zoom=rng.uniform(0.92, 1.05),
        x=rng.uniform(-6, 6),
        y=rng.uniform(-3, 4),
        light=Light(rng.choice((-1, 1)) * rng.uniform(0.45, 1)),
        warmth=rng.uniform(-1, 1),
        background=rng.choice(("plain", "sun", "hills", "dots", "stripes", "window", "fade", "leaves")),
        colours=(first, second),
        pattern_seed=rng.randrange(1 << 30),
    )


def background_of(scene: Scene, *, style: str) -> Image.Image:
    """Draw the scene's backdrop, supersampled."""
    first, second = scene.colours
    second = mix(first, darker(second, 0.03), 0.85)
    picture = blank(first)
    draw = ImageDraw.Draw(picture)
    rng = random.Random(scene.pattern_seed)

    def disc(x: float, y: float, radius: float, colour: Colour) -> None:
        box = [(x - radius) * OVERSAMPLING, (y - radius) * OVERSAMPLING]
        draw.ellipse([*box, (x + radius) * OVERSAMPLING, (y + radius) * OVERSAMPLING], fill=colour)

    if scene.background == "sun":
        disc(112 + rng.uniform(-20, 20), 104 + rng.uniform(-10, 10), rng.uniform(84, 98), second)
    elif scene.background == "hills":
        disc(rng.uniform(20, 70), 270, rng.uniform(120, 150), second)
        disc(rng.uniform(160, 210), 290, rng.uniform(130, 160), darker(second, 0.05))
        disc(rng.choice((36, 188)), 36, 16, lighter(first, 0.6))
    elif scene.background == "dots":
        for row in range(6):
            for column in range(6):
                disc(column * 44 + 22 * (row % 2) + 2, row * 44 + 4, 7, second)
    elif scene.background == "stripes":
        slope = rng.choice((-1, 1)) * 60
        for i in range(-3, 9):
            start = i * 52
            corners = [(start, 0), (start + 26, 0), (start + 26 + slope, 224), (start + slope, 224)]
            draw.polygon([(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in corners], fill=second)
    elif scene.background == "window":
        left = rng.uniform(20, 60)
        for x in (left, left + 72):
            for y in (14, 86):
                box = [v * OVERSAMPLING for v in (x, y, x + 64, y + 64)]
                draw.rounded_rectangle(box, radius=6 * OVERSAMPLING, fill=lighter(second, 0.45))
        draw.rectangle([0, 172 * OVERSAMPLING, PIXELS, PIXELS], fill=second)
    elif scene.background == "leaves":
        for _ in range(16):
            disc(rng.uniform(0, 224), rng.uniform(0, 224), rng.uniform(8, 34), mix(first, second, rng.uniform(0.3, 1)))
    elif scene.background == "fade":
        ramp = Image.linear_gradient("L").resize((PIXELS, PIXELS))
        picture = Image.composite(blank(second), picture, ramp)
    if style == "soft" and scene.background not in ("plain", "fade"):
        picture = picture.filter(ImageFilter.GaussianBlur(10))
    return picture


def plain_background() -> Image.Image:
    """Return a backdrop in one even colour."""
    return blank(PLAIN_BACKGROUND)


def lit(picture: Image.Image, warmth: float) -> Image.Image:
    """Tint a whole picture towards lamp light (``warmth`` 1) or evening light (-1)."""
    tint: Colour = (255, 214, 150) if warmth > 0 else (150, 180, 255)
    share = abs(warmth) * 0.07
    bands = picture.split()
    return Image.merge(
        "RGB",
        [
            band.point([round(level * (1 - share) + level * tone / 255 * share) for level in range(256)])
            for band, tone in zip(bands, tint, strict=True)
        ],
    )
